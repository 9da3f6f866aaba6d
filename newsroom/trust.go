package newsroom

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"tidings/internal/atomicfile"
)

// An old database that somebody puts back does not know what was mailed since, and would mail it again. Two things beside it tell: the
// pages of past issues, and a file that counts the newsletter's senders that have begun, as the database does.

// trusted gives an error for an order that must wait for the word that it is meant, and takes the order for that word if it is one.
func (n *Newsroom) trusted(ctx context.Context, o Order) error {
	if err := n.resumed(ctx, o); err != nil {
		return err
	}
	err := n.forgotten(ctx, o.Newsletter)
	if !errors.Is(err, ErrForgotten) || !o.Again {
		return err
	}
	if err := n.Ledger.Doubt(ctx, o.Newsletter, n.now()); err != nil {
		return err
	}
	return n.begin(ctx, o.Newsletter)
}

// forgotten gives ErrForgotten if more was sent than the database knows.
func (n *Newsroom) forgotten(ctx context.Context, newsletter string) error {
	last, err := n.lastPublished(newsletter)
	if err != nil {
		return err
	}
	next, err := n.Ledger.Next(ctx, newsletter)
	if err != nil {
		return err
	}
	if last >= next {
		return fmt.Errorf("%w: %s-%d", ErrForgotten, newsletter, last)
	}
	known, err := n.Ledger.Sendings(ctx, newsletter)
	if err != nil {
		return err
	}
	if begun := n.begun(newsletter); begun > known {
		return fmt.Errorf("%w: it knows of %d senders, and %d have begun", ErrForgotten, known, begun)
	}
	return nil
}

// counter is the file that counts the senders of a newsletter.
func (n *Newsroom) counter(newsletter string) string {
	return filepath.Join(n.Config.State(), "sendings-"+newsletter)
}

// begun is how many senders have begun by the file beside the database; 0 if there is none.
func (n *Newsroom) begun(newsletter string) int64 {
	text, err := os.ReadFile(n.counter(newsletter))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		n.log.Warn("the count of senders cannot be read", "error", err)
	}
	count, _ := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64) // what somebody spoilt says nothing
	return count
}

// begin counts a sender: in the database first, so that the file is never ahead of it.
func (n *Newsroom) begin(ctx context.Context, newsletter string) error {
	count, err := n.Ledger.Begin(ctx, newsletter, n.begun(newsletter))
	if err != nil {
		return err
	}
	return atomicfile.Write(n.counter(newsletter), strconv.AppendInt(nil, count, 10), 0o600)
}

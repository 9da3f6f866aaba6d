package newsroom

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"strconv"
	"time"

	"tidings/publish"
)

// Look is what a look at the items folder and the ledger tells the daemon: whether there may be something to publish.
type Look struct {
	Print      string    // changes whenever publishing may give something else
	Pending    bool      // some files were left for a later look
	First      bool      // nothing was taken yet since the newsroom was opened
	NextChange time.Time // when a story begins or ceases to show, or changes, or waits no more, by itself; zero if none does
}

// Look looks at the items folder and stores nothing.
func (n *Newsroom) Look(ctx context.Context) (Look, error) {
	n.desk.Lock()
	defer n.desk.Unlock()
	desk, err := n.look(ctx)
	if err != nil {
		return Look{}, err
	}
	look := Look{Pending: desk.Scan.Pending(), First: true, NextChange: desk.NextChange()}
	for _, f := range desk.Scan.Files {
		look.First = look.First && f.Pending
	}
	look.Print, err = n.deskPrint(ctx, desk)
	return look, err
}

// verifyEvery is how often the publish folder is looked at for files that somebody deleted.
const verifyEvery = time.Minute

// deskPrint is of all that a publication depends on.
func (n *Newsroom) deskPrint(ctx context.Context, desk Desk) (string, error) {
	issues, err := n.Ledger.Version(ctx)
	if err != nil {
		return "", err
	}
	if err := n.verify(ctx); err != nil {
		return "", err
	}
	versions, err := n.versions(ctx)
	if err != nil {
		return "", err
	}
	return publish.PrintOf(desk.print, strconv.Itoa(issues), versions, strconv.Itoa(n.lost)), nil
}

// verify looks for files that somebody deleted: now and then, and at once if the whole publish folder is another one.
func (n *Newsroom) verify(ctx context.Context) error {
	public, err := os.Stat(n.Config.Publish)
	if err == nil && os.SameFile(public, n.folderSeen) && n.now().Sub(n.verified).Abs() < verifyEvery {
		return nil
	}
	lost, err := n.public.Verify(ctx)
	if err != nil {
		return err
	}
	n.lost, n.verified, n.folderSeen = n.lost+lost, n.now(), public
	return nil
}

// versions change whenever a process stores something of the stories, or of what it published.
func (n *Newsroom) versions(ctx context.Context) (all string, err error) {
	for _, name := range []string{"stories", "published"} {
		var v string
		err := n.db.QueryRowContext(ctx, `SELECT value FROM settings WHERE name = $1`, name).Scan(&v)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return "", err
		}
		all += name + v + " "
	}
	return all, nil
}

// Erased tells whether the address of a story's page, which has this slug, was that of one that was erased.
func (n *Newsroom) Erased(ctx context.Context, slug string) (bool, error) {
	return n.stories.WasErased(ctx, slug)
}

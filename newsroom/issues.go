package newsroom

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"tidings/mailer/ledger"
)

// ErrNoIssue says that there is no issue of that name.
var ErrNoIssue = errors.New("no such issue")

// Issue is an issue with its account.
type Issue struct {
	ledger.Issue
	Account   ledger.Account
	Revisions []ledger.Revision // only from Deliveries
}

// Issues gives the issues of all newsletters, oldest first.
func (n *Newsroom) Issues(ctx context.Context) ([]Issue, error) {
	all, err := n.Ledger.Issues(ctx, "")
	if err != nil {
		return nil, err
	}
	out := make([]Issue, len(all))
	for i, issue := range all {
		out[i].Issue = issue
		if out[i].Account, err = n.Ledger.Account(ctx, issue); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// issue finds an issue by its name, such as weekly-12.
func (n *Newsroom) issue(ctx context.Context, name string) (ledger.Issue, error) {
	all, err := n.Ledger.Issues(ctx, "")
	if err != nil {
		return ledger.Issue{}, err
	}
	for _, i := range all {
		if i.Name() == name {
			return i, nil
		}
	}
	return ledger.Issue{}, fmt.Errorf("%w: %q", ErrNoIssue, name)
}

// Delivery is what became of one recipient's copy.
type Delivery struct {
	ledger.Delivery
	Email string // "" once the person was erased
}

// Deliveries gives an issue and what became of each recipient's copy, those of one state or, for "", all.
func (n *Newsroom) Deliveries(ctx context.Context, name string, state ledger.State) (Issue, iter.Seq2[Delivery, error], error) {
	i, err := n.issue(ctx, name)
	if err != nil {
		return Issue{}, nil, err
	}
	account, err := n.Ledger.Account(ctx, i)
	if err != nil {
		return Issue{}, nil, err
	}
	revisions, err := n.Ledger.Revisions(ctx, i)
	if err != nil {
		return Issue{}, nil, err
	}
	return Issue{i, account, revisions}, n.deliveries(ctx, i, state), nil
}

// deliveries reads a page at a time, for the list of recipients may not fit into memory.
func (n *Newsroom) deliveries(ctx context.Context, i ledger.Issue, state ledger.State) iter.Seq2[Delivery, error] {
	return func(yield func(Delivery, error) bool) {
		for after := int64(0); ; {
			page, err := n.Ledger.Deliveries(ctx, i, state, after, readAhead)
			if err == nil && len(page) == 0 {
				return
			}
			var emails map[int64]string
			if err == nil {
				emails, err = n.Subscribers.Emails(ctx, idsIn(page))
			}
			if err != nil {
				yield(Delivery{}, err)
				return
			}
			for _, d := range page {
				if !yield(Delivery{d, emails[d.Subscriber]}, nil) {
					return
				}
			}
			after = page[len(page)-1].Subscriber
		}
	}
}

func idsIn(page []ledger.Delivery) []int64 {
	ids := make([]int64, len(page))
	for i, d := range page {
		ids[i] = d.Subscriber
	}
	return ids
}

// Stop halts an issue until it is sent on by a deliberate word. A sender that is at work on it stops within two seconds.
func (n *Newsroom) Stop(ctx context.Context, name string) error {
	i, err := n.issue(ctx, name)
	if err != nil {
		return err
	}
	return n.Ledger.Stop(ctx, i)
}

// Resent is what became of a Resend.
type Resent struct {
	Sent
	Again int64 // how many it was to go to
	Kept  int64 // how many are in the state still, for they left or are suppressed
}

// Resend sends an issue once more to exactly those of its recipients who are in this state and get the newsletter still, with the same
// Message-IDs. An issue that was stopped has to be gone on with first (ledger.ErrStopped).
func (n *Newsroom) Resend(ctx context.Context, name string, state ledger.State) (r Resent, err error) {
	i, err := n.issue(ctx, name)
	if err != nil {
		return r, err
	}
	release, err := n.lockSending(i.Newsletter)
	if err != nil {
		return r, err
	}
	defer release()
	if err := n.held(); err != nil {
		return r, err
	}
	if r.Again, r.Kept, err = n.Ledger.Reopen(ctx, i, state, n.now()); err != nil || r.Again == 0 {
		return r, err
	}
	i.State, i.Finished = ledger.Unfinished, time.Time{}
	r.Sent, err = n.deliver(ctx, Sent{Issue: i, Continued: true, again: true})
	return r, err
}

package newsroom

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"tidings/digest"
	"tidings/mailer/ledger"
)

// scrub takes stories that were erased out of what the database keeps of issues, and out of its free pages and its log, and what an earlier
// call did not come to, too. Before all is published, the database may know their pages and their pictures, too: then a later call does the
// rest. Mails that went out cannot be called back.
func (n *Newsroom) scrub(ctx context.Context, published bool) error {
	erased, more, err := n.stories.Unscrubbed(ctx)
	if err != nil || !more {
		return err
	}
	if len(erased) > 0 {
		if err := n.scrubIssues(ctx, erased); err != nil {
			return err
		}
	}
	if !published {
		return n.db.Truncate(ctx)
	}
	if err := n.assets.Prune(ctx, n.db); err != nil {
		return err
	}
	if err := n.db.Truncate(ctx); err != nil {
		return err
	}
	return n.stories.Cleared(ctx)
}

func (n *Newsroom) scrubIssues(ctx context.Context, erased []string) error {
	issues, err := n.Ledger.IssuesWith(ctx, erased)
	if err != nil {
		return err
	}
	for _, i := range issues {
		n.log.Warn("a story was erased that an issue has told: mails that went out cannot be called back", "issue", i.Name())
		if err := n.scrubIssue(ctx, i, erased); err != nil {
			return err
		}
	}
	return n.stories.Scrubbed(ctx)
}

func (n *Newsroom) scrubIssue(ctx context.Context, i ledger.Issue, erased []string) error {
	var d digest.Issue
	if err := json.Unmarshal(i.Content, &d); err != nil {
		return fmt.Errorf("issue %s: %w", i.Name(), err)
	}
	d, taken := d.Without(func(id string) bool { return slices.Contains(erased, id) })
	if taken == 0 {
		return n.Ledger.Scrub(ctx, i, nil)
	}
	if len(d.Articles) == 0 {
		return n.scrubWhole(ctx, i, d)
	}
	var err error
	if d.Subject, err = n.subject(d); err != nil {
		return err
	}
	messages, err := n.freeze(ctx, &i, d)
	if err != nil {
		return err
	}
	if i.State != ledger.Finished {
		_, err = n.Ledger.Revise(ctx, i, messages, taken, n.now())
		messages = nil
	}
	if err == nil {
		err = n.Ledger.Scrub(ctx, i, messages)
	}
	return err
}

// scrubWhole empties an issue of which nothing is left: who has not been sent it gets nothing.
func (n *Newsroom) scrubWhole(ctx context.Context, i ledger.Issue, d digest.Issue) (err error) {
	d.Subject = d.Title
	if i.Content, err = json.Marshal(d); err != nil {
		return err
	}
	if i.State != ledger.Finished {
		if err := n.Ledger.CallOff(ctx, i, "its stories were taken back before their turn", n.now()); err != nil {
			return err
		}
	}
	return n.Ledger.Scrub(ctx, i, []byte("{}"))
}

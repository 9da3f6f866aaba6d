// Package ledger keeps the account of what was sent to whom. Each issue of a newsletter has one row for each recipient,
// and each row ends in one of four states, so that
//
//	audience = accepted + rejected + suppressed + unknown
//
// holds when the issue is finished. A row moves only by compare-and-set:
//
//	pending ──▶ sending ──▶ accepted    the server took the mail
//	   │           ├──────▶ rejected    it refused it for good, or for too long
//	   │           ├──────▶ deferred    it refused it for now: sent again at a later time
//	   │           └──────▶ unknown     it may or may not have taken it: nobody saw its answer
//	   └─────────────────▶ suppressed   the person left before their turn
//
// The time between the final dot of a mail and the stored answer cannot be made safe (RFC 1047): a row that is found
// in state sending after its sender has died becomes unknown, never pending, so nobody gets an issue twice.
//
// The ledger holds no addresses: it reads them from the view audience at the moment of sending.
package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"tidings/internal/db"
)

// State is the state of one delivery.
type State string

// The states of a delivery; see the package comment.
const (
	Pending    State = "pending"
	Sending    State = "sending"
	Accepted   State = "accepted"
	Deferred   State = "deferred"
	Rejected   State = "rejected"
	Unknown    State = "unknown"
	Suppressed State = "suppressed"
)

// IssueState is the state of an issue as a whole.
type IssueState string

// The states of an issue: it is Unfinished until its account balances.
const (
	Unfinished IssueState = "sending"
	Finished   IssueState = "finished"
)

// Issue is one issue of a newsletter as the ledger holds it.
type Issue struct {
	ID         int64
	Newsletter string
	Number     int
	Slot       time.Time // the scheduled time it answers to; zero when sent by hand
	State      IssueState
	Revision   int    // of Content: 1, or greater when stories were taken out since
	Content    []byte // what it shows, frozen; its form is the caller's
	Created    time.Time
	Finished   time.Time // zero while unfinished
}

// Name is what people call the issue: "weekly-12".
func (i Issue) Name() string { return fmt.Sprintf("%s-%d", i.Newsletter, i.Number) }

// Ledger is the account in the database.
type Ledger struct{ DB *db.DB }

// ErrSlotTaken says that there is an issue for this slot already: it is served.
var ErrSlotTaken = errors.New("there is an issue for this time already")

// Open writes a new issue with its composed messages and its stories into the ledger and expands the newsletter's audience into its deliveries, all
// or nothing: with an error the Issue is the zero one. The issue's number must be the one that Next gave. ErrSlotTaken says that another process was faster and
// serves the slot. Where only the number was taken meanwhile the error is another, for the slot is still to be served.
func (l Ledger) Open(ctx context.Context, i Issue, messages []byte, stories []string) (Issue, error) {
	i.State, i.Revision = Unfinished, 1
	err := l.DB.Write(ctx, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, `INSERT INTO issues (newsletter, number, slot, state, content, messages, created)
			VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (newsletter, slot) WHERE slot <> 0 DO NOTHING RETURNING id`,
			i.Newsletter, i.Number, db.Micros(i.Slot), i.State, i.Content, messages, db.Micros(i.Created)).Scan(&i.ID)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrSlotTaken
		} else if err != nil {
			return err
		}
		for _, story := range stories {
			if _, err := tx.ExecContext(ctx, `INSERT INTO issue_items (issue, story) VALUES ($1, $2)`, i.ID, story); err != nil {
				return err
			}
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO deliveries (issue, subscriber, state)
			SELECT $1, subscriber, 'pending' FROM audience WHERE newsletter = $2`, i.ID, i.Newsletter)
		return err
	})
	if err != nil {
		return Issue{}, err // whatever id it had for a moment, there is no such issue
	}
	return i, nil
}

// Next gives the number that the next issue of a newsletter gets.
func (l Ledger) Next(ctx context.Context, newsletter string) (int, error) {
	var n int
	err := l.DB.QueryRowContext(ctx, `SELECT COALESCE(MAX(number), 0) + 1 FROM issues WHERE newsletter = $1`, newsletter).Scan(&n)
	return n, err
}

// Messages gives an issue's composed messages as Open got them.
func (l Ledger) Messages(ctx context.Context, i Issue) ([]byte, error) {
	var m []byte
	err := l.DB.QueryRowContext(ctx, `SELECT messages FROM issues WHERE id = $1`, i.ID).Scan(&m)
	return m, err
}

// Told gives the stories that have been in an issue of a newsletter, with the issue's number.
func (l Ledger) Told(ctx context.Context, newsletter string) (map[string]int, error) {
	rows, err := l.DB.QueryContext(ctx, `SELECT x.story, i.number FROM issue_items x JOIN issues i ON i.id = x.issue WHERE i.newsletter = $1`, newsletter)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	told := map[string]int{}
	for rows.Next() {
		var story string
		var number int
		if err := rows.Scan(&story, &number); err != nil {
			return nil, err
		}
		told[story] = number
	}
	return told, rows.Err()
}

// Issues gives all issues of a newsletter, or of all newsletters when it is "", oldest first.
func (l Ledger) Issues(ctx context.Context, newsletter string) ([]Issue, error) {
	return l.issues(ctx, `WHERE $1 = '' OR newsletter = $1`, newsletter)
}

// UnfinishedIssues gives the issues that still have deliveries to make, oldest first; "" means of all newsletters.
func (l Ledger) UnfinishedIssues(ctx context.Context, newsletter string) ([]Issue, error) {
	return l.issues(ctx, `WHERE ($1 = '' OR newsletter = $1) AND state = 'sending'`, newsletter)
}

// Issue gives an issue as it is now.
func (l Ledger) Issue(ctx context.Context, id int64) (Issue, error) {
	all, err := l.Issues(ctx, "")
	for _, i := range all {
		if i.ID == id {
			return i, nil
		}
	}
	return Issue{}, errors.Join(err, fmt.Errorf("issue %d is not in the ledger", id))
}

func (l Ledger) issues(ctx context.Context, where, newsletter string) ([]Issue, error) {
	rows, err := l.DB.QueryContext(ctx, `SELECT id, newsletter, number, slot, state, revision, content, created, finished FROM issues `+where+
		` ORDER BY created, id`, newsletter)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Issue
	for rows.Next() {
		var i Issue
		var slot, created, finished int64
		if err := rows.Scan(&i.ID, &i.Newsletter, &i.Number, &slot, &i.State, &i.Revision, &i.Content, &created, &finished); err != nil {
			return nil, err
		}
		i.Slot, i.Created, i.Finished = db.Time(slot), db.Time(created), db.Time(finished)
		out = append(out, i)
	}
	return out, rows.Err()
}

// Count gives the number of issues of all newsletters.
func (l Ledger) Count(ctx context.Context) (int, error) {
	var n int
	err := l.DB.QueryRowContext(ctx, `SELECT COUNT(*) FROM issues`).Scan(&n)
	return n, err
}

// Version grows whenever an issue is made, or its content changes.
func (l Ledger) Version(ctx context.Context) (int, error) {
	var n int
	err := l.DB.QueryRowContext(ctx, `SELECT COALESCE(SUM(revision), 0) FROM issues`).Scan(&n)
	return n, err
}

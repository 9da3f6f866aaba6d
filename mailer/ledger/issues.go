package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"tidings/internal/db"
)

// Stopped is the state of an issue that waits for a deliberate word before it is sent on.
const Stopped IssueState = "stopped"

// State gives the state that an issue is in now.
func (l Ledger) State(ctx context.Context, i Issue) (state IssueState, err error) {
	err = l.DB.QueryRowContext(ctx, `SELECT state FROM issues WHERE id = $1`, i.ID).Scan(&state)
	return state, err
}

// ErrNotRunning says that an issue has nothing left to stop.
var ErrNotRunning = errors.New("the issue is finished, or stopped already")

// Stop halts an unfinished issue.
func (l Ledger) Stop(ctx context.Context, i Issue) error {
	return l.DB.Write(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE issues SET state = 'stopped' WHERE id = $1 AND state = 'sending'`, i.ID)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 1 {
			return err
		}
		return fmt.Errorf("%s: %w", i.Name(), ErrNotRunning)
	})
}

// StoppedIssues gives the issues of a newsletter that were stopped, oldest first.
func (l Ledger) StoppedIssues(ctx context.Context, newsletter string) ([]Issue, error) {
	return l.issues(ctx, `WHERE newsletter = $1 AND state = 'stopped'`, newsletter)
}

// Restart takes the stopped issues of a newsletter up again, and gives them, oldest first.
func (l Ledger) Restart(ctx context.Context, newsletter string) ([]Issue, error) {
	stopped, err := l.StoppedIssues(ctx, newsletter)
	if err != nil || len(stopped) == 0 {
		return nil, err
	}
	err = l.DB.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE issues SET state = 'sending' WHERE newsletter = $1 AND state = 'stopped'`, newsletter)
		return err
	})
	for i := range stopped {
		stopped[i].State = Unfinished
	}
	return stopped, err
}

// ErrStopped says that an issue waits for a word before it is sent on.
var ErrStopped = errors.New("the issue was stopped")

// Reopen makes the deliveries of an issue that are in this state pending again, as if they had never been tried, and gives their
// number. Those of people who would not get the newsletter now, since they left or were suppressed, are kept as they are: kept is their
// number. The issue must not be stopped.
func (l Ledger) Reopen(ctx context.Context, i Issue, state State, now time.Time) (n, kept int64, err error) {
	err = l.DB.Write(ctx, func(tx *sql.Tx) error {
		var is IssueState
		if err := tx.QueryRowContext(ctx, `SELECT state FROM issues WHERE id = $1`, i.ID).Scan(&is); err != nil {
			return err
		}
		if is == Stopped {
			return fmt.Errorf("%s: %w", i.Name(), ErrStopped)
		}
		res, err := tx.ExecContext(ctx, `UPDATE deliveries SET state = 'pending', next_at = -1, tries = 0, changed = $1 WHERE issue = $2 AND state = $3
			AND subscriber IN (SELECT subscriber FROM audience WHERE newsletter = $4)`, db.Micros(now), i.ID, state, i.Newsletter)
		if err != nil {
			return err
		}
		if n, err = res.RowsAffected(); err != nil {
			return err
		}
		err = tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM deliveries WHERE issue = $1 AND state = $2`, i.ID, state).Scan(&kept)
		if err != nil || n == 0 {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE issues SET state = 'sending', finished = 0 WHERE id = $1`, i.ID)
		return err
	})
	return n, kept, err
}

// Delivery is what became of one recipient's copy of an issue.
type Delivery struct {
	Subscriber int64
	State      State
	Tries      int
	Next       time.Time // Deferred: not before
	Reply      string
	Changed    time.Time
	Revision   int // of the issue, that was sent; 0: none yet
}

// Deliveries lists the deliveries of an issue in order of subscribers, at most limit of them behind the one after; those of one
// state or, for "", all.
func (l Ledger) Deliveries(ctx context.Context, i Issue, state State, after int64, limit int) ([]Delivery, error) {
	rows, err := l.DB.QueryContext(ctx, `SELECT subscriber, state, tries, next_at, reply, changed, revision FROM deliveries
		WHERE issue = $1 AND subscriber > $2 AND ($3 = '' OR state = $3) ORDER BY subscriber LIMIT $4`, i.ID, after, state, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Delivery
	for rows.Next() {
		var d Delivery
		var next, changed int64
		if err := rows.Scan(&d.Subscriber, &d.State, &d.Tries, &next, &d.Reply, &changed, &d.Revision); err != nil {
			return nil, err
		}
		d.Next, d.Changed = db.Time(next), db.Time(changed)
		out = append(out, d)
	}
	return out, rows.Err()
}

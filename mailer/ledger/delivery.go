package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"tidings/internal/db"
)

// Outcome is how an attempt ended.
type Outcome struct {
	State State     // Accepted, Rejected, Deferred, Unknown, or Pending when nothing was tried after all
	Reply string    // the server's last word
	Next  time.Time // Deferred: not before
}

// Deliveries that have not come to an end are found by an index of theirs, which SQLite takes only where its condition is
// repeated to the letter, and by itself not even then.
const (
	openDeliveries = `deliveries INDEXED BY deliveries_open`
	open           = `(state = 'pending' OR state = 'sending' OR state = 'deferred')`
)

// Abandoned moves the deliveries of an issue that a dead sender left in Sending to Unknown. The caller must hold the lock
// that every sender of this issue holds: then no living one can own them. It gives their number.
func (l Ledger) Abandoned(ctx context.Context, issue Issue, now time.Time) (n int64, err error) {
	err = l.DB.Write(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE `+openDeliveries+` SET state = 'unknown', changed = $1,
			reply = 'the sender stopped before the server''s answer was stored' WHERE issue = $2 AND state = 'sending' AND `+open, db.Micros(now), issue.ID)
		if err != nil {
			return err
		}
		n, err = res.RowsAffected()
		return err
	})
	return n, err
}

// Finish ends the issue if its account balances, and tells whether it did.
func (l Ledger) Finish(ctx context.Context, issue Issue, now time.Time) (done bool, err error) {
	err = l.DB.Write(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE issues SET state = 'finished', finished = $1 WHERE id = $2 AND state = 'sending'
			AND NOT EXISTS (SELECT 1 FROM `+openDeliveries+` WHERE issue = $2 AND `+open+`)`, db.Micros(now), issue.ID)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		done = n == 1
		return err
	})
	return done, err
}

// Account is how many of an issue's recipients are in which state.
type Account map[State]int

// Audience is how many recipients the issue has.
func (a Account) Audience() int {
	n := 0
	for _, c := range a {
		n += c
	}
	return n
}

// Open is how many recipients have not come to an end yet.
func (a Account) Open() int { return a[Pending] + a[Sending] + a[Deferred] }

// String gives the account in one line, what is still open behind it only where there is any.
func (a Account) String() string {
	noun := "recipients"
	if a.Audience() == 1 {
		noun = "recipient"
	}
	s := fmt.Sprintf("%d %s = %d accepted + %d rejected + %d suppressed + %d unknown",
		a.Audience(), noun, a[Accepted], a[Rejected], a[Suppressed], a[Unknown])
	if a[Pending]+a[Sending] > 0 {
		s += fmt.Sprintf(" + %d pending", a[Pending]+a[Sending])
	}
	if a[Deferred] > 0 {
		s += fmt.Sprintf(" + %d deferred", a[Deferred])
	}
	return s
}

// Account counts the deliveries of an issue.
func (l Ledger) Account(ctx context.Context, issue Issue) (Account, error) {
	rows, err := l.DB.QueryContext(ctx, `SELECT state, COUNT(*) FROM deliveries WHERE issue = $1 GROUP BY state`, issue.ID)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	a := Account{}
	for rows.Next() {
		var s State
		var n int
		if err := rows.Scan(&s, &n); err != nil {
			return nil, err
		}
		a[s] = n
	}
	return a, rows.Err()
}

// NextTry is the earliest time at which a deferred delivery of the issue may be tried again; zero when there is none.
func (l Ledger) NextTry(ctx context.Context, issue Issue) (time.Time, error) {
	var at int64
	err := l.DB.QueryRowContext(ctx, nextTry, issue.ID).Scan(&at)
	return db.Time(at), err
}

// HasWork tells whether a delivery of the issue may be tried now, or was left behind by a sender that died.
func (l Ledger) HasWork(ctx context.Context, issue Issue, now time.Time) (bool, error) {
	var work bool
	err := l.DB.QueryRowContext(ctx, hasWork, issue.ID, db.Micros(now)).Scan(&work)
	return work, err
}

const (
	nextTry = `SELECT COALESCE(MIN(next_at), 0) FROM ` + openDeliveries + ` WHERE issue = $1 AND state = 'deferred' AND ` + open
	hasWork = `SELECT EXISTS (SELECT 1 FROM ` + openDeliveries + ` WHERE issue = $1 AND (state <> 'deferred' OR next_at <= $2) AND ` + open + `)`
)

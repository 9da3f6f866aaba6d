package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"tidings/internal/db"
)

// Recipient is whose turn it is, as they are at this moment.
type Recipient struct {
	Subscriber int64
	Email      string
	Name       string
	Language   string
	Tries      int // this one included
}

// Claim takes the next delivery of an issue whose turn has come and moves it to Sending in the name of sender. Whoever has
// left or was suppressed by now is moved to Suppressed instead and passed over. ok is false when none is left for now.
func (l Ledger) Claim(ctx context.Context, issue Issue, sender string, now time.Time) (r Recipient, ok bool, err error) {
	err = l.DB.Write(ctx, func(tx *sql.Tx) error {
		for {
			r.Subscriber, err = next(ctx, tx, issue.ID, now)
			if errors.Is(err, sql.ErrNoRows) {
				return nil
			} else if err != nil {
				return err
			}
			err = tx.QueryRowContext(ctx, `SELECT email, name, language FROM audience WHERE newsletter = $1 AND subscriber = $2`,
				issue.Newsletter, r.Subscriber).Scan(&r.Email, &r.Name, &r.Language)
			ok = err == nil
			if err != nil && !errors.Is(err, sql.ErrNoRows) {
				return err
			}
			if r.Tries, err = claim(ctx, tx, issue.ID, r.Subscriber, ok, sender, now); err != nil || ok {
				return err
			}
		}
	})
	if err != nil || !ok {
		return Recipient{}, false, err
	}
	return r, true, nil
}

// The turns: first those not tried yet, then those whose pause is over. SQLite goes by the index of states only where that
// index alone gives the answer, else past all who were dealt with; so what else is to be known is asked of each one found.
const (
	nextPending  = `SELECT subscriber FROM deliveries WHERE issue = $1 AND state = 'pending' ORDER BY subscriber LIMIT 1`
	nextDeferred = `SELECT x.subscriber FROM deliveries x JOIN deliveries d ON d.issue = x.issue AND d.subscriber = x.subscriber
		WHERE x.issue = $1 AND x.state = 'deferred' AND d.next_at <= $2 ORDER BY x.subscriber LIMIT 1`
)

// next finds the recipient whose turn it is.
func next(ctx context.Context, tx *sql.Tx, issue int64, now time.Time) (subscriber int64, err error) {
	err = tx.QueryRowContext(ctx, nextPending, issue).Scan(&subscriber)
	if errors.Is(err, sql.ErrNoRows) {
		err = tx.QueryRowContext(ctx, nextDeferred, issue, db.Micros(now)).Scan(&subscriber)
	}
	return subscriber, err
}

// claim moves a delivery to Sending, or to Suppressed if the mail is not wanted any more, and counts the tries.
func claim(ctx context.Context, tx *sql.Tx, issue, subscriber int64, wanted bool, sender string, now time.Time) (tries int, err error) {
	state, reply, try := Sending, "", 1
	if !wanted {
		state, sender, reply, try = Suppressed, "", "left or suppressed before their turn", 0
	}
	err = tx.QueryRowContext(ctx, `UPDATE deliveries SET state = $1, sender = $2, tries = tries + $3, reply = $4, changed = $5
		WHERE issue = $6 AND subscriber = $7 AND state IN ('pending', 'deferred') RETURNING tries`,
		state, sender, try, reply, db.Micros(now), issue, subscriber).Scan(&tries)
	return tries, err
}

// Outcome is how an attempt ended.
type Outcome struct {
	State State     // Accepted, Rejected, Deferred, Unknown, or Pending when nothing was tried after all
	Reply string    // the server's last word
	Next  time.Time // Deferred: not before
}

// ErrNotClaimed says that the delivery is not, or no longer, in the hands of this sender.
var ErrNotClaimed = errors.New("the delivery is not in the hands of this sender")

// Record ends the attempt that Claim began in the name of the same sender. With Pending it does not count as a try.
func (l Ledger) Record(ctx context.Context, issue Issue, subscriber int64, sender string, o Outcome, now time.Time) error {
	return l.DB.Write(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE deliveries SET state = $1, sender = '', reply = $2, next_at = $3, changed = $4,
			tries = CASE WHEN $1 = 'pending' THEN tries - 1 ELSE tries END
			WHERE issue = $5 AND subscriber = $6 AND state = 'sending' AND sender = $7`,
			o.State, o.Reply, db.Micros(o.Next), db.Micros(now), issue.ID, subscriber, sender)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 1 {
			return err
		}
		return fmt.Errorf("issue %s, subscriber %d: %w", issue.Name(), subscriber, ErrNotClaimed)
	})
}

// Abandoned moves the deliveries of an issue that a dead sender left in Sending to Unknown. The caller must hold the lock
// that every sender of this issue holds: then no living one can own them. It gives their number.
func (l Ledger) Abandoned(ctx context.Context, issue Issue, now time.Time) (n int64, err error) {
	err = l.DB.Write(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE deliveries SET state = 'unknown', changed = $1,
			reply = 'the sender stopped before the server''s answer was stored' WHERE issue = $2 AND state = 'sending'`, db.Micros(now), issue.ID)
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
			AND NOT EXISTS (SELECT 1 FROM deliveries WHERE issue = $2 AND state IN ('pending', 'sending', 'deferred'))`, db.Micros(now), issue.ID)
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
	err := l.DB.QueryRowContext(ctx, `SELECT COALESCE(MIN(next_at), 0) FROM deliveries WHERE issue = $1 AND state = 'deferred'`, issue.ID).Scan(&at)
	return db.Time(at), err
}

// HasWork tells whether a delivery of the issue may be tried now, or was left behind by a sender that died.
func (l Ledger) HasWork(ctx context.Context, issue Issue, now time.Time) (bool, error) {
	var work bool
	err := l.DB.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM deliveries WHERE issue = $1 AND state IN ('pending', 'sending'))
		OR EXISTS (SELECT 1 FROM deliveries WHERE issue = $1 AND state = 'deferred' AND next_at <= $2)`, issue.ID, db.Micros(now)).Scan(&work)
	return work, err
}

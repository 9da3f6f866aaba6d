package subscribers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"tidings/internal/db"
)

// Store is the subscriber list in the database. It may be used by several goroutines at once if Random may.
type Store struct {
	DB     *db.DB
	Random io.Reader // subscribers' ids are made of it: crypto/rand.Reader
}

// errNoSource: a consent that cannot be traced is none.
var errNoSource = errors.New("it is not said where the consent comes from")

// Add subscribes a person to newsletters and notes source, in words, as where the consent comes from. Who is in already
// stays as they are, name and language included; who left a newsletter or is suppressed is not brought back; the result
// tells. Email, Name, Language and Newsletters of sub are used. Errors: *BadAddress, a name or language that cannot be
// used, no newsletter, no source, the database's.
func (s *Store) Add(ctx context.Context, sub Subscriber, source string, now time.Time) (Result, error) {
	e, err := newEntry(sub)
	if err != nil {
		return Result{}, err
	}
	if strings.TrimSpace(source) == "" {
		return Result{}, errNoSource
	}
	var results []Result
	err = s.DB.Write(ctx, func(tx *sql.Tx) error {
		results, err = s.admit(ctx, tx, []entry{e}, source, now)
		return err
	})
	if err != nil {
		return Result{}, err
	}
	return results[0], nil
}

func newEntry(sub Subscriber) (entry, error) {
	addr, err := Fold(sub.Email)
	if err != nil {
		return entry{}, err
	}
	name, err := plainName(sub.Name)
	if err != nil {
		return entry{}, fmt.Errorf("the name %w", err)
	}
	lang, err := languageTag(sub.Language)
	if err != nil {
		return entry{}, fmt.Errorf("the language %q %w", sub.Language, err)
	}
	if len(sub.Newsletters) == 0 || slices.Contains(sub.Newsletters, "") {
		return entry{}, errors.New("no newsletter is named")
	}
	newsletters := slices.Compact(slices.Sorted(slices.Values(sub.Newsletters)))
	return entry{addr: addr, name: name, language: lang, newsletters: newsletters}, nil
}

// Leave ends a subscription and notes the consent as withdrawn, with source in words. Who left before stays so, and is
// told by Already. ErrUnknown: there is, or was, no such subscription.
func (s *Store) Leave(ctx context.Context, subscriber int64, newsletter, source string, now time.Time) (Departure, error) {
	var d Departure
	err := s.DB.Write(ctx, func(tx *sql.Tx) error {
		done, err := leave(ctx, tx, subscriber, newsletter, source, now)
		if err != nil {
			return err
		}
		var changed int64
		err = tx.QueryRowContext(ctx, `SELECT s.email, p.changed FROM subscribers s JOIN subscriptions p ON p.subscriber = s.id
			WHERE s.id = $1 AND p.newsletter = $2`, subscriber, newsletter).Scan(&d.Email, &changed)
		d.At, d.Already = db.Time(changed), !done
		return unknown(err)
	})
	return d, err
}

// leave tells whether there was an active subscription to end.
func leave(ctx context.Context, tx *sql.Tx, subscriber int64, newsletter, source string, now time.Time) (bool, error) {
	res, err := tx.ExecContext(ctx, `UPDATE subscriptions SET state = 'left', changed = $1
		WHERE subscriber = $2 AND newsletter = $3 AND state = 'active'`, db.Micros(now), subscriber, newsletter)
	if err != nil {
		return false, err
	}
	if n, err := res.RowsAffected(); n == 0 || err != nil {
		return false, err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO consents (subscriber, newsletter, action, source, at)
		VALUES ($1, $2, 'withdrawn', $3, $4)`, subscriber, newsletter, source, db.Micros(now))
	return err == nil, err
}

// returnable is the condition for a subscription p, $1 and $2, to be taken up again: the person ended it by a word of source $3, and
// the address is not suppressed.
const returnable = `p.subscriber = $1 AND p.newsletter = $2 AND p.state = 'left'
	AND EXISTS (SELECT 1 FROM consents c WHERE c.subscriber = p.subscriber AND c.newsletter = p.newsletter
		AND c.action = 'withdrawn' AND c.source = $3 AND c.at = p.changed)
	AND NOT EXISTS (SELECT 1 FROM suppressions x JOIN subscribers s ON s.address = x.address WHERE s.id = p.subscriber)`

// MayReturn tells whether somebody left a newsletter by a word of this source and is not suppressed.
func (s *Store) MayReturn(ctx context.Context, subscriber int64, newsletter, left string) (may bool, err error) {
	err = s.DB.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM subscriptions p WHERE `+returnable+`)`, subscriber, newsletter, left).Scan(&may)
	return may, err
}

// Return takes up the subscription of somebody who left by a word of the source left, and notes the consent with source, in words. It
// tells whether it did: not for who may not return, or is in.
func (s *Store) Return(ctx context.Context, subscriber int64, newsletter, left, source string, now time.Time) (done bool, err error) {
	err = s.DB.Write(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE subscriptions AS p SET state = 'active', changed = $4 WHERE `+returnable, subscriber, newsletter, left, db.Micros(now))
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); n == 0 || err != nil {
			return err
		}
		done = true
		_, err = tx.ExecContext(ctx, `INSERT INTO consents (subscriber, newsletter, action, source, at) VALUES ($1, $2, 'given', $3, $4)`,
			subscriber, newsletter, source, db.Micros(now))
		return err
	})
	return done && err == nil, err
}

// Remove ends the subscriptions of an address to the newsletters, or to all for none, as Leave does, and returns those
// that were active until now, in order of their names. Errors: *BadAddress; ErrUnknown for an address that never
// subscribed.
func (s *Store) Remove(ctx context.Context, email string, newsletters []string, reason string, now time.Time) ([]string, error) {
	addr, err := Fold(email)
	if err != nil {
		return nil, err
	}
	var removed []string
	err = s.DB.Write(ctx, func(tx *sql.Tx) error {
		sub, err := one(ctx, tx, "s.address = $1", addr.Folded)
		if err != nil {
			return err
		}
		for _, n := range sub.Newsletters {
			if len(newsletters) > 0 && !slices.Contains(newsletters, n) {
				continue
			}
			if _, err := leave(ctx, tx, sub.ID, n, reason, now); err != nil {
				return err
			}
			removed = append(removed, n)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return removed, nil
}

// ByID is the subscriber with this id, or ErrUnknown.
func (s *Store) ByID(ctx context.Context, id int64) (Subscriber, error) {
	return one(ctx, s.DB, "s.id = $1", id)
}

// Count is the number of people who would get the newsletter now: active and not suppressed.
func (s *Store) Count(ctx context.Context, newsletter string) (int, error) {
	var n int
	err := s.DB.QueryRowContext(ctx, `SELECT COUNT(*) FROM audience WHERE newsletter = $1`, newsletter).Scan(&n)
	return n, err
}

// Filter chooses subscriptions. The zero Filter chooses all.
type Filter struct {
	Newsletter string    // empty: any
	State      State     // empty: any
	Since      time.Time // in that state since then or later; zero: any
}

// List gives the subscribers who have a subscription that f chooses, by folded address, with those subscriptions. It
// streams, and shows the list as it is when the iteration starts. After an error it ends.
func (s *Store) List(ctx context.Context, f Filter) iter.Seq2[Subscriber, error] {
	return list(ctx, s.DB, `($1 = '' OR p.newsletter = $1) AND ($2 = '' OR p.state = $2) AND p.changed >= $3`,
		f.Newsletter, string(f.State), db.Micros(f.Since))
}

// querier is the database or a transaction on it.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func one(ctx context.Context, q querier, where string, args ...any) (Subscriber, error) {
	for sub, err := range list(ctx, q, where, args...) {
		return sub, err
	}
	return Subscriber{}, ErrUnknown
}

// list gathers the rows of each subscriber, one a subscription, as they come.
func list(ctx context.Context, q querier, where string, args ...any) iter.Seq2[Subscriber, error] {
	return func(yield func(Subscriber, error) bool) {
		rows, err := q.QueryContext(ctx, `SELECT s.id, s.email, s.name, s.language, s.created,
			p.newsletter, p.state, p.changed, x.reason, x.at
			FROM subscribers s JOIN subscriptions p ON p.subscriber = s.id LEFT JOIN suppressions x ON x.address = s.address
			WHERE `+where+` ORDER BY s.address, p.newsletter`, args...)
		if err != nil {
			yield(Subscriber{}, err)
			return
		}
		defer rows.Close()
		var last Subscriber
		for rows.Next() {
			sub, err := scan(rows)
			if err != nil {
				yield(Subscriber{}, err)
				return
			}
			if sub.ID == last.ID {
				last.Subscriptions = append(last.Subscriptions, sub.Subscriptions...)
				last.Newsletters = append(last.Newsletters, sub.Newsletters...)
				continue
			}
			if last.ID != 0 && !yield(last, nil) {
				return
			}
			last = sub
		}
		if err := rows.Err(); err != nil {
			yield(Subscriber{}, err)
		} else if last.ID != 0 {
			yield(last, nil)
		}
	}
}

func scan(rows *sql.Rows) (Subscriber, error) {
	var s Subscriber
	var p Subscription
	var created, changed int64
	var reason sql.NullString
	var at sql.NullInt64
	err := rows.Scan(&s.ID, &s.Email, &s.Name, &s.Language, &created, &p.Newsletter, &p.State, &changed, &reason, &at)
	s.Created, p.Since = db.Time(created), db.Time(changed)
	s.Subscriptions = []Subscription{p}
	if p.State == Active {
		s.Newsletters = []string{p.Newsletter}
	}
	if reason.Valid {
		s.Suppressed = &Suppression{reason.String, db.Time(at.Int64)}
	}
	return s, err
}

// unknown turns the absence of a row into ErrUnknown.
func unknown(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return ErrUnknown
	}
	if err != nil {
		return fmt.Errorf("subscribers: %w", err)
	}
	return nil
}

package ledger

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"time"

	"tidings/internal/db"
)

// Restored makes a ledger that comes from a backup safe to go on with. What was still to be sent when the backup was made may have been
// sent since: it becomes Unknown, and its issues are finished; so nothing of them is sent again without a deliberate word (Reopen). New
// issues wait for one too: see Held. It gives the number of deliveries that became Unknown.
func (l Ledger) Restored(ctx context.Context, made, now time.Time) (n int64, err error) {
	reply := "restored from a backup of " + made.UTC().Format("2006-01-02 15:04") + " UTC: it may have been sent since"
	err = l.DB.Write(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE `+openDeliveries+` SET state = 'unknown', sender = '', next_at = 0, reply = $1, changed = $2 WHERE `+open,
			reply, db.Micros(now))
		if err != nil {
			return err
		}
		if n, err = res.RowsAffected(); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE issues SET state = 'finished', finished = $1 WHERE state <> 'finished'`, db.Micros(now)); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE notices SET sent = $1 WHERE sent = 0`, db.Micros(now)); err != nil {
			return err
		}
		return hold(ctx, tx, made)
	})
	return n, err
}

// Doubt is Restored for one newsletter, of which more was sent than this ledger knows: somebody put an old database back. The caller holds the
// lock that every sender of the newsletter holds.
func (l Ledger) Doubt(ctx context.Context, newsletter string, now time.Time) error {
	return l.DB.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE deliveries SET state = 'unknown', sender = '', next_at = 0, changed = $1,
			reply = 'an old database was put back: it may have been sent since' WHERE state IN ('pending', 'sending', 'deferred')
			AND issue IN (SELECT id FROM issues WHERE newsletter = $2 AND state <> 'finished')`, db.Micros(now), newsletter)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE issues SET state = 'finished', finished = $1 WHERE newsletter = $2 AND state <> 'finished'`, db.Micros(now), newsletter)
		return err
	})
}

// Sendings is how many senders of a newsletter this ledger has seen begin.
func (l Ledger) Sendings(ctx context.Context, newsletter string) (n int64, err error) {
	err = l.DB.QueryRowContext(ctx, sendingsQuery, newsletter).Scan(&n)
	return n, err
}

const sendingsQuery = `SELECT COALESCE((SELECT CAST(value AS BIGINT) FROM settings WHERE name = 'sendings ' || $1), 0)`

// Begin counts a sender of a newsletter that begins, and gives the number, which is greater than least.
func (l Ledger) Begin(ctx context.Context, newsletter string, least int64) (n int64, err error) {
	err = l.DB.Write(ctx, func(tx *sql.Tx) error {
		var last int64
		if err := tx.QueryRowContext(ctx, sendingsQuery, newsletter).Scan(&last); err != nil {
			return err
		}
		n = max(last, least) + 1
		_, err := tx.ExecContext(ctx, `INSERT INTO settings (name, value) VALUES ('sendings ' || $1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
			newsletter, strconv.FormatInt(n, 10))
		return err
	})
	return n, err
}

// hold takes back all words that new issues may go out.
func hold(ctx context.Context, tx *sql.Tx, made time.Time) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM settings WHERE name = 'restored' OR name LIKE 'resumed %'`); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO settings (name, value) VALUES ('restored', $1)`, made.UTC().Format(time.RFC3339Nano))
	return err
}

// Held tells whether new issues of a newsletter wait for a deliberate word, because issues may have gone out that this ledger
// does not know: it gives the time at which the backup that it comes from was made, or the zero time.
func (l Ledger) Held(ctx context.Context, newsletter string) (time.Time, error) {
	var made string
	err := l.DB.QueryRowContext(ctx, `SELECT value FROM settings WHERE name = 'restored'
		AND NOT EXISTS (SELECT 1 FROM settings WHERE name = 'resumed ' || $1)`, newsletter).Scan(&made)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	} else if err != nil {
		return time.Time{}, err
	}
	return time.Parse(time.RFC3339Nano, made)
}

// Resume is the deliberate word that the newsletter's new issues wait for, if they do.
func (l Ledger) Resume(ctx context.Context, newsletter string) error {
	return l.DB.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO settings (name, value) SELECT 'resumed ' || $1, '' FROM settings WHERE name = 'restored'
			ON CONFLICT DO NOTHING`, newsletter)
		return err
	})
}

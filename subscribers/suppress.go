package subscribers

import (
	"context"
	"database/sql"
	"strconv"
	"strings"
	"time"

	"tidings/internal/db"
)

// Suppress keeps all mail from a subscriber's address from now on, for a reason in words that hold no address. An address that
// is suppressed already keeps its first reason.
func (s *Store) Suppress(ctx context.Context, subscriber int64, reason string, now time.Time) error {
	return s.DB.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO suppressions (address, reason, at) SELECT address, $1, $2 FROM subscribers WHERE id = $3
			ON CONFLICT DO NOTHING`, reason, db.Micros(now), subscriber)
		return err
	})
}

// Release lets mail go to a suppressed address again, and tells whether it was one. It does not subscribe anybody to what they left.
func (s *Store) Release(ctx context.Context, email string) (released bool, err error) {
	addr, err := Fold(email)
	if err != nil {
		return false, err
	}
	err = s.DB.Write(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `DELETE FROM suppressions WHERE address = $1`, addr.Folded)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		released = n > 0
		return err
	})
	return released, err
}

// Emails gives the addresses of those of these subscribers who are known, at most 1,000 at a time.
func (s *Store) Emails(ctx context.Context, ids []int64) (map[int64]string, error) {
	args, marks := make([]any, len(ids)), make([]string, len(ids))
	for i, id := range ids {
		args[i], marks[i] = id, "$"+strconv.Itoa(i+1)
	}
	rows, err := s.DB.QueryContext(ctx, `SELECT id, email FROM subscribers WHERE id IN (`+strings.Join(marks, ", ")+`)`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[int64]string{}
	for rows.Next() {
		var id int64
		var email string
		if err := rows.Scan(&id, &email); err != nil {
			return nil, err
		}
		out[id] = email
	}
	return out, rows.Err()
}

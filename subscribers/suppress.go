package subscribers

import (
	"context"
	"database/sql"
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

// Emails gives the addresses of the subscribers whose ids lie between first and last, both included.
func (s *Store) Emails(ctx context.Context, first, last int64) (map[int64]string, error) {
	rows, err := s.DB.QueryContext(ctx, `SELECT id, email FROM subscribers WHERE id BETWEEN $1 AND $2`, first, last)
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

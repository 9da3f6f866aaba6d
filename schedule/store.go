package schedule

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"tidings/internal/db"
)

// Store remembers for each name, such as a newsletter's, the last slot that was dealt with.
type Store struct{ DB *db.DB }

// Last is the last slot of name that was dealt with, or its first start, in UTC; zero before the first start.
func (s Store) Last(ctx context.Context, name string) (time.Time, error) {
	var micros int64
	err := s.DB.QueryRowContext(ctx, `SELECT last_slot FROM slots WHERE name = $1`, name).Scan(&micros)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	}
	return db.Time(micros), err
}

// Start makes name known with the expression of its schedule. At the first start, and at the first with a changed schedule, it
// remembers now, so that nothing is due for the past; other starts change nothing, so that what was missed in between is due.
func (s Store) Start(ctx context.Context, name, expr string, now time.Time) error {
	return s.write(ctx, `INSERT INTO slots (name, schedule, last_slot) VALUES ($1, $3, $2)
		ON CONFLICT (name) DO UPDATE SET schedule = excluded.schedule, last_slot = excluded.last_slot WHERE slots.schedule <> excluded.schedule`, name, now, expr)
}

// Done remembers that the slot was dealt with. It never goes back to an earlier slot. The name must have been started.
func (s Store) Done(ctx context.Context, name string, slot time.Time) error {
	return s.write(ctx, `UPDATE slots SET last_slot = $2 WHERE name = $1 AND last_slot < $2`, name, slot)
}

func (s Store) write(ctx context.Context, query, name string, at time.Time, more ...any) error {
	return s.DB.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, query, append([]any{name, db.Micros(at)}, more...)...)
		return err
	})
}

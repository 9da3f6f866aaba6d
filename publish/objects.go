package publish

import (
	"context"
	"database/sql"

	"tidings/internal/db"
)

// held gives the prints of the objects that the target holds, by path; "" of those of which only the path is known.
func (m *Mirror) held(ctx context.Context) (map[string]string, error) {
	rows, err := m.Folder.DB.QueryContext(ctx, `SELECT path, print FROM target_objects WHERE target = $1`, m.Name)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	held := map[string]string{}
	for rows.Next() {
		var p, print string
		if err := rows.Scan(&p, &print); err != nil {
			return nil, err
		}
		held[p] = print
	}
	return held, rows.Err()
}

// remember notes what the target holds.
func (m *Mirror) remember(ctx context.Context, prints map[string]string) error {
	if len(prints) == 0 {
		return nil
	}
	return m.Folder.DB.Write(ctx, func(tx *sql.Tx) error {
		put, err := tx.PrepareContext(ctx, `INSERT INTO target_objects (target, path, print) VALUES ($1, $2, $3)
			ON CONFLICT (target, path) DO UPDATE SET print = excluded.print`)
		if err != nil {
			return err
		}
		defer put.Close()
		for p, print := range prints {
			if _, err := put.ExecContext(ctx, m.Name, p, print); err != nil {
				return err
			}
		}
		return nil
	})
}

// forget notes that the target does not hold these any more.
func (m *Mirror) forget(ctx context.Context, paths []string) error {
	if len(paths) == 0 {
		return nil
	}
	return m.Folder.DB.Write(ctx, func(tx *sql.Tx) error {
		drop, err := tx.PrepareContext(ctx, `DELETE FROM target_objects WHERE target = $1 AND path = $2`)
		if err != nil {
			return err
		}
		defer drop.Close()
		for _, p := range paths {
			if _, err := drop.ExecContext(ctx, m.Name, p); err != nil {
				return err
			}
		}
		return nil
	})
}

// DistrustTargets forgets what is in the objects of all targets, so that the next Update puts them anew.
func DistrustTargets(ctx context.Context, d *db.DB) error {
	return d.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE target_objects SET print = ''`)
		return err
	})
}

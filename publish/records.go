package publish

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"maps"
	"slices"
	"strconv"
	"sync"

	"tidings/internal/db"
)

// record is what is known of a published file.
type record struct {
	print string            // of what it was made of; "" while it is not known to be in place
	hash  [sha256.Size]byte // of its bytes
	size  int64
}

// records are the known files by path. They are kept in memory as long as no other process has changed them in the database.
type records struct {
	mu      sync.Mutex
	version string // "" when nothing is remembered
	known   map[string]record
}

// load gives the known files. The map must not be changed.
func (r *records) load(ctx context.Context, d *db.DB) (map[string]record, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var version string
	err := d.QueryRowContext(ctx, `SELECT value FROM settings WHERE name = 'published'`).Scan(&version)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, err
	}
	if version != "" && version == r.version {
		return r.known, nil
	}
	known, err := read(ctx, d)
	if err == nil {
		r.known, r.version = known, version
	}
	return known, err
}

func read(ctx context.Context, d *db.DB) (map[string]record, error) {
	rows, err := d.QueryContext(ctx, `SELECT path, print, hash, size FROM published`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	known := map[string]record{}
	for rows.Next() {
		var p string
		var k record
		var hash []byte
		if err := rows.Scan(&p, &k.print, &hash, &k.size); err != nil {
			return nil, err
		}
		copy(k.hash[:], hash)
		known[p] = k
	}
	return known, rows.Err()
}

// note remembers paths at which files are about to be put.
func (r *records) note(ctx context.Context, d *db.DB, paths []string) error {
	entries := make(map[string]record, len(paths))
	for _, p := range paths {
		entries[p] = record{}
	}
	return r.save(ctx, d, entries)
}

// save remembers what is known of some files.
func (r *records) save(ctx context.Context, d *db.DB, entries map[string]record) error {
	return r.change(ctx, d, len(entries), `INSERT INTO published (path, print, hash, size) VALUES ($1, $2, $3, $4)
		ON CONFLICT (path) DO UPDATE SET print = excluded.print, hash = excluded.hash, size = excluded.size`,
		func(put *sql.Stmt, known map[string]record) error {
			for _, p := range slices.Sorted(maps.Keys(entries)) { // the table grows faster in its own order
				k := entries[p]
				if _, err := put.ExecContext(ctx, p, k.print, k.hash[:], k.size); err != nil {
					return err
				}
				known[p] = k
			}
			return nil
		})
}

// forget remembers files no more.
func (r *records) forget(ctx context.Context, d *db.DB, paths []string) error {
	return r.change(ctx, d, len(paths), `DELETE FROM published WHERE path = $1`, func(drop *sql.Stmt, known map[string]record) error {
		for _, p := range paths {
			if _, err := drop.ExecContext(ctx, p); err != nil {
				return err
			}
			delete(known, p)
		}
		return nil
	})
}

// change runs a statement for n files, in the database and in what is kept in memory.
func (r *records) change(ctx context.Context, d *db.DB, n int, statement string, each func(*sql.Stmt, map[string]record) error) error {
	if n == 0 {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var version string
	known := maps.Clone(r.known)
	if known == nil {
		known = map[string]record{}
	}
	err := d.Write(ctx, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, `INSERT INTO settings (name, value) VALUES ('published', '1')
			ON CONFLICT (name) DO UPDATE SET value = CAST(settings.value AS BIGINT) + 1 RETURNING value`).Scan(&version)
		if err != nil {
			return err
		}
		s, err := tx.PrepareContext(ctx, statement)
		if err != nil {
			return err
		}
		defer s.Close()
		return each(s, known)
	})
	switch {
	case err != nil:
	case version != next(r.version): // another process has changed it meanwhile
		r.known, r.version = nil, ""
	default:
		r.known, r.version = known, version
	}
	return err
}

// next is the version after this one.
func next(version string) string {
	n, _ := strconv.Atoi(version) // "" is before the first
	return strconv.Itoa(n + 1)
}

package publish

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"tidings/internal/atomicfile"
	"tidings/internal/db"
	"tidings/items"
)

// Folder is the publish folder. It remembers in the database which files it put there, and takes away no others.
type Folder struct {
	DB    *db.DB
	Dir   string
	Items *items.Folder // where assets come from
}

// Report is what a publication did.
type Report struct {
	Written []string // paths that are new or changed, in the order of writing
	Removed []string // paths that went
	Same    int      // files that were right already
}

// Changed tells whether anything did.
func (r Report) Changed() bool { return len(r.Written)+len(r.Removed) > 0 }

// Replace makes the folder hold the given files and none that an earlier call wrote. Files no longer wanted go first, so
// that what is taken back is gone even if the disk is full; then the others are written in their order, each only if its bytes
// differ, by rename.
func (f *Folder) Replace(ctx context.Context, files []File) (Report, error) {
	var r Report
	before, err := f.published(ctx)
	if err != nil {
		return r, err
	}
	var added []string
	for _, file := range files {
		if !before[file.Path] {
			added = append(added, file.Path)
		}
		delete(before, file.Path)
	}
	// Noted before they are written: a file that nobody remembers would stay for ever.
	if err := f.note(ctx, `INSERT INTO published (path) VALUES ($1) ON CONFLICT DO NOTHING`, added); err != nil {
		return r, err
	}
	if err := f.remove(ctx, before, &r); err != nil {
		return r, err
	}
	for _, file := range files {
		if err := ctx.Err(); err != nil {
			return r, err
		}
		if err := f.put(file, &r); err != nil {
			return r, fmt.Errorf("publish %s: %w", file.Path, err)
		}
	}
	return r, nil
}

func (f *Folder) published(ctx context.Context) (map[string]bool, error) {
	rows, err := f.DB.QueryContext(ctx, `SELECT path FROM published`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	paths := map[string]bool{}
	for rows.Next() {
		var p string
		if err := rows.Scan(&p); err != nil {
			return nil, err
		}
		paths[p] = true
	}
	return paths, rows.Err()
}

func (f *Folder) note(ctx context.Context, statement string, paths []string) error {
	if len(paths) == 0 {
		return nil
	}
	return f.DB.Write(ctx, func(tx *sql.Tx) error {
		for _, p := range paths {
			if _, err := tx.ExecContext(ctx, statement, p); err != nil {
				return err
			}
		}
		return nil
	})
}

func (f *Folder) remove(ctx context.Context, paths map[string]bool, r *Report) error {
	for p := range paths {
		err := os.Remove(f.path(p))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		// The folder of a page that went is empty now; one that is not, is somebody's.
		for d := path.Dir(p); d != "." && os.Remove(f.path(d)) == nil; d = path.Dir(d) {
		}
		r.Removed = append(r.Removed, p)
	}
	return f.note(ctx, `DELETE FROM published WHERE path = $1`, r.Removed)
}

func (f *Folder) path(p string) string { return filepath.Join(f.Dir, filepath.FromSlash(p)) }

func (f *Folder) put(file File, r *Report) error {
	if file.Data == nil && f.hasAsset(file) {
		r.Same++
		return nil
	}
	data, err := f.content(file)
	if err != nil {
		return err
	}
	to := f.path(file.Path)
	if old, err := os.ReadFile(to); err == nil && bytes.Equal(old, data) {
		r.Same++
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	r.Written = append(r.Written, file.Path)
	return atomicfile.Write(to, data, 0o644)
}

// hasAsset tells whether an asset is there: its name says what is in it, so its size is enough.
func (f *Folder) hasAsset(file File) bool {
	info, err := os.Stat(f.path(file.Path))
	return err == nil && info.Size() == file.Asset.Size
}

func (f *Folder) content(file File) ([]byte, error) {
	if file.Data != nil {
		return file.Data, nil
	}
	in, err := f.Items.Open(file.Asset)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	return io.ReadAll(in)
}

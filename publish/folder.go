package publish

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"syscall"

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
	Removed []string // paths that went, sorted
	Same    int      // files that were right already
}

// Changed tells whether anything did.
func (r Report) Changed() bool { return len(r.Written)+len(r.Removed) > 0 }

// Replace makes the folder hold the given files and none that an earlier call wrote. Files no longer wanted go first, so
// that what is taken back is gone even if the disk is full; then the others are written in their order, each only if its bytes
// differ, by rename. The report tells as much as was done even when there is an error.
//
// Files named in keep stay if an earlier call wrote them: mails that went out lead to them.
func (f *Folder) Replace(ctx context.Context, files []File, keep []string) (Report, error) {
	var r Report
	before, err := f.published(ctx)
	if err != nil {
		return r, err
	}
	known := maps.Clone(before)
	for _, path := range keep {
		delete(before, path)
	}
	var added []string
	for _, file := range files {
		if !known[file.Path] {
			added = append(added, file.Path)
		}
		delete(before, file.Path)
	}
	// What cannot be taken away must not keep the rest from being replaced, nor what cannot be written the rest from going.
	failed := f.remove(ctx, before, &r)
	return r, errors.Join(failed, f.write(ctx, files, added, &r))
}

// write puts the files in place; added are the paths of those that are not noted yet.
func (f *Folder) write(ctx context.Context, files []File, added []string, r *Report) error {
	// Noted before they are written: a file that nobody remembers would stay for ever.
	if err := f.note(ctx, `INSERT INTO published (path) VALUES ($1) ON CONFLICT DO NOTHING`, added); err != nil {
		return err
	}
	for _, file := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := f.put(file, r); err != nil {
			return fmt.Errorf("publish %s: %w", file.Path, err)
		}
	}
	return nil
}

// Missing counts the files that Replace put there and that are there no more: somebody deleted them.
func (f *Folder) Missing(ctx context.Context) (int, error) {
	paths, err := f.published(ctx)
	if err != nil {
		return 0, err
	}
	missing := 0
	for p := range paths {
		if _, err := os.Lstat(f.path(p)); errors.Is(err, fs.ErrNotExist) {
			missing++
		}
	}
	return missing, nil
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

// remove takes away what it can of the files at paths, and gives the errors of all others.
func (f *Folder) remove(ctx context.Context, paths map[string]bool, r *Report) error {
	var failed []error
	for _, p := range slices.Sorted(maps.Keys(paths)) {
		if err := os.Remove(f.path(p)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			failed = append(failed, err)
			continue
		}
		// The folder of a page that went is empty now; one that is not, is somebody's, and so is a symbolic link, which os.Remove
		// would take for a file.
		for d := path.Dir(p); d != "." && syscall.Rmdir(f.path(d)) == nil; d = path.Dir(d) {
		}
		r.Removed = append(r.Removed, p)
	}
	return errors.Join(append(failed, f.note(ctx, `DELETE FROM published WHERE path = $1`, r.Removed))...)
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
	if err := atomicfile.Write(to, data, 0o644); err != nil {
		return err
	}
	r.Written = append(r.Written, file.Path)
	return nil
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

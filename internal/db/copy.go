package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Snapshot copies the database at path, as it is at one moment, into the file to, which must be empty or missing. Others may
// write meanwhile: it reads in one transaction beside them, and takes no turn. What was deleted is not in the copy, not even
// as bytes that no table uses any more.
func Snapshot(ctx context.Context, path, to string) error {
	d, err := sql.Open("sqlite", uri(path)+"?mode=rw&_pragma=busy_timeout(10000)")
	if err != nil {
		return err
	}
	if _, err = d.ExecContext(ctx, "VACUUM INTO $1", to); err != nil {
		err = fmt.Errorf("database %s: %w", path, err)
	}
	return errors.Join(err, d.Close())
}

// ErrDamaged says that a file is no database of Tidings, or not as Tidings left it.
var ErrDamaged = errors.New("the database is damaged")

// OpenCopy opens a database to read from it, once all of it was looked through; ErrDamaged and ErrNewer say what is wrong with
// it. Nobody may write to the file meanwhile, and nothing that was written to it may still lie beside it, as is so with the copy of Snapshot.
func OpenCopy(ctx context.Context, path string) (*DB, error) {
	sqlDB, err := sql.Open("sqlite", uri(path)+"?mode=ro&immutable=1")
	if err != nil {
		return nil, err
	}
	d := &DB{DB: sqlDB}
	if err := d.check(ctx); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// View opens the database at path to read from it, and changes nothing: an older Tidings can go on with it. If its tables are those of an
// older version, what is opened is a copy that is brought up to date, and if there is none, one that holds nothing: in a
// folder of temporary files, which goes with Close. A database made by a newer Tidings is refused.
func View(ctx context.Context, path string) (*DB, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 { // or somebody was about to make it
		return viewCopy(ctx, "")
	}
	if err != nil {
		return nil, err
	}
	sqlDB, err := sql.Open("sqlite", uri(path)+"?mode=rw&_pragma=busy_timeout(10000)&_pragma=query_only(1)")
	if err != nil {
		return nil, err
	}
	d := &DB{DB: sqlDB}
	have, want, err := d.versions(ctx)
	if err == nil && have == want {
		return d, nil
	}
	if err := errors.Join(err, d.Close()); err != nil {
		return nil, fmt.Errorf("database %s: %w", path, err)
	}
	return viewCopy(ctx, path)
}

// viewCopy opens a copy of the database at path, or one that holds nothing for "".
func viewCopy(ctx context.Context, path string) (d *DB, err error) {
	scratch, err := os.MkdirTemp("", "tidings-*") // mode 0700
	if err != nil {
		return nil, err
	}
	copied := filepath.Join(scratch, "tidings.db")
	if path != "" {
		err = Snapshot(ctx, path, copied)
	}
	if err == nil {
		d, err = Open(ctx, copied)
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(scratch))
	}
	d.scratch = scratch
	return d, nil
}

// check looks through all pages and all references.
func (d *DB) check(ctx context.Context) error {
	var found string
	err := d.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&found)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	case found != "ok":
		return fmt.Errorf("%w: %s", ErrDamaged, found)
	}
	var table string
	err = d.QueryRowContext(ctx, `SELECT "table" FROM pragma_foreign_key_check LIMIT 1`).Scan(&table)
	switch {
	case err == nil:
		return fmt.Errorf("%w: a row of %s belongs to one that is missing", ErrDamaged, table)
	case !errors.Is(err, sql.ErrNoRows):
		return err
	}
	if _, _, err = d.versions(ctx); err != nil && !errors.Is(err, ErrNewer) {
		err = fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
}

// versions are the numbers of the last migration that the tables went through, and of the last that this version has; ErrNewer if it does not
// have the former.
func (d *DB) versions(ctx context.Context) (have, want int64, err error) {
	if have, err = d.Tables(ctx); err != nil {
		return 0, 0, err
	}
	if want, err = known(); err == nil && have > want {
		err = fmt.Errorf("%w (tables %d, this version knows %d)", ErrNewer, have, want)
	}
	return have, want, err
}

// Tables is the number of the last migration that the tables went through.
func (d *DB) Tables(ctx context.Context) (version int64, err error) {
	err = d.QueryRowContext(ctx, "SELECT MAX(version_id) FROM goose_db_version WHERE is_applied").Scan(&version)
	return version, err
}

// known is the number of the last migration that this version has.
func known() (int64, error) {
	names, err := fs.Glob(migrations, "migrations/*.sql") // sorted, as their numbers are of one width
	if err != nil {
		return 0, err
	}
	return goose.NumericComponent(names[len(names)-1])
}

// ErrOpen says that a database is in use.
var ErrOpen = errors.New("it has the database open")

// Alone gives ErrOpen if a process, this one included, has the database at path open. It cannot be said of a database that is
// damaged: that is another error. Nobody opens it anew while the caller holds the lock "turn" beside it.
func Alone(ctx context.Context, path string) error {
	d, err := sql.Open("sqlite", uri(path)+"?mode=rw&_txlock=immediate&_pragma=locking_mode(EXCLUSIVE)")
	if err != nil {
		return err
	}
	tx, err := d.BeginTx(ctx, nil)
	if err == nil {
		err = tx.Rollback()
	}
	var e *sqlite.Error
	if errors.As(err, &e) && e.Code()&0xff == sqlite3.SQLITE_BUSY {
		err = ErrOpen
	}
	return errors.Join(err, d.Close())
}

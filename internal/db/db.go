// Package db opens the newsroom's database: SQLite in one file, its tables made and brought up to date by one numbered
// series of migrations. It assumes a local disk: SQLite's locks and the turnstile do not work over NFS or SMB.
//
// Times in the tables are BIGINT microseconds since 1970 in UTC; Micros and Time convert.
package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"tidings/internal/problem"
)

//go:embed migrations/*.sql
var migrations embed.FS

// DB is the open database. Reads go through the embedded sql.DB, every write through Write.
type DB struct {
	*sql.DB
	turn    string
	scratch string // the folder that View made; "" if it made none
}

// Open opens the database file at path, making it and its folder where they are missing, and brings its tables up to
// date. Beside the file it keeps the turnstile "turn". A database made by a newer Tidings is refused.
func Open(ctx context.Context, path string) (*DB, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, err
	}
	// Addresses of people are in it: nobody else on the machine may read it.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	f.Close()
	sqlDB, err := sql.Open("sqlite", uri(path)+
		"?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)&_pragma=secure_delete(1)")
	if err != nil {
		return nil, err
	}
	d := &DB{DB: sqlDB, turn: filepath.Join(filepath.Dir(path), "turn")}
	if err := d.migrate(ctx); err != nil {
		d.Close()
		return nil, fmt.Errorf("database %s: %w", path, err)
	}
	return d, nil
}

// Close closes the database.
func (d *DB) Close() error {
	err := d.DB.Close()
	if d.scratch != "" {
		err = errors.Join(err, os.RemoveAll(d.scratch))
	}
	return err
}

// Exposed tells which files of the database at path others on this machine may read or write. None that Open makes is such a one.
func Exposed(path string) (l problem.List) {
	for _, file := range []string{path, path + "-wal", path + "-shm"} {
		if st, err := os.Stat(file); err == nil && st.Mode().Perm()&0o077 != 0 {
			l.Errorf(file, 0, "run: chmod 600 "+file, "others on this machine may read or write it (mode %04o), and addresses of people are in it", st.Mode().Perm())
		}
	}
	return l
}

// uri is the file's address for SQLite, to which options can be added.
func uri(path string) string { return "file:" + (&url.URL{Path: path}).EscapedPath() }

// ErrNewer says that a database was made by a newer version of Tidings than this one.
var ErrNewer = errors.New("it was made by a newer version of Tidings")

// migrate takes the turn, so that two processes that start together do not both make the tables.
func (d *DB) migrate(ctx context.Context) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, d.DB, files)
	if err != nil {
		return err
	}
	pass, err := d.takeTurn(ctx)
	if err != nil {
		return err
	}
	defer pass()
	have, want, err := p.GetVersions(ctx)
	if err != nil {
		return err
	}
	if have > want {
		return fmt.Errorf("%w (tables %d, this version knows %d)", ErrNewer, have, want)
	}
	_, err = p.Up(ctx)
	return err
}

// takeTurn waits for the turnstile and returns what gives it back. SQLite lets a process that writes fast starve all
// others, which only retry now and then; who holds the turn is the next to write, and the system queues the waiting.
func (d *DB) takeTurn(ctx context.Context) (func(), error) {
	l := flock.New(d.turn)
	if free, err := l.TryLock(); err != nil || free {
		return func() { l.Unlock() }, err
	}
	done := make(chan error, 1)
	go func() { done <- l.Lock() }()
	select {
	case err := <-done:
		if err != nil {
			return nil, err
		}
		return func() { l.Unlock() }, nil
	case <-ctx.Done():
		go func() {
			if <-done == nil {
				l.Unlock()
			}
		}()
		return nil, ctx.Err()
	}
}

// ErrRead says that a database's log cannot be emptied.
var ErrRead = errors.New("the database's log cannot be emptied: another process reads it all the time")

// Truncate writes everything into the database file itself and empties the log beside it, which keeps old bytes for a while. What was
// deleted is overwritten with zeros then. While somebody reads it is tried again, for five seconds in all; the error is ErrRead then.
// Others can write meanwhile.
func (d *DB) Truncate(ctx context.Context) (err error) {
	conn, err := d.patient(ctx, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, discard(conn)) }()
	for range 50 {
		if done, err := d.truncate(ctx, conn); done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return ErrRead
}

// truncate tries it once.
func (d *DB) truncate(ctx context.Context, conn *sql.Conn) (done bool, err error) {
	pass, err := d.takeTurn(ctx)
	if err != nil {
		return false, err
	}
	defer pass()
	var busy, pages, moved int
	err = conn.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &pages, &moved)
	return busy == 0, err
}

// patient opens one more connection, which waits so long for a lock. discard closes it.
func (d *DB) patient(ctx context.Context, wait time.Duration) (*sql.Conn, error) {
	conn, err := d.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := conn.ExecContext(ctx, fmt.Sprintf("PRAGMA busy_timeout = %d", wait.Milliseconds())); err != nil {
		return nil, errors.Join(err, discard(conn))
	}
	return conn, nil
}

// discard closes a connection that must not come back among the others: it is not as they are.
func discard(conn *sql.Conn) error {
	err := conn.Raw(func(any) error { return driver.ErrBadConn })
	if errors.Is(err, driver.ErrBadConn) {
		return nil
	}
	return err
}

// Write runs f in a transaction that has the write lock from its first statement. What f returns decides: nil commits,
// an error rolls back and is returned as it is. f must not keep tx.
func (d *DB) Write(ctx context.Context, f func(tx *sql.Tx) error) error {
	tx, err := d.begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // once committed, it does nothing
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}

func (d *DB) begin(ctx context.Context) (*sql.Tx, error) {
	pass, err := d.takeTurn(ctx)
	if err != nil {
		return nil, err
	}
	defer pass()
	return d.BeginTx(ctx, nil)
}

// short is how long a Writer waits for its turn, and for a lock.
const short = time.Second

// Writer is a connection of its own, for one who writes all the time: what it does is prepared once. It is for one goroutine.
type Writer struct {
	db                      *DB
	conn                    *sql.Conn
	begin, commit, rollback *sql.Stmt
	prepared                []*sql.Stmt
}

// Writer opens one more connection. It gives up on a database that another process has locked after a second, not after
// ten as Write does: who writes all the time has others waiting. It must be closed.
func (d *DB) Writer(ctx context.Context) (*Writer, error) {
	conn, err := d.patient(ctx, short)
	if err != nil {
		return nil, err
	}
	w := &Writer{db: d, conn: conn}
	for query, s := range map[string]**sql.Stmt{"BEGIN IMMEDIATE": &w.begin, "COMMIT": &w.commit, "ROLLBACK": &w.rollback} {
		if *s, err = w.Prepare(ctx, query); err != nil {
			return nil, errors.Join(err, w.Close())
		}
	}
	return w, nil
}

// Prepare prepares a statement for use inside the f of Write. Close closes it.
func (w *Writer) Prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	s, err := w.conn.PrepareContext(ctx, query)
	if err == nil {
		w.prepared = append(w.prepared, s)
	}
	return s, err
}

// Write is DB.Write for prepared statements. It waits for its turn, and then for the lock, at most a second each, whether
// ctx has ended or not: who has something to say at the very end is still heard.
func (w *Writer) Write(ctx context.Context, f func(context.Context) error) error {
	ctx = context.WithoutCancel(ctx) // one that can end would also cost the driver a goroutine for each statement
	soon, cancel := context.WithTimeout(ctx, short)
	defer cancel()
	pass, err := w.db.takeTurn(soon)
	if err != nil {
		return err
	}
	_, err = w.begin.ExecContext(ctx)
	pass()
	if err != nil {
		return err
	}
	if err = f(ctx); err == nil {
		_, err = w.commit.ExecContext(ctx)
	}
	if err != nil {
		_, _ = w.rollback.ExecContext(ctx) // a full disk may have done it already
	}
	return err
}

// Close closes the connection and its statements.
func (w *Writer) Close() error {
	for _, s := range w.prepared { // SQLite would keep the file open for them
		if err := s.Close(); err != nil {
			return errors.Join(err, w.conn.Close())
		}
	}
	return discard(w.conn)
}

// Micros is t as the tables hold it; the zero time is 0.
func Micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// Time is the UTC time that Micros made m of; 0 is the zero time.
func Time(m int64) time.Time {
	if m == 0 {
		return time.Time{}
	}
	return time.UnixMicro(m).UTC()
}

package db_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tidings/internal/db"
)

func open(t testing.TB, path string) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func exec1(query string, args ...any) func(tx *sql.Tx) error {
	return func(tx *sql.Tx) error {
		_, err := tx.Exec(query, args...)
		return err
	}
}

func count(t testing.TB, d *db.DB, table string) (n int) {
	t.Helper()
	if err := d.QueryRow("SELECT count(*) FROM " + table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestOpen makes the database in a folder that is missing, under a name that is awkward in an address, and finds it again.
func TestOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state of 100%", "what? #1.db")
	for i := range 2 {
		d, err := db.Open(t.Context(), path)
		if err != nil {
			t.Fatal(i, err)
		}
		for _, table := range []string{"settings", "stories", "story_slugs", "published", "subscribers", "subscriptions", "consents",
			"suppressions", "audience", "issues", "issue_items", "deliveries", "slots"} {
			if n := count(t, d, table); n != i && table == "settings" || n != 0 && table != "settings" {
				t.Errorf("%d: %s holds %d rows", i+1, table, n)
			}
		}
		if err := d.Write(t.Context(), exec1("INSERT INTO settings VALUES ($1, $2)", i, "x")); err != nil {
			t.Error(err)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("%v; %v: nobody else may read addresses", info, err)
	}
}

// TestExposed: each file that others may read is told of, with what to do; none that is made here is.
func TestExposed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	d := open(t, path)
	if err := d.Write(t.Context(), exec1("INSERT INTO slots VALUES ('a', '', 1)")); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{path, path + "-wal", path + "-shm"} {
		if probs := db.Exposed(path); len(probs) > 0 {
			t.Errorf("all is well: %v", probs)
		}
		for _, mode := range []os.FileMode{0o640, 0o604, 0o620} {
			if err := os.Chmod(file, mode); err != nil {
				t.Fatal(err)
			}
			if probs := db.Exposed(path); len(probs) != 1 || probs[0].File != file || !strings.Contains(probs[0].What, fmt.Sprintf("(mode %04o)", mode)) || probs[0].Hint != "run: chmod 600 "+file {
				t.Errorf("%s, mode %o: %v", filepath.Base(file), mode, probs)
			}
		}
		if err := os.Chmod(file, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	newer := filepath.Join(dir, "newer.db")
	d := open(t, newer)
	if err := d.Write(t.Context(), exec1("INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)")); err != nil {
		t.Fatal(err)
	}
	noise := filepath.Join(dir, "noise.db")
	if err := os.WriteFile(noise, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for i, tt := range []struct {
		ctx        context.Context
		path, want string
	}{
		{t.Context(), newer, "newer version of Tidings"},
		{t.Context(), noise, "not a database"},
		{t.Context(), dir, "is a directory"},
		{t.Context(), filepath.Join(noise, "x.db"), "not a directory"},
		{cancelled, filepath.Join(dir, "x.db"), "context canceled"},
	} {
		if d, err := db.Open(tt.ctx, tt.path); err == nil {
			d.Close()
			t.Errorf("%d %s was opened", i+1, tt.path)
		} else if !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%d: got %q, want %q", i+1, err, tt.want)
		}
	}
}

// TestOpenTogether: of several that start at once, one makes the tables and all go on.
func TestOpenTogether(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() { count(t, open(t, path), "stories") })
	}
	all.Wait()
}

func TestWrite(t *testing.T) {
	d := open(t, filepath.Join(t.TempDir(), "x.db"))
	insert := exec1("INSERT INTO slots VALUES ('a', '', 1)")
	no := errors.New("no")
	if err := d.Write(t.Context(), func(tx *sql.Tx) error { return errors.Join(insert(tx), nil, no) }); !errors.Is(err, no) || count(t, d, "slots") != 0 {
		t.Errorf("an error gives %v and leaves %d rows", err, count(t, d, "slots"))
	}
	if err := d.Write(t.Context(), func(*sql.Tx) error { return no }); err != no { //nolint:errorlint // as it is
		t.Errorf("the error comes back as %#v", err)
	}
	func() {
		defer func() { _ = recover() }()
		_ = d.Write(t.Context(), func(tx *sql.Tx) error { _ = insert(tx); panic("no") })
	}()
	if count(t, d, "slots") != 0 {
		t.Error("a panic leaves a row")
	}
	if err := d.Write(t.Context(), insert); err != nil || count(t, d, "slots") != 1 {
		t.Errorf("success gives %v and leaves %d rows", err, count(t, d, "slots"))
	}
	if err := d.Write(t.Context(), exec1("INSERT INTO subscriptions VALUES (1, 'weekly', 'active', 0)")); err == nil {
		t.Error("a subscription needs its subscriber: foreign keys are not checked")
	}
}

// TestWriter: what a Writer does is kept or undone as with Write, beside others that write.
func TestWriter(t *testing.T) {
	d := open(t, filepath.Join(t.TempDir(), "x.db"))
	w, err := d.Writer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	insert, err := w.Prepare(t.Context(), "INSERT INTO slots VALUES ($1, '', 1)")
	if err != nil {
		t.Fatal(err)
	}
	no := errors.New("no")
	for n, want := range []error{nil, no, nil} {
		err := w.Write(t.Context(), func(ctx context.Context) error {
			_, err := insert.ExecContext(ctx, n)
			return errors.Join(err, want)
		})
		if !errors.Is(err, want) {
			t.Errorf("%d: %v, want %v", n, err, want)
		}
		if err := d.Write(t.Context(), exec1("INSERT INTO settings VALUES ($1, 'x')", n)); err != nil {
			t.Errorf("%d: another: %v", n, err)
		}
	}
	err = d.Write(t.Context(), func(*sql.Tx) error {
		began := time.Now()
		if err := w.Write(t.Context(), func(context.Context) error { return nil }); err == nil || time.Since(began) > 5*time.Second {
			t.Errorf("under a lock: %v after %v", err, time.Since(began))
		}
		return nil
	})
	if err != nil || count(t, d, "slots") != 2 || count(t, d, "settings") != 3 {
		t.Errorf("%v; %d and %d rows, want 2 and 3", err, count(t, d, "slots"), count(t, d, "settings"))
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}

// TestWaiting: who waits for the turn stops when its time is up, and does not keep the turn.
func TestWaiting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	a, b := open(t, path), open(t, path)
	short, cancel := context.WithCancel(t.Context())
	err := a.Write(t.Context(), func(*sql.Tx) error {
		cancel()
		return b.Write(short, exec1("INSERT INTO slots VALUES ('b', '', 1)"))
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := b.Write(t.Context(), exec1("INSERT INTO slots VALUES ('b', '', 1)")); err != nil {
		t.Error(err)
	}
}

// TestTruncate: the log is emptied as soon as nobody reads it. Others write meanwhile, also while somebody who has stopped in the middle
// of what they read is waited for.
func TestTruncate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	a, b := open(t, path), open(t, path)
	leave := readHalf(t, b)
	done := make(chan error, 1)
	go func() { done <- a.Truncate(t.Context()) }()
	for i := range 20 {
		soon, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		if err := b.Write(soon, exec1("INSERT INTO slots VALUES (?, '', 3)", fmt.Sprint(i))); err != nil {
			t.Fatalf("%d: while the log is to be emptied: %v", i, err)
		}
		cancel()
	}
	if err := leave(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(path + "-wal"); err != nil || info.Size() > 0 {
		t.Errorf("the log: %v, %v", info, err)
	}
	if n := count(t, b, "slots"); n != 22 {
		t.Errorf("%d rows", n)
	}
}

// readHalf writes two rows and stops after the first in reading them, until leave is called.
func readHalf(t *testing.T, d *db.DB) (leave func() error) {
	t.Helper()
	if err := d.Write(t.Context(), exec1("INSERT INTO slots VALUES ('a', '', 1), ('b', '', 2)")); err != nil {
		t.Fatal(err)
	}
	rows, err := d.Query("SELECT name FROM slots") //nolint:rowserrcheck // it is not read to the end
	if err != nil || !rows.Next() {
		t.Fatal(err)
	}
	return rows.Close
}

// TestTruncateGivesUp: whoever reads for ever does not stop it for ever.
func TestTruncateGivesUp(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	a, b := open(t, path), open(t, path)
	leave := readHalf(t, b)
	if err := a.Truncate(t.Context()); !errors.Is(err, db.ErrRead) {
		t.Error(err)
	}
	if err := leave(); err != nil {
		t.Error(err)
	}
}

// TestFair: beside a process that writes as fast as it can another has its turn after each transaction, while SQLite by
// itself lets it starve for seconds.
func TestFair(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	d := open(t, path)
	stop := startFastWriter(t, d, path)
	const mine = 20
	for i := range mine {
		if err := d.Write(t.Context(), exec1("INSERT INTO settings VALUES ($1, 'x')", i)); err != nil {
			t.Error(err)
		}
	}
	if others := count(t, d, "slots"); others > 3*mine {
		t.Errorf("the other process wrote %d times while this one wrote %d times", others, mine)
	}
	stop()
}

// startFastWriter starts a process that writes until it is stopped.
func startFastWriter(t testing.TB, d *db.DB, path string) (stop func()) {
	t.Helper()
	fast := exec.Command(os.Args[0], "-test.run=^TestFastWriter$")
	fast.Env = append(os.Environ(), "TIDINGS_TEST_DB="+path)
	out, err := fast.StdinPipe() // it writes until this is closed
	if err != nil {
		t.Fatal(err)
	}
	if err := fast.Start(); err != nil {
		t.Fatal(err)
	}
	for count(t, d, "slots") == 0 { // until it is at it
		if t.Context().Err() != nil {
			t.Fatal("the fast writer never wrote")
		}
	}
	return func() {
		if err := errors.Join(out.Close(), fast.Wait()); err != nil {
			t.Errorf("the fast writer: %v", err)
		}
	}
}

// many keeps a transaction busy for some milliseconds, so that others rarely find the database free by themselves.
const many = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 700) INSERT INTO slots SELECT $1, '', max(i) FROM n`

// TestFastWriter is the other process of TestFair.
func TestFastWriter(t *testing.T) {
	path := os.Getenv("TIDINGS_TEST_DB")
	if path == "" {
		t.Skip("runs only for TestFair")
	}
	d := open(t, path)
	done := make(chan struct{})
	go func() {
		_, _ = os.Stdin.Read(make([]byte, 1))
		close(done)
	}()
	for i := 0; ; i++ {
		select {
		case <-done:
			return
		default:
			if err := d.Write(t.Context(), exec1(many, i)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestMicros(t *testing.T) {
	zone := time.FixedZone("", 3600)
	for i, tt := range []struct {
		time time.Time
		want int64
	}{
		{time.Time{}, 0},
		{time.Date(2015, 12, 21, 10, 0, 0, 123456789, zone), 1450688400123456}, // less than a microsecond is lost
		{time.Date(1969, 12, 31, 23, 59, 59, 0, time.UTC), -1000000},
		{time.Date(2999, 1, 1, 0, 0, 0, 0, time.UTC), 32472144000000000},
	} {
		got := db.Micros(tt.time)
		if back := db.Time(got); got != tt.want || !back.Equal(tt.time.Truncate(time.Microsecond)) || back.Location() != time.UTC {
			t.Errorf("%d %v gives %d and %v", i+1, tt.time, got, back)
		}
	}
	if !db.Time(0).IsZero() {
		t.Error("0 is the zero time")
	}
}

// BenchmarkWait gives the time that a write takes beside another process that writes as fast as it can.
func BenchmarkWait(b *testing.B) {
	path := filepath.Join(b.TempDir(), "x.db")
	d := open(b, path)
	stop := startFastWriter(b, d, path)
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		if err := d.Write(b.Context(), exec1("INSERT INTO settings VALUES ($1, 'x')", len(took))); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(began))
	}
	stop()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}

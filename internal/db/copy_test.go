package db_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tidings/internal/db"
)

// snapshot copies a database and opens the copy.
func snapshot(t testing.TB, path string) (*db.DB, string) {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy of 100%.db")
	if err := db.Snapshot(t.Context(), path, to); err != nil {
		t.Fatal(err)
	}
	c, err := db.OpenCopy(t.Context(), to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c, to
}

// TestSnapshot: a copy that is made while another process writes is what the database was at one moment: of what that process
// writes in one transaction, it has all or nothing. It cannot be written to, and nothing lies beside it.
func TestSnapshot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "what? #1.db")
	d := open(t, path)
	stop := startFastWriter(t, d, path)
	for range 5 {
		c, to := snapshot(t, path)
		if n := count(t, c, "slots"); n == 0 || n > count(t, d, "slots") {
			t.Errorf("%d rows of %d", n, count(t, d, "slots"))
		}
		var cut int
		if err := c.QueryRow("SELECT count(*) FROM (SELECT 1 FROM slots GROUP BY name HAVING count(*) <> 1)").Scan(&cut); err != nil || cut > 0 {
			t.Errorf("%d transactions are there in part; %v", cut, err)
		}
		if err := c.Write(t.Context(), exec1("DELETE FROM slots")); err == nil {
			t.Error("the copy can be written to")
		}
		if files, err := os.ReadDir(filepath.Dir(to)); err != nil || len(files) != 1 {
			t.Errorf("beside the copy: %v; %v", files, err)
		}
	}
	stop()
	d2, _ := snapshot(t, path)
	if have, err := d2.Tables(t.Context()); err != nil || have < 1 || count(t, d2, "slots") != count(t, d, "slots") {
		t.Errorf("in the end: tables %d, %v", have, err)
	}
}

// TestSnapshotForgets: what was deleted is in the database's file still, and not in the copy.
func TestSnapshotForgets(t *testing.T) {
	const secret = "ada.lovelace@example.com"
	path := filepath.Join(t.TempDir(), "x.db")
	d := open(t, path)
	for _, query := range []string{"INSERT INTO settings VALUES ('" + secret + "', 'x')", "DELETE FROM settings"} {
		if err := d.Write(t.Context(), exec1(query)); err != nil {
			t.Fatal(err)
		}
	}
	_, to := snapshot(t, path)
	for file, want := range map[string]bool{path + "-wal": true, to: false} {
		data, err := os.ReadFile(file)
		if err != nil || strings.Contains(string(data), secret) != want {
			t.Errorf("the address is in %s: %t; %v", filepath.Base(file), !want, err)
		}
	}
}

// TestSnapshotFails: without a database none is made; an existing file is not written over; whoever gives up leaves no time to wait.
func TestSnapshotFails(t *testing.T) {
	dir := t.TempDir()
	path, missing := filepath.Join(dir, "x.db"), filepath.Join(dir, "y.db")
	open(t, path)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for i, test := range []struct {
		ctx      context.Context
		from, to string
	}{{t.Context(), missing, filepath.Join(dir, "1")}, {t.Context(), path, path}, {ended, path, filepath.Join(dir, "2")}} {
		if err := db.Snapshot(test.ctx, test.from, test.to); err == nil {
			t.Errorf("%d: no error", i+1)
		}
	}
	if _, err := os.Stat(missing); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a database was made: %v", err)
	}
}

// older makes the tables those of the first version.
const older = `DELETE FROM goose_db_version WHERE version_id > 1; ALTER TABLE stories DROP COLUMN version_of;
	CREATE INDEX stories_hash ON stories (hash); CREATE INDEX stories_path ON stories (path)`

// TestView: who only looks at a database sees what is in it, in the tables of this version, and changes neither.
func TestView(t *testing.T) {
	const row = "INSERT INTO settings VALUES ('a', 'b')"
	for _, test := range []struct {
		name  string // number and why
		spoil func(t *testing.T, path string)
		rows  int
		want  string // the error; "" for none
	}{
		{"1 as this version makes it", query(row), 1, ""},
		{"2 of an older version", query(row + ";" + older), 1, ""},
		{"3 of a newer one", query("INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)"), 0, "x.db: it was made by a newer version of Tidings (tables 9999"},
		{"4 no database", func(t *testing.T, path string) { overwrite(t, path, 0, []byte("no database")) }, 0, "x.db: file is not a database"},
		{"5 none yet", func(_ *testing.T, path string) { os.Remove(path) }, 0, ""},
		{"6 just about to be made", func(t *testing.T, path string) { truncate(t, path, 0) }, 0, ""},
	} {
		scratch := t.TempDir()
		t.Setenv("TMPDIR", scratch)
		path := filepath.Join(t.TempDir(), "x.db")
		if err := open(t, path).Close(); err != nil {
			t.Fatal(err)
		}
		test.spoil(t, path)
		before := content(t, filepath.Dir(path))
		d, err := db.View(t.Context(), path)
		if test.want != "" {
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: %v, want %s", test.name, err, test.want)
			}
			continue
		}
		if err != nil {
			t.Fatal(test.name, err)
		}
		if n := count(t, d, "settings"); n != test.rows || count(t, d, "stories WHERE version_of = ''") != 0 {
			t.Errorf("%s: %d rows, want %d", test.name, n, test.rows)
		}
		if err := d.Close(); err != nil {
			t.Error(test.name, err)
		}
		if content(t, filepath.Dir(path)) != before {
			t.Errorf("%s: it was changed", test.name)
		}
		if left, err := os.ReadDir(scratch); err != nil || len(left) > 0 {
			t.Errorf("%s: left behind is %v, %v", test.name, left, err)
		}
	}
	path := filepath.Join(t.TempDir(), "x.db")
	writer := open(t, path)
	d, err := db.View(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := writer.Write(t.Context(), exec1(row)); err != nil || count(t, d, "settings") != 1 {
		t.Errorf("what is written meanwhile is not seen, or cannot be written: %v", err)
	}
	if _, err := d.Exec(row); err == nil || !strings.Contains(err.Error(), "readonly") {
		t.Errorf("it can be written to: %v", err)
	}
}

// content is that of all files of a folder but for locks, which are empty.
func content(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&all, "%s %q\n", e.Name(), text)
	}
	return all.String()
}

// TestOpenCopy: a copy that is not whole, or that this version does not know, is refused.
func TestOpenCopy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	d := open(t, path)
	if err := d.Write(t.Context(), exec1(fill, 500)); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name  string // number and why
		spoil func(t *testing.T, path string)
		want  error
	}{
		{"1 as it is", func(*testing.T, string) {}, nil},
		{"2 no database", func(t *testing.T, path string) { overwrite(t, path, 0, []byte("no database")) }, db.ErrDamaged},
		{"3 empty", func(t *testing.T, path string) { truncate(t, path, 0) }, db.ErrDamaged},
		{"4 half of it", func(t *testing.T, path string) { truncate(t, path, 2) }, db.ErrDamaged},
		{"5 a page that is not what it was", func(t *testing.T, path string) { overwrite(t, path, 300_000, make([]byte, 4096)) }, db.ErrDamaged},
		{"6 a reference to nobody", query("PRAGMA foreign_keys = 0; INSERT INTO subscriptions VALUES (7, 'weekly', 'active', 0)"), db.ErrDamaged},
		{"7 of another program", query("DROP TABLE goose_db_version"), db.ErrDamaged},
		{"8 newer tables", query("INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)"), db.ErrNewer},
	} {
		to := filepath.Join(t.TempDir(), "copy.db")
		if err := db.Snapshot(t.Context(), path, to); err != nil {
			t.Fatal(err)
		}
		test.spoil(t, to)
		c, err := db.OpenCopy(t.Context(), to)
		if err == nil {
			err = c.Close()
		}
		if !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
	}
}

// fill adds so many rows of about a kilobyte.
const fill = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < $1) INSERT INTO settings SELECT 'row '||i, hex(randomblob(450)) FROM n`

func overwrite(t *testing.T, path string, at int64, data []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(data, at); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// truncate leaves one part of so many of a file; none for 0.
func truncate(t *testing.T, path string, parts int64) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	size := int64(0)
	if parts > 0 {
		size = info.Size() / parts
	}
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
}

func query(text string) func(*testing.T, string) {
	return func(t *testing.T, path string) {
		t.Helper()
		d, err := sql.Open("sqlite", "file:"+path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Exec(text); err != nil {
			t.Fatal(err)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAlone: a database that a process has open is told from one that nobody has, though nobody is at work on it.
func TestAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	if err := db.Alone(t.Context(), path); err == nil || errors.Is(err, db.ErrOpen) {
		t.Errorf("a database that is missing: %v", err)
	}
	d, err := db.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Alone(t.Context(), path); !errors.Is(err, db.ErrOpen) {
		t.Errorf("open here: %v", err)
	}
	stop := startFastWriter(t, d, path)
	w, err := d.Writer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Prepare(t.Context(), "DELETE FROM slots"); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Close(), d.Close()); err != nil { // nothing of the writer's may stay open either
		t.Fatal(err)
	}
	if err := db.Alone(t.Context(), path); !errors.Is(err, db.ErrOpen) {
		t.Errorf("open elsewhere: %v", err)
	}
	stop()
	if err := db.Alone(t.Context(), path); err != nil {
		t.Errorf("nobody has it open: %v", err)
	}
	overwrite(t, path, 0, []byte("no database"))
	if err := db.Alone(t.Context(), path); err == nil || errors.Is(err, db.ErrOpen) {
		t.Errorf("damaged: %v", err)
	}
}

// BenchmarkSnapshot copies a database of 100 MB, and gives how long a write beside it takes.
func BenchmarkSnapshot(b *testing.B) {
	path := filepath.Join(b.TempDir(), "x.db")
	d := open(b, path)
	if err := d.Write(b.Context(), exec1(fill, 100_000)); err != nil {
		b.Fatal(err)
	}
	var took []time.Duration
	for b.Loop() {
		done := make(chan error, 1)
		go func() { done <- db.Snapshot(b.Context(), path, filepath.Join(b.TempDir(), "copy.db")) }()
		for copying := true; copying; {
			select {
			case err := <-done:
				if err != nil {
					b.Fatal(err)
				}
				copying = false
			default:
				began := time.Now()
				if err := d.Write(b.Context(), exec1("INSERT INTO slots VALUES ('x', '', 0) ON CONFLICT DO UPDATE SET last_slot = last_slot + 1")); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(began))
			}
		}
	}
	slices.Sort(took)
	millis := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	b.ReportMetric(millis(took[len(took)*99/100]), "p99-ms")
	b.ReportMetric(millis(took[len(took)-1]), "longest-ms")
}

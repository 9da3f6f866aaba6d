package main

import (
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestViewing: commands that change nothing leave the database of an older version as it is, so that one can go back to that; so do they leave
// one that this version made. Each knows what is in it.
func TestViewing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "n")
	writeFile(t, filepath.Join(dir, "tidings.yaml"), "title: News\nurl: https://news.example.org/\n"+weekly)
	writeFile(t, filepath.Join(dir, "items", "a.md"), item("A", "", "Words."))
	tidingsAt(t, monday, "-C", dir, "subscribers", "add", "ada@example.com", "--confirmed", "x")
	tidingsAt(t, monday, "-C", dir, "send", "weekly", "--yes")
	writeFile(t, filepath.Join(dir, "items", "b.md"), item("B", "", "Words."))
	database := filepath.Join(dir, "state", "tidings.db")
	for _, made := range []string{"by this version", "by an older one"} {
		if made == "by an older one" {
			makeOlder(t, database)
		}
		before := string(contents(t, database))
		for _, test := range []struct{ command, says string }{
			{"check", "nothing is wrong"},
			{"items", "items/b.md  new: not published yet"},
			{"build --dry-run", "1 new, 0 updated, 0 withdrawn"},
			{"preview weekly --out " + t.TempDir(), "weekly-2: Weekly: B"},
			{"issues", "weekly-1"},
			{"issues show weekly-1", "ada@example.com\taccepted"},
			{"subscribers list", "ada@example.com"},
			{"subscribers export", "ada@example.com"},
		} {
			var out, errs logBuffer
			status := run(t.Context(), append([]string{"-C", dir}, strings.Fields(test.command)...), stdio{strings.NewReader(""), &out, &errs}, func() time.Time { return monday.Add(time.Hour) })
			if status != statusDone || !strings.Contains(out.String(), test.says) {
				t.Errorf("%s, database made %s: status %d\n%s%s", test.command, made, status, &out, &errs)
			}
			if string(contents(t, database)) != before {
				t.Fatalf("%s, database made %s: it is changed", test.command, made)
			}
		}
	}
	tidingsAt(t, monday, "-C", dir, "build")
}

// makeOlder makes the tables those of the first version.
func makeOlder(t *testing.T, database string) {
	t.Helper()
	d, err := sql.Open("sqlite", "file:"+database)
	check(t, err)
	_, err = d.Exec(`DELETE FROM goose_db_version WHERE version_id > 1; ALTER TABLE stories DROP COLUMN version_of;
		CREATE INDEX stories_hash ON stories (hash); CREATE INDEX stories_path ON stories (path)`)
	check(t, errors.Join(err, d.Close()))
}

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tidings/mailer/ledger"
)

// TestBackupMidway: backups are made while an issue goes out; then the machine dies, and one of them is restored on another. Over
// both machines everybody got at most one mail, and the account, which balances, is true. The next issue goes out at a word.
func TestBackupMidway(t *testing.T) {
	t.Parallel()
	r := newSending(t, 400, 100*time.Millisecond)
	r.nextIssue(t)
	p := r.startAndHold(t, 40)
	var files []string
	for _, mails := range []int{80, 120, 160} {
		r.server.hold(mails)
		files = append(files, filepath.Join(t.TempDir(), "backup.tar.gz"))
		tidingsAt(t, r.now, "-C", r.dir, "backup", files[len(files)-1])
		r.server.await(t, mails)
	}
	_ = p.cmd.Process.Kill()
	<-p.ended
	r.server.pace.Store(0)
	r.server.release()

	other := &sendingRoom{dir: filepath.Join(t.TempDir(), "n"), audience: r.audience, now: r.now.Add(time.Hour), issues: 1, server: r.server}
	out := tidingsAt(t, other.now, "-C", other.dir, "restore", files[1])
	if !strings.Contains(out, ": 400 subscribers, 1 issue\n") || !strings.Contains(out, "They count as unknown") {
		t.Errorf("restore says %s", out)
	}
	a := other.audit(t, "")
	if a[ledger.Accepted] < 40 || a[ledger.Unknown] < 100 || a[ledger.Accepted]+a[ledger.Unknown] != r.audience || !other.finished(t) {
		t.Errorf("after the restore: %s, finished: %t", a, other.finished(t))
	}
	sent := r.server.count()
	check(t, os.CopyFS(filepath.Join(other.dir, "items"), os.DirFS(filepath.Join(r.dir, "items"))))
	other.nextIssue(t)
	other.start(t).want(t, 10*time.Second, statusFailed)
	if n := r.server.count(); n != 0 || sent >= r.audience {
		t.Errorf("%d mails went out after the restore, %d before", n, sent)
	}
	tidingsAt(t, other.now, "-C", other.dir, "send", "weekly", "--yes", "--again")
	other.wantAccount(t, "", ledger.Account{ledger.Accepted: r.audience})
}

// TestBackupWhole: what becomes no backup leaves nothing where it was to be: no file, no copy of the database; and the backup that
// was there stays.
func TestBackupWhole(t *testing.T) {
	t.Parallel()
	r := newSending(t, 3, 0)
	dir := t.TempDir()
	file := filepath.Join(dir, "backup.tar.gz")
	tidingsAt(t, r.now, "-C", r.dir, "backup", file)
	before, err := os.ReadFile(file)
	check(t, err)
	check(t, os.Remove(filepath.Join(r.dir, "state", "keys")))
	var out, errs bytes.Buffer
	if status := run(t.Context(), []string{"-C", r.dir, "backup", "--force", file}, stdio{strings.NewReader(""), &out, &errs}, time.Now); status != statusFailed {
		t.Errorf("without keys: status %d, %s%s", status, &out, &errs)
	}
	after, err := os.ReadFile(file)
	files, derr := os.ReadDir(dir)
	if err != nil || derr != nil || len(files) != 1 || !bytes.Equal(before, after) {
		t.Errorf("the folder holds %v; the backup is as it was: %t", files, bytes.Equal(before, after))
	}
}

// testWaitsAfterRestore: an issue went out after the backup that is restored. The daemon does not send it again, though by what it
// can know its time has come; it says so once, and goes on at a word.
func testWaitsAfterRestore(t *testing.T) {
	d := startDaemon(t, monday.Add(-time.Hour), weekly, map[string]string{
		"items/first.md": item("First", "", "First words."),
		"list.csv":       "email\nada@example.com\n",
	})
	d.await(t, 3*time.Second, "first story in the feed", func() bool { return d.feedHas("First words") })
	file := filepath.Join(t.TempDir(), "backup.tar.gz")
	tidingsAt(t, d.now(), "-C", d.dir, "backup", file)
	d = d.restart(t, monday.Add(time.Hour), func() {})
	d.await(t, 8*time.Second, "mail of the issue", func() bool { return len(sent(t, d.dir)) == 1 })
	d = d.restart(t, monday.Add(2*time.Hour), func() {
		tidingsAt(t, monday.Add(2*time.Hour), "-C", d.dir, "restore", file)
	})
	waits := `msg="sending is halted" newsletter=weekly why="weekly waits: the newsroom was restored from a backup`
	d.await(t, 8*time.Second, "word of the restore in the log", func() bool { return strings.Contains(d.log.String(), waits) })
	d.write(t, "items/second.md", item("Second", "", "Second words."))
	d.await(t, 5*time.Second, "second story in the feed", func() bool { return d.feedHas("Second words") })
	if n := len(sent(t, d.dir)); n != 1 {
		t.Errorf("%d mails went out before the word", n)
	}
	d.await(t, 10*time.Second, "mail after the word", func() bool {
		tidingsAt(t, d.now(), "-C", d.dir, "send", "weekly", "--yes", "--again") // the daemon may be looking at this very moment
		return len(sent(t, d.dir)) == 2
	})
	d.await(t, 5*time.Second, "word that sending goes on", func() bool { return strings.Contains(d.log.String(), "sending goes on") })
	if n := strings.Count(d.log.String(), waits); n != 1 || len(sent(t, d.dir)) != 2 {
		t.Errorf("the log says it %d times; there are %d mails\n%s", n, len(sent(t, d.dir)), &d.log)
	}
}

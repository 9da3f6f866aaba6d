package newsroom_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"database/sql"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tidings/internal/archive"
	"tidings/internal/db"
	"tidings/internal/lock"
	"tidings/items"
	"tidings/newsroom"
)

// backup backs the newsroom up into a new file.
func (r *room) backup() string {
	r.t.Helper()
	file, _ := r.backupOf()
	return file
}

func (r *room) backupOf() (string, newsroom.Saved) {
	r.t.Helper()
	var b bytes.Buffer
	s, err := newsroom.Backup(r.t.Context(), r.dir, r.t.TempDir(), "1.2", r.now(), &b)
	if err != nil {
		r.t.Fatal(err)
	}
	file := filepath.Join(r.t.TempDir(), "backup.tar.gz")
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		r.t.Fatal(err)
	}
	return file, s
}

// restore closes the newsroom, restores the backup into the folder dir, and opens what is there.
func (r *room) restore(dir, file string) (*room, newsroom.Restored) {
	r.t.Helper()
	r.close()
	done, err := newsroom.Restore(r.t.Context(), dir, file, newsroom.Outside{Now: r.now})
	if err != nil {
		r.t.Fatal(err)
	}
	next := &room{t: r.t, dir: dir, clock: r.clock, ticks: r.ticks}
	next.Newsroom = next.openAgain(false)
	return next, done
}

func (r *room) close() {
	r.t.Helper()
	if err := r.Close(); err != nil {
		r.t.Fatal(err)
	}
}

// tree gives the mode and the content of each file below a folder, but for locks.
func tree(t testing.TB, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil || info.Size() == 0 {
			return err
		}
		data, err := os.ReadFile(path)
		fmt.Fprintf(&b, "%s %s %x\n", path, info.Mode(), sha256.Sum256(data))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// secrets gives a newsroom a DKIM key, a password, a template of its own, and a password that lies elsewhere.
func (r *room) secrets() {
	r.t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		r.t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		r.t.Fatal(err)
	}
	elsewhere := filepath.Join(r.t.TempDir(), "elsewhere.secret")
	for path, text := range map[string]string{r.path("state/dkim-spring.pem"): string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		r.path("secrets/smtp"): "sesame\n", elsewhere: "open\n"} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o750), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			r.t.Fatal(err)
		}
	}
	if err := os.Mkdir(r.path("templates"), 0o755); err != nil {
		r.t.Fatal(err)
	}
	r.write("templates/style.css", "body { color: teal }\n")
	r.edit("tidings.yaml", "mail:\n", fmt.Sprintf(`mail:
  dkim: {selector: spring, key_file: state/dkim-spring.pem}
  relays:
    - {url: "smtp://relay.example.org", username: news, password_file: secrets/smtp}
    - {url: "smtp://relay.example.net", username: news, password_file: %s}
`, elsewhere))
}

// TestMoveTo: a backup and the items are all that it takes to go on elsewhere: links in mails that went out before work, mail is
// signed with the same key, stories keep their ids, issues their numbers and accounts.
func TestMoveTo(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.send(newsroom.Order{}, nil)
	var links []string
	for _, m := range r.mails() {
		u := strings.Trim(m[0].Get("List-Unsubscribe"), "<>")
		links = append(links, u[strings.LastIndexByte(u, '/')+1:])
	}
	before := r.publish().Stories
	r.secrets()
	file, saved := r.backupOf()
	if saved.Subscribers != 8 || saved.Issues != 1 || len(saved.Left) != 1 || !strings.Contains(saved.Left[0], "elsewhere.secret: it lies outside") {
		t.Errorf("saved: %+v", saved)
	}
	r.pass(time.Hour)
	next, done := r.restore(filepath.Join(t.TempDir(), "new", "home"), file)
	if done.Subscribers != 8 || done.Issues != 1 || done.Unknown != 0 || done.Before != "" || len(done.Kept) > 0 || done.Elsewhere != "" ||
		done.Title != "IOM UK News" || done.Made.Unix() != monday.Unix() || done.Made.Location().String() != "Europe/London" {
		t.Errorf("restored: %+v", done)
	}
	for name, want := range map[string]fs.FileMode{"tidings.yaml": 0o644, "templates/style.css": 0o644, "secrets/smtp": 0o600, "state/dkim-spring.pem": 0o600,
		"state/keys": 0o600, "state/tidings.db": 0o600, "state": fs.ModeDir | 0o750, "secrets": fs.ModeDir | 0o750} {
		info, err := os.Stat(next.path(name))
		if err != nil || info.Mode() != want {
			t.Errorf("%s: %v, want %v", name, info.Mode(), want)
		}
		if err == nil && !info.IsDir() && name != "state/tidings.db" && next.read(name) != r.read(name) {
			t.Errorf("%s is not what it was", name)
		}
	}
	if next.Config.Mail.DKIM.Signer == nil || next.Config.Mail.Relays[0].Password != "sesame" {
		t.Error("the DKIM key or the password is missing")
	}
	if err := os.CopyFS(next.path("items"), os.DirFS(r.path("items"))); err != nil {
		t.Fatal(err)
	}
	if !slices.EqualFunc(before, next.publish().Stories, func(a, b items.Story) bool { return a.ID == b.ID && a.Slug == b.Slug }) {
		t.Error("the stories are others")
	}
	for i, token := range links {
		if p, err := next.Leave(t.Context(), token); err != nil || p.State != "done" {
			t.Errorf("link %d: %+v, %v", i+1, p, err)
		}
	}
	if s := next.send(newsroom.Order{Again: true}, nil); s.Nothing == "" {
		t.Errorf("%s was sent: all stories were told, and all have left", s.Issue.Name())
	}
}

// TestRestoreNeverTwice: an issue that went out after the backup is not sent again, neither by hand nor at a scheduled time, whether
// its page is still there or not, until one deliberate word. It needs no second one, not even if there was nothing to send at first.
func TestRestoreNeverTwice(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name        string // number and why
		page, empty bool
		number      int
	}{
		{"1 on the same machine: the page of the issue is there", true, false, 2},
		{"2 elsewhere: nothing is there", false, false, 1},
		{"3 the word is given when there is no news", false, true, 1},
	} {
		r := newRoom(t)
		r.publish()
		file := r.backup()
		r.send(newsroom.Order{}, nil)
		onceEach(t, r.mails(), 8)
		if !test.page {
			if err := os.RemoveAll(r.path("public")); err != nil {
				t.Fatal(err)
			}
		}
		r.pass(24 * time.Hour)
		r, done := r.restore(r.dir, file)
		if done.Issues != 0 || done.Before == "" {
			t.Errorf("%s: restored %+v", test.name, done)
		}
		for _, slot := range []time.Time{{}, monday, monday.AddDate(0, 0, 7)} {
			if s := r.send(newsroom.Order{Slot: slot}, newsroom.ErrRestored); s.Issue.ID != 0 {
				t.Errorf("%s: slot %v: %+v", test.name, slot, s)
			}
		}
		onceEach(t, r.mails(), 8)
		r.Newsroom = r.openAgain(false) // the word is still missing in another process
		r.send(newsroom.Order{}, newsroom.ErrRestored)
		order := newsroom.Order{Again: true}
		if test.empty {
			one := r.read("items/one.md")
			r.onlyItems("one.md", strings.Replace(one, "date:", "status: draft\ndate:", 1))
			if s := r.send(order, nil); s.Nothing == "" {
				t.Errorf("%s: sent %s", test.name, s.Issue.Name())
			}
			r.write("items/one.md", one)
			order.Again = false
		}
		s := r.send(order, nil)
		r.account(s, allTaken)
		if s.Issue.Number != test.number {
			t.Errorf("%s: it has the number %d, want %d", test.name, s.Issue.Number, test.number)
		}
		r.write("items/news.md", item("News", "date: 2016-12-20"))
		r.pass(24 * time.Hour)
		r.account(r.send(newsroom.Order{}, nil), allTaken)
	}
}

// TestRestoreMidway: whom a backup shows as waiting for an issue may have got it since. They get it only at a word.
func TestRestoreMidway(t *testing.T) {
	t.Parallel()
	server, r := serve(t)
	r.breakOff(server)
	file := r.backup()
	r.account(r.goOn(false), allTaken)
	r, done := r.restore(r.dir, file)
	if done.Unknown != 5 {
		t.Errorf("%d are unknown, want 5", done.Unknown)
	}
	if all, err := r.Continue(t.Context(), "weekly"); len(all) > 0 || err != nil {
		t.Errorf("the issue goes on: %+v, %v", all, err)
	}
	r.write("items/later.md", item("Later", "date: 2016-12-18"))
	r.send(newsroom.Order{}, newsroom.ErrRestored)
	onceEach(t, server.mails(), 8)
	i, deliveries, err := r.Deliveries(t.Context(), "weekly-1", "unknown")
	if err != nil || i.State != "finished" || i.Account.String() != "8 recipients = 3 accepted + 0 rejected + 0 suppressed + 5 unknown" {
		t.Errorf("%s %s, %v", i.State, i.Account, err)
	}
	for d, err := range deliveries {
		if err != nil || !strings.HasPrefix(d.Reply, "restored from a backup of 2016-12-19 10:00 UTC") {
			t.Errorf("%s: %q, %v", d.Email, d.Reply, err)
		}
	}
	s, err := r.Resend(t.Context(), "weekly-1", "unknown")
	if s.Again != 5 || err != nil {
		t.Errorf("resent to %d, %v", s.Again, err)
	}
	r.account(s.Sent, allTaken)
}

// TestRestoreKeeps: a restore leaves files of the newsroom that are there as they are, and keys that were added since; the state
// that was there is kept aside; a tidings.yaml that lacks only what the backup brings is no hindrance.
func TestRestoreKeeps(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.secrets()
	file := r.backup()
	added := r.read("state/keys") + "2 " + strings.Repeat("A", 43) + "=\n"
	r.close()
	if err := os.WriteFile(r.path("state/keys"), []byte(added), 0o600); err != nil {
		t.Fatal(err)
	}
	r.write("templates/style.css", "body { color: red }\n")
	r.remove("state/dkim-spring.pem")
	r.remove("secrets/smtp")
	r.edit("tidings.yaml", "https://news.example.org/", "https://staging.example.org/")
	mine := r.read("tidings.yaml")
	done, err := newsroom.Restore(t.Context(), r.dir, file, newsroom.Outside{Now: r.now})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{r.path("templates/style.css"), r.path("tidings.yaml")}; !slices.Equal(done.Kept, want) || done.Elsewhere != "https://staging.example.org/" {
		t.Errorf("kept %q, want %q; elsewhere is %s", done.Kept, want, done.Elsewhere)
	}
	if r.read("tidings.yaml") != mine || r.read("templates/style.css") != "body { color: red }\n" || r.read("secrets/smtp") != "sesame\n" {
		t.Error("files are not as they should be")
	}
	if r.read("state/keys") != added {
		t.Error("a key that was added is lost")
	}
	if done.Before != r.path("state/before-2016-12-19-090000") {
		t.Errorf("what was there is in %s", done.Before)
	}
	old, err := db.OpenCopy(t.Context(), filepath.Join(done.Before, "tidings.db"))
	if err != nil {
		t.Fatal(err)
	}
	old.Close()
	r.Newsroom = r.openAgain(false)
	r.restore(r.dir, file)
	if _, err := os.Stat(r.path("state/before-2016-12-19-090000-2/tidings.db")); err != nil {
		t.Errorf("after another restore: %v", err)
	}
}

// TestRestoreKeysOfAnother: keys that a newsroom made since it lost its own make way for those of the backup.
func TestRestoreKeysOfAnother(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	token := r.Keys.Unsubscribe("weekly", 1)
	file := r.backup()
	r.close()
	r.remove("state/keys")
	r.Newsroom = r.openAgain(false)
	if _, err := r.Keys.Parse(token); err == nil {
		t.Fatal("the keys are not lost")
	}
	r, done := r.restore(r.dir, file)
	if _, err := r.Keys.Parse(token); err != nil {
		t.Errorf("a link that was mailed: %v", err)
	}
	if _, err := os.Stat(filepath.Join(done.Before, "keys")); err != nil {
		t.Errorf("the keys that were there are gone: %v", err)
	}
}

// TestRestoreDamaged: of a backup that is damaged anywhere nothing is restored, and what is there is not touched.
func TestRestoreDamaged(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.send(newsroom.Order{}, nil)
	good, err := os.ReadFile(r.backup())
	if err != nil {
		t.Fatal(err)
	}
	r.close()
	before := tree(t, r.dir)
	path := filepath.Join(t.TempDir(), "damaged.tar.gz")
	refused := func(what string, at int, data []byte) {
		t.Helper()
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, dir := range []string{r.dir, filepath.Join(filepath.Dir(path), "new")} {
			_, err := newsroom.Restore(t.Context(), dir, path, newsroom.Outside{Now: r.now})
			if !errors.Is(err, archive.ErrDamaged) && !errors.Is(err, archive.ErrForeign) {
				t.Errorf("%s %d: %v", what, at, err)
			}
		}
	}
	const probes = 300
	for i := range probes {
		at := i * (len(good) - 1) / (probes - 1) // the first byte, the last, and what is between
		bad := bytes.Clone(good)
		bad[at] ^= byte(1 + i%255)
		refused("with another byte at", at, bad)
		refused("cut off at", at, good[:at])
	}
	if after := tree(t, r.dir); after != before {
		t.Errorf("the newsroom was touched:\n%s\nbefore:\n%s", after, before)
	}
	if files, err := os.ReadDir(filepath.Dir(path)); err != nil || len(files) != 1 {
		t.Errorf("a new newsroom was begun: %v, %v", files, err)
	}
}

// TestRestoreWrong: a backup that is whole, and holds what cannot be used, changes nothing either.
func TestRestoreWrong(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.secrets()
	file := r.backup()
	r.close()
	a, err := archive.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	before := tree(t, r.dir)
	for _, test := range []struct {
		name  string // number and why
		spoil func(dir string, files []archive.File) []archive.File
		want  string
	}{
		{"1 a database that is damaged", overwrite("tidings.db", 8192, strings.Repeat("x", 8192)), "the database is damaged"},
		{"2 a database of something else", overwrite("tidings.db", 0, "something else"), "the database is damaged"},
		{"3 keys that are none", overwrite("keys", 90, "????"), "keys:2: error"},
		{"4 a file that no backup has", add("public/index.html"), `nobody knows what "public/index.html" is`},
		{"5 a file beside the others", add("more"), `nobody knows what "more" is`},
		{"6 no database", without("tidings.db"), "it has no tidings.db"},
		{"7 no keys", without("keys"), "it has no keys"},
		{"8 no tidings.yaml", without("newsroom/tidings.yaml"), "it has no newsroom/tidings.yaml"},
		{"9 tables of a later version", newer, "newer version of Tidings (tables 9999"},
		{"10 a reference to nobody", orphan, "the database is damaged"},
	} {
		dir := t.TempDir()
		if err := a.Unpack(dir); err != nil {
			t.Fatal(err)
		}
		var files []archive.File
		for _, m := range a.Members {
			files = append(files, archive.File{Name: m.Name, Path: filepath.Join(dir, m.Name)})
		}
		var b bytes.Buffer
		if err := archive.Write(&b, a.Manifest, test.spoil(dir, files)); err != nil {
			t.Fatal(err)
		}
		wrong := filepath.Join(t.TempDir(), "wrong.tar.gz")
		if err := os.WriteFile(wrong, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, to := range []string{r.dir, filepath.Join(t.TempDir(), "new")} {
			if _, err := newsroom.Restore(t.Context(), to, wrong, newsroom.Outside{Now: r.now}); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: %v, want %s", test.name, err, test.want)
			}
			if _, err := os.Stat(filepath.Join(to, "tidings.yaml")); to != r.dir && err == nil {
				t.Errorf("%s: a newsroom was begun", test.name)
			}
		}
		if after := tree(t, r.dir); after != before {
			t.Fatalf("%s: the newsroom was touched:\n%s\nbefore:\n%s", test.name, after, before)
		}
	}
}

// The ways in which a backup is spoilt.

func overwrite(name string, at int64, text string) func(string, []archive.File) []archive.File {
	return func(dir string, files []archive.File) []archive.File {
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY, 0)
		if err == nil {
			_, err = f.WriteAt([]byte(text), at)
		}
		if err := errors.Join(err, f.Close()); err != nil {
			panic(err)
		}
		return files
	}
}

func add(name string) func(string, []archive.File) []archive.File {
	return func(_ string, files []archive.File) []archive.File {
		return append(files, archive.File{Name: name, Path: files[0].Path})
	}
}

func without(name string) func(string, []archive.File) []archive.File {
	return func(_ string, files []archive.File) []archive.File {
		return slices.DeleteFunc(files, func(f archive.File) bool { return f.Name == name })
	}
}

func newer(dir string, files []archive.File) []archive.File {
	change(dir, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)`)
	return files
}

func orphan(dir string, files []archive.File) []archive.File {
	change(dir, `PRAGMA foreign_keys = 0; INSERT INTO subscriptions VALUES (7, 'weekly', 'active', 0)`)
	return files
}

// change changes a database without a look at what may be changed.
func change(dir, query string) {
	d, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "tidings.db"))
	if err == nil {
		_, err = d.Exec(query)
	}
	if err := errors.Join(err, d.Close()); err != nil {
		panic(err)
	}
}

// TestRestoreInUse: while anybody is at work on the newsroom it is not replaced under them.
func TestRestoreInUse(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	file := r.backup()
	restore := func(what string, want error) {
		t.Helper()
		_, err := newsroom.Restore(t.Context(), r.dir, file, newsroom.Outside{Now: r.now})
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	restore("1 the database is open, as in an import", newsroom.ErrInUse)
	r.close()
	before := tree(t, r.dir)
	for i, name := range []string{"run", "publish", "send-weekly", "send-a-newsletter-of-last-year"} {
		release, err := lock.Try(r.path("state"), name)
		if err != nil {
			t.Fatal(err)
		}
		restore(fmt.Sprint(i+2, " ", name), newsroom.ErrInUse)
		release()
	}
	if after := tree(t, r.dir); after != before {
		t.Errorf("the newsroom was touched:\n%s\nbefore:\n%s", after, before)
	}
	restore("6 nobody is at work", nil)
}

// TestRestoreCutShort: wherever the power fails while the files are exchanged, whoever opens the newsroom next, or saves it, finds all of the
// new state and none of the old, which is kept.
func TestRestoreCutShort(t *testing.T) {
	t.Parallel()
	steps := []string{"state/tidings.db-wal>state/.restored/old/tidings.db-wal", "state/tidings.db>state/.restored/old/tidings.db", "state/.restored/new/tidings.db>state/tidings.db",
		"state/keys>state/.restored/old/keys", "state/.restored/new/keys>state/keys", "-state/.restored/new", "state/.restored/old>state/before-2016-12-18-000000"}
	for i := range 2 * (len(steps) + 1) {
		cut, saving := i/2, i%2 == 1
		r, next := newRoom(t), newRoom(t)
		if _, err := next.Subscribers.Remove(t.Context(), "newsdesk@example.com", nil, "a test", monday); err != nil {
			t.Fatal(err)
		}
		keys := next.read("state/keys")
		r.close()
		next.close()
		old := r.read("state/tidings.db")
		for _, folder := range []string{"state/.restored/new", "state/.restored/old"} {
			if err := os.MkdirAll(r.path(folder), 0o750); err != nil {
				t.Fatal(err)
			}
		}
		for _, name := range []string{"tidings.db", "keys"} {
			if err := os.Rename(next.path("state/"+name), r.path("state/.restored/new/"+name)); err != nil {
				t.Fatal(err)
			}
		}
		r.write("state/tidings.db-wal", "what a crash left behind")
		for _, step := range steps[:cut] {
			from, to, _ := strings.Cut(strings.TrimPrefix(step, "-"), ">")
			if to == "" {
				r.remove(from)
			} else if err := os.Rename(r.path(from), r.path(to)); err != nil {
				t.Fatal(err)
			}
		}
		if cut == 2 { // another process was about to open the database, and has begun a new one
			r.write("state/tidings.db", "")
		}
		if saving {
			if _, saved := r.backupOf(); saved.Subscribers != 7 {
				t.Errorf("cut at step %d: %d subscribers are saved, want 7", cut, saved.Subscribers)
			}
		}
		r.Newsroom = r.openAgain(false)
		if n := must(r.Subscribers.Count(t.Context(), "weekly")); n != 7 || r.read("state/keys") != keys {
			t.Errorf("cut at step %d: %d subscribers, want 7", cut, n)
		}
		before := must(filepath.Glob(r.path("state/before-*/*")))
		if len(before) != 3 || r.read(must(filepath.Rel(r.dir, before[1]))) != old {
			t.Errorf("cut at step %d: kept is %q, and not what it was", cut, before)
		}
		if _, err := os.Stat(r.path("state/.restored")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("cut at step %d: %v", cut, err)
		}
	}
}

// TestBackupRefuses: what must not become a backup leaves nothing behind.
func TestBackupRefuses(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.publish()
	shown := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(r.path("public/feeds"), shown); err != nil {
		t.Fatal(err)
	}
	empty := t.TempDir()
	if err := os.WriteFile(filepath.Join(empty, "tidings.yaml"), []byte(small), 0o644); err != nil {
		t.Fatal(err)
	}
	broken := t.TempDir()
	if err := os.WriteFile(filepath.Join(broken, "tidings.yaml"), []byte("url: x\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name         string // number and why
		dir, scratch string
		want         string
	}{
		{"1 into what everybody can read", r.dir, r.path("public/feeds"), "is published"},
		{"2 the same by a link", r.dir, shown, "is published"},
		{"3 no newsroom", t.TempDir(), t.TempDir(), "no newsroom here"},
		{"4 no database", empty, t.TempDir(), "there is no database to back up"},
		{"5 a newsroom that nobody can make out", broken, t.TempDir(), "tidings.yaml"},
		{"6 a folder that is missing", r.dir, filepath.Join(t.TempDir(), "missing"), "no such file"},
	} {
		var b bytes.Buffer
		_, err := newsroom.Backup(t.Context(), test.dir, test.scratch, "1.2", monday, &b)
		if err == nil || !strings.Contains(fmt.Sprint(err), test.want) || b.Len() > 0 {
			t.Errorf("%s: %v, want %s; %d bytes were written", test.name, err, test.want, b.Len())
		}
		left, _ := filepath.Glob(filepath.Join(test.scratch, ".tidings*"))
		if _, err := os.Stat(filepath.Join(test.dir, "state")); len(left) > 0 || test.dir != r.dir && err == nil {
			t.Errorf("%s: left behind: %v", test.name, left)
		}
	}
}

// TestBackupDamaged: a database that a restore would refuse does not become a backup.
func TestBackupDamaged(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.close()
	change(r.path("state"), `PRAGMA foreign_keys = 0; INSERT INTO subscriptions VALUES (7, 'weekly', 'active', 0)`)
	if _, err := newsroom.Backup(t.Context(), r.dir, t.TempDir(), "1.2", monday, &bytes.Buffer{}); !errors.Is(err, db.ErrDamaged) {
		t.Errorf("%v", err)
	}
}

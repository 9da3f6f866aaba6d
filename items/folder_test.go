package items_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tidings/internal/problem"
	"tidings/items"
)

// press is an items folder in which a test works as staff do.
type press struct {
	*testing.T
	dir    string
	folder *items.Folder
	clock  time.Time // of the files
}

func newPress(t *testing.T) *press {
	dir := t.TempDir()
	return &press{t, dir, items.NewFolder(dir, "items", parser), time.Date(2015, 12, 21, 9, 0, 0, 0, time.UTC)}
}

// write puts a file in place; each time is a later one.
func (p *press) write(name, text string) {
	p.Helper()
	file := filepath.Join(p.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		p.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		p.Fatal(err)
	}
	p.clock = p.clock.Add(time.Second)
	if err := os.Chtimes(file, p.clock, p.clock); err != nil {
		p.Fatal(err)
	}
}

func (p *press) rename(from, to string) {
	p.Helper()
	if err := os.MkdirAll(filepath.Dir(filepath.Join(p.dir, to)), 0o755); err != nil {
		p.Fatal(err)
	}
	if err := os.Rename(filepath.Join(p.dir, from), filepath.Join(p.dir, to)); err != nil {
		p.Fatal(err)
	}
}

func (p *press) remove(name string) {
	p.Helper()
	if err := os.Remove(filepath.Join(p.dir, name)); err != nil {
		p.Fatal(err)
	}
}

func (p *press) take() items.Scan {
	p.Helper()
	scan, err := p.folder.Take(p.Context())
	if err != nil {
		p.Fatal(err)
	}
	return scan
}

// told lists problems without their hints, which must be there.
func told(t *testing.T, probs problem.List) string {
	t.Helper()
	var b strings.Builder
	for _, p := range probs {
		if p.Hint == "" {
			t.Errorf("%v has no hint", p)
		}
		p.Hint = ""
		fmt.Fprintln(&b, p)
	}
	return b.String()
}

func titles(scan items.Scan) string {
	var out []string
	for _, f := range scan.Files {
		if f.Item != nil {
			out = append(out, f.Path+"="+f.Item.Title)
		}
	}
	return strings.Join(out, " ")
}

// item is the text of an item file.
func item(title, keys string) string {
	return "---\ntitle: " + title + "\ndate: 2015-12-21\n" + keys + "---\nThe story of " + title + ".\n"
}

func TestTake(t *testing.T) {
	p := newPress(t)
	p.write("b.md", item("B", ""))
	p.write("2015/12/a.MARKDOWN", item("A", ""))
	p.write("c.yml", "title: C\ndate: 2015-12-21\nbody: x\n")
	p.write("d.JSON", `{"title": "D", "date": "2015-12-21", "body": "x"}`)
	p.write("broken.md", item("Broken", "titel: x\n"))
	for _, ignored := range []string{".a.md", "a.md~", "~$b.md", "~syncthing~b.md.tmp", "b.md.tmp", "b.md.part", "b.md.swp", "4913", "Thumbs.db",
		"desktop.ini", ".git/a.md", "__MACOSX/a.md", "b.md.crdownload", "pic.png", "notes.xlsx"} {
		p.write(ignored, "no item")
	}
	scan := p.take()
	if got, want := titles(scan), "2015/12/a.MARKDOWN=A b.md=B c.yml=C d.JSON=D"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	want := "items/broken.md:4: error: unknown key \"titel\"\n"
	if got := told(t, scan.AllProblems()); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestStrangers(t *testing.T) {
	p := newPress(t)
	p.write("a.md", item("A", "attachments: [{src: offered.docx}]\n")+"\n[The minutes](docs/minutes%20of%20May.docx)\n")
	for _, f := range []string{"offered.docx", "docs/minutes of May.docx", "news.docx", "notes.TXT", "b.md.txt", "page.html",
		"a.sync-conflict-20151221-090000-ABC.md", "a (Ada's conflicted copy 2015-12-21).md"} {
		p.write(f, "x")
	}
	want := `items/a (Ada's conflicted copy 2015-12-21).md: warning: a syncing program kept this copy because two people changed the file at once: it is not published
items/a.sync-conflict-20151221-090000-ABC.md: warning: a syncing program kept this copy because two people changed the file at once: it is not published
items/b.md.txt: warning: the file's name ends in .txt, so it is no item: it is not published
items/news.docx: warning: an Office document is no item: it is not published
items/notes.TXT: warning: a plain text file is no item: it is not published
items/page.html: warning: a web page is no item: it is not published
`
	if got := told(t, p.take().AllProblems()); got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}

func TestMissingFiles(t *testing.T) {
	p := newPress(t)
	p.write("2015/a.md", item("A", "image: {src: here.png, alt: x}\nimages: [{src: gone.png, alt: x}, {src: /top.png, alt: x}]\n"+
		"attachments: [{src: ../up.pdf}, {src: ../../out.pdf}, {src: https://example.org/x.pdf}, {src: pics}]\n")+
		"\n![x](with%20space.png) ![x](Here.PNG) [a page](../other/) [top](#top)\n")
	for _, f := range []string{"2015/here.png", "top.png", "up.pdf", "2015/with space.png", "2015/pics/x.png"} {
		p.write(f, "x")
	}
	want := `items/2015/a.md: warning: gone.png is not there: the story is published without it
items/2015/a.md: warning: ../../out.pdf leads out of the items folder: the story is published without it
items/2015/a.md: warning: pics is no ordinary file: the story is published without it
items/2015/a.md: warning: Here.PNG is not there: the story is published without it
`
	scan := p.take()
	if got := told(t, scan.AllProblems()); got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
	p.write("2015/gone.png", "x") // the item is unchanged, what is said of it is not
	again := p.take()
	if got := told(t, again.AllProblems()); strings.Contains(got, "gone") {
		t.Errorf("got:\n%s", got)
	}
	if again.Files[0].Beside == scan.Files[0].Beside {
		t.Error("Beside does not tell that a picture came")
	}
}

func TestMedia(t *testing.T) {
	p := newPress(t)
	out := t.TempDir()
	if err := os.WriteFile(filepath.Join(out, "secret.png"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.write("2015/a b.PNG", "picture")
	p.write("plan.unknown", "x")
	for _, f := range []string{"draft.md", "draft.MD", ".hidden.png", ".git/config", "~$plan.docx"} {
		p.write(f, "x")
	}
	p.write("page.html", "x")
	for link, target := range map[string]string{"leak.png": filepath.Join(out, "secret.png"), "dir": out, "inside.png": "2015/a b.PNG"} {
		if err := os.Symlink(target, filepath.Join(p.dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	for i, tt := range []struct{ item, src, path, typ string }{
		{"2015/x.md", "a b.PNG", "2015/a b.PNG", "image/png"},
		{"2015/x.md", "a%20b.PNG", "2015/a b.PNG", "image/png"},
		{"2015/x.md", "../plan.unknown", "plan.unknown", "application/octet-stream"},
		{"2015/x.md", "/page.html", "page.html", "application/octet-stream"}, // never served as a page
		{"x.md", "inside.png", "inside.png", "image/png"},                    // a link that stays inside
		{"x.md", "leak.png", "", ""},                                         // one that leads out
		{"x.md", "dir/secret.png", "", ""},
		{"x.md", "../x.png", "", ""},
		{"x.md", "%2e%2e/x.png", "", ""},
		{"x.md", "2015", "", ""},
		{"x.md", "", "", ""},
		{"x.md", "gone.png", "", ""},
		{"x.md", "draft.md", "", ""}, // an item is published as a story, or not at all
		{"x.md", "draft.MD", "", ""},
		{"2015/x.md", "../draft%2emd", "", ""},
		{"x.md", ".hidden.png", "", ""}, // nor is what nobody sees
		{"x.md", ".git/config", "", ""},
		{"x.md", "~$plan.docx", "", ""}, // nor what programs leave behind
	} {
		m, err := p.folder.Media(tt.item, tt.src)
		if (err == nil) != (tt.path != "") || m.Path != tt.path || m.Type != tt.typ {
			t.Errorf("%d %s: got %+v, %v", i+1, tt.src, m, err)
		}
		if err != nil {
			continue
		}
		in, err := p.folder.Open(m)
		if err != nil {
			t.Error(i+1, err)
			continue
		}
		data, err := io.ReadAll(in)
		if cerr := in.Close(); err != nil || cerr != nil || int64(len(data)) != m.Size {
			t.Errorf("%d: %d bytes of %d; %v", i+1, len(data), m.Size, err)
		}
	}
}

// TestUnreadable: what cannot be read is an error of its own, or of the whole look, and never taken for deleted.
func TestUnreadable(t *testing.T) {
	p := newPress(t)
	p.write("a.md", item("A", ""))
	secret := filepath.Join(t.TempDir(), "secret.md")
	if err := os.WriteFile(secret, []byte(item("Secret", "")), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(secret, filepath.Join(p.dir, "leak.md")); err != nil {
		t.Fatal(err)
	}
	p.write("big.md", item("Big", "")+strings.Repeat("x", items.MaxSize))
	scan := p.take()
	want := "items/big.md: error: the file has 1048 kB, more than an item may have (1 MiB)\n" +
		"items/leak.md: error: the file cannot be read: it leads out of the items folder\n"
	if got := told(t, scan.AllProblems()); got != want || titles(scan) != "a.md=A" {
		t.Errorf("got %s and %s, want %s", titles(scan), got, want)
	}
	if _, err := items.NewFolder(filepath.Join(p.dir, "gone"), "items", parser).Take(t.Context()); err == nil || !strings.Contains(err.Error(), "items folder cannot be read") {
		t.Errorf("a folder that is gone gives %v", err)
	}
	if os.Geteuid() == 0 {
		t.Skip("the rest needs a user who may not read everything")
	}
	p.write("sub/b.md", item("B", ""))
	if err := os.Chmod(filepath.Join(p.dir, "sub"), 0); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(filepath.Join(p.dir, "sub"), 0o755) //nolint:errcheck // only so that it can be deleted
	if _, err := p.folder.Take(t.Context()); err == nil {
		t.Error("a subfolder that cannot be read passes for empty")
	}
}

// TestTakeSettled drives a file that is written slowly by looks at given times.
func TestTakeSettled(t *testing.T) {
	p := newPress(t)
	now := time.Date(2015, 12, 21, 10, 0, 0, 0, time.UTC)
	whole := item("Whole", "")
	for i, step := range []struct {
		after time.Duration // since the step before
		write string        // "" leaves the file alone
		want  string
		ready bool
	}{
		{0, whole[:20], "", false},                                       // it is new
		{500 * time.Millisecond, "", "", false},                          // too soon to tell
		{500 * time.Millisecond, whole[:30], "", false},                  // it grows
		{2 * time.Second, whole, "", false},                              // and is whole, which cannot be known yet
		{time.Second, "", "a.md=Whole", true},                            // now it can
		{time.Second, "", "a.md=Whole", true},                            // and stays
		{time.Second, item("Again", ""), "a.md=Whole", false},            // a new version: the old one stays meanwhile
		{time.Second, item("Newer", ""), "a.md=Whole", false},            // of the same size, later
		{time.Second, "", "a.md=Newer", true},                            // settled
		{time.Second, item("Broken", "titel: x\n"), "a.md=Newer", false}, // an error is none before it has settled
		{time.Second, "", "", true},
	} {
		now = now.Add(step.after)
		if step.write != "" {
			p.write("a.md", step.write)
		}
		scan, err := p.folder.TakeSettled(t.Context(), now)
		if err != nil || titles(scan) != step.want || scan.Pending() == step.ready {
			t.Errorf("%d: got %s, pending %v; %v", i+1, titles(scan), scan.Pending(), err)
		}
		if got := told(t, scan.AllProblems()); (got != "") != (i == 10) {
			t.Errorf("%d: got %s", i+1, got)
		}
	}
}

// touch sets when a file was last written.
func (p *press) touch(name string, at time.Time) {
	p.Helper()
	if err := os.Chtimes(filepath.Join(p.dir, name), at, at); err != nil {
		p.Fatal(err)
	}
}

// TestUnchanged: a file of the same size and time is not read again.
func TestUnchanged(t *testing.T) {
	p := newPress(t)
	p.write("a.md", item("A", ""))
	first := p.take().Files[0].Item
	p.clock = p.clock.Add(-time.Second)
	p.write("a.md", item("B", ""))
	if again := p.take().Files[0].Item; again != first {
		t.Errorf("it was read again, and now is %s", again.Title)
	}
	p.write("a.md", item("B", ""))
	if p.take().Files[0].Item.Title != "B" {
		t.Error("a changed file was not read")
	}
}

// TestTwins: two files that are the same are told, for both are published.
func TestTwins(t *testing.T) {
	p := newPress(t)
	p.write("a.md", item("A", ""))
	p.write("b.md", item("A", ""))
	scan := p.take()
	if got, want := told(t, scan.AllProblems()), "items/b.md: warning: it is the same as items/a.md, letter for letter: both are published\n"; got != want || titles(scan) != "a.md=A b.md=A" {
		t.Errorf("got %s and %s, want %s", titles(scan), got, want)
	}
	p.write("b.md", item("B", ""))
	if got := told(t, p.take().AllProblems()); got != "" {
		t.Errorf("once mended: %s", got)
	}
}

// TestMissed: under TakeSettled a file that is missed stays, as it was, until it has been missing for a second; so a rename leaves
// no gap.
func TestMissed(t *testing.T) {
	p := newPress(t)
	now := time.Date(2016, 1, 1, 9, 0, 0, 0, time.UTC)
	look := func(after time.Duration) string {
		t.Helper()
		now = now.Add(after)
		scan, err := p.folder.TakeSettled(t.Context(), now)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, f := range scan.Files {
			switch {
			case f.Item == nil:
				out = append(out, f.Path+"?")
			case f.Pending:
				out = append(out, f.Path+"="+f.Item.Title+"?")
			default:
				out = append(out, f.Path+"="+f.Item.Title)
			}
		}
		return strings.Join(out, " ")
	}
	p.write("a.md", item("A", ""))
	look(0)
	steps := []struct {
		why   string
		do    func()
		after time.Duration
		want  string
	}{
		{"1 it is taken", func() {}, time.Second, "a.md=A"},
		{"2 renamed: the old one stays for the moment", func() { p.rename("a.md", "b.md") }, 10 * time.Millisecond, "a.md=A? b.md?"},
		{"3 half a second later too", func() {}, 500 * time.Millisecond, "a.md=A? b.md?"},
		{"4 then the new one takes its place", func() {}, time.Second, "b.md=A"},
		{"5 deleted", func() { p.remove("b.md") }, time.Second, "b.md=A?"},
		{"6 and written again in time", func() { p.write("b.md", item("B", "")) }, 500 * time.Millisecond, "b.md=A?"},
		{"7 so there never was a gap", func() {}, time.Second, "b.md=B"},
		{"8 deleted for good", func() { p.remove("b.md") }, time.Second, "b.md=B?"},
		{"9 it is gone", func() {}, time.Second, ""},
	}
	for _, s := range steps {
		s.do()
		if got := look(s.after); got != s.want {
			t.Errorf("%s: %s, want %s", s.why, got, s.want)
		}
	}
}

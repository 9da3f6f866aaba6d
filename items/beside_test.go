package items_test

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestBeside drives items and the files beside them by looks at given times. Grace is ten minutes; the items are seen first at 10:00:00 and
// taken at 10:00:01.
func TestBeside(t *testing.T) {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 300, 200)), nil); err != nil {
		t.Fatal(err)
	}
	whole, half := b.String(), b.String()[:b.Len()/2]
	const (
		picture    = "image: {src: a.jpg, alt: x}\n"
		attachment = "attachments: [{src: plan.pdf}]\n"
		soon       = "…"       // it waits for a moment
		nothing    = "nothing" // it is not taken
	)
	shows := func(what string) string { return "A" + what }
	type step struct {
		at   string            // time of the look
		put  map[string]string // files written a moment ago; "-" deletes one
		want string            // the item's title, soon, and until when it waits
		said string            // a part of what is said, between ^ and $; "" for nothing
	}
	put := func(pairs ...string) map[string]string {
		m := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
		return m
	}
	for _, test := range []struct {
		name  string // number and why
		files map[string]string
		steps []step
	}{
		{"1 a picture that comes in time", put("a.md", item("A", picture)), []step{
			{"10:00:01", nil, nothing + " 10:10", "it waits for a.jpg until 10:10; then the story is published without it"},
			{"10:05:00", put("a.jpg", whole), nothing + soon, ""},
			{"10:05:02", nil, shows(""), ""}}},
		{"2 one that does not come", put("a.md", item("A", picture)), []step{
			{"10:00:01", nil, nothing + " 10:10", "waits"},
			{"10:09:59", nil, nothing + " 10:10", "waits"},
			{"10:10:00", nil, shows(""), "a.jpg is not there: the story is published without it"},
			{"11:00:00", put("a.jpg", whole), shows(soon), ""},
			{"11:00:02", nil, shows(""), ""}}},
		{"3 another version of the item does not wait anew for what was waited for", put("a.md", item("A", picture)), []step{
			{"10:00:01", nil, nothing + " 10:10", "waits"},
			{"10:08:00", put("a.md", item("B", picture)), nothing + soon, ""},
			{"10:08:02", nil, nothing + " 10:10", "waits"},
			{"10:10:00", nil, "B", "is not there"},
			{"10:20:00", put("a.md", item("C", picture)), "B" + soon, ""},
			{"10:20:02", nil, "C", "is not there"}}},
		{"4 but for what it did not name before", put("a.md", item("A", picture), "a.jpg", whole), []step{
			{"10:00:01", nil, shows(""), ""},
			{"10:20:00", put("a.md", item("B", "image: {src: b.jpg, alt: x}\n")), shows(soon), ""},
			{"10:20:02", nil, nothing + " 10:30", "waits for b.jpg until 10:30"},
			{"10:20:03", put("b.jpg", whole), nothing + soon, ""},
			{"10:20:05", nil, "B", ""}}},
		{"5 half a picture", put("a.md", item("A", picture), "a.jpg", half), []step{
			{"10:00:01", nil, nothing + " 10:09", "it waits for a.jpg, of which only a part is there, until 10:09; then"},
			{"10:05:00", put("a.jpg", half+" "), nothing + soon, ""},
			{"10:05:30", nil, nothing + " 10:14", "waits"},
			{"10:06:00", put("a.jpg", whole), nothing + soon, ""},
			{"10:06:01", nil, shows(""), ""}}},
		{"6 half a picture for ever", put("a.md", item("A", picture), "a.jpg", half), []step{
			{"10:00:01", nil, nothing + " 10:09", "waits"},
			{"10:10:00", nil, shows(""), ""}}}, // who publishes it says that it is cut off
		{"7 a picture of which nothing is there yet", put("a.md", item("A", picture), "a.jpg", ""), []step{
			{"10:00:01", nil, nothing + " 10:09", "only a part"},
			{"10:01:00", put("a.jpg", strings.Repeat("\x00", 9000)), nothing + soon, ""},
			{"10:01:02", nil, nothing + " 10:10", "only a part"}}},
		{"8 a document must have been seen as it is twice, by whatever clock", put("a.md", item("A", attachment)), []step{
			{"10:00:01", nil, nothing + " 10:10", "waits for plan.pdf"},
			{"10:05:00", put("plan.pdf@-5m", "one"), nothing + soon, ""},
			{"10:05:01", put("plan.pdf@-5m1s", "one, two"), nothing + soon, ""},
			{"10:05:02", nil, nothing + soon, ""},
			{"10:05:03", nil, shows(""), ""}}},
		{"9 one that has been there for long", put("a.md", item("A", attachment), "plan.pdf@-11m", "one"), []step{
			{"10:00:01", nil, shows(""), ""}}},
		{"10 a published picture that goes for a moment", put("a.md", item("A", picture), "a.jpg", whole), []step{
			{"10:00:01", nil, shows(""), ""},
			{"12:00:00", put("a.jpg", "-"), shows(" 12:10"), "waits for a.jpg until 12:10"},
			{"12:01:00", put("a.jpg", half), shows(soon), ""},
			{"12:01:02", nil, shows(" 12:10"), "only a part"},
			{"12:02:00", put("a.jpg", whole), shows(soon), ""},
			{"12:02:02", nil, shows(""), ""}}},
		{"11 and one that is really deleted", put("a.md", item("A", picture), "a.jpg", whole), []step{
			{"10:00:01", nil, shows(""), ""},
			{"12:00:00", put("a.jpg", "-"), shows(" 12:10"), "waits"},
			{"12:10:00", nil, shows(""), "is not there"}}},
		{"12 what is taken back waits for nothing, and nothing is said", put("a.md", item("A", picture+"status: withdrawn\n"), "b.md", item("B", attachment+"status: erased\n")), []step{
			{"10:00:01", nil, "A B", ""}}},
		{"13 nor does a draft; what it lacks is waited for once it is published", put("a.md", item("A", picture+"status: draft\n")), []step{
			{"10:00:01", nil, shows(""), "a.jpg is not there"},
			{"10:20:00", put("a.md", item("A", picture)), shows(soon), ""},
			{"10:20:02", nil, nothing + " 10:30", "waits"}}},
		{"14 what is not due yet waits meanwhile, and then no longer than it must", put("a.md", item("A", picture+"publish_at: 2015-12-21T10:05\n")), []step{
			{"10:00:01", nil, shows(""), "a.jpg is not there"},
			{"10:05:00", nil, nothing + " 10:10", "waits"},
			{"10:10:00", nil, shows(""), "is not there"}}},
		{"15 a link to a file, but none to a page, a calendar or what the site has", put("a.md", item("A", "")+
			"\n[1](../b/) [2](b.html) [3](event.ics) [4](/2015/report.pdf) [5](https://example.org/x.pdf) [6](plan.pdf#page=2)\n"), []step{
			{"10:00:01", nil, nothing + " 10:10", "it waits for plan.pdf#page=2 until 10:10; then the link to it leads nowhere"},
			{"10:10:00", nil, shows(""), "plan.pdf#page=2 is not there: the link to it leads nowhere"}}},
		{"16 a version waits with the story's own file", put("a.md", item("A", picture), "a.fr.md", item("B", "")), []step{
			{"10:00:01", nil, "nothing nothing 10:10 10:10", "waits"},
			{"10:01:00", put("a.jpg", whole), "nothing nothing" + soon, ""},
			{"10:01:02", nil, "B A", ""}}},
		{"17 but not if it is taken back", put("a.md", item("A", picture), "a.fr.md", item("B", "status: withdrawn\n")), []step{
			{"10:00:01", nil, "B nothing 10:10", "waits"}}},
		{"18 what leads out is not waited for", put("a.md", item("A", "images: [{src: ../x.jpg, alt: x}, {src: .x.jpg, alt: x}, {src: here, alt: x}]\n"), "here/x.txt", "x"), []step{
			{"10:00:01", nil, shows(""), "../x.jpg leads out of the items folder: the story is published without it\n" +
				"items/a.md: warning: .x.jpg is not for publication: the story is published without it\n" +
				"items/a.md: warning: here is no ordinary file: the story is published without it"}}},
		{"19 an error meanwhile does not make it wait anew", put("a.md", item("A", picture)), []step{
			{"10:10:00", nil, shows(""), "is not there"},
			{"10:20:00", put("a.md", item("B", picture+"titel: x\n")), shows(soon), ""},
			{"10:20:02", nil, nothing, "titel"},
			{"10:21:00", put("a.md", item("C", picture)), nothing + soon, "titel"},
			{"10:21:02", nil, "C", "is not there"}}},
		{"20 what is named twice is told once", put("a.md", item("A", picture)+"\n![x](a.jpg) [x](a.jpg)\n"), []step{
			{"10:00:01", nil, nothing + " 10:10", "^items/a.md: warning: it waits for a.jpg until 10:10; then the story is published without it\n$"}}},
	} {
		p := newPress(t)
		p.folder.Grace = 10 * time.Minute
		at := func(clock string) time.Time {
			now, err := time.Parse(time.DateTime, "2015-12-21 "+clock)
			if err != nil {
				t.Fatal(err)
			}
			return now
		}
		look := func(now time.Time, files map[string]string) (string, string) {
			t.Helper()
			p.put(files, now)
			scan, err := p.folder.TakeSettled(t.Context(), now)
			if err != nil {
				t.Fatal(err)
			}
			var titles []string
			waits := ""
			for _, f := range scan.Files {
				title := nothing
				if f.Item != nil {
					title = f.Item.Title
				}
				titles = append(titles, title)
				if !f.Until.IsZero() {
					waits += f.Until.Format(" 15:04")
				}
			}
			if scan.Pending() {
				waits += soon
			}
			return strings.Join(titles, " ") + waits, told(t, scan.AllProblems())
		}
		look(at("10:00:00"), test.files)
		for _, s := range test.steps {
			got, said := look(at(s.at), s.put)
			if got != s.want || !strings.Contains("^"+said+"$", s.said) || s.said == "" && said != "" {
				t.Errorf("%s: at %s: %q, want %q; said is %q", test.name, s.at, got, s.want, said)
			}
		}
	}
}

// put writes files a moment before now, or as long before as their names say, and deletes those that are to be "-".
func (p *press) put(files map[string]string, now time.Time) {
	p.Helper()
	for name, text := range files {
		name, before, _ := strings.Cut(name, "@-")
		age := 10 * time.Millisecond
		if before != "" {
			var err error
			if age, err = time.ParseDuration(before); err != nil {
				p.Fatal(err)
			}
		}
		if text == "-" {
			p.remove(name)
			continue
		}
		p.write(name, text)
		p.touch(name, now.Add(-age))
	}
}

// TestBesideCheck: whoever checks is told how long the daemon will wait, by the time of the item file, and the file is taken.
func TestBesideCheck(t *testing.T) {
	now := time.Date(2015, 12, 21, 10, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name string // number and why
		age  string
		want string
	}{
		{"1 a moment ago", "5m", "it waits for a.jpg until 10:05; then the story is published without it"},
		{"2 long ago", "2h", "a.jpg is not there: the story is published without it"},
	} {
		p := newPress(t)
		p.folder.Grace = 10 * time.Minute
		p.put(map[string]string{"a.md@-" + test.age: item("A", "image: {src: a.jpg, alt: x}\n")}, now)
		scan, err := p.folder.Check(t.Context(), now)
		if err != nil || titles(scan) != "a.md=A" || told(t, scan.AllProblems()) != fmt.Sprintf("items/a.md: warning: %s\n", test.want) {
			t.Errorf("%s: %s, %s, %v", test.name, titles(scan), told(t, scan.AllProblems()), err)
		}
	}
}

// TestLeadsOut: a symbolic link that leads out is said to do so.
func TestLeadsOut(t *testing.T) {
	p := newPress(t)
	out := filepath.Join(t.TempDir(), "a.jpg")
	if err := os.WriteFile(out, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(out, filepath.Join(p.dir, "a.jpg")); err != nil {
		t.Fatal(err)
	}
	p.write("a.md", item("A", "image: {src: a.jpg, alt: x}\n"))
	if got, want := told(t, p.take().AllProblems()), "items/a.md: warning: a.jpg leads out of the items folder: the story is published without it\n"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

package newsroom_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tidings/internal/picture"
	"tidings/internal/problem"
	"tidings/newsroom"
)

// TestMediaOfBroken: a file with an error leaves its story as it was, pictures and documents included, also in a new process.
func TestMediaOfBroken(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string // number and why
		again func(r *room)
	}{
		{"1 in the same process", func(*room) {}},
		{"2 in a new one", func(r *room) { r.Newsroom = r.openAgain(false) }},
		{"3 in a new one, and the picture changes meanwhile", func(r *room) {
			r.Newsroom = r.openAgain(false)
			r.write("items/a.svg", drawing("another"))
		}},
		{"4 in a new one, and the picture goes meanwhile", func(r *room) {
			r.Newsroom = r.openAgain(false)
			r.remove("items/a.svg")
		}},
	} {
		r := newRoom(t)
		r.onlyItems("a.svg", drawing("old"), "b.svg", drawing("in the text"), "plan.pdf", "a plan",
			"a.md", item("A", "date: 2016-12-01\nimage: {src: a.svg, alt: x}\nattachments: [{src: plan.pdf}]")+"\n![x](b.svg)\n")
		r.publish()
		before := r.read("public/news/a/index.html")
		r.edit("items/a.md", "title:", "titel:")
		test.again(r)
		r.publish()
		r.publish()
		media, err := r.readDir("public/media")
		if err != nil || len(media) != 3 || r.read("public/news/a/index.html") != before || r.shown() != drawing("old") {
			t.Errorf("%s: there are %v, %v", test.name, media, err)
		}
	}
}

// TestMailedPictures: the pictures that a mail and its issue's page show stay when the story gets another one, and those that only the
// story's page showed go.
func TestMailedPictures(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.onlyItems("a.png", plainPicture(t, 1700), "b.png", plainPicture(t, 1800), "a.md", item("A", "newsletter: lead\ndate: 2016-12-01\nimage: {src: a.png, alt: x}"))
	r.send(newsroom.Order{}, nil)
	r.edit("items/a.md", "a.png", "b.png")
	r.publish()
	mails := r.mails()
	if len(mails) != 8 {
		t.Fatalf("%d people got mail", len(mails))
	}
	shown := regexp.MustCompile(`https://news\.example\.org/(media/[0-9a-z-]+\.(?:png|jpg))`)
	for to, m := range mails {
		found := shown.FindStringSubmatch(strings.NewReplacer("=\r\n", "", "=\n", "").Replace(m[0].body))
		if found == nil {
			t.Fatalf("%s got no picture:\n%s", to, m[0].body)
		}
		if _, err := os.Stat(r.path("public/" + found[1])); err != nil || !strings.Contains(found[1], "-600.") {
			t.Errorf("%s: the picture that was mailed: %s, %v", to, found[1], err)
		}
	}
	media, err := r.readDir("public/media")
	if err != nil || len(media) != 5 { // three of b, two of a: not that in full size
		t.Errorf("there are %v, %v", media, err)
	}
}

// patience is a context that ends once somebody has asked so many times whether it has.
type patience struct {
	context.Context
	left atomic.Int64
}

func (p *patience) Err() error {
	if p.left.Add(-1) < 0 {
		return context.Canceled
	}
	return nil
}

// TestPicturesCalledOff: a publication that is called off ends between two pictures, and what was made of those before stays for the next.
func TestPicturesCalledOff(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	var files []string
	const pictures = 6
	for i := range pictures {
		name := fmt.Sprint("p", i)
		files = append(files, name+".png", plainPicture(t, 300+i), name+".md", item(name, "date: 2016-12-01\nimage: {src: "+name+".png, alt: x}"))
	}
	r.onlyItems(files...)
	known, ended := 0, map[int]bool{}
	for patient := int64(0); known < pictures; patient++ {
		if patient > 1000 {
			t.Fatal("it does not get on")
		}
		ctx := &patience{Context: t.Context()}
		ctx.left.Store(patient)
		n := r.openAgain(false)
		if _, err := n.Publish(ctx); err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		now := 0
		if err := r.Ledger.DB.QueryRow("SELECT COUNT(*) FROM media").Scan(&now); err != nil {
			t.Fatal(err)
		}
		if there, _ := filepath.Glob(r.path("public/media/*")); now < known || len(there) != now {
			t.Errorf("of %d pictures %d are known then, and %d there", known, now, len(there))
		}
		known = now
		ended[known] = true
	}
	if len(ended) < 3 {
		t.Errorf("it ended only when so many pictures were made: %v", ended)
	}
	p := r.publish()
	if media, err := r.readDir("public/media"); err != nil || len(media) != pictures || p.Shown() != pictures {
		t.Errorf("in the end %d stories show, and there are %v, %v", p.Shown(), media, err)
	}
}

// plainPicture is a PNG of this width.
func plainPicture(t *testing.T, width int) string {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, width, 100))); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestPictureGone: a picture that is gone together with its story holds up nothing while the story still shows, though all is made anew.
func TestPictureGone(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string // number and why
		wipe  bool
		force bool
	}{
		{"1 the story is in its grace", false, false},
		{"2 somebody took the published files away", true, false},
		{"3 by force, so that the story is withdrawn at once", false, true},
		{"4 both", true, true},
	} {
		r := newRoom(t)
		r.onlyItems("a.svg", drawing("old"), "a.md", item("A", "date: 2016-12-01\nimage: {src: a.svg, alt: x}"), "b.md", item("B", "date: 2016-12-01"))
		r.publish()
		r.remove("items/a.md")
		r.remove("items/a.svg")
		r.write("items/c.md", item("Breaking", "date: 2016-12-02"))
		if test.wipe {
			if err := os.RemoveAll(r.path("public/media")); err != nil {
				t.Fatal(err)
			}
		}
		n, err := newsroom.Open(t.Context(), r.dir, newsroom.Outside{Now: r.now, Force: test.force})
		if err != nil {
			t.Fatal(err)
		}
		r.Newsroom = n
		for range 2 {
			r.pass(2 * time.Minute)
			if p := r.publish(); p.Complaints() != nil || !strings.Contains(r.read("public/feeds/news.rss"), "Breaking") {
				t.Errorf("%s: %v", test.name, p.Complaints())
			}
		}
		if !test.wipe && !test.force && r.shown() != drawing("old") {
			t.Errorf("%s: its picture is gone", test.name)
		}
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestRefusedPicture: a picture that cannot be published is told of at every publication, until it is another one.
func TestRefusedPicture(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.onlyItems("a.png", "no picture", "a.md", item("A", "date: 2016-12-01\nimage: {src: a.png, alt: x}"))
	for i := range 3 {
		r.write("items/b.md", item("B", "date: 2016-12-0"+string(rune('1'+i))))
		if said := r.publish().Scan.AllProblems().Error(); !strings.Contains(said, "a.png") {
			t.Errorf("publication %d: %q", i+1, said)
		}
	}
	r.write("items/a.png", plainPicture(t, 20))
	if said := r.publish().Scan.AllProblems(); len(said) > 0 || r.shown() != plainPicture(t, 20) {
		t.Errorf("then: %v", said)
	}
}

// TestWaitsForPicture: in the daemon a story waits for its picture, new or published, as long as grace allows; other news does not wait for
// it, and what is taken back does not either. In the end there is what a build gives.
func TestWaitsForPicture(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.onlyItems("a.md", item("A", "date: 2016-12-01\nimage: {src: a.png, alt: x}"), "b.md", item("B", "date: 2016-12-01"))
	d := &room{Newsroom: r.openAgain(true), t: t, dir: r.dir, clock: r.clock, ticks: r.ticks}
	whole, other := plainPicture(t, 40), plainPicture(t, 50)
	put := func(name, content string) func() {
		return func() {
			r.write(name, content)
			if err := os.Chtimes(r.path(name), r.now(), r.now()); err != nil {
				t.Fatal(err)
			}
		}
	}
	deleted := func() { r.remove("items/a.png") }
	const without = "a page without a picture"
	for _, step := range []struct {
		name   string // number and why
		after  time.Duration
		change func()
		shown  string        // of a
		next   time.Duration // until something changes by itself
		said   string        // of a; "" for nothing
	}{
		{"1 two new stories", 0, func() {}, "", 0, ""},
		{"2 one lacks its picture", 2 * time.Second, func() {}, "", 598 * time.Second, "it waits for a.png until 09:10"},
		{"3 nothing happens", time.Minute, func() {}, "", 538 * time.Second, "it waits"},
		{"4 half of it comes, and the copying pauses", time.Minute, put("items/a.png", whole[:len(whole)/2]), "", 0, ""},
		{"5 a minute later", time.Minute, func() {}, "", 540 * time.Second, "only a part"},
		{"6 the rest comes", time.Minute, put("items/a.png", whole), "", 0, ""},
		{"7 there it is", 2 * time.Second, func() {}, whole, 0, ""},
		{"8 it is deleted", time.Hour, deleted, whole, 600 * time.Second, "it waits for a.png"},
		{"9 the daemon is started anew", time.Minute, func() { d.Newsroom = r.openAgain(true) }, whole, 0, ""},
		{"10 and waits", 2 * time.Second, func() {}, whole, 598 * time.Second, "it waits"},
		{"11 the picture is copied again, by half", time.Minute, put("items/a.png", other[:len(other)/2]), whole, 0, ""},
		{"12 still", 2 * time.Second, func() {}, whole, 598 * time.Second, "only a part"},
		{"13 wholly", time.Minute, put("items/a.png", other), whole, 0, ""},
		{"14 there it is", 2 * time.Second, func() {}, other, 0, ""},
		{"15 it is deleted for good", time.Minute, deleted, other, 600 * time.Second, "it waits"},
		{"16 a second before the end", 599 * time.Second, func() {}, other, time.Second, "it waits"},
		{"17 the end", time.Second, func() {}, without, 0, "a.png is not there: the story is published without it"},
		{"18 half a picture", time.Hour, put("items/a.png", whole[:len(whole)/2]), without, 0, ""},
		{"19 for ever", 2 * time.Second, func() {}, without, 598 * time.Second, "only a part"},
		{"20 it is said to be so", 10 * time.Minute, func() {}, without, 0, "a.png: the picture is cut off or damaged; the story is published without it"},
		{"21 a new text with a picture that is missing", time.Hour, func() { r.edit("items/a.md", "a.png", "c.png", "title: A", "title: New") }, without, 0, "cut off"},
		{"22 waits", 2 * time.Second, func() {}, without, 598 * time.Second, "it waits for c.png"},
		{"23 but not if it is withdrawn", time.Minute, func() { r.edit("items/a.md", "date:", "status: withdrawn\ndate:") }, without, 0, "cut off"},
		{"24 it is", 2 * time.Second, func() {}, without, 0, ""},
	} {
		r.pass(step.after)
		step.change()
		p := d.publish()
		said := ""
		for _, prob := range p.Scan.AllProblems() {
			said += prob.What
		}
		look := must(d.Look(t.Context()))
		next := time.Duration(0)
		if !look.NextChange.IsZero() {
			next = look.NextChange.Sub(r.now()).Round(time.Second)
		}
		if got := r.shown(); got != step.shown || next != step.next || !strings.Contains(said, step.said) || step.said == "" && said != "" {
			t.Errorf("%s: it shows %.25q, wants %.25q; said is %q; the next change is in %v", step.name, got, step.shown, said, next)
		}
		if again := must(d.Look(t.Context())); again.Print != look.Print || d.publish().Changed() {
			t.Errorf("%s: nothing happens, and it is published again", step.name)
		}
		if news := r.read("public/feeds/news.rss"); step.after > 0 && !strings.Contains(news, "<title>B</title>") {
			t.Errorf("%s: the other story waits, too", step.name)
		}
	}
	if page := r.read("public/news/a/index.html"); !strings.Contains(page, "withdrawn") || strings.Contains(page, "The text") {
		t.Errorf("in the end:\n%s", page)
	}
	if p := r.publish(); p.Changed() {
		t.Errorf("a build gives other files: %v, %v", p.Written, p.Removed)
	}
}

// TestPictureProblems: what is wrong with a picture is told by check, before the story is published too, and at every look until the picture
// changes.
func TestPictureProblems(t *testing.T) {
	t.Parallel()
	whole := plainPicture(t, 700)
	for _, test := range []struct{ name, file, content, why string }{
		{"1 no picture", "a.jpg", "no picture", "a.jpg: it is no picture that browsers show"},
		{"2 HEIC", "a.heic", "\x00\x00\x00\x18ftypheic", "a.heic: it is no picture that all browsers show, but a HEIC"},
		{"3 cut off", "a.png", whole[:len(whole)/2], "a.png: the picture is cut off or damaged"},
		{"4 too many pixels", "a.gif", "GIF89a\xff\xff\xff\xff\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00;", "a.gif: the picture has 65535 × 65535 pixels"},
		{"5 too large", "a.jpg", "\xff\xd8" + strings.Repeat("\x00", picture.MaxBytes), "a.jpg: the picture has more than 64 MB"},
		{"6 too large for a document", "a.pdf", strings.Repeat("x", 100<<20+1), "a.pdf: the file has more than 100 MB"},
		{"7 nothing", "a.png", whole, ""},
	} {
		r := newRoom(t)
		attach := "image: {src: " + test.file + ", alt: x}"
		if strings.HasSuffix(test.file, ".pdf") {
			attach = "attachments: [{src: a.pdf}]"
		}
		r.onlyItems(test.file, test.content, "a.md", item("A", "date: 2016-12-01\n"+attach))
		if err := os.Chtimes(r.path("items/"+test.file), time.Time{}, r.now().Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
		told := func(step string, probs problem.List) {
			if said := fmt.Sprint(probs); len(probs) > 1 || (test.why != "") != strings.Contains(said, "items/a.md") || !strings.Contains(said, test.why) {
				t.Errorf("%s: %s: %s", test.name, step, said)
			}
		}
		check := func(step string) {
			probs, err := newsroom.Check(t.Context(), r.dir, r.now())
			if err != nil {
				t.Fatal(err)
			}
			told(step, probs)
		}
		check("check before it is published")
		told("when it is published", r.publish().Scan.AllProblems())
		told("when nothing changed", r.publish().Scan.AllProblems())
		check("check afterwards")
		r.write("items/b.md", item("B", "date: 2016-12-01"))
		told("when something else is published", r.publish().Scan.AllProblems())
		told("when nothing changed again", r.publish().Scan.AllProblems())
		r.edit("items/a.md", attach, "")
		test.why = ""
		told("when the item goes without it", r.publish().Scan.AllProblems())
		check("check without it")
	}
}

// TestPublishedMeanwhile: the daemon says no more that a story waits for a picture when a command has published it without that; but it does
// where the story still shows the picture that is gone.
func TestPublishedMeanwhile(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.onlyItems("b.svg", drawing("b"), "a.md", item("A", "date: 2016-12-01\nimage: {src: a.svg, alt: x}"), "b.md", item("B", "date: 2016-12-01\nimage: {src: b.svg, alt: x}"))
	daemon := r.openAgain(true)
	told := func(step, want string) {
		t.Helper()
		for range 3 { // until the files have settled
			if _, err := daemon.Look(t.Context()); err != nil {
				t.Fatal(err)
			}
			r.pass(2 * time.Second)
		}
		p, err := daemon.Publish(t.Context())
		if said := fmt.Sprint(p.AllProblems()); err != nil || !strings.Contains(said, want) || strings.Count(said, "items/") != 1 {
			t.Errorf("%s: %s, %v", step, said, err)
		}
	}
	told("1 it waits", "it waits for a.svg until ")
	r.publish()
	told("2 a command has published it", "a.svg is not there: the story is published without it")
	r.write("items/a.svg", drawing("a"))
	r.remove("items/b.svg")
	told("3 the other one waits, with its picture", "it waits for b.svg until ")
}

package newsroom_test

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

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

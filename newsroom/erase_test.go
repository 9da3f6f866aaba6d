package newsroom_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"tidings/newsroom"
)

// TestErased: of a story that was erased no byte is left under public/ nor in the state folder, though issues told it, and its address
// and its file's name are not known any more; the story is known again all the same, and its slug goes to no other.
func TestErased(t *testing.T) {
	t.Parallel()
	r := newRoom(t, "mail:\n", "staff: [editor@example.org]\nmail:\n")
	r.onlyItems("kaleidoscope.md", item("Zanzibar", "newsletter: lead\ndate: 2016-12-01\nimage: {src: quixotic.svg, alt: Xylophone}"),
		"quixotic.svg", drawing("vermilion"), "open.md", item("Openness", "date: 2016-12-02"))
	r.send(newsroom.Order{}, nil)
	r.onlyItems("kaleidoscope.md", r.read("items/kaleidoscope.md"), "quixotic.svg", drawing("vermilion"), "open.md", item("Openness", "date: 2016-12-02"),
		"new.md", item("Newness", "date: 2016-12-03"))
	words := []string{"kaleidoscope", "Zanzibar", "quixotic", "Xylophone", "vermilion"}
	for _, w := range words {
		if places := r.holding(w); len(places) == 0 {
			t.Fatalf("%s is nowhere before", w)
		}
	}
	r.edit("items/kaleidoscope.md", "date:", "status: erased\ndate:")
	r.publish()
	r.send(newsroom.Order{Again: true}, nil)
	for range 2 { // and it stays so
		r.publish()
		r.Newsroom = r.openAgain(false)
	}
	r.without("in the end", words...)
	if erased := must(r.Erased(t.Context(), "kaleidoscope")); !erased {
		t.Error("its address is not known for that of an erased story")
	}
	for _, l := range must(r.Inventory(t.Context())) {
		if l.File == "items/kaleidoscope.md" && l.State != "erased" {
			t.Errorf("it is told to be %s", l.State)
		}
	}
	if erased := must(r.Erased(t.Context(), "open")); erased {
		t.Error("another address is")
	}
	if !strings.Contains(r.read("public/newsletters/weekly/1/index.html"), "Openness") {
		t.Error("the issue's page lost the other story, too")
	}
	if err := os.Mkdir(r.path("items/sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	r.write("items/sub/kaleidoscope.md", item("Another", "date: 2016-12-04"))
	r.publish()
	if _, err := os.Stat(r.path("public/news/kaleidoscope/index.html")); err == nil {
		t.Error("another story got its address")
	}
}

// TestErasedUnfinished: a publication that breaks down, or whose process dies, leaves no word of an erased story for ever.
func TestErasedUnfinished(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string // number and why
		breakOff func(r *room) error
		scrubbed bool // the issue at once
	}{
		{"1 a folder is in the way", func(r *room) error {
			r.remove("public/feeds/news.rss")
			if err := os.MkdirAll(r.path("public/feeds/news.rss/sub"), 0o755); err != nil {
				t.Fatal(err)
			}
			_, err := r.Publish(t.Context())
			if err := os.RemoveAll(r.path("public/feeds/news.rss")); err != nil {
				t.Fatal(err)
			}
			return err
		}, true},
		{"2 it is ended before it comes to the issue", func(r *room) error {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			n, err := newsroom.Open(ctx, r.dir, newsroom.Outside{Now: r.now, Log: slog.New(slog.NewTextHandler(writer(cancel), nil))})
			if err != nil {
				t.Fatal(err)
			}
			_, err = n.Publish(ctx)
			return errors.Join(err, n.Close())
		}, false},
	} {
		for _, again := range []bool{false, true} { // the same process goes on, or another
			r := newRoom(t)
			r.onlyItems("kaleidoscope.md", item("Zanzibar", "newsletter: lead\ndate: 2016-12-01\nimage: {src: quixotic.svg, alt: Xylophone}"),
				"quixotic.svg", drawing("vermilion"), "open.md", item("Openness", "date: 2016-12-02"))
			r.send(newsroom.Order{}, nil)
			r.edit("items/kaleidoscope.md", "date:", "status: erased\ndate:")
			if err := test.breakOff(r); err == nil {
				t.Fatalf("%s: no error", test.name)
			}
			var kept string
			if err := r.Ledger.DB.QueryRow(`SELECT content || messages FROM issues`).Scan(&kept); err != nil || strings.Contains(kept, "Zanzibar") == test.scrubbed {
				t.Errorf("%s: the issue holds the story: %t; %v", test.name, !test.scrubbed, err)
			}
			if again {
				r.Newsroom = r.openAgain(false)
			}
			r.publish()
			r.without(test.name, "kaleidoscope", "Zanzibar", "quixotic", "Xylophone", "vermilion")
		}
	}
}

// TestErasedWhere: whoever publishes the erasure of a story in two languages, no byte of it is left.
func TestErasedWhere(t *testing.T) {
	t.Parallel()
	words := []string{"kaleidoscope", "Zanzibar", "quixotic", "Xylophone", "vermilion", "Tourbillon"}
	publish := func(n *newsroom.Newsroom) {
		if _, err := n.Publish(t.Context()); err != nil {
			t.Error(err)
		}
	}
	for _, test := range []struct {
		name string // number and why
		by   func(r *room, before *newsroom.Newsroom)
	}{
		{"1 the process that published it, while another reads", func(r *room, _ *newsroom.Newsroom) { publish(r.Newsroom) }},
		{"2 one that has never seen it", func(r *room, before *newsroom.Newsroom) { publish(before) }},
		{"3 a new one", func(r *room, _ *newsroom.Newsroom) { publish(r.openAgain(false)) }},
		{"4 two after each other", func(r *room, before *newsroom.Newsroom) { publish(r.Newsroom); publish(before) }},
	} {
		r := newRoom(t)
		publish(r.Newsroom)
		before := r.openAgain(false)
		publish(before)
		r.onlyItems("kaleidoscope.md", item("Zanzibar", "newsletter: lead\ndate: 2016-12-01\nimage: {src: quixotic.svg, alt: Xylophone}"), "quixotic.svg", drawing("vermilion"),
			"kaleidoscope.fr.md", "---\ntitle: Tourbillon\n---\nx\n", "open.md", item("Openness", "date: 2016-12-02"))
		r.everybodyReads("fr")
		r.send(newsroom.Order{}, nil)
		r.edit("items/kaleidoscope.md", "date:", "status: erased\ndate:")
		test.by(r, before)
		r.without(test.name, words...)
		publish(before) // and it stays so
		publish(r.Newsroom)
		r.without(test.name+", later", words...)
	}
}

// TestErasedPin: the id that an erased story's file pinned is known still, so that the story is not told again as another one, but readers see
// nothing of it.
func TestErasedPin(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.onlyItems("kaleidoscope.md", item("Zanzibar", "id: tag:example.org,2016:quixotic\ndate: 2016-12-01"), "open.md", item("Openness", "date: 2016-12-02"))
	r.send(newsroom.Order{}, nil)
	r.edit("items/kaleidoscope.md", "date:", "status: erased\ndate:")
	r.publish()
	r.without("erased", "kaleidoscope", "Zanzibar")
	if places := r.holding("quixotic"); !slices.Equal(places, []string{"state/tidings.db"}) {
		t.Errorf("the id is in %q", places)
	}
	r.remove("items/kaleidoscope.md")
	r.write("items/again.md", item("Again", "id: tag:example.org,2016:quixotic\ndate: 2016-12-01"))
	r.publish()
	if s := r.send(newsroom.Order{Again: true}, nil); s.Issue.ID != 0 {
		t.Errorf("%d stories are told again", s.Stories)
	}
}

// TestErasedLeftovers: what a process that died wrote a part of goes before anything is published anew, or with the page beside which it lies.
func TestErasedLeftovers(t *testing.T) {
	t.Parallel()
	for _, again := range []bool{false, true} { // the same process goes on, or another
		r := newRoom(t)
		r.onlyItems("kaleidoscope.md", item("Zanzibar", "date: 2016-12-01"), "open.md", item("Openness", "date: 2016-12-02"))
		r.publish()
		r.write("public/news/kaleidoscope/.tmp-123456789", "Zanzibar")
		r.write("public/news/.tmp-of-mine", "")
		if again {
			r.write("public/feeds/.tmp-4294967295", "Zanzibar")
			r.Newsroom = r.openAgain(false)
		}
		r.edit("items/kaleidoscope.md", "date:", "status: erased\ndate:")
		r.publish()
		r.without("with what a process left", "Zanzibar", "kaleidoscope")
		if _, err := os.Stat(r.path("public/news/kaleidoscope")); err == nil {
			t.Error("the story's folder is there")
		}
		if _, err := os.Stat(r.path("public/news/.tmp-of-mine")); err != nil {
			t.Error(err)
		}
	}
}

// writer calls a function whenever something is written.
type writer func()

func (w writer) Write(p []byte) (int, error) { w(); return len(p), nil }

// without wants these words nowhere under public/ and state/.
func (r *room) without(name string, words ...string) {
	r.t.Helper()
	for _, w := range words {
		if places := r.holding(w); len(places) > 0 {
			r.t.Errorf("%s: %s is still in %q", name, w, places)
		}
	}
}

// holding are the files under public/ and state/ that have a word, in their bytes or in their names.
func (r *room) holding(word string) (places []string) {
	r.t.Helper()
	err := fs.WalkDir(os.DirFS(r.dir), ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasPrefix(p, "public") && !strings.HasPrefix(p, "state") {
			return err
		}
		data, err := os.ReadFile(r.path(p))
		if bytes.Contains(bytes.ToLower(data), []byte(strings.ToLower(word))) || strings.Contains(p, word) {
			places = append(places, p)
		}
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return places
}

// TestErasedOnce: feeds tell when a story was erased, and go on telling that, whatever becomes of its file.
func TestErasedOnce(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.publish()
	r.edit("items/one.md", "date:", "status: erased\ndate:")
	r.publish()
	feed := r.read("public/feeds/news.atom")
	if !strings.Contains(feed, `when="2016-12-19T09:00:00Z"`) {
		t.Fatalf("it does not tell:\n%s", feed)
	}
	for _, step := range []struct {
		name string // number and why
		do   func()
	}{
		{"1 nothing is done", func() {}},
		{"2 its text changes", func() { r.edit("items/one.md", "The text", "Another text") }},
		{"3 it is renamed", func() {
			if err := os.Rename(r.path("items/one.md"), r.path("items/first.md")); err != nil {
				t.Fatal(err)
			}
		}},
		{"4 its file goes", func() { r.remove("items/first.md") }},
	} {
		r.pass(time.Hour)
		r.Newsroom = r.openAgain(false)
		step.do()
		if p := r.publish(); p.Changed() || r.read("public/feeds/news.atom") != feed {
			t.Errorf("%s: %+v was written", step.name, p.Written)
		}
	}
}

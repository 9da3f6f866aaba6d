package newsroom_test

import (
	"bytes"
	"io/fs"
	"os"
	"strings"
	"testing"

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
	for _, w := range words {
		if places := r.holding(w); len(places) > 0 {
			t.Errorf("%s is still in %q", w, places)
		}
	}
	if erased := must(r.Erased(t.Context(), "kaleidoscope")); !erased {
		t.Error("its address is not known for that of an erased story")
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

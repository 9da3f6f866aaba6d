package newsroom_test

import (
	"testing"
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

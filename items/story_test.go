package items_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tidings/internal/db"
	"tidings/items"
)

// room is a press whose stories are remembered.
type room struct {
	*press
	store *items.Store
	now   time.Time
	said  string // the problems of the last publish
}

func newRoom(t *testing.T) *room {
	r := &room{press: newPress(t), now: time.Date(2016, 1, 1, 9, 0, 0, 0, time.UTC)}
	r.store = &items.Store{Host: "news.example.org", Location: london}
	r.forget()
	return r
}

// empty is a database of nothing; making its tables takes most of the time of a test, so it is done once.
var empty = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "tidings")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // nothing depends on it
	path := filepath.Join(dir, "x.db")
	d, err := db.Open(context.Background(), path)
	if err != nil {
		return nil, err
	}
	if err := d.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// forget begins with a new database.
func (r *room) forget() {
	r.Helper()
	data, err := empty()
	path := filepath.Join(r.TempDir(), "x.db")
	if err == nil {
		err = os.WriteFile(path, data, 0o600)
	}
	if err != nil {
		r.Fatal(err)
	}
	d, err := db.Open(r.Context(), path)
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { _ = d.Close() })
	r.store.DB = d
}

// publish looks at the folder an hour later and remembers what it finds; it gives the stories by path.
func (r *room) publish() map[string]items.Story {
	r.Helper()
	r.now = r.now.Add(time.Hour)
	known, err := r.store.Load(r.Context())
	if err != nil {
		r.Fatal(err)
	}
	scan := r.take()
	loaded := slices.Clone(known.Stories)
	stories, probs := known.Match(scan.Files, r.now)
	if !reflect.DeepEqual(known.Stories, loaded) { // others use them too
		r.Errorf("what is known was changed: %v, was %v", known.Stories, loaded)
	}
	if _, err := r.store.Save(r.Context(), known, stories, r.now); err != nil {
		r.Fatal(err)
	}
	r.said = told(r.T, append(scan.AllProblems(), probs...))
	out := map[string]items.Story{}
	for _, s := range stories {
		out[s.Path] = s
	}
	if len(out) != len(stories) {
		r.Errorf("two stories of one path: %v", stories)
	}
	return out
}

// names gives the slug of each story by path, and marks those whose id is another than before.
func names(now, before map[string]items.Story) string {
	ids := map[string]string{}
	for _, s := range before {
		ids[s.Slug] = s.ID
	}
	var out []string
	for path, s := range now {
		mark := ""
		if ids[s.Slug] != "" && ids[s.Slug] != s.ID {
			mark = "!"
		}
		out = append(out, path+"="+s.Slug+mark)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// TestIdentity publishes a.md and b.md, lets staff do something, and publishes again.
func TestIdentity(t *testing.T) {
	for i, tt := range []struct {
		why  string
		do   func(r *room)
		want string
	}{
		{"nothing happens", func(r *room) {}, "a.md=a b.md=b"},
		{"a new title", func(r *room) { r.write("a.md", item("Other", "")) }, "a.md=a b.md=b"},
		{"a renamed file", func(r *room) { r.rename("a.md", "z.md") }, "b.md=b z.md=a"},
		{"renamed, and another is new at its place", func(r *room) { r.rename("a.md", "z.md"); r.rename("b.md", "a.md") }, "a.md=b z.md=a"},
		{"exchanged names", func(r *room) { r.rename("a.md", "x"); r.rename("b.md", "a.md"); r.rename("x", "b.md") }, "a.md=b b.md=a"},
		{"moved to a subfolder", func(r *room) { r.rename("a.md", "2015/a.md") }, "2015/a.md=a b.md=b"},
		{"another format", func(r *room) {
			r.rename("a.md", "gone")
			r.write("a.yaml", "title: A\ndate: 2015-12-21\nbody: x\n")
		}, "a.yaml=a b.md=b"},
		{"the site moved", func(r *room) { r.store.Host = "www.example.com" }, "a.md=a b.md=b"},
		{"the database is lost", func(r *room) { r.forget() }, "a.md=a b.md=b"},
		{"a copy is a story of its own", func(r *room) { r.write("0-copy.md", item("A", "")) }, "0-copy.md=0-copy a.md=a b.md=b"},
		{"a copy, and the first changed", func(r *room) { r.write("0-copy.md", item("A", "")); r.write("a.md", item("A2", "")) }, "0-copy.md=0-copy a.md=a b.md=b"},
		{"a pin follows the story whatever changes", func(r *room) {
			id := r.publish()["a.md"].ID
			r.write("z.md", item("New", "id: "+id+"\n"))
			r.rename("a.md", "gone")
		}, "b.md=b z.md=a"},
		{"slugs are unique, in every folder", func(r *room) { r.write("2016/2016-01-01-a.md", item("A3", "")) }, "2016/2016-01-01-a.md=a-2 a.md=a b.md=b"},
		{"a slug is never given again", func(r *room) {
			r.rename("a.md", "z.md")
			r.publish()
			r.write("a.md", item("A4", ""))
		}, "a.md=a-2 b.md=b z.md=a"},
		{"not even when its story is gone", func(r *room) {
			r.rename("a.md", "gone")
			r.publish()
			r.write("2016/a.md", item("A5", ""))
		}, "2016/a.md=a-2 b.md=b"},
		{"a file that comes back is its story again", func(r *room) {
			r.rename("a.md", "gone")
			r.publish()
			r.rename("gone", "a.md")
		}, "a.md=a b.md=b"},
		{"a broken file is its story", func(r *room) { r.write("a.md", "---\n") }, "a.md=a b.md=b"},
		{"a new name and a new text: title and date tell", func(r *room) { r.remove("a.md"); r.write("z.md", item("A ", "summary: New.\n")) }, "b.md=b z.md=a"},
		{"in two steps", func(r *room) { r.remove("a.md"); r.publish(); r.write("z.md", item("Á", "summary: New.\n")) }, "b.md=b z.md=a"},
		{"unless two may be meant", func(r *room) {
			r.remove("a.md")
			r.write("y.md", item("A", "summary: New.\n"))
			r.write("z.md", item("A", "summary: Newer.\n"))
		}, "b.md=b y.md=y z.md=z"},
		{"or the language is another", func(r *room) { r.remove("a.md"); r.write("z.md", item("A", "language: fr\n")) }, "b.md=b z.md=z"},
		{"or it pins an id of its own", func(r *room) { r.remove("a.md"); r.write("z.md", item("A", "id: tag:example.org,2015:z\n")) }, "b.md=b z.md=z"},
		{"or the first is there still", func(r *room) { r.write("z.md", item("A", "summary: New.\n")) }, "a.md=a b.md=b z.md=z"},
		{"or it is a draft beside it", func(r *room) {
			r.write("z.md", item("A", "status: draft\n"))
			r.publish()
			r.rename("a.md", "gone")
			r.publish()
			r.rename("gone", "a.md")
		}, "a.md=a b.md=b z.md=z"},
		{"or not due yet", func(r *room) { r.remove("a.md"); r.write("z.md", item("A", "publish_at: 2030-01-01\n")) }, "b.md=b z.md=z"},
		{"a changed file is the story that is at its place, not one that was there before", func(r *room) {
			r.write("a.md", item("A", "status: withdrawn\n"))
			r.publish()
			r.remove("a.md")
			r.publish()
			r.write("a.md", "---\ntitle: C\ndate: 2015-12-22\n---\nx")
			r.publish()
			r.write("a.md", "---\ntitle: C2\ndate: 2015-12-22\n---\ny")
		}, "a.md=a-2 b.md=b"},
		{"a new broken file is none", func(r *room) { r.write("c.md", "---\n") }, "a.md=a b.md=b"},
	} {
		t.Run(fmt.Sprintf("%02d", i+1), func(t *testing.T) {
			t.Parallel()
			r := newRoom(t)
			r.write("a.md", item("A", ""))
			r.write("b.md", item("B", ""))
			before := r.publish()
			tt.do(r)
			after := r.publish()
			if got := names(after, before); got != tt.want {
				t.Errorf("%s: got %s, want %s", tt.why, got, tt.want)
			}
			if again := r.publish(); names(again, after) != names(after, before) {
				t.Errorf("%s: it does not stay: %s", tt.why, names(again, after))
			}
		})
	}
}

// TestMinted holds the form of ids and slugs for ever: readers would see every story anew if it changed.
func TestMinted(t *testing.T) {
	r := newRoom(t)
	files := map[string]string{
		"2015-12-21-thousandth-arrival.md": "thousandth-arrival",
		"2015/Été à Calais_2.md":           "ete-a-calais-2",
		"难民.md":                            "story-npftwmmn",
		"2015-12-21.md":                    "2015-12-21",
		"St. John’s & Łódź.md":             "st-johns-lodz",
	}
	for name := range files {
		r.write(name, item("A", ""))
	}
	stories := r.publish()
	for name, slug := range files {
		if s := stories[name]; s.Slug != slug {
			t.Errorf("%s is called %s, not %s (%s)", name, s.Slug, slug, s.ID)
		}
	}
	if got, want := stories["2015-12-21-thousandth-arrival.md"].ID, "tag:news.example.org,2015:"; !strings.HasPrefix(got, want) || len(got) != len(want)+16 {
		t.Errorf("got %s", got)
	}
}

func TestPins(t *testing.T) {
	r := newRoom(t)
	r.write("a.md", item("A", "id: tag:old.example.org,2010:x\n"))
	minted := r.publishAlone("b.md")
	r.write("c.md", item("C", "id: "+minted+"\n")) // what a.md's twin would have had
	stories := r.publish()
	if stories["a.md"].ID != "tag:old.example.org,2010:x" || stories["c.md"].ID != minted {
		t.Errorf("got %v", stories)
	}
	r.write("b.md", item("B", ""))
	if got := r.publish()["b.md"].ID; got != minted+"-2" {
		t.Errorf("a new file gets the id %s that another has pinned", got)
	}
	r.write("b.md", item("B", "id: tag:late.example.org,2010:y\n"))
	if got := r.publish()["b.md"].ID; got != minted+"-2" {
		t.Errorf("a late pin changes the id to %s", got)
	}
	if want := "items/b.md: warning: id: it comes too late: the story is published as " + minted + "-2 and stays so\n"; r.said != want {
		t.Errorf("got %q, want %q", r.said, want)
	}
}

// publishAlone gives the id that a file would have in an empty newsroom.
func (r *room) publishAlone(name string) string {
	r.Helper()
	other := newRoom(r.T)
	other.write(name, item("B", ""))
	return other.publish()[name].ID
}

// TestPinnedAndMintedTogether: of a lost database with a pin of what another new file would get.
func TestPinnedAndMintedTogether(t *testing.T) {
	r := newRoom(t)
	minted := r.publishAlone("a.md")
	r.write("a.md", item("A", ""))
	r.write("b.md", item("B", "id: "+minted+"\n"))
	if s := r.publish(); s["a.md"].ID == s["b.md"].ID || s["b.md"].ID != minted {
		t.Errorf("got %s and %s", s["a.md"].ID, s["b.md"].ID)
	}
}

// TestOrder: the order in which files are found means nothing.
func TestOrder(t *testing.T) {
	r := newRoom(t)
	for _, f := range []string{"a.md", "a.yaml", "x/a.md", "y/a.md", "z/2015-01-01-a.md", "b.md"} {
		text := item("Same", "")
		if strings.HasSuffix(f, "yaml") {
			text = "title: A\ndate: 2015-12-21\nbody: x\n"
		}
		r.write(f, text)
	}
	r.publish()
	for i, f := range []string{"x/a.md", "y/a.md", "b.md"} { // three of the same content
		r.rename(f, fmt.Sprintf("renamed/%d.md", i))
	}
	r.write("new/a.md", item("New", ""))
	r.write("new2/a.md", item("New", ""))
	known, err := r.store.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	files := r.take().Files
	want, _ := known.Match(files, r.now)
	if !slices.IsSortedFunc(want, func(a, b items.Story) int { return strings.Compare(a.Path, b.Path) }) {
		t.Error("the stories are not by path")
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		random.Shuffle(len(files), func(i, j int) { files[i], files[j] = files[j], files[i] })
		slices.Reverse(known.Stories)
		if got, _ := known.Match(files, r.now); !reflect.DeepEqual(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
}

// TestStates follows one story through what its file says.
func TestStates(t *testing.T) {
	r := newRoom(t)
	for i, step := range []struct {
		text    string
		title   string // of the item that is shown; "" for none
		status  items.Status
		visible bool
	}{
		{item("Held", "publish_at: 2016-01-01T10:30\n"), "Held", items.Published, false},
		{item("Held", "publish_at: 2016-01-01T10:30\n"), "Held", items.Published, true}, // its time has come
		{item("Second", ""), "Second", items.Published, true},
		{item("Broken", "titel: x\n"), "Second", items.Published, true}, // the last good stays
		{"", "Second", items.Published, true},
		{item("Broken", "titel: x\nstatus: withdrawn\n"), "Second", items.Withdrawn, true}, // it comes down all the same
		{item("Third", ""), "Third", items.Published, true},
		{item("Draft", "status: draft\n"), "Draft", items.Draft, false},
		{item("Back", "status: withdrawn\n"), "Back", items.Withdrawn, true},
		{item("Broken", "titel: x\nstatus: erased\n"), "", items.Erased, false},
		{item("Gone", "status: erased\n"), "", items.Erased, false},
	} {
		r.write("a.md", step.text)
		live := r.publish()["a.md"]
		if step.status == items.Erased { // its path is a word of it
			for _, live = range r.publish() {
			}
		}
		known, err := r.store.Load(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		stories := []items.Story{live}
		if i > 0 {
			stories = append(stories, known.Stories[0]) // what is remembered is the same
		}
		for _, s := range stories {
			title := ""
			if s.Item != nil {
				title = s.Item.Title
			}
			if title != step.title || s.Status != step.status || s.Visible(r.now) != step.visible {
				t.Errorf("%d: got %q, %s, visible %v", i+1, title, s.Status, s.Visible(r.now))
			}
		}
		if len(known.Stories) != min(i, 1) {
			t.Errorf("%d: %d stories are remembered", i+1, len(known.Stories))
		}
	}
}

// TestUnseen: what nobody has seen is not remembered, shows no notice, and takes no slug.
func TestUnseen(t *testing.T) {
	r := newRoom(t)
	r.write("1/a.md", item("Draft", "status: draft\n"))
	r.write("2/a.md", item("Later", "publish_at: 2030-01-01\n"))
	r.write("3/a.md", item("Never seen", "status: withdrawn\n"))
	r.write("4/a.md", item("Shown", ""))
	stories := r.publish()
	if got := stories["4/a.md"].Slug; got != "a" {
		t.Errorf("the story that shows is called %s", got)
	}
	for _, path := range []string{"1/a.md", "2/a.md", "3/a.md"} {
		if s := stories[path]; s.Visible(r.now) || s.Slug == "a" {
			t.Errorf("%s: %+v", path, s)
		}
	}
	known, err := r.store.Load(t.Context())
	if err != nil || len(known.Stories) != 1 || len(known.Slugs) != 1 || known.Slugs["a"] != known.Stories[0].ID {
		t.Errorf("remembered: %+v; %v", known, err)
	}
}

// TestRemembered: what is loaded is what was saved, with times and all, and nothing is written for nothing.
func TestRemembered(t *testing.T) {
	r := newRoom(t)
	r.write("a.md", item("A", "updated: 2015-12-22T10:30\nevent: {start: 2016-02-01, end: 2016-02-02}\ncorrections: [{date: 2015-12-23, text: Mended.}]\n"+
		"image: {src: https://example.org/a.png, alt: ''}\nrelated: [b, {title: X, url: https://example.org/}]\n"))
	saved := r.publish()["a.md"]
	known, err := r.store.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := known.Stories[0]
	if !got.FirstPublished.Equal(r.now) || !got.Updated.Equal(r.now) {
		t.Errorf("first published %v, updated %v", got.FirstPublished, got.Updated)
	}
	if !reflect.DeepEqual(got.Item, saved.Item) {
		t.Errorf("got %+v, want %+v", got.Item, saved.Item)
	}
	first := r.now
	if again := r.publish()["a.md"]; !again.FirstPublished.Equal(first) || !again.Updated.Equal(first) {
		t.Errorf("an unchanged story is updated at %v", again.Updated)
	}
	r.write("a.md", item("A2", ""))
	if again := r.publish()["a.md"]; !again.FirstPublished.Equal(first) || !again.Updated.Equal(r.now) {
		t.Errorf("a changed story was first published %v, and updated %v", again.FirstPublished, again.Updated)
	}
	if known.Host != "news.example.org" {
		t.Error(known.Host)
	}
	r.store.Host = "www.example.com"
	r.write("b.md", item("B", ""))
	if id := r.publish()["b.md"].ID; !strings.HasPrefix(id, "tag:news.example.org,2015:") {
		t.Errorf("the host is not fixed: %s", id)
	}
}

// TestSample reads the sample newsroom, whose stories are free of problems.
func TestSample(t *testing.T) {
	const dir = "../testdata/newsroom/items"
	scan, err := items.NewFolder(dir, "items", items.Parser{Location: london, Language: "en"}).Take(t.Context())
	if err != nil || len(scan.Files) == 0 || len(scan.AllProblems()) > 0 {
		t.Errorf("%d files; %v; %v", len(scan.Files), scan.AllProblems(), err)
	}
}

// TestPinTwice: an id that several files ask for belongs to the one whose story it is, else to the first; never does a copy take a
// published story over.
func TestPinTwice(t *testing.T) {
	const pin = "id: tag:example.org,2015:x\n"
	r := newRoom(t)
	r.write("b.md", item("B", pin))
	before := r.publish()
	r.write("a.md", item("A", pin))
	after := r.publish()
	if after["b.md"].ID != before["b.md"].ID || after["b.md"].Item.Title != "B" || len(after) != 1 {
		t.Errorf("1 a copy of a published file: %s", names(after, before))
	}
	if want := "items/a.md: error: id: items/b.md has the same id, and had it first\n"; r.said != want {
		t.Errorf("1 said %s, want %s", r.said, want)
	}
	r = newRoom(t)
	r.write("a.md", item("A", ""))
	before = r.publish()
	r.write("b.md", item("B", "id: "+before["a.md"].ID+"\n"))
	after = r.publish()
	if after["a.md"].ID != before["a.md"].ID || len(after) != 1 {
		t.Errorf("2 an id copied from another story's feed entry: %s", names(after, before))
	}
	r = newRoom(t)
	r.write("b.md", item("B", pin))
	r.write("a.md", item("A", pin))
	if now := r.publish(); len(now) != 1 || now["a.md"].ID != "tag:example.org,2015:x" {
		t.Errorf("3 two new files: %s", names(now, nil))
	}
}

// TestDeadCopies: a renamed file is its own story, and not that of a copy that was deleted before.
func TestDeadCopies(t *testing.T) {
	r := newRoom(t)
	r.write("shelter.md", item("A", ""))
	r.write("shelter (1).md", item("A", ""))
	r.write("a copy.md", item("A", ""))
	before := r.publish()
	r.remove("shelter (1).md")
	r.remove("a copy.md")
	r.publish()
	r.rename("shelter.md", "s.md")
	after := r.publish()
	if after["s.md"].ID != before["shelter.md"].ID || after["s.md"].Slug != "shelter" {
		t.Errorf("%s", names(after, before))
	}
}

// TestAlikeMany: thousands of files that get another name and title at once take no minutes.
func TestAlikeMany(t *testing.T) {
	now := time.Date(2016, 1, 1, 9, 0, 0, 0, time.UTC)
	var known items.Known
	var files []items.File
	for i := range 4000 {
		old := items.Item{Title: fmt.Sprintf("Été %d", i), Language: "fr", Status: items.Published}
		renamed := old
		if i%2 == 0 {
			renamed.Title = fmt.Sprintf("Un été %d", i)
		}
		path := fmt.Sprintf("%04d.md", i)
		known.Stories = append(known.Stories, items.Story{ID: path, Slug: path, Path: "a" + path, Item: &old, Status: items.Published, FirstPublished: now, Gone: now})
		files = append(files, items.File{Path: path, Name: "items/" + path, Item: &renamed})
	}
	start := time.Now()
	now = now.Add(time.Minute)
	absent := known.Absent(nil, now, time.Hour)
	var fresh []items.Story
	for _, f := range files {
		fresh = append(fresh, items.Story{ID: "new" + f.Path, Path: f.Path, Item: f.Item, Status: items.Published, FirstPublished: now})
	}
	probs := items.Alike(files, fresh, absent, time.Hour, time.UTC)
	if took := time.Since(start); len(probs) != 2000 || took > 5*time.Second {
		t.Errorf("%d warnings in %v", len(probs), took)
	}
}

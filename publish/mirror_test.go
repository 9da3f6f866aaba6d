package publish_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"tidings/publish"
)

// memory is a target that notes what it is asked for, in that order.
type memory struct {
	mu        sync.Mutex
	objects   map[string]string
	asked     []string // "- PATH" for what is taken away
	now, most int      // requests under way
	refuse    func(path string) error
	before    func(path string) // an object's bytes are read
}

func newMemory() *memory {
	return &memory{objects: map[string]string{}, refuse: func(string) error { return nil }, before: func(string) {}}
}

func (m *memory) begin(what string) (end func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked = append(m.asked, what)
	m.now++
	m.most = max(m.most, m.now)
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.now--
	}
}

func (m *memory) Put(_ context.Context, o publish.Object) error {
	defer m.begin(o.Path)()
	if o.Headers != publish.HeadersOf(o.Path) {
		return fmt.Errorf("the headers are %+v", o.Headers)
	}
	m.before(o.Path)
	in, err := o.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	data, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.objects[o.Path] = string(data)
	return m.refuse(o.Path) // the worst: it is there all the same
}

func (m *memory) Remove(_ context.Context, path string) error {
	defer m.begin("- " + path)()
	if err := m.refuse("- " + path); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.objects, path)
	return nil
}

// next gives what was asked for since the last call.
func (m *memory) next() []string {
	asked := m.asked
	m.asked = nil
	return asked
}

// holds wants the target to hold exactly this: path, content, path, content.
func (m *memory) holds(t *testing.T, pairs ...string) {
	t.Helper()
	want := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		want[pairs[i]] = pairs[i+1]
	}
	if !maps.Equal(m.objects, want) {
		t.Errorf("the target holds %q, not %q", m.objects, want)
	}
}

// update wants an update to put and remove as many as said.
func update(t *testing.T, m *publish.Mirror, put, removed, same int, first ...string) {
	t.Helper()
	r, err := m.Update(t.Context(), first)
	if err != nil || len(r.Written) != put || len(r.Removed) != removed || r.Same != same {
		t.Errorf("put %q, removed %q, %d the same: %v", r.Written, r.Removed, r.Same, err)
	}
}

// TestMirror: only what changed is put, and what went is taken away.
func TestMirror(t *testing.T) {
	f, target := newFolder(t), newMemory()
	m := &publish.Mirror{Folder: f, Target: target, Name: "one"}
	update(t, m, 0, 0, 0)
	replace(t, f, files("index.html", "a", "news/x/index.html", "b", "style.css", "c"))
	update(t, m, 3, 0, 0)
	update(t, m, 0, 0, 3)
	replace(t, f, files("index.html", "new", "style.css", "c", "empty.txt", ""))
	update(t, m, 2, 1, 1)
	target.holds(t, "index.html", "new", "style.css", "c", "empty.txt", "")

	// Another target gets everything; the first one is still known when its turn comes again.
	other := newMemory()
	update(t, &publish.Mirror{Folder: f, Target: other, Name: "two"}, 3, 0, 0)
	replace(t, f, files("index.html", "new", "style.css", "d"))
	update(t, m, 1, 1, 1)

	if err := publish.DistrustTargets(t.Context(), f.DB); err != nil {
		t.Fatal(err)
	}
	update(t, m, 2, 0, 0)
}

// TestMirrorOrder: what is taken away goes first, feeds come last, and not their compressed siblings.
func TestMirrorOrder(t *testing.T) {
	f, target := newFolder(t), newMemory()
	m := &publish.Mirror{Folder: f, Target: target, Name: "one"}
	replace(t, f, files("media/0123456789ab-a.jpg", "a", "news/old/index.html", "b"))
	update(t, m, 2, 0, 0)
	target.next()
	docs := files("feeds.opml", "a", "feeds/news.rss", "b", "feeds/news/archive/2016-01.rss", "c", "feeds/news/index.html", "d", "index.html", "e",
		"news/old/index.html", "a notice", "media/0123456789ab-b.tar.gz", "f")
	docs[1].Compress = true
	replace(t, f, docs)
	update(t, m, 7, 1, 0, "news/old/index.html")
	asked := target.next()
	for i, of := range [][]string{{"- media/0123456789ab-a.jpg"}, {"news/old/index.html"}, {"media/0123456789ab-b.tar.gz"}, {"feeds/news/index.html", "index.html"},
		{"feeds/news/archive/2016-01.rss"}, {"feeds.opml", "feeds/news.rss"}} {
		if len(asked) < len(of) {
			t.Fatalf("%d: %q is missing", i+1, of)
		}
		if got := slices.Sorted(slices.Values(asked[:len(of)])); !slices.Equal(got, of) {
			t.Errorf("%d: %q, not %q", i+1, got, of)
		}
		asked = asked[len(of):]
	}
}

var errDown = errors.New("it is down")

// TestMirrorCutShort: what was begun and is not known to have ended is put again, and taken away if it is not wanted any more.
func TestMirrorCutShort(t *testing.T) {
	f, target := newFolder(t), newMemory()
	m := &publish.Mirror{Folder: f, Target: target, Name: "one"}
	replace(t, f, files("news/x/index.html", "a", "feeds/news.rss", "b", "style.css", "c"))
	target.refuse = func(path string) error {
		if path == "news/x/index.html" {
			return errDown
		}
		return nil
	}
	r, err := m.Update(t.Context(), nil)
	if !errors.Is(err, errDown) || !slices.Equal(r.Written, []string{"style.css"}) {
		t.Errorf("put %q: %v", r.Written, err)
	}
	target.holds(t, "news/x/index.html", "a", "style.css", "c") // but no feed that names the page
	target.refuse = func(string) error { return nil }
	update(t, m, 2, 0, 1)

	// It was replaced, though nobody heard of it; then the folder is again as it was.
	target.refuse = func(string) error { return errDown }
	replace(t, f, files("news/x/index.html", "new", "feeds/news.rss", "b", "style.css", "c"))
	if _, err := m.Update(t.Context(), nil); !errors.Is(err, errDown) {
		t.Error(err)
	}
	target.refuse = func(string) error { return nil }
	replace(t, f, files("news/x/index.html", "a", "feeds/news.rss", "b", "style.css", "c"))
	update(t, m, 1, 0, 2)
	target.holds(t, "news/x/index.html", "a", "feeds/news.rss", "b", "style.css", "c")

	// It was put, though nobody heard of it; then it is not wanted.
	target.refuse = func(string) error { return errDown }
	replace(t, f, files("news/x/index.html", "a", "feeds/news.rss", "b", "style.css", "c", "media/secret.jpg", "d"))
	if _, err := m.Update(t.Context(), nil); !errors.Is(err, errDown) {
		t.Error(err)
	}
	target.refuse = func(string) error { return nil }
	replace(t, f, files("news/x/index.html", "a", "feeds/news.rss", "b", "style.css", "c"))
	update(t, m, 0, 1, 3)
	target.holds(t, "news/x/index.html", "a", "feeds/news.rss", "b", "style.css", "c")
}

// TestMirrorRefusedRemoval: nothing is put where something cannot be taken away, unless that is for want of a right.
func TestMirrorRefusedRemoval(t *testing.T) {
	for _, test := range []struct {
		why  string
		err  error
		held []string
	}{
		{"01: the storage is down", errDown, []string{"old.txt", "a"}},
		{"02: the key may not delete", fmt.Errorf("no: %w", publish.ErrDenied), []string{"old.txt", "a", "new.txt", "b"}},
	} {
		f, target := newFolder(t), newMemory()
		m := &publish.Mirror{Folder: f, Target: target, Name: "one"}
		replace(t, f, files("old.txt", "a"))
		update(t, m, 1, 0, 0)
		replace(t, f, files("new.txt", "b"))
		target.refuse = func(path string) error {
			if strings.HasPrefix(path, "- ") {
				return test.err
			}
			return nil
		}
		if _, err := m.Update(t.Context(), nil); !errors.Is(err, test.err) {
			t.Errorf("%s: %v", test.why, err)
		}
		target.holds(t, test.held...)
		target.refuse = func(string) error { return nil }
		if _, err := m.Update(t.Context(), nil); err != nil {
			t.Errorf("%s: %v", test.why, err)
		}
		target.holds(t, "new.txt", "b")
	}
}

// TestMirrorMovingFolder: what changes while it is sent is never remembered as something else.
func TestMirrorMovingFolder(t *testing.T) {
	f, target := newFolder(t), newMemory()
	m := &publish.Mirror{Folder: f, Target: target, Name: "one"}
	page := filepath.Join(f.Dir, "index.html")
	replace(t, f, files("index.html", "one", "feeds/news.rss", "<one/>"))

	// Somebody else's hand: these very bytes go, so the page has to go again.
	target.before = func(path string) {
		if path == "index.html" {
			overwrite(t, page, "bad")
		}
	}
	update(t, m, 2, 0, 0)
	overwrite(t, page, "one")
	target.before = func(string) {}
	update(t, m, 1, 0, 1)
	target.holds(t, "index.html", "one", "feeds/news.rss", "<one/>")

	// A publication while the first page is on its way: the feed, which may name pages that are not there, waits.
	replace(t, f, files("index.html", "two", "feeds/news.rss", "<two/>"))
	var once sync.Once
	target.before = func(string) {
		once.Do(func() {
			replace(t, f, files("index.html", "three", "feeds/news.rss", "<three/>", "news/x/index.html", "new"))
		})
	}
	update(t, m, 1, 0, 0)
	target.holds(t, "index.html", "two", "feeds/news.rss", "<one/>")
	update(t, m, 3, 0, 0)
	target.holds(t, "index.html", "three", "feeds/news.rss", "<three/>", "news/x/index.html", "new")

	// What is gone before its turn is left for the next time.
	replace(t, f, files("index.html", "four", "a.txt", "a"))
	once = sync.Once{}
	target.before = func(string) { once.Do(func() { replace(t, f, files("a.txt", "a")) }) }
	update(t, m, 1, 2, 0)
	update(t, m, 0, 1, 1)
	target.holds(t, "a.txt", "a")
}

// overwrite changes a file's bytes in place.
func overwrite(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Error(err)
	}
}

// TestMirrorAtOnce: there are never more than eight requests under way, and more than one.
func TestMirrorAtOnce(t *testing.T) {
	f, target := newFolder(t), newMemory()
	var docs []publish.Document
	for i := range 300 {
		docs = append(docs, files(fmt.Sprintf("%03d.txt", i), "a")...)
	}
	replace(t, f, docs)
	both := make(chan struct{})
	var met sync.Once
	target.before = func(string) {
		target.mu.Lock()
		two := target.now > 1
		target.mu.Unlock()
		if two {
			met.Do(func() { close(both) })
		}
		<-both
	}
	update(t, &publish.Mirror{Folder: f, Target: target, Name: "one"}, 300, 0, 0)
	if target.most < 2 || target.most > 8 {
		t.Errorf("%d requests at the same time", target.most)
	}
}

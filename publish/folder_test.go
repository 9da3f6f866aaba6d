package publish_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tidings/feed"
	"tidings/internal/db"
	"tidings/publish"
)

// newFolder gives an empty publish folder, which is not there yet.
func newFolder(t testing.TB) *publish.Folder {
	t.Helper()
	dir := t.TempDir()
	d, err := db.Open(t.Context(), filepath.Join(dir, "tidings.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return &publish.Folder{DB: d, Dir: filepath.Join(dir, "public")}
}

// files are files that hold what is said: path, content, path, content.
func files(pairs ...string) []publish.Document {
	var out []publish.Document
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, publish.Document{Path: pairs[i], Print: "print of " + pairs[i+1], Make: func() ([]byte, error) { return []byte(pairs[i+1]), nil }})
	}
	return out
}

func replace(t testing.TB, f *publish.Folder, files []publish.Document) publish.Report {
	t.Helper()
	r, err := f.Replace(t.Context(), files, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// tree is what lies in the folder: files with their content, folders that are empty with a slash behind.
func tree(t testing.TB, dir string) string {
	t.Helper()
	found := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || p == "." {
			return err
		}
		delete(found, filepath.Dir(p)+"/")
		if d.IsDir() {
			found[p+"/"] = ""
			return nil
		}
		b, err := os.ReadFile(filepath.Join(dir, p))
		found[p] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, p := range slices.Sorted(maps.Keys(found)) {
		out = append(out, strings.TrimSuffix(p+"="+found[p], "="))
	}
	return strings.Join(out, " ")
}

func put(t testing.TB, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestReplace(t *testing.T) {
	tests := []struct {
		name             string // number and why
		before, after    []publish.Document
		foreign          string // a file that somebody else put there in between
		want             string
		written, removed string
	}{
		{"1 the folder is made, and folders in it", nil, files("index.html", "a", "news/x/index.html", "b"), "",
			"index.html=a news/x/index.html=b", "index.html news/x/index.html", ""},
		{"2 only what changed is written", files("a", "1", "b", "2"), files("a", "1", "b", "3"), "", "a=1 b=3", "b", ""},
		{"3 in the order that is given: pages before feeds", nil, files("z", "1", "a", "2"), "", "a=2 z=1", "z a", ""},
		{"4 what is no longer wanted goes, with the folders that it leaves empty", files("a", "1", "news/x/index.html", "2", "news/x/p.png", "3"), files("a", "1"), "",
			"a=1", "", "news/x/index.html news/x/p.png"},
		{"5 folders that are in use stay", files("news/x/index.html", "1", "news/y/index.html", "2"), files("news/y/index.html", "2"), "",
			"news/y/index.html=2", "", "news/x/index.html"},
		{"6 what somebody else put there stays, and its folder", files("news/x/index.html", "1"), nil, "news/x/notes.txt",
			"news/x/notes.txt=mine", "", "news/x/index.html"},
		{"7 and at the top", files("a", "1"), files("a", "2"), "robots.txt", "a=2 robots.txt=mine", "a", ""},
		{"8 a file takes a folder's place", files("a/b", "1"), files("a", "2"), "", "a=2", "a", "a/b"},
		{"9 and a folder a file's", files("a", "1"), files("a/b", "2"), "", "a/b=2", "a/b", "a"},
		{"10 nothing is a site too", files("a", "1", "b/c", "2"), nil, "", "", "", "a b/c"},
		{"11 an empty file is a file", nil, files("a", ""), "", "a", "a", ""},
	}
	for _, test := range tests {
		f := newFolder(t)
		replace(t, f, test.before)
		if test.foreign != "" {
			put(t, filepath.Join(f.Dir, test.foreign), "mine")
		}
		r := replace(t, f, test.after)
		if err := os.MkdirAll(f.Dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if got := tree(t, f.Dir); got != test.want {
			t.Errorf("%s: the folder holds %q, want %q", test.name, got, test.want)
		}
		if got := strings.Join(r.Written, " "); got != test.written {
			t.Errorf("%s: written %q, want %q", test.name, got, test.written)
		}
		if got := strings.Join(r.Removed, " "); got != test.removed {
			t.Errorf("%s: removed %q, want %q", test.name, got, test.removed)
		}
		if r.Same != len(test.after)-len(r.Written) || r.Changed() != (test.written+test.removed != "") {
			t.Errorf("%s: %+v", test.name, r)
		}
		if r := replace(t, f, test.after); r.Changed() {
			t.Errorf("%s: the second time it did %+v", test.name, r)
		}
	}
}

// TestReplaceTimes: a file that is right is not touched, so that web servers can answer that nothing changed; one that
// somebody spoilt or deleted is mended.
func TestReplaceTimes(t *testing.T) {
	f := newFolder(t)
	site := files("same", "1", "spoilt", "2", "gone", "3")
	replace(t, f, site)
	same, old := filepath.Join(f.Dir, "same"), time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := os.Chtimes(same, old, old); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(f.Dir, "spoilt"), "longer")
	if err := os.Remove(filepath.Join(f.Dir, "gone")); err != nil {
		t.Fatal(err)
	}
	if n, err := f.Verify(t.Context()); n != 2 || err != nil {
		t.Errorf("%d files are not as they were, %v", n, err)
	}
	if r := replace(t, f, site); strings.Join(r.Written, " ") != "spoilt gone" || r.Same != 1 {
		t.Errorf("%+v", r)
	}
	info, err := os.Stat(same)
	if err != nil || !info.ModTime().Equal(old) || info.Mode() != 0o644 {
		t.Errorf("%v, %v", info, err)
	}
}

// TestReplaceSiblings: a compressed sibling that somebody spoilt or deleted is made again, and one that is right is left.
func TestReplaceSiblings(t *testing.T) {
	f := newFolder(t)
	site := files("feed", strings.Repeat("the same words ", 100), "page", "2")
	site[0].Compress = true
	replace(t, f, site)
	if n, err := f.Verify(t.Context()); n != 0 || err != nil {
		t.Errorf("%d files are not as they were, %v", n, err)
	}
	before := tree(t, f.Dir)
	if err := os.Remove(filepath.Join(f.Dir, "feed.gz")); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(f.Dir, "feed.br"), "spoilt")
	if n, err := f.Verify(t.Context()); n != 2 || err != nil {
		t.Errorf("%d files are not as they were, %v", n, err)
	}
	if r := replace(t, f, site); r.Changed() || tree(t, f.Dir) != before {
		t.Errorf("%+v: %q", r, tree(t, f.Dir))
	}
	site[0].Compress = false
	if replace(t, f, site); tree(t, f.Dir) == before || strings.Contains(tree(t, f.Dir), "feed.") {
		t.Errorf("%q", tree(t, f.Dir))
	}
}

// TestReplaceInvalid: of a document that would not be valid what is left of it takes its place, else it stays as it was; unless that is
// spoilt. It is complained of again each time, and mended in time.
func TestReplaceInvalid(t *testing.T) {
	f := newFolder(t)
	site := files("part", "1", "stays", "2", "goes", "3")
	replace(t, f, site)
	invalid := func(part bool, left []byte) func() ([]byte, error) {
		return func() ([]byte, error) {
			return left, publish.Invalid{Path: "x", Violations: []feed.Violation{{Entry: "id", What: "wrong"}}, Part: part}
		}
	}
	broken := files("part", "1b", "stays", "2b", "goes", "3b")
	broken[0].Make, broken[1].Make, broken[2].Make = invalid(true, []byte("left")), invalid(false, nil), invalid(false, nil)
	broken[1].Spoilt = func(last []byte) bool { return string(last) != "2" }
	broken[2].Spoilt = func(last []byte) bool { return string(last) == "3" }
	for range 2 {
		if r := replace(t, f, broken); len(r.Refused) != 3 || tree(t, f.Dir) != "part=left stays=2" {
			t.Errorf("%+v: %q", r, tree(t, f.Dir))
		}
	}
	if r := replace(t, f, files("part", "1b", "stays", "2b", "goes", "3b")); len(r.Refused) != 0 || tree(t, f.Dir) != "goes=3b part=1b stays=2b" {
		t.Errorf("%+v: %q", r, tree(t, f.Dir))
	}
}

// TestReplaceFails: what is taken back is gone even when nothing can be written, or noted, or another file cannot go; and
// what failed is done by the next call.
func TestReplaceFails(t *testing.T) {
	tests := []struct {
		name       string // number and why
		spoil      func(t *testing.T, f *publish.Folder)
		want, says string
	}{
		{"1 a file cannot be written: a folder is in its way", func(t *testing.T, f *publish.Folder) { put(t, filepath.Join(f.Dir, "new/x"), "mine") },
			"keep=1 new/x=mine", "publish new: "},
		{"2 the database takes nothing: the disk is full", func(t *testing.T, f *publish.Folder) {
			trigger(t, f, `CREATE TRIGGER full BEFORE INSERT ON published BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`)
		}, "keep=1", "the disk is full"},
		{"3 the database forgets nothing", func(t *testing.T, f *publish.Folder) {
			trigger(t, f, `CREATE TRIGGER full BEFORE DELETE ON published BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`)
		}, "keep=1 new=2", "the disk is full"},
		{"4 another file cannot go: somebody made a folder of it", func(t *testing.T, f *publish.Folder) {
			if err := os.Remove(filepath.Join(f.Dir, "back1")); err != nil {
				t.Fatal(err)
			}
			put(t, filepath.Join(f.Dir, "back1/x"), "mine")
		}, "back1/x=mine keep=1 new=2", "back1: directory not empty"},
	}
	for _, test := range tests {
		f := newFolder(t)
		replace(t, f, files("back1", "a", "back2", "b", "news/back/index.html", "c", "keep", "1"))
		test.spoil(t, f)
		_, err := f.Replace(t.Context(), files("keep", "1", "new", "2"), nil)
		if err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want %s", test.name, err, test.says)
		}
		if got := tree(t, f.Dir); got != test.want {
			t.Errorf("%s: the folder holds %q, want %q", test.name, got, test.want)
		}
		for _, p := range []string{"new", "back1"} { // if what is in the way goes
			if info, err := os.Stat(filepath.Join(f.Dir, p)); err == nil && info.IsDir() {
				err = os.RemoveAll(filepath.Join(f.Dir, p))
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		trigger(t, f, `DROP TRIGGER IF EXISTS full`)
		replace(t, f, files("keep", "1", "new", "2"))
		if got := tree(t, f.Dir); got != "keep=1 new=2" {
			t.Errorf("%s: then the folder holds %q", test.name, got)
		}
	}
}

func trigger(t testing.TB, f *publish.Folder, statement string) {
	t.Helper()
	err := f.DB.Write(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.Exec(statement)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestReplaceLinks: the folder, or one within it, may be a link to elsewhere; the link stays, also when what was behind it is gone.
func TestReplaceLinks(t *testing.T) {
	f := newFolder(t)
	real, media := t.TempDir(), t.TempDir()
	for to, link := range map[string]string{real: f.Dir, media: filepath.Join(real, "media")} {
		if err := os.Symlink(to, link); err != nil {
			t.Fatal(err)
		}
	}
	put(t, filepath.Join(media, "mine"), "1")
	replace(t, f, files("index.html", "a", "media/p.png", "b"))
	if got := tree(t, media); got != "mine=1 p.png=b" {
		t.Errorf("behind the link: %q", got)
	}
	replace(t, f, files("index.html", "a"))
	if got := tree(t, media); got != "mine=1" {
		t.Errorf("behind the link: %q", got)
	}
	for _, link := range []string{f.Dir, filepath.Join(real, "media")} {
		if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
			t.Errorf("the link is gone: %v, %v", info, err)
		}
	}
}

// TestReplaceReadOnly: the error names the file and says what is wrong, and nothing is counted that was not done.
func TestReplaceReadOnly(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may write everywhere")
	}
	f := newFolder(t)
	if err := os.MkdirAll(f.Dir, 0o555); err != nil {
		t.Fatal(err)
	}
	_, err := f.Replace(t.Context(), files("index.html", "a"), nil)
	if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "publish index.html") {
		t.Error(err)
	}
}

// TestReplaceStops: a publication that is called off writes no more, and says so.
func TestReplaceStops(t *testing.T) {
	f := newFolder(t)
	replace(t, f, files("a", "1"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Replace(ctx, files("a", "2"), nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if got := tree(t, f.Dir); got != "a=1" {
		t.Errorf("the folder holds %q", got)
	}
}

// TestReplaceStopsMidway: what was made until then stays and is known, the rest comes with the next publication. All that was not made has
// one reason.
func TestReplaceStopsMidway(t *testing.T) {
	f := newFolder(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var made atomic.Int32
	var all []publish.Document
	for i := range 500 {
		docs := files(fmt.Sprint(i), "1")
		text := docs[0].Make
		docs[0].Make = func() ([]byte, error) {
			if made.Add(1) == 100 {
				cancel()
			}
			return text()
		}
		all = append(all, docs...)
	}
	_, err := f.Replace(ctx, all, nil)
	if !errors.Is(err, context.Canceled) || strings.Contains(err.Error(), "\n") {
		t.Errorf("it says %v", err)
	}
	first := made.Load()
	if first < 100 || first == 500 {
		t.Fatalf("%d were made", first)
	}
	r := replace(t, f, all)
	if made.Load() != 500 || len(r.Written) != int(500-first) {
		t.Errorf("then %d of %d were made, and %d written", made.Load()-first, 500-first, len(r.Written))
	}
}

// TestReplaceAtomic: whoever reads while a file is replaced again and again gets one version or another, never a part or nothing.
func TestReplaceAtomic(t *testing.T) {
	f := newFolder(t)
	version := func(n int) []publish.Document {
		return files("feeds/news.rss", strings.Repeat(fmt.Sprint(n%10), 200_000))
	}
	replace(t, f, version(0))
	stop := make(chan struct{})
	var reader sync.WaitGroup
	reads := 0
	reader.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			b, err := os.ReadFile(filepath.Join(f.Dir, "feeds/news.rss"))
			if err != nil || len(b) != 200_000 || bytes.Count(b, b[:1]) != len(b) {
				t.Errorf("read %d bytes, %v", len(b), err)
				return
			}
			reads++
		}
	})
	for n := range 40 {
		replace(t, f, version(n+1))
	}
	close(stop)
	reader.Wait()
	if reads == 0 {
		t.Error("nothing was read")
	}
	if got := len(tree(t, f.Dir)); got != len("feeds/news.rss=")+200_000 {
		t.Errorf("the folder holds %d bytes: something was left behind", got)
	}
}

// TestStays: a document that is to stay as it was is left alone if it is there and not spoilt, also where nothing is known of it any more;
// else it is made, if it can be.
func TestStays(t *testing.T) {
	for _, test := range []struct {
		name, there string // number and why; the bytes that are there
		lost        bool   // the database was
		make        bool
		want        string
	}{
		{"1 it is there", "old", false, true, "old"},
		{"2 nothing is known of it", "old", true, true, "old"},
		{"3 it is not there", "", false, true, "new"},
		{"4 it is spoilt", "bad", false, true, "new"},
		{"5 it is spoilt, and nothing is known of it", "bad", true, true, "new"},
		{"6 it cannot be made, and is there", "old", true, false, "old"},
		{"7 it cannot be made", "", false, false, ""},
	} {
		f := newFolder(t)
		if test.there != "" {
			if _, err := f.Replace(t.Context(), files("a.rss", test.there), nil); err != nil {
				t.Fatal(err)
			}
		}
		if test.lost {
			f = &publish.Folder{DB: newFolder(t).DB, Dir: f.Dir}
		}
		docs := files("a.rss", "new")
		docs[0].Stays, docs[0].Spoilt = true, func(last []byte) bool { return string(last) == "bad" }
		if !test.make {
			docs[0].Make = nil
		}
		for range 2 {
			if _, err := f.Replace(t.Context(), docs, nil); err != nil {
				t.Errorf("%s: %v", test.name, err)
			}
			if got, _ := os.ReadFile(filepath.Join(f.Dir, "a.rss")); string(got) != test.want {
				t.Errorf("%s: it holds %q, want %q", test.name, got, test.want)
			}
		}
		if r, err := f.Replace(t.Context(), nil, nil); err != nil || len(r.Removed) != map[bool]int{true: 1}[test.want != ""] {
			t.Errorf("%s: then it goes: %+v, %v", test.name, r, err)
		}
	}
}

// TestKeep: what mails lead to stays, though nothing else shows it any more; what was never there is not made.
func TestKeep(t *testing.T) {
	f := newFolder(t)
	if _, err := f.Replace(t.Context(), files("media/a.png", "a", "media/b.png", "b"), nil); err != nil {
		t.Fatal(err)
	}
	r, err := f.Replace(t.Context(), nil, []string{"media/a.png", "media/never.png"})
	if err != nil || fmt.Sprint(r.Removed) != "[media/b.png]" || len(r.Written) != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	if r, err := f.Replace(t.Context(), nil, nil); err != nil || fmt.Sprint(r.Removed) != "[media/a.png]" {
		t.Errorf("once no mail leads to it: %+v, %v", r, err)
	}
}

// TestNewFolder: whoever looks into a folder that is new sees a picture or a document as a whole or not at all: a cache might keep a part
// for ever.
func TestNewFolder(t *testing.T) {
	f := newFolder(t)
	const size = 64 << 20
	seen := make(chan int64)
	go func() {
		for t.Context().Err() == nil {
			if info, err := os.Stat(filepath.Join(f.Dir, "media/a.pdf")); err == nil {
				seen <- info.Size()
				return
			}
		}
	}()
	docs := files("index.html", "a page", "media/a.pdf", "")
	docs[1].Make = func() ([]byte, error) { return make([]byte, size), nil }
	replace(t, f, docs)
	if got := <-seen; got != size {
		t.Errorf("%d of %d bytes were seen", got, size)
	}
}

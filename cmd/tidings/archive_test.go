package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tidings/internal/testtool"
)

// follower is a reader that wants all of a feed: from the live document it follows prev-archive (RFC 5005 §4), in JSON next_url, to the end.
type follower struct {
	live    []string            // addresses of the stories in the live document
	archive map[string][]string // by document: those in it
	order   []string            // the documents, the newest first
}

// links are the addresses that a document of a feed names, by relation; of a JSON Feed next_url is prev-archive.
func links(t *testing.T, data []byte, ext string) map[string]string {
	t.Helper()
	found := map[string]string{}
	if ext == ".json" {
		var f struct {
			Next string `json:"next_url"`
		}
		if err := json.Unmarshal(data, &f); err != nil {
			t.Fatal(err)
		}
		return map[string]string{"prev-archive": f.Next}
	}
	dec := xml.NewDecoder(bytes.NewReader(data))
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return found
		} else if err != nil {
			t.Fatal(err)
		}
		start, ok := token.(xml.StartElement)
		if !ok || start.Name.Space != "http://www.w3.org/2005/Atom" && start.Name.Space != "http://purl.org/syndication/history/1.0" {
			continue
		}
		attrs := map[string]string{}
		for _, a := range start.Attr {
			attrs[a.Name.Local] = a.Value
		}
		switch start.Name.Local {
		case "link":
			found[attrs["rel"]] = attrs["href"]
		case "archive":
			found["sealed"] = "yes"
		}
	}
}

// follow reads a newsroom's feed of all news to its end.
func follow(t *testing.T, dir, ext string) follower {
	t.Helper()
	f := follower{archive: map[string][]string{}}
	live := site + "feeds/news" + ext
	newer := ""
	for at := live; at != ""; {
		data := contents(t, filepath.Join(dir, "public", strings.TrimPrefix(at, site)))
		var stories []string
		for _, s := range testtool.Gofeed(t, data) {
			stories = append(stories, s.Link)
		}
		to := links(t, data, ext)
		if at == live {
			f.live = stories
		} else {
			if _, again := f.archive[at]; again {
				t.Fatalf("%s leads in a circle", at)
			}
			f.archive[at], f.order = stories, append(f.order, at)
			if ext != ".json" && (to["next-archive"] != newer || to["current"] != live || (to["sealed"] != "") != (newer != "")) {
				t.Errorf("%s: it leads to %q, want the newer document %q and the live one", at, to, newer)
			}
			newer = at
		}
		at = to["prev-archive"]
	}
	return f
}

// pages are the addresses of a newsroom's stories.
func pages(t *testing.T, dir string) (urls []string) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "public", "news", "*", "index.html"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range found {
		urls = append(urls, site+"news/"+filepath.Base(filepath.Dir(file))+"/")
	}
	return urls
}

// complete wants the archive to hold every page once, newest first, and the live document to hold the newest of them.
func (f follower) complete(t *testing.T, when string, pages []string) {
	t.Helper()
	var all []string
	for _, doc := range f.order {
		all = append(all, f.archive[doc]...)
	}
	if len(f.live) > len(all) || !slices.Equal(f.live, all[:min(len(f.live), len(all))]) {
		t.Errorf("%s: the live document has %q, the archive begins with %q", when, f.live, all)
	}
	slices.Sort(all)
	if !slices.Equal(all, pages) {
		t.Errorf("%s: the archive has\n%q\nand there are the pages\n%q", when, all, pages)
	}
}

// archived are the bytes of each document of the archive, by its path.
func archived(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, ext := range []string{".rss", ".atom", ".json"} {
		for _, name := range feedNames(t, dir, ext) {
			if strings.HasPrefix(name, "news/archive/") {
				files[name+ext] = string(contents(t, feedFile(dir, name, ext)))
			}
		}
	}
	return files
}

// TestArchive: whoever follows the archive gets every story ever published once, whatever happens to stories; a sealed month does not
// change but with a story in it.
func TestArchive(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "tidings.yaml"), "title: News\nurl: https://news.example.org/\nfeeds: {limit: 4}\n")
	now := time.Date(2020, 1, 10, 9, 0, 0, 0, time.UTC)
	story := func(at time.Time) {
		name := at.Format("2006-01-02") + ".md"
		writeFile(t, filepath.Join(dir, "items", "s"+name), fmt.Sprintf("---\ntitle: Story of %s\ndate: %s\n---\nText.\n", name, at.Format(time.DateOnly)))
	}
	item := func(name string) string { return filepath.Join(dir, "items", name+".md") }
	for range 14 { // months, with one to three stories each, and none in March
		for n := range 1 + int(now.Month())%3 {
			if now.Month() != time.March {
				story(now.AddDate(0, 0, -n))
			}
		}
		now = now.AddDate(0, 1, 0)
	}
	tidingsAt(t, now.AddDate(0, -1, 0), "-C", dir, "build")
	steps := []struct {
		name    string
		do      func()
		changed []string // months whose documents may change; all others are sealed
	}{
		{"1 nothing", func() {}, nil},
		{"2 news in a month of its own", func() { story(now) }, []string{"2021-03", "2021-02"}}, // this is sealed now
		{"3 more news", func() { story(now.AddDate(0, 0, 1)); now = now.AddDate(0, 0, 1) }, []string{"2021-03"}},
		{"4 another title", func() { edit(t, item("s2020-05-10"), "Story of", "Tale of") }, []string{"2020-05"}},
		{"5 a correction", func() {
			edit(t, item("s2020-06-10"), "date:", "corrections: [{date: 2021-03-11, text: A figure.}]\ndate:")
		}, []string{"2020-06"}},
		{"6 a withdrawal", func() { edit(t, item("s2020-07-10"), "date:", "status: withdrawn\ndate:") }, []string{"2020-07"}},
		{"7 an erasure", func() { edit(t, item("s2020-08-10"), "date:", "status: erased\ndate:") }, []string{"2020-08"}},
		{"8 a story of old, in a month that had none", func() { story(time.Date(2020, 3, 15, 0, 0, 0, 0, time.UTC)) }, []string{"2020-02", "2020-03", "2020-04"}}, // its neighbours lead to it
		{"9 a story that expires", func() { edit(t, item("s2020-09-10"), "date:", "expires: 2021-01-01\ndate:") }, []string{"2020-09"}},
		{"10 a renamed file", func() {
			if err := os.Rename(item("s2020-10-10"), item("renamed")); err != nil {
				t.Fatal(err)
			}
		}, nil},
	}
	for _, step := range steps {
		before := archived(t, dir)
		step.do()
		now = now.Add(time.Hour)
		tidingsAt(t, now, "-C", dir, "build")
		after := archived(t, dir)
		for _, name := range slices.Sorted(maps.Keys(before)) {
			month := strings.TrimPrefix(strings.TrimSuffix(name, filepath.Ext(name)), "news/archive/")
			if after[name] != before[name] && !slices.Contains(step.changed, month) {
				t.Errorf("%s: %s changed from\n%s\nto\n%s", step.name, name, before[name], after[name])
			}
		}
		for _, ext := range []string{".rss", ".atom", ".json"} {
			f := follow(t, dir, ext)
			f.complete(t, step.name+ext, pages(t, dir))
			if len(f.live) != 4 || len(f.order) < 13 {
				t.Errorf("%s%s: %d stories in the live document, %d months", step.name, ext, len(f.live), len(f.order))
			}
		}
		if len(pages(t, dir)) < 20 {
			t.Errorf("%s: only %d stories", step.name, len(pages(t, dir)))
		}
	}
}

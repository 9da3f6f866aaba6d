package testtool

import (
	"bytes"
	"database/sql"
	_ "embed"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mmcdole/gofeed"
	_ "modernc.org/sqlite" // reads newsboat's cache
)

// Story is what a feed reader shows of an entry.
type Story struct {
	ID, Title string
	Authors   string // names, joined by ", "
	Published time.Time
}

// Gofeed reads a feed of any format with mmcdole/gofeed, in the feed's order.
func Gofeed(t testing.TB, feed []byte) []Story {
	t.Helper()
	f, err := gofeed.NewParser().Parse(bytes.NewReader(feed))
	if err != nil {
		t.Fatalf("gofeed: %v", err)
	}
	stories := make([]Story, len(f.Items))
	for i, item := range f.Items {
		var names []string
		for _, a := range item.Authors {
			names = append(names, a.Name)
		}
		if item.PublishedParsed == nil {
			t.Fatalf("gofeed: %q has no date", item.Title)
		}
		stories[i] = Story{item.GUID, item.Title, strings.Join(names, ", "), item.PublishedParsed.UTC()}
	}
	return stories
}

//go:embed entries.py
var feedparserScript string

// Feedparser reads an RSS or Atom feed with Python's feedparser, in the feed's order. The test fails if feedparser
// finds the feed malformed ("bozo").
func Feedparser(t testing.TB, feed []byte) []Story {
	t.Helper()
	cmd := exec.Command(Python(t, "feedparser"), "-c", feedparserScript)
	cmd.Stdin = bytes.NewReader(feed)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("feedparser: %v\n%s", err, stderr.String())
	}
	var result struct {
		Bozo    string
		Entries []struct {
			ID, Title string
			Authors   []string
			Published int64 // Unix seconds
		}
	}
	if err := json.Unmarshal(out, &result); err != nil {
		t.Fatalf("feedparser: %v", err)
	}
	if result.Bozo != "" {
		t.Fatalf("feedparser: bozo: %s", result.Bozo)
	}
	stories := make([]Story, len(result.Entries))
	for i, e := range result.Entries {
		stories[i] = Story{e.ID, e.Title, strings.Join(e.Authors, ", "), time.Unix(e.Published, 0).UTC()}
	}
	return stories
}

// Newsboat reloads RSS and Atom feeds in newsboat and returns all that it now shows, newest first. It keeps its cache
// in dir, so that a second call sees the feeds as a subscriber does who comes back.
func Newsboat(t testing.TB, dir string, files ...string) []Story {
	t.Helper()
	var urls strings.Builder
	for _, f := range files {
		urls.WriteString("file://" + f + "\n")
	}
	list, cache := filepath.Join(dir, "urls"), filepath.Join(dir, "cache.db")
	if err := os.WriteFile(list, []byte(urls.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(Need(t, "newsboat"), "-q", "-u", list, "-c", cache, "-C", os.DevNull, "-x", "reload")
	cmd.Env = append(os.Environ(), "HOME="+dir, "LC_ALL=C.UTF-8")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("newsboat: %v\n%s", err, out)
	}
	return newsboatCache(t, cache)
}

func newsboatCache(t testing.TB, cache string) []Story {
	t.Helper()
	db, err := sql.Open("sqlite", cache)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query("SELECT guid, title, author, pubDate FROM rss_item WHERE deleted = 0 ORDER BY pubDate DESC, guid")
	if err != nil {
		t.Fatalf("newsboat: %v", err)
	}
	defer rows.Close()
	var stories []Story
	for rows.Next() {
		var s Story
		var date int64 // Unix seconds
		if err := rows.Scan(&s.ID, &s.Title, &s.Authors, &date); err != nil {
			t.Fatalf("newsboat: %v", err)
		}
		s.Published = time.Unix(date, 0).UTC()
		stories = append(stories, s)
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("newsboat: %v", err)
	}
	return stories
}

// Lint checks with xmllint that a document is well-formed XML with declared namespaces.
func Lint(t testing.TB, document []byte) {
	t.Helper()
	cmd := exec.Command(Need(t, "xmllint"), "--noout", "-")
	cmd.Stdin = bytes.NewReader(document)
	out, err := cmd.CombinedOutput()
	if err != nil || len(out) > 0 { // a namespace error leaves the exit status at 0
		t.Errorf("xmllint: %v\n%s", err, out)
	}
}

// Strict reads an RSS or Atom feed with encoding/xml, which forgives nothing, in the feed's order.
func Strict(t testing.TB, feed []byte) []Story {
	t.Helper()
	if err := wellFormed(feed); err != nil {
		t.Fatalf("encoding/xml: %v", err)
	}
	var doc struct {
		Items   []strictEntry `xml:"channel>item"`
		Entries []strictEntry `xml:"http://www.w3.org/2005/Atom entry"`
	}
	if err := xml.Unmarshal(feed, &doc); err != nil {
		t.Fatalf("encoding/xml: %v", err)
	}
	var stories []Story
	for _, e := range append(doc.Items, doc.Entries...) {
		stories = append(stories, e.story(t))
	}
	return stories
}

// strictEntry is an entry of either format.
type strictEntry struct {
	GUID      string   `xml:"guid"`
	ID        string   `xml:"http://www.w3.org/2005/Atom id"`
	Title     string   `xml:"title"`
	PubDate   string   `xml:"pubDate"`
	Published string   `xml:"http://www.w3.org/2005/Atom published"`
	Creators  []string `xml:"http://purl.org/dc/elements/1.1/ creator"`
	Authors   []string `xml:"http://www.w3.org/2005/Atom author>name"`
}

func (e strictEntry) story(t testing.TB) Story {
	t.Helper()
	layout := time.RFC3339
	if e.PubDate != "" {
		layout = time.RFC1123Z
	}
	date, err := time.Parse(layout, e.PubDate+e.Published)
	if err != nil {
		t.Fatal(err)
	}
	return Story{e.GUID + e.ID, e.Title, strings.Join(append(e.Creators, e.Authors...), ", "), date.UTC()}
}

// wellFormed reads to the end, which xml.Unmarshal does not: it tells what is wrong with an XML document, if anything is.
func wellFormed(document []byte) error {
	dec := xml.NewDecoder(bytes.NewReader(document))
	for {
		if _, err := dec.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

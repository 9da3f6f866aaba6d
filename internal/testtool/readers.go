package testtool

import (
	"bytes"
	"cmp"
	"database/sql"
	_ "embed"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mmcdole/gofeed"
	_ "modernc.org/sqlite" // reads newsboat's cache
)

// Story is what a feed reader shows of an entry; what it does not tell is left empty.
type Story struct {
	ID, Title, Link string

	Authors    string // names, joined by ", "
	Categories string // likewise
	Enclosures string // "address type length", a line each; the length in bytes, 0 where it is not known
	Summary    string // as it is written: RSS has HTML
	Content    string // HTML

	Published, Updated time.Time
}

// As is what a reader shows of a story in a feed whose name ends in ext. RSS has a summary in HTML and one enclosure, of known
// length; some readers show one author only, or give a missing text by the other.
func (s Story) As(reader, ext string) Story {
	names := strings.Split(s.Authors, ", ")
	if ext == ".rss" {
		s.Summary, s.Enclosures = rssSummary(s.Summary), firstOfKnownLength(s.Enclosures)
		switch reader {
		case "gofeed":
			s.Authors = names[0]
		case "newsboat":
			s.Authors = names[len(names)-1]
		}
	}
	if s.Content == "" && reader == "gofeed" && ext == ".json" {
		s.Content = cmp.Or(s.Summary, s.Title)
	}
	switch {
	case reader == "newsboat":
		s.Content = cmp.Or(s.Content, s.Summary)
		if s.Published.Unix() < 0 { // it knows no sign
			s.Published = s.Published.Add(1 << 32 * time.Second)
		}
		s.Categories, s.Enclosures, s.Summary, s.Updated = "", "", "", time.Time{}
	case reader == "feedparser" && s.Summary == "":
		s.Summary = strings.TrimSpace(s.Content)
	}
	return s
}

func firstOfKnownLength(enclosures string) string {
	for line := range strings.Lines(enclosures) {
		if !strings.HasSuffix(line, " 0\n") {
			return line
		}
	}
	return ""
}

var rssSummary = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace

// Differ tells in what got is not want, as far as a reader would see it: white space around content is nothing. "" is in nothing.
func Differ(got, want Story) string {
	got.Content, want.Content = strings.TrimSpace(got.Content), strings.TrimSpace(want.Content)
	var found strings.Builder
	g, w := reflect.ValueOf(got), reflect.ValueOf(want)
	for i := range g.NumField() {
		if g.Field(i).Equal(w.Field(i)) {
			continue
		}
		a, b := fmt.Sprintf("%+q", g.Field(i)), fmt.Sprintf("%+q", w.Field(i))
		same := 0
		for same < min(len(a), len(b)) && a[same] == b[same] {
			same++
		}
		same = max(same-20, 0)
		fmt.Fprintf(&found, "\n%s from character %d on: got %.200s, want %.200s", g.Type().Field(i).Name, same, a[same:], b[same:])
	}
	return found.String()
}

// Reader is a program that people read feeds with, or its library.
type Reader struct {
	Name string
	JSON bool // it reads JSON Feed too

	// Read gives what it shows of each feed, in the feed's order. It starts the program once.
	Read func(t testing.TB, feeds ...[]byte) [][]Story
}

// Readers are those that read from memory. All but the first two are other people's programs.
var Readers = []Reader{
	{"encoding-xml", false, each(Strict)},
	{"gofeed", true, each(Gofeed)},
	{"feedparser", false, Feedparser},
	{"feedsmith", true, Feedsmith},
}

// each reads one feed after the other.
func each(read func(testing.TB, []byte) []Story) func(testing.TB, ...[]byte) [][]Story {
	return func(t testing.TB, feeds ...[]byte) [][]Story {
		t.Helper()
		shown := make([][]Story, len(feeds))
		for i, f := range feeds {
			shown[i] = read(t, f)
		}
		return shown
	}
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
		if item.PublishedParsed == nil {
			t.Fatalf("gofeed: %q has no date", item.Title)
		}
		s := Story{ID: item.GUID, Title: item.Title, Link: item.Link, Categories: strings.Join(item.Categories, ", "),
			Summary: item.Description, Content: item.Content, Published: item.PublishedParsed.UTC()}
		var names []string
		for _, a := range item.Authors {
			names = append(names, a.Name)
		}
		s.Authors = strings.Join(names, ", ")
		for _, d := range item.Enclosures {
			s.Enclosures += enclosure(d.URL, d.Type, d.Length)
		}
		if s.Updated = s.Published; item.UpdatedParsed != nil {
			s.Updated = item.UpdatedParsed.UTC()
		}
		stories[i] = s
	}
	return stories
}

func enclosure(url, mediaType, length string) string {
	return fmt.Sprintf("%s %s %s\n", url, mediaType, cmp.Or(length, "0"))
}

//go:embed entries.py
var feedparserScript string

// Feedparser reads RSS and Atom feeds with Python's feedparser. The test fails if feedparser finds one malformed ("bozo").
func Feedparser(t testing.TB, feeds ...[]byte) [][]Story {
	t.Helper()
	return stories(t, exec.Command(Python(t, "feedparser"), "-c", feedparserScript), feeds)
}

//go:embed entries.mjs
var feedsmithScript string

// Feedsmith reads feeds of any format with npm's feedsmith. The test fails if a JSON Feed is not as its JSON Schema wants it.
func Feedsmith(t testing.TB, feeds ...[]byte) [][]Story {
	t.Helper()
	return stories(t, Node(t, feedsmithScript, "feedsmith", "jsonfeed-schema", "ajv", "ajv-formats"), feeds)
}

// stories runs a program that reads feeds, with times as Unix seconds.
func stories(t testing.TB, cmd *exec.Cmd, feeds [][]byte) [][]Story {
	t.Helper()
	var said [][]struct {
		Story
		Published, Updated int64
	}
	ask(t, cmd, feeds, &said)
	shown := make([][]Story, len(said))
	for i, entries := range said {
		for _, e := range entries {
			e.Story.Published, e.Story.Updated = time.Unix(e.Published, 0).UTC(), time.Unix(e.Updated, 0).UTC()
			shown[i] = append(shown[i], e.Story)
		}
	}
	return shown
}

// Newsboat reloads RSS and Atom feeds in newsboat and returns all that it now shows, newest first, out of its cache: one row
// for an id, whichever feeds it is in. It keeps the cache in dir, so that a second call sees the feeds as a subscriber does who
// comes back.
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
	rows, err := db.Query("SELECT guid, title, url, author, content, pubDate FROM rss_item WHERE deleted = 0 ORDER BY pubDate DESC, guid")
	if err != nil {
		t.Fatalf("newsboat: %v", err)
	}
	defer rows.Close()
	var stories []Story
	for rows.Next() {
		var s Story
		var date int64 // Unix seconds
		if err := rows.Scan(&s.ID, &s.Title, &s.Link, &s.Authors, &s.Content, &date); err != nil {
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

// Lint checks with xmllint that documents are well-formed XML with declared namespaces.
func Lint(t testing.TB, documents ...[]byte) {
	t.Helper()
	args, dir := []string{"--noout"}, t.TempDir()
	for i, d := range documents {
		args = append(args, filepath.Join(dir, strconv.Itoa(i)+".xml"))
		if err := os.WriteFile(args[i+1], d, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command(Need(t, "xmllint"), args...).CombinedOutput()
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
	GUID       string   `xml:"guid"`
	ID         string   `xml:"http://www.w3.org/2005/Atom id"`
	Title      string   `xml:"title"`
	Summary    string   `xml:"description"`
	AtomText   string   `xml:"http://www.w3.org/2005/Atom summary"`
	Encoded    string   `xml:"http://purl.org/rss/1.0/modules/content/ encoded"`
	Content    string   `xml:"http://www.w3.org/2005/Atom content"`
	PubDate    string   `xml:"pubDate"`
	Published  string   `xml:"http://www.w3.org/2005/Atom published"`
	Updated    string   `xml:"http://www.w3.org/2005/Atom updated"`
	Creators   []string `xml:"http://purl.org/dc/elements/1.1/ creator"`
	Authors    []string `xml:"http://www.w3.org/2005/Atom author>name"`
	Categories []struct {
		Label string `xml:"label,attr"`
		Term  string `xml:"term,attr"`
		Text  string `xml:",chardata"`
	} `xml:"category"`
	Links []struct {
		Rel    string `xml:"rel,attr"`
		URL    string `xml:"href,attr"`
		Type   string `xml:"type,attr"`
		Length string `xml:"length,attr"`
		Text   string `xml:",chardata"`
	} `xml:"link"`
	Enclosures []struct {
		URL    string `xml:"url,attr"`
		Type   string `xml:"type,attr"`
		Length string `xml:"length,attr"`
	} `xml:"enclosure"`
}

func (e strictEntry) story(t testing.TB) Story {
	t.Helper()
	layout := time.RFC3339
	if e.PubDate != "" {
		layout = time.RFC1123Z
	}
	s := Story{ID: e.GUID + e.ID, Title: e.Title, Authors: strings.Join(append(e.Creators, e.Authors...), ", "),
		Summary: e.Summary + e.AtomText, Content: e.Encoded + e.Content, Published: moment(t, layout, e.PubDate+e.Published)}
	if s.Updated = s.Published; e.Updated != "" {
		s.Updated = moment(t, time.RFC3339, e.Updated)
	}
	var categories []string
	for _, c := range e.Categories {
		categories = append(categories, cmp.Or(c.Label, c.Term, c.Text))
	}
	s.Categories = strings.Join(categories, ", ")
	for _, l := range e.Links {
		switch l.Rel {
		case "", "alternate":
			s.Link += l.URL + l.Text
		case "enclosure":
			s.Enclosures += enclosure(l.URL, l.Type, l.Length)
		}
	}
	for _, d := range e.Enclosures {
		s.Enclosures += enclosure(d.URL, d.Type, d.Length)
	}
	return s
}

func moment(t testing.TB, layout, text string) time.Time {
	t.Helper()
	at, err := time.Parse(layout, text)
	if err != nil {
		t.Fatal(err)
	}
	return at.UTC()
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

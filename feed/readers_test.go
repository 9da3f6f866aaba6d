package feed_test

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"html"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mmcdole/gofeed"

	"tidings/feed"
	"tidings/internal/testtool"
	"tidings/items"
)

// hostile lists texts that have broken feeds or readers. Each stands in a title, a name, an alt text and a content.
var hostile = []struct {
	name, text, clean string // clean is what must arrive; "" means text
}{
	{name: "1 characters that XML forbids", text: "Tab\x00le \x0bof\x1b con\x7ftents\uFFFE", clean: "Table of con\x7ftents"},
	{name: "2 the end of a CDATA section", text: "a ]]> b ]]]]>> c <![CDATA[ d"},
	{name: "3 scripts", text: `<script>alert("x")</script> <img src=x onerror=alert(1)>`},
	{name: "4 what looks escaped but is text", text: `AT&T &amp; Marks & Spencer < 5 > 4 &nosuch; "q" 'a'`},
	{name: "5 right to left", text: "اللاجئون في \u202bكاليه\u202c \u200f(2015)"},
	{name: "6 emoji, and references into the surrogates", text: `👩‍👩‍👧 &#xd83d;&#xde00; \ud83d`},
	{name: "7 a long title of special characters", text: strings.Repeat(`&<">'`, 40)},
	{name: "8 an XML document", text: `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`},
	{name: "9 comment ends", text: "a --> b <!-- c"},
}

// noBrackets makes a name of a text: some readers take what stands in brackets for an address.
var noBrackets = strings.NewReplacer("(", "", ")", "")

// hostileFeed returns one feed with all of hostile, a long story and several of the same moment.
func hostileFeed() feed.Feed {
	f := newsFeed()
	for i, h := range hostile {
		e := plainEntry("tag:news.example.org,2015:h"+strconv.Itoa(i), h.text)
		e.Published = november.AddDate(0, 0, i/2)
		e.Summary, e.Rights = h.text, h.text
		e.Authors = []items.Person{{Name: noBrackets.Replace(h.text)}}
		e.Topics = []items.Topic{{Slug: h.text, Title: h.text}}
		e.Image = &items.Picture{URL: "https://news.example.org/media/x.jpg", Alt: h.text, Credit: h.text}
		e.Content = "<p>" + html.EscapeString(h.text) + " ]]></p>"
		f.Entries = append(f.Entries, e)
	}
	long := plainEntry("tag:news.example.org,2015:long", "A story of 200,000 characters")
	long.Authors = []items.Person{{Name: "Ada Last"}}
	long.Content = "<p>" + strings.Repeat("Zażółć gęślą jaźń ]]> & 😀. ", 200_000/25) + "</p>"
	f.Entries = append(f.Entries, long)
	return f
}

// shown is what a reader must show of f, ordered by id.
func shown(f feed.Feed) []testtool.Story {
	var stories []testtool.Story
	for _, e := range f.Entries {
		s := testtool.Story{ID: e.ID, Title: arrives(e.Title), Published: e.Published.UTC()}
		var names []string
		for _, p := range e.Authors {
			names = append(names, arrives(p.Name))
		}
		s.Authors = strings.Join(names, ", ")
		stories = append(stories, s)
	}
	return byID(stories)
}

func arrives(text string) string {
	for _, h := range hostile {
		if h.clean != "" {
			text = strings.ReplaceAll(text, h.text, h.clean)
		}
	}
	return text
}

func byID(stories []testtool.Story) []testtool.Story {
	return slices.SortedFunc(slices.Values(stories), func(a, b testtool.Story) int { return cmp.Compare(a.ID, b.ID) })
}

//go:embed testdata/entries.mjs
var feedsmithScript string

// feedsmith reads a feed with npm's feedsmith. The test fails if a JSON Feed is not as its JSON Schema wants it.
func feedsmith(t testing.TB, data []byte) []testtool.Story {
	t.Helper()
	var read struct {
		Entries []testtool.Story
		Errors  []string
	}
	cmd := node(t, feedsmithScript, "feedsmith", "jsonfeed-schema", "ajv", "ajv-formats")
	if err := json.Unmarshal(output(t, cmd, data), &read); err != nil {
		t.Fatal(err)
	}
	if len(read.Errors) > 0 {
		t.Errorf("JSON Schema: %q", read.Errors)
	}
	return read.Entries
}

func newsboat(t testing.TB, data []byte) []testtool.Story {
	dir := t.TempDir()
	file := filepath.Join(dir, "feed.xml")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return testtool.Newsboat(t, dir, file)
}

// readers are programs that people read feeds with, or their libraries.
var readers = []struct {
	name    string
	formats []feed.Format
	read    func(testing.TB, []byte) []testtool.Story
}{
	{"gofeed", feed.Formats, testtool.Gofeed},
	{"encoding-xml", []feed.Format{feed.RSS, feed.Atom}, testtool.Strict},
	{"feedparser", []feed.Format{feed.RSS, feed.Atom}, testtool.Feedparser},
	{"newsboat", []feed.Format{feed.RSS, feed.Atom}, newsboat},
	{"feedsmith", feed.Formats, feedsmith},
}

// TestReaders: every reader sees every story once, with its title, date and author.
func TestReaders(t *testing.T) {
	tests := []struct {
		name string
		feed feed.Feed
	}{
		{"hostile", hostileFeed()},
		{"empty", newsFeed()},
	}
	for _, test := range tests {
		for _, r := range readers {
			for _, m := range r.formats {
				t.Run(test.name+"/"+r.name+m.Ext, func(t *testing.T) {
					t.Parallel()
					got, want := byID(r.read(t, write(t, m, test.feed))), shown(test.feed)
					if !slices.Equal(got, want) {
						t.Errorf("got\n%+v\nwant\n%+v", got, want)
					}
				})
			}
		}
	}
}

func TestLint(t *testing.T) {
	for _, f := range []feed.Feed{hostileFeed(), newsFeed(), newsFeed(fullEntry(), elsewhereEntry()), archiveFeed()} {
		testtool.Lint(t, write(t, feed.RSS, f))
		testtool.Lint(t, write(t, feed.Atom, f))
	}
}

// TestSeveralAuthors: RSS has one dc:creator for each. gofeed shows the first of them and newsboat the last; where a
// reader can show all, it does.
func TestSeveralAuthors(t *testing.T) {
	const all = "Amanda Nero, Brown & Co"
	for _, r := range readers {
		for _, m := range r.formats {
			t.Run(r.name+m.Ext, func(t *testing.T) {
				want := all
				switch r.name + m.Ext {
				case "gofeed.rss":
					want = "Amanda Nero"
				case "newsboat.rss":
					want = "Brown & Co"
				}
				if got := r.read(t, write(t, m, newsFeed(fullEntry()))); len(got) != 1 || got[0].Authors != want {
					t.Errorf("got %+v, want the authors %s", got, want)
				}
			})
		}
	}
}

// TestContent: what readers get as a story's HTML is the same in each format, and so are the texts around it.
func TestContent(t *testing.T) {
	f := hostileFeed()
	for _, m := range feed.Formats {
		got, err := gofeed.NewParser().Parse(bytes.NewReader(write(t, m, f)))
		if err != nil {
			t.Fatalf("%s: %v", m.Name, err)
		}
		if len(got.Items) != len(f.Entries) {
			t.Fatalf("%s: %d items, want %d", m.Name, len(got.Items), len(f.Entries))
		}
		for i, e := range f.Entries {
			item := got.Items[i]
			if want := strings.TrimSpace(arrives(e.Content)); item.Content != want {
				t.Errorf("%s: %s: content %.300q, want %.300q", m.Name, e.ID, item.Content, want)
			}
			if len(e.Topics) > 0 && !slices.Equal(item.Categories, []string{arrives(e.Topics[0].Title)}) {
				t.Errorf("%s: %s: categories %q, want %q", m.Name, e.ID, item.Categories, e.Topics[0].Title)
			}
		}
	}
}

// TestSummary: a summary is plain text. RSS readers take it for HTML, so there it is escaped once more.
func TestSummary(t *testing.T) {
	e := plainEntry("1", "One")
	e.Summary = `It's <b> & "so" on`
	want := map[string]string{".rss": `It's &lt;b&gt; &amp; "so" on`, ".atom": e.Summary, ".json": e.Summary}
	for _, m := range feed.Formats {
		got, err := gofeed.NewParser().Parse(bytes.NewReader(write(t, m, newsFeed(e))))
		if err != nil {
			t.Fatalf("%s: %v", m.Name, err)
		}
		if got.Items[0].Description != want[m.Ext] {
			t.Errorf("%s: summary %q, want %q", m.Name, got.Items[0].Description, want[m.Ext])
		}
	}
}

// TestRepublish: whoever is subscribed to several feeds sees a story once, also after it changed all but its id.
func TestRepublish(t *testing.T) {
	for _, m := range []feed.Format{feed.RSS, feed.Atom} {
		t.Run(m.Name, func(t *testing.T) {
			dir := t.TempDir()
			news, topic := filepath.Join(dir, "news"+m.Ext), filepath.Join(dir, "topic"+m.Ext)
			publish := func(entries ...feed.Entry) []testtool.Story {
				for _, file := range []string{news, topic} {
					if err := os.WriteFile(file, write(t, m, newsFeed(entries...)), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				return testtool.Newsboat(t, dir, news, topic)
			}
			first := fullEntry()
			if got := publish(first); len(got) != 1 {
				t.Fatalf("a story in two feeds: newsboat shows %+v", got)
			}
			again := fullEntry()
			again.Title, again.Slug, again.URL = "Quite another title", "other", "https://moved.example/news/other/"
			again.Updated = again.Updated.Add(time.Hour)
			again.Content = "<p>Other words.</p>"
			if got := publish(plainEntry("2", "A new one"), again); len(got) != 2 || got[0].ID == got[1].ID {
				t.Fatalf("a changed and a new story: newsboat shows %+v", got)
			}
		})
	}
}

// FuzzWrite: whatever a story holds, its feeds can be read and say the same.
func FuzzWrite(f *testing.F) {
	for i, h := range hostile {
		f.Add(h.text, h.text, "<p>"+h.text+"</p>", int64(i)*1e9)
	}
	f.Add("Invalid \xff\xfe UTF-8", "\xc3", "\xed\xa0\x80", int64(-1))
	f.Add(" \r\n spaces\u00a0\u2028 ", "\r", "a\r\nb", int64(0))
	f.Fuzz(func(t *testing.T, title, text, content string, seconds int64) {
		e := plainEntry("tag:news.example.org,2015:1", title+"!") // never blank
		e.Published = time.Unix(seconds%(200*365*24*3600), 0).UTC()
		e.Summary, e.Rights, e.Content, e.Language = text, text, content, text
		e.Authors = []items.Person{{Name: text + "!", URL: text}}
		e.Topics = []items.Topic{{Slug: text, Title: title}}
		e.Image = &items.Picture{URL: text, Type: text, Alt: title, Credit: text}
		e.Attachments = []items.Document{{URL: text, Title: title, Language: text, Type: text, Size: seconds}}
		e.Source = &items.Source{Title: title, URL: text}
		e.Related = []items.Reference{{Title: title, URL: text}}
		checkAgreement(t, newsFeed(e))
	})
}

// checkAgreement compares what strict decoders and gofeed make of the one story of a feed.
func checkAgreement(t *testing.T, f feed.Feed) {
	t.Helper()
	var said struct{ Items []struct{ ID, Title string } }
	if err := json.Unmarshal(write(t, feed.JSON, f), &said); err != nil {
		t.Fatal(err)
	}
	title := strings.TrimSpace(said.Items[0].Title)
	for _, r := range readers[:2] {
		for _, m := range r.formats {
			got := r.read(t, write(t, m, f))
			if len(got) != 1 || got[0].ID != f.Entries[0].ID || strings.TrimSpace(got[0].Title) != title || !got[0].Published.Equal(f.Entries[0].Published) {
				t.Errorf("%s: %s: got %+q, want the title %+q of %v", m.Name, r.name, got, title, f.Entries[0].Published)
			}
		}
	}
}

package feed_test

import (
	"bytes"
	"cmp"
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
	{name: "1 characters that XML forbids", text: "Tab\x00le \x0bof\x1b con\x7ftents\uFFFE \u0096 1\u0081", clean: "Table of contents – 1"},
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

// shown is what a reader shows of f in a format, ordered by id.
func shown(f feed.Feed, reader, ext string) []testtool.Story {
	var stories []testtool.Story
	for _, e := range f.Entries {
		var names, categories []string
		for _, p := range e.Authors {
			names = append(names, arrives(p.Name))
		}
		for _, t := range e.Topics {
			categories = append(categories, arrives(t.Title))
		}
		s := testtool.Story{ID: e.ID, Title: arrives(e.Title), Link: cmp.Or(e.Link, e.URL), Authors: strings.Join(names, ", "),
			Categories: strings.Join(categories, ", "), Summary: arrives(e.Summary), Content: arrives(e.Content),
			Published: e.Published.UTC(), Updated: e.Published.UTC()}
		stories = append(stories, s.As(reader, ext))
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

func newsboat(t testing.TB, data []byte) []testtool.Story {
	dir := t.TempDir()
	file := filepath.Join(dir, "feed.xml")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return testtool.Newsboat(t, dir, file)
}

// readers are programs that people read feeds with, or their libraries.
var readers = append(testtool.Readers, testtool.Reader{Name: "newsboat", Read: func(t testing.TB, feeds ...[]byte) (shown [][]testtool.Story) {
	for _, f := range feeds {
		shown = append(shown, newsboat(t, f))
	}
	return shown
}})

// formatsOf are the formats that a reader reads.
func formatsOf(r testtool.Reader) []feed.Format {
	return slices.DeleteFunc(slices.Clone(feed.Formats), func(m feed.Format) bool { return m.Name == feed.JSON.Name && !r.JSON })
}

// TestReaders: every reader sees every story once, with all that it shows of one.
func TestReaders(t *testing.T) {
	feeds := []feed.Feed{hostileFeed(), newsFeed()} // an empty one, too
	for _, r := range readers {
		t.Run(r.Name, func(t *testing.T) {
			t.Parallel()
			var written [][]byte
			for _, m := range formatsOf(r) {
				for _, f := range feeds {
					written = append(written, write(t, m, f))
				}
			}
			got := r.Read(t, written...)
			for i, m := range formatsOf(r) {
				for j, f := range feeds {
					sameStories(t, m.Name, byID(got[i*len(feeds)+j]), shown(f, r.Name, m.Ext))
				}
			}
		})
	}
}

// sameStories compares story by story.
func sameStories(t *testing.T, where string, got, want []testtool.Story) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d stories, want %d", where, len(got), len(want))
		return
	}
	for i := range want {
		if found := testtool.Differ(got[i], want[i]); found != "" {
			t.Errorf("%s: %s%s", where, want[i].ID, found)
		}
	}
}

func TestLint(t *testing.T) {
	for _, f := range []feed.Feed{hostileFeed(), newsFeed(), newsFeed(fullEntry(), elsewhereEntry()), archiveFeed()} {
		testtool.Lint(t, write(t, feed.RSS, f))
		testtool.Lint(t, write(t, feed.Atom, f))
	}
}

// TestWhole: every reader shows all of a story that has everything, and of one that has no more than its summary.
func TestWhole(t *testing.T) {
	whole := fullEntry()
	whole.Attachments[0].Type = "text/html" // some readers take none for this
	whole.Images = []items.Picture{*whole.Image, {URL: "https://news.example.org/media/camp.png", Type: "image/png", Alt: "A camp"}}
	summary := whole
	summary.ID, summary.Content = "tag:news.example.org,2015:3c4d", ""
	want := testtool.Story{ID: whole.ID, Title: whole.Title, Link: whole.URL, Authors: "Amanda Nero, Brown & Co", Categories: "Response plans, R & D, untitled",
		Enclosures: "https://elsewhere.example/plan text/html 0\nhttps://news.example.org/media/plan-fr.pdf application/pdf 3221225472\n",
		Summary:    whole.Summary, Content: whole.Content, Published: whole.Published.UTC(), Updated: whole.Updated.UTC()}
	wantSummary := want
	wantSummary.ID, wantSummary.Content = summary.ID, ""
	for _, r := range readers {
		t.Run(r.Name, func(t *testing.T) {
			t.Parallel()
			var written [][]byte
			for _, m := range formatsOf(r) {
				written = append(written, write(t, m, newsFeed(whole, summary)))
			}
			got := r.Read(t, written...)
			for i, m := range formatsOf(r) {
				sameStories(t, m.Name, byID(got[i]), []testtool.Story{want.As(r.Name, m.Ext), wantSummary.As(r.Name, m.Ext)})
			}
		})
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
		for _, m := range formatsOf(r) {
			got := r.Read(t, write(t, m, f))[0]
			if len(got) != 1 || got[0].ID != f.Entries[0].ID || strings.TrimSpace(got[0].Title) != title || !got[0].Published.Equal(f.Entries[0].Published) {
				t.Errorf("%s: %s: got %+q, want the title %+q of %v", m.Name, r.Name, got, title, f.Entries[0].Published)
			}
		}
	}
}

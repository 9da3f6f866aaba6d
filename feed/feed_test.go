package feed_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"tidings/feed"
	"tidings/items"
)

var update = flag.Bool("update", false, "rewrite the files in testdata/golden")

var november = time.Date(2015, 11, 2, 9, 30, 0, 0, time.FixedZone("", 3600))

// newsFeed returns a feed of the given entries.
func newsFeed(entries ...feed.Entry) feed.Feed {
	return feed.Feed{
		Name:        "news",
		Title:       "IOM UK & partners",
		Description: "News <and> events",
		Home:        "https://news.example.org/",
		Base:        "https://news.example.org/feeds/news",
		ID:          "tag:news.example.org,2015:feeds/news",
		Language:    "en",
		Rights:      "© IOM",
		Owner:       feed.Owner{Name: "IOM UK", Email: "news@example.org"},
		Updated:     time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC),
		Entries:     entries,
	}
}

// plainEntry returns the least that an entry can be.
func plainEntry(id, title string) feed.Entry {
	return feed.Entry{Article: items.Article{ID: id, Title: title, Published: november, Language: "en",
		URL: "https://news.example.org/news/" + id + "/"}}
}

// fullEntry returns an entry that uses every field.
func fullEntry() feed.Entry {
	return feed.Entry{
		Article: items.Article{
			ID:        "tag:news.example.org,2015:1f2e",
			Slug:      "plan",
			URL:       "https://news.example.org/news/plan/",
			Language:  "fr",
			Title:     `Réfugiés : "plan" & <suite>`,
			Summary:   "L'OIM & ses partenaires <enfin>.",
			Published: november,
			Updated:   november.Add(48 * time.Hour),
			Authors: []items.Person{{Name: "Amanda Nero", Role: "Photojournalist", URL: "https://example.org/nero"},
				{Name: "Brown & Co"}},
			Topics: []items.Topic{{Slug: "response-plans", Title: "Response plans"}, {Slug: "r-and-d", Title: "R & D"}, {Slug: "untitled"}},
			Image: &items.Picture{URL: "https://news.example.org/media/calais.jpg", Type: "image/jpeg", Size: 4096,
				Width: 1200, Height: 800, Alt: "A tent & a flag", Credit: "© Nero/IOM", Caption: "Calais",
				Small: &items.Rendition{URL: "https://news.example.org/media/calais-600.jpg", Type: "image/jpeg", Size: 1024, Width: 600, Height: 400}},
			Attachments: []items.Document{{URL: "https://elsewhere.example/plan", Title: "Of unknown size"},
				{URL: "https://news.example.org/media/plan-fr.pdf", Title: "Plan", Language: "fr", Type: "application/pdf", Size: 3 << 30}},
			Source:  &items.Source{Title: "IOM Blog", URL: "https://blog.example/plan"},
			Related: []items.Reference{{Title: "Before", URL: "https://news.example.org/news/before/"}},
			Rights:  "© IOM 2015",
		},
		Content: `<p>L'OIM &amp; <a href="https://news.example.org/">ses partenaires</a></p>`,
	}
}

func withdrawnEntry() feed.Entry {
	e := fullEntry()
	e.Withdrawn = true
	e.Title = "Withdrawn: plan"
	e.Link = "https://elsewhere.example/secret"
	e.Content = "<p>This story was withdrawn.</p>"
	return e
}

// archiveFeed returns a feed that uses what fullEntry does not: documents of a history, hubs, tombstones, a photo series.
func archiveFeed() feed.Feed {
	e, withdrawn := fullEntry(), withdrawnEntry()
	e.Images = []items.Picture{*e.Image, {URL: "https://news.example.org/media/camp.png", Type: "image/png", Alt: "A camp", Credit: "© Mohammed/IOM"}}
	withdrawn.ID = "tag:news.example.org,2015:3c4d"
	f := newsFeed(e, withdrawn)
	f.Base = "https://news.example.org/feeds/news/archive/2015-11"
	f.Archive, f.Current = true, "https://news.example.org/feeds/news"
	f.PrevArchive, f.NextArchive = "https://news.example.org/feeds/news/archive/2015-10", "https://news.example.org/feeds/news/archive/2015-12"
	f.Hubs = []string{"https://hub.example/", "https://other.example/hub"}
	f.Tombstones = []feed.Tombstone{{ID: "tag:news.example.org,2015:dead", When: november.Add(72 * time.Hour)},
		{ID: withdrawn.ID, When: november}} // withdrawn before it was erased
	return f
}

func elsewhereEntry() feed.Entry {
	e := plainEntry("https://news.example.org/id/2", "A story that lives elsewhere")
	e.URL = "https://news.example.org/news/elsewhere/"
	e.Link = "https://elsewhere.example/story"
	e.Source = &items.Source{Title: "A source without address"}
	return e
}

func write(t testing.TB, m feed.Format, f feed.Feed) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := m.Write(&b, f); err != nil {
		t.Fatalf("%s: %v", m.Name, err)
	}
	return b.Bytes()
}

// TestGolden compares whole feeds; go test -update rewrites them after a wanted change.
func TestGolden(t *testing.T) {
	tests := []struct {
		name string
		feed feed.Feed
	}{
		{"1-full", newsFeed(fullEntry())},           // every field has its place in each format
		{"2-elsewhere", newsFeed(elsewhereEntry())}, // the link leads there; an id that is a URL is no permalink
		{"3-withdrawn", newsFeed(withdrawnEntry())}, // nothing of the story is left but title, date, byline, topics
		{"4-empty", newsFeed()},                     // a list without items is still a list, and dated
		{"5-bare", feed.Feed{Title: "T", Home: "https://a.example/", Base: "https://a.example/f", ID: "tag:a.example,2015:f"}}, // no more than is required
		{"6-archive", archiveFeed()}, // history, hubs, tombstones, several pictures
	}
	for _, test := range tests {
		for _, m := range feed.Formats {
			t.Run(test.name+m.Ext, func(t *testing.T) {
				golden := filepath.Join("testdata", "golden", test.name+m.Ext)
				got := write(t, m, test.feed)
				if *update {
					if err := os.WriteFile(golden, got, 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(golden)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got, want) {
					t.Errorf("differs from %s:\n%s", golden, got)
				}
			})
		}
	}
}

func TestFormats(t *testing.T) {
	want := []feed.Format{
		{Name: "RSS", Ext: ".rss", Type: "application/rss+xml; charset=utf-8"},
		{Name: "Atom", Ext: ".atom", Type: "application/atom+xml; charset=utf-8"},
		{Name: "JSON Feed", Ext: ".json", Type: "application/feed+json; charset=utf-8"},
	}
	if len(feed.Formats) != len(want) {
		t.Fatalf("%d formats, want %d", len(feed.Formats), len(want))
	}
	for i, m := range feed.Formats {
		if m.Name != want[i].Name || m.Ext != want[i].Ext || m.Type != want[i].Type {
			t.Errorf("format %d: %s %s %s, want %s %s %s", i, m.Name, m.Ext, m.Type, want[i].Name, want[i].Ext, want[i].Type)
		}
	}
}

// TestDate: a feed is dated by what changed last in it, never by the clock.
func TestDate(t *testing.T) {
	older, changed := plainEntry("1", "Older"), plainEntry("2", "Changed later")
	changed.Updated = november.Add(time.Hour)
	erased := newsFeed(older)
	erased.Tombstones = []feed.Tombstone{{ID: "3", When: november.Add(3 * time.Hour)}}
	later := newsFeed(older)
	later.Updated = november.Add(2 * time.Hour)
	undated := newsFeed()
	undated.Updated = time.Time{}
	tests := []struct {
		name string
		feed feed.Feed
		want string
	}{
		{"1 the last change, wherever it stands", newsFeed(changed, older), "2015-11-02T10:30:00+01:00"},
		{"2 the publication, where nothing changed", newsFeed(older), "2015-11-02T09:30:00+01:00"},
		{"3 not before the given date", later, "2015-11-02T11:30:00+01:00"},
		{"4 the given date, without entries", newsFeed(), "2015-01-01T00:00:00Z"},
		{"6 an erasure", erased, "2015-11-02T12:30:00+01:00"},
		{"5 a fixed date, without anything", undated, "1970-01-01T00:00:00Z"},
	}
	for _, test := range tests {
		want, err := time.Parse(time.RFC3339, test.want)
		if err != nil {
			t.Fatal(err)
		}
		for element, m := range map[string]feed.Format{
			"<lastBuildDate>" + want.Format(time.RFC1123Z) + "<": feed.RSS, "  <updated>" + test.want + "<": feed.Atom,
		} {
			if got := write(t, m, test.feed); !bytes.Contains(got, []byte(element)) {
				t.Errorf("%s: %s: no %s in\n%s", test.name, m.Name, element, got)
			}
		}
	}
}

func TestWriteRefuses(t *testing.T) {
	tests := []struct {
		name string
		feed func() feed.Feed
		want []string // parts of the error
	}{
		{"1 readers would take one of two equal ids for an old story", func() feed.Feed {
			return newsFeed(plainEntry("1", "One"), plainEntry("2", "Two"), plainEntry("1", "Three"))
		}, []string{"feed news", `"One"`, `"Three"`, "same id 1"}},
		{"2 without an id readers invent one", func() feed.Feed { return newsFeed(plainEntry(" ", "One")) }, []string{`"One"`, "no id"}},
		{"3 a title of nothing but what XML forbids is none", func() feed.Feed { return newsFeed(plainEntry("1", "\x01\x02")) },
			[]string{"/news/1/", "no title"}},
		{"4 undated", func() feed.Feed {
			e := plainEntry("1", "One")
			e.Published = time.Time{}
			return newsFeed(e)
		}, []string{`"One"`, "no date"}},
		{"5 RFC 3339 has years of four digits", func() feed.Feed {
			e := plainEntry("1", "One")
			e.Published = november.AddDate(9000, 0, 0)
			return newsFeed(e)
		}, []string{`"One"`, "years 1 to 9999"}},
		{"6 the same for the change", func() feed.Feed {
			e := plainEntry("1", "One")
			e.Updated = november.AddDate(9000, 0, 0)
			return newsFeed(e)
		}, []string{`"One"`, "years 1 to 9999"}},
		{"7 an entry leads somewhere", func() feed.Feed {
			e := plainEntry("1", "One")
			e.URL = ""
			return newsFeed(e)
		}, []string{`"One"`, "no address"}},
		{"8 a feed has a title", func() feed.Feed { f := newsFeed(); f.Title = ""; return f }, []string{"feed news: no title"}},
		{"9 a feed has a page", func() feed.Feed { f := newsFeed(); f.Home = ""; return f }, []string{"feed news: no home address"}},
		{"10 a feed has an address", func() feed.Feed { f := newsFeed(); f.Base = ""; return f }, []string{"feed news: no address"}},
		{"12 a tombstone says when", func() feed.Feed { f := newsFeed(); f.Tombstones = []feed.Tombstone{{ID: "1"}}; return f }, []string{"tombstone", `"1"`}},
		{"11 a feed has an id", func() feed.Feed { f := newsFeed(); f.ID = ""; return f }, []string{"feed news: no id"}},
	}
	for _, test := range tests {
		for _, m := range feed.Formats {
			t.Run(test.name+m.Ext, func(t *testing.T) {
				var b bytes.Buffer
				err := m.Write(&b, test.feed())
				if err == nil {
					t.Fatal("no error")
				}
				for _, part := range test.want {
					if !strings.Contains(err.Error(), part) {
						t.Errorf("error %q does not name %s", err, part)
					}
				}
				if b.Len() > 0 {
					t.Errorf("wrote %d bytes before it refused", b.Len())
				}
			})
		}
	}
}

// TestPure: the same feed gives the same bytes and is not changed, whether or not its texts have to be cleaned.
func TestPure(t *testing.T) {
	for _, dirt := range []string{"", "\x01"} {
		hostile := func() feed.Feed {
			full, withdrawn := eventEntry(t, "1", "One", "2015-12-14", ""), withdrawnEntry()
			full.Authors, full.Topics = []items.Person{{Name: dirt}, {Name: "a" + dirt + "b"}}, []items.Topic{{Title: "a" + dirt + "b"}}
			return newsFeed(full, withdrawn)
		}
		given := hostile()
		for _, m := range feed.Formats {
			if first, second := write(t, m, given), write(t, m, given); !bytes.Equal(first, second) {
				t.Errorf("%s: written twice, the bytes differ", m.Name)
			}
		}
		if first, second := writeCalendar(t, given), writeCalendar(t, given); !bytes.Equal(first, second) {
			t.Error("calendar: written twice, the bytes differ")
		}
		if !reflect.DeepEqual(given, hostile()) {
			t.Errorf("%q: an argument was changed", dirt)
		}
	}
}

type brokenWriter struct{ err error }

func (w brokenWriter) Write([]byte) (int, error) { return 0, w.err }

func TestWriteReportsTheWriter(t *testing.T) {
	full := errors.New("disk full")
	for _, m := range feed.Formats {
		if err := m.Write(brokenWriter{full}, newsFeed(fullEntry())); !errors.Is(err, full) {
			t.Errorf("%s: error %v, want %v", m.Name, err, full)
		}
	}
}

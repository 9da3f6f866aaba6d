package feed_test

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"tidings/feed"
	"tidings/internal/testtool"
	"tidings/items"
)

// fuzzedEntries makes valid items of anything: what staff write freely is any text; addresses, dates and tags are what the
// checks of items let through.
func fuzzedEntries(title, text, content string, seconds int64, bits uint16) []feed.Entry {
	london, err := time.LoadLocation("Europe/London")
	if err != nil {
		panic(err)
	}
	has := func(bit int) bool { return bits>>bit&1 == 1 }
	address := "https://news.example.org/media/" + url.PathEscape(strings.ToValidUTF8(text, "")) + "?a=b&c"
	e := plainEntry(fmt.Sprintf("tag:news.example.org,2015:%x", bits), "T"+title)
	e.Published = time.Unix(seconds%(800*365*24*3600), 0).In(london) // the years that items may have
	size := seconds & (1<<53 - 1)
	e.Revised = e.Published.Add(time.Duration(bits) * time.Hour)
	e.Summary, e.Rights, e.Content = text, text, content
	e.Withdrawn = has(0)
	if has(1) {
		e.Language, e.Link = "ar-Arab-EG", address
	}
	if has(2) {
		e.Authors = []items.Person{{Name: text, URL: address}, {Name: title}}
		e.Topics = []items.Topic{{Slug: "topic", Title: text}, {Slug: "r-and-d"}}
	}
	if has(3) {
		e.Image = &items.Picture{URL: address, Type: "image/png", Size: size, Width: 3, Height: 4, Alt: text, Credit: title}
		e.Images = []items.Picture{*e.Image, {URL: address + "2", Alt: title}}
	}
	if has(4) {
		e.Attachments = []items.Document{{URL: address, Title: title, Language: "fr", Type: "application/pdf", Size: size}, {URL: address}}
		e.Source = &items.Source{Title: title, URL: address}
		e.Related = []items.Reference{{Title: title, URL: address}}
	}
	start := items.When{Time: e.Published, Whole: has(5)}
	e.Event = &items.Event{Start: start, End: items.When{Time: e.Published.Add(time.Duration(bits) * time.Minute), Whole: start.Whole},
		Venue: title, Room: text, Address: text, Status: []items.EventStatus{"", items.Cancelled, items.Postponed, items.Moved}[bits>>6&3]}
	if has(8) {
		e.Event.Register = &items.Register{Label: text, URL: address}
	}
	e.Corrections = []items.Correction{{Date: start, Text: "C" + text}}
	return []feed.Entry{e, plainEntry("tag:news.example.org,2015:other", "Other")}
}

// FuzzFeeds: any valid item gives valid feeds, corrections and calendars.
func FuzzFeeds(f *testing.F) {
	for i, h := range hostile {
		f.Add(h.text, h.text, "<p>"+h.text+"</p>", int64(i)*1e9, uint16(0xffff>>i))
	}
	f.Add("Invalid \xff\xfe UTF-8", "\xc3", "\xed\xa0\x80", int64(-1), uint16(0xfffe))
	f.Add(" \r\n spaces\u00a0\u2028 \u0085", "\r", "a\r\nb", int64(-1e11), uint16(0x1fe))
	f.Add(`\n;,:"^`, strings.Repeat("é", 200), "", int64(1445736600), uint16(0x13e)) // the hour that comes twice
	f.Fuzz(func(t *testing.T, title, text, content string, seconds int64, bits uint16) {
		entries := fuzzedEntries(title, text, content, seconds, bits)
		var articles []items.Article
		for _, e := range entries {
			articles = append(articles, e.Article)
		}
		for _, list := range [][]feed.Entry{entries, feed.Corrections(articles, correctionWords)} {
			fd := archiveFeed()
			fd.Title, fd.Description, fd.Rights, fd.Entries = "F"+title, text, text, list
			checkFeeds(t, fd)
		}
		checkCalendars(t, newsFeed(entries...))
	})
}

// checkFeeds reads what is written of a feed.
func checkFeeds(t *testing.T, f feed.Feed) {
	t.Helper()
	for _, m := range feed.Formats {
		data := write(t, m, f)
		if found := feed.Check(m, data); len(found) > 0 {
			t.Fatalf("%s: %v in\n%s", m.Name, found, data)
		}
		if got := testtool.Gofeed(t, data); len(got) != len(f.Entries) {
			t.Fatalf("%s: gofeed shows %d of %d entries", m.Name, len(got), len(f.Entries))
		}
		if m.Name == feed.JSON.Name {
			continue
		}
		if got := testtool.Strict(t, data); len(got) != len(f.Entries) {
			t.Fatalf("%s: encoding/xml finds %d of %d entries", m.Name, len(got), len(f.Entries))
		}
	}
}

func checkCalendars(t *testing.T, f feed.Feed) {
	t.Helper()
	e := f.Entries[0]
	got := testtool.StrictEvents(t, writeCalendar(t, f))
	if len(got) != 1 || got[0].UID != e.ID || e.Withdrawn && got[0].Summary != "Story withdrawn" {
		t.Fatalf("got %+v", got)
	}
	want := e.Event.Start.Time.UTC().Format(time.RFC3339)
	if e.Event.Start.Whole {
		want = e.Event.Start.Time.Format(time.DateOnly)
	}
	if got[0].Start != want {
		t.Fatalf("starts at %s, want %s", got[0].Start, want)
	}
	var b bytes.Buffer
	if err := feed.WriteEvent(&b, e, calendar); err != nil {
		t.Fatal(err)
	}
	testtool.StrictEvents(t, b.Bytes())
}

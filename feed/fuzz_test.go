package feed_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"tidings/feed"
	"tidings/internal/markup"
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

// everyField is an item that uses every field.
const everyField = `---
title: "T & <b> ]]>"
date: 2015-11-02T10:00
updated: 2015-11-04
summary: S
language: pt-BR
topics: [plans]
authors: [{name: "A, B", url: "https://x.example/a b?c=\"d\"#é"}]
contacts: [{name: C, email: c@x.example, url: https://müller.example/}]
image: {src: "https://x.example/{a}.jpg", alt: "A\"", credit: <C>}
images: [{src: "https://x.example/b|c.png", alt: ""}]
attachments: [{src: "https://x.example/ä b.pdf", title: "<P>", language: fr}]
source: {title: S, url: "https://x.example/<s>"}
related: [{title: R, url: "https://x.example/^r"}]
link: "https://x.example:8080/l?a=%22&b= c"
rights: R
corrections: [{date: 2015-11-03, text: "&"}]
event: {start: 2015-12-14T12:45, end: 2015-12-14T17:00, venue: "V;", register: {label: "L,", url: "https://x.example/r;a,b c"}}
id: tag:x.example,2015:1
---
Text <script>x</script> [a](https://x.example/a%20b) ]]>
`

// hostileLines are lines of items that hold what no feed may.
var hostileLines = []string{
	"link: https://<your-site>/x", `link: 'https://a"b.example/'`, "link: https://x.example/100%?q=5%", "link: https://müller.example/<a>|b", "link: https://[::1]:80/",
	"link: https://x.example:8a/", "link: https://a%3Cb.example/", "link: https:///x", "link: HTTPS://X.example/%zz", "link: https://u:p<@x.example/",
	"source: {url: https://<site>.example/}", "related: [https://<site>.example/]", "related: [{title: R, url: 'https://a b.example/'}]",
	"image: {src: 'https://<site>.example/a.jpg', alt: A}", "image: {src: 'https://a b.example/a.jpg', alt: A}", `image: {src: '<a> "b".jpg', alt: A}`,
	"attachments: [{src: 'https://a|b.example/100%.pdf'}]", "attachments: [{src: 'a:b.pdf'}]", "attachments: [{src: '1:b 100%.pdf', title: ' '}]",
	"authors: [{name: A, url: https://<me>.example/}, {name: B, url: 'page:1'}]", "contacts: [{name: C, email: 'a|b@x.example', url: https://^.example/}]",
	`id: "web+news:abc"`, `id: "urn:"`, `id: "urn:100%"`, `id: "tag:müller.example,2015:ä"`, `id: "1a:b"`, `id: "a_b:c"`, `id: "a/b:c"`, `id: "é:a"`, `id: "x:\u2028"`, `id: "A:ä"`,
	"language: x-private", "language: pt_BR", "language: i-klingon", "language: en-u-co-phonebk",
	"date: 1000-01-01T00:00:00+14:00", "date: 2999-12-31T23:59:59-12:00", "updated: 2036-01-01", "corrections: [{date: 2037-01-01, text: C}]",
	"event: {start: 2999-12-31T23:59:59-12:00, register: {url: https://<x>/}}", "status: withdrawn\nevent: {start: 2015-12-14}",
}

// FuzzItem: whatever item file has no error, its story's feeds, corrections and calendars are valid.
func FuzzItem(f *testing.F) {
	f.Add(everyField)
	for _, line := range append(strings.Split(everyField, "\n")[3:18], hostileLines...) {
		f.Add("---\ntitle: T\ndate: 2015-11-02\n" + line + "\n---\nText\n")
		if strings.HasPrefix(line, "date:") {
			f.Add("---\ntitle: T\n" + line + "\nevent: {start: 2015-12-14T12:45}\n---\nText\n")
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		it, problems := items.Parser{Location: location(t, "Europe/London"), Language: "en"}.Parse("items/x.md", []byte(text))
		if problems.HasErrors() {
			return
		}
		maker := items.Presenter{URL: site, Asset: beside,
			Story: func(string) (string, bool) { return "", false }, Page: func(string) (string, bool) { return "", false }}
		story := items.Story{ID: cmp.Or(it.ID, "tag:x.example,2015:x"), Slug: "x", Path: "x.md", Item: &it, Status: it.Status, Updated: november}
		article := maker.Article(story)
		entry := feed.Entry{Article: article, Content: string(maker.Body(story))}
		for _, list := range [][]feed.Entry{{entry}, feed.Corrections([]items.Article{article}, correctionWords)} {
			fd := newsFeed(list...)
			checkFeeds(t, fd)
		}
		if article.Event != nil {
			checkCalendars(t, newsFeed(entry))
		}
	})
}

// beside is any file beside an item.
func beside(_, src string) (items.Asset, bool) {
	file, err := items.LocalPath("x.md", src)
	return items.Asset{URL: site + (&url.URL{Path: "media/" + file}).EscapedPath(), Type: "image/jpeg", Size: 1}, err == nil
}

// checkFeeds reads what is written of a feed, with other people's code: every format says the same.
func checkFeeds(t *testing.T, f feed.Feed) {
	t.Helper()
	var said struct {
		Items []struct {
			ID, Title, Summary string
			Published          time.Time `json:"date_published"`
		}
	}
	if err := json.Unmarshal(write(t, feed.JSON, f), &said); err != nil {
		t.Fatal(err)
	}
	for _, m := range feed.Formats {
		data := write(t, m, f)
		if found := feed.Check(m, data); len(found) > 0 {
			t.Fatalf("%s: %v in\n%s", m.Name, found, data)
		}
		for _, r := range readers[:2] {
			if m.Name == feed.JSON.Name && !r.JSON {
				continue
			}
			got := r.Read(t, data)[0]
			if len(got) != len(f.Entries) {
				t.Fatalf("%s: %s shows %d of %d entries", m.Name, r.Name, len(got), len(f.Entries))
			}
			for i, want := range said.Items {
				same := sameID(got[i].ID, want.ID) && strings.TrimSpace(got[i].Title) == strings.TrimSpace(want.Title) && got[i].Published.Equal(want.Published)
				if !same || want.ID != f.Entries[i].ID {
					t.Fatalf("%s: %s shows %+q, want %+q", m.Name, r.Name, got[i], want)
				}
			}
		}
	}
}

// sameID allows an id that gofeed, which takes it for an address, wrote anew.
func sameID(got, want string) bool {
	u, err := url.Parse(want)
	return got == want || err == nil && got == u.String()
}

// checkCalendars reads a calendar, and the event to download, with go-ical and as the RFC has it.
func checkCalendars(t *testing.T, f feed.Feed) {
	t.Helper()
	e := f.Entries[0]
	var one bytes.Buffer
	if err := feed.WriteEvent(&one, e, calendar); err != nil {
		t.Fatal(err)
	}
	want := e.Event.Start.Time.UTC().Format(time.RFC3339)
	if e.Event.Start.Whole {
		want = e.Event.Start.Time.Format(time.DateOnly)
	}
	for _, data := range [][]byte{writeCalendar(t, f), one.Bytes()} {
		got, strict := testtool.GoICal(t, data), testtool.StrictEvents(t, data)
		if !reflect.DeepEqual(got, strict) {
			t.Fatalf("go-ical reads %+v, want %+v", got, strict)
		}
		if len(got) != 1 || got[0].UID != e.ID || got[0].Start != want || e.Withdrawn && got[0].Summary != "Story withdrawn" {
			t.Fatalf("got %+v, want one that starts at %s", got, want)
		}
	}
}

// FuzzOPML: any list of feeds can be imported.
func FuzzOPML(f *testing.F) {
	for _, h := range hostile {
		f.Add(h.text, h.text)
	}
	f.Add("Invalid \xff\xfe UTF-8", "\xc3")
	f.Add(" \r\n\t spaces\u00a0\u2028 ", "\r")
	f.Fuzz(func(t *testing.T, title, text string) {
		given := []feed.Outline{{Title: "T" + title, Description: text, URL: "https://news.example.org/" + url.PathEscape(strings.ToValidUTF8(text, "")), Home: site, Language: "fr"},
			{Title: "News", URL: site}}
		var b bytes.Buffer
		if err := feed.WriteOPML(&b, "L"+text, feed.Owner{Name: title}, given); err != nil {
			t.Fatal(err)
		}
		var got struct {
			Title    string `xml:"head>title"`
			Outlines []struct {
				Text  string `xml:"text,attr"`
				Title string `xml:"title,attr"`
				URL   string `xml:"xmlUrl,attr"`
			} `xml:"body>outline"`
		}
		if err := xml.Unmarshal(b.Bytes(), &got); err != nil {
			t.Fatalf("%v in\n%s", err, b.String())
		}
		want, _ := markup.CleanText(given[0].Title)
		if len(got.Outlines) != 2 || got.Outlines[0].Text != want || got.Outlines[0].Title != want || got.Outlines[0].URL != given[0].URL || got.Title == "" {
			t.Fatalf("got %+q, want %+q", got, given)
		}
	})
}

const site = "https://news.example.org/"

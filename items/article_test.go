package items_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"tidings/items"
)

var presenter = items.Presenter{
	URL:    "https://news.example.org/",
	Topics: map[string]string{"calais": "The camps"},
	Asset: func(item, src string) (items.Asset, bool) {
		if src == "gone.png" || strings.HasPrefix(src, "../") {
			return items.Asset{}, false
		}
		return items.Asset{URL: "https://news.example.org/media/" + item + "/" + src, Type: "image/png", Size: 7, Width: 30, Height: 20}, !strings.Contains(src, "#")
	},
	Story: func(slug string) (string, bool) { return "The story " + slug, slug == "other" },
}

// article presents a story at 2015/a.md.
func article(t *testing.T, text string) items.Article {
	t.Helper()
	it, probs := items.Parser{Location: london, Language: "en"}.Parse("2015/a.md", []byte(text))
	if probs.HasErrors() {
		t.Fatal(probs)
	}
	s := items.Story{ID: "tag:news.example.org,2015:x", Slug: "a", Path: "2015/a.md", Item: &it, Status: it.Status,
		Updated: time.Date(2016, 1, 1, 10, 0, 0, 5, time.UTC)}
	a := presenter.Article(s)
	a.Body = presenter.Body(s)
	return a
}

const full = `---
title: A title
date: 2015-12-21
updated: 2015-12-22T10:00
publish_at: 2015-12-21T12:00
summary: A summary.
kicker: Press release
place: London
topics: [Calais, Free topic]
language: ar
authors: [{name: Amanda Nero, role: Photojournalist, organisation: IOM, url: https://example.org/a}]
contacts: [{role: Press office, phone: "1", email: press@example.org, for: interviews}]
image: {src: top.png, alt: A tent, credit: IOM, caption: The camp}
images: [{src: gone.png, alt: x}, {src: "https://example.org/b.jpg?size=2", alt: ""}]
attachments: [{src: docs/plan.pdf, language: fr}, {src: gone.png}, {src: x.pdf, title: The plan}]
source: {title: IOM Blog, url: https://example.org/blog}
related: [other, missing, {title: Elsewhere, url: https://example.org/}, https://example.org/bare]
link: https://example.org/story
event: {start: 2016-01-01, venue: Hall}
rights: © IOM 2015
corrections: [{date: 2015-12-24, text: Mended.}]
---
First paragraph.

![x](in.png) ![y](gone.png) [a file](plan.pdf) [a page](../other/) [here](#top) [mail](mailto:a@example.org) [web](https://example.org/) [bad](javascript:x)[^1]

[^1]: A note.
`

func TestArticle(t *testing.T) {
	got := article(t, full)
	media := "https://news.example.org/media/2015/a.md/"
	want := items.Article{
		ID: "tag:news.example.org,2015:x", Slug: "a", URL: "https://news.example.org/news/a/", Link: "https://example.org/story",
		Language: "ar", Dir: "rtl", Title: "A title", Kicker: "Press release", Place: "London", Summary: "A summary.",
		Published: time.Date(2015, 12, 21, 12, 0, 0, 0, london), // the embargo, which is later than the date
		Updated:   time.Date(2015, 12, 24, 0, 0, 0, 0, london),  // the correction, which is the last change
		Authors:   []items.Person{{Name: "Amanda Nero", Role: "Photojournalist", Organisation: "IOM", URL: "https://example.org/a"}},
		Contacts:  []items.Contact{{Role: "Press office", Phone: "1", Email: "press@example.org", For: "interviews"}},
		Topics:    []items.Topic{{Slug: "calais", Title: "The camps"}, {Slug: "free-topic", Title: "free-topic"}},
		Image:     &items.Picture{URL: media + "top.png", Type: "image/png", Size: 7, Width: 30, Height: 20, Alt: "A tent", Credit: "IOM", Caption: "The camp"},
		Images:    []items.Picture{{URL: "https://example.org/b.jpg?size=2", Type: "image/jpeg"}},
		Attachments: []items.Document{{URL: media + "docs/plan.pdf", Title: "plan.pdf", Language: "fr", Type: "image/png", Size: 7},
			{URL: media + "x.pdf", Title: "The plan", Type: "image/png", Size: 7}},
		Source: &items.Source{Title: "IOM Blog", URL: "https://example.org/blog"},
		Related: []items.Reference{{Title: "The story other", URL: "https://news.example.org/news/other/"},
			{Title: "Elsewhere", URL: "https://example.org/"}, {Title: "https://example.org/bare", URL: "https://example.org/bare"}},
		Event: got.Event, Corrections: got.Corrections, Rights: "© IOM 2015", Body: got.Body,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got.Event == nil || got.Event.Venue != "Hall" || len(got.Corrections) != 1 || got.Corrections[0].Text != "Mended." {
		t.Errorf("event %+v, corrections %+v", got.Event, got.Corrections)
	}
	body := string(got.Body)
	for i, want := range []string{
		"First paragraph.",
		`src="` + media + `in.png"`,
		`href="` + media + `plan.pdf"`,
		`href="https://news.example.org/news/other/"`, // seen from the story's page
		"here", // there is no such place on the page
		`href="https://news.example.org/news/a/#a-fn:1"`,
		`href="mailto:a@example.org"`,
		`href="https://example.org/"`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("%d: the body lacks %s:\n%s", i+1, want, body)
		}
	}
	if strings.Contains(body, "gone") || strings.Contains(body, "javascript") || strings.Contains(body, "#top") {
		t.Errorf("the body shows what must not be: %s", body)
	}
}

// TestSummary: without one of its own a story is summed up by its first paragraph, as plain text, and not without end.
func TestSummary(t *testing.T) {
	if got := article(t, item("A", "")+"\nMore.\n").Summary; got != "The story of A." {
		t.Errorf("got %q", got)
	}
	got := article(t, item("A", "")+strings.Repeat("*and* on ", 100)).Summary
	if n := len([]rune(got)); n < 200 || n > 301 || strings.Contains(got, "*") {
		t.Errorf("%d characters: %s", n, got)
	}
}

// TestWithdrawnArticle: of a story that was taken back nothing is left but what says which it was.
func TestWithdrawnArticle(t *testing.T) {
	got := article(t, strings.Replace(full, "---\n", "---\nstatus: withdrawn\n", 1))
	want := items.Article{
		ID: "tag:news.example.org,2015:x", Slug: "a", URL: "https://news.example.org/news/a/", Language: "ar", Dir: "rtl", Title: "A title",
		Published: time.Date(2015, 12, 21, 12, 0, 0, 0, london), Withdrawn: true,
		Updated: time.Date(2016, 1, 1, 10, 0, 0, 0, london), // when it was taken back, to the second
		Topics:  []items.Topic{{Slug: "calais", Title: "The camps"}, {Slug: "free-topic", Title: "free-topic"}},
		Event:   &items.Event{Start: got.Event.Start, End: got.Event.End}, // for the calendars of those who have it
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// TestArticleJSON: issues are frozen as JSON, so what is read back must be the same.
func TestArticleJSON(t *testing.T) {
	a := article(t, full)
	data, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	var back items.Article
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(back)
	if err != nil || len(again) < 1000 {
		t.Errorf("%s: %v", again, err)
	}
}

func TestSlugify(t *testing.T) {
	for i, tt := range []struct{ text, want string }{
		{"Été à Calais", "ete-a-calais"},
		{"  --A, B & C!-- ", "a-b-c"},
		{"Straße № 5", "strasse-5"},
		{"难民", ""},
		{strings.Repeat("a", 100), strings.Repeat("a", 80)},
		{strings.Repeat("ab ", 50), strings.TrimRight(strings.Repeat("ab-", 27), "-")},
	} {
		if got := items.Slugify(tt.text); got != tt.want {
			t.Errorf("%d %q: got %q, want %q", i+1, tt.text, got, tt.want)
		}
	}
}

// TestOrders: newest first, and topics as people look for them.
func TestOrders(t *testing.T) {
	day := func(d int) time.Time { return time.Date(2015, 12, d, 0, 0, 0, 0, time.UTC) }
	list := []items.Article{{ID: "c", Published: day(1)}, {ID: "b", Published: day(2)}, {ID: "a", Published: day(1)}}
	slices.SortFunc(list, func(a, b items.Article) int { return items.NewestFirst(&a, &b) })
	if got := list[0].ID + list[1].ID + list[2].ID; got != "bac" {
		t.Error(got)
	}
	topics := []items.Topic{{Slug: "z", Title: "same"}, {Slug: "b", Title: "Zebra"}, {Slug: "a", Title: "same"}, {Slug: "c", Title: "apple"}}
	slices.SortFunc(topics, items.ByTitle)
	if got := topics[0].Slug + topics[1].Slug + topics[2].Slug + topics[3].Slug; got != "cazb" {
		t.Error(got)
	}
}

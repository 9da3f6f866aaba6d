package templates_test

import (
	"html/template"
	"io"
	"strings"
	"testing"
	"time"

	"tidings/items"
	"tidings/templates"
)

// everyday is a story as most are: 2 kB of text, a byline, two topics.
func everyday() items.Article {
	at := time.Date(2015, 11, 2, 9, 0, 0, 0, time.UTC)
	return items.Article{ID: "tag:example.org,2015:3", Slug: "everyday", URL: "https://news.example.org/news/everyday/", Language: "en", Dir: "ltr",
		Title: "A story as most are", Summary: "What the story says in a sentence.", Published: at, Updated: at, Place: "London",
		Authors: []items.Person{{Name: "Amanda Nero", Role: "Photojournalist"}},
		Topics:  []items.Topic{{Slug: "migration", Title: "Migration"}, {Slug: "health", Title: "Health"}},
		Body:    template.HTML(strings.Repeat("<p>Ten words of a text that is neither short nor long, with a <a href=\"https://example.org/\">link</a>.</p>\n", 20))}
}

func benchmark(b *testing.B, name string, view any) {
	set, err := templates.Load("")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := set.Execute(io.Discard, name, view); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkStory makes a story's page, as a publish makes thousands of them.
func BenchmarkStory(b *testing.B) {
	site := templates.SampleSite()
	site.Parts = new(templates.Parts)
	for name, a := range map[string]items.Article{"everyday": everyday(), "everything": templates.SampleArticle()} {
		b.Run(name, func(b *testing.B) { benchmark(b, "story.html", templates.Story{Site: site, Article: a}) })
	}
}

// BenchmarkEntry makes what feeds carry of a story.
func BenchmarkEntry(b *testing.B) {
	for name, a := range map[string]items.Article{"everyday": everyday(), "everything": templates.SampleArticle()} {
		b.Run(name, func(b *testing.B) {
			benchmark(b, "entry.html", templates.Entry{Locale: templates.LocaleFor("en"), Article: a})
		})
	}
}

package templates_test

import (
	"strings"
	"testing"

	"tidings/items"
	"tidings/templates"
)

// TestFeedPage: people who never used a feed reader learn what to do.
func TestFeedPage(t *testing.T) {
	site, a := templates.SampleSite(), templates.SampleArticle()
	withdrawn := everyday()
	withdrawn.Title, withdrawn.Withdrawn = "A secret title", true
	page := func(name string, fill func(*templates.FeedPage)) string {
		f := templates.FeedPage{Site: site, Feed: *site.Feed(name)}
		fill(&f)
		return render(t, nil, "feed.html", f)
	}
	none := func(*templates.FeedPage) {}
	stories := func(f *templates.FeedPage) { f.Articles = []items.Article{a, withdrawn} }
	changes := func(f *templates.FeedPage) {
		f.Changes = []templates.Change{{Locale: site.Locale, Article: a, Date: a.Updated, Text: "The figure for 2014 was wrong."},
			{Locale: site.Locale, Article: withdrawn, Date: a.Updated}}
	}
	french := func(f *templates.FeedPage) { f.Locale = templates.LocaleFor("fr") }
	tests := []struct {
		why, page, want string
		absent          bool
	}{
		{"1 what a feed is", page("news", none), "A feed is an address that you copy into a feed reader app.", false},
		{"2 what this one is", page("news", none), "Every new story of Example News, whatever it is about.", false},
		{"3 of a topic", page("topics/migration", none), "on this topic", false},
		{"4 of a language", page("languages/fr", none), "in this language", false},
		{"5 of an author", page("authors/amanda-nero", none), "by this author", false},
		{"6 of events", page("events", none), "every change of time or place", false},
		{"7 of corrections: why", page("corrections", none), "Most feed readers show a story only once", false},
		{"8 the address, to be copied whole", page("news", none), `<code class="address" dir="ltr">https://news.example.org/feeds/news.rss</code>`, false},
		{"9 some readers", page("news", none), "NetNewsWire", false},
		{"10 the other formats", page("news", none), `href="https://news.example.org/feeds/news.json"`, false},
		{"11 the newest stories", page("news", stories), ">A story with everything <small", false},
		{"12 but nothing of what was withdrawn", page("news", stories), "A secret title", true},
		{"13 an empty feed says so", page("news", none), "There is nothing here yet.", false},
		{"14 the calendar by one click", page("events", none), `<a href="webcal://news.example.org/feeds/events.ics">`, false},
		{"15 and by its address", page("events", none), `>https://news.example.org/feeds/events.ics</code>`, false},
		{"16 other feeds have none", page("news", none), "webcal:", true},
		{"17 no address that browsers do not know", page("news", none), "feed:", true},
		{"18 what was put right", page("corrections", changes), "The figure for 2014 was wrong.", false},
		{"19 what was withdrawn", page("corrections", changes), "Story withdrawn", false},
		{"20 without a word of it", page("corrections", changes), "A secret title", true},
		{"21 in the page's language", page("news", french), "Comment s’abonner", false},
		{"22 the way to all feeds", page("news", none), `<a href="https://news.example.org/feeds/">All feeds</a>`, false},
	}
	for _, test := range tests {
		if got := strings.Contains(test.page, test.want); got == test.absent {
			t.Errorf("%s: %s is there: %v", test.why, test.want, got)
		}
	}
}

// TestFeedList: all feeds in groups, and other ways to follow the news.
func TestFeedList(t *testing.T) {
	site := templates.SampleSite()
	page := render(t, nil, "feeds.html", templates.FeedList{Site: site, OPML: site.URL + "feeds.opml"})
	rest := page
	for _, want := range []string{`<link rel="canonical" href="https://news.example.org/feeds/">`, `href="https://news.example.org/feeds/" aria-current="page"`,
		`href="https://news.example.org/feeds/news/"`, `href="https://news.example.org/feeds/events/"`, `href="https://news.example.org/feeds/corrections/"`,
		"By topic", `href="https://news.example.org/feeds/topics/migration/"`, `href="https://news.example.org/feeds/topics/health/"`,
		"By language", "Français", "By author", "Amanda Nero", "By email", "In your calendar", `href="https://news.example.org/feeds.opml"`} {
		_, after, ok := strings.Cut(rest, want)
		if !ok {
			t.Errorf("%s is missing, or not in its place", want)
			continue
		}
		rest = after
	}
	site.Newsletters, site.Feeds = nil, site.Feeds[:1]
	page = render(t, nil, "feeds.html", templates.FeedList{Site: site})
	for _, absent := range []string{"By topic", "By email", "In your calendar", "feeds.opml"} {
		if strings.Contains(page, absent) {
			t.Errorf("a site of one feed speaks of %q", absent)
		}
	}
}

// TestChangeTitle: what the feed of corrections calls its entries.
func TestChangeTitle(t *testing.T) {
	a := templates.SampleArticle()
	withdrawn := a
	withdrawn.Withdrawn = true
	german := templates.LocaleFor("de")
	tests := []struct {
		why    string
		change templates.Change
		want   string
	}{
		{"1 a correction names its story", templates.Change{Locale: german, Article: a, Text: "Falsch."}, "Korrektur: A story with everything"},
		{"2 a withdrawal does not", templates.Change{Locale: german, Article: a}, "Beitrag zurückgezogen"},
		{"3 nor does an old correction of what is withdrawn now", templates.Change{Locale: german, Article: withdrawn, Text: "Falsch."}, "Beitrag zurückgezogen"},
	}
	for _, test := range tests {
		if got := test.change.Title(); got != test.want {
			t.Errorf("%s: got %q, want %q", test.why, got, test.want)
		}
	}
}

// TestNotices: what stands at an address that has nothing, or nothing any more, in every language.
func TestNotices(t *testing.T) {
	site := templates.SampleSite()
	for lang := range templates.Words() {
		site.Locale = templates.LocaleFor(lang)
		missing, gone := render(t, nil, "notice.html", templates.NotFound(site)), render(t, nil, "notice.html", templates.Gone(site))
		for _, page := range []string{missing, gone} {
			if !strings.Contains(page, `href="https://news.example.org/news/"`) || !strings.Contains(page, "noindex") {
				t.Errorf("%s: no way on, or no word to search engines:\n%s", lang, page)
			}
		}
		if missing == gone {
			t.Errorf("%s: what is gone reads like what was never there", lang)
		}
	}
}

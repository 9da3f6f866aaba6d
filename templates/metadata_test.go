package templates_test

import (
	"encoding/json"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"tidings/items"
	"tidings/templates"
)

// headOf is what stands in a page's head.
func headOf(page string) string {
	head, _, _ := strings.Cut(page, "</head>")
	return head
}

// TestMetadata: what programs read of a page.
func TestMetadata(t *testing.T) {
	site, a := templates.SampleSite(), templates.SampleArticle()
	bare := everyday()
	bare.Translations = nil
	british := bare
	british.Language = "en-GB"
	withdrawn := a
	withdrawn.Withdrawn = true
	story := func(a items.Article) string {
		return headOf(render(t, nil, "story.html", templates.Story{Site: site, Article: a}))
	}
	index := headOf(render(t, nil, "index.html", templates.Index{Site: site, Articles: []items.Article{withdrawn, bare, a}}))
	feed := headOf(render(t, nil, "feed.html", templates.FeedPage{Site: site, Feed: *site.Feed("topics/migration")}))
	gone := headOf(render(t, nil, "notice.html", templates.Gone(site)))
	tests := []struct {
		why, head, want string
		absent          bool
	}{
		{"1 a story has one address", story(a), `<link rel="canonical" href="https://news.example.org/news/story/">`, false},
		{"2 and is an article", story(a), `<meta property="og:type" content="article">`, false},
		{"3 of a day", story(a), `<meta property="article:published_time" content="2015-11-02T09:00:00Z">`, false},
		{"4 with a picture that says what it shows", story(a), `<meta property="og:image:alt" content="A camp at dawn">`, false},
		{"5 and how large it is", story(a), `<meta property="og:image:width" content="1600">`, false},
		{"6 shown large", story(a), `<meta name="twitter:card" content="summary_large_image">`, false},
		{"7 or small where there is none", story(bare), `<meta name="twitter:card" content="summary">`, false},
		{"8 in a language", story(a), `<meta property="og:locale" content="en_US">`, false},
		{"9 as it is spoken somewhere", story(british), `<meta property="og:locale" content="en_GB">`, false},
		{"10 and in others", story(a), `<meta property="og:locale:alternate" content="fr_FR">`, false},
		{"11 which search engines find", story(a), `<link rel="alternate" hreflang="fr" href="https://news.example.org/news/story-fr/">`, false},
		{"12 each of which names itself too", story(a), `<link rel="alternate" hreflang="en" href="https://news.example.org/news/story/">`, false},
		{"13 no translation, no list", story(bare), `hreflang=`, true},
		{"14 an event announces its calendar entry", story(a), `<link rel="alternate" type="text/calendar" href="https://news.example.org/news/story/event.ics">`, false},
		{"15 and the feed of events", story(a), `href="https://news.example.org/feeds/events.atom"`, false},
		{"16 other stories do not", story(bare), `events.`, true},
		{"17 a story announces all news, and not the feeds of others", story(bare), `languages/fr.rss`, true},
		{"18 the index is no article", index, `<meta property="og:type" content="website">`, false},
		{"19 its picture is the newest that shows", index, `<meta property="og:image" content="https://news.example.org/media/a.jpg">`, false},
		{"20 it announces the feed of corrections", index, `href="https://news.example.org/feeds/corrections.rss"`, false},
		{"21 but not those of authors, who may be many", index, `feeds/authors`, true},
		{"22 a feed's page announces that feed", feed, `title="Migration (Atom)" href="https://news.example.org/feeds/topics/migration.atom"`, false},
		{"23 and has an address", feed, `<link rel="canonical" href="https://news.example.org/feeds/topics/migration/">`, false},
		{"24 and no other topic's", feed, `topics/health`, true},
		{"25 a page that is gone is kept out of search engines", gone, `<meta name="robots" content="noindex">`, false},
		{"26 and has no address", gone, `og:url`, true},
		{"27 a withdrawn story says nothing", story(withdrawn), `everything`, true},
	}
	for _, test := range tests {
		if got := strings.Contains(test.head, test.want); got == test.absent {
			t.Errorf("%s: %s is there: %v", test.why, test.want, got)
		}
	}
}

var dataElement = regexp.MustCompile(`(?s)<script type="application/ld\+json">(.*?)</script>`)

// linkedData is what a story's page tells search engines, by type.
func linkedData(t *testing.T, a items.Article) map[string]map[string]any {
	t.Helper()
	found := map[string]map[string]any{}
	for _, m := range dataElement.FindAllStringSubmatch(render(t, nil, "story.html", templates.Story{Site: templates.SampleSite(), Article: a}), -1) {
		var data map[string]any
		if err := json.Unmarshal([]byte(m[1]), &data); err != nil || data["@context"] != "https://schema.org" {
			t.Fatalf("%v: %s", err, m[1])
		}
		found[data["@type"].(string)] = data
	}
	return found
}

// TestNewsArticle: schema.org's NewsArticle.
func TestNewsArticle(t *testing.T) {
	a := templates.SampleArticle()
	bare := everyday()
	bare.Authors = nil
	original := a
	original.Translations = []items.Translation{{Language: "fr", Title: "Une histoire", URL: "https://news.example.org/news/story-fr/"}}
	type object = map[string]any
	publisher := object{"@type": "Organization", "name": "Example", "url": "https://news.example.org/"}
	tests := []struct {
		why     string
		article items.Article
		key     string
		want    any
	}{
		{"1 the headline", a, "headline", "A story with everything"},
		{"2 its page", a, "mainEntityOfPage", "https://news.example.org/news/story/"},
		{"3 when it was published", a, "datePublished", "2015-11-02T09:00:00Z"},
		{"4 and changed", a, "dateModified", "2015-11-04T09:00:00Z"},
		{"5 who wrote it", a, "author", []any{object{"@type": "Person", "name": "Amanda Nero", "jobTitle": "Photojournalist", "url": "https://example.com/nero",
			"affiliation": object{"@type": "Organization", "name": "Example"}}, object{"@type": "Person", "name": "B. Second"}}},
		{"6 without a byline, who publishes it", bare, "author", []any{publisher}},
		{"7 who publishes it", a, "publisher", publisher},
		{"8 its language", a, "inLanguage", "en"},
		{"9 its topics", a, "articleSection", []any{"Migration", "Health"}},
		{"10 where it was published first", a, "isBasedOn", object{"@type": "CreativeWork", "name": "Example Blog", "url": "https://blog.example.org/story"}},
		{"11 where it lives", a, "sameAs", "https://www.example.com/story"},
		{"12 what it was translated from", a, "translationOfWork", object{"@type": "NewsArticle", "name": "قصة كاملة", "url": "https://news.example.org/news/story-ar/", "inLanguage": "ar"}},
		{"13 a translation does not list others", a, "workTranslation", nil},
		{"14 the original does", original, "workTranslation", []any{object{"@type": "NewsArticle", "name": "Une histoire", "url": "https://news.example.org/news/story-fr/", "inLanguage": "fr"}}},
		{"15 what was put right", a, "correction", []any{object{"@type": "CorrectionComment", "datePublished": "2015-11-02", "text": "The figure for 2014 was wrong."}}},
		{"16 the dateline", a, "dateline", "London"},
		{"17 whose it is", a, "copyrightNotice", "© Example 2015"},
		{"18 no pictures, no key", bare, "image", nil},
	}
	for _, test := range tests {
		if got := linkedData(t, test.article)["NewsArticle"][test.key]; !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %s is %v, want %v", test.why, test.key, got, test.want)
		}
	}
	image := linkedData(t, a)["NewsArticle"]["image"].([]any)[0].(object)
	if image["url"] != "https://news.example.org/media/a.jpg" || image["creditText"] != "A. Nero" || image["width"] != 1600.0 {
		t.Errorf("the picture is %v", image)
	}
}

// TestEventData: schema.org's Event.
func TestEventData(t *testing.T) {
	day := func(d int) items.When {
		return items.When{Time: time.Date(2015, 12, d, 0, 0, 0, 0, time.UTC), Whole: true}
	}
	register := any(map[string]any{"@type": "Offer", "url": "https://example.com/register"})
	tests := []struct {
		why    string
		change func(*items.Event)
		key    string
		want   any
	}{
		{"1 begins", func(*items.Event) {}, "startDate", "2015-12-14T12:45:00Z"},
		{"2 ends", func(*items.Event) {}, "endDate", "2015-12-14T16:45:00Z"},
		{"3 a whole day has no time", func(e *items.Event) { e.Start, e.End = day(14), items.When{} }, "startDate", "2015-12-14"},
		{"4 and need not end", func(e *items.Event) { e.Start, e.End = day(14), items.When{} }, "endDate", nil},
		{"5 the last of several days", func(e *items.Event) { e.Start, e.End = day(14), day(16) }, "endDate", "2015-12-16"},
		{"6 nothing said: it takes place", func(e *items.Event) { e.Status = "" }, "eventStatus", "https://schema.org/EventScheduled"},
		{"7 cancelled", func(e *items.Event) { e.Status = items.Cancelled }, "eventStatus", "https://schema.org/EventCancelled"},
		{"8 postponed", func(*items.Event) {}, "eventStatus", "https://schema.org/EventPostponed"},
		{"9 moved", func(e *items.Event) { e.Status = items.Moved }, "eventStatus", "https://schema.org/EventRescheduled"},
		{"10 from when is not known", func(e *items.Event) { e.Status = items.Moved }, "previousStartDate", nil},
		{"11 where", func(*items.Event) {}, "location", map[string]any{"@type": "Place", "name": "Kohn Centre, Royal Society", "address": "6 Carlton House Terrace, London"}},
		{"12 nowhere yet", func(e *items.Event) { e.Room, e.Venue, e.Address = "", "", "" }, "location", nil},
		{"13 where to register", func(*items.Event) {}, "offers", register},
		{"14 not for what is cancelled", func(e *items.Event) { e.Status = items.Cancelled }, "offers", nil},
		{"15 or where one cannot", func(e *items.Event) { e.Register = nil }, "offers", nil},
		{"16 who invites", func(*items.Event) {}, "organizer", map[string]any{"@type": "Organization", "name": "Example", "url": "https://news.example.org/"}},
		{"17 to what", func(*items.Event) {}, "name", "A story with everything"},
	}
	for _, test := range tests {
		a := templates.SampleArticle()
		test.change(a.Event)
		if got := linkedData(t, a)["Event"][test.key]; !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %s is %v, want %v", test.why, test.key, got, test.want)
		}
	}
	if _, ok := linkedData(t, everyday())["Event"]; ok {
		t.Error("a story that announces nothing is an event")
	}
}

// TestLinkedDataIsData: no text of a story ends the element that holds the data, and a withdrawn story has none.
func TestLinkedDataIsData(t *testing.T) {
	a := templates.SampleArticle()
	a.Title = `</script><script>alert(1)</script><!-- "` + "\u2028"
	page := render(t, nil, "story.html", templates.Story{Site: templates.SampleSite(), Article: a})
	if got := strings.Count(page, "<script"); got != 2 {
		t.Errorf("%d script elements", got)
	}
	if got := linkedData(t, a)["NewsArticle"]["headline"]; got != a.Title {
		t.Errorf("the headline became %q", got)
	}
	a.Withdrawn = true
	if got := linkedData(t, a); len(got) > 0 {
		t.Errorf("a withdrawn story says %v", got)
	}
}

// TestParts: what is kept of a site's pages changes nothing of them, whatever the page and its language.
func TestParts(t *testing.T) {
	set, err := templates.Load("")
	if err != nil {
		t.Fatal(err)
	}
	kept := templates.SampleSite()
	kept.Parts = new(templates.Parts)
	german, french := everyday(), everyday()
	german.Language, french.Language = "de", "fr"
	french.Topics = french.Topics[:1]
	for range 2 { // the second time with all parts kept
		for _, lang := range []string{"en", "de"} {
			kept.Locale = templates.LocaleFor(lang)
			fresh := kept
			fresh.Parts = nil
			views := func(s templates.Site) map[string]any {
				return map[string]any{
					"index.html": templates.Index{Site: s, Articles: []items.Article{templates.SampleArticle(), german, french}},
					"story.html": templates.Story{Site: s, Article: german}, "feeds.html": templates.FeedList{Site: s},
					"list.html": templates.List{Site: s, URL: s.URL + "news/"}, "notice.html": templates.Gone(s),
				}
			}
			for name, view := range views(kept) {
				var got, want strings.Builder
				if err := set.Execute(&got, name, view); err != nil {
					t.Fatal(err)
				}
				if err := set.Execute(&want, name, views(fresh)[name]); err != nil {
					t.Fatal(err)
				}
				if got.String() != want.String() {
					t.Errorf("%s in %s with parts:\n%s\nwithout:\n%s", name, lang, got.String(), want.String())
				}
			}
		}
	}
}

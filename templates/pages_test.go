package templates_test

import (
	"encoding/json"
	"fmt"
	"html/template"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"tidings/items"
	"tidings/templates"
)

var void = []string{"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}

// malformed tells what is wrong with the nesting, the ids and the attributes of HTML, "" if nothing is.
func malformed(page string) string {
	var open []string
	ids := map[string]bool{}
	for z := html.NewTokenizer(strings.NewReader(page)); ; {
		kind := z.Next()
		tok := z.Token()
		switch {
		case kind == html.ErrorToken && len(open) > 0:
			return "not closed: " + strings.Join(open, " ")
		case kind == html.ErrorToken:
			return ""
		case kind == html.StartTagToken:
			if wrong := wrongAttributes(tok, ids); wrong != "" {
				return wrong
			}
			if !slices.Contains(void, tok.Data) {
				open = append(open, tok.Data)
			}
		case kind == html.EndTagToken && (len(open) == 0 || open[len(open)-1] != tok.Data):
			return fmt.Sprintf("</%s> within %v", tok.Data, open)
		case kind == html.EndTagToken:
			open = open[:len(open)-1]
		}
	}
}

func wrongAttributes(tok html.Token, ids map[string]bool) string {
	seen := map[string]bool{}
	for _, a := range tok.Attr {
		if seen[a.Key] {
			return fmt.Sprintf("%s twice in %s", a.Key, tok)
		}
		seen[a.Key] = true
		if a.Key == "id" && ids[a.Val] {
			return "id twice: " + a.Val
		}
		if a.Key == "id" {
			ids[a.Val] = true
		}
	}
	if tok.Data == "img" && !seen["alt"] {
		return "no alt: " + tok.String()
	}
	return ""
}

func TestWellFormed(t *testing.T) {
	n := 0
	for i, s := range templates.Samples() {
		if strings.HasSuffix(s.Template, ".txt") {
			continue
		}
		n++
		page := render(t, nil, s.Template, s.View)
		if wrong := malformed(page); wrong != "" {
			t.Errorf("view %d, %s: %s", i, s.Template, wrong)
		}
		if s.Template == "entry.html" || s.Template == "digest.html" {
			continue
		}
		for _, want := range []string{`<html lang="en" dir="ltr">`, `<meta name="viewport"`, `href="https://news.example.org/style.css"`,
			`class="skip" href="#main"`, `<main id="main">`, `type="application/rss+xml"`, `type="application/atom+xml"`, `type="application/feed+json"`} {
			if !strings.Contains(page, want) {
				t.Errorf("view %d, %s: no %s", i, s.Template, want)
			}
		}
		if got := strings.Count(page, "<h1"); got != 1 {
			t.Errorf("view %d, %s: %d h1", i, s.Template, got)
		}
	}
	if n == 0 {
		t.Error("no pages")
	}
}

// fill puts s into every string below v, address into those that hold addresses. Languages, locales and clean HTML stay.
func fill(v reflect.Value, name, s, address string) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && f.Type != reflect.TypeFor[*templates.Locale]() && f.Type != reflect.TypeFor[template.HTML]() {
				fill(v.Field(i), f.Name, s, address)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			fill(v.Index(i), name, s, address)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			fill(v.Elem(), name, s, address)
		}
	case reflect.String:
		isAddress := strings.HasSuffix(name, "URL") || slices.Contains([]string{"Link", "Page", "RSS", "Atom", "JSON", "Calendar", "OPML", "Action"}, name)
		switch {
		case isAddress:
			v.SetString(address)
		case !slices.Contains([]string{"Language", "Dir", "State", "Status"}, name):
			v.SetString(s)
		}
	}
}

func TestHostileText(t *testing.T) {
	const text, address = `<script>alert(1)</script>"><img src=x onerror=alert(1)>' onload='`, "javascript:alert(1)"
	for i, s := range templates.Samples() {
		if strings.HasSuffix(s.Template, ".txt") {
			continue
		}
		v := reflect.New(reflect.TypeOf(s.View)).Elem()
		v.Set(reflect.ValueOf(s.View))
		fill(v, "", text, address)
		page := render(t, nil, s.Template, v.Interface())
		if wrong := malformed(page); wrong != "" {
			t.Errorf("view %d, %s: %s", i, s.Template, wrong)
		}
		doc, err := html.Parse(strings.NewReader(page))
		if err != nil {
			t.Fatal(err)
		}
		for n := range doc.Descendants() {
			if n.Data == "script" && !isData(n) {
				t.Errorf("view %d, %s: a script", i, s.Template)
			}
			for _, a := range n.Attr {
				if strings.HasPrefix(a.Key, "on") || strings.HasPrefix(a.Val, "javascript:") && a.Key != "content" {
					t.Errorf("view %d, %s: %s=%q", i, s.Template, a.Key, a.Val)
				}
			}
		}
	}
}

// isData tells of a script element whether it is one that no browser runs, with well-formed JSON in it.
func isData(n *html.Node) bool {
	return len(n.Attr) == 1 && n.Attr[0].Val == "application/ld+json" && n.FirstChild != nil && json.Valid([]byte(n.FirstChild.Data))
}

func TestStoryShowsAll(t *testing.T) {
	a := templates.SampleArticle()
	facts := []string{
		`alt="A camp at dawn"`, "The camp in November.", "<small>A. Nero</small>", "https://news.example.org/media/b.jpg", "<p>The story.</p>",
		`href="https://www.example.com/story"`, "This story is published on example.com.",
		"Monday 14 December 2015, 12:45–16:45", "Kohn Centre, Royal Society, 6 Carlton House Terrace, London", `href="https://example.com/register"`, "Register: Eventbrite", "Postponed",
		`href="https://news.example.org/media/plan.pdf"`, "French, PDF, 312\u00a0kB",
		"Carl Desk", "Press officer, Example", "For interviews and images", `href="tel:&#43;442070000000"`, `href="mailto:press@example.org"`, "Press desk",
		"This event will not take place as first announced.", `href="https://news.example.org/news/story/event.ics"`,
		"Also in", `<a href="https://news.example.org/news/story-fr/" hreflang="fr" lang="fr">Français</a>`, ">العربية</a>",
		`<a href="https://news.example.org/media/a-full.jpg">Full size</a> <small>4800 × 2700, 4.2 MB</small>`,
		"<time dir=\"auto\" datetime=\"2015-11-02\">2 November 2015</time>: The figure for 2014 was wrong.",
		"First published in", "Example Blog", "Another story", "The figure for 2014 was wrong.", "© Example 2015",
	}
	entry := render(t, nil, "entry.html", templates.Entry{Locale: templates.LocaleFor("en"), Article: a})
	page := render(t, nil, "story.html", templates.Story{Site: templates.SampleSite(), Article: a})
	for _, fact := range facts {
		if !strings.Contains(entry, fact) {
			t.Errorf("the entry lacks %q", fact)
		}
		if !strings.Contains(page, fact) {
			t.Errorf("the page lacks %q", fact)
		}
	}
	for _, fact := range []string{"<h1>A story with everything</h1>", "Press release", "What the story says in a sentence.", "Amanda Nero</a>, Photojournalist, Example",
		"Updated 4 November 2015", "London", `<a href="https://news.example.org/feeds/events/">All events</a>`, `<li><a href="https://news.example.org/topics/migration/">Migration</a></li>`, `<link rel="canonical" href="https://news.example.org/news/story/">`, `property="og:image"`} {
		if !strings.Contains(page, fact) {
			t.Errorf("the page lacks %q", fact)
		}
	}
	if m := regexp.MustCompile(`class=|style=|<script|<style|A story with everything`).FindString(entry); m != "" {
		t.Errorf("the entry holds %q", m)
	}
}

// TestEventStates: nobody goes to what does not take place.
func TestEventStates(t *testing.T) {
	tests := []struct {
		why          string
		status       items.EventStatus
		want, absent string
	}{
		{"1 nothing said: it takes place", "", "Register: Eventbrite", "<strong>"},
		{"2 cancelled: struck out", items.Cancelled, "<s>Monday 14 December 2015, 12:45–16:45</s>", "Register"},
		{"3 postponed", items.Postponed, "This event will not take place as first announced.", "<s>"},
		{"4 moved", items.Moved, "Time or place has changed. These are the new details.", "<s>"},
	}
	for _, test := range tests {
		a := templates.SampleArticle()
		a.Event.Status, a.Link = test.status, ""
		_, entry, _ := strings.Cut(render(t, nil, "entry.html", templates.Entry{Locale: templates.LocaleFor("en"), Article: a}), "<aside>")
		event, _, _ := strings.Cut(entry, "</aside>")
		if !strings.Contains(event, test.want) || strings.Contains(event, test.absent) || !strings.Contains(event, "event.ics") {
			t.Errorf("%s: want %q and no %q in\n%s", test.why, test.want, test.absent, event)
		}
	}
}

// TestChanged: the date of a change says whether something was put right.
func TestChanged(t *testing.T) {
	a := everyday()
	a.Updated = a.Published.AddDate(0, 0, 2)
	corrected, unchanged := a, everyday()
	corrected.Corrections = []items.Correction{{Date: items.When{Time: a.Updated, Whole: true}, Text: "A figure."}}
	for _, test := range []struct {
		why     string
		article items.Article
		want    string
	}{
		{"1 updated", a, "Updated 4 November 2015"}, {"2 corrected", corrected, "Corrected 4 November 2015"}, {"3 neither", unchanged, ""},
	} {
		if got := (templates.Entry{Locale: templates.LocaleFor("en"), Article: test.article}).Changed(); got != test.want {
			t.Errorf("%s: got %q, want %q", test.why, got, test.want)
		}
	}
}

// TestSmallPictures: lists of stories do not fetch large pictures for small places.
func TestSmallPictures(t *testing.T) {
	a := templates.SampleArticle()
	page := render(t, nil, "index.html", templates.Index{Site: templates.SampleSite(), Articles: []items.Article{a, a}})
	if strings.Count(page, `src="https://news.example.org/media/a.jpg"`) != 1 || strings.Count(page, `src="https://news.example.org/media/a-600.jpg"`) != 1 {
		t.Error("the first story has not the large picture, or the second not the small one")
	}
}

func TestSummaryIsNotSaidTwice(t *testing.T) {
	a := templates.SampleArticle()
	a.Summary, a.Body = "The plan &amp; its cost…", "<p>The <b>plan</b> &amp;amp; its cost\nwere shown.</p>"
	page := render(t, nil, "story.html", templates.Story{Site: templates.SampleSite(), Article: a})
	if strings.Contains(page, "standfirst") {
		t.Error("a summary made of the first paragraph stands above it")
	}
}

func TestWithdrawn(t *testing.T) {
	a := templates.SampleArticle()
	a.Withdrawn = true
	site := templates.SampleSite()
	digest := templates.SampleDigest(site, []items.Article{a, a})
	for name, view := range map[string]any{
		"entry.html": templates.Entry{Locale: site.Locale, Article: a}, "story.html": templates.Story{Site: site, Article: a},
		"index.html": templates.Index{Site: site, Articles: []items.Article{a, a}}, "digest.html": digest, "digest.txt": digest, "issue.html": digest,
	} {
		got := render(t, nil, name, view)
		if !strings.Contains(got, "This story has been withdrawn.") {
			t.Errorf("%s: no notice", name)
		}
		for _, gone := range []string{a.Title, a.Summary, "The story.", "A camp at dawn", "Royal Society", "Carl Desk"} {
			if strings.Contains(got, gone) {
				t.Errorf("%s still says %q", name, gone)
			}
		}
	}
}

func TestLanguages(t *testing.T) {
	a := templates.SampleArticle()
	a.Language, a.Dir = "ar", "rtl"
	site := templates.SampleSite()
	for name, view := range map[string]any{"story.html": templates.Story{Site: site, Article: a}, "index.html": templates.Index{Site: site, Articles: []items.Article{a}},
		"list.html":  templates.List{Site: site, Groups: []templates.Group{{Heading: "2015", Articles: []items.Article{a}}}},
		"entry.html": templates.Entry{Locale: site.Locale, Article: a}, "digest.html": templates.SampleDigest(site, []items.Article{a})} {
		if got := render(t, nil, name, view); !strings.Contains(got, `lang="ar" dir="rtl"`) {
			t.Errorf("%s does not say that the story is in Arabic", name)
		}
	}
	a.Language, a.Dir = "fr", "ltr"
	page := render(t, nil, "story.html", templates.Story{Site: site, Article: a})
	for _, want := range []string{"lundi 14 décembre 2015, 12:45–16:45", "Contacts presse", "All stories"} {
		if !strings.Contains(page, want) {
			t.Errorf("a French story on an English site lacks %q", want)
		}
	}
}

func TestAutodiscovery(t *testing.T) {
	site := templates.SampleSite()
	topic := `<link rel="alternate" type="application/rss+xml" title="Migration (RSS)" href="https://news.example.org/feeds/topics/migration.rss">`
	if page := render(t, nil, "index.html", templates.Index{Site: site}); !strings.Contains(page, topic) || !strings.Contains(page, "No news yet") {
		t.Error("the empty index lacks a topic's feed or its greeting")
	}
	if page := render(t, nil, "story.html", templates.Story{Site: site, Article: templates.SampleArticle()}); strings.Contains(page, topic) {
		t.Error("a story's page announces the feed of a topic")
	}
}

func TestList(t *testing.T) {
	site, a := templates.SampleSite(), templates.SampleArticle()
	other, withdrawn := a, a
	other.Link, other.Kicker, other.Event = "", "", nil
	withdrawn.Withdrawn = true
	topic := templates.List{Site: site, Title: "Migration", Intro: "Who moves, and why", URL: site.URL + "topics/migration/", Feed: &site.Feeds[1]}
	years := []templates.Group{{Heading: "2016", Articles: []items.Article{other}}, {Heading: "2015", Articles: []items.Article{a}}}
	issue := templates.IssueLink{Title: "A story, and two more", URL: site.URL + "newsletters/weekly/7/", Date: a.Published, Number: 7}
	tests := []struct {
		why    string
		fill   func(*templates.List)
		want   []string
		absent string
	}{
		{"1 a topic has a feed, in the head and to click",
			func(l *templates.List) {},
			[]string{"<h1 dir=\"auto\">Migration</h1>", "Who moves, and why", `rel="canonical" href="https://news.example.org/topics/migration/"`,
				`title="Migration (Atom)" href="https://news.example.org/feeds/topics/migration.atom"`, `<a href="https://news.example.org/feeds/topics/migration.rss"`}, "<li><time"},
		{"2 with nothing in it", func(*templates.List) {}, []string{"There is nothing here yet."}, "<h2"},
		{"3 stories stand below their year, which one can go to", func(l *templates.List) { l.Groups = years },
			[]string{`<a href="#part-1">2015</a>`, `id="part-1"`, ">2015</h2>", ">2 November</time>", ">Press release</span>",
				`<a href="https://news.example.org/news/story/" lang="en" dir="ltr">A story with everything</a>`,
				`<a href="https://www.example.com/story" lang="en" dir="ltr">A story with everything <small`}, "There is nothing"},
		{"4 one year alone needs no way to it", func(l *templates.List) { l.Groups = years[:1] }, []string{">2016</h2>"}, "#part"},
		{"5 no pictures", func(l *templates.List) { l.Groups = years }, nil, "<img"},
		{"6 a withdrawn story says nothing", func(l *templates.List) {
			l.Groups = []templates.Group{{Heading: "2015", Articles: []items.Article{withdrawn}}}
		},
			[]string{">Story withdrawn</a>"}, "A story with everything"},
		{"7 issues have number, day and subject", func(l *templates.List) { l.Issues = []templates.IssueLink{issue} },
			[]string{"No. 7</span>", ">2 November 2015</time>", `<a href="https://news.example.org/newsletters/weekly/7/" dir="auto">A story, and two more</a>`}, "There is nothing"},
		{"8 no feed", func(l *templates.List) { l.Feed = nil }, nil, "topics/migration.rss"},
	}
	for _, test := range tests {
		t.Run(test.why, func(t *testing.T) {
			l := topic
			test.fill(&l)
			page := render(t, nil, "list.html", l)
			for _, want := range test.want {
				if !strings.Contains(page, want) {
					t.Errorf("the page lacks %s", want)
				}
			}
			if strings.Contains(page, test.absent) {
				t.Errorf("the page holds %s", test.absent)
			}
		})
	}
}

func TestListAnnouncesTheNewsOnce(t *testing.T) {
	site := templates.SampleSite()
	page := render(t, nil, "list.html", templates.List{Site: site, Title: "All stories", URL: site.URL + "news/", Feed: &site.Feeds[0]})
	if got := strings.Count(page, `title="Example News (RSS)"`); got != 1 {
		t.Errorf("the feed of all news stands %d times in the head", got)
	}
	if !strings.Contains(page, `<a href="https://news.example.org/news/" aria-current="page">All stories</a>`) {
		t.Error("the page of all stories does not say that it is the one")
	}
}

func TestLongListIsLight(t *testing.T) {
	a := templates.SampleArticle()
	l := templates.List{Site: templates.SampleSite(), Groups: []templates.Group{{Heading: "2015", Articles: slices.Repeat([]items.Article{a}, 2000)}}}
	if got := len(render(t, nil, "list.html", l)); got > 800_000 {
		t.Errorf("2000 rows take %d bytes", got)
	}
}

func TestWaysToOtherPages(t *testing.T) {
	site, a := templates.SampleSite(), templates.SampleArticle()
	none := site
	none.Newsletters = []templates.Newsletter{{Name: "weekly", Title: "Weekly digest"}}
	story := []items.Article{a}
	const all, past = `<p class="more"><a href="https://news.example.org/news/">All stories</a></p>`, `<a href="https://news.example.org/newsletters/weekly/">Past issues</a>`
	const topic = `<a href="https://news.example.org/topics/migration/">Migration</a>`
	tests := []struct {
		why, name  string
		view       any
		want       string
		wantAbsent bool
	}{
		{"1 from the latest to all", "index.html", templates.Index{Site: site, Articles: story}, all, false},
		{"2 there is nothing to go to yet", "index.html", templates.Index{Site: site}, all, true},
		{"3 to past issues", "index.html", templates.Index{Site: site}, past, false},
		{"4 which there are not yet", "index.html", templates.Index{Site: none}, past, true},
		{"5 from one issue to the others", "issue.html", templates.SampleDigest(site, story), past, false},
		{"6 which there are not", "issue.html", templates.SampleDigest(none, story), past, true},
		{"7 to a topic, from the index", "index.html", templates.Index{Site: site, Articles: story}, topic, false},
		{"8 from an issue", "issue.html", templates.SampleDigest(site, story), topic, false},
		{"9 from a page that is not there to all", "notice.html", templates.Notice{Site: site, Heading: "Not found"}, `<p><a href="https://news.example.org/news/">All stories</a></p>`, false},
	}
	for _, test := range tests {
		if got := strings.Contains(render(t, nil, test.name, test.view), test.want); got == test.wantAbsent {
			t.Errorf("%s: %s is there: %v", test.why, test.want, got)
		}
	}
}

func TestFollowLeadsToFeeds(t *testing.T) {
	site := templates.SampleSite()
	all := `<a href="https://news.example.org/feeds/">All feeds</a>`
	_, follow, _ := strings.Cut(render(t, nil, "index.html", templates.Index{Site: site}), `id="follow"`)
	for _, want := range []string{`<a href="https://news.example.org/feeds/news/">How to subscribe</a>`, `href="https://news.example.org/feeds/news.rss"`, all} {
		if !strings.Contains(follow, want) {
			t.Errorf("the index lacks %s", want)
		}
	}
	site.Feeds = site.Feeds[:1]
	if page := render(t, nil, "index.html", templates.Index{Site: site}); strings.Contains(page, all) {
		t.Error("the index leads to all feeds, and there is but one")
	}
}

func TestUnsubscribe(t *testing.T) {
	tests := []struct {
		state, want      string
		returnable, form bool
	}{
		{"ask", "Weekly digest", false, true},
		{"done", "You have unsubscribed", false, false},
		{"left", "You had already unsubscribed", false, false},
		{"left", "Subscribe again", true, true},
		{"back", "You are subscribed again", false, false},
		{"invalid", "This link does not work", false, false},
		{"test", "This was a test", false, false},
	}
	for _, test := range tests {
		page := render(t, nil, "unsubscribe.html", templates.Unsubscribe{Site: templates.SampleSite(), State: test.state, Returnable: test.returnable,
			Newsletter: "Weekly digest", Address: "a…@example.com", Action: "/-/u/token"})
		form := strings.Contains(page, `<form method="post" action="/-/u/token">`) && strings.Count(page, "<button") == 1
		if !strings.Contains(page, test.want) || form != test.form || !strings.Contains(page, `<meta name="robots" content="noindex">`) {
			t.Errorf("%s: wrong page:\n%s", test.state, page)
		}
	}
}

// TestContrast measures the stylesheet's colours as WCAG 2.2 §1.4.3 does.
func TestContrast(t *testing.T) {
	set, err := templates.Load("")
	if err != nil {
		t.Fatal(err)
	}
	light, dark, _ := strings.Cut(string(set.Style()), "prefers-color-scheme: dark")
	for scheme, css := range map[string]string{"light": light, "dark": dark} {
		colours := map[string]float64{}
		for _, m := range regexp.MustCompile(`--([a-z-]+): #([0-9a-f]{6});`).FindAllStringSubmatch(css, -1) {
			colours[m[1]] = luminance(t, m[2])
		}
		for _, pair := range [][2]string{{"ink", "paper"}, {"soft", "paper"}, {"accent", "paper"}, {"alert", "paper"}, {"ink", "tint"}, {"soft", "tint"},
			{"accent", "tint"}, {"alert", "tint"}, {"on-accent", "accent"}} {
			a, b := colours[pair[0]], colours[pair[1]]
			if ratio := (max(a, b) + .05) / (min(a, b) + .05); ratio < 4.5 {
				t.Errorf("%s: %v have a contrast of %.1f", scheme, pair, ratio)
			}
		}
	}
}

func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	n, err := strconv.ParseUint(hex, 16, 32)
	if err != nil {
		t.Fatal(err)
	}
	channel := func(shift int) float64 {
		c := float64(n>>shift&255) / 255
		if c <= .04045 {
			return c / 12.92
		}
		return math.Pow((c+.055)/1.055, 2.4)
	}
	return .2126*channel(16) + .7152*channel(8) + .0722*channel(0)
}

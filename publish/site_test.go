package publish_test

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"path"
	"strings"
	"testing"
	"time"

	"tidings/internal/testtool"
	"tidings/items"
	"tidings/publish"
	"tidings/templates"
)

// notice stands in the place of a withdrawn story's title.
var notice = templates.LocaleFor("en").T("withdrawn_title")

var calais = items.Topic{Slug: "calais", Title: "Calais & Dover"}

// article is a story that was published so many days into March 2026.
func article(slug string, day int, topics ...items.Topic) items.Article {
	at := time.Date(2026, 3, day, 9, 0, 0, 0, time.UTC)
	return items.Article{ID: "tag:news.example.org,2026:" + slug, Slug: slug, URL: "https://news.example.org/news/" + slug + "/",
		Language: "en", Dir: "ltr", Title: "About " + slug, Summary: "In short.", Published: at, Updated: at, Topics: topics,
		Body: template.HTML("<p>The text of " + slug + ".</p>")}
}

// newSite shows four stories: one has expired, one was withdrawn.
func newSite() publish.Site {
	old, gone := article("old", 1, calais), article("gone", 3, calais)
	gone.Withdrawn, gone.Title, gone.Body, gone.Summary = true, "A secret title", "", ""
	boats, ferries := article("boats", 2, calais), article("ferries", 4)
	return publish.Site{
		View: templates.Site{Title: "IOM UK News", URL: "https://news.example.org/", Owner: templates.Owner{Name: "IOM UK"},
			Newsletters: []templates.Newsletter{{Name: "weekly", Title: "Weekly digest"}}},
		Host:     "news.example.org",
		Language: "en",
		Zone:     time.UTC,
		Stories:  []*publish.Story{shown(ferries), shown(gone), shown(boats), expired(old)},
		Topics:   []items.Topic{calais},
		Feeds:    publish.Choice{Limit: 10}, TakenBack: []string{gone.ID},
		Issues: []templates.Digest{{Newsletter: templates.Newsletter{Name: "weekly", Title: "Weekly digest"}, Number: 7,
			Date: boats.Published, Subject: "Weekly digest: About boats", Articles: []items.Article{boats}, WebURL: "https://news.example.org/newsletters/weekly/7/"}},
	}
}

// TestOneInvalid: an entry that would break a feed is left out of it, and named; the others are there.
func TestOneInvalid(t *testing.T) {
	s := newSite()
	s.Stories[0].Link = "no address"
	set, err := templates.Load("")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, d := range s.Documents(set) {
		data, err := d.Make()
		var wrong publish.Invalid
		if err == nil {
			continue
		}
		found++
		if !errors.As(err, &wrong) || !wrong.Part || wrong.Violations[0].Entry != s.Stories[0].ID || !bytes.Contains(data, []byte("About boats")) || bytes.Contains(data, []byte("About ferries")) {
			t.Errorf("%s: %v, %s", d.Path, err, data)
		}
		if !d.Spoilt([]byte(s.Stories[1].ID)) || d.Spoilt([]byte(s.Stories[2].ID)) {
			t.Errorf("%s: only what names a story that was taken back is spoilt", d.Path)
		}
	}
	if found == 0 {
		t.Error("nothing was refused")
	}
}

func shown(a items.Article) *publish.Story {
	body := a.Body
	a.Body = ""
	return &publish.Story{Article: a, Listed: publish.ArticlePrint(a), Print: publish.PrintOf(publish.ArticlePrint(a), string(body)), Body: func() template.HTML { return body }, Revised: a.Updated}
}

func expired(a items.Article) *publish.Story {
	s := shown(a)
	s.Expired = true
	return s
}

// file is a document that was made.
type file struct {
	Path string
	Data []byte
}

func makeFiles(t testing.TB, s publish.Site) []file {
	t.Helper()
	set, err := templates.Load("")
	if err != nil {
		t.Fatal(err)
	}
	var made []file
	for _, d := range s.Documents(set) {
		data, err := d.Make()
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, file{d.Path, data})
	}
	return made
}

// content is that of the file at path.
func content(t testing.TB, made []file, path string) string {
	t.Helper()
	for _, f := range made {
		if f.Path == path {
			return string(f.Data)
		}
	}
	t.Fatalf("there is no %s", path)
	return ""
}

// TestFiles: all that a newsroom shows, each file once, the pages before the feeds that name them; a topic has feeds of its own.
func TestFiles(t *testing.T) {
	var got []string
	for _, f := range makeFiles(t, newSite()) {
		got = append(got, f.Path)
	}
	want := strings.Fields(`style.css news/ferries/index.html news/gone/index.html news/boats/index.html news/old/index.html index.html 404.html gone.html
		news/index.html topics/calais/index.html newsletters/weekly/7/index.html newsletters/weekly/index.html
		feeds/news/index.html feeds/topics/calais/index.html feeds/events/index.html feeds/corrections/index.html feeds/index.html feeds.opml
		feeds/news.rss feeds/news.atom feeds/news.json feeds/topics/calais.rss feeds/topics/calais.atom feeds/topics/calais.json
		feeds/events.rss feeds/events.atom feeds/events.json feeds/corrections.rss feeds/corrections.atom feeds/corrections.json
		feeds/news/archive/2026-03.rss feeds/news/archive/2026-03.atom feeds/news/archive/2026-03.json feeds/events.ics`)
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the files are\n%s\nwant\n%s", strings.Join(got, " "), strings.Join(want, " "))
	}
}

// TestFilesPure: the same site gives the same bytes and is not changed by it.
func TestFilesPure(t *testing.T) {
	s := newSite()
	before := fmt.Sprint(s)
	first, second := makeFiles(t, s), makeFiles(t, s)
	for i, f := range first {
		if !bytes.Equal(f.Data, second[i].Data) {
			t.Errorf("%s has other bytes the second time", f.Path)
		}
	}
	if after := fmt.Sprint(s); after != before {
		t.Errorf("the site was changed from\n%s\nto\n%s", before, after)
	}
}

func TestFeeds(t *testing.T) {
	tests := []struct {
		name   string // number and why
		change func(*publish.Site)
		feed   string
		titles string // of the entries, in order
	}{
		{"1 newest first; what expired is in none, what was withdrawn keeps its place as a notice", func(*publish.Site) {}, "feeds/news",
			"About ferries, " + notice + ", About boats"},
		{"2 a topic's feed holds its stories", func(*publish.Site) {}, "feeds/topics/calais", notice + ", About boats"},
		{"3 the limit counts what is withdrawn, so that no old story slides back in as new", func(s *publish.Site) { s.Feeds.Limit = 2 }, "feeds/news",
			"About ferries, " + notice},
		{"4 a topic without stories has an empty feed, which readers may follow", func(s *publish.Site) { s.Topics = []items.Topic{{Slug: "x", Title: "X"}} },
			"feeds/topics/x", ""},
		{"5 no story at all", func(s *publish.Site) { s.Stories = nil }, "feeds/news", ""},
	}
	for _, test := range tests {
		s := newSite()
		test.change(&s)
		made := makeFiles(t, s)
		for _, ext := range []string{".rss", ".atom", ".json"} {
			var titles []string
			feed := content(t, made, test.feed+ext)
			for _, story := range testtool.Gofeed(t, []byte(feed)) {
				titles = append(titles, story.Title)
			}
			if got := strings.Join(titles, ", "); got != test.titles {
				t.Errorf("%s: %s holds %q, want %q", test.name, ext, got, test.titles)
			}
		}
	}
}

// TestWithdrawn: nothing of the story is left anywhere but the notice.
func TestWithdrawn(t *testing.T) {
	made := makeFiles(t, newSite())
	for _, f := range made {
		if bytes.Contains(f.Data, []byte("A secret title")) {
			t.Errorf("%s still tells the title", f.Path)
		}
	}
	for _, p := range []string{"news/gone/index.html", "feeds/news.rss", "feeds/news.atom", "feeds/news.json"} {
		if !strings.Contains(content(t, made, p), notice) {
			t.Errorf("%s does not say %q", p, notice)
		}
	}
	if index := content(t, made, "index.html"); strings.Contains(index, "/news/gone/") {
		t.Error("the index leads to it")
	}
}

// TestPages: what the pages say and lead to.
func TestPages(t *testing.T) {
	made := makeFiles(t, newSite())
	tests := []struct {
		name, path string // number and why
		has, lacks []string
	}{
		{"1 the index lists what is current and names the feeds", "index.html", []string{"About ferries", "About boats", "https://news.example.org/feeds/news.atom",
			"https://news.example.org/feeds/topics/calais.rss", `href="/news/boats/"`, `href="/style.css"`, "Calais &amp; Dover"}, []string{"About old"}},
		{"2 an expired story keeps its page", "news/old/index.html", []string{"The text of old."}, nil},
		{"3 an issue is a page", "newsletters/weekly/7/index.html", []string{"Weekly digest: About boats", `"/news/boats/"`}, []string{"About ferries"}},
		{"6 all stories are listed, those that have expired too", "news/index.html", []string{"About ferries", "About old", `id="`, `<link rel="canonical" href="https://news.example.org/news/"`}, []string{"About gone"}},
		{"7 those of a topic have a page", "topics/calais/index.html", []string{"https://news.example.org/feeds/topics/calais.rss"}, nil},
		{"8 past issues are listed", "newsletters/weekly/index.html", []string{`"/newsletters/weekly/7/"`}, nil},
		{"4 a feed holds the whole story", "feeds/news.rss", []string{"The text of boats."}, []string{"The text of old."}},
		{"5 each feed has an id for ever", "feeds/topics/calais.atom", []string{"<id>tag:news.example.org,2026:feeds/topics/calais</id>"}, nil},
	}
	for _, test := range tests {
		text := content(t, made, test.path)
		for _, s := range test.has {
			if !strings.Contains(text, s) {
				t.Errorf("%s: no %q in it", test.name, s)
			}
		}
		for _, s := range test.lacks {
			if strings.Contains(text, s) {
				t.Errorf("%s: %q is in it", test.name, s)
			}
		}
	}
}

// TestRooted: links of a page that stay on the site are paths, at whatever path the site lies, so that it can be looked at
// before it is reachable by its name. What other programs read in the head is absolute, and words stay words.
func TestRooted(t *testing.T) {
	for i, at := range []string{"https://news.example.org/", "https://example.org/iom/"} {
		s := newSite()
		s.View.URL = at
		for k := range s.Stories {
			a, body := s.Stories[k].Article, s.Stories[k].Body()
			a.URL, a.Body = at+"news/"+a.Slug+"/", body+template.HTML(`<p>See `+at+`x and <a href="`+at+`y">y</a> and <a href="https://elsewhere.example/">z</a>.</p>`)
			s.Stories[k] = shown(a)
		}
		s.Issues[0].WebURL = at + "newsletters/weekly/7/"
		root := strings.TrimPrefix(strings.TrimPrefix(at, "https://news.example.org"), "https://example.org")
		made := makeFiles(t, s)
		for _, f := range made {
			if path.Ext(f.Path) != ".html" {
				continue
			}
			head, body, _ := strings.Cut(string(f.Data), "<body")
			if strings.Contains(body, `="`+at) || !strings.Contains(body, `href="`+root+`"`) {
				t.Errorf("%d: %s leaves the site by its name, or has no link to %s", i+1, f.Path, root)
			}
			page := strings.TrimSuffix(f.Path, "index.html")
			if page == f.Path { // the pages that are shown in the place of others have no address of their own
				continue
			}
			for _, want := range []string{`<link rel="canonical" href="` + at + page + `"`, `href="` + at + `feeds/news.rss"`, `href="` + root + `style.css"`} {
				if !strings.Contains(head, want) {
					t.Errorf("%d: the head of %s lacks %s\n%s", i+1, f.Path, want, head)
				}
			}
		}
		story := content(t, made, "news/boats/index.html")
		for _, want := range []string{"See " + at + "x and", `<a href="` + root + `y">`, `<a href="https://elsewhere.example/">`} {
			if !strings.Contains(story, want) {
				t.Errorf("%d: the story lacks %s", i+1, want)
			}
		}
	}
}

// TestRootedWithin: what follows the site's address must not become the name of another host.
func TestRootedWithin(t *testing.T) {
	const at = "https://news.example.org/"
	for _, test := range []struct{ why, rest, want string }{
		{"1 a page", "evil.example/a", "/evil.example/a"},
		{"2 two slashes", "/evil.example/a", at + "/evil.example/a"},
		{"3 a backslash counts as one", `\evil.example/a`, at + `\evil.example/a`},
		{"4 a tab does not count", "\t/evil.example/a", at + "\t/evil.example/a"},
		{"5 nor a line feed", "\n/evil.example/a", at + "\n/evil.example/a"},
		{"6 nor a carriage return", "\r/evil.example/a", at + "\r/evil.example/a"},
	} {
		s := newSite()
		a := s.Stories[0].Article
		a.Slug, a.Body = "boats", template.HTML(`<a href="`+at+test.rest+`">x</a>`)
		s.Stories[0] = shown(a)
		if story := content(t, makeFiles(t, s), "news/boats/index.html"); !strings.Contains(story, `<a href="`+test.want+`">x</a>`) {
			t.Errorf("%s: %q", test.why, story)
		}
	}
}

// TestLists: the index leads to lists of all stories by year, of those of each topic, and of past issues, the newest first.
func TestLists(t *testing.T) {
	s := newSite()
	s.View.Owner.Email = "news@example.org" // with it the index tells how to get the newsletter
	for k, year := range []int{2026, 2026, 2025, 2024} {
		s.Stories[k].Published = time.Date(year, 3, 4-k, 9, 0, 0, 0, time.UTC)
	}
	older := s.Issues[0]
	older.Number, older.Subject, older.WebURL = 6, "An older issue", "https://news.example.org/newsletters/weekly/6/"
	s.Issues = []templates.Digest{older, s.Issues[0]} // as they were sent
	made := makeFiles(t, s)
	for _, test := range []struct {
		name, path string   // number and why
		order      []string // what follows one another in it
		lacks      string
	}{
		{"1 the index leads to the lists", "index.html", []string{`href="/topics/calais/"`, `href="/news/"`}, "About old"},
		{"2 and to past issues", "index.html", []string{`href="/newsletters/weekly/"`}, "nothing like this"},
		{"3 all stories by year, those that have expired too", "news/index.html",
			[]string{">2026</h2>", "About ferries", ">2025</h2>", "About boats", ">2024</h2>", "About old"}, "/news/gone/"},
		{"4 those of a topic", "topics/calais/index.html", []string{"Calais &amp; Dover</h1>", ">2025</h2>", "About boats", "About old"}, "About ferries"},
		{"5 past issues, the newest first", "newsletters/weekly/index.html",
			[]string{`"/newsletters/weekly/7/"`, "Weekly digest: About boats", `"/newsletters/weekly/6/"`, "An older issue"}, "nothing like this"},
	} {
		rest := content(t, made, test.path)
		if strings.Contains(rest, test.lacks) {
			t.Errorf("%s: %q is in it", test.name, test.lacks)
		}
		for _, want := range test.order {
			_, after, found := strings.Cut(rest, want)
			if !found {
				t.Errorf("%s: no %q, or in another order, in\n%s", test.name, want, rest)
				break
			}
			rest = after
		}
	}
	s.Issues = nil
	for _, f := range makeFiles(t, s) {
		if strings.HasPrefix(f.Path, "newsletters/") || bytes.Contains(f.Data, []byte(`href="/newsletters/weekly/"`)) {
			t.Errorf("without past issues %s lists them", f.Path)
		}
	}
}

// TestLanguage: a story's page speaks the story's language, other pages the newsroom's.
func TestLanguage(t *testing.T) {
	s := newSite()
	s.Stories[2].Language = "fr"
	made := makeFiles(t, s)
	for p, want := range map[string]string{"news/boats/index.html": `lang="fr"`, "index.html": `lang="en"`, "news/old/index.html": `lang="en"`} {
		if head, _, _ := strings.Cut(content(t, made, p), "<head"); !strings.Contains(head, want) {
			t.Errorf("%s begins %s, want %s", p, head, want)
		}
	}
}

// TestWellFormed: the feeds are XML to the strictest of readers.
func TestWellFormed(t *testing.T) {
	for _, f := range makeFiles(t, newSite()) {
		if ext := path.Ext(f.Path); ext == ".rss" || ext == ".atom" {
			testtool.Lint(t, f.Data)
			testtool.Strict(t, f.Data)
		}
	}
}

package templates_test

import (
	"bytes"
	"html/template"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"tidings/internal/testbrowser"
	"tidings/items"
	"tidings/templates"
)

// policy is the strictest content security policy that the pages can live with; a server's own must not be stricter.
const policy = "default-src 'none'; img-src 'self'; style-src 'self'; base-uri 'none'; form-action 'none'"

// TestBrowser opens every kind of page in a real browser, which finds nothing wrong.
func TestBrowser(t *testing.T) {
	pages := browserPages(t)
	server := httptest.NewServer(serve(t, pages))
	defer server.Close()
	browser := testbrowser.New(t)
	for path := range pages {
		browser.Look(t, server.URL+path)
	}
}

// browserPages are pages as they would be published, by path.
func browserPages(t *testing.T) map[string]string {
	site, a := templates.SampleSite(), templates.SampleArticle()
	a.Body = template.HTML(longBody)
	plain, cancelled, withdrawn := everyday(), a, everyday()
	event := *a.Event
	event.Status = items.Cancelled
	cancelled.Event, cancelled.Title, cancelled.Image = &event, "An event that will not take place, under a title that goes on for quite a while", nil
	withdrawn.Withdrawn = true
	all := []items.Article{a, plain, cancelled, withdrawn}
	changes := []templates.Change{{Locale: site.Locale, Article: a, Date: a.Updated, Text: "The figure for 2014 was wrong."},
		{Locale: site.Locale, Article: withdrawn, Date: a.Updated}}
	german := site
	german.Locale = templates.LocaleFor("de")
	return map[string]string{
		"/":                   render(t, nil, "index.html", templates.Index{Site: site, Articles: all}),
		"/news/story/":        render(t, nil, "story.html", templates.Story{Site: site, Article: a}),
		"/news/":              render(t, nil, "list.html", templates.List{Site: site, Title: "All stories", URL: site.URL + "news/", Feed: &site.Feeds[0], Groups: []templates.Group{{Heading: "2015", Articles: all}}}),
		"/feeds/":             render(t, nil, "feeds.html", templates.FeedList{Site: site, OPML: site.URL + "feeds.opml"}),
		"/feeds/events/":      render(t, nil, "feed.html", templates.FeedPage{Site: german, Feed: *site.Feed("events"), Articles: all[:1]}),
		"/feeds/corrections/": render(t, nil, "feed.html", templates.FeedPage{Site: site, Feed: *site.Feed("corrections"), Changes: changes}),
		"/gone.html":          render(t, nil, "notice.html", templates.Gone(site)),
	}
}

const longBody = `<p>When normal life breaks down, traffickers move in. That is the conclusion of <em>Addressing Human Trafficking</em>,
a study presented by <a href="https://example.com/">the Director General</a>.</p><h2>What they found</h2><ul><li>Libya, Iraq, Syria</li><li>the
Philippines after Typhoon Haiyan</li></ul><blockquote><p>War brings impunity.</p></blockquote><table><thead><tr><th>Year</th><th>People helped in
the whole of the region</th><th>Of these children</th></tr></thead><tbody><tr><td>2014</td><td>1,200</td><td>310</td></tr></tbody></table>
<pre><code>a line of preformatted text that is much longer than any phone is wide, and that has to scroll by itself</code></pre>
<p>Averyverylongwordwithoutanyplacetobreakitlikeanaddresshttps://example.com/averyverylongpath/that/goes/on/and/on</p>`

// serve answers with the pages, the stylesheet, and for each picture one of the sample newsroom.
func serve(t *testing.T, pages map[string]string) http.Handler {
	set, err := templates.Load("")
	if err != nil {
		t.Fatal(err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		page, ok := pages[r.URL.Path]
		switch {
		case ok:
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = w.Write(bytes.ReplaceAll([]byte(page), []byte("https://news.example.org/"), []byte("http://"+r.Host+"/")))
		case r.URL.Path == "/style.css":
			w.Header().Set("Content-Type", "text/css; charset=utf-8")
			_, _ = w.Write(set.Style())
		case r.URL.Path == "/favicon.ico":
			w.WriteHeader(http.StatusNoContent)
		case strings.HasPrefix(r.URL.Path, "/media/"):
			http.ServeFile(w, r, filepath.Join("..", "testdata", "newsroom", "items", "harbour.png"))
		default:
			http.NotFound(w, r)
		}
	})
}

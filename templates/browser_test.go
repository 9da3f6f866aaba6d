package templates_test

import (
	"bytes"
	"cmp"
	"context"
	"flag"
	"fmt"
	"html/template"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"tidings/internal/testtool"
	"tidings/items"
	"tidings/templates"
)

var shots = flag.String("shots", "", "a folder that TestBrowser puts a picture of each page into")

// policy is the strictest content security policy that the pages can live with; a server's own must not be stricter.
const policy = "default-src 'none'; img-src 'self'; style-src 'self'; base-uri 'none'; form-action 'none'"

// TestBrowser opens pages in a real browser, on a phone and on a desktop, in light and in dark: axe-core, which checks for
// what keeps people with disabilities out (WCAG 2.2 A and AA, and best practices), finds nothing, nothing is wider than the
// screen, and the browser has nothing to complain of.
func TestBrowser(t *testing.T) {
	axe := axeCore(t)
	pages := browserPages(t)
	server := httptest.NewServer(serve(t, pages))
	defer server.Close()
	browser := newBrowser(t)
	for path := range pages {
		for _, width := range []int64{390, 1280} {
			t.Run(fmt.Sprintf("%s %d", nameOf(path), width), func(t *testing.T) { look(t, browser, server.URL+path, width, axe) })
		}
	}
}

// axeCore is the source of axe-core, an npm package that was installed in the folder TIDINGS_NPM.
func axeCore(t *testing.T) string {
	t.Helper()
	testtool.Need(t, "chromium")
	b, err := os.ReadFile(filepath.Join(os.Getenv("TIDINGS_NPM"), "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		testtool.Missing(t, "the npm package axe-core in TIDINGS_NPM")
	}
	return string(b)
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

// newBrowser starts chromium, which ends with the test.
func newBrowser(t *testing.T) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(testtool.Need(t, "chromium")), chromedp.NoSandbox, chromedp.DisableGPU)
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal("chromium does not start: ", err)
	}
	return ctx
}

// look opens one page in a tab of its own, first in light colours, then in dark ones.
func look(t *testing.T, browser context.Context, address string, width int64, axe string) {
	tab, cancel := chromedp.NewContext(browser)
	defer cancel()
	tab, cancel = context.WithTimeout(tab, time.Minute)
	defer cancel()
	complaints := listen(t, tab)
	if err := chromedp.Do(tab, chromedp.EmulateViewport(width, 900), prefers("light"), chromedp.Navigate(address)); err != nil {
		t.Fatal(err)
	}
	for _, said := range append(evaluate[[]string](t, tab, tooWide), complaints()...) {
		t.Error(said)
	}
	report(t, "light", evaluate[[]violation](t, tab, axe+runAxe+"()"+readAxe))
	shoot(t, tab, "light")
	if err := chromedp.Do(tab, prefers("dark")); err != nil {
		t.Fatal(err)
	}
	report(t, "dark", evaluate[[]violation](t, tab, runAxe+`({runOnly: ['color-contrast']})`+readAxe))
	shoot(t, tab, "dark")
}

func evaluate[T any](t *testing.T, tab context.Context, script string) T {
	t.Helper()
	v, err := chromedp.Run(tab, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// violation is what axe-core finds, at which elements.
type violation struct {
	ID, Help string
	Nodes    []string
}

const runAxe, readAxe = `;axe.run`, `.then(r => r.violations.map(v => ({ID: v.id, Help: v.help, Nodes: v.nodes.map(n => n.html + ' ' + n.failureSummary)})))`

func report(t *testing.T, scheme string, found []violation) {
	for _, v := range found {
		t.Errorf("%s: %s: %s: %q", scheme, v.ID, v.Help, v.Nodes)
	}
}

// nameOf names a page by its path: "feeds-news".
func nameOf(path string) string {
	return strings.ReplaceAll(cmp.Or(strings.Trim(path, "/"), "index"), "/", "-")
}

// prefers sets the colour scheme that the reader prefers.
func prefers(scheme string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		return err
	})
}

// tooWide names the elements that reach out of the screen, if the page can be scrolled sideways.
const tooWide = `document.documentElement.scrollWidth <= document.documentElement.clientWidth ? [] :
	[...document.body.querySelectorAll('*')].filter(e => e.getBoundingClientRect().right > document.documentElement.clientWidth)
		.slice(0, 3).map(e => 'wider than the screen: ' + e.outerHTML.slice(0, 100))`

// listen collects what the browser complains of in its console.
func listen(t *testing.T, tab context.Context) func() []string {
	t.Helper()
	var mu sync.Mutex
	var said []string
	err := chromedp.Listen(tab, func(event any) {
		mu.Lock()
		defer mu.Unlock()
		switch e := event.(type) {
		case *log.EventEntryAdded:
			said = append(said, fmt.Sprintf("console: %s: %s %s", e.Entry.Level, e.Entry.Text, e.Entry.URL))
		case *runtime.EventExceptionThrown:
			said = append(said, "console: "+e.ExceptionDetails.Text)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(said)
	}
}

// shoot puts a picture of the whole page into the folder that was asked for.
func shoot(t *testing.T, tab context.Context, scheme string) {
	if *shots == "" {
		return
	}
	png, err := chromedp.Run(tab, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	name := strings.TrimPrefix(t.Name(), "TestBrowser/") + "_" + scheme + ".png"
	if err := os.WriteFile(filepath.Join(*shots, name), png, 0o644); err != nil {
		t.Fatal(err)
	}
}

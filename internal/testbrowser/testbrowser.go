// Package testbrowser lets tests open pages in a real browser as readers do: on a phone and on a desktop, in light and in dark colours.
// It assumes chromium, and axe-core, which checks for what keeps people with disabilities out (WCAG 2.2 A and AA, and best practices), as an
// npm package in the folder TIDINGS_NPM. A test that lacks them is skipped, as package testtool says.
package testbrowser

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"net/url"
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
)

var shots = flag.String("shots", "", "a `folder` that gets a picture of each page that a test opens in the browser")

// The widths of a phone and of a desktop, in CSS pixels.
var widths = []int64{390, 1280}

// Browser is a running browser.
type Browser struct {
	ctx context.Context
	axe string // the source of axe-core
}

// New starts the browser, which ends with the test.
func New(t *testing.T) Browser {
	t.Helper()
	return Browser{start(t), axeCore(t)}
}

// Look opens the page at an address in a tab of its own, at each width and in both colours: axe-core must find nothing, nothing may be
// wider than the screen, and the browser must have nothing to complain of.
func (b Browser) Look(t *testing.T, address string) {
	t.Helper()
	for _, width := range widths {
		t.Run(fmt.Sprintf("%s %d", nameOf(address), width), func(t *testing.T) { b.look(t, address, width) })
	}
}

// Title opens the page at an address and gives its title.
func (b Browser) Title(t *testing.T, address string) string {
	t.Helper()
	tab, cancel := b.tab()
	defer cancel()
	if err := chromedp.Do(tab, chromedp.Navigate(address)); err != nil {
		t.Fatal(err)
	}
	return evaluate[string](tab, t, "document.title")
}

// tab opens a tab, which must be cancelled.
func (b Browser) tab() (context.Context, context.CancelFunc) {
	tab, close := chromedp.NewContext(b.ctx)
	timed, cancel := context.WithTimeout(tab, time.Minute)
	return timed, func() { cancel(); close() }
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

// start starts chromium.
func start(t *testing.T) context.Context {
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

// look opens one page, first in light colours, then in dark ones.
func (b Browser) look(t *testing.T, address string, width int64) {
	tab, cancel := b.tab()
	defer cancel()
	complaints := listen(tab, t)
	if err := chromedp.Do(tab, chromedp.EmulateViewport(width, 900), prefers("light"), chromedp.Navigate(address)); err != nil {
		t.Fatal(err)
	}
	for _, said := range append(evaluate[[]string](tab, t, tooWide), complaints()...) {
		t.Error(said)
	}
	report(t, "light", evaluate[[]violation](tab, t, b.axe+runAxe+"()"+readAxe))
	shoot(tab, t, "light")
	if err := chromedp.Do(tab, prefers("dark")); err != nil {
		t.Fatal(err)
	}
	report(t, "dark", evaluate[[]violation](tab, t, runAxe+`({runOnly: ['color-contrast']})`+readAxe))
	shoot(tab, t, "dark")
}

func evaluate[T any](tab context.Context, t *testing.T, script string) T {
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
func nameOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "page"
	}
	return strings.ReplaceAll(cmp.Or(strings.Trim(u.Path, "/"), "index"), "/", "-")
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
func listen(tab context.Context, t *testing.T) func() []string {
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
func shoot(tab context.Context, t *testing.T, scheme string) {
	if *shots == "" {
		return
	}
	png, err := chromedp.Run(tab, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	name := strings.ReplaceAll(t.Name(), "/", "_") + "_" + scheme + ".png"
	if err := os.WriteFile(filepath.Join(*shots, name), png, 0o644); err != nil {
		t.Fatal(err)
	}
}

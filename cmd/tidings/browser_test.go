package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tidings/internal/testbrowser"
)

// TestBrowser opens a newsroom that the daemon serves in a real browser. A feed's own address shows its landing page there, since few
// browsers show feeds.
func TestBrowser(t *testing.T) {
	browser := testbrowser.New(t)
	d := startDaemon(t, monday, "topics: {calais: Calais}\n", map[string]string{
		"items/first.md": item("First", "topics: [calais]\nimage: {src: a.png, alt: A harbour}\nevent: {start: 2016-12-20T10:00, venue: Town hall}\n", "First words."),
		"items/a.png":    sampleFile(t, "harbour.png"),
	})
	d.await(t, 5*time.Second, "first story", func() bool { return d.feedHas("First words") })
	for _, path := range []string{"/", "/news/first/", "/news/", "/feeds/", "/feeds/news/", "/feeds/events/", "/feeds/news.rss", "/feeds/topics/calais.atom"} {
		browser.Look(t, d.url+path)
	}
	for _, feed := range []string{"/feeds/news.rss", "/feeds/news.atom", "/feeds/news.json"} {
		if got, want := browser.Title(t, d.url+feed), browser.Title(t, d.url+"/feeds/news/"); got != want || !strings.Contains(got, "News") {
			t.Errorf("%s shows %q, and the landing page %q", feed, got, want)
		}
	}
}

// sampleFile is a file of the sample newsroom.
func sampleFile(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "testdata", "newsroom", "items", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

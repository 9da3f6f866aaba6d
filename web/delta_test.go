package web_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mmcdole/gofeed"
)

// rss and atom make feeds of the given entries; those of Atom are followed by what a tombstone looks like.
func rss(entries ...string) string {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n<rss version=\"2.0\" xmlns:media=\"http://search.yahoo.com/mrss/\"><channel><title>News</title><link>https://news.example.org/</link><description>d</description>")
	for _, e := range entries {
		// What looks like the end of an item must not be taken for it.
		fmt.Fprintf(&b, "\n  <item><title>%s</title><description><![CDATA[</item><item>%s]]></description><media:item/></item>", e, strings.Repeat("text ", 50))
	}
	return b.String() + "\n</channel></rss>\n"
}

func atom(entries ...string) string {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n<feed xmlns=\"http://www.w3.org/2005/Atom\" xmlns:at=\"http://purl.org/atompub/tombstones/1.0\"><title>News</title><id>tag:x</id>")
	for _, e := range entries {
		fmt.Fprintf(&b, "\n  <entry><title>%s</title><content type=\"html\">&lt;/entry></content></entry>\n  <at:deleted-entry ref=\"%s\"/>", e, strings.Fields(e)[0])
	}
	return b.String() + strings.Repeat(" ", 600) + "\n</feed>\n"
}

// TestDelta walks through the editions of a feed as a reader that asks for what is new (RFC 3229).
func TestDelta(t *testing.T) {
	t.Parallel()
	s := newFolder(t)
	for _, kind := range []struct {
		ext  string
		make func(...string) string
	}{{".rss", rss}, {".atom", atom}} {
		name := "feeds/delta" + kind.ext
		first := s.edition(name, kind.make("c", "b", "a"))
		second := s.edition(name, kind.make("d", "c", "b corrected", "a"))
		third := s.edition(name, kind.make("e", "d", "c", "b corrected"))
		tests := []struct {
			name   string   // number and why
			header []string // beside Accept-Encoding
			status int
			titles []string
		}{
			{"1 new entries", []string{"A-IM", "feed", "If-None-Match", second}, 226, []string{"e"}},
			{"2 new and changed ones, over two editions", []string{"A-IM", "feed", "If-None-Match", first}, 226, []string{"e", "d", "b corrected"}},
			{"3 the newest that the client has", []string{"A-IM", "feed", "If-None-Match", first + ", " + second}, 226, []string{"e"}},
			{"4 among other manipulations", []string{"A-IM", "vcdiff, Feed;q=0.5, gzip", "If-None-Match", second}, 226, []string{"e"}},
			{"5 a tag that a proxy made weak", []string{"A-IM", "feed", "If-None-Match", "W/" + second}, 226, []string{"e"}},
			{"6 nothing is new", []string{"A-IM", "feed", "If-None-Match", third}, 304, nil},
			{"7 a tag that nobody knows", []string{"A-IM", "feed", "If-None-Match", `"x"`}, 200, []string{"e", "d", "c", "b corrected"}},
			{"8 no tag", []string{"A-IM", "feed"}, 200, []string{"e", "d", "c", "b corrected"}},
			{"9 not asked for", []string{"If-None-Match", second}, 200, []string{"e", "d", "c", "b corrected"}},
			{"10 refused", []string{"A-IM", "feed;q=0", "If-None-Match", second}, 200, []string{"e", "d", "c", "b corrected"}},
			{"11 another manipulation", []string{"A-IM", "vcdiff", "If-None-Match", second}, 200, []string{"e", "d", "c", "b corrected"}},
		}
		for _, test := range tests {
			for _, coding := range []string{"", "gzip", "br"} {
				got := s.get("/"+name, append(test.header, "Accept-Encoding", coding)...)
				// The tags are those of the bytes as they are, so only these are unchanged.
				status := test.status
				if status == 304 && coding != "" {
					continue
				}
				if got.StatusCode != status || got.Header.Get("Content-Encoding") != coding && status != 304 {
					t.Errorf("%s, %s, coding %q: %d %q, want %d", test.name, kind.ext, coding, got.StatusCode, got.Header.Get("Content-Encoding"), status)
				}
				if titles := titles(t, got); !slices.Equal(titles, test.titles) {
					t.Errorf("%s, %s: the entries are %q, want %q", test.name, kind.ext, titles, test.titles)
				}
				if !strings.Contains(got.Header.Get("Vary"), "A-IM") {
					t.Errorf("%s: Vary: %s", test.name, got.Header.Get("Vary"))
				}
				if status == 226 {
					s.checkDelta(test.name, name, coding, got)
				}
			}
		}
	}
}

// edition puts a feed in place and gives its tag, as a reader gets both.
func (s *site) edition(name, text string) string {
	s.t.Helper()
	s.put(name, text)
	return s.get("/"+name, "Accept-Encoding", "identity").Header.Get("ETag")
}

// titles are those of the entries, as a feed reader finds them.
func titles(t *testing.T, a answer) (found []string) {
	t.Helper()
	if a.body == "" {
		return nil
	}
	f, err := gofeed.NewParser().ParseString(a.unpacked(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range f.Items {
		found = append(found, i.Title)
	}
	return found
}

// checkDelta: the answer names itself, its base and the edition that the client has then, and only caches that know may keep it.
func (s *site) checkDelta(test, name, coding string, got answer) {
	s.t.Helper()
	h := got.Header
	if h.Get("IM") != "feed" || h.Get("Cache-Control") != "no-store, im" || !regexp.MustCompile(`^"[^",]+"$`).MatchString(h.Get("Delta-Base")) ||
		h.Get("Last-Modified") == "" || h.Get("Access-Control-Allow-Origin") != "*" || got.ContentLength != int64(len(got.body)) {
		s.t.Errorf("%s: %v", test, h)
	}
	whole := s.get("/"+name, "Accept-Encoding", coding)
	if h.Get("ETag") != whole.Header.Get("ETag") || h.Get("ETag") == "" {
		s.t.Errorf("%s: the tag is %s, that of the whole %s", test, h.Get("ETag"), whole.Header.Get("ETag"))
	}
	if again := s.get("/"+name, "Accept-Encoding", coding, "A-IM", "feed", "If-None-Match", h.Get("ETag")); again.StatusCode != 304 {
		s.t.Errorf("%s: asked again with the new tag: %d", test, again.StatusCode)
	}
	if strings.Count(whole.unpacked(s.t), "deleted-entry") != strings.Count(got.unpacked(s.t), "deleted-entry") {
		s.t.Errorf("%s: tombstones are missing", test)
	}
	head := s.do("HEAD", "/"+name, "", "Accept-Encoding", coding, "A-IM", "feed", "If-None-Match", h.Get("Delta-Base"))
	if head.StatusCode != 226 || head.body != "" || head.ContentLength != got.ContentLength {
		s.t.Errorf("%s: HEAD: %d, %d bytes", test, head.StatusCode, head.ContentLength)
	}
}

// TestDeltaMemory: only so many editions are remembered; a client with an older one gets the whole.
func TestDeltaMemory(t *testing.T) {
	t.Parallel()
	s := newFolder(t)
	var tags []string
	for i := range 40 {
		tags = append(tags, s.edition("feeds/delta.rss", rss(fmt.Sprint(i), "a")))
	}
	for i, want := range map[int]int{0: 200, 5: 200, 38: 226, 20: 226} {
		if got := s.get("/feeds/delta.rss", "A-IM", "feed", "If-None-Match", tags[i]); got.StatusCode != want {
			t.Errorf("edition %d: %d, want %d", i, got.StatusCode, want)
		}
	}
}

// FuzzDelta: whatever a feed's file holds, the server answers, and what it leaves out of well-formed XML leaves that so.
func FuzzDelta(f *testing.F) {
	s := newFolder(f)
	for _, seed := range []string{rss("a", "b"), atom("a", "b"), "<rss><channel><item></rss>", "</item>", "<feed><entry/></feed>", "<rss><channel><item/><item></channel>", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s.t = t
		tag := s.edition("feeds/fuzz.rss", text)
		s.edition("feeds/fuzz.rss", text+"<!-- -->")
		got := s.get("/feeds/fuzz.rss", "A-IM", "feed", "If-None-Match", tag)
		if got.StatusCode != 200 && got.StatusCode != 226 {
			t.Errorf("%d for %q", got.StatusCode, text)
		}
		if !strings.HasSuffix(got.body, "<!-- -->") {
			t.Errorf("%d %q", got.StatusCode, got.body)
		}
	})
}

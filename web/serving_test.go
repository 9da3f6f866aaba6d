package web_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/andybalholm/brotli"

	"tidings/internal/db"
	"tidings/items"
)

// hub is what a live feed says of its hub.
func hub(path string) string {
	return `<https://hub.example/>; rel="hub", <https://news.example.org` + path + `>; rel="self"`
}

// request is one that any server of the publish folder must answer in the same way.
type request struct {
	name, method, path string   // number and why
	header             []string // key, value, …; the value ETAG stands for the tag of the answer without that header
	status             int
	want               map[string]string // headers; "" for none
}

// want makes the map of a request.
func want(pairs ...string) map[string]string {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return m
}

const (
	feedVary  = "Accept-Encoding, Sec-Fetch-Dest"
	feedCache = "max-age=60, must-revalidate"
)

// requests are asked of the built-in server, and of those that docs/serving has files for. They find what fixtures made.
var requests = []request{
	{"1 RSS", "GET", "/feeds/news.rss", nil, 200, want("Link", hub("/feeds/news.rss"), "Content-Type", "application/rss+xml; charset=utf-8", "Cache-Control", feedCache,
		"Vary", feedVary, "Access-Control-Allow-Origin", "*", "Content-Encoding", "", "Accept-Ranges", "bytes")},
	{"2 Atom", "GET", "/feeds/news.atom", nil, 200, want("Link", hub("/feeds/news.atom"), "Content-Type", "application/atom+xml; charset=utf-8", "Cache-Control", feedCache, "Vary", feedVary)},
	{"3 JSON Feed", "GET", "/feeds/news.json", nil, 200, want("Link", hub("/feeds/news.json"), "Content-Type", "application/feed+json; charset=utf-8", "Cache-Control", feedCache, "Vary", feedVary)},
	{"4 the calendar", "GET", "/feeds/events.ics", nil, 200, want("Link", "", "Content-Type", "text/calendar; charset=utf-8", "Cache-Control", feedCache, "Vary", "Accept-Encoding", "Access-Control-Allow-Origin", "*")},
	{"5 the list of feeds", "GET", "/feeds.opml", nil, 200, want("Content-Type", "text/x-opml; charset=utf-8", "Cache-Control", feedCache, "Vary", "Accept-Encoding", "Access-Control-Allow-Origin", "*")},
	{"6 a month, which may be open still", "GET", "/feeds/news/archive/2016-12.atom", nil, 200, want("Link", "", "Content-Type", "application/atom+xml; charset=utf-8", "Cache-Control", feedCache, "Vary", feedVary)},
	{"7 a page", "GET", "/", nil, 200, want("Link", "", "Content-Type", "text/html; charset=utf-8", "Cache-Control", "max-age=60", "Vary", "Accept-Encoding", "Access-Control-Allow-Origin", "")},
	{"8 a story", "GET", "/news/little-light-against-the-dark/", nil, 200, want("Content-Type", "text/html; charset=utf-8", "Cache-Control", "max-age=60")},
	{"9 the stylesheet", "GET", "/style.css", nil, 200, want("Content-Type", "text/css; charset=utf-8", "Cache-Control", "max-age=60", "Vary", "Accept-Encoding")},
	{"10 a picture: its name says what is in it", "GET", "/media/0123456789ab-light.png", nil, 200, want("Content-Type", "image/png", "Cache-Control", "max-age=31536000, immutable", "Vary", "", "Content-Encoding", "")},
	{"11 a document", "GET", "/media/0123456789ab-plan.pdf", nil, 200, want("Content-Type", "application/pdf", "Vary", "")},
	{"12 a name that says nothing", "GET", "/media/logo.png", nil, 200, want("Cache-Control", "max-age=60")},
	{"13 a type that nobody knows is not guessed", "GET", "/media/0123456789ab-page.xyzzy", nil, 200, want("Content-Type", "application/octet-stream")},
	{"14 the page of a topic called archive", "GET", "/feeds/topics/archive/", nil, 200, want("Content-Type", "text/html; charset=utf-8", "Cache-Control", "max-age=60")},

	{"20 the feed compressed", "GET", "/feeds/news.rss", []string{"Accept-Encoding", "gzip"}, 200, want("Content-Encoding", "gzip", "Content-Type", "application/rss+xml; charset=utf-8", "Vary", feedVary)},
	{"21 smaller still", "GET", "/feeds/news.rss", []string{"Accept-Encoding", "gzip, deflate, br"}, 200, want("Content-Encoding", "br", "Content-Type", "application/rss+xml; charset=utf-8", "Vary", feedVary)},
	{"22 refused", "GET", "/feeds/news.rss", []string{"Accept-Encoding", "gzip;q=0"}, 200, want("Content-Encoding", "", "Vary", feedVary)},
	{"23 nothing that is known", "GET", "/feeds/news.rss", []string{"Accept-Encoding", "zstd, deflate"}, 200, want("Content-Encoding", "", "Vary", feedVary)},
	{"24 a page is compressed as it is served", "GET", "/", []string{"Accept-Encoding", "gzip"}, 200, want("Content-Encoding", "gzip", "Vary", "Accept-Encoding")},
	{"25 a picture is not", "GET", "/media/0123456789ab-light.png", []string{"Accept-Encoding", "gzip"}, 200, want("Content-Encoding", "", "Vary", "")},
	{"26 nor a short file", "GET", "/short.txt", []string{"Accept-Encoding", "gzip"}, 200, want("Content-Encoding", "", "Content-Type", "text/plain; charset=utf-8")},

	{"30 unchanged", "GET", "/feeds/news.rss", []string{"If-None-Match", "ETAG"}, 304, want("Link", hub("/feeds/news.rss"), "Vary", feedVary, "Cache-Control", feedCache, "Access-Control-Allow-Origin", "*")},
	{"31 unchanged, compressed", "GET", "/feeds/news.rss", []string{"Accept-Encoding", "gzip", "If-None-Match", "ETAG"}, 304, want("Vary", feedVary)},
	{"32 one of several", "GET", "/feeds/news.rss", []string{"If-None-Match", `"x", ETAG, W/"y"`}, 304, nil},
	{"33 a weak tag is as good here (RFC 9110 §13.1.2)", "GET", "/feeds/news.rss", []string{"If-None-Match", `W/ETAG`}, 304, nil},
	{"34 anything", "GET", "/feeds/news.rss", []string{"If-None-Match", "*"}, 304, nil},
	{"35 another tag", "GET", "/feeds/news.rss", []string{"If-None-Match", `"x"`}, 200, nil},
	{"36 by date", "GET", "/feeds/news.rss", []string{"If-Modified-Since", "Sun, 01 Jan 2017 00:00:00 GMT"}, 304, nil},
	{"37 changed since", "GET", "/feeds/news.rss", []string{"If-Modified-Since", "Fri, 01 Jan 2010 00:00:00 GMT"}, 200, nil},
	{"38 the tag outweighs the date", "GET", "/feeds/news.rss", []string{"If-None-Match", `"x"`, "If-Modified-Since", "Sun, 01 Jan 2017 00:00:00 GMT"}, 200, nil},
	{"45 a page unchanged", "GET", "/", []string{"If-None-Match", "ETAG"}, 304, want("Vary", "Accept-Encoding")},
	{"46 a page unchanged, compressed", "GET", "/", []string{"Accept-Encoding", "gzip", "If-None-Match", "ETAG"}, 304, want("Vary", "Accept-Encoding")},
	{"47 a month unchanged, compressed", "GET", "/feeds/news/archive/2016-12.atom", []string{"Accept-Encoding", "gzip", "If-None-Match", "ETAG"}, 304, want("Vary", feedVary)},
	{"48 one of several, compressed", "GET", "/", []string{"Accept-Encoding", "gzip", "If-None-Match", `"x", ETAG, "y-gzip"`}, 304, nil},
	{"39 HEAD", "HEAD", "/feeds/news.rss", nil, 200, want("Content-Type", "application/rss+xml; charset=utf-8", "Vary", feedVary)},
	{"40 a part", "GET", "/media/0123456789ab-light.png", []string{"Range", "bytes=10-19"}, 206, want("Content-Range", "bytes 10-19/3000", "Content-Length", "10")},
	{"41 the end", "GET", "/media/0123456789ab-light.png", []string{"Range", "bytes=-5"}, 206, want("Content-Range", "bytes 2995-2999/3000")},
	{"42 the rest of what was begun", "GET", "/media/0123456789ab-light.png", []string{"Range", "bytes=10-", "If-Range", "ETAG"}, 206, want("Content-Length", "2990")},
	{"43 it changed meanwhile", "GET", "/media/0123456789ab-light.png", []string{"Range", "bytes=10-", "If-Range", `"x"`}, 200, want("Content-Length", "3000")},
	{"44 more than there is", "GET", "/media/0123456789ab-light.png", []string{"Range", "bytes=3000-"}, 416, want("Content-Range", "bytes */3000")},

	{"50 a person follows a link to a feed", "GET", "/feeds/news.rss", []string{"Sec-Fetch-Dest", "document"}, 200, want("Link", "", "Content-Type", "text/html; charset=utf-8", "Vary", feedVary, "Cache-Control", "max-age=60")},
	{"51 to any format", "GET", "/feeds/news.json", []string{"Sec-Fetch-Dest", "document"}, 200, want("Content-Type", "text/html; charset=utf-8", "Vary", feedVary)},
	{"52 a script reads it", "GET", "/feeds/news.rss", []string{"Sec-Fetch-Dest", "empty"}, 200, want("Content-Type", "application/rss+xml; charset=utf-8", "Vary", feedVary)},
	{"53 there is no such page", "GET", "/feeds/lonely.atom", []string{"Sec-Fetch-Dest", "document"}, 200, want("Link", hub("/feeds/lonely.atom"), "Content-Type", "application/atom+xml; charset=utf-8", "Vary", feedVary)},
	{"54 nor such a feed", "GET", "/feeds/nothing.rss", []string{"Sec-Fetch-Dest", "document"}, 404, nil},
	{"55 its own address", "GET", "/feeds/news/", nil, 200, want("Content-Type", "text/html; charset=utf-8", "Vary", "Accept-Encoding")},
	{"56 a calendar is no page", "GET", "/feeds/events.ics", []string{"Sec-Fetch-Dest", "document"}, 200, want("Content-Type", "text/calendar; charset=utf-8")},

	{"57 the feed's address in another spelling", "GET", "/feeds/news%2Erss", []string{"Sec-Fetch-Dest", "document"}, 200, want("Content-Type", "text/html; charset=utf-8", "Vary", feedVary, "Access-Control-Allow-Origin", "*")},
	{"58 to a script", "GET", "/%66eeds/news.rss", nil, 200, want("Content-Type", "application/rss+xml; charset=utf-8", "Vary", feedVary, "Access-Control-Allow-Origin", "*")},
	{"59 a feed that is missing: the script may know", "GET", "/feeds/nothing.json", nil, 404, want("Link", "", "Access-Control-Allow-Origin", "*")},

	{"60 no such page", "GET", "/nothing", nil, 404, want("Content-Type", "text/html; charset=utf-8", "Cache-Control", "no-cache")},
	{"61 no such story", "GET", "/news/nothing/", nil, 404, want("Content-Type", "text/html; charset=utf-8", "Cache-Control", "no-cache")},
	{"62 the page that says so is not a page", "GET", "/404.html", nil, 404, nil},
	{"63 erased", "GET", "/news/erased/", nil, 410, want("Content-Type", "text/html; charset=utf-8", "Cache-Control", "no-cache")},
	{"64 with all that was there", "GET", "/news/erased/event.ics", nil, 410, want("Content-Type", "text/html; charset=utf-8")},
	{"65 by the name of the page", "GET", "/news/erased/index.html", nil, 410, nil},
	{"66 the page that says so is not a page", "GET", "/gone.html", nil, 404, nil},
	{"67 without slash", "GET", "/news/erased", nil, 410, want("Content-Type", "text/html; charset=utf-8")},
	{"68 a story without slash", "GET", "/news/little-light-against-the-dark", nil, 301, want("Location", "/news/little-light-against-the-dark/")},
	{"69 a folder without a page is not listed", "GET", "/media/", nil, 404, want("Content-Type", "text/html; charset=utf-8")},
	{"70 hidden", "GET", "/.htpasswd", nil, 404, want("Content-Type", "text/html; charset=utf-8")},
	{"71 in a hidden folder", "GET", "/feeds/.git/config", nil, 404, nil},
	{"72 a file is no folder", "GET", "/feeds/news.rss/", nil, 404, nil},
	{"73 HEAD of what is not there", "HEAD", "/nothing", nil, 404, nil},

	{"80 a browser asks whether a script may ask for a feed", "OPTIONS", "/feeds/news.rss", []string{"Origin", "https://reader.example", "Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", "a-im,if-none-match"},
		204, want("Access-Control-Allow-Origin", "*", "Access-Control-Allow-Methods", "GET, HEAD, OPTIONS", "Access-Control-Allow-Headers", "A-IM, Cache-Control, If-Modified-Since, If-None-Match, Range", "Access-Control-Max-Age", "86400")},
	{"81 and the list of feeds", "OPTIONS", "/feeds.opml", nil, 204, want("Access-Control-Allow-Origin", "*")},
	{"82 pages are none of other sites' business", "OPTIONS", "/", nil, 405, want("Allow", "GET, HEAD", "Access-Control-Allow-Origin", "")},
	{"83 nothing can be posted", "POST", "/", nil, 405, want("Allow", "GET, HEAD")},
	{"84 nor deleted; feeds allow more", "DELETE", "/feeds/news.rss", nil, 405, want("Allow", "GET, HEAD, OPTIONS")},
}

// old is when the fixtures were written.
var old = time.Date(2016, 12, 20, 12, 0, 0, 0, time.UTC)

// fixtures adds to the publish folder what a newsroom with some history has.
func (s *site) fixtures() {
	s.t.Helper()
	page := "<!DOCTYPE html><title>%s</title><p>" + strings.Repeat("How to subscribe to this feed. ", 40)
	s.put("feeds/news/index.html", fmt.Sprintf(page, "The landing page"))
	s.put("feeds/topics/archive/index.html", fmt.Sprintf(page, "The page of a topic"))
	s.put("feeds/events.ics", "BEGIN:VCALENDAR\r\n"+strings.Repeat("X-NOTHING:1\r\n", 60)+"END:VCALENDAR\r\n")
	s.put("feeds.opml", "<opml>"+strings.Repeat("<outline/>", 80)+"</opml>")
	s.put("feeds/news/archive/2016-12.atom", "<feed>"+strings.Repeat("<entry/>", 80)+"</feed>")
	s.put("feeds/lonely.atom", "<feed>"+strings.Repeat("<entry/>", 80)+"</feed>")
	s.put("404.html", fmt.Sprintf(page, "Not here"))
	s.put("gone.html", fmt.Sprintf(page, "Gone"))
	s.Config.Feeds.Hub = "https://hub.example/"
	s.erase("erased")
	s.put("media/0123456789ab-light.png", strings.Repeat("0123456789", 300))
	s.put("media/0123456789ab-plan.pdf", strings.Repeat("0123456789", 300))
	s.put("media/0123456789ab-page.xyzzy", "<html><script>alert(1)</script>")
	s.put("media/logo.png", "x")
	s.put("short.txt", "x")
	s.put(".htpasswd", "hush-hush")
	s.put("feeds/.git/config", "hush-hush")
	for _, name := range []string{"feeds/news.rss", "feeds/news.atom", "feeds/news.json"} {
		s.put(name, s.file(name)) // for the time
		s.siblings(name)
	}
}

// erase makes the newsroom remember stories of these slugs as erased.
func (s *site) erase(slugs ...string) {
	s.t.Helper()
	d, err := db.Open(s.t.Context(), s.Config.Database)
	if err != nil {
		s.t.Fatal(err)
	}
	defer d.Close()
	for _, slug := range slugs {
		if _, err := d.ExecContext(s.t.Context(), `INSERT INTO story_slugs (slug, story) VALUES ($1, 'tag:x')`, items.Veil(slug)); err != nil {
			s.t.Fatal(err)
		}
	}
}

// put writes a file of the publish folder, dated in the past.
func (s *site) put(name, text string) {
	s.t.Helper()
	path := filepath.Join(s.Config.Publish, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path+".new", []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Chtimes(path+".new", old, old); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) file(name string) string {
	s.t.Helper()
	b, err := os.ReadFile(filepath.Join(s.Config.Publish, filepath.FromSlash(name)))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(b)
}

// siblings makes the compressed forms of a file, as publishing does.
func (s *site) siblings(name string) {
	text := []byte(s.file(name))
	s.put(name+".gz", packed(text, func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }))
	s.put(name+".br", packed(text, func(w io.Writer) io.WriteCloser { return brotli.NewWriterLevel(w, 3) }))
}

func packed(b []byte, to func(io.Writer) io.WriteCloser) string {
	var out bytes.Buffer
	w := to(&out)
	_, _ = w.Write(b)
	_ = w.Close()
	return out.String()
}

// unpacked gives the body as it was before it was compressed.
func (a answer) unpacked(t testing.TB) string {
	t.Helper()
	var r io.Reader = strings.NewReader(a.body)
	switch a.Header.Get("Content-Encoding") {
	case "gzip":
		z, err := gzip.NewReader(r)
		if err != nil {
			t.Fatal(err)
		}
		r = z
	case "br":
		r = brotli.NewReader(r)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// server is where requests go to.
type server struct {
	t   testing.TB
	url string
}

// answer asks, with the tag of an earlier answer if one is needed. Nothing is asked for that the request does not ask for.
func (s server) answer(r request) answer {
	s.t.Helper()
	header, tagged := http.Header{"Accept-Encoding": nil}, ""
	for i := 0; i < len(r.header); i += 2 {
		if strings.Contains(r.header[i+1], "ETAG") {
			tagged = r.header[i]
		}
		header.Set(r.header[i], r.header[i+1])
	}
	if tagged != "" {
		plain := header.Clone()
		plain.Del(tagged)
		plain.Del("Range")
		tag := s.ask(r.method, r.path, plain).Header.Get("ETag")
		if tag == "" {
			s.t.Fatalf("%s: no ETag", r.name)
		}
		header.Set(tagged, strings.ReplaceAll(header.Get(tagged), "ETAG", tag))
	}
	return s.ask(r.method, r.path, header)
}

func (s server) ask(method, path string, header http.Header) answer {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, http.NoBody)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header = header
	res, err := bare.RoundTrip(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{res, string(b)}
}

// bare adds nothing to a request, and takes nothing from an answer.
var bare = &http.Transport{DisableCompression: true}

// TestServing: every request gets the status and the headers that the table says, and the bytes of the file.
func TestServing(t *testing.T) {
	t.Parallel()
	s := newSite(t, "https://news.example.org/")
	s.fixtures()
	s.guards(s.srv.URL)
	for _, r := range requests {
		got := server{t, s.srv.URL}.answer(r)
		if got.StatusCode != r.status {
			t.Errorf("%s: %d, want %d", r.name, got.StatusCode, r.status)
		}
		for key, value := range r.want {
			if have := header(got, key); have != value {
				t.Errorf("%s: %s is %q, want %q", r.name, key, have, value)
			}
		}
		if strings.Contains(got.body, "hush-hush") {
			t.Errorf("%s: it shows what is hidden", r.name)
		}
		if got.StatusCode == 200 && r.method == "GET" {
			s.whole(r, got)
		}
	}
}

// whole checks an answer that carries a whole file: its validators, and its bytes.
func (s *site) whole(r request, got answer) {
	s.t.Helper()
	if tag := got.Header.Get("ETag"); len(tag) < 10 || !strings.HasPrefix(tag, `"`) {
		s.t.Errorf("%s: no strong ETag, but %q", r.name, tag)
	}
	if got.ContentLength != int64(len(got.body)) {
		s.t.Errorf("%s: the length is %d, and %d bytes came", r.name, got.ContentLength, len(got.body))
	}
	name := strings.TrimPrefix(r.path, "/")
	if name == "" || strings.HasSuffix(name, "/") {
		name += "index.html"
	}
	if strings.HasPrefix(got.Header.Get("Content-Type"), "text/html") && !strings.HasSuffix(name, ".html") {
		name = "feeds/news/index.html"
	}
	name, err := url.PathUnescape(name)
	if err != nil {
		s.t.Fatal(err)
	}
	if got.unpacked(s.t) != s.file(name) {
		s.t.Errorf("%s: these are not the bytes of %s", r.name, name)
	}
}

// header gives a header in a form that can be compared: fields that come in any order and case are sorted, and locations are whole.
func header(a answer, key string) string {
	switch key {
	case "Vary":
		fields := map[string]bool{}
		for _, line := range a.Header.Values(key) {
			for field := range strings.SplitSeq(line, ",") {
				fields[http.CanonicalHeaderKey(strings.TrimSpace(field))] = true
			}
		}
		delete(fields, "A-Im") // only the built-in server gives feeds in parts
		var sorted []string
		for field := range fields {
			sorted = append(sorted, field)
		}
		slices.Sort(sorted)
		return strings.Join(sorted, ", ")
	case "Location":
		if to := a.Header.Get(key); to != "" {
			u, err := a.Request.URL.Parse(to)
			if err != nil {
				return err.Error()
			}
			return (&url.URL{Path: u.Path}).String()
		}
	case "Content-Security-Policy": // the built-in server knows the address of the stylesheet
		return strings.Replace(a.Header.Get(key), "https://news.example.org/style.css ", "", 1)
	}
	// nginx says some things twice, and Apache adds an empty line: both mean the same as one.
	return strings.Join(slices.DeleteFunc(slices.Compact(slices.Clone(a.Header.Values(key))), func(v string) bool { return v == "" }), ", ")
}

// TestCodings: what the client asks for decides, and no answer can be taken for another.
func TestCodings(t *testing.T) {
	t.Parallel()
	s := newSite(t, "https://news.example.org/")
	s.fixtures()
	tests := []struct{ name, accept, want string }{ // number and why
		{"1 nothing said", "", ""},
		{"2 gzip", "gzip", "gzip"},
		{"3 its old name", "x-gzip", "gzip"},
		{"4 the smaller of two", "gzip, br", "br"},
		{"5 what is liked better", "br;q=0.5, gzip;q=0.8", "gzip"},
		{"6 spaces and capitals", " GZIP ; Q=0.3 , identity;q=0.1", "gzip"},
		{"7 not that one", "br;q=0, gzip", "gzip"},
		{"8 anything", "*", "br"},
		{"9 anything but one", "*, br;q=0", "gzip"},
		{"10 none of them", "br;q=0, gzip;q=0.0, *;q=0", ""},
		{"11 the bytes as they are are liked better", "identity, gzip;q=0.5", ""},
		{"12 a compressed form before anything else", "identity;q=0, gzip;q=0.001", "gzip"},
		{"13 no number", "gzip;q=x", ""},
		{"14 what nobody has", "zstd", ""},
		{"15 commas only", ",,", ""},
	}
	seen := map[string]string{}
	for _, test := range tests {
		got := s.get("/feeds/news.rss", "Accept-Encoding", test.accept)
		coding := got.Header.Get("Content-Encoding")
		if coding != test.want {
			t.Errorf("%s: %q, want %q", test.name, coding, test.want)
		}
		if tag := got.Header.Get("ETag"); seen[tag] == "" {
			seen[tag] = got.body
		} else if seen[tag] != got.body {
			t.Errorf("%s: the tag %s stands for other bytes too", test.name, tag)
		}
	}
	if len(seen) != 3 {
		t.Errorf("%d forms have %d tags", 3, len(seen))
	}
	if got := s.get("/feeds/news.rss", "Accept-Encoding", "br").body; got != s.file("feeds/news.rss.br") {
		t.Error("the sibling is not what is sent")
	}
}

// TestSiblings: a compressed sibling is sent only if it is the file; otherwise the server compresses by itself.
func TestSiblings(t *testing.T) {
	t.Parallel()
	s := newSite(t, "https://news.example.org/")
	s.fixtures()
	const name = "feeds/news.rss"
	other := packed([]byte(strings.Repeat("an older edition ", 100)), func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) })
	tests := []struct{ name, sibling string }{ // number and why
		{"1 of another edition, though of the same time", other},
		{"2 broken", "not gzip at all"},
		{"3 cut short", s.file(name + ".gz")[:200]},
		{"4 with something added", packed([]byte(s.file(name)+"x"), func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) })},
		{"5 empty", ""},
	}
	for i, test := range tests {
		s.put(name+".gz", test.sibling)
		s.put(name, strings.Replace(s.file(name), "</channel>", fmt.Sprintf("<!-- %d --></channel>", i), 1))
		got := s.get("/"+name, "Accept-Encoding", "gzip")
		if got.Header.Get("Content-Encoding") != "gzip" || got.unpacked(t) != s.file(name) {
			t.Errorf("%s: it is sent", test.name)
		}
	}
}

// TestTags: a tag lives as long as the bytes, whatever happens to the file, and not longer.
func TestTags(t *testing.T) {
	t.Parallel()
	s := newFolder(t)
	const name, text = "page.html", "<p>one"
	s.put(name, text)
	tag := s.get("/" + name).Header.Get("ETag")
	steps := []struct {
		name, text string // number and why
		at         time.Time
		status     int
	}{
		{"1 nothing happened", text, old, 304},
		{"2 written again, as it was", text, old.Add(time.Hour), 304},
		{"3 other bytes of the same size and time", "<p>two", old.Add(time.Hour), 200},
		{"4 and the first again: a backup was restored", text, old, 304},
	}
	for _, step := range steps {
		s.put(name, step.text)
		path := filepath.Join(s.Config.Publish, name)
		if err := os.Chtimes(path, step.at, step.at); err != nil {
			t.Fatal(err)
		}
		got := s.get("/"+name, "If-None-Match", tag)
		if got.StatusCode != step.status || step.status == 200 && got.body != step.text {
			t.Errorf("%s: %d %q", step.name, got.StatusCode, got.body)
		}
	}
	if err := os.Remove(filepath.Join(s.Config.Publish, name)); err != nil {
		t.Fatal(err)
	}
	if got := s.get("/"+name, "If-None-Match", tag); got.StatusCode != 404 {
		t.Errorf("5 taken back: %d", got.StatusCode)
	}
}

// TestLook: a file that is asked for all the time is looked at every two milliseconds, and then the answer is the new one, or that it is
// gone.
func TestLook(t *testing.T) {
	t.Parallel()
	s := newFolder(t)
	var now atomic.Int64 // milliseconds since monday
	s.web.Now = func() time.Time { return monday.Add(time.Duration(now.Load()) * time.Millisecond) }
	s.srv.Config.Handler = s.web.Handler()
	const name = "feeds/news.rss"
	for _, step := range []struct {
		at     int64
		text   string // that is put there; "" takes the file away
		status int
		want   string
	}{
		{0, "one", 200, "one"},
		{1, "the second", 200, "one"},
		{2, "the third one", 200, "the third one"},
		{10_000, "three", 200, "three"},
		{9_000, "four", 200, "four"}, // the clock was put back
		{9_001, "", 200, "four"},
		{9_002, "", 404, "Not here"},
	} {
		now.Store(step.at)
		if s.put(name, step.text); step.text == "" {
			if err := os.Remove(filepath.Join(s.Config.Publish, name)); err != nil {
				t.Fatal(err)
			}
		}
		if got := s.get("/" + name); got.StatusCode != step.status || got.body != step.want {
			t.Errorf("at %d ms: %d %q, want %d %q", step.at, got.StatusCode, got.body, step.status, step.want)
		}
	}
}

// TestLargeFile: a file that is too large to be kept in memory is served just the same.
func TestLargeFile(t *testing.T) {
	t.Parallel()
	s := newFolder(t)
	text := strings.Repeat("0123456789abcdef", 600_000) // 9.6 MB
	s.put("media/0123456789ab-film.mp4", text)
	whole := s.get("/media/0123456789ab-film.mp4", "Accept-Encoding", "gzip")
	if whole.body != text || whole.Header.Get("Content-Type") != "video/mp4" || whole.Header.Get("Content-Encoding") != "" {
		t.Errorf("%d bytes came, %v", len(whole.body), whole.Header)
	}
	tag := whole.Header.Get("ETag")
	if got := s.get("/media/0123456789ab-film.mp4", "If-None-Match", tag); got.StatusCode != 304 {
		t.Errorf("unchanged: %d", got.StatusCode)
	}
	got := s.get("/media/0123456789ab-film.mp4", "Range", "bytes=9000000-9000015,16-31", "If-Range", tag)
	if got.StatusCode != 206 || strings.Count(got.body, "0123456789abcdef") != 2 || !strings.HasPrefix(got.Header.Get("Content-Type"), "multipart/byteranges") {
		t.Errorf("parts: %d %q", got.StatusCode, got.body)
	}
	s.put("media/0123456789ab-film.mp4", text[1:])
	if got := s.get("/media/0123456789ab-film.mp4", "If-None-Match", tag); got.StatusCode != 200 || got.body != text[1:] {
		t.Errorf("changed: %d with %d bytes", got.StatusCode, len(got.body))
	}
}

// TestKept: what is kept in memory has a bound, compressed forms and all. It does not run beside others, for it weighs the heap.
func TestKept(t *testing.T) {
	const size, names, bound = 2 << 20, 40, 64 << 20
	noise := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise[:size-size/16]) // what is left compresses: each form is nearly as long as the file
	for _, ext := range []string{".txt", ".bin"} {
		s := newFolder(t)
		s.put("0"+ext, string(noise))
		s.siblings("0" + ext)
		before := heap()
		for i := range names {
			name := fmt.Sprint(i, ext)
			if i > 0 {
				s.link("0"+ext, name)
			}
			for _, coding := range []string{"gzip", "br"} {
				if got := s.do("HEAD", "/"+name, "", "Accept-Encoding", coding); got.StatusCode != 200 {
					t.Fatalf("%s: %d", name, got.StatusCode)
				}
			}
		}
		if kept := heap() - before; kept < bound/2 || kept > bound+bound/8 {
			t.Errorf("%s: of %d MB, %d MB are kept", ext, names*size>>20, kept>>20)
		}
		if got := s.get("/0" + ext); got.body != string(noise) {
			t.Errorf("%s: the first one cannot be had any more", ext)
		}
	}
}

// heap gives how many bytes are in use.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// link gives a file and its siblings another name.
func (s *site) link(name, other string) {
	s.t.Helper()
	for _, ext := range []string{"", ".gz", ".br"} {
		if err := os.Link(filepath.Join(s.Config.Publish, name+ext), filepath.Join(s.Config.Publish, other+ext)); err != nil {
			s.t.Fatal(err)
		}
	}
}

// TestIncompressible: what compressing would make longer is sent as it is.
func TestIncompressible(t *testing.T) {
	t.Parallel()
	s := newFolder(t)
	noise := make([]byte, 4<<10)
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise)
	s.put("noise.txt", string(noise))
	for _, coding := range []string{"gzip", "br"} {
		if got := s.get("/noise.txt", "Accept-Encoding", coding); got.Header.Get("Content-Encoding") != "" || got.body != string(noise) {
			t.Errorf("%s: %d bytes, %v", coding, len(got.body), got.Header)
		}
	}
}

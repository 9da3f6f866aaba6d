package web_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tidings"
	"tidings/config"
	"tidings/newsroom"
	"tidings/subscribers"
	"tidings/templates"
	"tidings/web"
)

// monday is after all of the sample's stories.
var monday = time.Date(2016, 12, 19, 9, 0, 0, 0, time.UTC)

// site is the sample newsroom, published and served.
type site struct {
	*newsroom.Newsroom
	web *web.Server
	srv *httptest.Server
	t   testing.TB

	clock atomic.Int64 // seconds since monday
}

// now is a second later each time: whatever a test did, the next request finds it.
func (s *site) now() time.Time { return monday.Add(time.Duration(s.clock.Add(1)) * time.Second) }

// newSite serves the sample newsroom at the path of url in tidings.yaml.
func newSite(t testing.TB, url string) *site {
	t.Helper()
	sample, err := fs.Sub(tidings.Sample, "testdata/newsroom")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, sample); err != nil {
		t.Fatal(err)
	}
	shrink(t, dir)
	file := filepath.Join(dir, "tidings.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(string(text), "https://news.example.org/", url, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	n, err := newsroom.Open(t.Context(), dir, newsroom.Outside{Now: func() time.Time { return monday }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := &site{Newsroom: n, t: t}
	s.web = &web.Server{Newsroom: n, Log: slog.New(slog.DiscardHandler), Now: s.now}
	s.srv = httptest.NewServer(s.web.Handler())
	t.Cleanup(func() {
		s.srv.Close()
		n.Close()
	})
	return s
}

// newFolder serves a publish folder that holds nothing but a page for what is missing; there is no newsroom behind it.
func newFolder(t testing.TB) *site {
	t.Helper()
	s := &site{t: t, Newsroom: &newsroom.Newsroom{Config: &config.Config{Publish: t.TempDir(), URL: "https://news.example.org/"}}}
	s.web = &web.Server{Newsroom: s.Newsroom, Log: slog.New(slog.DiscardHandler), Now: s.now}
	s.srv = httptest.NewServer(s.web.Handler())
	t.Cleanup(s.srv.Close)
	s.put("404.html", "Not here")
	return s
}

// shrink makes the sample's pictures tiny: scaling them is not what is tested here.
func shrink(t testing.TB, dir string) {
	t.Helper()
	var tiny bytes.Buffer
	if err := png.Encode(&tiny, image.NewGray(image.Rect(0, 0, 4, 3))); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(filepath.Join(dir, "items"), func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".png" {
			return err
		}
		return os.WriteFile(path, tiny.Bytes(), 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// answer is what came back, with the body read.
type answer struct {
	*http.Response
	body string
}

// do asks without following redirects; header is key, value, key, value.
func (s *site) do(method, path, body string, header ...string) answer {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.srv.URL, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	path, query, _ := strings.Cut(path, "?")
	plain, err := url.PathUnescape(path)
	if err != nil {
		s.t.Fatal(err)
	}
	req.URL.Path, req.URL.RawPath, req.URL.RawQuery = plain, path, query // as it is: not cleaned
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(req)
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

func (s *site) get(path string, header ...string) answer { return s.do("GET", path, "", header...) }

// add subscribes someone and gives the path of their link.
func (s *site) add(email, language string) string {
	s.t.Helper()
	r, err := s.Subscribers.Add(s.t.Context(), subscribers.Subscriber{Email: email, Language: language, Newsletters: []string{"weekly"}}, "a test", monday)
	if err != nil {
		s.t.Fatal(err)
	}
	return "/-/u/" + s.Keys.Unsubscribe("weekly", r.ID)
}

func (s *site) write(path, content string) {
	s.t.Helper()
	path = filepath.Join(s.Config.Dir, path)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o644)); err != nil {
		s.t.Fatal(err)
	}
}

func TestSite(t *testing.T) {
	t.Parallel()
	s := newSite(t, "https://news.example.org/")
	s.write("public/.htpasswd", "hush-hush")
	s.write("public/.git/config", "hush-hush")
	s.write("public/empty/x.txt", "x")
	s.write("state/x.txt", "hush-hush")
	if err := os.Symlink("../state/x.txt", filepath.Join(s.Config.Publish, "link.txt")); err != nil {
		t.Fatal(err)
	}
	const story = "/news/little-light-against-the-dark"
	tests := []struct {
		name, method, path string // number and why
		status             int
		kind               string // Content-Type
		holds              string
	}{
		{"1 the index", "GET", "/", 200, "text/html; charset=utf-8", "A little light against the dark"},
		{"2 a story", "GET", story + "/", 200, "text/html; charset=utf-8", "Diwali"},
		{"3 a folder has a slash", "GET", story, 301, "", ""},
		{"4 RSS", "GET", "/feeds/news.rss", 200, "application/rss+xml; charset=utf-8", "<rss "},
		{"5 Atom", "GET", "/feeds/news.atom", 200, "application/atom+xml; charset=utf-8", "<feed "},
		{"6 JSON Feed", "GET", "/feeds/news.json", 200, "application/feed+json; charset=utf-8", "jsonfeed.org"},
		{"7 a topic's feed", "GET", "/feeds/topics/calais.atom", 200, "application/atom+xml; charset=utf-8", "Calais"},
		{"8 the stylesheet", "GET", "/style.css", 200, "text/css; charset=utf-8", "{"},
		{"9 no such page: a page that says so", "GET", "/nothing", 404, "text/html; charset=utf-8", "IOM UK News"},
		{"10 no listing", "GET", "/media/", 404, "text/html; charset=utf-8", ""},
		{"11 nor of a folder that holds files of somebody else", "GET", "/empty/", 404, "text/html; charset=utf-8", ""},
		{"12 hidden files stay hidden", "GET", "/.htpasswd", 404, "text/html; charset=utf-8", ""},
		{"13 also in hidden folders", "GET", "/.git/config", 404, "text/html; charset=utf-8", ""},
		{"14 nothing outside: escaped slashes", "GET", "/..%2fstate%2fx.txt", 404, "text/html; charset=utf-8", ""},
		{"15 nothing outside: by a link", "GET", "/link.txt", 404, "text/html; charset=utf-8", ""},
		{"16 a file is no folder", "GET", "/feeds/news.rss/x", 404, "text/html; charset=utf-8", ""},
		{"17 a path that no system takes", "GET", "/a%00b", 404, "text/html; charset=utf-8", ""},
		{"18 HEAD", "HEAD", "/feeds/news.rss", 200, "application/rss+xml; charset=utf-8", ""},
		{"19 HEAD of what is not there", "HEAD", "/nothing", 404, "text/html; charset=utf-8", ""},
		{"20 pages take no POST", "POST", "/", 405, "text/plain; charset=utf-8", ""},
		{"21 nor DELETE", "DELETE", "/feeds/news.rss", 405, "text/plain; charset=utf-8", ""},
		{"22 nothing else under /-/", "GET", "/-/nothing", 404, "text/html; charset=utf-8", ""},
		{"23 no outbox unless it is wanted", "GET", "/-/outbox/", 404, "text/html; charset=utf-8", ""},
	}
	for _, test := range tests {
		got := s.do(test.method, test.path, "")
		if got.StatusCode != test.status || got.Header.Get("Content-Type") != test.kind {
			t.Errorf("%s: %d %s, want %d %s", test.name, got.StatusCode, got.Header.Get("Content-Type"), test.status, test.kind)
		}
		if !strings.Contains(got.body, test.holds) || strings.Contains(got.body, "hush-hush") || test.method == "HEAD" && got.body != "" {
			t.Errorf("%s: the body is %.200q, want %q in it", test.name, got.body, test.holds)
		}
		if got.Header.Get("X-Content-Type-Options") != "nosniff" || got.Header.Get("Referrer-Policy") != "same-origin" ||
			!strings.HasPrefix(got.Header.Get("Content-Security-Policy"), "default-src 'none'; ") || strings.Contains(got.Header.Get("Content-Security-Policy"), "script") {
			t.Errorf("%s: the headers protect nobody: %v", test.name, got.Header)
		}
		if got.StatusCode == 404 && got.Header.Get("ETag") != "" {
			t.Errorf("%s: the tag of another page: %s", test.name, got.Header.Get("ETag"))
		}
		if cookies := got.Cookies(); len(cookies) > 0 {
			t.Errorf("%s: it sets %v", test.name, cookies)
		}
	}
	for _, p := range []string{"/../state/x.txt", "/%2e%2e/state/x.txt", "//state/x.txt"} { // cleaned, and led to where nothing is
		if got := s.get(p); got.StatusCode == 200 || strings.Contains(got.body, "hush-hush") {
			t.Errorf("%s: %d %s", p, got.StatusCode, got.body)
		}
	}
	if to := s.get(story).Header.Get("Location"); to != "little-light-against-the-dark/" {
		t.Errorf("3 leads to %q", to)
	}
	if to := s.do("POST", "/", "").Header.Get("Allow"); to != "GET, HEAD" {
		t.Errorf("20 allows %q", to)
	}
}

// TestConditional: readers that ask whether a feed has changed are told the truth, also when it changed twice in a second.
func TestConditional(t *testing.T) {
	t.Parallel()
	s := newSite(t, "https://news.example.org/")
	const feed = "/feeds/news.rss"
	first := s.get(feed, "Accept-Encoding", "identity")
	tag, date := first.Header.Get("ETag"), first.Header.Get("Last-Modified")
	tests := []struct {
		name   string // number and why
		header []string
		status int
		length int
	}{
		{"1 by date", []string{"If-Modified-Since", date}, 304, 0},
		{"2 by tag", []string{"If-None-Match", tag}, 304, 0},
		{"3 another tag outweighs the date", []string{"If-None-Match", `"x"`, "If-Modified-Since", date}, 200, len(first.body)},
		{"4 an old date", []string{"If-Modified-Since", "Mon, 02 Jan 2006 15:04:05 GMT"}, 200, len(first.body)},
		{"5 a part", []string{"Range", "bytes=0-9"}, 206, 10},
		{"6 the rest of what was begun", []string{"Range", "bytes=10-19", "If-Range", tag}, 206, 10},
		{"7 it changed meanwhile: the whole", []string{"Range", "bytes=10-19", "If-Range", `"x"`}, 200, len(first.body)},
		{"8 more than there is", []string{"Range", "bytes=99999999-"}, 416, -1},
		{"11 only if it is still another", []string{"If-Match", `"x"`}, 412, 0},
		{"12 that outweighs a tag", []string{"If-Match", `"x"`, "If-None-Match", tag}, 412, 0},
		{"13 only if it is older", []string{"If-Unmodified-Since", "Mon, 02 Jan 2006 15:04:05 GMT"}, 412, 0},
		{"14 only if it is still this one", []string{"If-Match", tag}, 200, len(first.body)},
	}
	for _, test := range tests {
		for _, coding := range []string{"identity", "gzip"} {
			if coding == "gzip" && test.status != 412 { // the tag and the lengths are those of the other form
				continue
			}
			got := s.get(feed, append(slices.Clone(test.header), "Accept-Encoding", coding)...)
			if got.StatusCode != test.status || test.length >= 0 && len(got.body) != test.length {
				t.Errorf("%s, %s: %d with %d bytes, want %d with %d", test.name, coding, got.StatusCode, len(got.body), test.status, test.length)
			}
			for _, of := range []string{"Content-Type", "Content-Encoding", "Last-Modified"} {
				if test.status == 304 && got.Header.Get(of) != "" || test.status == 412 && (got.Header.Get(of) != "" || got.ContentLength > 0 || got.Header.Get("Cache-Control") != "no-store") {
					t.Errorf("%s, %s: the answer has no content, but %s: %v", test.name, coding, of, got.Header)
				}
			}
		}
	}
	twoLines := server{t, s.srv.URL}.ask("GET", feed, http.Header{"Accept-Encoding": {"identity"}, "If-None-Match": {`"x"`, tag}})
	if twoLines.StatusCode != 304 {
		t.Errorf("10 a tag in the second of two lines: %d", twoLines.StatusCode)
	}
	file := filepath.Join(s.Config.Publish, "feeds/news.rss")
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 { // two versions of one second and of one size
		if err := os.WriteFile(file, []byte(strings.Replace(first.body, "<channel>", fmt.Sprintf("<channel><!--%d-->", i), 1)), 0o644); err != nil {
			t.Fatal(err)
		}
		at := info.ModTime().Truncate(time.Second).Add(time.Duration(i) * time.Millisecond)
		if err := os.Chtimes(file, at, at); err != nil {
			t.Fatal(err)
		}
		got := s.get(feed, "Accept-Encoding", "identity", "If-None-Match", tag, "If-Modified-Since", date)
		if got.StatusCode != 200 {
			t.Errorf("9 a change within the second: %d", got.StatusCode)
		}
		tag, date = got.Header.Get("ETag"), got.Header.Get("Last-Modified")
	}
	if got := s.get(feed, "Origin", "https://reader.example").Header.Get("Access-Control-Allow-Origin"); got != "*" {
		t.Errorf("readers that run in a browser get %q", got)
	}
}

// TestUnsubscribe walks through a subscriber's leaving: no look at the page ends anything, and the button works once.
func TestUnsubscribe(t *testing.T) {
	t.Parallel()
	s := newSite(t, "https://news.example.org/")
	form, oneClick := s.add("ada@example.com", ""), s.add("helene@example.com", "fr")
	preview := "/-/u/" + s.Keys.Unsubscribe("weekly", 0)
	steps := []struct {
		name, method, path, body, kind string // number and why
		status, left                   int    // how many subscribers are left
		holds, lang                    string
	}{
		{"1 mail scanners follow links", "GET", form, "", "", 200, 2, "<button", "en"},
		{"2 and ask for heads", "HEAD", form, "", "", 200, 2, "", ""},
		{"3 the page speaks the subscriber's language", "GET", oneClick, "", "", 200, 2, "<button", "fr"},
		{"4 a link that was changed", "POST", form + "A", "", "", 404, 2, "", "en"},
		{"5 a link cut short", "GET", form[:len(form)-3], "", "", 404, 2, "", "en"},
		{"6 nobody's link", "POST", "/-/u/" + s.Keys.Unsubscribe("weekly", 1), "", "", 404, 2, "", "en"},
		{"7 other methods end nothing", "DELETE", form, "", "", 404, 2, "", "en"},
		{"12 the link of a preview", "GET", preview, "", "", 200, 2, templates.LocaleFor("en").T("test_text"), "en"},
		{"13 ends nobody's subscription", "POST", preview, "", "", 200, 2, templates.LocaleFor("en").T("test_text"), "en"},
		{"8 the button", "POST", form, "", "application/x-www-form-urlencoded", 200, 1, "Weekly digest", "en"},
		{"9 a mail program by itself (RFC 8058)", "POST", oneClick, "List-Unsubscribe=One-Click", "application/x-www-form-urlencoded", 200, 0, "Weekly digest", "fr"},
		{"10 again", "POST", form, "", "application/x-www-form-urlencoded", 200, 0, "Weekly digest", "en"},
		{"11 a look afterwards", "GET", form, "", "", 200, 0, "Weekly digest", "en"},
		{"14 to follow the link of the other button brings nobody back", "GET", form + "/again", "", "", 404, 0, "", "en"},
		{"15 nor does a mail program by itself", "POST", oneClick, "List-Unsubscribe=One-Click", "application/x-www-form-urlencoded", 200, 0, "/again\"", "fr"},
		{"16 nor a link that was changed", "POST", form + "A/again", "", "", 404, 0, "", "en"},
		{"17 nor nobody's", "POST", preview + "/again", "", "", 200, 0, templates.LocaleFor("en").T("test_text"), "en"},
		{"18 the button does, in the subscriber's language", "POST", oneClick + "/again", "", "", 200, 1, templates.LocaleFor("fr").T("back_text"), "fr"},
		{"19 once", "POST", oneClick + "/again", "", "", 200, 1, templates.LocaleFor("fr").T("back_text"), "fr"},
		{"20 and one may leave again", "POST", oneClick, "", "", 200, 0, "Weekly digest", "fr"},
	}
	bodies := map[string]string{}
	for _, step := range steps {
		got := s.do(step.method, step.path, step.body, "Content-Type", step.kind)
		if got.StatusCode != step.status || !strings.Contains(got.body, step.holds) || !strings.Contains(got.body, `lang="`+step.lang) && step.lang != "" {
			t.Errorf("%s: %d, want %d and %q in lang %q:\n%s", step.name, got.StatusCode, step.status, step.holds, step.lang, got.body)
		}
		if n, err := s.Subscribers.Count(t.Context(), "weekly"); n != step.left || err != nil {
			t.Errorf("%s: %d are left, %v, want %d", step.name, n, err, step.left)
		}
		if strings.Contains(got.body, "ada@") || strings.Contains(got.body, "helene@") {
			t.Errorf("%s: it shows the address to whoever has the link", step.name)
		}
		if step.status == 200 && (got.Header.Get("Cache-Control") != "no-store" || got.Header.Get("X-Robots-Tag") != "noindex") {
			t.Errorf("%s: it may be kept: %v", step.name, got.Header)
		}
		name, _, _ := strings.Cut(step.name, " ")
		bodies[name] = got.body
	}
	if !strings.Contains(bodies["1"], "a…@example.com") || !strings.Contains(bodies["1"], `action="`+strings.TrimPrefix(form, "/-/u/")+`"`) {
		t.Errorf("1: no masked address, or no form for this link:\n%s", bodies["1"])
	}
	if bodies["8"] == bodies["10"] || bodies["10"] != bodies["11"] {
		t.Error("having left now and having left before are not told apart")
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestReturn: only who left by the link comes back by it, and nobody who is suppressed; where the consent comes from is noted.
func TestReturn(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name                string // number and why
		removed, suppressed bool
		back                int
	}{
		{"1 who left by the link", false, false, 1},
		{"2 whom the staff took off the list", true, false, 0},
		{"3 whose address takes no mail", false, true, 0},
	} {
		s := newSite(t, "https://news.example.org/")
		link := s.add("ada@example.com", "")
		ada := must(s.Subscribers.Add(t.Context(), subscribers.Subscriber{Email: "ada@example.com", Newsletters: []string{"weekly"}}, "x", time.Now())).ID
		if test.removed {
			must(s.Subscribers.Remove(t.Context(), "ada@example.com", nil, "has left us", time.Now()))
		}
		if test.suppressed {
			if err := s.Subscribers.Suppress(t.Context(), ada, "unknown", time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		s.do("POST", link, "")
		if shown := strings.Contains(s.get(link).body, "/again\""); shown != (test.back == 1) {
			t.Errorf("%s: the button is there: %t", test.name, shown)
		}
		s.do("POST", link+"/again", "")
		var noted int
		err := s.Subscribers.DB.QueryRow(`SELECT COUNT(*) FROM consents WHERE action = 'given' AND source = 'link in a mail, after leaving by it'`).Scan(&noted)
		if n := must(s.Subscribers.Count(t.Context(), "weekly")); n != test.back || noted != test.back || err != nil {
			t.Errorf("%s: %d are back, %d consents, %v", test.name, n, noted, err)
		}
	}
}

// TestUnsubscribeUnseen: who has pressed the button has left, though they closed the page before the answer came.
func TestUnsubscribeUnseen(t *testing.T) {
	t.Parallel()
	s := newSite(t, "https://news.example.org/")
	closed, cancel := context.WithCancel(t.Context())
	cancel()
	s.web.Handler().ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(closed, "POST", s.add("ada@example.com", ""), nil))
	if n, err := s.Subscribers.Count(t.Context(), "weekly"); n != 0 || err != nil {
		t.Errorf("%d are left, %v", n, err)
	}
}

// TestBasePath: a newsroom below a path is all there and nowhere else, also where the path is called like a folder of the site.
func TestBasePath(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"/news", "/feeds"} {
		s := newSite(t, "https://example.org"+at+"/")
		link := s.add("ada@example.com", "")
		const story = "/news/little-light-against-the-dark"
		tests := []struct {
			name, path string // number and why
			status     int
			holds      string // in the body, or the path that it leads to
		}{
			{"1 the index", at + "/", 200, at + `/news/little-light-against-the-dark/"`},
			{"2 a feed", at + "/feeds/news.rss", 200, "<rss "},
			{"3 a story", at + story + "/", 200, "Diwali"},
			{"4 a story without slash", at + story, 301, at + story + "/"},
			{"5 unsubscribing", at + link, 200, "<button"},
			{"6 health", "/healthz", 200, "ok"},
			{"7 health below the path", at + "/healthz", 200, "ok"},
			{"8 not there", at + "/nothing", 404, "<html"},
			{"9 no listing", at + "/media/", 404, "<html"},
			{"10 hidden", at + "/.x", 404, "<html"},
			{"11 the path without slash", at, 307, at + "/"},
			{"12 cleaned, and still below the path", at + "//feeds/news.rss", 307, at + "/feeds/news.rss"},
			{"13 so are dots", at + "/x/../feeds/news.rss", 307, at + "/feeds/news.rss"},
			{"14 dots that lead out", at + "/../feeds.opml", 307, "/feeds.opml"},
			{"15 a proxy must leave the path as it is", "/feeds.opml", 404, "<html"},
			{"16 the root is somebody else's", "/", 404, "<html"},
			{"17 unsubscribing elsewhere", link, 404, "<html"},
			{"18 a longer name", at + "x/feeds/news.rss", 404, "<html"},
		}
		for _, test := range tests {
			got := s.get(test.path)
			if shown := got.body + got.leadsTo(); got.StatusCode != test.status || !strings.Contains(shown, test.holds) {
				t.Errorf("%s, at %s: %d, want %d and %q: %.300s", test.name, at, got.StatusCode, test.status, test.holds, shown)
			}
		}
		if policy := s.get(at + "/").Header.Get("Content-Security-Policy"); !strings.Contains(policy, "style-src 'self' https://example.org"+at+"/style.css ") {
			t.Errorf("the policy forbids the stylesheet: %s", policy)
		}
		s.Config.Web.URL = "https://app.example.org/app/"
		s.srv.Config.Handler = s.web.Handler()
		if got := s.get("/app" + link); got.StatusCode != 200 || !strings.Contains(got.body, "<button") {
			t.Errorf("unsubscribing at web.url: %d %s", got.StatusCode, got.body)
		}
	}
}

// TestStrangeBasePath: a path is taken as it is, whatever it means elsewhere.
func TestStrangeBasePath(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"/a%20room/%7Bof%20one%7D", "/caf%C3%A9", "/-", "/healthz"} {
		s := newFolder(t)
		s.Config.URL = "https://example.org" + at + "/"
		s.srv.Config.Handler = s.web.Handler()
		s.put("style.css", "p {}")
		if got := s.get(at + "/style.css"); got.StatusCode != 200 || got.body != "p {}" {
			t.Errorf("at %s: %d %s", at, got.StatusCode, got.body)
		}
	}
}

// leadsTo gives the path of a redirect as a browser understands it.
func (a answer) leadsTo() string {
	to, err := a.Location()
	if err != nil {
		return ""
	}
	return to.Path
}

// TestHealth: a watchdog learns whether all is well, and what is not.
func TestHealth(t *testing.T) {
	t.Parallel()
	s := newSite(t, "https://news.example.org/")
	if got := s.get("/healthz"); got.StatusCode != 200 || got.body != "ok\n" || got.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %q %v", got.StatusCode, got.body, got.Header)
	}
	s.web.Healthy = func() error { return errors.New("the items folder is gone") }
	if got := s.get("/healthz"); got.StatusCode != 503 || got.body != "the items folder is gone\n" {
		t.Errorf("%d %q", got.StatusCode, got.body)
	}
	if got := s.do("POST", "/healthz", ""); got.StatusCode != 405 {
		t.Errorf("POST: %d", got.StatusCode)
	}
	s.web.Healthy = nil
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := s.get("/healthz"); got.StatusCode != 503 {
		t.Errorf("without a database: %d", got.StatusCode)
	}
	if got := s.get("/-/u/" + s.Keys.Unsubscribe("weekly", 1)); got.StatusCode != 500 || strings.Contains(got.body, "sql") {
		t.Errorf("unsubscribing without a database: %d %s", got.StatusCode, got.body)
	}
}

// TestOutbox: the mails of a demo can be read, and nothing else can, and a mail can do nothing in its frame.
func TestOutbox(t *testing.T) {
	t.Parallel()
	s := newSite(t, "https://news.example.org/")
	s.web.Outbox = s.Config.Outbox()
	s.srv.Config.Handler = s.web.Handler()
	if got := s.get("/-/outbox/"); got.StatusCode != 200 {
		t.Errorf("before the first mail: %d", got.StatusCode)
	}
	s.add("ada@example.com", "")
	if _, err := s.Send(t.Context(), newsroom.Order{Newsletter: "weekly"}); err != nil {
		t.Fatal(err)
	}
	s.write("outbox/new/evil", "Subject: <script>alert(1)</script>\r\nContent-Type: text/html\r\n\r\n<script>alert(2)</script>")
	s.write("outbox/secret", "Subject: A mail\r\n\r\nhush-hush")
	mails, err := filepath.Glob(filepath.Join(s.Config.Outbox(), "new/[0-9]*"))
	if err != nil || len(mails) != 1+len(s.Config.Staff) { // the staff are told that the issue is done
		t.Fatal(mails, err)
	}
	mail := "/-/outbox/" + filepath.Base(mails[0]) + "/"
	notice := "/-/outbox/" + filepath.Base(mails[1]) + "/"
	tests := []struct {
		name, method, path string // number and why
		status             int
		kind, holds        string
	}{
		{"1 the list", "GET", "/-/outbox/", 200, "text/html; charset=utf-8", "ada@example.com"},
		{"2 a mail", "GET", mail, 200, "text/html; charset=utf-8", "List-Unsubscribe-Post"},
		{"3 its HTML", "GET", mail + "html", 200, "text/html; charset=utf-8", "<html"},
		{"4 its text", "GET", mail + "text", 200, "text/plain; charset=utf-8", "Weekly digest"},
		{"5 its source", "GET", mail + "source", 200, "text/plain; charset=utf-8", "Delivered-To: ada@example.com"},
		{"6 a part that no mail has", "GET", mail + "nothing", 404, "text/html; charset=utf-8", ""},
		{"7 a mail that is not there", "GET", "/-/outbox/1.x/", 404, "text/html; charset=utf-8", ""},
		{"8 a file beside the folder", "GET", "/-/outbox/..%2fsecret/source", 404, "text/html; charset=utf-8", ""},
		{"9 further up", "GET", "/-/outbox/..%2f..%2ftidings.yaml/source", 404, "text/html; charset=utf-8", ""},
		{"10 the folder itself", "GET", "/-/outbox/%2e/source", 404, "text/html; charset=utf-8", ""},
		{"11 a mail's script stays in its frame", "GET", "/-/outbox/evil/html", 200, "text/html; charset=utf-8", "alert(2)"},
		{"12 and its subject is text", "GET", "/-/outbox/evil/", 200, "text/html; charset=utf-8", "&lt;script&gt;alert(1)"},
		{"13 a mail that has no HTML shows its text", "GET", notice, 200, "text/html; charset=utf-8", "<details open>"},
		{"14 which it has", "GET", notice + "text", 200, "text/plain; charset=utf-8", "1  accepted"},
		{"15 nothing can be posted", "POST", mail, 404, "text/html; charset=utf-8", ""},
	}
	for _, test := range tests {
		got := s.do(test.method, test.path, "")
		if got.StatusCode != test.status || strings.Contains(got.body, "hush-hush") {
			t.Errorf("%s: %d, want %d", test.name, got.StatusCode, test.status)
		}
		if test.status == 200 && (!strings.Contains(got.body, test.holds) || got.Header.Get("Content-Type") != test.kind) {
			t.Errorf("%s: %s %.300q, want %s with %q", test.name, got.Header.Get("Content-Type"), got.body, test.kind, test.holds)
		}
		sandboxed := strings.HasPrefix(got.Header.Get("Content-Security-Policy"), "sandbox ")
		if sandboxed != (strings.HasSuffix(test.path, "/html")) || strings.Contains(got.Header.Get("Content-Security-Policy"), "allow-scripts") {
			t.Errorf("%s: the policy is %s", test.name, got.Header.Get("Content-Security-Policy"))
		}
	}
}

// TestTimeouts: no slow client can hold a connection for ever.
func TestTimeouts(t *testing.T) {
	t.Parallel()
	h := newFolder(t).web.NewHTTPServer()
	if h.ReadHeaderTimeout == 0 || h.ReadTimeout == 0 || h.WriteTimeout == 0 || h.IdleTimeout == 0 || h.MaxHeaderBytes == 0 || h.Handler == nil {
		t.Errorf("%+v", h)
	}
}

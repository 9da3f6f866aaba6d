package web

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"tidings/publish"
)

// site serves the publish folder: index.html for folders, no listings, no dotfiles, nothing outside of it.
type site struct {
	*Server
	files *files
}

// ServeHTTP answers GET and HEAD with the file that the path stands for, OPTIONS for feeds, and 405 to all else.
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, allowed := fileName(r.URL.Path), "GET, HEAD"
	shared := publish.OfFeeds(name)
	if shared {
		maps.Copy(w.Header(), sharing)
		allowed = methods
	}
	switch {
	case r.Method == http.MethodGet, r.Method == http.MethodHead:
		s.serve(w, r, name)
	case r.Method == http.MethodOptions && shared:
		preflight(w)
	default:
		w.Header().Set("Allow", allowed)
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
	}
}

// methods are those that feeds answer to.
const methods = "GET, HEAD, OPTIONS"

// fileName gives the file that a path stands for, relative to the folder.
func fileName(urlPath string) string {
	if !strings.HasPrefix(urlPath, "/") {
		urlPath = "/" + urlPath
	}
	name := strings.TrimPrefix(path.Clean(urlPath), "/")
	if name == "" || strings.HasSuffix(urlPath, "/") {
		return path.Join(name, "index.html")
	}
	return name
}

// preflight tells a browser that a script of another site may ask for a feed politely (Fetch standard, CORS-preflight request).
func preflight(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Allow", methods)
	h.Set("Access-Control-Allow-Methods", methods)
	h.Set("Access-Control-Allow-Headers", "A-IM, Cache-Control, If-Modified-Since, If-None-Match, Range")
	h.Set("Access-Control-Max-Age", "86400")
	w.WriteHeader(http.StatusNoContent)
}

func (s *site) serve(w http.ResponseWriter, r *http.Request, name string) {
	f, err := s.find(r, name)
	if err != nil {
		s.absent(w, r, name, err)
		return
	}
	chosen, h := f.in(r.Header.Get("Accept-Encoding")), w.Header()
	same := has(r, chosen)
	if same {
		maps.Copy(h, chosen.unchanged)
	} else {
		maps.Copy(h, chosen.whole)
	}
	switch {
	case f.name != name: // the landing page, at the feed's address
		h.Set("Vary", vary(name))
	case isLive(name) && s.Newsroom.Config.Feeds.Hub != "":
		h.Set("Link", discovery(s.Newsroom.Config.Feeds.Hub, s.Newsroom.Config.URL, name))
	}
	switch {
	case same:
		w.WriteHeader(http.StatusNotModified)
	case s.delta(w, r, f, chosen):
	default:
		s.send(w, r, f, chosen)
	}
}

// has tells of a client that has this form already, which is what a feed reader mostly asks. What else http.ServeContent may
// have to decide is left to it.
func has(r *http.Request, f form) bool {
	return !asks(r, "If-Match", "If-Unmodified-Since") && slices.Contains(tags(r.Header["If-None-Match"]), f.tag)
}

// asks tells whether a request has one of these headers, whose names are canonical.
func asks(r *http.Request, headers ...string) bool {
	return slices.ContainsFunc(headers, func(h string) bool { return len(r.Header[h]) > 0 })
}

// discovery names the hub that tells of changes of a feed, and the address by which the hub knows the feed (WebSub §4).
func discovery(hub, base, name string) string {
	return fmt.Sprintf(`<%s>; rel="hub", <%s%s>; rel="self"`, hub, base, (&url.URL{Path: name}).EscapedPath())
}

// erased tells whether this was an erased story's page, or anything that lay beside it. Its name is in no folder any more.
func (s *site) erased(r *http.Request, name string) bool {
	name, found := strings.CutPrefix(name, "news/")
	if slug, _, _ := strings.Cut(name, "/"); found {
		erased, err := s.Newsroom.Erased(r.Context(), slug)
		if err != nil {
			s.Log.Warn("it is not known whether a story was erased", "error", err)
		}
		return erased
	}
	return false
}

// find gives the file to show: of a feed, its landing page to a person who follows a link to it, for browsers show feeds as
// bare text.
func (s *site) find(r *http.Request, name string) (*file, error) {
	if name == publish.GonePage || name == publish.MissingPage {
		return nil, fs.ErrNotExist
	}
	if publish.IsFeed(name) && r.Header.Get("Sec-Fetch-Dest") == "document" {
		if f, err := s.files.get(strings.TrimSuffix(name, path.Ext(name)) + "/index.html"); err == nil {
			return f, nil
		}
	}
	return s.files.get(name)
}

// send answers with a file, or a part of it, or that it has not changed (RFC 9110 §13, §14).
func (s *site) send(w http.ResponseWriter, r *http.Request, f *file, chosen form) {
	if chosen.body != nil && !asks(r, "Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since") {
		s.whole(w, r, http.StatusOK, chosen)
		return
	}
	r = folded(r)
	if chosen.body != nil {
		http.ServeContent(steady{w}, r, "", f.info.ModTime(), &memory{b: chosen.body})
		return
	}
	in, err := s.files.content(f)
	if err != nil {
		s.broken(w, r, err)
		return
	}
	defer in.Close()
	http.ServeContent(steady{w}, r, "", f.info.ModTime(), in)
}

// folded gives a request whose If-None-Match is one line, the only one that http.ServeContent looks at (RFC 9110 §5.3).
func folded(r *http.Request) *http.Request {
	const key = "If-None-Match"
	if len(r.Header[key]) < 2 {
		return r
	}
	r = r.Clone(r.Context())
	r.Header.Set(key, strings.Join(r.Header[key], ", "))
	return r
}

// absent leads from a folder's name to the folder; it says of an erased story that it is gone, and of anything else that it is
// not there.
func (s *site) absent(w http.ResponseWriter, r *http.Request, name string, err error) {
	switch {
	case s.files.isFolder(name):
		w.Header().Set("Cache-Control", publish.CachePage)
		// Relative (RFC 9110 §10.2.2): only the client knows the whole path, which http.Redirect would want.
		w.Header().Set("Location", (&url.URL{Path: path.Base(r.URL.Path) + "/"}).String())
		w.WriteHeader(http.StatusMovedPermanently)
	case s.erased(r, name):
		s.instead(w, r, http.StatusGone, publish.GonePage, "gone_title", "gone_text")
	case !errors.Is(err, fs.ErrNotExist):
		s.broken(w, r, err)
	default:
		s.instead(w, r, http.StatusNotFound, publish.MissingPage, "not_found_title", "not_found_text")
	}
}

// instead shows a page in the place of another, or a notice if there is no such page.
func (s *site) instead(w http.ResponseWriter, r *http.Request, status int, page, heading, text string) {
	f, err := s.files.get(page)
	if err != nil || f.body == nil {
		w.Header().Set("Cache-Control", publish.CacheNothing)
		s.notice(w, status, heading, text)
		return
	}
	chosen, h := f.in(r.Header.Get("Accept-Encoding")), w.Header()
	maps.Copy(h, chosen.whole)
	h.Del("Etag") // they are not the answer's own
	h.Del("Last-Modified")
	h.Del("Accept-Ranges")
	s.whole(w, r, status, chosen)
}

// whole answers with all bytes of a form that is kept.
func (s *site) whole(w http.ResponseWriter, r *http.Request, status int, chosen form) {
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return
	}
	joined(r, func() {
		if len(chosen.body) <= piece {
			_, _ = w.Write(chosen.body)
		} else {
			_, _ = steady{w}.ReadFrom(&memory{b: chosen.body})
		}
	})
}

// broken answers where a file is there but cannot be read.
func (s *site) broken(w http.ResponseWriter, r *http.Request, err error) {
	withoutContent(w.Header())
	s.Log.Warn("a file could not be served", "path", r.URL.Path, "error", err)
	s.notice(w, http.StatusInternalServerError, "error_title", "error_text")
}

// withoutContent takes away the headers that speak of a file, from an answer that has none, and that no cache may keep.
func withoutContent(h http.Header) {
	h.Set("Cache-Control", "no-store")
	for _, of := range []string{"Etag", "Vary", "Last-Modified", "Accept-Ranges", "Content-Type", "Content-Encoding", "Content-Length"} {
		h.Del(of)
	}
}

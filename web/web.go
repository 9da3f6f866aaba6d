// Package web serves a newsroom: the publish folder as it is, the pages behind the links in mails under /-/, and for a demo
// the outbox. No GET changes anything, nothing is tracked, no page needs a script.
//
// It assumes to be reachable at the newsroom's url, or for /-/ at web.url, and may stand behind a proxy that leaves paths as they are.
package web

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"tidings/newsroom"
	"tidings/subscribers"
	"tidings/templates"
)

// Server answers the requests for one newsroom.
type Server struct {
	Newsroom *newsroom.Newsroom
	Log      *slog.Logger
	Healthy  func() error     // what /healthz tells; nil: all is well
	Outbox   string           // the Maildir that is shown under /-/outbox/; "" shows none
	Now      func() time.Time // nil: time.Now
}

// Handler gives the server as a handler.
func (s *Server) Handler() http.Handler {
	mux, public := http.NewServeMux(), &site{Server: s, files: newFiles(s.Newsroom.Config.Publish, s.Now)}
	mux.HandleFunc("GET /healthz", s.health)
	mux.HandleFunc("GET /-/u/{token}", s.ask)
	mux.HandleFunc("POST /-/u/{token}", s.leave)
	mux.HandleFunc("POST /-/u/{token}/"+again, s.comeBack)
	if s.Outbox != "" {
		o := outbox{Server: s, dir: s.Outbox}
		mux.HandleFunc("GET /-/outbox/{$}", o.list)
		mux.HandleFunc("GET /-/outbox/{mail}/{$}", o.mail)
		mux.HandleFunc("GET /-/outbox/{mail}/{part}", o.part)
	}
	mux.HandleFunc("/-/", s.notFound)
	mux.Handle("/", public)
	return s.secure(s.atBase(mux))
}

// atBase serves below the path of the newsroom's url, which requests have: a proxy must not take it off. The pages under /-/
// are below web.url, and what a watchdog asks for is at the root too. The outer mux cleans a path before the base is looked for.
func (s *Server) atBase(next http.Handler) http.Handler {
	c, mux := s.Newsroom.Config, http.NewServeMux()
	base, own := basePath(c.URL), basePath(cmp.Or(c.Web.URL, c.URL))
	if base.Path == "/" && own.Path == "/" {
		return next
	}
	for pattern, h := range map[string]http.Handler{
		"/":                      http.HandlerFunc(s.notFound),
		"/healthz":               next,
		own.EscapedPath() + "-/": below(own, next),
		base.EscapedPath():       below(base, next),
	} {
		mux.Handle(pattern, h)
	}
	return mux
}

// basePath gives the path of an address, clean and with a slash at its end. Config has checked the address.
func basePath(address string) *url.URL {
	u, err := url.Parse(address)
	if err != nil {
		return &url.URL{Path: "/"}
	}
	return &url.URL{Path: strings.TrimSuffix(path.Clean("/"+u.Path), "/") + "/"}
}

func below(base *url.URL, next http.Handler) http.Handler {
	return http.StripPrefix(strings.TrimSuffix(base.Path, "/"), next)
}

// secure sets what every answer has.
func (s *Server) secure(next http.Handler) http.Handler {
	all := s.hardening()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		maps.Copy(w.Header(), all)
		next.ServeHTTP(w, r)
	})
}

// hardening are the headers that keep a browser from doing what no page here asks for. The policy allows what the pages need,
// which is little: no script ever. The stylesheet is at the newsroom's url, which may be another host than the one that /-/
// is reached by.
func (s *Server) hardening() http.Header {
	return http.Header{
		"X-Content-Type-Options": {"nosniff"},
		"Referrer-Policy":        {"same-origin"},
		"Content-Security-Policy": {"default-src 'none'; img-src * data:; media-src *; style-src 'self' " + s.Newsroom.Config.URL +
			"style.css 'unsafe-inline'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'"},
	}
}

func (s *Server) health(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	err := s.Newsroom.Healthy(r.Context())
	if err == nil && s.Healthy != nil {
		err = s.Healthy()
	}
	if err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		write(w, []byte(err.Error()+"\n"))
		return
	}
	write(w, []byte("ok\n"))
}

// ask shows who would leave what, and a button. Mail scanners follow links; so a GET must not do more.
func (s *Server) ask(w http.ResponseWriter, r *http.Request) {
	s.unsubscribe(w, r, s.Newsroom.Standing)
}

// leave ends the subscription: it is what the button posts, and what mail programs post by themselves (RFC 8058 §3.2).
func (s *Server) leave(w http.ResponseWriter, r *http.Request) {
	s.unsubscribe(w, r, s.Newsroom.Leave)
}

// again ends the path that takes up a subscription again, a path of its own: what mail programs post by themselves must not.
const again = "again"

// comeBack takes up a subscription that was ended by the same link.
func (s *Server) comeBack(w http.ResponseWriter, r *http.Request) {
	s.unsubscribe(w, r, s.Newsroom.Return)
}

// partWithin is how long the database may keep somebody who leaves waiting.
const partWithin = 30 * time.Second

// unsubscribe does what is asked for also when nobody waits for the answer.
func (s *Server) unsubscribe(w http.ResponseWriter, r *http.Request, do newsroom.Parting) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Robots-Tag", "noindex")
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), partWithin)
	defer cancel()
	p, err := do(ctx, r.PathValue("token"))
	switch {
	case errors.Is(err, subscribers.ErrToken), errors.Is(err, subscribers.ErrUnknown):
		s.page(w, http.StatusNotFound, "unsubscribe.html", templates.Unsubscribe{Site: s.view(), State: "invalid"})
	case err != nil:
		s.Log.Error("unsubscribing failed", "error", err)
		s.notice(w, http.StatusInternalServerError, "error_title", "error_text")
	default:
		v := templates.Unsubscribe{Site: s.Newsroom.View(p.Language), State: p.State, Newsletter: p.Newsletter, Address: p.Address,
			Action: r.PathValue("token")}
		if p.Returnable {
			v.Action += "/" + again
		}
		v.Returnable = p.Returnable
		s.page(w, http.StatusOK, "unsubscribe.html", v)
	}
}

// view is what a page knows of the newsroom, in the newsroom's language.
func (s *Server) view() templates.Site {
	return s.Newsroom.View(s.Newsroom.Config.Language)
}

func (s *Server) notFound(w http.ResponseWriter, _ *http.Request) {
	s.notice(w, http.StatusNotFound, "not_found_title", "not_found_text")
}

func (s *Server) notice(w http.ResponseWriter, status int, heading, text string) {
	v := s.view()
	s.page(w, status, "notice.html", templates.Notice{Site: v, Heading: v.Locale.T(heading), Text: v.Locale.T(text)})
}

func (s *Server) page(w http.ResponseWriter, status int, template string, view any) {
	var b bytes.Buffer
	if err := s.Newsroom.Templates.Execute(&b, template, view); err != nil {
		s.Log.Error("a page could not be made", "template", template, "error", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	write(w, b.Bytes())
}

// unreadable answers for a file that could not be read. That it is not there is no news to the operator.
func (s *Server) unreadable(w http.ResponseWriter, r *http.Request, err error) {
	if !errors.Is(err, fs.ErrNotExist) {
		s.Log.Warn("a file could not be served", "path", r.URL.Path, "error", err)
	}
	s.notFound(w, r)
}

// write sends the last of an answer; a client that went away before is nobody's loss.
func write(w http.ResponseWriter, b []byte) { _, _ = w.Write(b) }

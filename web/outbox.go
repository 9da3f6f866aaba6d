package web

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"net/textproto"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset" // mails in other character sets
	"github.com/emersion/go-message/mail"

	"tidings/templates"
)

// outbox shows the mails of a Maildir, read-only: each as its HTML in a sandboxed frame, its text and its source.
type outbox struct {
	*Server
	dir string
}

func (o outbox) list(w http.ResponseWriter, r *http.Request) {
	view := templates.Outbox{Site: o.view()}
	names, err := o.names()
	if err != nil {
		o.unreadable(w, r, err)
		return
	}
	for _, name := range names {
		if m, err := o.read(name); err == nil {
			view.Mails = append(view.Mails, o.summary(name, m))
		}
	}
	o.page(w, http.StatusOK, "outbox.html", view)
}

// names lists the mails, newest first: their names begin with the time. Before the first mail there is no Maildir.
func (o outbox) names() ([]string, error) {
	entries, err := os.ReadDir(path.Join(o.dir, "new"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(b, a) })
	return names, nil
}

// stored is a mail of the outbox, taken apart.
type stored struct {
	header     mail.Header
	raw        []byte
	text, html []byte
}

func (o outbox) read(name string) (stored, error) {
	if name != path.Base(name) || name == "." || name == ".." {
		return stored{}, fs.ErrNotExist
	}
	raw, err := os.ReadFile(path.Join(o.dir, "new", name))
	if err != nil {
		return stored{}, err
	}
	m := stored{raw: raw}
	in, err := mail.CreateReader(bytes.NewReader(raw))
	if err != nil && !message.IsUnknownCharset(err) {
		return m, err
	}
	m.header = in.Header
	// What can be read is shown; the source is there whole.
	for p, err := in.NextPart(); err == nil; p, err = in.NextPart() {
		kind, _, _ := mime.ParseMediaType(p.Header.Get("Content-Type"))
		body, _ := io.ReadAll(p.Body)
		switch kind {
		case "text/plain":
			m.text = body
		case "text/html":
			m.html = body
		}
	}
	return m, nil
}

func (o outbox) summary(name string, m stored) templates.OutboxMail {
	base := "/-/outbox/" + url.PathEscape(name) + "/"
	v := templates.OutboxMail{Site: o.view(), URL: base, ListURL: "/-/outbox/",
		TextURL: base + "text", SourceURL: base + "source"}
	if len(m.html) > 0 {
		v.HTMLURL = base + "html"
	}
	v.Subject, _ = m.header.Subject()
	v.Date, _ = m.header.Date()
	v.Date = v.Date.In(o.Newsroom.Config.Location)
	v.From, v.To = addresses(m.header, "From"), addresses(m.header, "To")
	for f := m.header.Fields(); f.Next(); {
		switch textproto.CanonicalMIMEHeaderKey(f.Key()) {
		case "From", "To", "Subject", "Date":
			continue
		}
		text, err := f.Text()
		if err != nil {
			text = f.Value()
		}
		v.Headers = append(v.Headers, templates.Header{Name: f.Key(), Value: text})
	}
	return v
}

// addresses writes the addresses of a field as people read them.
func addresses(h mail.Header, key string) string {
	list, err := h.AddressList(key)
	if err != nil {
		return h.Get(key)
	}
	out := make([]string, len(list))
	for i, a := range list {
		out[i] = strings.TrimSpace(fmt.Sprintf("%s <%s>", a.Name, a.Address))
	}
	return strings.Join(out, ", ")
}

func (o outbox) mail(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("mail")
	m, err := o.read(name)
	if err != nil {
		o.unreadable(w, r, err)
		return
	}
	o.page(w, http.StatusOK, "mail.html", o.summary(name, m))
}

func (o outbox) part(w http.ResponseWriter, r *http.Request) {
	m, err := o.read(r.PathValue("mail"))
	if err != nil {
		o.unreadable(w, r, err)
		return
	}
	body, kind := m.raw, "text/plain"
	switch r.PathValue("part") {
	case "html":
		body, kind = m.html, "text/html"
		// A mail is not ours to trust: it may show itself and its pictures, and nothing else.
		w.Header().Set("Content-Security-Policy", "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; img-src * data:; style-src 'unsafe-inline'; frame-ancestors 'self'")
	case "text":
		body = m.text
	case "source":
	default:
		o.notFound(w, r)
		return
	}
	w.Header().Set("Content-Type", fmt.Sprintf("%s; charset=utf-8", kind))
	write(w, body)
}

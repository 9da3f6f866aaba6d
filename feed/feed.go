// Package feed writes a newsroom's stories as RSS 2.0, Atom 1.0 and JSON Feed 1.1, and chooses which stories a feed
// shows.
//
// A writer is pure: the same Feed gives the same bytes, whatever the time, so that a web server can answer truthfully
// whether a feed has changed. A story has the same id in every feed and every format, and no feed shows an id twice:
// readers would take that for news. Titles and summaries are plain text; HTML stands in the content only. The package
// assumes that the content was cleaned and its addresses made absolute before. Characters that XML forbids are dropped
// from every text, in JSON too, so that all formats say the same.
package feed

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"tidings/items"
)

// generator names the program that wrote a feed.
const generator = "Tidings"

// Feed is one list of stories, ready to be written in any Format. Title, Home, Base and ID are required.
type Feed struct {
	Name        string // how errors call it, such as "news" or "topics/resettlement"
	Title       string // plain text
	Description string // plain text; default: Title
	Home        string // the absolute URL of the page that shows these stories
	Base        string // the feed's own absolute URL without extension; a format's own is Base+Ext
	ID          string // a URI that never changes (RFC 4287 §4.2.6)
	Language    string // BCP 47
	Rights      string // plain text
	Owner       Owner

	// Updated is the earliest date that the feed can have: its date is that of its last changed entry, but not
	// before this. A feed of no entries needs it, being dated 1970-01-01 otherwise.
	Updated time.Time

	Entries []Entry // in the order in which they are written
}

// Owner is who answers for a feed. Either may be empty.
type Owner struct{ Name, Email string }

// Entry is a story and the HTML that feeds carry for it: clean and complete, with absolute addresses only. ID, Title,
// Published and one of URL and Link are required. Of a withdrawn story feeds show no more than title, date, byline and
// topics, and Content, which is then the notice.
type Entry struct {
	items.Article
	Content string
}

// Format is a feed format.
type Format struct {
	Name string // what people call it
	Ext  string // of its files, with the dot
	Type string // the media type that a web server must send

	encode func(w io.Writer, f Feed, self string) error // f is ready, self its absolute URL
}

// Formats lists every format, the most widely read first.
var Formats = []Format{RSS, Atom, JSON}

// Write writes f to w. Before anything is written it refuses a feed without title, home, base or id, an entry
// without id, title, date or address, and two entries with one id.
func (m Format) Write(w io.Writer, f Feed) error {
	ready := f.ready()
	if err := ready.check(); err != nil {
		return fmt.Errorf("feed %s: %w", f.Name, err)
	}
	if err := m.encode(w, ready, ready.Base+m.Ext); err != nil {
		return fmt.Errorf("feed %s: %s: %w", f.Name, m.Name, err)
	}
	return nil
}

// ready returns a copy of f with clean texts, the entries fit to be shown and Updated set to the feed's date.
func (f Feed) ready() Feed {
	f = cleaned(f)
	f.Description = cmp.Or(f.Description, f.Title)
	if f.Updated.IsZero() && len(f.Entries) == 0 {
		f.Updated = time.Unix(0, 0).UTC()
	}
	for i := range f.Entries {
		e := &f.Entries[i]
		e.ready()
		if e.Updated.After(f.Updated) {
			f.Updated = e.Updated
		}
	}
	return f
}

// ready drops what a withdrawn story must not show and authors without a name, which Atom does not allow, and dates a
// story that never changed by its publication. It may write into e's slices: they are its own.
func (e *Entry) ready() {
	if a := e.Article; e.Withdrawn {
		e.Article = items.Article{ID: a.ID, URL: a.URL, Language: a.Language, Title: a.Title, Published: a.Published,
			Updated: a.Updated, Withdrawn: true, Authors: a.Authors, Topics: a.Topics}
	}
	e.Authors = slices.DeleteFunc(e.Authors, func(p items.Person) bool { return blank(p.Name) })
	if e.Updated.Before(e.Published) {
		e.Updated = e.Published
	}
}

func (f Feed) check() error {
	for _, part := range []struct{ name, text string }{
		{"title", f.Title}, {"home address", f.Home}, {"address", f.Base}, {"id", f.ID},
	} {
		if blank(part.text) {
			return fmt.Errorf("no %s", part.name)
		}
	}
	first := make(map[string]Entry, len(f.Entries))
	for _, e := range f.Entries {
		if err := e.check(); err != nil {
			return fmt.Errorf("%s: %w", e.label(), err)
		}
		if twin, ok := first[e.ID]; ok {
			return fmt.Errorf("%s and %s have the same id %s", twin.label(), e.label(), e.ID)
		}
		first[e.ID] = e
	}
	return nil
}

func (e Entry) check() error {
	switch year := e.Published.Year(); {
	case blank(e.ID):
		return errors.New("no id")
	case blank(e.Title):
		return errors.New("no title")
	case e.Published.IsZero():
		return errors.New("no date")
	case year < 1 || year > 9999 || e.Updated.Year() > 9999: // RFC 3339 §1: four digits
		return errors.New("a date outside the years 1 to 9999")
	case blank(e.alternate()):
		return errors.New("no address")
	}
	return nil
}

// label is what errors call an entry.
func (e Entry) label() string {
	return fmt.Sprintf("%q (%s)", e.Title, cmp.Or(e.alternate(), e.ID, "no address"))
}

// alternate is where the story is read: on another site, if it lives there.
func (e Entry) alternate() string { return cmp.Or(e.Link, e.URL) }

// categories are the topics as people read them.
func (e Entry) categories() []string {
	var titles []string
	for _, t := range e.Topics {
		titles = append(titles, cmp.Or(t.Title, t.Slug))
	}
	return titles
}

func blank(s string) bool { return strings.TrimSpace(s) == "" }

// Package feed writes a newsroom's stories as RSS 2.0, Atom 1.0 and JSON Feed 1.1, its events as iCalendar and the list
// of its feeds as OPML; it makes entries of corrections, and checks feeds before they are published.
//
// A writer is pure: the same Feed gives the same bytes, whatever the time, so that a web server can answer truthfully
// whether a feed has changed. A story has the same id in every feed and every format, and no feed shows an id twice:
// readers would take that for news. Titles and summaries are plain text; HTML stands in the content only. The package
// assumes that the content was cleaned and its addresses made absolute before. Control characters, and what else XML forbids,
// are dropped from every text, in JSON too, so that all formats say the same.
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

	// A feed's older entries stand in archive documents (RFC 5005 §4), which are Feeds with an address each. These are
	// the addresses of other documents of the feed, absolute and without extension like Base; "" is none. In JSON, where
	// there are pages only, PrevArchive is the next page.
	Archive     bool   // this is an archive document
	Current     string // of an archive document: the live document
	PrevArchive string // the document of the entries just before these
	NextArchive string // of an archive document: the one of the entries just after these

	Hubs       []string    // the absolute URLs of WebSub hubs that tell of changes (https://www.w3.org/TR/websub/)
	Tombstones []Tombstone // of erased stories; those of withdrawn Entries need none
}

// Tombstone says that an entry is gone, and no word of what it was (RFC 6721 §3). Both are required.
type Tombstone struct {
	ID   string
	When time.Time
}

// Owner is who answers for a feed. Either may be empty.
type Owner struct{ Name, Email string }

// Entry is a story and the HTML that feeds carry for it: clean and complete, with absolute addresses only. ID, Title,
// Published and one of URL and Link are required. Of a withdrawn story feeds show no more than title, date, byline and
// topics, and Content, which is then the notice; calendars show when its event was to be.
type Entry struct {
	items.Article
	Content string
	Revised time.Time // when the story last changed here, to the second, for calendars; default: Updated, or First if that is earlier
}

// Format is a feed format.
type Format struct {
	Name string // what people call it
	Ext  string // of its files, with the dot
	Type string // the media type that a web server must send

	encode func(w io.Writer, f Feed, ext string) error // f is ready
	check  func(data []byte) []Violation
}

// Formats lists every format, the most widely read first.
var Formats = []Format{RSS, Atom, JSON}

// Write writes f to w. Before anything is written it refuses a feed without title, home, base or id, an entry
// without id, title, date or address, two entries with one id, and a tombstone without id or date.
func (m Format) Write(w io.Writer, f Feed) error {
	ready := f.ready()
	if err := ready.check(); err != nil {
		return fmt.Errorf("feed %s: %w", f.Name, err)
	}
	if err := m.encode(w, ready, m.Ext); err != nil {
		return fmt.Errorf("feed %s: %s: %w", f.Name, m.Name, err)
	}
	return nil
}

// ready returns a copy of f with clean texts, the entries fit to be shown and Updated set to the feed's date.
func (f Feed) ready() Feed {
	f = cleaned(f)
	f.Entries = slices.Clone(f.Entries)
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
	for _, t := range f.Tombstones {
		if t.When.After(f.Updated) {
			f.Updated = t.When
		}
	}
	return f
}

// ready drops what a withdrawn story must not show and authors without a name, which Atom does not allow, and dates a
// story that never changed by its publication. It writes into e, but not into what e points to.
func (e *Entry) ready() {
	if a := e.Article; e.Withdrawn {
		e.Article = items.Article{ID: a.ID, URL: a.URL, Language: a.Language, Title: a.Title, Published: a.Published,
			Updated: a.Updated, Withdrawn: true, Authors: a.Authors, Topics: a.Topics, Event: a.Event}
	}
	nameless := func(p items.Person) bool { return blank(p.Name) }
	if slices.ContainsFunc(e.Authors, nameless) {
		e.Authors = slices.DeleteFunc(slices.Clone(e.Authors), nameless)
	}
	if e.Updated.Before(e.Published) {
		e.Updated = e.Published
	}
	if e.Revised.IsZero() {
		e.Revised = e.Updated
		if e.First.Before(e.Updated) && !e.First.IsZero() { // by a typing error: a change by then would be older
			e.Revised = e.First
		}
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
	for _, t := range f.Tombstones {
		if blank(t.ID) || outOfRange(t.When) {
			return fmt.Errorf("the tombstone of %q at %v: it needs an id and a date in the years 1 to 9999", t.ID, t.When)
		}
	}
	return nil
}

func (e Entry) check() error {
	switch {
	case blank(e.ID):
		return errors.New("no id")
	case blank(e.Title):
		return errors.New("no title")
	case e.Published.IsZero():
		return errors.New("no date")
	case outOfRange(e.Published) || outOfRange(e.Updated):
		return errors.New("a date outside the years 1 to 9999")
	case blank(e.alternate()):
		return errors.New("no address")
	}
	return nil
}

// outOfRange tells whether formats have no way to write t, which is undated or has no year of four digits (RFC 3339 §1).
func outOfRange(t time.Time) bool {
	return t.IsZero() || t.Year() < 1 || t.Year() > 9999 || t.UTC().Year() < 1 || t.UTC().Year() > 9999
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

// tombstones are those of the withdrawn entries and of the erased ones, each once (RFC 6721 §3).
func (f Feed) tombstones() []Tombstone {
	var all []Tombstone
	for _, e := range f.Entries {
		if e.Withdrawn {
			all = append(all, Tombstone{e.ID, e.Updated})
		}
	}
	for _, t := range f.Tombstones {
		if !slices.ContainsFunc(all, func(o Tombstone) bool { return o.ID == t.ID }) {
			all = append(all, t)
		}
	}
	return all
}

func blank(s string) bool { return strings.TrimSpace(s) == "" }

package feed

import (
	"cmp"
	"io"
	"strings"
	"time"

	"github.com/gorilla/feeds"
)

const atomType = "application/atom+xml"

// Atom is the Atom Syndication Format 1.0 (RFC 4287).
var Atom = Format{Name: "Atom", Ext: ".atom", Type: atomType + "; charset=utf-8", encode: encodeAtom, check: checkAtom}

// atomFeed hides the embedded Entries, so that they come last and can hold more.
type atomFeed struct {
	*feeds.AtomFeed
	Media     string         `xml:"xmlns:media,attr"`
	History   string         `xml:"xmlns:fh,attr,omitempty"`
	Removal   string         `xml:"xmlns:at,attr,omitempty"`
	Language  string         `xml:"xml:lang,attr,omitempty"`
	Links     []link         `xml:"link"`
	Generator string         `xml:"generator"`
	Archive   *struct{}      `xml:"fh:archive"`
	Entries   []atomEntry    `xml:"entry"`
	Deleted   []deletedEntry `xml:"at:deleted-entry"`
}

// deletedEntry says that the entry called Ref is gone. A reader that knows of it drops the entry with its notice, unless
// the entry was updated after When (RFC 6721 §3); others show the notice.
type deletedEntry struct {
	Ref  string `xml:"ref,attr"`
	When string `xml:"when,attr"`
}

// atomEntry hides those embedded fields that can hold one where Atom allows more, and those whose place matters to media.
type atomEntry struct {
	*feeds.AtomEntry
	Language   string             `xml:"xml:lang,attr,omitempty"`
	Links      []link             `xml:"link"`
	Authors    []feeds.AtomAuthor `xml:"author"`
	Categories []atomCategory     `xml:"category"`
	Content    *atomContent       `xml:"content"`
	media
	Summary *feeds.AtomSummary `xml:"summary"`
}

// atomContent is HTML that was escaped before, faster and with less than encoding/xml escapes: quotes may stay.
type atomContent struct {
	Type string `xml:"type,attr"`
	HTML string `xml:",innerxml"`
}

var escapeContent = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\r", "&#xD;").Replace

// atomCategory is a category with the topic's slug as its term and the title that people read (RFC 4287 §4.2.2).
type atomCategory struct {
	Term  string `xml:"term,attr"`
	Label string `xml:"label,attr,omitempty"`
}

func encodeAtom(w io.Writer, f Feed, ext string) error {
	root := atomFeed{
		AtomFeed: &feeds.AtomFeed{
			Xmlns:    atomNS,
			Title:    f.Title,
			Id:       f.ID,
			Updated:  f.Updated.Format(time.RFC3339),
			Subtitle: f.Description,
			Rights:   f.Rights,
			// An entry without an author needs a feed that has one (RFC 4287 §4.1.1).
			Author: &feeds.AtomAuthor{AtomPerson: feeds.AtomPerson{Name: cmp.Or(f.Owner.Name, f.Title), Email: f.Owner.Email}},
		},
		Media:     mediaNS,
		Language:  f.Language,
		Generator: generator,
		Links: append([]link{
			{URL: f.Base + ext, Rel: "self", Type: atomType},
			{URL: f.Home, Rel: "alternate", Type: "text/html"},
		}, f.links(ext, atomType)...),
		Entries: make([]atomEntry, len(f.Entries)),
	}
	root.History, root.Archive = f.archive()
	for i, e := range f.Entries {
		root.Entries[i] = newAtomEntry(e)
	}
	for _, t := range f.tombstones() {
		root.Removal = tombstoneNS
		root.Deleted = append(root.Deleted, deletedEntry{t.ID, t.When.Format(time.RFC3339)})
	}
	return writeXML(w, root)
}

func newAtomEntry(e Entry) atomEntry {
	entry := atomEntry{
		AtomEntry: &feeds.AtomEntry{
			Title:     e.Title,
			Id:        e.ID,
			Published: e.Published.Format(time.RFC3339),
			Updated:   e.Updated.Format(time.RFC3339),
			Rights:    e.Rights,
		},
		Language: e.Language,
		Links:    atomLinks(e),
		media:    newMedia(e),
	}
	for _, p := range e.Authors {
		entry.Authors = append(entry.Authors, feeds.AtomAuthor{AtomPerson: feeds.AtomPerson{Name: p.Name, Uri: p.URL}})
	}
	for _, t := range e.Topics {
		entry.Categories = append(entry.Categories, atomCategory{cmp.Or(t.Slug, t.Title), t.Title})
	}
	if e.Summary != "" {
		entry.Summary = &feeds.AtomSummary{Type: "text", Content: e.Summary}
	}
	if e.Content != "" {
		entry.Content = &atomContent{"html", escapeContent(e.Content)}
	}
	return entry
}

// atomLinks leads to the story, its source, its documents and related stories (RFC 4287 §4.2.7.2).
func atomLinks(e Entry) []link {
	links := []link{{URL: e.alternate(), Rel: "alternate"}}
	if s := e.Source; s != nil && s.URL != "" {
		links = append(links, link{URL: s.URL, Rel: "via", Title: s.Title})
	}
	for _, d := range e.Attachments {
		links = append(links, link{URL: d.URL, Rel: "enclosure", Type: d.Type, Size: d.Size, Language: d.Language, Title: d.Title})
	}
	// Further alternates could have a language each (RFC 4287 §4.1.2), but of several some readers take the last, whatever it says.
	for _, t := range e.Translations {
		links = append(links, link{URL: t.URL, Rel: "related", Language: t.Language, Title: t.Title})
	}
	for _, r := range e.Related {
		links = append(links, link{URL: r.URL, Rel: "related", Title: r.Title})
	}
	return links
}

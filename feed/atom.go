package feed

import (
	"cmp"
	"io"
	"time"

	"github.com/gorilla/feeds"
)

const atomType = "application/atom+xml"

// Atom is the Atom Syndication Format 1.0 (RFC 4287).
var Atom = Format{Name: "Atom", Ext: ".atom", Type: atomType + "; charset=utf-8", encode: encodeAtom}

// atomFeed hides the embedded Entries, so that they come last and can hold more.
type atomFeed struct {
	*feeds.AtomFeed
	Media     string      `xml:"xmlns:media,attr"`
	Language  string      `xml:"xml:lang,attr,omitempty"`
	Links     []link      `xml:"link"`
	Generator string      `xml:"generator"`
	Entries   []atomEntry `xml:"entry"`
}

// atomEntry hides those embedded fields that can hold one where Atom allows more.
type atomEntry struct {
	media
	*feeds.AtomEntry
	Language   string             `xml:"xml:lang,attr,omitempty"`
	Links      []link             `xml:"link"`
	Authors    []feeds.AtomAuthor `xml:"author"`
	Categories []atomCategory     `xml:"category"`
}

// atomCategory is a category with the topic's slug as its term and the title that people read (RFC 4287 §4.2.2).
type atomCategory struct {
	Term  string `xml:"term,attr"`
	Label string `xml:"label,attr,omitempty"`
}

func encodeAtom(w io.Writer, f Feed, self string) error {
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
		Links: []link{
			{URL: self, Rel: "self", Type: atomType},
			{URL: f.Home, Rel: "alternate", Type: "text/html"},
		},
	}
	for _, e := range f.Entries {
		root.Entries = append(root.Entries, newAtomEntry(e))
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
		media:    newMedia(e.Image),
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
		entry.Content = &feeds.AtomContent{Type: "html", Content: e.Content}
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
	for _, r := range e.Related {
		links = append(links, link{URL: r.URL, Rel: "related", Title: r.Title})
	}
	return links
}

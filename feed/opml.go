package feed

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
)

// Outline is a feed in a list of feeds. Title and URL are required.
type Outline struct {
	Title       string // plain text
	Description string // plain text
	URL         string // the feed's absolute URL, of any XML format
	Home        string // the absolute URL of its page
	Language    string // BCP 47
}

// OPMLType is the media type that a web server must send with OPML.
const OPMLType = "text/x-opml; charset=utf-8"

type opmlRoot struct {
	XMLName  xml.Name      `xml:"opml"`
	Version  string        `xml:"version,attr"`
	Title    string        `xml:"head>title"`
	Name     string        `xml:"head>ownerName,omitempty"`
	Email    string        `xml:"head>ownerEmail,omitempty"`
	Docs     string        `xml:"head>docs"`
	Outlines []opmlOutline `xml:"body>outline"`
}

type opmlOutline struct {
	Type        string `xml:"type,attr"` // "rss", for Atom too
	Text        string `xml:"text,attr"`
	Title       string `xml:"title,attr"`
	Description string `xml:"description,attr,omitempty"`
	URL         string `xml:"xmlUrl,attr"`
	Home        string `xml:"htmlUrl,attr,omitempty"`
	Language    string `xml:"language,attr,omitempty"`
}

// WriteOPML writes a subscription list as OPML 2.0 (http://opml.org/spec2.opml), which readers import. Before anything is
// written it refuses a list without title or feeds, as the format requires them, and a feed without title or URL.
func WriteOPML(w io.Writer, title string, owner Owner, outlines []Outline) error {
	root := opmlRoot{Version: "2.0", Title: title, Name: owner.Name, Email: owner.Email, Docs: "http://opml.org/spec2.opml"}
	for _, o := range cleaned(outlines) {
		if blank(o.Title) || blank(o.URL) {
			return fmt.Errorf("OPML: feed %q (%s) needs a title and an address", o.Title, o.URL)
		}
		root.Outlines = append(root.Outlines, opmlOutline{"rss", o.Title, o.Title, o.Description, o.URL, o.Home, o.Language})
	}
	if root = cleaned(root); blank(root.Title) || len(outlines) == 0 {
		return errors.New("OPML: a list needs a title and a feed")
	}
	if err := writeXML(w, root); err != nil {
		return fmt.Errorf("OPML: %w", err)
	}
	return nil
}

package feed

import (
	"io"

	"github.com/gorilla/feeds"

	"tidings/items"
)

// The namespaces that the XML formats declare on their roots.
const (
	atomNS    = "http://www.w3.org/2005/Atom"
	contentNS = "http://purl.org/rss/1.0/modules/content/"
	dcNS      = "http://purl.org/dc/elements/1.1/"
	mediaNS   = "http://search.yahoo.com/mrss/"
)

// link is a link as Atom (RFC 4287 §4.2.7) and RSS feeds hold it. It does not embed feeds.AtomLink, whose element name
// would prevail over atom:link.
type link struct {
	URL      string `xml:"href,attr"`
	Rel      string `xml:"rel,attr"`
	Type     string `xml:"type,attr,omitempty"`
	Size     int64  `xml:"length,attr,omitempty"`
	Language string `xml:"hreflang,attr,omitempty"`
	Title    string `xml:"title,attr,omitempty"`
}

// mediaContent is an entry's picture in Media RSS: <media:content>, https://www.rssboard.org/media-rss.
type mediaContent struct {
	URL         string     `xml:"url,attr"`
	Type        string     `xml:"type,attr,omitempty"`
	Medium      string     `xml:"medium,attr"`
	Size        int64      `xml:"fileSize,attr,omitempty"`
	Width       int        `xml:"width,attr,omitempty"`
	Height      int        `xml:"height,attr,omitempty"`
	Description *mediaText `xml:"media:description"`
	Credit      string     `xml:"media:credit,omitempty"`
}

// mediaText says that it is plain, the default, as readers would else take it for HTML.
type mediaText struct {
	Type string `xml:"type,attr"`
	Text string `xml:",chardata"`
}

// mediaThumbnail is the same picture for readers that show it in lists: <media:thumbnail>.
type mediaThumbnail struct {
	URL    string `xml:"url,attr"`
	Width  int    `xml:"width,attr,omitempty"`
	Height int    `xml:"height,attr,omitempty"`
}

// media is the part of an entry that is the same in both XML formats. It stands first in an entry: a reader that takes
// <media:description> for the story's own description then finds the true one later.
type media struct {
	Picture   *mediaContent   `xml:"media:content"`
	Thumbnail *mediaThumbnail `xml:"media:thumbnail"`
}

func newMedia(p *items.Picture) media {
	if p == nil {
		return media{}
	}
	picture := mediaContent{URL: p.URL, Type: p.Type, Medium: "image", Size: p.Size, Width: p.Width, Height: p.Height, Credit: p.Credit}
	if p.Alt != "" {
		picture.Description = &mediaText{"plain", p.Alt}
	}
	return media{&picture, &mediaThumbnail{URL: p.URL, Width: p.Width, Height: p.Height}}
}

// document is the root element of an XML format.
type document struct{ root any }

// FeedXml gives the root element to feeds.WriteXML.
func (d document) FeedXml() any { return d.root } //nolint:revive // the name is that of feeds.XmlFeed

func writeXML(w io.Writer, root any) error {
	if err := feeds.WriteXML(document{root}, w); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

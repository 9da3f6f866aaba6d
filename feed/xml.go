package feed

import (
	"io"
	"slices"

	"github.com/gorilla/feeds"

	"tidings/items"
)

// The namespaces that the XML formats declare on their roots.
const (
	atomNS      = "http://www.w3.org/2005/Atom"
	contentNS   = "http://purl.org/rss/1.0/modules/content/"
	dcNS        = "http://purl.org/dc/elements/1.1/"
	mediaNS     = "http://search.yahoo.com/mrss/"
	historyNS   = "http://purl.org/syndication/history/1.0" // RFC 5005 §1.1
	tombstoneNS = "http://purl.org/atompub/tombstones/1.0"  // RFC 6721 §2
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

// links lead to the other documents of the feed (RFC 5005 §4) and to its hubs, in a format of this extension and media
// type.
func (f Feed) links(ext, mediaType string) []link {
	var links []link
	for _, l := range []link{{URL: f.Current, Rel: "current"}, {URL: f.PrevArchive, Rel: "prev-archive"}, {URL: f.NextArchive, Rel: "next-archive"}} {
		if l.URL != "" {
			links = append(links, link{URL: l.URL + ext, Rel: l.Rel, Type: mediaType})
		}
	}
	for _, hub := range f.Hubs {
		links = append(links, link{URL: hub, Rel: "hub"})
	}
	return links
}

// archive gives an archive document its mark <fh:archive/> and that mark's namespace (RFC 5005 §4).
func (f Feed) archive() (namespace string, mark *struct{}) {
	if !f.Archive {
		return "", nil
	}
	return historyNS, &struct{}{}
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

// mediaThumbnail is the first picture for readers that show it in lists: <media:thumbnail>.
type mediaThumbnail struct {
	URL    string `xml:"url,attr"`
	Width  int    `xml:"width,attr,omitempty"`
	Height int    `xml:"height,attr,omitempty"`
}

// media is the part of an entry that is the same in both XML formats. It stands between an entry's content and its summary: a
// reader that takes <media:description> for the story's own description then finds the true one later, and feedparser, which does, takes
// no second one for the content. In an entry without content pictures are therefore not described.
type media struct {
	Pictures  []mediaContent  `xml:"media:content"`
	Thumbnail *mediaThumbnail `xml:"media:thumbnail"`
}

// newMedia shows the story's picture and its photo series, each picture once, and the first as a thumbnail.
func newMedia(e Entry) (m media) {
	pictures := e.Images
	if e.Image != nil {
		pictures = append([]items.Picture{*e.Image}, pictures...)
	}
	for _, p := range pictures {
		if !slices.ContainsFunc(m.Pictures, func(c mediaContent) bool { return c.URL == p.URL }) {
			m.Pictures = append(m.Pictures, newMediaContent(p, e.Content != ""))
		}
	}
	if len(pictures) > 0 {
		m.Thumbnail = newMediaThumbnail(pictures[0])
	}
	return m
}

func newMediaThumbnail(p items.Picture) *mediaThumbnail {
	if s := p.Small; s != nil {
		return &mediaThumbnail{URL: s.URL, Width: s.Width, Height: s.Height}
	}
	return &mediaThumbnail{URL: p.URL, Width: p.Width, Height: p.Height}
}

func newMediaContent(p items.Picture, described bool) mediaContent {
	picture := mediaContent{URL: p.URL, Type: p.Type, Medium: "image", Size: p.Size, Width: p.Width, Height: p.Height, Credit: p.Credit}
	if p.Alt != "" && described {
		picture.Description = &mediaText{"plain", p.Alt}
	}
	return picture
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

package feed

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/feeds"

	"tidings/items"
)

const rssType = "application/rss+xml"

// RSS is RSS 2.0 as the RSS Advisory Board's profile recommends it (https://www.rssboard.org/rss-profile).
var RSS = Format{Name: "RSS", Ext: ".rss", Type: rssType + "; charset=utf-8", encode: encodeRSS, check: checkRSS}

type rssRoot struct {
	XMLName xml.Name   `xml:"rss"`
	Version string     `xml:"version,attr"`
	Atom    string     `xml:"xmlns:atom,attr"`
	Content string     `xml:"xmlns:content,attr"`
	DC      string     `xml:"xmlns:dc,attr"`
	Media   string     `xml:"xmlns:media,attr"`
	History string     `xml:"xmlns:fh,attr,omitempty"`
	Channel rssChannel `xml:"channel"`
}

// rssChannel hides the embedded Items, so that they come last and can hold more.
type rssChannel struct {
	*feeds.RssFeed
	Links   []link    `xml:"atom:link"`
	Archive *struct{} `xml:"fh:archive"`
	Items   []rssItem `xml:"item"`
}

// rssItem hides those embedded fields that can hold one text where RSS allows more, and those whose place matters to media.
type rssItem struct {
	*feeds.RssItem
	Content *feeds.RssContent
	media
	Description string     `xml:"description,omitempty"`
	Creators    []string   `xml:"dc:creator"`
	Categories  []string   `xml:"category"`
	Updated     string     `xml:"atom:updated,omitempty"`
	Language    string     `xml:"dc:language,omitempty"`
	Rights      string     `xml:"dc:rights,omitempty"`
	Source      *rssSource `xml:"source"`
	SourceTitle string     `xml:"dc:source,omitempty"`
}

type rssSource struct {
	URL   string `xml:"url,attr"`
	Title string `xml:",chardata"`
}

func encodeRSS(w io.Writer, f Feed, ext string) error {
	root := rssRoot{Version: "2.0", Atom: atomNS, Content: contentNS, DC: dcNS, Media: mediaNS}
	root.Channel = rssChannel{
		RssFeed: &feeds.RssFeed{
			Title:          f.Title,
			Link:           f.Home,
			Description:    f.Description,
			Language:       f.Language,
			Copyright:      f.Rights,
			ManagingEditor: f.Owner.mailbox(),
			LastBuildDate:  f.Updated.Format(time.RFC1123Z),
			Generator:      generator,
			Docs:           "https://www.rssboard.org/rss-specification",
		},
		Links: append([]link{{URL: f.Base + ext, Rel: "self", Type: rssType}}, f.links(ext, rssType)...),
		Items: make([]rssItem, len(f.Entries)),
	}
	root.History, root.Channel.Archive = f.archive()
	for i, e := range f.Entries {
		root.Channel.Items[i] = newRSSItem(e, f.Language)
	}
	return writeXML(w, root)
}

func newRSSItem(e Entry, feedLanguage string) rssItem {
	item := rssItem{
		RssItem: &feeds.RssItem{
			Title:     e.Title,
			Link:      e.alternate(),
			Guid:      &feeds.RssGuid{Id: e.ID, IsPermaLink: "false"},
			PubDate:   e.Published.Format(time.RFC1123Z),
			Enclosure: rssEnclosure(e.Attachments),
		},
		Description: rssText(e.Summary),
		Categories:  e.categories(),
		Rights:      e.Rights,
		media:       newMedia(e),
	}
	for _, p := range e.Authors {
		item.Creators = append(item.Creators, p.Name)
	}
	if e.Content != "" {
		item.Content = &feeds.RssContent{Content: e.Content}
	}
	if !e.Updated.Equal(e.Published) {
		item.Updated = e.Updated.Format(time.RFC3339)
	}
	if e.Language != feedLanguage {
		item.Language = e.Language
	}
	item.setSource(e.Source)
	return item
}

// setSource names the source: <source> must have a URL, <dc:source> need not.
func (item *rssItem) setSource(s *items.Source) {
	switch {
	case s == nil:
	case s.URL == "":
		item.SourceTitle = s.Title
	default:
		item.Source = &rssSource{s.URL, cmp.Or(s.Title, s.URL)}
	}
}

// rssEnclosure is the first document of known length and type: the profile allows one and requires both.
func rssEnclosure(documents []items.Document) *feeds.RssEnclosure {
	for _, d := range documents {
		if d.Size > 0 && d.Type != "" {
			return &feeds.RssEnclosure{Url: d.URL, Length: strconv.FormatInt(d.Size, 10), Type: d.Type}
		}
	}
	return nil
}

// mailbox is an address as RSS wants it: "news@example.org (Newsroom)"; without an address it is empty.
func (o Owner) mailbox() string {
	if o.Email == "" || o.Name == "" {
		return o.Email
	}
	return fmt.Sprintf("%s (%s)", o.Email, o.Name)
}

// rssText gives plain text as an item's description, the one text that the profile wants taken for HTML. Quotes stay: nothing needs them escaped,
// and a reader that does not take it for HTML would show the references.
var rssText = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace

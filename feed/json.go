package feed

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"time"

	"github.com/gorilla/feeds"
)

// JSON is JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/).
var JSON = Format{Name: "JSON Feed", Ext: ".json", Type: "application/feed+json; charset=utf-8", encode: encodeJSON, check: checkJSON}

// jsonFeed hides the embedded Items: they must be a list even when there are none, and stand at the end.
type jsonFeed struct {
	*feeds.JSONFeed
	Items [0]jsonItem `json:"items"`
}

// jsonItem hides the embedded Attachments, whose keys and sizes are not those of the standard.
type jsonItem struct {
	*feeds.JSONItem
	Language    string           `json:"language,omitempty"`
	Attachments []jsonAttachment `json:"attachments,omitempty"`
}

type jsonAttachment struct {
	URL   string `json:"url"`
	Type  string `json:"mime_type"`
	Title string `json:"title,omitempty"`
	Size  int64  `json:"size_in_bytes,omitempty"`
}

func encodeJSON(w io.Writer, f Feed, ext string) error {
	root := jsonFeed{
		JSONFeed: &feeds.JSONFeed{
			Version:     "https://jsonfeed.org/version/1.1",
			Title:       f.Title,
			Description: f.Description,
			Language:    f.Language,
			HomePageUrl: f.Home,
			FeedUrl:     f.Base + ext,
		},
	}
	if f.PrevArchive != "" {
		root.NextUrl = f.PrevArchive + ext
	}
	for _, hub := range f.Hubs {
		root.Hubs = append(root.Hubs, &feeds.JSONHub{Type: "WebSub", Url: hub})
	}
	if f.Owner.Name != "" {
		root.Authors = []*feeds.JSONAuthor{{Name: f.Owner.Name, Url: f.Home}}
	}
	return writeJSON(w, root, f.Entries)
}

// writeJSON puts each item on a line of its own. Indenting them would take longer than all else.
func writeJSON(w io.Writer, root jsonFeed, entries []Entry) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // feeds are not part of a page; HTML stays readable and small
	if err := enc.Encode(root); err != nil {
		return err
	}
	b.Truncate(b.Len() - len("]}\n"))
	for i, e := range entries {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
		if err := enc.Encode(newJSONItem(e)); err != nil {
			return err
		}
		b.Truncate(b.Len() - len("\n"))
		if _, err := b.WriteTo(w); err != nil {
			return err
		}
	}
	b.WriteString("\n]}\n")
	_, err := b.WriteTo(w)
	return err
}

func newJSONItem(e Entry) jsonItem {
	published, updated := e.Published.Truncate(time.Second), e.Updated.Truncate(time.Second)
	item := jsonItem{
		JSONItem: &feeds.JSONItem{
			Id:            e.ID,
			Url:           cmp.Or(e.URL, e.Link),
			ExternalUrl:   e.Link,
			Title:         e.Title,
			Summary:       e.Summary,
			ContentHTML:   e.Content,
			PublishedDate: &published,
			ModifiedDate:  &updated,
			Tags:          e.categories(),
		},
		Language: e.Language,
	}
	if e.Content == "" { // one of the two contents is required
		item.ContentText = cmp.Or(e.Summary, e.Title)
	}
	if e.Image != nil {
		item.Image = e.Image.URL
	}
	for _, p := range e.Authors {
		item.Authors = append(item.Authors, &feeds.JSONAuthor{Name: p.Name, Url: p.URL})
	}
	for _, d := range e.Attachments {
		item.Attachments = append(item.Attachments, jsonAttachment{d.URL, cmp.Or(d.Type, "application/octet-stream"), d.Title, d.Size})
	}
	return item
}

package feed

import (
	"cmp"
	"encoding/json"
	"io"
	"time"

	"github.com/gorilla/feeds"
)

// JSON is JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/).
var JSON = Format{Name: "JSON Feed", Ext: ".json", Type: "application/feed+json; charset=utf-8", encode: encodeJSON}

// jsonFeed hides the embedded Items: they must be a list even when there are none.
type jsonFeed struct {
	*feeds.JSONFeed
	Items []jsonItem `json:"items"`
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

func encodeJSON(w io.Writer, f Feed, self string) error {
	root := jsonFeed{
		JSONFeed: &feeds.JSONFeed{
			Version:     "https://jsonfeed.org/version/1.1",
			Title:       f.Title,
			Description: f.Description,
			Language:    f.Language,
			HomePageUrl: f.Home,
			FeedUrl:     self,
		},
		Items: []jsonItem{},
	}
	if f.Owner.Name != "" {
		root.Authors = []*feeds.JSONAuthor{{Name: f.Owner.Name, Url: f.Home}}
	}
	for _, e := range f.Entries {
		root.Items = append(root.Items, newJSONItem(e))
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false) // feeds are not part of a page; HTML stays readable and small
	enc.SetIndent("", "  ")
	return enc.Encode(root)
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

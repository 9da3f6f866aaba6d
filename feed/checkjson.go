package feed

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// checkJSON checks a feed by the rules of JSON Feed 1.1.
func checkJSON(data []byte) []Violation {
	if !utf8.Valid(data) {
		return []Violation{{What: "bytes that are not UTF-8"}}
	}
	var f publishedJSON
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	err := dec.Decode(&f)
	if err == nil {
		if _, err = dec.Token(); errors.Is(err, io.EOF) {
			return f.violations()
		}
		err = errors.New("something stands after its end")
	}
	return append(f.violations(), Violation{What: fmt.Sprintf("it is not a JSON Feed: %v", err)})
}

// publishedJSON is what a feed says. A nil text is one that is not there.
type publishedJSON struct {
	Version     *string         `json:"version"`
	Title       *string         `json:"title"`
	HomePage    *string         `json:"home_page_url"`
	FeedURL     *string         `json:"feed_url"`
	Description *string         `json:"description"`
	Language    *string         `json:"language"`
	NextURL     *string         `json:"next_url"`
	Authors     []publishedName `json:"authors"`
	Hubs        []struct {
		Type *string `json:"type"`
		URL  *string `json:"url"`
	} `json:"hubs"`
	Items *[]publishedItem `json:"items"`
}

type publishedName struct {
	Name *string `json:"name"`
	URL  *string `json:"url"`
}

type publishedItem struct {
	ID          *string         `json:"id"`
	URL         *string         `json:"url"`
	ExternalURL *string         `json:"external_url"`
	Title       *string         `json:"title"`
	HTML        anyText         `json:"content_html"`
	Text        *string         `json:"content_text"`
	Summary     *string         `json:"summary"`
	Image       *string         `json:"image"`
	Published   *string         `json:"date_published"`
	Modified    *string         `json:"date_modified"`
	Authors     []publishedName `json:"authors"`
	Tags        []string        `json:"tags"`
	Language    *string         `json:"language"`
	Attachments []struct {
		URL   *string `json:"url"`
		Type  *string `json:"mime_type"`
		Title *string `json:"title"`
		Size  *int64  `json:"size_in_bytes"`
	} `json:"attachments"`
}

// anyText tells that a text is there, whatever it says.
type anyText bool

func (t *anyText) UnmarshalJSON(value []byte) error {
	*t = value[0] == '"'
	return nil
}

// jsonCheck gathers the violations of a feed, or of one of its entries.
type jsonCheck struct {
	entry string
	found []Violation
}

func (c *jsonCheck) violate(format string, args ...any) {
	c.found = append(c.found, Violation{c.entry, fmt.Sprintf(format, args...)})
}

// field checks a text by the rule, and that it is there if it must be.
func (c *jsonCheck) field(name string, text *string, must bool, valid rule) {
	switch {
	case text == nil && must:
		c.violate("no %s", name)
	case text == nil || valid == nil:
	default:
		if what := valid(*text); what != "" {
			c.violate("%s: %s", name, what)
		}
	}
}

func (f publishedJSON) violations() []Violation {
	var c jsonCheck
	c.field("version", f.Version, true, oneOf("https://jsonfeed.org/version/1.1"))
	c.field("title", f.Title, true, filled)
	c.field("home_page_url", f.HomePage, true, absolute)
	c.field("feed_url", f.FeedURL, true, absolute)
	c.field("language", f.Language, false, language)
	c.field("next_url", f.NextURL, false, absolute)
	if f.NextURL != nil && f.FeedURL != nil && *f.NextURL == *f.FeedURL {
		c.violate("next_url: it leads to the feed itself")
	}
	c.authors(f.Authors)
	for _, hub := range f.Hubs {
		c.field("hubs.type", hub.Type, true, filled)
		c.field("hubs.url", hub.URL, true, absolute)
	}
	if f.Items == nil {
		c.violate("no items")
		return c.found
	}
	ids := make(map[string]bool, len(*f.Items))
	for _, item := range *f.Items {
		c.item(item, ids)
	}
	return c.found
}

func (c *jsonCheck) authors(authors []publishedName) {
	for _, a := range authors {
		if a.Name == nil && a.URL == nil {
			c.violate("an author without a name or an address")
		}
		c.field("authors.name", a.Name, false, filled)
		c.field("authors.url", a.URL, false, uri)
	}
}

func (c *jsonCheck) item(item publishedItem, ids map[string]bool) {
	c.entry = ""
	if item.ID != nil {
		c.entry = *item.ID
	}
	c.field("id", item.ID, true, filled)
	if ids[c.entry] {
		c.violate("another entry has the same id")
	}
	ids[c.entry] = true
	c.field("url", item.URL, true, absolute)
	c.field("external_url", item.ExternalURL, false, absolute)
	c.field("title", item.Title, true, filled)
	c.field("image", item.Image, false, absolute)
	c.field("date_published", item.Published, true, rfc3339)
	c.field("date_modified", item.Modified, false, rfc3339)
	c.field("language", item.Language, false, language)
	c.authors(item.Authors)
	if !item.HTML && item.Text == nil {
		c.violate("neither content_html nor content_text")
	}
	for _, a := range item.Attachments {
		c.field("attachments.url", a.URL, true, absolute)
		c.field("attachments.mime_type", a.Type, true, mediaType)
		if a.Size != nil && *a.Size < 0 {
			c.violate("attachments.size_in_bytes: %d", *a.Size)
		}
	}
}

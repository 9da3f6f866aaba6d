package feed

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"unicode/utf16"
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
			return append(f.violations(), ambiguities(data)...)
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

// UnmarshalJSON takes any JSON value, which encoding/json has found to be one; it gives no error.
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
		c.field("authors.url", a.URL, false, personal)
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
	for _, tag := range item.Tags {
		c.field("tags", &tag, false, filled)
	}
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

// ambiguities finds what readers of JSON take in different ways (RFC 8259 §4, §8.2), in data that is JSON: a key that stands twice in an
// object, keys that are not written as in the standard, and halves of characters.
func ambiguities(data []byte) []Violation {
	var c jsonCheck
	var open []object
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '{', '[':
			open = append(open, object{list: data[i] == '['})
		case '}', ']':
			open = open[:len(open)-1]
		case ',':
			open[len(open)-1].value = false
		case ':':
			open[len(open)-1].value = true
		case '"':
			text := data[i+1:][:textLength(data[i+1:])]
			i += 1 + len(text)
			if o := &open[len(open)-1]; !o.list && !o.value {
				c.key(o, text)
			}
			if hasLoneSurrogate(text) {
				c.violate("half of a character: a surrogate without the other")
			}
		}
	}
	return c.found
}

// object is an object or list that is open.
type object struct {
	list, value bool     // value: a key was read, and its value comes
	keys        [][]byte // so far
}

func (c *jsonCheck) key(o *object, key []byte) {
	if len(bytes.Trim(key, "abcdefghijklmnopqrstuvwxyz_")) > 0 {
		c.violate("the key %q is not written as in the standard", key)
	}
	if slices.ContainsFunc(o.keys, func(k []byte) bool { return bytes.Equal(k, key) }) {
		c.violate("the key %s twice", key)
	}
	o.keys = append(o.keys, key)
}

// textLength is that of the text that b begins with, up to the closing quote.
func textLength(b []byte) int {
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return len(b)
}

// hasLoneSurrogate looks at the escapes of a text. utf16.DecodeRune gives U+FFFD where two do not fit together.
func hasLoneSurrogate(text []byte) bool {
	for i := bytes.IndexByte(text, '\\'); i >= 0; i = bytes.IndexByte(text, '\\') {
		text = text[i:]
		r := escapedRune(text)
		switch {
		case !utf16.IsSurrogate(r):
			text = text[2:]
		case utf16.DecodeRune(r, escapedRune(text[len(`\u0000`):])) == utf8.RuneError:
			return true
		default:
			text = text[len(`\u0000\u0000`):]
		}
	}
	return false
}

// escapedRune is what an escape \u0000 at the start of text stands for; 0 if there is none.
func escapedRune(text []byte) rune {
	if len(text) < len(`\u0000`) || text[0] != '\\' || text[1] != 'u' {
		return 0
	}
	n, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	if err != nil {
		return 0
	}
	return rune(n)
}

package templates

import (
	"encoding/json"
	"html/template"
	"strconv"
	"strings"
	"time"
)

// metadata is what programs read in a page's head: its title and address, its feeds and other languages, what is shown
// where a link to it is passed on (Open Graph, ogp.me), and what it says to search engines (JSON-LD). It is code and no
// template because it is a third of every page's work, and html/template takes many times as long.
func (s *Set) metadata(h *Head) (template.HTML, error) {
	var m metas
	m.Grow(4 << 10)
	m.write("<title>", template.HTMLEscapeString(h.FullTitle()), "</title>\n")
	m.meta("name", "description", h.Description)
	if h.URL == "" {
		m.meta("name", "robots", "noindex")
	} else {
		m.link("canonical", "", h.URL)
		m.preview(h)
	}
	for _, f := range h.Announced() {
		links, err := s.once(h.Site, "announce", f.RSS, f)
		if err != nil {
			return "", err
		}
		m.WriteString(string(links))
	}
	err := m.story(h)
	return template.HTML(m.String()), err
}

// metas writes the elements, leaving out those that would say nothing.
type metas struct{ strings.Builder }

func (m *metas) write(parts ...string) {
	for _, p := range parts {
		m.WriteString(p)
	}
}

func (m *metas) meta(attribute, name, content string) {
	if content != "" {
		m.write("<meta ", attribute, `="`, name, `" content="`, template.HTMLEscapeString(content), "\">\n")
	}
}

func (m *metas) property(name, content string) { m.meta("property", name, content) }

// link names another address, in a language or of a media type if the attribute says so. One that is not on the web is
// left out.
func (m *metas) link(rel, attribute, address string) {
	if strings.HasPrefix(address, "http://") || strings.HasPrefix(address, "https://") {
		m.write(`<link rel="`, rel, `"`, attribute, ` href="`, template.HTMLEscapeString(address), "\">\n")
	}
}

func (m *metas) preview(h *Head) {
	m.property("og:site_name", h.Site.Title)
	m.property("og:title", h.Title)
	m.property("og:description", h.Description)
	m.property("og:url", h.URL)
	if a := h.Story; a != nil {
		m.property("og:type", "article")
		m.property("article:published_time", a.Published.Format(time.RFC3339))
		m.property("article:modified_time", a.Updated.Format(time.RFC3339))
		m.property("og:locale", territory(a.Language))
		for _, t := range a.Translations {
			m.property("og:locale:alternate", territory(t.Language))
		}
	} else {
		m.property("og:type", "website")
		m.property("og:locale", territory(h.Site.Locale.Lang))
	}
	m.image(h)
}

func (m *metas) image(h *Head) {
	p := h.Image
	if p == nil {
		m.meta("name", "twitter:card", "summary")
		return
	}
	m.property("og:image", p.URL)
	if p.Width > 0 && p.Height > 0 {
		m.property("og:image:width", strconv.Itoa(p.Width))
		m.property("og:image:height", strconv.Itoa(p.Height))
	}
	m.property("og:image:alt", p.Alt)
	m.meta("name", "twitter:card", "summary_large_image")
}

// story writes what only a story's page has.
func (m *metas) story(h *Head) error {
	a := h.Story
	if a == nil {
		return nil
	}
	if len(a.Translations) > 0 { // every version lists all, itself too
		m.link("alternate", hreflang(a.Language), a.URL)
	}
	fallback := a.URL
	for _, t := range a.Translations {
		m.link("alternate", hreflang(t.Language), t.URL)
		if t.Default {
			fallback = t.URL
		}
	}
	if len(a.Translations) > 0 {
		m.link("alternate", hreflang("x-default"), fallback)
	}
	if a.Event != nil {
		m.link("alternate", ` type="text/calendar"`, a.URL+"event.ics")
	}
	for _, data := range linkedData(h.Site, a) {
		b, err := json.Marshal(data) // escapes "<", so that no text ends the element
		if err != nil {
			return err
		}
		m.write(`<script type="application/ld+json">`, string(b), "</script>\n")
	}
	return nil
}

func hreflang(tag string) string { return ` hreflang="` + template.HTMLEscapeString(tag) + `"` }

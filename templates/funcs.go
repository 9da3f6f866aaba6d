package templates

import (
	"fmt"
	"html"
	"html/template"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/language"

	"tidings/items"
)

// funcs are what templates may call beside Go's own functions.
var funcs = map[string]any{
	"contactRole":    contactRole,
	"documentFacts":  documentFacts,
	"entry":          newEntry,
	"head":           head,
	"heading":        heading,
	"host":           host,
	"iso":            func(t time.Time) string { return t.Format(time.RFC3339) },
	"join":           join,
	"feedHead":       feedHead,
	"filler":         filler,
	"indexHead":      indexHead,
	"listHead":       listHead,
	"mailStory":      newMailStory,
	"mso":            mso,
	"ownName":        OwnName,
	"part":           func(l *Locale, v any) part { return part{l, v} },
	"short":          short,
	"renditionFacts": renditionFacts,
	"smallTeaser":    newSmallTeaser,
	"standfirst":     standfirst,
	"teaser":         newTeaser,
	"tel":            tel,
	"topicsKey":      topicsKey,
	"upper":          strings.ToUpper,
	"webcal":         webcal,
	"wrap":           wrap,
}

// part is the view of a partial that shows some value in a language.
type part struct {
	Locale *Locale
	Value  any
}

// newEntry is an article with the words of its own language; with those of the page, l, where we have none for it.
func newEntry(l *Locale, a items.Article) *Entry {
	if own := LocaleFor(a.Language); own.Lang == a.Language || own.Lang == baseOf(a.Language) {
		l = own
	}
	return &Entry{Locale: l, Article: a}
}

func baseOf(tag string) string {
	base, _ := language.Make(tag).Base()
	return base.String()
}

// head makes the view of the partial "top". A page without a URL is kept out of search engines.
func head(s Site, title, description, url string, story ...items.Article) *Head {
	h := &Head{Site: s, Title: title, Description: description, URL: url}
	switch url {
	case s.URL:
		h.Section = "index"
	case s.URL + "news/":
		h.Section = "news"
	case s.URL + "feeds/":
		h.Section = "feeds"
	}
	if len(story) > 0 {
		h.Story, h.Image = &story[0], story[0].Image
	}
	return h
}

// indexHead makes the view of the partial "top" for the index; the newest picture stands for it.
func indexHead(i Index) *Head {
	h := head(i.Site, i.Title, i.Description, i.URL)
	h.Image = firstPicture(i.Articles)
	return h
}

// listHead makes the view of the partial "top" for a list.
func listHead(l List) *Head {
	h := head(l.Site, l.Title, l.Intro, l.URL)
	h.Feed = l.Feed
	for _, g := range l.Groups {
		if h.Image == nil {
			h.Image = firstPicture(g.Articles)
		}
	}
	return h
}

// feedHead makes the view of the partial "top" for a feed's landing page.
func feedHead(f FeedPage) *Head {
	h := head(f.Site, f.Feed.Title, f.Locale.T("feed_"+f.Feed.Kind(), f.Site.Title), f.Feed.Page)
	h.Feed, h.Image = &f.Feed, firstPicture(f.Articles)
	return h
}

func firstPicture(articles []items.Article) *items.Picture {
	for _, a := range articles {
		if a.Image != nil && !a.Withdrawn {
			return a.Image
		}
	}
	return nil
}

// newTeaser is a story on a page.
func newTeaser(s Site, a items.Article) *Entry {
	e := newEntry(s.Locale, a)
	e.Site = &s
	return e
}

// newSmallTeaser is one with a small picture.
func newSmallTeaser(s Site, a items.Article) *Entry {
	e := newTeaser(s, a)
	e.Small = true
	return e
}

// topicsKey is what a list of topics depends on.
func topicsKey(e *Entry) string {
	var b strings.Builder
	b.WriteString(e.Locale.Lang)
	for _, t := range e.Article.Topics {
		b.WriteString(" " + t.Slug)
	}
	return b.String()
}

// host is the host of an address without "www.", or the address itself if it has none.
func host(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" {
		return address
	}
	return strings.TrimPrefix(u.Hostname(), "www.")
}

// join puts sep between those of its parts that are not empty.
func join(sep string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), sep)
}

// contactRole is what stands below a contact's name: role and organisation, where they do not stand for the name.
func contactRole(c items.Contact) string {
	switch {
	case c.Name != "":
		return join(", ", c.Role, c.Organisation)
	case c.Role != "":
		return c.Organisation
	}
	return ""
}

// documentFacts is what one wants to know of a document before opening it: "French, PDF, 312 kB".
func documentFacts(l *Locale, d items.Document) string {
	language, size := "", ""
	if d.Language != "" {
		language = l.LanguageName(d.Language)
	}
	if d.Size > 0 {
		size = l.Size(d.Size)
	}
	return join(", ", language, kind(d), size)
}

// kind is a document's file name extension in capitals, which people know better than its media type.
func kind(d items.Document) string {
	u, err := url.Parse(d.URL)
	if err != nil || d.Type == "" || d.Type == "text/html" {
		return ""
	}
	return strings.ToUpper(strings.TrimPrefix(path.Ext(u.Path), "."))
}

// renditionFacts is what one wants to know of a picture before fetching it: "3000 × 2000, 2.1 MB".
func renditionFacts(l *Locale, r items.Rendition) string {
	measures, size := "", ""
	if r.Width > 0 && r.Height > 0 {
		measures = fmt.Sprintf("%d\u00a0×\u00a0%d", r.Width, r.Height)
	}
	if r.Size > 0 {
		size = l.Size(r.Size)
	}
	return join(", ", measures, size)
}

// standfirst is the story's summary, unless its text begins with it anyway.
func standfirst(a items.Article) string {
	if a.Summary == "" || begins(a.Body, strings.TrimSuffix(a.Summary, "…")) {
		return ""
	}
	return a.Summary
}

// begins tells whether the text of a body begins with s, white space aside. It reads no more of it than that takes. In a body, which is
// clean HTML, every < and > belongs to a tag.
func begins(body template.HTML, s string) bool {
	rest, left := squeeze(s), string(body)
	for rest != "" && left != "" {
		text, after, _ := strings.Cut(left, "<")
		text = squeeze(html.UnescapeString(text))
		n := min(len(text), len(rest))
		if text[:n] != rest[:n] {
			return false
		}
		rest = rest[n:]
		_, left, _ = strings.Cut(after, ">")
	}
	return rest == ""
}

// squeeze takes all white space out.
func squeeze(s string) string { return strings.Join(strings.Fields(s), "") }

// webcal is the address by which calendar programs subscribe to a calendar. html/template would refuse the scheme.
func webcal(address string) template.URL {
	_, rest, ok := strings.Cut(address, "://")
	if !ok || !strings.HasPrefix(address, "http") {
		return ""
	}
	return template.URL("webcal://" + rest)
}

// mailStory is the view of one story in a mail.
type mailStory struct {
	Entry
	Lead, Brief bool
}

func newMailStory(l *Locale, a items.Article, lead, brief bool) mailStory {
	return mailStory{*newEntry(l, a), lead, brief}
}

// Picture is the image that the story shows, or nil: the lead's alone, none in a brief mail, and only in a format that
// every mail client knows. It is the small one where there is one.
func (m mailStory) Picture() *items.Picture {
	if m.Article.Image == nil || !m.Lead || m.Brief {
		return nil
	}
	p := *m.Article.Image
	if p.Small != nil {
		p.URL, p.Type = p.Small.URL, p.Small.Type
	}
	if !slices.Contains([]string{"image/jpeg", "image/png", "image/gif"}, p.Type) {
		return nil
	}
	return &p
}

// filler is invisible space after a preheader, so that mail clients do not show the greeting as part of it.
func filler() template.HTML { return template.HTML(strings.Repeat("&#8199;&#847; ", 60)) }

// mso wraps markup in a comment that only Outlook on Windows reads. It has to be a function because html/template
// drops comments.
func mso(markup string) template.HTML {
	return template.HTML("<!--[if mso]>" + markup + "<![endif]-->")
}

// tel is the address of a phone number (RFC 3966): digits, with a plus where it leads. html/template would refuse the
// scheme.
func tel(phone string) template.URL {
	digits := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ReplaceAll(phone, "(0)", "")) // "+44 (0)20": the zero is not dialled from abroad
	if strings.HasPrefix(strings.TrimSpace(phone), "+") {
		digits = "+" + digits
	}
	return template.URL("tel:" + digits)
}

// short cuts text at a word so that it has at most n characters, the ellipsis among them.
func short(n int, s string) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	cut := string([]rune(s)[:n-1])
	if i := strings.LastIndexByte(cut, ' '); i > n/2 {
		cut = cut[:i]
	}
	return strings.TrimRight(cut, " ,;:.–—-") + "…"
}

// wrap breaks text into lines of at most width characters, each after the indent. A longer word, such as an address,
// stays whole on a line of its own. All white space counts as a space, so that text never forges a line.
func wrap(width int, indent, s string) string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(s) {
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(indent)+utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= width:
			line += " " + word
		default:
			lines = append(lines, indent+line)
			line = word
		}
	}
	if line != "" {
		lines = append(lines, indent+line)
	}
	return strings.Join(lines, "\n")
}

// heading is text, wrapped at 72 characters, over a line of the given character as long as its longest line.
func heading(character, s string) string {
	wrapped := wrap(72, "", s)
	longest := 0
	for line := range strings.Lines(wrapped) {
		longest = max(longest, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")))
	}
	return wrapped + "\n" + strings.Repeat(character, longest)
}

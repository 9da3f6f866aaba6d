package templates

import (
	"html/template"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/text/language"

	"tidings/items"
)

// funcs are what templates may call beside Go's own functions.
var funcs = map[string]any{
	"contactRole":   contactRole,
	"documentFacts": documentFacts,
	"entry":         newEntry,
	"head":          head,
	"heading":       heading,
	"host":          host,
	"iso":           func(t time.Time) string { return t.Format(time.RFC3339) },
	"join":          join,
	"listHead":      listHead,
	"filler":        filler,
	"mailStory":     newMailStory,
	"mso":           mso,
	"part":          func(l *Locale, v any) part { return part{l, v} },
	"short":         short,
	"standfirst":    standfirst,
	"teaser":        newTeaser,
	"tel":           tel,
	"upper":         strings.ToUpper,
	"wrap":          wrap,
}

// part is the view of a partial that shows some value in a language.
type part struct {
	Locale *Locale
	Value  any
}

// newEntry is an article with the words of its own language; with those of the page, l, where we have none for it.
func newEntry(l *Locale, a items.Article) Entry {
	own := LocaleFor(a.Language)
	if base, _ := language.Make(a.Language).Base(); base.String() == own.Lang {
		l = own
	}
	return Entry{l, a}
}

// head makes the view of the partial "top". A page without a URL is kept out of search engines.
func head(s Site, title, description, url string, story ...items.Article) Head {
	h := Head{Site: s, Title: title, Description: description, URL: url}
	if len(story) > 0 {
		h.Story = &story[0]
	}
	return h
}

// listHead makes the view of the partial "top" for a list. The feed that every page announces is not announced twice.
func listHead(l List) Head {
	h := head(l.Site, l.Title, l.Intro, l.URL)
	if l.Feed != nil && (len(l.Feeds) == 0 || *l.Feed != l.Feeds[0]) {
		h.Feed = l.Feed
	}
	return h
}

// teaser is the view of a story in a list; Home is the address that those of the topics' pages begin with.
type teaser struct {
	Entry
	Home string
}

func newTeaser(s Site, a items.Article) teaser { return teaser{newEntry(s.Locale, a), s.URL} }

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

// standfirst is the story's summary, unless its text begins with it anyway.
func standfirst(a items.Article) string {
	begin := strings.TrimSuffix(strings.Join(strings.Fields(a.Summary), " "), "…")
	if strings.HasPrefix(plain(a.Body), begin) {
		return ""
	}
	return a.Summary
}

// plain is the text of HTML, white space made single spaces.
func plain(body template.HTML) string {
	var b strings.Builder
	for z := html.NewTokenizer(strings.NewReader(string(body))); ; {
		switch z.Next() {
		case html.ErrorToken:
			return strings.Join(strings.Fields(b.String()), " ")
		case html.TextToken:
			b.Write(z.Text())
		}
	}
}

// mailStory is the view of one story in a mail.
type mailStory struct {
	Entry
	Lead, Brief bool
}

func newMailStory(l *Locale, a items.Article, lead, brief bool) mailStory {
	return mailStory{newEntry(l, a), lead, brief}
}

// Picture is the image that the story shows, or nil: the lead's alone, none in a brief mail, and only in a format that
// every mail client knows.
func (m mailStory) Picture() *items.Picture {
	p := m.Article.Image
	if p == nil || !m.Lead || m.Brief || !slices.Contains([]string{"image/jpeg", "image/png", "image/gif"}, p.Type) {
		return nil
	}
	return p
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

package items

import (
	"cmp"
	"html/template"
	"net/url"
	"path"
	"strings"
	"time"

	"golang.org/x/text/language"

	"tidings/internal/address"
	"tidings/internal/markup"
)

// Article is a story ready to be shown, the one form in which feeds, pages and the digest get it: text checked,
// HTML cleaned, every address absolute, every file found. Texts other than Body are plain.
type Article struct {
	ID        string    `json:"id"`   // for ever the same: tag:HOST,YEAR:HASH
	Slug      string    `json:"slug"` // the last part of URL's path
	URL       string    `json:"url"`  // the story's page on this site
	Link      string    `json:"link,omitempty"`
	Language  string    `json:"language"` // BCP 47
	Dir       string    `json:"dir"`      // "ltr" or "rtl", from Language
	Title     string    `json:"title"`
	Kicker    string    `json:"kicker,omitempty"`
	Place     string    `json:"place,omitempty"`
	Summary   string    `json:"summary,omitempty"` // the item's own, else its first paragraph, cut at about 300 characters
	Published time.Time `json:"published"`         // in the newsroom's time zone
	Updated   time.Time `json:"updated"`           // Published, or the last change for readers after it
	First     time.Time `json:"first"`             // when it first showed here: orders the stories of one date
	Withdrawn bool      `json:"withdrawn,omitempty"`
	Work      string    `json:"work,omitempty"` // the same for all versions of a story; "" where it has but one

	Authors     []Person     `json:"authors,omitempty"`
	Contacts    []Contact    `json:"contacts,omitempty"`
	Topics      []Topic      `json:"topics,omitempty"`
	Image       *Picture     `json:"image,omitempty"`
	Images      []Picture    `json:"images,omitempty"`
	Attachments []Document   `json:"attachments,omitempty"`
	Source      *Source      `json:"source,omitempty"`
	Related     []Reference  `json:"related,omitempty"`
	Event       *Event       `json:"event,omitempty"`
	Corrections []Correction `json:"corrections,omitempty"`
	Rights      string       `json:"rights,omitempty"`

	Translations []Translation `json:"translations,omitempty"` // the same story in other languages, by language

	Body template.HTML `json:"body,omitempty"` // cleaned by an allow-list; every address in it is absolute
}

// Topic is a subject that stories share.
type Topic struct {
	Slug  string `json:"slug"`
	Title string `json:"title"`
}

// Picture is an image with its absolute address. Type is a media type; Size is in bytes, 0 where it is not known;
// Width and Height are in pixels, 0 where they are not known.
type Picture struct {
	URL     string `json:"url"`
	Type    string `json:"type,omitempty"`
	Size    int64  `json:"size,omitempty"`
	Width   int    `json:"width,omitempty"`
	Height  int    `json:"height,omitempty"`
	Alt     string `json:"alt,omitempty"`
	Credit  string `json:"credit,omitempty"`
	Caption string `json:"caption,omitempty"`

	Small *Rendition `json:"small,omitempty"` // for mail and lists; nil where URL is small enough
	Full  *Rendition `json:"full,omitempty"`  // as it was handed in, for the press; nil where URL is just that
}

// Rendition is a picture in another size. The fields are those of Picture.
type Rendition struct {
	URL    string `json:"url"`
	Type   string `json:"type,omitempty"`
	Size   int64  `json:"size,omitempty"`
	Width  int    `json:"width,omitempty"`
	Height int    `json:"height,omitempty"`
}

// Translation is a story's page in another language.
type Translation struct {
	Language string `json:"language"` // BCP 47
	Title    string `json:"title"`
	URL      string `json:"url"`
	Original bool   `json:"original,omitempty"` // the others are translations of this one
	Default  bool   `json:"default,omitempty"`  // for readers of languages in which there is none
}

// Document is an attachment with its absolute address. Type is a media type; Size is in bytes, 0 where it is not known.
type Document struct {
	URL      string `json:"url"`
	Title    string `json:"title"`
	Language string `json:"language,omitempty"`
	Type     string `json:"type,omitempty"`
	Size     int64  `json:"size,omitempty"`
}

// Reference is a link to another story.
type Reference struct {
	Title string `json:"title"`
	URL   string `json:"url"`
}

// Asset is a file beside an item once it is published. Width and Height are 0 for what is no picture.
type Asset struct {
	URL           string
	Type          string
	Size          int64 // bytes
	Width, Height int   // pixels

	Small, Full *Rendition // of a picture, as Picture has them
}

// Presenter turns stories into Articles.
type Presenter struct {
	URL    string                                    // of public/, absolute, ends in a slash
	Topics map[string]string                         // slug: title; others are called by their slug
	Asset  func(item, src string) (Asset, bool)      // the published file that the item at this path names src
	Story  func(slug string) (title string, ok bool) // a story that shows, for related ones
	Page   func(path string) (slug string, ok bool)  // likewise the story of the item file at path, for links to files
}

// summaryLength is where a summary made of the first paragraph is cut, in characters.
const summaryLength = 300

// StoryURL is the address of the page of the story with this slug.
func (p Presenter) StoryURL(slug string) string { return p.URL + "news/" + slug + "/" }

// Article shows a story, all but its Body. Of a withdrawn one only identity, title, topics and dates are left, and of its event when it
// was to be.
func (p Presenter) Article(s Story) Article {
	it := s.Item
	a := Article{
		ID: s.ID, Slug: s.Slug, URL: p.StoryURL(s.Slug), Language: it.Language, Dir: Direction(it.Language),
		Title: it.Title, Published: it.Due(), Updated: it.Changed(), First: s.FirstPublished, Work: it.Version.Work,
	}
	for _, slug := range it.Topics {
		a.Topics = append(a.Topics, Topic{slug, cmp.Or(p.Topics[slug], slug)})
	}
	if s.Status == Withdrawn {
		a.Withdrawn, a.Updated = true, s.Updated.Truncate(time.Second).In(a.Published.Location())
		if a.Published.After(a.Updated) { // it was put off and then taken back
			a.Published = a.Updated
		}
		if it.Event != nil {
			a.Event = &Event{Start: it.Event.Start, End: it.Event.End}
		}
		return a
	}
	a.Link, a.Kicker, a.Place, a.Rights = it.Link, it.Kicker, it.Place, it.Rights
	a.Authors, a.Contacts, a.Source, a.Event, a.Corrections = it.Authors, it.Contacts, it.Source, it.Event, it.Corrections
	p.pictures(&a, s)
	p.related(&a, it)
	if a.Summary = it.Summary; a.Summary == "" {
		a.Summary = markup.Excerpt(markup.FirstParagraph(it.Body), summaryLength)
	}
	return a
}

// rtlScripts are the scripts in use that run from right to left, by their ISO 15924 codes.
var rtlScripts = map[string]bool{"Adlm": true, "Arab": true, "Hebr": true, "Mand": true, "Nkoo": true, "Rohg": true,
	"Samr": true, "Syrc": true, "Thaa": true}

// Direction is the way in which a language is written, by its BCP 47 tag: "rtl" for Arabic, Hebrew, Persian, Urdu and
// their like, else "ltr".
func Direction(tag string) string {
	script, _ := language.Make(tag).Script()
	if rtlScripts[script.String()] {
		return "rtl"
	}
	return "ltr"
}

func (p Presenter) pictures(a *Article, s Story) {
	if s.Item.Image != nil {
		if pic, ok := p.picture(s.Path, *s.Item.Image); ok {
			a.Image = &pic
		}
	}
	for _, img := range s.Item.Images {
		if pic, ok := p.picture(s.Path, img); ok {
			a.Images = append(a.Images, pic)
		}
	}
	for _, att := range s.Item.Attachments {
		if f, ok := p.asset(s.Path, att.Src); ok {
			a.Attachments = append(a.Attachments, Document{f.URL, cmp.Or(att.Title, fileName(att.Src)), att.Language, f.Type, f.Size})
		}
	}
}

// fileName is the name of a file for people, not as it is written in an address.
func fileName(src string) string {
	name := src
	if u, err := url.Parse(src); err == nil && address.IsWeb(src) {
		name = u.Path
	} else if plain, err := LocalPath("", src); err == nil {
		name = plain
	}
	return path.Base(name)
}

func (p Presenter) picture(item string, img Image) (Picture, bool) {
	f, ok := p.asset(item, img.Src)
	pic := Picture{URL: f.URL, Type: f.Type, Size: f.Size, Width: f.Width, Height: f.Height, Small: f.Small, Full: f.Full, Credit: img.Credit, Caption: img.Caption}
	if img.Alt != nil {
		pic.Alt = *img.Alt
	}
	return pic, ok
}

// asset finds a file that an item shows: one beside it, or one elsewhere on the web, of which only the address is known.
func (p Presenter) asset(item, src string) (Asset, bool) {
	if u, err := url.Parse(src); err == nil && address.IsWeb(src) {
		return Asset{URL: src, Type: mediaType(u.Path)}, true
	}
	return p.Asset(item, src)
}

func (p Presenter) related(a *Article, it *Item) {
	for _, r := range it.Related {
		if r.Slug == "" {
			a.Related = append(a.Related, Reference{cmp.Or(r.Title, r.URL), r.URL})
		} else if title, ok := p.Story(r.Slug); ok {
			a.Related = append(a.Related, Reference{cmp.Or(r.Title, title), p.StoryURL(r.Slug)})
		}
	}
}

// Body renders the story; it is "" of a withdrawn one. A relative address in it is a file beside the item, else it is meant from the story's page.
func (p Presenter) Body(s Story) template.HTML {
	if s.Status == Withdrawn {
		return ""
	}
	page, err := url.Parse(p.StoryURL(s.Slug))
	if err != nil {
		return ""
	}
	resolve := func(ref string, image bool) (string, bool) {
		u, err := url.Parse(ref)
		switch {
		case err != nil:
			return "", false
		case u.Scheme != "" || u.Host != "":
			return page.ResolveReference(u).String(), true
		}
		if file, err := LocalPath(s.Path, ref); err == nil && isItem(file) {
			target := p.Target(s.Path, ref)
			return target, target != "" && !image
		}
		if f, ok := p.Asset(s.Path, ref); ok && !strings.HasPrefix(ref, "#") {
			_, fragment, cut := strings.Cut(ref, "#")
			return f.URL + map[bool]string{true: "#"}[cut] + fragment, true
		}
		return page.ResolveReference(u).String(), !image
	}
	return template.HTML(markup.HTML(s.Item.Body, markup.Options{Resolve: resolve, Prefix: s.Slug + "-"}))
}

// Target is the address of the other story whose file an item names ref; "" where there is none.
func (p Presenter) Target(item, ref string) string {
	file, err := LocalPath(item, ref)
	if err != nil || !isItem(file) {
		return ""
	}
	slug, ok := p.Page(file)
	if !ok {
		return ""
	}
	return p.StoryURL(slug)
}

// NewestFirst orders articles by the time they were published, those of one date or time by when they first showed here, which is
// when their files came.
func NewestFirst(a, b *Article) int {
	if c := b.Published.Compare(a.Published); c != 0 { // as it is for most of thousands
		return c
	}
	return cmp.Or(b.First.Compare(a.First), cmp.Compare(a.ID, b.ID))
}

// ByTitle orders topics for people.
func ByTitle(a, b Topic) int {
	return cmp.Or(cmp.Compare(strings.ToLower(a.Title), strings.ToLower(b.Title)), cmp.Compare(a.Slug, b.Slug))
}

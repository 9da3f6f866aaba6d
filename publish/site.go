// Package publish makes what public/ holds, the feeds, the pages and the files they show, and puts it there. What a
// newsroom shows is a pure function of its stories and templates: the same input gives the same bytes, whatever the time,
// so a file is only written when something in it has changed and every web server can answer truthfully that nothing has.
//
// Each file is a Document: it has a print of all that it is made of, so that one that would come out the same is not even made.
//
// It assumes that the folder is served as it is, and that nobody else writes the files that it writes.
package publish

import (
	"bytes"
	"cmp"
	"fmt"
	"html/template"
	"net/url"
	"slices"
	"sync"
	"time"

	"tidings/feed"
	"tidings/internal/parallel"
	"tidings/items"
	"tidings/templates"
)

// Site is all that a newsroom shows at one moment.
type Site struct {
	View     templates.Site // what every page knows; Feeds, Parts and Locale are filled in here
	Print    string         // of the templates and of the program: when it changes, all documents are made anew
	Host     string         // in the ids of the feeds; never changes
	Language string         // BCP 47, of pages that belong to no story
	Zone     *time.Location
	Stories  []*Story // newest first; each has a page
	Erased   []feed.Tombstone
	// TakenBack are the ids by which readers know the stories that were withdrawn or erased, TakenBackPages the slugs of their pages, each as
	// items.Veil gives it: of one that was erased no more is known.
	TakenBack      []string
	TakenBackPages map[string]bool
	Topics         []items.Topic // each has feeds of its own
	Feeds          Choice
	Issues         []templates.Digest

	set     *templates.Set
	print   string   // of what every page shows
	windows []Window // of Windows, once that is settled
	bodies  *bodies
	live    map[string]func() (feed.Entry, error) // by story's id: made once for all the live feeds that it is in
}

// Templates are the names of those that documents are made with.
var Templates = []string{"index.html", "list.html", "story.html", "entry.html", "issue.html", "feed.html", "feeds.html", "notice.html"}

// Story is a story as it is shown.
type Story struct {
	items.Article                      // without Body
	Body          func() template.HTML // makes it; it may be called at the same time as others
	Print         string               // of all that is shown of it
	Listed        string               // the print of what lists may show of it: all but the text
	Expired       bool                 // it has a page and is in lists and archives, but in no live feed
	Revised       time.Time            // when it last changed here
}

// Choice says which feeds there are besides that of all news and those of topics, and what they hold.
type Choice struct {
	Limit     int  // how many stories a feed and the index hold at most
	Summaries bool // feeds carry the summary, not the whole story
	Languages bool // a feed for each language, where there are several
	Authors   bool // a feed for each author
	Hubs      []string

	Floors map[string]Floor           // what has left a feed's window, by the feed's name
	Held   map[string]map[string]bool // ids of the stories that a feed does not show, by its name: readers would take them for new
	Unseen map[string]bool            // ids of the stories that no reader had, since the feed of all news held them back

	// Changed are the ids of stories that readers know by another id, which is the value. Feeds, archives and calendars do not bear the
	// new ones: what names such a story stays as it was published last.
	Changed map[string]string
}

// feedYear is in the ids of the feeds. It must never change, nor depend on anything: readers would take the feed for a new one.
const feedYear = 2026

// Documents are all files of the site.
func (s Site) Documents(set *templates.Set) []Document {
	s.set = set
	s.View.Feeds = s.feedLinks()
	s.View.Newsletters = s.newsletters()
	s.View.Parts = &templates.Parts{}
	s.print = s.viewPrint()
	s.windows = s.Windows()
	s.bodies = &bodies{made: map[string]template.HTML{}}
	s.live = s.makeLive()
	kinds := []func() []Document{s.pages, s.lists, s.issuePages, s.feedPages, s.feedDocuments, s.archives, s.calendars}
	docs := make([][]Document, len(kinds))
	parallel.Do(len(kinds), func(i int) { docs[i] = kinds[i]() })
	return slices.Concat(docs...)
}

// viewPrint is of what every page shows of the newsroom.
func (s Site) viewPrint() string {
	v := s.View
	v.Locale, v.Parts = nil, nil
	return PrintOf(s.Print, s.Language, fmt.Sprintf("%+v", v))
}

// newsletters are those of the view, with the number of their past issues.
func (s Site) newsletters() []templates.Newsletter {
	out := slices.Clone(s.View.Newsletters)
	for i := range out {
		for _, d := range s.Issues {
			if d.Newsletter.Name == out[i].Name {
				out[i].Issues++
			}
		}
	}
	return out
}

// view gives what a page in this language knows of the site.
func (s Site) view(language string) templates.Site {
	v := s.View
	v.Locale = templates.LocaleFor(language)
	return v
}

// page is the document of a page at a path that ends in a slash, or is "". What it shows besides what every page does has the print.
func (s Site) page(path, template, print string, view func() any) Document {
	return s.file(path+"index.html", template, print, view)
}

func (s Site) file(path, template, print string, view func() any) Document {
	return Document{Path: path, Print: PrintOf(s.print, template, print), Make: func() ([]byte, error) {
		b := buffers.Get().(*bytes.Buffer)
		defer buffers.Put(b)
		b.Reset()
		if err := s.set.Execute(b, template, view()); err != nil {
			return nil, fmt.Errorf("page %s: %w", path, err)
		}
		return s.rooted(b.Bytes()), nil
	}}
}

// pages are the stories' pages, the index, and what every site has.
func (s Site) pages() []Document {
	style := s.set.Style()
	docs := []Document{{Path: "style.css", Print: PrintOf(string(style)), Make: func() ([]byte, error) { return style, nil }}}
	for _, story := range s.Stories {
		page := s.page("news/"+story.Slug+"/", "story.html", story.Print, func() any {
			return templates.Story{Site: s.view(story.Language), Article: s.full(story)}
		})
		if story.Withdrawn {
			page.Stage, page.Spoilt = Notices, always
		}
		docs = append(docs, page)
	}
	latest := newest(s.listed(), s.Feeds.Limit, func(x *Story) bool { return !x.Expired })
	return append(docs,
		s.page("", "index.html", listed(latest), func() any {
			return templates.Index{Site: s.view(s.Language), Articles: articles(latest)}
		}),
		s.file(MissingPage, "notice.html", "404", func() any { return templates.NotFound(s.view(s.Language)) }),
		s.file(GonePage, "notice.html", "410", func() any { return templates.Gone(s.view(s.Language)) }))
}

// current leaves out the stories that are in feeds no more.
func current(stories []*Story) []*Story {
	return slices.DeleteFunc(slices.Clone(stories), func(x *Story) bool { return x.Expired })
}

// once are the stories as feeds hold them which hold each in one language: in that which readers knew first.
func (s Site) once() []*Story { return items.Once(s.Stories, article, items.ByAge(s.Language)) }

// listed are the stories as pages list them: each in the newsroom's language, if there is such a version.
func (s Site) listed() []*Story {
	return items.Once(newest(s.Stories, 0, shown), article, items.ByLanguage(s.Language))
}

func article(s **Story) *items.Article { return &(*s).Article }

func shown(s *Story) bool { return !s.Withdrawn }

// newest gives the first stories that keep is true of, at most limit of them; 0 is all.
func newest(stories []*Story, limit int, keep func(*Story) bool) []*Story {
	var chosen []*Story
	for _, s := range stories {
		if limit > 0 && len(chosen) == limit {
			break
		}
		if keep(s) {
			chosen = append(chosen, s)
		}
	}
	return chosen
}

func articles(stories []*Story) []items.Article {
	out := make([]items.Article, len(stories))
	for i, s := range stories {
		out[i] = s.Article
	}
	return out
}

// prints is the print of several stories.
func prints(stories []*Story) string {
	return printAll(stories, func(s *Story) string { return s.Print })
}

// listed is the print of several stories in a list.
func listed(stories []*Story) string {
	return printAll(stories, func(s *Story) string { return s.Listed })
}

func printAll(stories []*Story, print func(*Story) string) string {
	all := make([]string, len(stories))
	for i, s := range stories {
		all[i] = print(s)
	}
	return PrintOf(all...)
}

// issuePages are past issues as pages, and the lists of them.
func (s Site) issuePages() []Document {
	var docs []Document
	for _, i := range s.Issues {
		docs = append(docs, s.page(fmt.Sprintf("newsletters/%s/%d/", i.Newsletter.Name, i.Number), "issue.html", digestPrint(i), func() any {
			i.Site = s.view(s.Language)
			return i
		}))
	}
	for _, n := range s.View.Newsletters {
		v := s.view(s.Language)
		l := templates.List{Site: v, Title: n.Title, Intro: v.Locale.T("past_issues"), URL: s.View.URL + "newsletters/" + n.Name + "/"}
		for _, i := range slices.Backward(s.Issues) {
			if i.Newsletter.Name == n.Name {
				l.Issues = append(l.Issues, templates.IssueLink{Title: i.Subject, URL: i.WebURL, Date: i.Date, Number: i.Number})
			}
		}
		if len(l.Issues) > 0 {
			docs = append(docs, s.page("newsletters/"+n.Name+"/", "list.html", PrintOf(fmt.Sprintf("%+v", l.Issues)), func() any { return l }))
		}
	}
	return docs
}

func digestPrint(d templates.Digest) string {
	parts := []string{d.Subject, d.Date.String(), d.Preheader, d.WebURL, d.PostalAddress}
	for _, a := range d.Articles {
		parts = append(parts, ArticlePrint(a))
	}
	return PrintOf(parts...)
}

// rooted makes the links of a page that stay on this site begin at its root, so that the site can be looked at before it is
// reachable by its name. What other programs read, in the page's head, stays absolute.
func (s Site) rooted(page []byte) []byte {
	u, err := url.Parse(s.View.URL)
	if err != nil {
		return bytes.Clone(page)
	}
	body := max(bytes.Index(page, []byte("<body")), 0)
	out := make([]byte, 0, len(page))
	out = appendReplaced(out, page[:body], "=\""+s.View.URL+"style.css\"", "=\""+u.Path+"style.css\"")
	return appendReplaced(out, page[body:], "=\""+s.View.URL, "=\""+u.Path)
}

// appendReplaced adds text to out, with from replaced by to: but not before what would make to the beginning of another host's name,
// for browsers pass over tabs and line ends, and take \ for / (URL Standard §4.4).
func appendReplaced(out, text []byte, from, to string) []byte {
	for {
		i := bytes.Index(text, []byte(from))
		if i < 0 {
			return append(out, text...)
		}
		out, text = append(out, text[:i]...), text[i+len(from):]
		if len(text) > 0 && bytes.IndexByte([]byte("/\\\t\n\r"), text[0]) >= 0 {
			out = append(out, from...)
		} else {
			out = append(out, to...)
		}
	}
}

// bodies are those that were made for one document and wait for the next one: a story's page and its place in the archive need the same.
type bodies struct {
	mu   sync.Mutex
	made map[string]template.HTML // by story's id
}

// full is the story with its body.
func (s Site) full(story *Story) items.Article {
	a := story.Article
	if story.Body != nil {
		a.Body = s.bodies.of(story)
	}
	return a
}

// of gives a story's body, which is let go with the second time: a large site need not be in memory as a whole.
func (b *bodies) of(story *Story) template.HTML {
	b.mu.Lock()
	body, ok := b.made[story.ID]
	delete(b.made, story.ID)
	b.mu.Unlock()
	if ok {
		return body
	}
	body = story.Body()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.made[story.ID] = body
	return body
}

// makeLive readies each story of a live feed as an entry.
func (s Site) makeLive() map[string]func() (feed.Entry, error) {
	out := map[string]func() (feed.Entry, error){}
	for _, w := range s.windows {
		for _, story := range w.Stories {
			if out[story.ID] == nil {
				out[story.ID] = sync.OnceValues(func() (feed.Entry, error) { return s.entry(story) })
			}
		}
	}
	return out
}

// entry renders a story as an entry of a feed.
func (s Site) entry(story *Story) (feed.Entry, error) {
	a, l := s.full(story), templates.LocaleFor(cmp.Or(story.Language, s.Language))
	var b bytes.Buffer
	if err := s.set.Execute(&b, "entry.html", templates.Entry{Locale: l, Article: a}); err != nil {
		return feed.Entry{}, fmt.Errorf("story %s: %w", a.Slug, err)
	}
	if a.Withdrawn {
		a.Title = l.T("withdrawn_title")
	}
	a.Body = ""
	return feed.Entry{Article: a, Content: b.String(), Revised: story.Revised}, nil
}

// shared makes something for so many takers: for the first one, and after the last one it is let go, so that a large site need not be in
// memory as a whole. For whoever comes later it is made again.
func shared[T any](takers int, produce func() (T, error)) func() (T, error) {
	var mu sync.Mutex
	var made T
	var err error
	left := 0
	return func() (T, error) {
		mu.Lock()
		defer mu.Unlock()
		if left == 0 {
			made, err = produce()
			left = takers
		}
		give := made
		if left--; left == 0 {
			var none T
			made = none
		}
		return give, err
	}
}

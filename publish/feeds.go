package publish

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"html"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"tidings/feed"
	"tidings/items"
	"tidings/templates"
)

// channel is one feed: what it is called and which stories it is of. All but the feeds of languages hold each story once, in one
// language.
type channel struct {
	name, title string
	keep        func(*Story) bool
	language    string // of all its stories, for a feed of one language
}

// channels are the feeds of stories, the one of all news first.
func (s Site) channels() []channel {
	all := []channel{{name: "news", title: s.View.Title, keep: func(*Story) bool { return true }}}
	for _, t := range s.Topics {
		all = append(all, channel{name: "topics/" + t.Slug, title: t.Title, keep: has(t)})
	}
	if s.Feeds.Languages {
		all = append(all, s.byLanguage()...)
	}
	if s.Feeds.Authors {
		all = append(all, s.byAuthor()...)
	}
	return append(all, channel{name: "events", title: templates.LocaleFor(s.Language).T("feeds_events"), keep: func(x *Story) bool { return x.Event != nil }})
}

// byLanguage gives a channel for each language, where there are several.
func (s Site) byLanguage() (out []channel) {
	tags := map[string]bool{}
	for _, x := range s.Stories {
		tags[x.Language] = true
	}
	if len(tags) < 2 {
		return nil
	}
	for _, tag := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, channel{"languages/" + strings.ToLower(tag), templates.OwnName(tag), func(x *Story) bool { return x.Language == tag }, tag})
	}
	return out
}

func (s Site) byAuthor() (out []channel) {
	names := map[string]string{} // by slug
	for _, x := range s.Stories {
		for _, p := range x.Authors {
			if slug := p.Slug(); names[slug] == "" {
				names[slug] = p.Name
			}
		}
	}
	for _, slug := range slices.Sorted(maps.Keys(names)) {
		out = append(out, channel{name: "authors/" + slug, title: names[slug], keep: func(x *Story) bool {
			return slices.ContainsFunc(x.Authors, func(p items.Person) bool { return p.Slug() == slug })
		}})
	}
	return out
}

// feedLinks names the feeds to readers of the pages.
func (s Site) feedLinks() (links []templates.FeedLink) {
	link := func(name, title string) templates.FeedLink {
		base := s.View.URL + "feeds/" + name
		return templates.FeedLink{Name: name, Title: title, Page: base + "/", RSS: base + feed.RSS.Ext, Atom: base + feed.Atom.Ext, JSON: base + feed.JSON.Ext}
	}
	for _, c := range s.channels() {
		l := link(c.name, c.title)
		if c.name == "events" {
			l.Calendar = s.View.URL + "feeds/events" + feed.CalendarExt
		}
		links = append(links, l)
	}
	return append(links, link("corrections", templates.LocaleFor(s.Language).T("feeds_corrections")))
}

// Floor marks the newest story that a feed does not show any more: neither it nor an older one comes in again, when others leave. A
// reader would take it for new.
type Floor struct {
	Published time.Time `json:"published"`
	First     time.Time `json:"first"`
	ID        string    `json:"id"`
}

// below tells whether a story is the floor or older.
func (f Floor) below(a *items.Article) bool {
	return f.ID != "" && items.NewestFirst(&items.Article{Published: f.Published, First: f.First, ID: f.ID}, a) <= 0
}

// Window is what a feed shows.
type Window struct {
	Name    string
	Stories []*Story
	Floor   Floor // from now on
}

// Settle says that all that decides on what feeds show is there: it is worked out once, instead of whenever it is needed.
func (s *Site) Settle() { s.windows = s.Windows() }

// Windows are what the feeds of stories show.
func (s Site) Windows() []Window {
	if s.windows != nil {
		return s.windows
	}
	var out []Window
	all, once := current(s.Stories), current(s.once())
	for _, c := range s.channels() {
		of := once
		if c.language != "" {
			of = all
		}
		out = append(out, s.window(c, of))
	}
	return out
}

// Floors are those of all feeds from now on, by name.
func (s Site) Floors() map[string]Floor {
	floors := map[string]Floor{}
	for _, w := range s.Windows() {
		floors[w.Name] = w.Floor
	}
	_, floors["corrections"] = s.correctionEntries(s.changed())
	maps.DeleteFunc(floors, func(_ string, f Floor) bool { return f.ID == "" })
	if len(floors) == 0 {
		return nil
	}
	return floors
}

// sure are those of the stories that readers know by no other id.
func (s Site) sure(stories []*Story) []*Story {
	if len(s.Feeds.Changed) == 0 {
		return stories
	}
	return newest(stories, 0, func(x *Story) bool { return s.Feeds.Changed[x.ID] == "" })
}

// Stays tells whether a feed stays as it was published last, unless something in that was taken back.
func (s Site) Stays(w Window) bool { return len(s.sure(w.Stories)) < len(w.Stories) }

func (s Site) window(c channel, current []*Story) Window {
	w := Window{Name: c.name, Floor: s.Feeds.Floors[c.name]}
	held := s.Feeds.Held[c.name]
	for _, x := range current {
		if w.Floor.below(&x.Article) {
			break // and so are all that follow
		}
		if !c.keep(x) || held[x.ID] {
			continue
		}
		if len(w.Stories) == s.Feeds.Limit {
			w.Floor = Floor{x.Published, x.First, x.ID}
			break
		}
		w.Stories = append(w.Stories, x)
	}
	return w
}

// feedDocuments are the live feeds in all formats, and the list of them for readers to import.
func (s Site) feedDocuments() []Document {
	var docs []Document
	by := map[string]channel{}
	for _, c := range s.channels() {
		by[c.name] = c
	}
	for _, w := range s.windows {
		f := s.feed(w.Name, by[w.Name].title)
		f.Language = cmp.Or(by[w.Name].language, s.Language)
		if w.Name == "news" {
			f.Tombstones = s.Erased
			if months := s.months(); len(months) > 0 {
				f.PrevArchive = s.archiveBase(months[0])
			}
		}
		docs = append(docs, s.formats("feeds/"+w.Name, f, w.Stories, func(x *Story) (feed.Entry, error) { return s.live[x.ID]() })...)
	}
	return append(docs, s.corrections()...)
}

// feed is a feed without its entries.
func (s Site) feed(name, title string) feed.Feed {
	if name != "news" {
		title = s.View.Title + ": " + title
	}
	return feed.Feed{
		Name: name, Title: title, Description: s.View.Description, Home: s.View.URL, Base: s.View.URL + "feeds/" + name,
		ID: fmt.Sprintf("tag:%s,%d:feeds/%s", s.Host, feedYear, name), Language: s.Language,
		Owner: feed.Owner(s.View.Owner), Hubs: s.Feeds.Hubs,
	}
}

// Host is the host in the ids of the feeds that were published into a folder; "" if there are none.
func Host(dir string) string {
	f, err := os.Open(filepath.Join(dir, "feeds", "news"+feed.Atom.Ext))
	if err != nil {
		return ""
	}
	defer f.Close()
	top, _ := io.ReadAll(io.LimitReader(f, 4096)) // the id is among the first elements
	if m := feedID.FindSubmatch(top); m != nil {
		return string(m[1])
	}
	return ""
}

// Archives are the names of the files, in JSON, of the archive that was published into a folder; none if there is none.
func Archives(dir string) (names []string, err error) {
	dir = filepath.Join(dir, filepath.FromSlash(archiveFolder))
	files, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	for _, f := range files {
		if filepath.Ext(f.Name()) == feed.JSON.Ext {
			names = append(names, filepath.Join(dir, f.Name()))
		}
	}
	return names, err
}

// feedID finds the id of the feed of all news, anyFeedID that of a feed.
var (
	feedID    = regexp.MustCompile(`<id>tag:([^,<>]+),` + strconv.Itoa(feedYear) + `:feeds/news</id>`)
	anyFeedID = regexp.MustCompile(`<id>tag:[^,<>]+,` + strconv.Itoa(feedYear) + `:feeds/`)
)

// formats are the documents of a feed of these stories, which entry makes entries of: one for each format, at a path without extension.
func (s Site) formats(path string, f feed.Feed, all []*Story, entry func(*Story) (feed.Entry, error)) []Document {
	stories := s.sure(all)
	return s.written(path, f, len(stories) < len(all), prints(stories), shared(len(feed.Formats), func() ([]feed.Entry, error) {
		entries := make([]feed.Entry, len(stories))
		for i, x := range stories {
			e, err := entry(x)
			if err != nil {
				return nil, err
			}
			if s.Feeds.Summaries && !x.Withdrawn {
				e.Content = ""
			}
			entries[i] = e
		}
		return entries, nil
	}))
}

// written are the documents of a feed, whose entries have a print. Those that stay are made only if there is none.
func (s Site) written(path string, f feed.Feed, stays bool, print string, entries func() ([]feed.Entry, error)) []Document {
	var docs []Document
	head := fmt.Sprintf("%+v", f)
	for _, format := range feed.Formats {
		docs = append(docs, Document{Path: path + format.Ext, Stage: Feeds, Compress: f.Current == "",
			Print:  PrintOf(s.print, head, format.Ext, fmt.Sprint(s.Feeds.Summaries), print),
			Spoilt: s.showsTakenBack, Stays: stays,
			Make: func() ([]byte, error) {
				var err error
				f := f
				if f.Entries, err = entries(); err != nil {
					return nil, err
				}
				return makeFeed(path+format.Ext, format, f)
			}})
	}
	return docs
}

// makeFeed gives the bytes of a feed that keep the rules of its format. Entries that break them are left out, which is an error, too.
func makeFeed(path string, format feed.Format, f feed.Feed) ([]byte, error) {
	data, wrong, err := write(format, f)
	if err != nil || len(wrong) == 0 {
		return data, err
	}
	f.Entries = slices.DeleteFunc(slices.Clone(f.Entries), func(e feed.Entry) bool {
		return slices.ContainsFunc(wrong, func(v feed.Violation) bool { return v.Entry == e.ID })
	})
	data, still, err := write(format, f)
	if err != nil || len(still) > 0 {
		return nil, errors.Join(err, Invalid{Path: path, Violations: wrong})
	}
	return data, Invalid{path, wrong, true}
}

// write gives the bytes of a feed, and which rules they break.
func write(format feed.Format, f feed.Feed) ([]byte, []feed.Violation, error) {
	b := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(b)
	b.Reset()
	if err := format.Write(b, f); err != nil {
		return nil, nil, err
	}
	data := bytes.Clone(b.Bytes())
	return data, feed.Check(format, data), nil
}

// buffers are those of documents made before: a new one would have to grow for each.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// showsTakenBack tells whether a feed names a story that was withdrawn or erased since, or its page: entries lead to their versions in
// other languages by their titles.
func (s Site) showsTakenBack(text []byte) bool {
	plain := html.UnescapeString(string(text))
	return s.leadsToTakenBack(plain) || slices.ContainsFunc(s.TakenBack, func(id string) bool { return strings.Contains(plain, id) })
}

func (s Site) leadsToTakenBack(text string) bool {
	pages := strings.TrimSuffix(items.Presenter{URL: s.View.URL}.StoryURL(""), "/")
	for _, rest, found := strings.Cut(text, pages); found; _, rest, found = strings.Cut(rest, pages) {
		if slug, _, page := strings.Cut(rest, "/"); page && s.TakenBackPages[items.Veil(slug)] {
			return true
		}
	}
	return false
}

// corrections are the documents of the feed that gives every correction and withdrawal an entry of its own.
func (s Site) corrections() []Document {
	all := s.changed()
	told, _ := s.correctionEntries(all)
	stories := s.sure(all)
	entries, stays := told, false
	if len(stories) < len(all) {
		entries, _ = s.correctionEntries(stories)
		stays = slices.ContainsFunc(told, func(e feed.Entry) bool {
			return !slices.ContainsFunc(stories, func(x *Story) bool { return x.Slug == e.Slug })
		})
	}
	f := s.feed("corrections", s.View.Feed("corrections").Title)
	return s.written("feeds/corrections", f, stays, PrintOf(prints(stories), fmt.Sprint(len(entries))), func() ([]feed.Entry, error) { return entries, nil })
}

// correctionEntries are the newest corrections and withdrawals of stories, and the floor of that feed from now on.
func (s Site) correctionEntries(of []*Story) ([]feed.Entry, Floor) {
	words := func(a items.Article, c *items.Correction) (title, text string) {
		change := templates.Change{Locale: templates.LocaleFor(cmp.Or(a.Language, s.Language)), Article: a}
		if c == nil {
			return change.Title(), change.Locale.T("withdrawn_text")
		}
		change.Date, change.Text = c.Date.Time, c.Text
		return change.Title(), c.Text
	}
	floor := s.Feeds.Floors["corrections"]
	entries := feed.Corrections(articles(of), words)
	for i, e := range entries {
		if floor.below(&e.Article) {
			return entries[:i], floor
		}
		if i == s.Feeds.Limit {
			return entries[:i], Floor{e.Published, e.First, e.ID}
		}
	}
	return entries, floor
}

// changed are the stories that were withdrawn or corrected, but for those that no reader had. One that was withdrawn is told once, not
// in each language; a correction is a text of its own.
func (s Site) changed() []*Story {
	had := func(x *Story) bool { return !s.Feeds.Unseen[x.ID] }
	withdrawn := items.Once(newest(s.Stories, 0, func(x *Story) bool { return x.Withdrawn && had(x) }), article, items.ByAge(s.Language))
	told := make(map[string]bool, len(withdrawn))
	for _, x := range withdrawn {
		told[x.ID] = true
	}
	return newest(s.Stories, 0, func(x *Story) bool { return told[x.ID] || !x.Withdrawn && len(x.Corrections) > 0 && had(x) })
}

// feedPages are the landing page of each feed, the page with all of them, and the list that readers import.
func (s Site) feedPages() []Document {
	var docs []Document
	var outlines []feed.Outline
	languages := map[string]string{}
	for _, c := range s.channels() {
		languages[c.name] = c.language
	}
	for _, l := range s.View.Feeds {
		outlines = append(outlines, feed.Outline{Title: l.Title, URL: l.RSS, Home: l.Page, Language: cmp.Or(languages[l.Name], s.Language)})
		var stories []*Story
		if l.Name == "corrections" {
			stories = s.changed()
		}
		if i := slices.IndexFunc(s.windows, func(w Window) bool { return w.Name == l.Name }); i >= 0 {
			stories = newest(s.windows[i].Stories, 10, shown)
		}
		docs = append(docs, s.page("feeds/"+l.Name+"/", "feed.html", PrintOf(l.Name, listed(stories)), func() any {
			v := templates.FeedPage{Site: s.view(s.Language), Feed: l}
			if l.Name == "corrections" {
				v.Changes = s.changes(articles(stories))
			} else {
				v.Articles = articles(stories)
			}
			return v
		}))
	}
	opml := s.View.URL + "feeds.opml"
	docs = append(docs, s.page("feeds/", "feeds.html", "", func() any { return templates.FeedList{Site: s.view(s.Language), OPML: opml} }))
	return append(docs, Document{Path: "feeds.opml", Stage: Feeds, Compress: true, Print: s.print, Make: written(func(w io.Writer) error {
		return feed.WriteOPML(w, s.View.Title, feed.Owner(s.View.Owner), outlines)
	})})
}

// changes are the newest corrections and withdrawals of articles.
func (s Site) changes(of []items.Article) (out []templates.Change) {
	l := templates.LocaleFor(s.Language)
	for _, a := range of {
		if a.Withdrawn {
			out = append(out, templates.Change{Locale: l, Article: a, Date: a.Updated})
		}
		for _, c := range a.Corrections {
			out = append(out, templates.Change{Locale: l, Article: a, Date: c.Date.Time, Text: c.Text})
		}
	}
	slices.SortStableFunc(out, func(a, b templates.Change) int { return b.Date.Compare(a.Date) })
	return out[:min(len(out), 10)]
}

// written makes bytes of what is written.
func written(write func(io.Writer) error) func() ([]byte, error) {
	return func() ([]byte, error) {
		var b bytes.Buffer
		err := write(&b)
		return b.Bytes(), err
	}
}

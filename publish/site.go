// Package publish makes what public/ holds, the feeds, the pages and the files they show, and puts it there. What a
// newsroom shows is a pure function of its stories and templates: the same input gives the same bytes, whatever the time,
// so a file is only written when something in it has changed and every web server can answer truthfully that nothing has.
//
// It assumes that the folder is served as it is, and that nobody else writes the files that it writes.
package publish

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"tidings/feed"
	"tidings/items"
	"tidings/templates"
)

// Site is all that a newsroom shows at one moment.
type Site struct {
	View     templates.Site  // what every page knows; Feeds and Locale are filled in here
	Host     string          // in the ids of the feeds; never changes
	Language string          // BCP 47, of pages that belong to no story
	Articles []items.Article // each has a page
	Current  []items.Article // of these, those that have not expired: in feeds and lists
	Topics   []items.Topic   // each has feeds of its own
	Limit    int             // how many stories a feed and the index hold at most
	Issues   []templates.Digest
}

// File is one file of the site. Its content is Data, or that of Asset when Data is nil.
type File struct {
	Path  string // under the publish folder, slash-separated
	Data  []byte
	Asset items.Media
}

// feedYear is in the ids of the feeds. It must never change, nor depend on anything: readers would take the feed for a new one.
const feedYear = 2026

// Files makes the site: pages first and feeds last, so that no feed names a page that is not there yet.
func (s Site) Files(set *templates.Set) ([]File, error) {
	s.View.Feeds = s.feedLinks()
	pages, err := s.pages(set)
	if err != nil {
		return nil, err
	}
	feeds, err := s.feeds(set)
	return append(pages, feeds...), err
}

// view gives what a page in this language knows of the site.
func (s Site) view(language string) templates.Site {
	v := s.View
	v.Locale = templates.LocaleFor(language)
	return v
}

func (s Site) pages(set *templates.Set) ([]File, error) {
	files := []File{{Path: "style.css", Data: set.Style()}}
	add := func(path, template string, view any) error {
		var b bytes.Buffer
		if err := set.Execute(&b, template, view); err != nil {
			return fmt.Errorf("page %s: %w", path, err)
		}
		files = append(files, File{Path: path, Data: b.Bytes()})
		return nil
	}
	for _, a := range s.Articles {
		if err := add("news/"+a.Slug+"/index.html", "story.html", templates.Story{Site: s.view(a.Language), Article: a}); err != nil {
			return nil, err
		}
	}
	for _, i := range s.Issues {
		path := fmt.Sprintf("newsletters/%s/%d/index.html", i.Newsletter.Name, i.Number)
		i.Site = s.view(s.Language)
		if err := add(path, "issue.html", i); err != nil {
			return nil, err
		}
	}
	latest := feed.Select(s.Current, s.Limit, func(a items.Article) bool { return !a.Withdrawn })
	err := add("index.html", "index.html", templates.Index{Site: s.view(s.Language), Articles: latest})
	return files, err
}

func (s Site) feeds(set *templates.Set) ([]File, error) {
	var files []File
	entries, err := s.entries(set)
	if err != nil {
		return nil, err
	}
	for _, f := range s.allFeeds(entries) {
		for _, format := range feed.Formats {
			var b bytes.Buffer
			if err := format.Write(&b, f); err != nil {
				return nil, err
			}
			files = append(files, File{Path: "feeds/" + f.Name + format.Ext, Data: b.Bytes()})
		}
	}
	return files, nil
}

// entries renders each current story once, for all the feeds that it is in.
func (s Site) entries(set *templates.Set) (map[string]feed.Entry, error) {
	out := make(map[string]feed.Entry, len(s.Current))
	for _, a := range s.Current {
		var b bytes.Buffer
		l := templates.LocaleFor(cmp.Or(a.Language, s.Language))
		if err := set.Execute(&b, "entry.html", templates.Entry{Locale: l, Article: a}); err != nil {
			return nil, fmt.Errorf("story %s: %w", a.Slug, err)
		}
		if a.Withdrawn {
			a.Title = l.T("withdrawn_title")
		}
		out[a.ID] = feed.Entry{Article: a, Content: b.String()}
	}
	return out, nil
}

// allFeeds gives the feed of all news and one for each topic.
func (s Site) allFeeds(entries map[string]feed.Entry) []feed.Feed {
	feeds := []feed.Feed{s.feed("news", s.View.Title, entries, func(items.Article) bool { return true })}
	for _, t := range s.Topics {
		feeds = append(feeds, s.feed("topics/"+t.Slug, s.View.Title+": "+t.Title, entries, func(a items.Article) bool {
			return slices.ContainsFunc(a.Topics, func(have items.Topic) bool { return have.Slug == t.Slug })
		}))
	}
	return feeds
}

func (s Site) feed(name, title string, entries map[string]feed.Entry, keep func(items.Article) bool) feed.Feed {
	f := feed.Feed{
		Name: name, Title: title, Description: s.View.Description, Home: s.View.URL, Base: s.View.URL + "feeds/" + name,
		ID: fmt.Sprintf("tag:%s,%d:feeds/%s", s.Host, feedYear, name), Language: s.Language,
		Owner: feed.Owner(s.View.Owner),
	}
	for _, a := range feed.Select(s.Current, s.Limit, keep) {
		f.Entries = append(f.Entries, entries[a.ID])
	}
	return f
}

// feedLinks names the feeds to readers of the pages.
func (s Site) feedLinks() []templates.FeedLink {
	link := func(title, name string) templates.FeedLink {
		base := s.View.URL + "feeds/" + name
		return templates.FeedLink{Title: title, RSS: base + feed.RSS.Ext, Atom: base + feed.Atom.Ext, JSON: base + feed.JSON.Ext}
	}
	links := []templates.FeedLink{link(s.View.Title, "news")}
	for _, t := range s.Topics {
		links = append(links, link(t.Title, "topics/"+t.Slug))
	}
	return links
}

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
	"net/url"
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
	s.View.Newsletters = s.newsletters()
	pages, err := s.pages(set)
	if err != nil {
		return nil, err
	}
	feeds, err := s.feeds(set)
	return append(pages, feeds...), err
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

// pages makes everything that people read.
func (s Site) pages(set *templates.Set) ([]File, error) {
	p := &pages{site: s, set: set, files: []File{{Path: "style.css", Data: set.Style()}}}
	for _, a := range s.Articles {
		p.add("news/"+a.Slug+"/", "story.html", templates.Story{Site: s.view(a.Language), Article: a})
	}
	for _, i := range s.Issues {
		i.Site = s.view(s.Language)
		p.add(fmt.Sprintf("newsletters/%s/%d/", i.Newsletter.Name, i.Number), "issue.html", i)
	}
	p.lists()
	latest := feed.Select(s.Current, s.Limit, func(a items.Article) bool { return !a.Withdrawn })
	p.add("", "index.html", templates.Index{Site: s.view(s.Language), Articles: latest})
	return p.files, p.err
}

// pages collects pages; after an error it takes no more.
type pages struct {
	site  Site
	set   *templates.Set
	files []File
	err   error
}

// add makes the page at a path that ends in a slash, or is "".
func (p *pages) add(path, template string, view any) {
	if p.err != nil {
		return
	}
	var b bytes.Buffer
	if err := p.set.Execute(&b, template, view); err != nil {
		p.err = fmt.Errorf("page %s: %w", path, err)
		return
	}
	p.files = append(p.files, File{Path: path + "index.html", Data: p.site.rooted(b.Bytes())})
}

// lists makes the pages that lead to all stories, to those of each topic, and to the past issues of each newsletter.
func (p *pages) lists() {
	v := p.site.view(p.site.Language)
	all := feed.Select(p.site.Articles, 0, func(a items.Article) bool { return !a.Withdrawn })
	p.list("news/", templates.List{Site: v, Title: v.Locale.T("all_stories"), Feed: &v.Feeds[0], Groups: byYear(all)})
	for i, t := range p.site.Topics {
		p.list("topics/"+t.Slug+"/", templates.List{Site: v, Title: t.Title, Feed: &v.Feeds[i+1], Groups: byYear(feed.Select(all, 0, has(t)))})
	}
	for _, n := range v.Newsletters {
		l := templates.List{Site: v, Title: n.Title, Intro: v.Locale.T("past_issues")}
		for _, i := range p.site.Issues {
			if i.Newsletter.Name == n.Name {
				l.Issues = append(l.Issues, templates.IssueLink{Title: i.Subject, URL: i.WebURL, Date: i.Date, Number: i.Number})
			}
		}
		if len(l.Issues) > 0 {
			slices.Reverse(l.Issues)
			p.list("newsletters/"+n.Name+"/", l)
		}
	}
}

func (p *pages) list(path string, l templates.List) {
	l.URL = p.site.View.URL + path
	p.add(path, "list.html", l)
}

// byYear groups articles that are newest first.
func byYear(articles []items.Article) (groups []templates.Group) {
	for _, a := range articles {
		year := a.Published.Format("2006")
		if len(groups) == 0 || groups[len(groups)-1].Heading != year {
			groups = append(groups, templates.Group{Heading: year})
		}
		g := &groups[len(groups)-1]
		g.Articles = append(g.Articles, a)
	}
	return groups
}

// has tells of an article whether it belongs to the topic.
func has(t items.Topic) func(items.Article) bool {
	return func(a items.Article) bool {
		return slices.ContainsFunc(a.Topics, func(have items.Topic) bool { return have.Slug == t.Slug })
	}
}

// rooted makes the links of a page that stay on this site begin at its root, so that the site can be looked at before it is
// reachable by its name. What other programs read, in the page's head, stays absolute.
func (s Site) rooted(page []byte) []byte {
	u, err := url.Parse(s.View.URL)
	if err != nil {
		return page
	}
	head, body, _ := bytes.Cut(page, []byte("<body"))
	style := []byte("style.css\"")
	head = bytes.Replace(head, append([]byte("=\""+s.View.URL), style...), append([]byte("=\""+u.Path), style...), 1)
	body = bytes.ReplaceAll(body, []byte("=\""+s.View.URL), []byte("=\""+u.Path))
	return bytes.Join([][]byte{head, body}, []byte("<body"))
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
		feeds = append(feeds, s.feed("topics/"+t.Slug, s.View.Title+": "+t.Title, entries, has(t)))
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

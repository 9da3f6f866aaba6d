package publish

import (
	"strconv"

	"tidings/items"
	"tidings/templates"
)

// wholeList is how many stories a list shows on one page. A longer one has a page for each year.
const wholeList = 300

// lists are the pages that lead to all stories, and to those of each topic, each in one language.
func (s Site) lists() []Document {
	all := s.listed()
	docs := s.list("news/", "", s.view(s.Language).Locale.T("all_stories"), "news", all)
	by := byTopic(all)
	for _, t := range s.Topics {
		docs = append(docs, s.list("topics/"+t.Slug+"/", "topics/"+t.Slug+"/", t.Title, "topics/"+t.Slug, by[t.Slug])...)
	}
	return docs
}

// byTopic are the stories of each topic, by its slug.
func byTopic(all []*Story) map[string][]*Story {
	by := map[string][]*Story{}
	for _, s := range all {
		for _, t := range s.Topics {
			by[t.Slug] = append(by[t.Slug], s)
		}
	}
	return by
}

// has tells of a story whether it belongs to the topic.
func has(t items.Topic) func(*Story) bool {
	return func(s *Story) bool {
		for _, have := range s.Topics {
			if have.Slug == t.Slug {
				return true
			}
		}
		return false
	}
}

// list is the page at a path that lists stories; of a long list, those of the last year, and a page for each year under the folder.
func (s Site) list(path, folder, title, feedName string, stories []*Story) []Document {
	years := byYear(stories)
	if len(stories) <= wholeList {
		return []Document{s.listPage(path, title, feedName, years, nil)}
	}
	links := make([]templates.YearLink, len(years))
	for i, y := range years {
		links[i] = templates.YearLink{Year: y[0].Published.Format("2006"), Count: len(y), URL: s.View.URL + yearPath(folder, y)}
	}
	docs := []Document{s.listPage(path, title, feedName, years[:1], links)}
	for _, y := range years {
		docs = append(docs, s.listPage(yearPath(folder, y), title, feedName, [][]*Story{y}, links))
	}
	return docs
}

func yearPath(folder string, year []*Story) string {
	return folder + "archive/" + year[0].Published.Format("2006") + "/"
}

func (s Site) listPage(path, title, feedName string, years [][]*Story, links []templates.YearLink) Document {
	parts := []string{path, title}
	for _, y := range years {
		parts = append(parts, listed(y))
	}
	for _, l := range links {
		parts = append(parts, l.URL, strconv.Itoa(l.Count))
	}
	return s.page(path, "list.html", PrintOf(parts...), func() any {
		v := s.view(s.Language)
		l := templates.List{Site: v, Title: title, URL: s.View.URL + path, Feed: v.Feed(feedName), Years: links}
		for _, y := range years {
			l.Groups = append(l.Groups, templates.Group{Heading: y[0].Published.Format("2006"), Articles: articles(y)})
		}
		return l
	})
}

// byYear groups stories that are newest first.
func byYear(stories []*Story) (years [][]*Story) {
	for _, s := range stories {
		if last := len(years) - 1; last >= 0 && years[last][0].Published.Year() == s.Published.Year() {
			years[last] = append(years[last], s)
		} else {
			years = append(years, []*Story{s})
		}
	}
	return years
}

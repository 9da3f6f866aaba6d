package newsroom

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tidings/digest"
	"tidings/items"
	"tidings/publish"
	"tidings/templates"
)

// site is what is to be seen of the stories, and the past issues among that.
func (n *Newsroom) site(ctx context.Context, desk Desk) (publish.Site, []digest.Issue, error) {
	n.assets.Begin(ctx)
	stories, err := n.showStories(ctx, desk)
	if err != nil {
		return publish.Site{}, nil, err
	}
	c := n.Config
	site := publish.Site{View: n.View(c.Language), Print: n.print, Host: desk.known.Host, Language: c.Language, Zone: c.Location,
		Stories: stories, Feeds: publish.Choice{Limit: c.Feeds.Limit, Summaries: c.Feeds.Content == "summary", Languages: c.Feeds.Languages, Authors: c.Feeds.Authors}}
	if c.Feeds.Hub != "" {
		site.Feeds.Hubs = []string{c.Feeds.Hub}
	}
	m, err := n.memory(ctx)
	if err != nil {
		return site, nil, err
	}
	if !n.force { // else a feed may begin anew
		site.Feeds.Floors, site.Feeds.Changed = m.floors, m.changed
	}
	site.Feeds.Unseen = map[string]bool{}
	for _, id := range m.unseen {
		site.Feeds.Unseen[id] = true
	}
	site.Topics = n.topics(site.Stories)
	issues, err := n.pastIssues(ctx, site.Stories)
	for _, d := range issues {
		site.Issues = append(site.Issues, n.digestView(d, n.locale("")))
	}
	return site, issues, err
}

// mailed lists the pictures that past issues show, and the small ones that their mails do: they stay when a story gets another one.
func (n *Newsroom) mailed(issues []digest.Issue) (paths []string) {
	for _, i := range issues {
		for _, a := range i.All() {
			if a.Image == nil {
				continue
			}
			shown := []string{a.Image.URL}
			if a.Image.Small != nil {
				shown = append(shown, a.Image.Small.URL)
			}
			for _, u := range shown {
				if p, ours := strings.CutPrefix(u, n.Config.URL); ours {
					paths = append(paths, p)
				}
			}
		}
	}
	return paths
}

// topics are those of the configuration, else those that the stories name, by title.
func (n *Newsroom) topics(stories []*publish.Story) []items.Topic {
	titles := maps.Clone(n.Config.Topics)
	if titles == nil {
		titles = map[string]string{}
		for _, x := range stories {
			for _, t := range x.Topics {
				titles[t.Slug] = t.Title
			}
		}
	}
	var out []items.Topic
	for slug, title := range titles {
		out = append(out, items.Topic{Slug: slug, Title: title})
	}
	slices.SortFunc(out, items.ByTitle)
	return out
}

// pastIssues are those that have been sent, or are being sent. What was taken back since is not in them either.
func (n *Newsroom) pastIssues(ctx context.Context, stories []*publish.Story) ([]digest.Issue, error) {
	shown := map[string]bool{}
	for _, x := range stories {
		shown[x.ID] = !x.Withdrawn
	}
	issues, err := n.Ledger.Issues(ctx, "")
	if err != nil {
		return nil, err
	}
	var past []digest.Issue
	for _, i := range issues {
		var d digest.Issue
		if err := json.Unmarshal(i.Content, &d); err != nil {
			return nil, fmt.Errorf("issue %s: %w", i.Name(), err)
		}
		rest, _ := d.Without(func(id string) bool { return !shown[id] })
		if !rest.Same(d) { // its subject may name what was taken back
			rest.Subject = d.Title
		}
		past = append(past, rest)
	}
	return past, nil
}

// View is what every page in this language knows of the newsroom, but for its feeds.
func (n *Newsroom) View(language string) templates.Site {
	c := n.Config
	v := templates.Site{Title: c.Title, Description: c.Description, URL: c.URL, Owner: templates.Owner(c.Owner), Locale: templates.LocaleFor(language)}
	for _, name := range slices.Sorted(maps.Keys(c.Newsletters)) {
		v.Newsletters = append(v.Newsletters, templates.Newsletter{Name: name, Title: c.Newsletters[name].Title})
	}
	return v
}

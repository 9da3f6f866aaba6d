package newsroom

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"tidings/items"
	"tidings/publish"
)

// ErrFlood says that old stories are held back, which readers would see as if they were new.
var ErrFlood = errors.New("readers would see old news as new, so it is held back")

// oldNews is how old a story is that comes into a feed late.
const oldNews = 30 * 24 * time.Hour

// hold holds back what must not come into the windows of the feeds, and gives an error for each flood.
func (n *Newsroom) hold(site *publish.Site, windows []publish.Window, last map[string][]seen, desk Desk) (floods []error) {
	site.Feeds.Held = map[string]map[string]bool{}
	whole := sync.OnceValue(func() map[string][]*publish.Story { return unlimited(*site) })
	g := gate{*site, desk.leaving(), desk.now}
	for _, w := range windows {
		had, ok := last[w.Name]
		come := g.late(w.Stories, had, ok)
		flood := !n.force && len(come.old) > n.Config.Feeds.Flood
		if !flood && len(come.over) == 0 {
			continue
		}
		all := whole()[w.Name] // for others would come in their place
		late := g.late(all, had, ok)
		site.Feeds.Held[w.Name] = idsOf(late.over)
		if !flood {
			continue
		}
		maps.Copy(site.Feeds.Held[w.Name], idsOf(late.old))
		if w.Name == allNews {
			maps.Copy(site.Feeds.Unseen, idsOf(g.late(n.sinceLast(all, had), had, ok).old))
		}
		if !site.Stays(w) {
			floods = append(floods, fmt.Errorf("%w: feeds/%s: %d stories that are older than 30 days would come in at once, such as %q; feeds.flood allows %d",
				ErrFlood, w.Name, len(come.old), come.old[0].Title, n.Config.Feeds.Flood))
		}
	}
	return floods
}

// unlimited are the stories that each feed would show if it could hold any number, by the feeds' names.
func unlimited(site publish.Site) map[string][]*publish.Story {
	site.Feeds.Limit = len(site.Stories) + 1
	all := map[string][]*publish.Story{}
	for _, w := range site.Windows() {
		all[w.Name] = w.Stories
	}
	return all
}

// sinceLast are the stories that no reader of a feed can have had: of a full one, those that are newer than the last of what it showed.
func (n *Newsroom) sinceLast(stories []*publish.Story, had []seen) []*publish.Story {
	if len(had) < n.Config.Feeds.Limit {
		return stories
	}
	ids := idsSeen(had)
	for i, s := range slices.Backward(stories) {
		if ids[s.ID] {
			return stories[:i]
		}
	}
	return nil
}

// late are stories that a feed did not show last, though they are not new.
type late struct {
	old  []*publish.Story
	over []*publish.Story // withdrawn, or about to be since their files are gone
}

// gate knows what tells late stories from new ones.
type gate struct {
	site    publish.Site
	leaving map[string]bool // ids of the stories whose files are gone
	now     time.Time
}

// late finds them among the stories that a feed would show. had is what it showed last, if ok; else nobody has anything of it, or what
// it showed is known to be the same.
func (g gate) late(stories []*publish.Story, had []seen, ok bool) (l late) {
	ids := idsSeen(had)
	for _, s := range stories {
		switch {
		case ids[s.ID]:
		case s.Withdrawn || g.leaving[s.ID]:
			if ok || g.site.Feeds.Unseen[s.ID] {
				l.over = append(l.over, s)
			}
		case ok && g.now.Sub(s.Published) > oldNews && g.site.Feeds.Changed[s.ID] == "":
			l.old = append(l.old, s)
		}
	}
	return l
}

// leaving are the stories whose files are gone, by id.
func (d Desk) leaving() map[string]bool {
	ids := map[string]bool{}
	for _, s := range d.Stories {
		if !s.Gone.IsZero() {
			ids[s.ID] = true
		}
	}
	return ids
}

func idsSeen(had []seen) map[string]bool {
	ids := make(map[string]bool, len(had))
	for _, s := range had {
		ids[s.ID] = true
	}
	return ids
}

func idsOf(stories []*publish.Story) map[string]bool {
	ids := make(map[string]bool, len(stories))
	for _, s := range stories {
		ids[s.ID] = true
	}
	return ids
}

// unseen are the stories that no reader had, from now on: those that the feed of all news shows now are not among them. With --force only
// notices are, since nothing else is held back.
func (n *Newsroom) unseen(site publish.Site, desk Desk) map[string]bool {
	unseen := site.Feeds.Unseen
	if len(unseen) == 0 {
		return nil
	}
	rest := maps.Clone(unseen)
	if w := site.Windows()[0]; !site.Stays(w) {
		for _, s := range w.Stories {
			delete(rest, s.ID)
		}
	}
	for _, s := range desk.Stories {
		if s.Status == items.Erased || n.force && s.Status != items.Withdrawn {
			delete(rest, s.ID)
		}
	}
	return rest
}

package newsroom

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"tidings/items"
	"tidings/publish"
)

// ErrChangedIDs says that stories which readers know would have other ids: readers would get them all anew.
var ErrChangedIDs = errors.New("stories that readers know would have other ids, so feeds, archives and calendars that name them stay as they were, or do without them")

// compareIDs finds the stories that readers know by another id. The archive is looked at only where pages are there of which nothing is
// known: else it bears the ids that the database has.
func (n *Newsroom) compareIDs(ctx context.Context, site *publish.Site, desk Desk, last map[string][]seen) error {
	old, err := n.inheritedArchive(ctx, *site)
	if err != nil || len(old) == 0 && len(last) == 0 {
		return err
	}
	pages := items.Presenter{URL: n.Config.URL}
	ids := make(map[string]string, len(desk.Stories))
	for _, s := range desk.Stories {
		ids[pages.StoryURL(s.Slug)] = s.ID
	}
	folder := strings.TrimSuffix(pages.StoryURL(""), "/")
	all := slices.Concat(slices.Concat(slices.Collect(maps.Values(last))...), old)
	moved := sync.OnceValue(func() map[string]string { return renamed(*site, desk, all, ids) })
	changed := map[string]string{}
	for _, s := range all {
		switch id := ids[s.URL]; {
		case id == "" && strings.HasPrefix(s.URL, folder):
			if id = moved()[s.URL]; id == "" {
				site.TakenBack = append(site.TakenBack, s.ID) // there is no such story any more
				continue
			}
			changed[id] = s.ID
		case id != "" && id != s.ID:
			changed[id] = s.ID
		}
	}
	if len(changed) > 0 {
		maps.Copy(changed, site.Feeds.Changed)
		site.Feeds.Changed = changed
	}
	return nil
}

// renamed are the ids of the stories that readers know neither by an id nor by an address, but by their title and date, by the addresses
// that they had. Where anything else bears that title, also a draft or what is taken back, none can be meant: what is taken back goes first.
func renamed(site publish.Site, desk Desk, known []seen, ids map[string]string) map[string]string {
	familiar, before := map[string]bool{}, map[string]seen{}
	for _, s := range known {
		if familiar[s.ID] = true; ids[s.URL] == "" {
			before[s.URL] = s
		}
	}
	titles := map[string]int{} // how many bear them, there and here
	for _, s := range before {
		titles[s.Title]++
	}
	for _, f := range desk.Scan.Files {
		if f.Item != nil {
			titles[f.Item.Title]++
		}
	}
	fresh := map[string]*publish.Story{}
	for _, s := range site.Stories {
		if !s.Withdrawn && !familiar[s.ID] {
			fresh[s.Title] = s
		}
	}
	found := map[string]string{}
	for address, s := range before {
		if now := fresh[s.Title]; now != nil && titles[s.Title] == 2 && !desk.has(s.ID) && now.Published.Truncate(time.Second).Equal(s.Published) {
			found[address] = now.ID
		}
	}
	return found
}

// has tells whether the desk has a story of this id, whatever its status.
func (d Desk) has(id string) bool {
	return slices.ContainsFunc(d.Stories, func(s items.Story) bool { return s.ID == id })
}

// inherited tells whether there are pages in the publish folder of which the database knows nothing.
func (n *Newsroom) inherited(ctx context.Context, site publish.Site) (bool, error) {
	if n.shown != nil { // all that is there was published, or looked at, by this process
		return false, nil
	}
	pages := make([]string, len(site.Stories))
	for i, s := range site.Stories {
		pages[i] = items.Presenter{}.StoryURL(s.Slug) + "index.html"
	}
	return n.public.Inherited(ctx, pages)
}

// inherit has the next publication take away what is not wanted any more of a folder that was inherited.
func (n *Newsroom) inherit(ctx context.Context, site publish.Site) error {
	there, err := n.inherited(ctx, site)
	if err != nil || !there {
		return err
	}
	return n.public.Inherit(ctx, n.Config.URL)
}

// inheritedArchive is what the archive of the publish folder names, if that was inherited.
func (n *Newsroom) inheritedArchive(ctx context.Context, site publish.Site) (all []seen, err error) {
	if there, err := n.inherited(ctx, site); err != nil || !there {
		return nil, err
	}
	files, err := publish.Archives(n.Config.Publish)
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		some, _, err := readSeen(file)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

// changedIDs is ErrChangedIDs if there are any.
func changedIDs(site publish.Site) []error {
	all := slices.Sorted(maps.Keys(site.Feeds.Changed))
	if len(all) == 0 {
		return nil
	}
	i := slices.IndexFunc(site.Stories, func(s *publish.Story) bool { return site.Feeds.Changed[s.ID] != "" })
	if i < 0 { // none of them shows
		return nil
	}
	s := site.Stories[i]
	return []error{fmt.Errorf("%w: %s was published as %s, and would be %s; %d in all", ErrChangedIDs, s.URL, site.Feeds.Changed[s.ID], s.ID, len(all))}
}

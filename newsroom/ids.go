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
	moved := sync.OnceValue(func() map[seen]string { return strangers(*site, all) })
	changed := map[string]string{}
	for _, s := range all {
		switch id := ids[s.URL]; {
		case id == "" && strings.HasPrefix(s.URL, folder):
			slug := strings.Trim(strings.TrimPrefix(s.URL, folder), "/")
			if id = moved()[s.story()]; id == "" || knows(desk, s.ID, slug) {
				site.TakenBack = append(site.TakenBack, s.ID) // there is no such story any more
				continue
			}
			changed[id] = s.ID // its file was renamed
			site.Former = append(site.Former, slug)
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

// story is what tells a story of which neither id nor address is known: its title and its date, to the second.
func (s seen) story() seen {
	return seen{Title: s.Title, Published: s.Published.UTC().Truncate(time.Second)}
}

// strangers are the ids of the stories that readers know neither by an id nor by an address.
func strangers(site publish.Site, known []seen) map[seen]string {
	familiar := make(map[string]bool, 2*len(known))
	for _, s := range known {
		familiar[s.ID], familiar[s.URL] = true, true
	}
	ids := map[seen]string{}
	for _, s := range site.Stories {
		if !s.Withdrawn && !familiar[s.ID] && !familiar[s.URL] {
			ids[seen{Title: s.Title, Published: s.Published}.story()] = s.ID
		}
	}
	return ids
}

// knows tells whether the desk has a story of this id, or an erased one at this address, of which only a hash is kept.
func knows(desk Desk, id, slug string) bool {
	veil := items.Veil(slug)
	return slices.ContainsFunc(desk.Stories, func(s items.Story) bool { return s.ID == id || s.Slug == veil })
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

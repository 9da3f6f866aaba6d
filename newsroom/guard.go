package newsroom

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"tidings/feed"
	"tidings/items"
	"tidings/publish"
)

// ErrFlood says that old stories are held back, which readers would see as if they were new.
var ErrFlood = errors.New("readers would see old news as new, so it is held back")

// ErrChangedIDs says that stories which readers know would have other ids: readers would get them all anew.
var ErrChangedIDs = errors.New("stories that readers know would have other ids, so feeds, archives and calendars that name them stay as they were")

// allNews is the name of the feed of all news.
const allNews = "news"

// oldNews is how old a story is that comes into a feed late.
const oldNews = 30 * 24 * time.Hour

// seen is what readers saw of a story in a feed.
type seen struct {
	ID       string    `json:"id"`
	URL      string    `json:"url"`
	Modified time.Time `json:"date_modified"`
}

// before reads what a feed showed last, newest first, from its own bytes: they tell it also where the database was lost. ok is false
// if it was never published.
func (n *Newsroom) before(name string) (last []seen, ok bool, err error) {
	return readSeen(filepath.Join(n.Config.Publish, "feeds", filepath.FromSlash(name)+feed.JSON.Ext))
}

// readSeen reads what a document of a feed names. ok is false if there is none.
func readSeen(file string) (all []seen, ok bool, err error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	} else if err != nil {
		return nil, false, err
	}
	var document struct {
		Items []seen `json:"items"`
	}
	err = json.Unmarshal(text, &document)
	return document.Items, err == nil, nil //nolint:nilerr // somebody spoilt it: it says nothing
}

// guard holds what the feeds are to show against what they showed last, and tells the site what to hold back. It gives an error for each
// thing that readers are spared. With --force only notices are held back, of stories that nobody has.
func (n *Newsroom) guard(ctx context.Context, site *publish.Site, desk Desk) (spared []error, err error) {
	last, err := n.lastShown(*site)
	if err != nil {
		return nil, err
	}
	if !n.force {
		if err := n.compareIDs(ctx, site, desk, last); err != nil {
			return nil, err
		}
		spared = changedIDs(*site)
	}
	takeBack(site, desk)
	spared = append(spared, n.hold(site, last, desk)...)
	site.Feeds.Unseen = n.unseen(*site, desk)
	return spared, nil
}

// lastShown is what those feeds showed last which would show other stories now, by their names. A feed that nobody has is not among them.
func (n *Newsroom) lastShown(site publish.Site) (map[string][]seen, error) {
	all := map[string][]seen{}
	for _, w := range site.Windows() {
		if slices.Equal(n.shown[w.Name], addresses(w)) {
			continue
		}
		last, ok, err := n.before(w.Name)
		if err != nil {
			return nil, err
		}
		if ok && len(last) > 0 {
			all[w.Name] = last
		}
	}
	return all, nil
}

// addresses are the ids and the addresses of the stories in a window.
func addresses(w publish.Window) []string {
	out := make([]string, len(w.Stories))
	for i, s := range w.Stories {
		out[i] = s.ID + " " + s.URL
	}
	return out
}

// remember keeps what the feeds show now, which the next publication need not be held against again.
func (n *Newsroom) remember(site publish.Site) {
	n.shown = map[string][]string{}
	for _, w := range site.Windows() {
		if len(site.Feeds.Held[w.Name]) == 0 && !site.Stays(w) {
			n.shown[w.Name] = addresses(w)
		}
	}
}

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
	changed := map[string]string{}
	for _, s := range slices.Concat(slices.Concat(slices.Collect(maps.Values(last))...), old) {
		switch id := ids[s.URL]; {
		case id == "" && strings.HasPrefix(s.URL, folder): // there is no such story any more
			site.TakenBack = append(site.TakenBack, s.ID)
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

// takeBack tells the site which stories were withdrawn or erased, by the ids by which readers know them and by their pages.
func takeBack(site *publish.Site, desk Desk) {
	site.TakenBackPages = map[string]bool{}
	for _, s := range desk.Stories {
		if s.Status != items.Withdrawn && s.Status != items.Erased {
			continue
		}
		s.ID = cmp.Or(site.Feeds.Changed[s.ID], s.ID)
		site.TakenBack = append(site.TakenBack, s.ID)
		site.TakenBackPages[items.Veil(s.Slug)] = true
		if s.Status == items.Erased && !s.FirstPublished.IsZero() && s.Minted() {
			site.Erased = append(site.Erased, feed.Tombstone{ID: s.ID, When: s.Updated})
		}
	}
}

// hold holds back what must not come into the feeds, and gives an error for each flood.
func (n *Newsroom) hold(site *publish.Site, last map[string][]seen, desk Desk) (floods []error) {
	site.Feeds.Held = map[string]map[string]bool{}
	whole := sync.OnceValue(func() map[string][]*publish.Story { return unlimited(*site) })
	g := gate{*site, desk.leaving(), desk.now}
	for _, w := range site.Windows() {
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

// Outlook is what readers of the feed of all news would see of a publication.
type Outlook struct {
	New, Updated, Withdrawn int
	Missed                  int     // stories, in this feed or not, that would be withdrawn since their files are gone
	Spared                  []error // what would be held back: ErrFlood for each feed, and ErrChangedIDs
}

// Outlook tells what readers would see if the newsroom were published now, and stores nothing.
func (n *Newsroom) Outlook(ctx context.Context) (Outlook, error) {
	n.desk.Lock()
	defer n.desk.Unlock()
	desk, err := n.look(ctx)
	if err != nil {
		return Outlook{}, err
	}
	site, _, err := n.site(ctx, desk)
	if err != nil {
		return Outlook{}, err
	}
	spared, err := n.guard(ctx, &site, desk)
	if err != nil {
		return Outlook{}, err
	}
	o := Outlook{}
	if news := site.Windows()[0]; !site.Stays(news) {
		last, _, failed := n.before(news.Name)
		o, err = outlook(news.Stories, last, desk), failed
	}
	o.Spared, o.Missed = spared, desk.newlyWithdrawn()
	return o, errors.Join(err, desk.problem())
}

// newlyWithdrawn is how many stories count as withdrawn since the last publication because their files are gone.
func (d Desk) newlyWithdrawn() (n int) {
	shown := map[string]bool{}
	for _, s := range d.known.Stories {
		shown[s.ID] = s.Status == items.Published
	}
	for _, s := range d.Stories {
		if s.Status == items.Withdrawn && !s.Gone.IsZero() && shown[s.ID] {
			n++
		}
	}
	return n
}

func outlook(stories []*publish.Story, last []seen, desk Desk) (o Outlook) {
	modified := map[string]time.Time{}
	for _, s := range last {
		modified[s.ID] = s.Modified
	}
	for _, s := range stories {
		at, known := modified[s.ID]
		switch {
		case !known && !s.Withdrawn:
			o.New++
		case !known || at.Equal(s.Updated.Truncate(time.Second)):
		case s.Withdrawn:
			o.Withdrawn++
		default:
			o.Updated++
		}
	}
	for _, s := range desk.Stories {
		if _, shown := modified[s.ID]; shown && s.Status == items.Erased {
			o.Withdrawn++
		}
	}
	return o
}

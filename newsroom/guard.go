package newsroom

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"tidings/feed"
	"tidings/items"
	"tidings/publish"
)

// ErrFlood says that a publication would change the ids of stories that readers have, or bring old ones to them as if they were new.
var ErrFlood = errors.New("readers would see old news as new, so the feed stays as it was")

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
	text, err := os.ReadFile(filepath.Join(n.Config.Publish, "feeds", filepath.FromSlash(name)+feed.JSON.Ext))
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

// guard holds what the feeds are to show against what they showed last. Of a feed that it refuses nothing is published but that
// stories were taken back. It gives an error for each.
func (n *Newsroom) guard(site *publish.Site, desk Desk) (refused []error, err error) {
	site.Feeds.Keep = map[string][]string{}
	ids := idsAt(site.Stories)
	for _, w := range site.Windows() {
		if slices.Equal(n.shown[w.Name], addresses(w)) {
			continue
		}
		last, ok, err := n.before(w.Name)
		if err != nil {
			return nil, err
		}
		if !ok || len(last) == 0 { // nobody has anything of it
			continue
		}
		why, changed := changedID(ids, last), true
		if why == "" {
			why, changed = n.broughtBack(w, last, desk.now), false
		}
		if why == "" {
			continue
		}
		refused = append(refused, fmt.Errorf("%w: feeds/%s: %s", ErrFlood, w.Name, why))
		if had := idsOf(last); takenBack(had, desk) || !changed && !allShow(had, site.Stories) {
			site.Feeds.Keep[w.Name] = had
			continue
		}
		site.Feeds.Frozen = append(site.Feeds.Frozen, w.Name)
	}
	return refused, nil
}

func idsOf(last []seen) []string {
	ids := make([]string, len(last))
	for i, s := range last {
		ids[i] = s.ID
	}
	return ids
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
		n.shown[w.Name] = addresses(w)
	}
	for _, name := range site.Feeds.Frozen {
		delete(n.shown, name)
	}
}

// idsAt are the ids of stories by the addresses of their pages.
func idsAt(stories []*publish.Story) map[string]string {
	ids := make(map[string]string, len(stories))
	for _, s := range stories {
		ids[s.URL] = s.ID
	}
	return ids
}

// changedID tells of a story that readers know by another id, of those at these addresses now.
func changedID(ids map[string]string, last []seen) string {
	for _, s := range last {
		if id := ids[s.URL]; id != "" && id != s.ID {
			return fmt.Sprintf("%s was published as %s, and would be %s", s.URL, s.ID, id)
		}
	}
	return ""
}

// broughtBack tells of too many old stories that would come into a feed.
func (n *Newsroom) broughtBack(w publish.Window, last []seen, now time.Time) string {
	var old []*publish.Story
	for _, s := range w.Stories {
		if now.Sub(s.Published) > oldNews && !slices.ContainsFunc(last, func(l seen) bool { return l.ID == s.ID }) {
			old = append(old, s)
		}
	}
	if len(old) <= n.Config.Feeds.Flood {
		return ""
	}
	return fmt.Sprintf("%d stories that are older than 30 days would come in at once, such as %q; feeds.flood allows %d", len(old), old[0].Title, n.Config.Feeds.Flood)
}

// allShow tells whether all of these stories still show.
func allShow(ids []string, stories []*publish.Story) bool {
	return !slices.ContainsFunc(ids, func(id string) bool {
		return !slices.ContainsFunc(stories, func(s *publish.Story) bool { return s.ID == id && !s.Expired })
	})
}

// takenBack tells whether one of these stories was withdrawn or erased.
func takenBack(ids []string, desk Desk) bool {
	return slices.ContainsFunc(desk.Stories, func(s items.Story) bool {
		return (s.Status == items.Withdrawn || s.Status == items.Erased) && slices.Contains(ids, s.ID)
	})
}

// Outlook is what readers of the feed of all news would see of a publication.
type Outlook struct {
	New, Updated, Withdrawn int
	Floods                  []error // ErrFlood, for each feed that would stay as it is
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
	var floods []error
	if !n.force {
		if floods, err = n.guard(&site, desk); err != nil {
			return Outlook{}, err
		}
	}
	if slices.Contains(site.Feeds.Frozen, "news") {
		return Outlook{Floods: floods}, desk.problem()
	}
	last, _, err := n.before("news")
	o := outlook(site.Windows()[0].Stories, last, desk)
	o.Floods = floods
	return o, errors.Join(err, desk.problem())
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

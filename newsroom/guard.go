package newsroom

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"tidings/feed"
	"tidings/items"
	"tidings/publish"
)

// allNews is the name of the feed of all news.
const allNews = "news"

// seen is what readers saw of a story in a feed.
type seen struct {
	ID        string    `json:"id"`
	URL       string    `json:"url"`
	Title     string    `json:"title"`
	Published time.Time `json:"date_published"`
	Modified  time.Time `json:"date_modified"`
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
	windows := site.Windows()
	last, err := n.lastShown(windows)
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
	spared = append(spared, n.hold(site, windows, last, desk)...)
	site.Settle()
	site.Feeds.Unseen = n.unseen(*site, desk)
	return spared, nil
}

// lastShown is what those feeds showed last which would show other stories now, in these windows, by their names. A feed that nobody has is
// not among them.
func (n *Newsroom) lastShown(windows []publish.Window) (map[string][]seen, error) {
	all := map[string][]seen{}
	for _, w := range windows {
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

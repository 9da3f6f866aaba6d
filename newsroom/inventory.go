package newsroom

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tidings/feed"
	"tidings/items"
	"tidings/publish"
)

// Line is one item file and what became of it.
type Line struct {
	File   string   // as problems name it
	State  string   // published, new: not published yet, draft, held until TIME, expired, withdrawn, erased, error, error: shown as it last was, file gone: withdrawn at TIME, another story in its file now: withdrawn at TIME, file gone: shown as it last was
	URL    string   // of its page; "" while there is none
	Feeds  []string // the live ones that hold it, such as news and topics/calais
	Issues []string // such as weekly-12

	Language string // BCP 47; "" where it cannot be told
	Of       string // the file of the story that it is a version of, as problems name it; "" for none
}

// Inventory lists the item files by path, and those that are gone while their stories still show. It stores nothing.
func (n *Newsroom) Inventory(ctx context.Context) ([]Line, error) {
	desk, err := n.Desk(ctx)
	if err != nil {
		return nil, err
	}
	issues, err := n.issuesOf(ctx)
	if err != nil {
		return nil, err
	}
	stories := map[string]items.Story{}
	for _, s := range desk.Stories {
		if s.Gone.IsZero() { // else another one's file may be there now
			stories[s.Path] = s
		}
	}
	feeds, err := n.feedsOf(ctx)
	if err != nil {
		return nil, err
	}
	told := desk.told()
	var lines []Line
	gone := func(s items.Story, state string) {
		lines = append(lines, Line{File: n.folder.Name(s.Path), State: state, URL: items.Presenter{URL: n.Config.URL}.StoryURL(s.Slug),
			Feeds: feeds[s.ID], Issues: issues[s.ID], Language: s.Item.Language})
	}
	for _, m := range n.Missed(desk) {
		why := "file gone"
		if m.Now != "" {
			why = "another story in its file now"
		}
		gone(m.story, why+": withdrawn at "+n.clock(m.Until))
	}
	for _, s := range desk.spared() {
		gone(s, "file gone: shown as it last was")
	}
	for _, f := range desk.Scan.Files {
		s, known := stories[f.Path]
		if !known {
			s, known = stories[items.Veil(f.Path)]
		}
		l := Line{File: f.Name, State: n.state(f, s, known, told[s.ID], desk), Issues: issues[s.ID]}
		if known && s.Visible(desk.now) && told[s.ID] {
			l.URL = items.Presenter{URL: n.Config.URL}.StoryURL(s.Slug)
			l.Feeds = feeds[s.ID]
		}
		if known && s.Item != nil {
			l.Language = s.Item.Language
		}
		if f.Of != "" {
			l.Of = n.folder.Name(f.Of)
		}
		lines = append(lines, l)
	}
	slices.SortStableFunc(lines, func(a, b Line) int { return cmp.Compare(a.File, b.File) })
	return lines, nil
}

// Missed is a story whose file is gone, or holds another story now.
type Missed struct {
	File  string    // as problems name it
	Now   string    // the id of the story that the file holds now; "" where it is gone
	Until time.Time // when the story counts as withdrawn, unless the file comes back; in the newsroom's time zone

	story items.Story
}

// Missed are the stories of a desk that still show though no file has them.
func (n *Newsroom) Missed(d Desk) (all []Missed) {
	for _, s := range d.Stories {
		if at := d.withdrawal(&s); !at.IsZero() && s.Visible(d.now) {
			all = append(all, Missed{File: n.folder.Name(s.Path), Until: at.In(n.Config.Location), story: s})
		}
	}
	if len(all) == 0 {
		return nil
	}
	there := map[string]string{}
	for _, s := range d.Stories {
		if s.Gone.IsZero() {
			there[s.Path] = s.ID
		}
	}
	for i := range all {
		all[i].Now = there[all[i].story.Path]
	}
	return all
}

// spared are the stories that still show without a time at which they are withdrawn, since most files are gone at once.
func (d Desk) spared() (all []items.Story) {
	there := map[string]bool{}
	for _, f := range d.Scan.Files {
		there[f.Path] = true
	}
	for _, s := range d.Stories {
		if d.lacking && s.Gone.IsZero() && s.Visible(d.now) && !there[s.Path] {
			all = append(all, s)
		}
	}
	return all
}

// told are the ids of the stories of which something was published already. Others may wait for a file beside them.
func (d Desk) told() map[string]bool {
	ids := map[string]bool{}
	for _, s := range d.known.Stories {
		ids[s.ID] = !s.FirstPublished.IsZero()
	}
	return ids
}

func (n *Newsroom) state(f items.File, s items.Story, known, told bool, d Desk) string {
	switch {
	case !known && (f.Status == items.Erased || f.Item != nil && f.Item.Status == items.Erased): // nobody knows any more which story it was
		return string(items.Erased)
	case !known:
		return "error"
	case s.Status == items.Published && f.Item == nil:
		return "error: shown as it last was"
	case s.Status != items.Published:
		return string(s.Status)
	case d.now.Before(s.Due()):
		return "held until " + n.clock(s.Due())
	case s.Item.Expired(d.now):
		return "expired"
	case !told:
		return "new: not published yet"
	}
	return string(items.Published)
}

// feedsOf gives for each story the live feeds that hold it, as they were published last: that of all news first, then by name.
func (n *Newsroom) feedsOf(ctx context.Context) (map[string][]string, error) {
	names, err := n.publishedFeeds()
	if err != nil {
		return nil, err
	}
	feeds := map[string][]string{}
	for _, name := range names {
		last, _, err := n.before(name)
		if err != nil {
			return nil, err
		}
		for _, s := range last {
			feeds[s.ID] = append(feeds[s.ID], name)
		}
	}
	m, err := n.memory(ctx)
	for id, known := range m.changed {
		feeds[id] = feeds[known]
	}
	return feeds, err
}

// publishedFeeds names the live feeds in the publish folder: that of all news, then the others by name.
func (n *Newsroom) publishedFeeds() (names []string, err error) {
	err = filepath.WalkDir(filepath.Join(n.Config.Publish, "feeds"), func(file string, _ fs.DirEntry, err error) error {
		name, _ := filepath.Rel(n.Config.Publish, file) // it is below
		if name = filepath.ToSlash(name); err == nil && path.Ext(name) == feed.JSON.Ext && publish.IsFeed(name) && !publish.Archived(name) {
			names = append(names, strings.TrimSuffix(strings.TrimPrefix(name, "feeds/"), feed.JSON.Ext))
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) { // nothing is published yet
		err = nil
	}
	slices.Sort(names)
	if i := slices.Index(names, allNews); i > 0 {
		names = slices.Insert(slices.Delete(names, i, i+1), 0, allNews)
	}
	return names, err
}

// issuesOf gives for each story the issues that it was in.
func (n *Newsroom) issuesOf(ctx context.Context) (map[string][]string, error) {
	out := map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(n.Config.Newsletters)) {
		told, err := n.Ledger.Told(ctx, name)
		if err != nil {
			return nil, err
		}
		for story, number := range told {
			out[story] = append(out[story], fmt.Sprintf("%s-%d", name, number))
		}
	}
	return out, nil
}

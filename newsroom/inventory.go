package newsroom

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"tidings/items"
)

// Line is one item file and what became of it.
type Line struct {
	File   string // as problems name it
	State  string // published, draft, held until TIME, expired, withdrawn, erased, error, error: shown as it last was
	URL    string // of its page; "" while there is none
	Feeds  []string
	Issues []string // such as weekly-12
}

// Inventory lists the item files by path. It stores nothing.
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
		stories[s.Path] = s
	}
	var lines []Line
	for _, f := range desk.Scan.Files {
		s, known := stories[f.Path]
		l := Line{File: f.Name, State: n.state(f, s, known, desk), Issues: issues[s.ID]}
		if known && s.Visible(desk.now) {
			l.URL = items.Presenter{URL: n.Config.URL}.StoryURL(s.Slug)
			l.Feeds = feedsOf(s, desk)
		}
		lines = append(lines, l)
	}
	return lines, nil
}

func (n *Newsroom) state(f items.File, s items.Story, known bool, d Desk) string {
	switch {
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
	}
	return string(items.Published)
}

func feedsOf(s items.Story, d Desk) []string {
	if s.Item.Expired(d.now) {
		return nil
	}
	return append([]string{"news"}, s.Item.Topics...)
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

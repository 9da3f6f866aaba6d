package items

import (
	"slices"
	"strings"
	"time"
)

// Change is what became of a story at a publication.
type Change struct {
	What string // that it is new, updated, withdrawn, erased, published again or a draft again, or that its file is back
	Path string // of its file, under the items folder
}

// What becomes of stories.
const (
	isNew   = "new"
	updated = "updated"
	again   = "published again"
	back    = "its file is back"
)

// changesOf says what became of stories that are changed, by their paths. That a file is gone is none: its story stays for the time being.
func (k Known) changesOf(changed []Story, now time.Time) (all []Change) {
	for i := range changed {
		s, old := &changed[i], &Story{Path: changed[i].Path}
		if at, known := k.find(s.ID); known {
			old = &k.Stories[at]
		}
		c := Change{s.became(old, now), s.Path}
		if s.Status == Erased {
			c.Path = old.Path // its own is none any more
		}
		if c.What != "" {
			all = append(all, c)
		}
	}
	slices.SortFunc(all, func(a, b Change) int { return strings.Compare(a.Path, b.Path) })
	return all
}

// became says what became of what a story was; "" if it is nothing that readers see, but for a file that is back.
func (s *Story) became(old *Story, now time.Time) string {
	shown := old.Status == Published && !old.FirstPublished.IsZero()
	switch {
	case s.Status != Published && (shown || s.Status != old.Status && !old.FirstPublished.IsZero()):
		return string(s.Status)
	case s.Status != Published || !s.Visible(now):
		return ""
	case old.FirstPublished.IsZero():
		return isNew
	case !shown:
		return again
	case s.Hash != old.Hash:
		return updated
	case s.Gone.IsZero() && !old.Gone.IsZero():
		return back
	}
	return ""
}

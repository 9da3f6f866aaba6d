package newsroom

import (
	"context"
	"errors"
	"time"

	"tidings/items"
	"tidings/publish"
)

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

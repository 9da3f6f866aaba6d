package newsroom

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"tidings/internal/lock"
	"tidings/internal/problem"
	"tidings/items"
	"tidings/publish"
)

// Publication is what Publish did.
type Publication struct {
	publish.Report
	Desk
	Spared []error // what readers were spared: ErrFlood, for each feed, and ErrChangedIDs
}

// Changes are what became of stories.
type Changes struct {
	Changes     []Change
	Overwritten problem.List // warns of files that hold quite another story than the published one they held
}

// Change is what became of a story.
type Change struct {
	File string // as problems name it
	What string // as items.Change has it
}

// Complaints is what readers were spared, nil if there is nothing: what the guards held back, and documents that would not have been
// valid.
func (p Publication) Complaints() error {
	all := slices.Clone(p.Spared)
	for _, i := range p.Refused {
		if file := p.fileOf(i.Violations[0].Entry); file != "" {
			all = append(all, fmt.Errorf("%s: %w", file, i))
		} else {
			all = append(all, i)
		}
	}
	return errors.Join(all...)
}

// Publish looks at the items folder and brings the publish folder up to date.
func (n *Newsroom) Publish(ctx context.Context) (Publication, error) {
	n.desk.Lock()
	defer n.desk.Unlock()
	return n.publish(ctx)
}

func (n *Newsroom) publish(ctx context.Context) (Publication, error) {
	release, err := lock.Take(ctx, n.Config.State(), "publish")
	if err != nil {
		return Publication{}, err
	}
	defer release()
	desk, err := n.look(ctx)
	if err != nil {
		return Publication{}, err
	}
	if desk.tooEarly() {
		return Publication{Desk: desk}, ErrClock
	}
	if desk.lacking && len(desk.known.Stories) == 0 { // nothing could be left as it was
		return Publication{Desk: desk}, ErrEmptied
	}
	print, err := n.deskPrint(ctx, desk)
	if err != nil || print == n.published {
		return Publication{Desk: n.withPictures(desk)}, errors.Join(err, desk.problem())
	}
	if n.published == "" { // a newsroom's own templates may be wrong: then nothing is touched
		if probs := n.Templates.Check(publish.Templates...); probs.HasErrors() {
			return Publication{}, probs
		}
	}
	pub, site, err := n.replace(ctx, desk)
	err = n.rememberAssets(ctx, err)
	if err := errors.Join(err, n.scrub(ctx, err == nil)); err != nil {
		n.published = "" // what is there is of neither
		return pub, err
	}
	n.remember(site)
	lost := n.lost
	if n.published, err = n.deskPrint(ctx, desk); err != nil { // anew: the database has changed
		return pub, err
	}
	if n.lost != lost { // somebody took files away meanwhile
		n.published = ""
	}
	return pub, desk.problem()
}

// note keeps what became of stories until it is told.
func (n *Newsroom) note(changes []items.Change, overwritten problem.List) {
	n.telling.Lock()
	defer n.telling.Unlock()
	for _, c := range changes {
		n.untold.Changes = append(n.untold.Changes, Change{n.folder.Name(c.Path), c.What})
	}
	n.untold.Overwritten = append(n.untold.Overwritten, overwritten...)
}

// Untold is what became of stories since it was last asked, by whichever publication of this process, the senders' too.
func (n *Newsroom) Untold() Changes {
	n.telling.Lock()
	defer n.telling.Unlock()
	u := n.untold
	n.untold = Changes{}
	return u
}

// withPictures gives a desk with what is wrong with the files beside items, as far as they were asked for since it was last shown.
func (n *Newsroom) withPictures(desk Desk) Desk {
	desk.Scan.Problems = append(slices.Clip(desk.Scan.Problems), n.assets.Problems()...)
	return desk
}

// replace puts what is to be seen of the stories in the place of what was seen before.
func (n *Newsroom) replace(ctx context.Context, desk Desk) (pub Publication, site publish.Site, err error) {
	// Before anything of them is seen: an id that was shown must never be minted anew.
	saved := make(chan error)
	go func() {
		changes, err := n.stories.Save(ctx, desk.known, desk.Stories, desk.now)
		if err == nil && len(changes) > 0 {
			n.note(changes, desk.Overwritten)
		}
		saved <- err
	}()
	site, issues, err := n.site(ctx, desk)
	if err := errors.Join(<-saved, err); err != nil {
		return pub, site, err
	}
	pub.Desk = n.withPictures(desk)
	if pub.Spared, err = n.guard(ctx, &site, desk); err != nil {
		return pub, site, err
	}
	if n.force {
		if err := n.public.Distrust(ctx); err != nil {
			return pub, site, err
		}
	}
	// Before the feeds are: what has left one must be known for it even if this process is killed.
	if err := n.saveMemory(ctx, site); err != nil {
		return pub, site, err
	}
	if err := n.inherit(ctx, site); err != nil {
		return pub, site, err
	}
	docs := append(n.assets.Documents(), site.Documents(n.Templates)...)
	if pub.Report, err = n.public.Replace(ctx, docs, slices.Concat(n.mailed(issues), n.assets.Stays())); err != nil {
		n.verified = time.Time{} // somebody may have taken the folder away meanwhile
	}
	return pub, site, err
}

// rememberAssets keeps what is known of the files that stories show, after a publication that failed with this error or did not fail: what was
// made of pictures saves the next one work in either case. After one that was called off, those that are ready are put in place, too: this
// process may not live to do so later.
func (n *Newsroom) rememberAssets(ctx context.Context, failed error) error {
	if failed == nil {
		return n.assets.Remember(ctx, n.db)
	}
	errs := []error{failed}
	end := context.WithoutCancel(ctx)
	if ctx.Err() != nil {
		errs = append(errs, n.public.Add(end, n.assets.Prepared()))
	}
	return errors.Join(append(errs, n.assets.RememberMore(end, n.db))...)
}

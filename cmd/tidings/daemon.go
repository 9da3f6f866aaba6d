package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tidings/config"
	"tidings/internal/problem"
	"tidings/items"
	"tidings/newsroom"
	"tidings/publish/websub"
	"tidings/schedule"
	"tidings/web"
)

// The daemon's pace.
const (
	lookEvery   = 15 * time.Second       // at the items folder, for what no event tells, such as changes on a network share
	settleAfter = time.Second            // a file must have stayed as it is before it is taken
	gatherFor   = 100 * time.Millisecond // the events of one change
	tickEvery   = 30 * time.Second       // at the clock, which may be set while we sleep, and for deferred mail
	stopEvery   = 2 * time.Second        // whether the file STOP is still there
	stopWithin  = 8 * time.Second        // for requests under way to end
	staleAfter  = 2 * time.Minute        // without a look at the items folder the daemon is not healthy
)

// daemon keeps one newsroom going: one goroutine publishes, one fills the bucket, one for each newsletter sends, one serves.
type daemon struct {
	newsroom *newsroom.Newsroom
	log      *slog.Logger
	now      func() time.Time
	lastLook atomic.Int64      // when the items folder was last looked at with success, and what was seen there published, in Unix seconds
	busy     atomic.Bool       // it is publishing, which may last long the first time
	unseen   string            // why the items cannot be looked at, as the log has told; "" if they can
	said     problem.List      // what the log has told of the items
	spared   string            // what it has told of what was not published
	lacking  bool              // most stories were missing at the last publication
	missed   map[string]string // what the log has told of files that are gone, by their names
	config   time.Time         // when tidings.yaml was last changed, as far as the log has told

	hub       *websub.Pinger // nil: none is configured
	changed   chan struct{}  // hints that the bucket may lack something
	published chan struct{}  // closed after the first publication: no issue is made of items that were not looked at yet
}

// headroom is memory that is never touched: it only counts in what the garbage collector waits for, so that there may be as much more garbage.
// The heap of a small newsroom is a few megabytes, which serving would fill many times a second, and collecting that took a tenth of the
// processor.
const headroom = 16 << 20

// run works until ctx ends and every part has come to an end, or until one part cannot go on.
func (d *daemon) run(ctx context.Context, listener net.Listener, server *http.Server) error {
	defer runtime.KeepAlive(make([]byte, headroom))
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	d.published, d.changed = make(chan struct{}), make(chan struct{}, 1)
	var parts sync.WaitGroup
	parts.Go(func() { d.publishing(ctx) })
	if d.newsroom.Config.Bucket != nil {
		parts.Go(func() { d.filling(ctx) })
	}
	if d.hub != nil {
		parts.Go(func() { d.hub.Run(ctx) })
	}
	for _, name := range slices.Sorted(maps.Keys(d.newsroom.Config.Newsletters)) {
		parts.Go(func() { d.sending(ctx, name) })
	}
	parts.Go(func() {
		if err := server.Serve(web.Joining(listener)); !errors.Is(err, http.ErrServerClosed) {
			cancel(fmt.Errorf("the web server ended: %w", err))
		}
	})
	d.log.Info("running", "newsroom", d.newsroom.Config.Dir, "listen", listener.Addr().String(), "url", d.newsroom.Config.URL)
	<-ctx.Done()
	d.log.Info("stopping")
	end, stop := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer stop()
	if err := server.Shutdown(end); err != nil {
		server.Close()
	}
	parts.Wait()
	d.log.Info("stopped")
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// healthy tells what is wrong with the daemon, nil if nothing is.
func (d *daemon) healthy() error {
	if d.busy.Load() {
		return nil
	}
	if at := d.lastLook.Load(); d.now().Unix()-at > int64(staleAfter/time.Second) {
		return errors.New("the items folder could not be looked at for a while")
	}
	return nil
}

// publishing looks at the items and publishes what changed, until ctx ends.
func (d *daemon) publishing(ctx context.Context) {
	watch := watch(ctx, d.newsroom.Config.Items, d.log)
	var seen string
	for {
		var next time.Duration
		watch.renew()
		look, err := d.newsroom.Look(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			d.blind(err)
			next = settleAfter // the folder may be about to be mounted, or put back
		case look.First && look.Pending:
			next = settleAfter // nothing is known yet: an empty site must not be published
		default:
			d.lastLook.Store(d.now().Unix())
			d.sees()
			if look.Print != seen {
				seen = d.publish(ctx, look.Print)
			}
			next = d.untilNext(look)
		}
		d.watchConfig()
		select {
		case <-ctx.Done():
			return
		case <-watch.hints:
			pause(ctx, gatherFor)
		case <-time.After(next):
		}
	}
}

// blind logs why the items cannot be looked at, once until it changes.
func (d *daemon) blind(err error) {
	if text := err.Error(); text != d.unseen {
		d.unseen = text
		d.log.Error("the items cannot be looked at; what was published stays", "error", err, "hint", strings.Join(hintsOn(err), "; "))
	}
}

// sees logs that the items can be looked at again, if they could not.
func (d *daemon) sees() {
	if d.unseen != "" {
		d.unseen = ""
		d.log.Info("the items can be looked at again")
	}
}

// pause waits, but not longer than ctx.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// watchConfig tells when tidings.yaml was changed, which counts from the next start, and what is wrong with it.
func (d *daemon) watchConfig() {
	info, err := os.Stat(filepath.Join(d.newsroom.Config.Dir, config.File))
	if err != nil {
		return
	}
	if !d.config.IsZero() && !info.ModTime().Equal(d.config) {
		d.tellConfig()
	}
	d.config = info.ModTime()
}

func (d *daemon) tellConfig() {
	_, probs, err := config.Load(d.newsroom.Config.Dir)
	switch {
	case err != nil:
		d.log.Error("tidings.yaml was changed, and cannot be read: a new start would fail", "error", err)
	case probs.HasErrors():
		d.log.Error("tidings.yaml was changed, and has errors: a new start would fail")
	default:
		d.log.Warn("tidings.yaml was changed: start anew to use it")
	}
	for _, p := range probs.Sorted() {
		d.warn("file", p)
	}
}

// untilNext is how long to wait for the next look if nothing happens meanwhile.
func (d *daemon) untilNext(look newsroom.Look) time.Duration {
	next := lookEvery
	if look.Pending {
		next = settleAfter
	}
	if change := look.NextChange; !change.IsZero() {
		next = min(next, max(change.Sub(d.now()), 0)+time.Millisecond)
	}
	return next
}

// publish publishes and gives print back if that went well, so that it is tried again if not.
func (d *daemon) publish(ctx context.Context, print string) string {
	start := time.Now()
	d.busy.Store(true)
	p, err := d.newsroom.Publish(ctx)
	d.lastLook.Store(d.now().Unix())
	d.busy.Store(false)
	hint(d.changed) // also after an error: what was taken back may be gone from the folder
	if d.hub != nil {
		d.hub.Changed(d.newsroom.ChangedFeeds(p.Report)...)
	}
	if err != nil && !errors.Is(err, newsroom.ErrEmptied) {
		if ctx.Err() == nil {
			d.log.Error("publishing failed; what was published stays", "error", err)
		}
		return ""
	}
	d.complain(errors.Join(err, p.Complaints()))
	untold := d.newsroom.Untold()
	d.tellChanges(untold.Changes)
	d.tellMissed(p.Desk, errors.Is(err, newsroom.ErrEmptied))
	for _, o := range untold.Overwritten {
		d.warn("item", o)
	}
	d.tell(p.Scan)
	select {
	case <-d.published:
	default:
		close(d.published)
	}
	if p.Changed() {
		d.log.Info("published", "stories", p.Shown(), "written", len(p.Written), "removed", len(p.Removed), "took", time.Since(start).Round(time.Millisecond))
	}
	return print
}

// complain logs what readers were spared, once until it changes.
func (d *daemon) complain(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	if text != d.spared && text != "" {
		d.log.Error("not all was published", "why", text, "hint", strings.Join(hintsOn(err), "; "))
	}
	d.spared = text
}

// tellAtMost is how many stories are named of which the same is said.
const tellAtMost = 20

// tellChanges logs what became of each story, or of how many the same, if those are many.
func (d *daemon) tellChanges(changes []newsroom.Change) {
	all := map[string][]string{}
	for _, c := range changes {
		all[c.What] = append(all[c.What], c.File)
	}
	for _, what := range slices.Sorted(maps.Keys(all)) {
		if files := all[what]; len(files) > tellAtMost {
			d.log.Info("stories", "now", what, "number", len(files))
			continue
		}
		for _, file := range all[what] {
			d.log.Info("story", "now", what, "item", file)
		}
	}
}

// tellMissed logs files that are gone or hold another story now, once each, and that the items folder is back, if it lacked most of them.
func (d *daemon) tellMissed(desk newsroom.Desk, lacking bool) {
	if d.lacking && !lacking {
		d.log.Info("the items folder is back", "stories", desk.Shown())
	}
	missed := map[string]string{}
	for _, m := range d.newsroom.Missed(desk) {
		what := "a file is gone; its story is withdrawn unless it comes back"
		if m.Now != "" {
			what = "the story that a file held until now is withdrawn: its id is now " + m.Now
		}
		missed[m.File] = what
		if d.missed[m.File] != what {
			d.log.Warn(what, "item", m.File, "withdrawn", m.Until.Format("15:04"))
		}
	}
	d.missed, d.lacking = missed, lacking
}

// tell logs the problems that are new since the last time, and those that are mended.
func (d *daemon) tell(scan items.Scan) {
	probs := scan.AllProblems()
	for _, p := range probs {
		if !slices.Contains(d.said, p) {
			d.warn("item", p)
		}
	}
	pending := map[string]bool{}
	for _, f := range scan.Files {
		pending[f.Name] = f.Pending
	}
	for _, p := range d.said {
		switch {
		case slices.Contains(probs, p):
		case pending[p.File]: // it may be there again when the file is written
			probs = append(probs, p)
		default:
			d.log.Info("problem is gone", "item", p.File, "what", p.What)
		}
	}
	d.said = probs
}

// warn logs a problem of a kind of file.
func (d *daemon) warn(kind string, p problem.Problem) {
	level := slog.LevelWarn
	if p.Severity == problem.Error {
		level = slog.LevelError
	}
	what := []any{kind, p.File}
	if p.Line > 0 {
		what = append(what, "line", p.Line)
	}
	d.log.Log(context.Background(), level, "problem", append(what, "what", p.What, "hint", strings.ReplaceAll(p.Hint, "\n", " "))...)
}

// sending sends the issues of one newsletter at their times, and goes on with what is unfinished, until ctx ends.
func (d *daemon) sending(ctx context.Context, name string) {
	// At once, so that no slot is missed by a first run that is cut short.
	if err := d.remember(ctx, name); err != nil && ctx.Err() == nil {
		d.log.Error("the schedule cannot be remembered", "newsletter", name, "error", err)
	}
	select {
	case <-ctx.Done():
	case <-d.published:
	}
	var halted error
	for ctx.Err() == nil {
		wait := tickEvery
		if nl := d.newsroom.Config.Newsletters[name]; nl.Schedule != "" {
			wait = min(wait, max(nl.Plan.Next(d.now(), d.newsroom.Config.Location).Sub(d.now()), time.Millisecond))
		}
		halt := d.turn(ctx, name)
		if halt != nil {
			wait = stopEvery
		}
		switch {
		case halt != nil && (halted == nil || halt.Error() != halted.Error()):
			d.log.Warn("sending is halted", "newsletter", name, "why", halt)
		case halted != nil && halt == nil:
			d.log.Info("sending goes on", "newsletter", name)
		}
		halted = halt
		pause(ctx, wait)
	}
}

// turn sends what is due of one newsletter, and tells what holds something back: the file STOP, the hour, or that a restored newsroom waits for a word.
func (d *daemon) turn(ctx context.Context, name string) (halt error) {
	errs := []error{d.atSlot(ctx, name), d.goOn(ctx, name)}
	for _, err := range errs {
		switch {
		case errors.Is(err, newsroom.ErrStopped), errors.Is(err, newsroom.ErrHours), errors.Is(err, newsroom.ErrRestored), errors.Is(err, newsroom.ErrForgotten):
			halt = err
		case err != nil && ctx.Err() == nil:
			d.log.Error("sending failed", "newsletter", name, "error", err)
		}
	}
	return halt
}

// remember makes the newsletter's schedule known from now on.
func (d *daemon) remember(ctx context.Context, name string) error {
	nl := d.newsroom.Config.Newsletters[name]
	if nl.Schedule == "" {
		return nil
	}
	return d.newsroom.Slots.Start(ctx, name, nl.Schedule, d.now())
}

// atSlot makes and sends the issue of the slot that is due, if any.
func (d *daemon) atSlot(ctx context.Context, name string) error {
	nl := d.newsroom.Config.Newsletters[name]
	if nl.Schedule == "" {
		return nil
	}
	if err := d.remember(ctx, name); err != nil {
		return err
	}
	last, err := d.newsroom.Slots.Last(ctx, name)
	if err != nil {
		return err
	}
	slot, run := schedule.Due(nl.Plan, last, d.now(), d.newsroom.Config.Location, time.Duration(nl.Late))
	switch {
	case slot.IsZero():
		return nil
	case !run:
		d.log.Warn("an issue was missed, and it is too late for it now: its stories wait for the next one", "newsletter", name, "slot", slot)
	default:
		var all []newsroom.Sent
		all, err = d.newsroom.Send(ctx, newsroom.Order{Newsletter: name, Slot: slot})
		d.tellSent(name, all)
		switch {
		case errors.Is(err, newsroom.ErrSlotTaken): // by an earlier run, which ended before it could say so
			err = nil
		case errors.Is(err, newsroom.ErrSendingElsewhere):
			return nil // at the next turn again
		case len(all) == 0 && err != nil:
			return err // likewise: there is no issue for this slot yet
		}
	}
	return errors.Join(err, d.newsroom.Slots.Done(context.WithoutCancel(ctx), name, slot))
}

// goOn sends what is left of unfinished issues and may be tried again by now.
func (d *daemon) goOn(ctx context.Context, name string) error {
	all, err := d.newsroom.Continue(ctx, name)
	d.tellSent(name, all)
	if errors.Is(err, newsroom.ErrSendingElsewhere) {
		return nil
	}
	return err
}

// tellSent logs what was sent, or why nothing was.
func (d *daemon) tellSent(name string, all []newsroom.Sent) {
	for _, s := range all {
		if s.Nothing != "" {
			d.log.Info("nothing was sent", "newsletter", name, "why", s.Nothing)
			continue
		}
		d.log.Info("issue", "issue", s.Issue.Name(), "stories", s.Stories, "account", s.Account.String())
	}
}

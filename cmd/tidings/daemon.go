package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tidings/internal/problem"
	"tidings/items"
	"tidings/newsroom"
	"tidings/schedule"
)

// The daemon's pace.
const (
	lookEvery   = 15 * time.Second // at the items folder, for what no event tells, such as changes on a network share
	settleAfter = time.Second      // a file must have stayed as it is before it is taken
	tickEvery   = 30 * time.Second // at the clock, which may be set while we sleep, and for deferred mail
	stopWithin  = 8 * time.Second  // for requests under way to end
	staleAfter  = 2 * time.Minute  // without a look at the items folder the daemon is not healthy
)

// daemon keeps one newsroom going: one goroutine publishes, one for each newsletter sends, one serves.
type daemon struct {
	newsroom *newsroom.Newsroom
	log      *slog.Logger
	now      func() time.Time
	lastLook atomic.Int64 // when the items folder was last looked at with success, in Unix seconds
	said     problem.List // what the log has told of the items
}

// run works until ctx ends and every part has come to an end, or until one part cannot go on.
func (d *daemon) run(ctx context.Context, listener net.Listener, server *http.Server) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var parts sync.WaitGroup
	parts.Go(func() { d.publishing(ctx) })
	for _, name := range slices.Sorted(maps.Keys(d.newsroom.Config.Newsletters)) {
		parts.Go(func() { d.sending(ctx, name) })
	}
	parts.Go(func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
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
		next := lookEvery
		look, err := d.newsroom.Look(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			d.log.Error("the items cannot be looked at", "error", err)
		case look.First && look.Pending:
			next = settleAfter // nothing is known yet: an empty site must not be published
		default:
			d.lastLook.Store(d.now().Unix())
			if look.Print != seen {
				seen = d.publish(ctx, look.Print)
			}
			next = d.untilNext(look)
		}
		select {
		case <-ctx.Done():
			return
		case <-watch:
		case <-time.After(next):
		}
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
	p, err := d.newsroom.Publish(ctx)
	if err != nil {
		if ctx.Err() == nil {
			d.log.Error("publishing failed; what was published stays", "error", err)
		}
		return ""
	}
	d.tell(p.Scan)
	if p.Changed() {
		d.log.Info("published", "stories", p.Shown(), "written", len(p.Written), "removed", len(p.Removed), "took", time.Since(start).Round(time.Millisecond))
	}
	return print
}

// tell logs the problems that are new since the last time, and those that are mended.
func (d *daemon) tell(scan items.Scan) {
	probs := scan.AllProblems()
	for _, p := range probs {
		if slices.Contains(d.said, p) {
			continue
		}
		level := slog.LevelWarn
		if p.Severity == problem.Error {
			level = slog.LevelError
		}
		d.log.Log(context.Background(), level, "problem", "item", p.File, "line", p.Line, "what", p.What, "hint", strings.ReplaceAll(p.Hint, "\n", " "))
	}
	for _, p := range d.said {
		if !slices.Contains(probs, p) {
			d.log.Info("problem is gone", "item", p.File, "what", p.What)
		}
	}
	d.said = probs
}

// sending sends the issues of one newsletter at their times, and goes on with what is unfinished, until ctx ends.
func (d *daemon) sending(ctx context.Context, name string) {
	nl := d.newsroom.Config.Newsletters[name]
	// A changed schedule is a new one: its past times were never promised.
	slots := name + " " + nl.Schedule
	for ctx.Err() == nil {
		if nl.Schedule != "" {
			d.atSlot(ctx, name, slots, nl.Plan, time.Duration(nl.Late))
		}
		d.goOn(ctx, name)
		wait := tickEvery
		if nl.Schedule != "" {
			wait = min(wait, max(nl.Plan.Next(d.now(), d.newsroom.Config.Location).Sub(d.now()), time.Millisecond))
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// atSlot makes and sends the issue of the slot that is due, if any.
func (d *daemon) atSlot(ctx context.Context, name, slots string, plan schedule.Schedule, late time.Duration) {
	if err := d.newsroom.Slots.Start(ctx, slots, d.now()); err != nil {
		d.failed(ctx, name, err)
		return
	}
	last, err := d.newsroom.Slots.Last(ctx, slots)
	if err != nil {
		d.failed(ctx, name, err)
		return
	}
	slot, run := schedule.Due(plan, last, d.now(), d.newsroom.Config.Location, late)
	switch {
	case slot.IsZero():
		return
	case !run:
		d.log.Warn("an issue was missed, and it is too late for it now: its stories wait for the next one", "newsletter", name, "slot", slot)
	default:
		s, err := d.newsroom.Send(ctx, newsroom.Order{Newsletter: name, Slot: slot})
		d.tellSent(ctx, name, s, err)
		if s.Issue.ID == 0 && err != nil && !errors.Is(err, newsroom.ErrSlotTaken) {
			return // there is no issue for this slot yet: at the next tick again
		}
	}
	if err := d.newsroom.Slots.Done(context.WithoutCancel(ctx), slots, slot); err != nil {
		d.failed(ctx, name, err)
	}
}

// goOn sends what is left of unfinished issues and may be tried again by now.
func (d *daemon) goOn(ctx context.Context, name string) {
	all, err := d.newsroom.Continue(ctx, name)
	for _, s := range all {
		d.tellSent(ctx, name, s, nil)
	}
	if err != nil && !errors.Is(err, newsroom.ErrSendingElsewhere) && !errors.Is(err, newsroom.ErrStopped) {
		d.failed(ctx, name, err)
	}
}

func (d *daemon) tellSent(ctx context.Context, name string, s newsroom.Sent, err error) {
	switch {
	case s.Issue.ID != 0:
		d.log.Info("issue", "issue", s.Issue.Name(), "stories", s.Stories, "account", s.Account.String())
	case err == nil:
		d.log.Info("no news for an issue: nothing was sent", "newsletter", name)
	}
	if err != nil {
		d.failed(ctx, name, err)
	}
}

func (d *daemon) failed(ctx context.Context, name string, err error) {
	if ctx.Err() == nil {
		d.log.Error("sending failed", "newsletter", name, "error", err)
	}
}

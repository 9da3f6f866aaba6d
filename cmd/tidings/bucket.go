package main

import (
	"context"
	"strings"
	"time"

	"tidings/publish"
)

// How long to wait before a bucket that could not be filled is tried again: each pause is twice the one before.
const (
	firstPause = 5 * time.Second
	lastPause  = 5 * time.Minute
)

// filling brings the bucket to the state of the publish folder after each publication, until ctx ends. Where that fails it tries again
// after a pause, which holds for what is published meanwhile too.
func (d *daemon) filling(ctx context.Context) {
	wait := firstPause
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.changed:
		}
		start := time.Now()
		r, err := d.newsroom.FillBucket(ctx)
		if d.hub != nil {
			d.hub.Changed(d.newsroom.ChangedFeeds(r)...)
		}
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			d.tellBucket(r, err, wait)
			pause(ctx, wait)
			wait = min(2*wait, lastPause)
			hint(d.changed)
		default:
			wait = firstPause
			if r.Changed() {
				d.log.Info("bucket filled", "bucket", d.newsroom.Config.Bucket.String(), "put", len(r.Written), "removed", len(r.Removed), "unchanged", r.Same,
					"took", time.Since(start).Round(time.Millisecond))
			}
		}
	}
}

// tellBucket logs that the bucket could not be filled.
func (d *daemon) tellBucket(r publish.Report, err error, wait time.Duration) {
	d.log.Error("the bucket could not be filled; trying again", "pause", wait, "put", len(r.Written), "removed", len(r.Removed), "error", err,
		"hint", strings.Join(hintsOn(err), "; "))
}

package newsroom

import (
	"context"
	"math"
	"time"
)

// Progress is how far the sending of an issue is.
type Progress struct {
	Issue     string  // its name
	Done      int64   // deliveries that came to an end, or to a pause, since this sender began
	Total     int64   // that were open then
	PerSecond float64 // since then
	Ended     bool    // nothing more will be told of this sender
}

// Left is how long the rest will take at this pace; 0 if that cannot be told.
func (p Progress) Left() time.Duration {
	if p.Done == 0 || p.PerSecond == 0 {
		return 0
	}
	return time.Duration(float64(p.Total-p.Done) / p.PerSecond * float64(time.Second))
}

// How often a sending tells where it is: in the log, or to someone who looks on.
const (
	logEvery  = 10 * time.Second
	showEvery = 200 * time.Millisecond
)

// report tells how far the sending is until ctx ends, and once more then to someone who looks on.
func (r *sending) report(ctx context.Context) {
	every, tell := logEvery, r.logProgress
	if r.progress != nil {
		every, tell = showEvery, r.progress
		defer func() {
			p := r.at()
			p.Ended = true
			r.progress(p)
		}()
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			tell(r.at())
		}
	}
}

// at is how far the sending is now.
func (r *sending) at() Progress {
	done := r.done.Load()
	return Progress{Issue: r.issue.Name(), Done: done, Total: r.total, PerSecond: float64(done) / time.Since(r.began).Seconds()}
}

func (r *sending) logProgress(p Progress) {
	args := []any{"issue", p.Issue, "done", p.Done, "of", p.Total, "per_second", math.Round(p.PerSecond)}
	if left := p.Left(); left > 0 {
		args = append(args, "left", left.Round(time.Second), "ready", r.clock(r.now().Add(left)))
	}
	r.log.Info("sending", args...)
}

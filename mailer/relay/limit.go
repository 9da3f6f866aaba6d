package relay

import (
	"sync"
	"time"
)

// Limits holds back what must not go out yet: each relay and each domain of recipients has a bucket of tokens, and a message
// takes one of each. A bucket that is told to slow down halves its rate, and wins it back little by little while all goes
// well. It is safe for concurrent use.
type Limits struct {
	mu      sync.Mutex
	buckets map[string]*bucket
	fixed   func(name string) float64
}

// bucket refills at rate tokens a second, up to one second's worth. Counting what went out lets a rate be found where none
// is set.
type bucket struct {
	limit  float64 // messages a second that are allowed at most; 0: any number
	rate   float64 // that are allowed now; 0: any number
	tokens float64
	at     time.Time // when tokens was counted

	slowed time.Time // when rate was last lowered
	since  time.Time // the beginning of the second that is counted
	count  float64   // what went out in it
	recent float64   // what went out a second lately
}

// Rate is the state of one bucket, to be kept over a restart.
type Rate struct {
	Name   string
	Rate   float64 // messages a second; 0: any number
	Tokens float64
	At     time.Time
}

// NewLimits makes the limits. fixed gives the greatest rate of the bucket of a name, in messages a second, 0 for none; kept is
// what an earlier run left.
func NewLimits(fixed func(name string) float64, kept []Rate) *Limits {
	l := &Limits{buckets: map[string]*bucket{}, fixed: fixed}
	for _, k := range kept {
		b := l.bucket(k.Name, k.At)
		b.tokens = min(b.tokens, k.Tokens)
		if k.Rate > 0 && (b.limit == 0 || k.Rate < b.limit) {
			b.rate, b.slowed = k.Rate, k.At
		}
	}
	return l
}

// slowest is the rate below which nothing is slowed down, in messages a second.
const slowest = 1

func (l *Limits) bucket(name string, now time.Time) *bucket {
	b := l.buckets[name]
	if b == nil {
		limit := l.fixed(name)
		b = &bucket{limit: limit, rate: limit, tokens: max(limit, 1), at: now, since: now}
		l.buckets[name] = b
	}
	return b
}

// Take takes a token of each of the named buckets and gives 0, or takes none and gives the time until they may have them.
func (l *Limits) Take(now time.Time, names ...string) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	var wait time.Duration
	for _, name := range names {
		wait = max(wait, l.bucket(name, now).wait(now))
	}
	if wait > 0 {
		return wait
	}
	for _, name := range names {
		l.buckets[name].take(now)
	}
	return 0
}

func (b *bucket) wait(now time.Time) time.Duration {
	if b.rate == 0 {
		return 0
	}
	switch passed := now.Sub(b.at).Seconds(); {
	case passed > 0:
		b.tokens = min(b.tokens+passed*b.rate, max(b.rate, 1))
		b.at = now
	case passed < -1: // the clock was set back
		b.at = now
	}
	if b.tokens >= 1 {
		return 0
	}
	return time.Duration((1 - b.tokens) / b.rate * float64(time.Second))
}

func (b *bucket) take(now time.Time) {
	if b.rate > 0 {
		b.tokens--
	}
	if passed := now.Sub(b.since).Seconds(); passed >= 1 {
		b.recent, b.count, b.since = b.count/passed, 0, now
	}
	b.count++
}

// Slower halves the rate of a bucket, at most once in five seconds: all connections hear the same complaint at once.
func (l *Limits) Slower(name string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.bucket(name, now)
	if now.Sub(b.slowed) < 5*time.Second {
		return
	}
	rate := b.rate
	if rate == 0 {
		rate = max(b.recent, b.count, 10)
	}
	b.rate, b.slowed = max(rate/2, slowest), now
	b.tokens, b.at = min(b.tokens, 1), now
}

// Faster notes that a message went well: the rate grows by a twentieth a second, up to the limit, or until it holds nothing
// back any more.
func (l *Limits) Faster(name string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.bucket(name, now)
	if b.slowed.IsZero() || now.Sub(b.slowed) < time.Second {
		return
	}
	b.rate, b.slowed = b.rate*1.05, now
	switch {
	case b.limit > 0 && b.rate >= b.limit:
		b.rate, b.slowed = b.limit, time.Time{}
	case b.limit == 0 && b.rate > 4*max(b.recent, b.count, 1):
		b.rate, b.slowed = 0, time.Time{}
	}
}

// Rates gives all buckets, to be kept; the Rate of one that holds nothing back is 0.
func (l *Limits) Rates() []Rate {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []Rate
	for name, b := range l.buckets {
		out = append(out, Rate{name, b.rate, b.tokens, b.at})
	}
	return out
}

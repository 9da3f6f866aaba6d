package relay_test

import (
	"cmp"
	"slices"
	"sync"
	"testing"
	"time"

	"tidings/mailer/relay"
)

func fixed(limits map[string]float64) func(string) float64 {
	return func(name string) float64 { return limits[name] }
}

// send counts the messages that go out within d of simulated time, when somebody always wants to send.
func send(l *relay.Limits, at time.Time, d time.Duration, each func(time.Time), names ...string) (n int) {
	for end := at.Add(d); at.Before(end) && n < 1_000_000; {
		wait := l.Take(at, names...)
		if wait > 0 {
			at = at.Add(wait)
			continue
		}
		n++
		if each != nil {
			each(at)
		}
		at = at.Add(time.Millisecond) // no relay is faster
	}
	return n
}

func TestRateIsHeld(t *testing.T) {
	for n, c := range []struct {
		why    string
		limits map[string]float64
		want   int // in 100 seconds, beside the burst at the beginning
		burst  int
	}{
		{"the relay's", map[string]float64{"relay": 50}, 5000, 50},
		{"the domain's is lower", map[string]float64{"relay": 50, "domain": 2}, 200, 2},
		{"the relay's is lower", map[string]float64{"relay": 3, "domain": 20}, 300, 3},
		{"one in ten seconds", map[string]float64{"relay": 0.1}, 10, 1},
		{"none", nil, 100_000, 0},
	} {
		l := relay.NewLimits(fixed(c.limits), nil)
		if got := send(l, now(), 100*time.Second, nil, "relay", "domain"); got < c.want-1 || got > c.want+c.burst+1 {
			t.Errorf("%d %s: %d messages in 100 s, want %d", n+1, c.why, got, c.want)
		}
	}
}

// A message that has to wait for its domain takes nothing from its relay.
func TestWaitingTakesNothing(t *testing.T) {
	l := relay.NewLimits(fixed(map[string]float64{"relay": 2, "slow": 1}), nil)
	if l.Take(now(), "relay", "slow") != 0 {
		t.Fatal("the first must wait")
	}
	for range 100 {
		if l.Take(now(), "relay", "slow") == 0 {
			t.Fatal("the second need not wait")
		}
	}
	if l.Take(now(), "relay", "other") != 0 {
		t.Error("another domain has to wait for the slow one")
	}
}

// A break saves up one second's worth, no more.
func TestBurst(t *testing.T) {
	l := relay.NewLimits(fixed(map[string]float64{"relay": 10}), nil)
	send(l, now(), 10*time.Second, nil, "relay")
	n := 0
	for at := now().Add(time.Hour); l.Take(at, "relay") == 0; n++ {
	}
	if n != 10 {
		t.Errorf("%d at once after a break, want 10", n)
	}
}

func rateOf(l *relay.Limits, name string) float64 {
	for _, r := range l.Rates() {
		if r.Name == name {
			return r.Rate
		}
	}
	return 0
}

func TestSlowerAndFaster(t *testing.T) {
	l, at := relay.NewLimits(fixed(map[string]float64{"relay": 40}), nil), now()
	for range 10 { // all connections hear the same
		l.Slower("relay", at)
	}
	if got := rateOf(l, "relay"); got != 20 {
		t.Errorf("after one complaint %v/s, want 20", got)
	}
	if n := send(l, at, 10*time.Second, nil, "relay"); n < 199 || n > 222 {
		t.Errorf("%d in 10 s, want 200", n)
	}
	at = at.Add(10 * time.Second)
	l.Slower("relay", at)
	if got := rateOf(l, "relay"); got != 10 {
		t.Errorf("after two complaints %v/s, want 10", got)
	}
	for range 1000 {
		at = at.Add(10 * time.Second)
		l.Slower("relay", at)
	}
	if got := rateOf(l, "relay"); got != 1 {
		t.Errorf("after many complaints %v/s, want 1", got)
	}
	last := 0.0
	for range 200 {
		at = at.Add(time.Second)
		l.Faster("relay", at)
		if got := rateOf(l, "relay"); got < last || got > 40 {
			t.Fatalf("faster: from %v to %v", last, got)
		} else {
			last = got
		}
	}
	if last != 40 {
		t.Errorf("after a good while %v/s, want 40 again", last)
	}
}

// Where no rate is set, the one that was too much is halved, and the limit vanishes when it holds nothing back.
func TestRateIsFound(t *testing.T) {
	l, at := relay.NewLimits(fixed(nil), nil), now()
	if n := send(l, at, 5*time.Second, nil, "relay"); n != 5000 {
		t.Fatalf("%d in 5 s without a limit", n)
	}
	at = at.Add(5 * time.Second)
	l.Slower("relay", at)
	if got := rateOf(l, "relay"); got < 490 || got > 510 {
		t.Fatalf("%v/s after 1000/s were too many", got)
	}
	send(l, at, time.Minute, func(at time.Time) { l.Faster("relay", at) }, "relay")
	if rates := l.Rates(); len(rates) != 1 || rates[0].Rate != 0 {
		t.Errorf("still held back: %+v", rates)
	}
}

// A restart forgets neither the rate nor how much of it was used, and the rate goes up again after it.
func TestRatesAreKept(t *testing.T) {
	set := fixed(map[string]float64{"relay": 10})
	l, at := relay.NewLimits(set, nil), now()
	for l.Take(at, "relay", "domain") == 0 {
	}
	l.Slower("relay", at)
	l.Slower("domain", at)
	kept := l.Rates()
	slices.SortFunc(kept, func(a, b relay.Rate) int { return cmp.Compare(a.Name, b.Name) })
	if len(kept) != 2 || kept[1].Name != "relay" || kept[1].Rate != 5 || kept[1].Tokens >= 1 || !kept[1].At.Equal(at) {
		t.Fatalf("kept %+v", kept)
	}
	again := relay.NewLimits(set, kept)
	if again.Take(at, "relay") == 0 {
		t.Error("the restart gave tokens away")
	}
	if got := rateOf(again, "relay"); got != 5 {
		t.Errorf("after the restart %v/s", got)
	}
	if n := send(again, at, 10*time.Second, nil, "relay"); n < 49 || n > 56 {
		t.Errorf("%d in 10 s after the restart, want 50", n)
	}
	for range 100 {
		at = at.Add(time.Second)
		again.Faster("relay", at)
	}
	if got := rateOf(again, "relay"); got != 10 {
		t.Errorf("it stays at %v/s for ever", got)
	}
	lower := relay.NewLimits(fixed(map[string]float64{"relay": 2}), kept)
	if got := rateOf(lower, "relay"); got != 2 {
		t.Errorf("%v/s although 2/s is set meanwhile", got)
	}
}

// A clock that is set back must not stop the mail until it has caught up.
func TestClockSetBack(t *testing.T) {
	l := relay.NewLimits(fixed(map[string]float64{"relay": 10}), nil)
	send(l, now(), 10*time.Second, nil, "relay")
	if n := send(l, now().Add(-time.Hour), 10*time.Second, nil, "relay"); n < 99 {
		t.Errorf("%d in 10 s, want 100", n)
	}
}

func TestLimitsAtOnce(t *testing.T) {
	l, at := relay.NewLimits(fixed(map[string]float64{"relay": 100}), nil), now()
	var done sync.WaitGroup
	taken := make([]int, 8)
	for i := range taken {
		done.Go(func() {
			for range 1000 {
				if l.Take(at, "relay", "domain") == 0 {
					taken[i]++
				}
				l.Faster("domain", at)
				l.Slower("domain", at)
				l.Rates()
			}
		})
	}
	done.Wait()
	sum := 0
	for _, n := range taken {
		sum += n
	}
	if sum < 1 || sum > 100 {
		t.Errorf("%d were let through at 100/s in no time", sum)
	}
}

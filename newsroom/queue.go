package newsroom

import (
	"context"
	"sync"
	"time"

	"tidings/mailer/ledger"
	"tidings/mailer/relay"
)

// readAhead is how many deliveries are read from the ledger at a time: the list of recipients is never in memory as a whole.
const readAhead = 1000

// mostWaiting is how many deliveries may wait in memory at most, when limits hold some domains back and others may go before them.
const mostWaiting = 20 * readAhead

// queue hands out the deliveries of an issue whose turn has come and that no limit holds back, to any number of connections.
type queue struct {
	ledger ledger.Ledger
	issue  ledger.Issue
	limits *relay.Limits
	began  time.Time // those deferred until later wait for another run

	mu      sync.Mutex
	losses  map[int64]int // connections that broke over a subscriber's delivery
	state   ledger.State  // that is being read: first Pending, then Deferred, then "" when all are read
	after   int64
	waiting []ledger.Turn
}

func newQueue(l ledger.Ledger, issue ledger.Issue, limits *relay.Limits, now time.Time) *queue {
	return &queue{ledger: l, issue: issue, limits: limits, began: now, state: ledger.Pending, losses: map[int64]int{}}
}

// next gives the next delivery for a connection to the relay of this name. The limits go by the real time, as waiting does. If limits hold back all that are waiting, wait says
// how long. ok is false when none is left.
func (q *queue) next(ctx context.Context, relayName string) (t ledger.Turn, wait time.Duration, ok bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for enough := readAhead / 4; ; enough = len(q.waiting) + 1 {
		if err := q.fill(ctx, enough); err != nil || len(q.waiting) == 0 {
			return t, 0, false, err
		}
		if t, wait = q.take(relayName); wait == 0 || q.state == "" || len(q.waiting) >= mostWaiting {
			return t, wait, true, nil
		}
	}
}

// take gives the first that waits and is not held back, or says how long all are.
func (q *queue) take(relayName string) (t ledger.Turn, wait time.Duration) {
	held := map[string]bool{}
	for i, t := range q.waiting {
		domain := "domain:" + domainOf(t.Email)
		if held[domain] {
			continue
		}
		w := q.limits.Take(time.Now(), "relay:"+relayName, domain)
		if w == 0 {
			q.waiting = append(q.waiting[:i], q.waiting[i+1:]...)
			return t, 0
		}
		if held[domain] = true; wait == 0 || w < wait {
			wait = w
		}
	}
	return t, wait
}

// drained tells whether none is left to hand out, unless one comes back.
func (q *queue) drained(ctx context.Context) (bool, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	err := q.fill(ctx, 1)
	return len(q.waiting) == 0, err
}

// lost counts a connection that broke over a delivery, and gives how many did.
func (q *queue) lost(t ledger.Turn) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.losses[t.Subscriber]++
	return q.losses[t.Subscriber]
}

// back takes a delivery back that was not tried after all.
func (q *queue) back(t ledger.Turn) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, t)
}

// fill reads on until enough are waiting, or all are read.
func (q *queue) fill(ctx context.Context, enough int) error {
	for len(q.waiting) < enough && q.state != "" {
		page, err := q.ledger.Turns(ctx, q.issue, q.state, q.after, q.began, readAhead)
		if err != nil {
			return err
		}
		q.waiting = append(q.waiting, page...)
		if len(page) > 0 {
			q.after = page[len(page)-1].Subscriber
		}
		if len(page) < readAhead {
			q.state, q.after = map[ledger.State]ledger.State{ledger.Pending: ledger.Deferred}[q.state], 0
		}
	}
	return nil
}

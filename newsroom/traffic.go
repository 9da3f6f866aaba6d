package newsroom

import (
	"context"
	"errors"
	"sync"
	"time"

	"tidings/mailer/relay"
)

// traffic is what all sendings of a process share, for relays and domains do not care which newsletter a mail is of: the limits, and
// the number of connections to each relay.
type traffic struct {
	mu     sync.Mutex
	limits *relay.Limits
	places map[string]chan struct{}
}

// open gives the limits, at first as an earlier run has left them.
func (t *traffic) open(ctx context.Context, n *Newsroom) (*relay.Limits, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.limits != nil {
		return t.limits, nil
	}
	rates, err := n.Ledger.Rates(ctx)
	if err != nil {
		return nil, err
	}
	kept := make([]relay.Rate, len(rates))
	for i, k := range rates {
		kept[i] = relay.Rate(k)
	}
	t.limits, t.places = relay.NewLimits(n.limit, kept), map[string]chan struct{}{}
	for _, name := range n.relayNames() {
		t.places[name] = make(chan struct{}, n.Config.Mail.Connections)
	}
	return t.limits, nil
}

// errNoPlace says that a connection was not made since there is nothing left to send over it.
var errNoPlace = errors.New("nothing is left to send")

// enter waits for a place at a relay, unless meanwhile there is no need of one. free gives it back.
func (t *traffic) enter(ctx context.Context, name string, needless func() bool) (free func(), err error) {
	places := t.places[name]
	for {
		select {
		case places <- struct{}{}:
			return func() { <-places }, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
			if needless() {
				return nil, errNoPlace
			}
		}
	}
}

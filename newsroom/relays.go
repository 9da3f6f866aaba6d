package newsroom

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"tidings/config"
	"tidings/mailer/ledger"
	"tidings/mailer/relay"
)

// openRelays gives the relays of the configuration, or the outbox where there is none.
func (n *Newsroom) openRelays() ([]relay.Relay, error) {
	if len(n.Config.Mail.Relays) == 0 {
		out, err := relay.NewOutbox(n.Config.Outbox(), n.now)
		return []relay.Relay{out}, err
	}
	var all []relay.Relay
	for _, r := range n.Config.Mail.Relays {
		all = append(all, relay.NewSMTP(relay.Config{Host: r.Host, Port: r.Port, Username: r.Username, Password: r.Password, TLS: relayTLS(r)}))
	}
	return all, nil
}

// relayNames are what openRelays gives, by name.
func (n *Newsroom) relayNames() []string {
	if len(n.Config.Mail.Relays) == 0 {
		return []string{n.Config.Outbox()}
	}
	var names []string
	for _, r := range n.Config.Mail.Relays {
		names = append(names, r.RelayAddress())
	}
	return names
}

func relayTLS(r config.Relay) relay.TLS {
	switch {
	case r.Implicit:
		return relay.Implicit
	case r.TLS == "none":
		return relay.None
	}
	return relay.Required
}

// limit is the greatest rate of a bucket, in messages a second; 0 is any.
func (n *Newsroom) limit(name string) float64 {
	if domain, ok := strings.CutPrefix(name, "domain:"); ok {
		return float64(n.Config.Mail.Domains[domain])
	}
	return float64(n.Config.Mail.Rate)
}

// trouble is for how long a relay is left alone that refuses our mail because of us.
const trouble = 15 * time.Minute

// refusalsBorne is how many different recipients in a row may be refused because of us before the relay is left alone: a single
// one, who is tried again and again and with each issue, may have a quarrel with us of their own.
const refusalsBorne = 3

// ErrRefused says that a relay refuses our mail because of us, and is left alone for a while.
var ErrRefused = errors.New("the relay refuses our mail, so sending pauses")

// troubles remembers which relays refuse our mail.
type troubles struct {
	zone *time.Location

	mu       sync.Mutex
	refusals map[string]map[int64]bool // by relay: the subscribers refused since it last took a mail
	pauses   map[string]ledger.Pause
	missed   map[string]time.Time // relays that did not answer: when that was last tried
}

func newTroubles(zone *time.Location) *troubles {
	return &troubles{zone: zone, refusals: map[string]map[int64]bool{}, pauses: map[string]ledger.Pause{}, missed: map[string]time.Time{}}
}

// silence is how long a relay that did not answer is tried after the others.
const silence = time.Minute

// answered notes whether a relay let us in.
func (t *troubles) answered(name string, ok bool, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if ok {
		delete(t.missed, name)
	} else {
		t.missed[name] = now
	}
}

// silent is when a relay did not answer lately; zero if it did.
func (t *troubles) silent(name string, now time.Time) time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	if at := t.missed[name]; now.Sub(at) < silence {
		return at
	}
	return time.Time{}
}

func (t *troubles) accepted(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.refusals, name)
}

// refused notes the refusal of a subscriber's mail, and tells whether, and until when, the relay is left alone from now on.
func (t *troubles) refused(name string, subscriber int64, why string, now time.Time) (p ledger.Pause, left bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.refusals[name] == nil {
		t.refusals[name] = map[int64]bool{}
	}
	if t.refusals[name][subscriber] = true; len(t.refusals[name]) < refusalsBorne {
		return p, false
	}
	return t.leaveAloneLocked(name, why, now), true
}

// leaveAlone has a relay left alone for a while.
func (t *troubles) leaveAlone(name, why string, now time.Time) ledger.Pause {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.leaveAloneLocked(name, why, now)
}

func (t *troubles) leaveAloneLocked(name, why string, now time.Time) ledger.Pause {
	delete(t.refusals, name)
	p := ledger.Pause{Relay: name, Until: now.Add(trouble), Why: why}
	t.pauses[name] = p
	return p
}

// lift ends all pauses.
func (t *troubles) lift() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.pauses)
}

// leave has a relay left alone, as an earlier run has found.
func (t *troubles) leave(p ledger.Pause) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pauses[p.Relay] = p
}

// with says why a relay is left alone now, nil if it is not.
func (t *troubles) with(name string, now time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p := t.pauses[name]; now.Before(p.Until) {
		return fmt.Errorf("%w until %s: %s: %s", ErrRefused, p.Until.In(t.zone).Format("15:04"), name, p.Why)
	}
	return nil
}

package newsroom

import (
	"context"
	"sync"
)

// deadBorne is how many recipients in a row a relay may call unknown before it is the relay that is at fault: one that was set up wrong
// would empty the whole list.
const deadBorne = 20

// dead holds the recipients whom a relay called dead until it has shown that it does not call everybody so.
type dead struct {
	mu     sync.Mutex
	waits  map[string][]deadAddress // by relay: since it last took a mail
	trusts map[string]bool          // relays that took one
}

type deadAddress struct {
	subscriber int64
	reply      string
}

// add notes a recipient, and tells whether the relay has called too many dead in a row. They are forgotten then.
func (d *dead) add(relay string, subscriber int64, reply string) (tooMany bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.waits == nil {
		d.waits, d.trusts = map[string][]deadAddress{}, map[string]bool{}
	}
	d.waits[relay] = append(d.waits[relay], deadAddress{subscriber, reply})
	if len(d.waits[relay]) < deadBorne {
		return false
	}
	delete(d.waits, relay)
	return true
}

// proven gives those whom a relay called dead, which has just taken a mail.
func (d *dead) proven(relay string) []deadAddress {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.trusts == nil {
		d.waits, d.trusts = map[string][]deadAddress{}, map[string]bool{}
	}
	d.trusts[relay] = true
	of := d.waits[relay]
	delete(d.waits, relay)
	return of
}

// rest gives those who wait at the end, of relays that took any mail at all.
func (d *dead) rest() (of []deadAddress) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for relay, some := range d.waits {
		if d.trusts[relay] {
			of = append(of, some...)
		}
	}
	return of
}

// suppress keeps all further mail from addresses that are dead.
func (r *sending) suppress(of []deadAddress) error {
	for _, a := range of {
		if err := r.Subscribers.Suppress(context.Background(), a.subscriber, a.reply, r.now()); err != nil {
			return err
		}
	}
	return nil
}

package newsroom

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tidings/digest"
	"tidings/mailer"
	"tidings/mailer/ledger"
	"tidings/mailer/relay"
)

// sending is one sender at work on one issue, over any number of connections.
type sending struct {
	*Newsroom
	issue    ledger.Issue
	digest   digest.Issue
	messages map[string]*mailer.Message // by edition
	relays   []relay.Relay
	limits   *relay.Limits
	queue    *queue
	clerk    *ledger.Clerk
	live     atomic.Int64 // connections that stand
	last     atomic.Value // the name of the relay that was connected to last
	dead     dead
	total    int64        // deliveries that were open at the beginning
	began    time.Time    // by the real clock
	done     atomic.Int64 // of these, those that came to an end, or to a pause
	seen     string       // what the items folder looked like

	told    sync.Once // the staff, that a relay is left alone
	telling sync.WaitGroup
}

// newSending readies a sender for an issue.
func (n *Newsroom) newSending(ctx context.Context, issue ledger.Issue, now time.Time) (*sending, error) {
	r := &sending{Newsroom: n, issue: issue, began: time.Now()}
	frozen, err := n.Ledger.Messages(ctx, issue)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(frozen, &r.messages); err != nil {
		return nil, fmt.Errorf("issue %s: %w", issue.Name(), err)
	}
	if err := json.Unmarshal(issue.Content, &r.digest); err != nil {
		return nil, fmt.Errorf("issue %s: %w", issue.Name(), err)
	}
	if r.messages[r.digest.Language] == nil {
		return nil, fmt.Errorf("issue %s: it has no message in %q", issue.Name(), r.digest.Language)
	}
	if r.relays, err = n.openRelays(); err != nil {
		return nil, err
	}
	pauses, err := n.Ledger.Pauses(ctx, n.now())
	if err != nil {
		return nil, err
	}
	for _, p := range pauses {
		n.troubles.leave(p)
	}
	account, err := n.Ledger.Account(ctx, issue)
	if err != nil {
		return nil, err
	}
	r.total = int64(account.Open())
	if r.limits, err = n.traffic.open(ctx, n); err != nil {
		return nil, err
	}
	r.queue = newQueue(n.Ledger, issue, r.limits, now)
	r.clerk, err = n.Ledger.NewClerk(ctx, issue, rand.Text(), n.now, n.log)
	return r, err
}

// run sends until no one's turn is left, ctx ends, sending is halted, or no relay can be used.
func (r *sending) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var workers, aside sync.WaitGroup
	aside.Go(func() { r.watch(ctx, cancel) })
	aside.Go(func() { r.watchFolder(ctx) })
	aside.Go(func() { r.keepRates(ctx) })
	aside.Go(func() { r.report(ctx) })
	for range r.Config.Mail.Connections {
		workers.Go(func() {
			if err := r.connection(ctx); err != nil {
				cancel(err)
			}
		})
	}
	workers.Wait()
	err := errors.Join(context.Cause(ctx), r.suppress(r.dead.rest()))
	cancel(nil)
	aside.Wait()
	r.telling.Wait()
	return errors.Join(err, r.clerk.Close(), r.saveRates(context.WithoutCancel(ctx)))
}

// keepRates saves the rates now and then, for a sender that is killed.
func (r *sending) keepRates(ctx context.Context) {
	_ = every(ctx, ratesKept, func() error {
		if err := r.saveRates(ctx); err != nil && ctx.Err() == nil {
			r.log.Warn("the rates cannot be kept", "error", err)
		}
		return nil
	})
}

// every does something every so often until ctx ends, or until it gives an error, which every then gives.
func every(ctx context.Context, pause time.Duration, do func() error) error {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := do(); err != nil {
				return err
			}
		}
	}
}

func (r *sending) saveRates(ctx context.Context) error {
	var rates []ledger.Rate
	for _, k := range r.limits.Rates() {
		rates = append(rates, ledger.Rate(k))
	}
	return r.Ledger.SaveRates(ctx, rates)
}

// How often a sender looks whether it is to stop, and at the items folder, and keeps the rates.
const (
	stopWatch   = time.Second
	folderWatch = 5 * time.Second
	ratesKept   = 10 * time.Second
)

// watch ends a sending that is to stop.
func (r *sending) watch(ctx context.Context, cancel context.CancelCauseFunc) {
	if err := every(ctx, stopWatch, func() error { return r.halted(ctx) }); err != nil {
		cancel(err)
	}
}

// watchFolder publishes what changes in the items folder, so that a story which is taken back meanwhile is found. The daemon does so by
// itself.
func (r *sending) watchFolder(ctx context.Context) {
	if !r.settled {
		_ = every(ctx, folderWatch, func() error { r.lookForStories(ctx); return nil })
	}
}

func (r *sending) lookForStories(ctx context.Context) {
	look, err := r.Look(ctx)
	if err == nil && look.Print != r.seen {
		r.seen = look.Print
		_, err = r.Publish(ctx)
	}
	if err != nil && ctx.Err() == nil {
		r.log.Warn("the items cannot be looked at while an issue is sent", "issue", r.issue.Name(), "error", err)
	}
}

// ErrHalted says that an issue was stopped.
var ErrHalted = errors.New("the issue was stopped")

// errTakenBack ends a sending whose issue holds a story that was withdrawn or erased meanwhile.
var errTakenBack = errors.New("a story of the issue was taken back")

// halted says why the sender is to stop, nil if it is not.
func (r *sending) halted(ctx context.Context) error {
	if err := r.held(); err != nil {
		return err
	}
	state, err := r.Ledger.State(ctx, r.issue)
	if err == nil && state == ledger.Stopped {
		err = fmt.Errorf("%w: %s", ErrHalted, r.issue.Name())
	}
	if err != nil {
		return err
	}
	gone, err := r.takenBack(ctx, r.digest)
	if err == nil && len(gone) > 0 {
		err = errTakenBack
	}
	return err
}

// connection sends over one connection after another, one delivery at a time.
func (r *sending) connection(ctx context.Context) error {
	c := &connection{sending: r}
	err := c.work(ctx)
	err = errors.Join(err, c.flush())
	c.hangUp()
	return err
}

// connection is one of a sender's connections.
type connection struct {
	*sending
	session relay.Session
	name    string        // of the relay
	last    *ledger.Ended // what is still to be written into the ledger
	buf     []byte
	free    func() // gives the place at the relay to another connection
	losses  int    // connections lost in a row
	vain    int    // connections in a row that could not be made
}

func (c *connection) work(ctx context.Context) error {
	for ctx.Err() == nil {
		if c.stopped() {
			return ErrStopped
		}
		if done, err := c.queue.drained(ctx); err != nil || done {
			return err
		}
		if err := c.connect(ctx); err != nil {
			if !c.patient(ctx, err) {
				return err
			}
			continue
		}
		t, wait, ok, err := c.queue.next(ctx, c.name)
		if err != nil || !ok {
			return err
		}
		if wait > 0 { // while we wait, the ledger should know what is known
			if err := c.flush(); err != nil {
				return err
			}
			pauseFor(ctx, wait)
			continue
		}
		if err := c.deliver(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// connect makes sure of a session in which a message can be handed over: with the first relay that can be used.
func (c *connection) connect(ctx context.Context) error {
	if c.session != nil && c.session.Usable() && c.troubles.with(c.name, c.now()) == nil {
		return nil
	}
	if err := c.flush(); err != nil {
		return err
	}
	c.hangUp()
	var errs []error
	for _, r := range c.inOrder() {
		err := c.troubles.with(r.Name(), c.now())
		if err == nil {
			err = c.dial(ctx, r)
		}
		if err == nil {
			return nil
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// inOrder are the relays as they are tried: those that did not answer lately come last.
func (c *connection) inOrder() []relay.Relay {
	relays := slices.Clone(c.relays)
	slices.SortStableFunc(relays, func(a, b relay.Relay) int {
		return c.troubles.silent(a.Name(), c.now()).Compare(c.troubles.silent(b.Name(), c.now()))
	})
	return relays
}

// dial opens a session with a relay, once there is a place for it.
func (c *connection) dial(ctx context.Context, r relay.Relay) error {
	free, err := c.traffic.enter(ctx, r.Name(), func() bool { done, err := c.queue.drained(ctx); return done || err != nil })
	if err != nil {
		return err
	}
	session, err := r.Connect(ctx)
	c.troubles.answered(r.Name(), err == nil, c.now())
	if err != nil {
		free()
		return err
	}
	c.session, c.name, c.free, c.vain = session, r.Name(), free, 0
	c.live.Add(1)
	c.sending.last.Store(c.name)
	return nil
}

// via is the relay that was connected to last; the first one if none was.
func (r *sending) via() string {
	if name, ok := r.last.Load().(string); ok {
		return name
	}
	return r.relays[0].Name()
}

// patient waits before a connection is tried again that could not be made: once if there is no other, and again and again while others
// stand, for relays bound how many they take. It is false when nothing is to be hoped for.
func (c *connection) patient(ctx context.Context, err error) bool {
	switch c.vain++; {
	case errors.Is(err, errNoPlace):
		return true
	case !errors.Is(err, relay.ErrUnavailable) || errors.Is(err, ErrRefused):
		return false
	case c.live.Load() == 0 && c.vain > 1:
		return false
	}
	pauseFor(ctx, min(time.Second<<min(c.vain-1, 5), 30*time.Second))
	return true
}

func pauseFor(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// flush writes what the last delivery came to.
func (c *connection) flush() error {
	if c.last == nil {
		return nil
	}
	_, err := c.clerk.Write(ledger.Entry{Ended: c.last}).Wait()
	c.last = nil
	return err
}

func (c *connection) hangUp() {
	if c.session == nil {
		return
	}
	if err := c.session.Close(); err != nil {
		c.log.Debug("the relay's connection did not end well", "relay", c.name, "error", err)
	}
	c.session = nil
	c.live.Add(-1)
	c.free()
}

// errNotGranted calls a message off: the person has left since the list was read.
var errNotGranted = errors.New("the person has left meanwhile")

// deliver sends to one recipient. The claim, with the outcome of the delivery before, becomes durable while the message is made
// and announced; the message itself waits for it.
func (c *connection) deliver(ctx context.Context, t ledger.Turn) error {
	receipt := c.clerk.Write(ledger.Entry{Ended: c.last, Claim: t.Subscriber})
	c.last = nil
	if !t.Wanted {
		granted, err := receipt.Wait()
		if granted { // they came back in this moment: it is their turn another time
			c.last = &ledger.Ended{Subscriber: t.Subscriber, Outcome: ledger.Outcome{State: ledger.Pending}}
		}
		return err
	}
	reply, err := c.attempt(ctx, t, func() error {
		granted, err := receipt.Wait()
		if err == nil && !granted {
			err = errNotGranted
		}
		return err
	})
	granted, ledgerErr := receipt.Wait()
	if ledgerErr != nil || !granted {
		return ledgerErr
	}
	if err != nil {
		c.last = &ledger.Ended{Subscriber: t.Subscriber, Outcome: ledger.Outcome{State: ledger.Pending}}
		return err
	}
	return c.end(t, reply)
}

// attempt makes one recipient's copy and hands it over.
func (c *connection) attempt(ctx context.Context, t ledger.Turn, ready func() error) (relay.Reply, error) {
	message := c.messages[edition(c.digest, t.Language)]
	if message == nil { // a language that nobody read when the issue was composed
		t.Language = c.digest.Language
		message = c.messages[t.Language]
	}
	msg, err := message.AppendTo(c.buf[:0], c.recipient(person{t.Subscriber, t.Email, t.Name, t.Language}, c.digest))
	if err != nil { // the address or the name cannot be sent to
		return relay.Reply{State: relay.Rejected, Text: err.Error()}, nil //nolint:nilerr // said in the reply
	}
	c.buf = msg
	if msg, err = c.signed(msg); err != nil {
		return relay.Reply{}, err // the fault is ours, not the recipient's
	}
	return c.session.Deliver(ctx, relay.Mail{From: c.returnPath(c.issue.ID, t.Subscriber, c.digest), To: t.Email, Msg: msg, Ready: ready})
}

// end decides what a reply means for the delivery, for the limits and for the relay.
func (c *connection) end(t ledger.Turn, reply relay.Reply) error {
	if reply.Lost {
		return c.endLost(t, reply)
	}
	o, now, domain := c.outcome(t, reply), c.now(), "domain:"+domainOf(t.Email)
	c.last = &ledger.Ended{Subscriber: t.Subscriber, Outcome: o}
	switch {
	case reply.State == relay.Accepted:
		c.limits.Faster("relay:"+c.name, time.Now())
		c.limits.Faster(domain, time.Now())
		c.troubles.accepted(c.name)
		if err := c.suppress(c.dead.proven(c.name)); err != nil {
			return err
		}
	case reply.Slow():
		c.limits.Slower("relay:"+c.name, time.Now())
		c.limits.Slower(domain, time.Now())
	}
	c.losses = 0
	c.done.Add(1)
	p, left := ledger.Pause{}, false
	switch {
	case reply.Ours:
		p, left = c.troubles.refused(c.name, t.Subscriber, o.Reply, now)
	case reply.Dead() && c.dead.add(c.name, t.Subscriber, o.Reply):
		p, left = c.troubles.leaveAlone(c.name, "it calls everybody unknown: "+o.Reply, now), true
	}
	if left {
		c.log.Error("the relay refuses our mail: it is left alone for a while", "relay", c.name, "for", trouble, "reply", o.Reply)
		c.tellPaused(p)
		c.hangUp()
		return c.Ledger.SavePause(context.Background(), p)
	}
	return nil
}

// How many connections in a row may break before a message is handed over, and how many over one delivery. More is no accident.
const (
	lossesBorne = 5
	lossesOfOne = 3
)

// endLost is end for a connection that broke before the message was handed over: it is tried again at once, unless it is this very
// delivery over which connections break.
func (c *connection) endLost(t ledger.Turn, reply relay.Reply) error {
	o := c.outcome(t, reply)
	again := c.queue.lost(t) < lossesOfOne
	if again {
		o = ledger.Outcome{State: ledger.Pending, Reply: o.Reply}
	}
	c.last = &ledger.Ended{Subscriber: t.Subscriber, Outcome: o}
	if err := c.flush(); err != nil { // before another connection can have it
		return err
	}
	if again {
		c.queue.back(t)
	} else {
		c.done.Add(1)
	}
	if c.losses++; c.losses >= lossesBorne {
		return fmt.Errorf("%w: %s: connections break again and again: %s", relay.ErrUnavailable, c.name, o.Reply)
	}
	return nil
}

// outcome is what the ledger keeps of a reply.
func (c *connection) outcome(t ledger.Turn, reply relay.Reply) ledger.Outcome {
	o := ledger.Outcome{State: ledger.State(reply.State), Reply: masked(reply.String())}
	if reply.State != relay.Deferred && !reply.Ours {
		return o
	}
	o.State, o.Next = ledger.Deferred, c.now().Add(pause(t.Tries, t.Subscriber))
	if !t.First.IsZero() && c.now().Sub(t.First) > time.Duration(c.Config.Mail.Retry) {
		o.State, o.Next = ledger.Rejected, time.Time{}
	}
	return o
}

var addressIn = regexp.MustCompile(`[^\s<>"'(),;:]+@[^\s<>"'(),;:]+`)

// masked takes the addresses out of what is said of a delivery: servers repeat them, and the ledger holds none.
func masked(s string) string {
	if !strings.Contains(s, "@") { // as most answers, and the expression is slow
		return s
	}
	return addressIn.ReplaceAllString(s, "(address)")
}

// pause is how long to wait after so many tries: about 5 minutes, then twice as long each time, at most 4 hours. It is longer or
// shorter by up to a quarter, as the subscriber's random id has it: else all whom a server puts off at once would come back
// at once.
func pause(tries int, subscriber int64) time.Duration {
	full := min(5*time.Minute<<min(max(tries-1, 0), 10), 4*time.Hour)
	spread := float64(uint64(subscriber)%1000) / 1000 //nolint:gosec // any bits will do
	return time.Duration(float64(full) * (0.75 + spread/2))
}

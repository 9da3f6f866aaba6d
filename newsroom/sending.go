package newsroom

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"tidings/digest"
	"tidings/mailer"
	"tidings/mailer/ledger"
	"tidings/mailer/relay"
	"tidings/templates"
)

// sending is one sender at work on one issue, over any number of connections.
type sending struct {
	*Newsroom
	issue    ledger.Issue
	digest   digest.Issue
	messages map[string]*mailer.Message // by language
	relays   []relay.Relay
	limits   *relay.Limits
	queue    *queue
	clerk    *ledger.Clerk
	total    int64        // deliveries that were open at the beginning
	done     atomic.Int64 // of these, those that came to an end, or to a pause
}

// newSending readies a sender for an issue.
func (n *Newsroom) newSending(ctx context.Context, issue ledger.Issue) (*sending, error) {
	r := &sending{Newsroom: n, issue: issue}
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
	rates, err := n.Ledger.Rates(ctx)
	if err != nil {
		return nil, err
	}
	kept := make([]relay.Rate, len(rates))
	for i, k := range rates {
		kept[i] = relay.Rate(k)
	}
	account, err := n.Ledger.Account(ctx, issue)
	if err != nil {
		return nil, err
	}
	r.total = int64(account.Open())
	r.limits = relay.NewLimits(n.limit, kept)
	r.queue = newQueue(n.Ledger, issue, r.limits, n.now())
	r.clerk, err = n.Ledger.NewClerk(ctx, issue, rand.Text(), n.now, n.log)
	return r, err
}

// run sends until no one's turn is left, ctx ends, sending is halted, or no relay can be used.
func (r *sending) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go r.watchForStop(ctx, cancel)
	go r.report(ctx)
	var workers sync.WaitGroup
	for range r.Config.Mail.Connections {
		workers.Go(func() {
			if err := r.connection(ctx); err != nil {
				cancel(err)
			}
		})
	}
	workers.Wait()
	err := context.Cause(ctx)
	return errors.Join(err, r.clerk.Close(), r.saveRates(context.WithoutCancel(ctx)))
}

func (r *sending) saveRates(ctx context.Context) error {
	var rates []ledger.Rate
	for _, k := range r.limits.Rates() {
		rates = append(rates, ledger.Rate(k))
	}
	return r.Ledger.SaveRates(ctx, rates)
}

// reportEvery is how often a long sending tells where it is.
const reportEvery = 10 * time.Second

// report logs how far the sending is, and when it will be done at this pace.
func (r *sending) report(ctx context.Context) {
	start := time.Now()
	tick := time.NewTicker(reportEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		done := r.done.Load()
		pace := float64(done) / time.Since(start).Seconds()
		args := []any{"issue", r.issue.Name(), "done", done, "of", r.total, "per_second", math.Round(pace)}
		if left := float64(r.total - done); pace > 0 && left > 0 {
			args = append(args, "left", time.Duration(left/pace*float64(time.Second)).Round(time.Second))
		}
		r.log.Info("sending", args...)
	}
}

// stopWatch is how often a sender looks whether it is to stop.
const stopWatch = time.Second

func (r *sending) watchForStop(ctx context.Context, cancel context.CancelCauseFunc) {
	tick := time.NewTicker(stopWatch)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := r.halted(ctx); err != nil {
			cancel(err)
			return
		}
	}
}

// ErrHalted says that an issue was stopped.
var ErrHalted = errors.New("the issue was stopped")

// halted says why the sender is to stop, nil if it is not.
func (r *sending) halted(ctx context.Context) error {
	if r.stopped() {
		return ErrStopped
	}
	state, err := r.Ledger.State(ctx, r.issue)
	if err == nil && state == ledger.Stopped {
		err = fmt.Errorf("%w: %s", ErrHalted, r.issue.Name())
	}
	return err
}

// connection sends over one connection after another, one delivery at a time.
func (r *sending) connection(ctx context.Context) error {
	c := &connection{sending: r}
	err := c.work(ctx)
	return errors.Join(err, c.flush(), c.hangUp())
}

// connection is one of a sender's connections.
type connection struct {
	*sending
	session relay.Session
	name    string        // of the relay
	last    *ledger.Ended // what is still to be written into the ledger
	buf     []byte
	losses  int // connections lost in a row
}

func (c *connection) work(ctx context.Context) error {
	for ctx.Err() == nil {
		if c.stopped() {
			return ErrStopped
		}
		if err := c.connect(ctx); err != nil {
			return err
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
	if err := errors.Join(c.flush(), c.hangUp()); err != nil {
		return err
	}
	var errs []error
	for _, r := range c.relays {
		if err := c.troubles.with(r.Name(), c.now()); err != nil {
			errs = append(errs, err)
			continue
		}
		session, err := r.Connect(ctx)
		if err == nil {
			c.session, c.name = session, r.Name()
			return nil
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
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

func (c *connection) hangUp() error {
	if c.session == nil {
		return nil
	}
	if err := c.session.Close(); err != nil {
		c.log.Debug("the relay's connection did not end well", "relay", c.name, "error", err)
	}
	c.session = nil
	return nil
}

// errNotGranted calls a message off: the person has left since the list was read.
var errNotGranted = errors.New("the person has left meanwhile")

// deliver sends to one recipient. The claim, with the outcome of the delivery before, becomes durable while the message is made
// and announced; the message itself waits for it.
func (c *connection) deliver(ctx context.Context, t ledger.Turn) error {
	receipt := c.clerk.Write(ledger.Entry{Ended: c.last, Claim: t.Subscriber})
	c.last = nil
	if !t.Wanted {
		_, err := receipt.Wait()
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
	message := c.messages[templates.LocaleFor(cmp.Or(t.Language, c.digest.Language)).Lang]
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
	return c.session.Deliver(ctx, relay.Mail{From: c.digest.From, To: t.Email, Msg: msg, Ready: ready})
}

// end decides what a reply means for the delivery, for the limits and for the relay.
func (c *connection) end(t ledger.Turn, reply relay.Reply) error {
	o, now, domain := c.outcome(t, reply), c.now(), "domain:"+domainOf(t.Email)
	c.last = &ledger.Ended{Subscriber: t.Subscriber, Outcome: o}
	switch {
	case reply.Lost:
		c.queue.back(t)
		if c.losses++; c.losses >= lossesBorne {
			return fmt.Errorf("%w: %s: connections break again and again: %s", relay.ErrUnavailable, c.name, o.Reply)
		}
		return nil
	case reply.State == relay.Accepted:
		c.limits.Faster("relay:"+c.name, time.Now())
		c.limits.Faster(domain, time.Now())
		c.troubles.accepted(c.name)
	case reply.Slow():
		c.limits.Slower("relay:"+c.name, time.Now())
		c.limits.Slower(domain, time.Now())
	}
	c.losses = 0
	c.done.Add(1)
	if reply.Dead() {
		if err := c.Subscribers.Suppress(context.Background(), t.Subscriber, o.Reply, now); err != nil {
			return err
		}
	}
	if reply.Ours && c.troubles.refused(c.name, o.Reply, now) {
		c.log.Error("the relay refuses our mail: it is left alone for a while", "relay", c.name, "for", trouble, "reply", o.Reply)
		return c.hangUp()
	}
	return nil
}

// lossesBorne is how many connections in a row may break before a message is handed over. More is no accident.
const lossesBorne = 5

// outcome is what the ledger keeps of a reply.
func (c *connection) outcome(t ledger.Turn, reply relay.Reply) ledger.Outcome {
	o := ledger.Outcome{State: ledger.State(reply.State), Reply: masked(reply.String())}
	switch {
	case reply.Lost:
		o.State = ledger.Pending
	case reply.State == relay.Deferred || reply.Ours:
		o.State, o.Next = ledger.Deferred, c.now().Add(pause(t.Tries))
		if c.now().Sub(c.issue.Created) > giveUp {
			o.State, o.Next = ledger.Rejected, time.Time{}
		}
	}
	return o
}

var addressIn = regexp.MustCompile(`[^\s<>"'(),;:]+@[^\s<>"'(),;:]+`)

// masked takes the addresses out of what is said of a delivery: servers repeat them, and the ledger holds none.
func masked(s string) string { return addressIn.ReplaceAllString(s, "(address)") }

// giveUp is how long after its issue a delivery is tried again. RFC 5321 §4.5.4.1 asks for 4 days or more of servers
// that answer for a mail; a relay that puts us off for two days will not take an old digest.
const giveUp = 48 * time.Hour

// pause is how long to wait after so many tries: 5 minutes, then twice as long each time, at most 4 hours.
func pause(tries int) time.Duration {
	return min(5*time.Minute<<min(max(tries-1, 0), 10), 4*time.Hour)
}

package newsroom

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"

	"tidings/config"
	"tidings/digest"
	"tidings/mailer"
	"tidings/mailer/ledger"
	"tidings/mailer/relay"
	"tidings/templates"
)

// sending is one sender at work on one issue.
type sending struct {
	*Newsroom
	issue    ledger.Issue
	digest   digest.Issue
	messages map[string]*mailer.Message // by language
	relay    relay.Relay
	name     string // of this sender, in the ledger
	refusals int    // in a row, because of us
}

func (n *Newsroom) newRun(ctx context.Context, issue ledger.Issue) (*sending, string, error) {
	r := &sending{Newsroom: n, issue: issue, name: rand.Text()}
	frozen, err := n.Ledger.Messages(ctx, issue)
	if err != nil {
		return nil, "", err
	}
	if err := json.Unmarshal(frozen, &r.messages); err != nil {
		return nil, "", fmt.Errorf("issue %s: %w", issue.Name(), err)
	}
	if err := json.Unmarshal(issue.Content, &r.digest); err != nil {
		return nil, "", fmt.Errorf("issue %s: %w", issue.Name(), err)
	}
	if r.messages[r.digest.Language] == nil {
		return nil, "", fmt.Errorf("issue %s: it has no message in %q", issue.Name(), r.digest.Language)
	}
	var into string
	r.relay, into, err = n.openRelay()
	return r, into, err
}

// openRelay gives the relay of the configuration, or the outbox where there is none.
func (n *Newsroom) openRelay() (relay.Relay, string, error) {
	if len(n.Config.Mail.Relays) == 0 {
		out, err := relay.NewOutbox(n.Config.Outbox(), n.now)
		return out, n.Config.Outbox(), err
	}
	r := n.Config.Mail.Relays[0]
	c := relay.Config{Host: r.Host, Port: r.Port, Username: r.Username, Password: r.Password, TLS: relayTLS(r)}
	return relay.NewSMTP(c), r.RelayAddress(), nil
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

// all delivers to one recipient after the other until no one's turn is left.
func (r *sending) all(ctx context.Context) error {
	for {
		if r.stopped() {
			return ErrStopped
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		to, ok, err := r.Ledger.Claim(ctx, r.issue, r.name, r.now())
		if err != nil || !ok {
			return err
		}
		if err := r.one(ctx, to); err != nil {
			return err
		}
	}
}

// one delivers to one recipient and records what became of it, also when ctx ends meanwhile.
func (r *sending) one(ctx context.Context, to ledger.Recipient) error {
	outcome, failed := r.attempt(ctx, to)
	err := r.Ledger.Record(context.WithoutCancel(ctx), r.issue, to.Subscriber, r.name, outcome, r.now())
	return errors.Join(failed, err)
}

// attempt gives what became of one delivery, and an error when no other should be tried now.
func (r *sending) attempt(ctx context.Context, to ledger.Recipient) (ledger.Outcome, error) {
	message := r.messages[templates.LocaleFor(cmp.Or(to.Language, r.digest.Language)).Lang]
	if message == nil { // a language that nobody read when the issue was composed
		to.Language = r.digest.Language
		message = r.messages[to.Language]
	}
	p := person{to.Subscriber, to.Email, to.Name, to.Language}
	msg, err := message.For(r.recipient(p, r.digest))
	if err != nil { // it is this recipient's own: the address or the name cannot be sent to
		return ledger.Outcome{State: ledger.Rejected, Reply: masked(err.Error())}, nil //nolint:nilerr // said in the outcome
	}
	reply, err := r.relay.Deliver(ctx, r.digest.From, to.Email, msg)
	if err != nil {
		return ledger.Outcome{State: ledger.Pending, Reply: masked(err.Error())}, err
	}
	return r.judge(to, reply)
}

// refusalsBorne is how many recipients in a row may be refused because of us, and not of them, before sending pauses: a single
// one may have a quarrel with us of their own.
const refusalsBorne = 3

// judge turns the server's answer into an outcome. What is refused because of us is tried again: when it is everyone's, sending
// pauses until somebody has seen to it.
func (r *sending) judge(to ledger.Recipient, reply relay.Reply) (ledger.Outcome, error) {
	o := ledger.Outcome{State: ledger.State(reply.State), Reply: masked(reply.String())}
	if reply.State == relay.Deferred || reply.Ours {
		o.State, o.Next = ledger.Deferred, r.now().Add(pause(to.Tries))
		if r.now().Sub(r.issue.Created) > giveUp {
			o.State, o.Next = ledger.Rejected, time.Time{}
		}
	}
	if !reply.Ours {
		r.refusals = 0
		return o, nil
	}
	if r.refusals++; r.refusals >= refusalsBorne {
		return o, fmt.Errorf("the relay refuses our mail, so sending pauses: %s", o.Reply)
	}
	return o, nil
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

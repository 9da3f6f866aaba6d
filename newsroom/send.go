package newsroom

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/mail"
	"os"
	"strings"
	"time"

	"tidings/config"
	"tidings/digest"
	"tidings/internal/lock"
	"tidings/mailer"
	"tidings/mailer/ledger"
	"tidings/mailer/relay"
)

// Errors of Send that mean that nothing was done.
var (
	ErrSendingElsewhere = errors.New("another process is sending this newsletter")
	ErrTooSoon          = errors.New("the last issue is less than 12 hours old")
	ErrStopped          = errors.New("a file named STOP halts all sending")
	ErrSlotTaken        = ledger.ErrSlotTaken
)

// tooSoon is how soon after an issue the next one is more likely a mistake than meant.
const tooSoon = 12 * time.Hour

// Order says what to send.
type Order struct {
	Newsletter string
	Slot       time.Time // the scheduled time that the issue answers to; zero when sent by hand
	Again      bool      // a new issue although the last one is younger than 12 hours
}

// Sent is what became of an Order.
type Sent struct {
	Issue     ledger.Issue // the zero Issue when there was nothing to send
	Stories   int
	Continued bool             // it was an unfinished issue of before
	Left      []digest.LeftOut // of a new issue
	Account   ledger.Account
	Next      time.Time // when those who were deferred are tried again; zero if there are none
	Into      string    // where the mail went: a relay, or the outbox
}

// Send continues the newsletter's unfinished issue; if there is none, it publishes, composes the next issue, and sends that.
// With a Slot it makes the issue of that slot, whatever is unfinished; ErrSlotTaken says that there is one already. The
// result tells as much as was done even when there is an error.
func (n *Newsroom) Send(ctx context.Context, o Order) (Sent, error) {
	if _, err := n.newsletter(o.Newsletter); err != nil {
		return Sent{}, err
	}
	release, err := n.lockSending(o.Newsletter)
	if err != nil {
		return Sent{}, err
	}
	defer release()
	if n.stopped() {
		return Sent{}, ErrStopped
	}
	if o.Slot.IsZero() {
		open, err := n.Ledger.UnfinishedIssues(ctx, o.Newsletter)
		if err != nil {
			return Sent{}, err
		}
		if len(open) > 0 {
			return n.deliver(ctx, Sent{Issue: open[0], Continued: true})
		}
	}
	s, err := n.newIssue(ctx, o)
	if err != nil || s.Issue.ID == 0 {
		return s, err
	}
	return n.deliver(ctx, s)
}

// Continue sends what is left of the newsletter's unfinished issues, oldest first, as far as its turn has come.
func (n *Newsroom) Continue(ctx context.Context, newsletter string) ([]Sent, error) {
	release, err := n.lockSending(newsletter)
	if err != nil {
		return nil, err
	}
	defer release()
	open, err := n.Ledger.UnfinishedIssues(ctx, newsletter)
	if err != nil || len(open) == 0 {
		return nil, err
	}
	if n.stopped() {
		return nil, ErrStopped
	}
	var all []Sent
	for _, issue := range open {
		if work, err := n.Ledger.HasWork(ctx, issue, n.now()); err != nil || !work {
			if err != nil {
				return all, err
			}
			continue
		}
		s, err := n.deliver(ctx, Sent{Issue: issue, Continued: true})
		all = append(all, s)
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

// lockSending takes the lock that every sender of the newsletter holds while it composes and sends.
func (n *Newsroom) lockSending(newsletter string) (func(), error) {
	release, err := lock.Try(n.Config.State(), "send-"+newsletter)
	if errors.Is(err, lock.ErrHeld) {
		return nil, ErrSendingElsewhere
	}
	return release, err
}

func (n *Newsroom) stopped() bool {
	_, err := os.Stat(n.Config.StopFile())
	return err == nil
}

// newIssue composes the next issue and writes it into the ledger. Without stories there is none.
func (n *Newsroom) newIssue(ctx context.Context, o Order) (Sent, error) {
	if err := n.notTooSoon(ctx, o); err != nil {
		return Sent{}, err
	}
	issue, left, err := n.next(ctx, o.Newsletter)
	s := Sent{Left: left, Stories: len(issue.Articles)}
	if err != nil || len(issue.Articles) == 0 {
		return s, err
	}
	issue.Slot = o.Slot
	if s.Issue, err = n.open(ctx, issue); err != nil {
		return s, err
	}
	_, err = n.Publish(ctx) // now with the issue's own page
	return s, err
}

// next publishes, since the mail leads to pages, and chooses the stories of the next issue from what was published.
func (n *Newsroom) next(ctx context.Context, newsletter string) (digest.Issue, []digest.LeftOut, error) {
	n.desk.Lock()
	defer n.desk.Unlock()
	pub, err := n.publish(ctx)
	if err != nil {
		return digest.Issue{}, nil, err
	}
	return n.choose(ctx, newsletter, pub.Desk)
}

func (n *Newsroom) notTooSoon(ctx context.Context, o Order) error {
	issues, err := n.Ledger.Issues(ctx, o.Newsletter)
	if err != nil || len(issues) == 0 || o.Again || !o.Slot.IsZero() {
		return err
	}
	if last := issues[len(issues)-1]; n.now().Sub(last.Created) < tooSoon {
		return fmt.Errorf("%w: %s of %s", ErrTooSoon, last.Name(), last.Created.In(n.Config.Location).Format("2 January 15:04"))
	}
	return nil
}

// open freezes an issue: its stories, its messages and its audience.
func (n *Newsroom) open(ctx context.Context, d digest.Issue) (ledger.Issue, error) {
	messages, err := n.messages(ctx, d)
	if err != nil {
		return ledger.Issue{}, err
	}
	i := ledger.Issue{Newsletter: d.Newsletter, Number: d.Number, Slot: d.Slot, Created: n.now()}
	if i.Content, err = json.Marshal(d); err != nil {
		return i, err
	}
	frozen, err := json.Marshal(messages)
	if err != nil {
		return i, err
	}
	stories := make([]string, len(d.Articles))
	for k, a := range d.Articles {
		stories[k] = a.ID
	}
	return n.Ledger.Open(ctx, i, frozen, stories)
}

// deliver sends an issue to all whose turn has come. The caller holds the newsletter's lock.
func (n *Newsroom) deliver(ctx context.Context, s Sent) (Sent, error) {
	lost, err := n.Ledger.Abandoned(ctx, s.Issue, n.now())
	if err != nil {
		return s, err
	}
	if lost > 0 {
		n.log.Warn("deliveries are unknown: their sender died", "issue", s.Issue.Name(), "count", lost)
	}
	run, into, err := n.newRun(ctx, s.Issue)
	if err != nil {
		return s, err
	}
	s.Into = into
	sendErr := run.all(ctx)
	if err := run.relay.Close(); sendErr == nil && err != nil {
		n.log.Warn("the relay's connection did not end well", "issue", s.Issue.Name(), "error", err)
	}
	// The account is told also when the sending was cut short.
	after := context.WithoutCancel(ctx)
	if _, err := n.Ledger.Finish(after, s.Issue, n.now()); err != nil {
		return s, errors.Join(sendErr, err)
	}
	var accErr, nextErr error
	s.Account, accErr = n.Ledger.Account(after, s.Issue)
	s.Next, nextErr = n.Ledger.NextTry(after, s.Issue)
	return s, errors.Join(sendErr, accErr, nextErr)
}

// sending is one sender at work on one issue.
type sending struct {
	*Newsroom
	issue    ledger.Issue
	messages map[string]*mailer.Message
	relay    relay.Relay
	from     string // the return path
	name     string // of this sender, in the ledger
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
	from, err := mail.ParseAddress(n.Config.Mail.From)
	if err != nil {
		return nil, "", fmt.Errorf("mail.from: %w", err)
	}
	r.from = from.Address
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
	message := r.messages[r.locale(to.Language).Lang]
	if message == nil { // a language that nobody read when the issue was composed
		message = r.messages[r.locale("").Lang]
	}
	p := person{to.Subscriber, to.Email, to.Name, to.Language}
	msg, err := message.For(r.recipient(p, r.issue.Newsletter, r.issue.Number))
	if err != nil { // it is this recipient's own: the address or the name cannot be sent to
		return ledger.Outcome{State: ledger.Rejected, Reply: err.Error()}, nil //nolint:nilerr // said in the outcome
	}
	reply, err := r.relay.Deliver(ctx, r.from, to.Email, msg)
	if err != nil {
		return ledger.Outcome{State: ledger.Pending, Reply: err.Error()}, err
	}
	return r.judge(to, reply)
}

// judge turns the server's answer into an outcome. A refusal that is about us would be everyone's: it stops the sending,
// and costs no recipient anything.
func (r *sending) judge(to ledger.Recipient, reply relay.Reply) (ledger.Outcome, error) {
	// Servers repeat the address in their answers; the ledger holds none.
	said := strings.ReplaceAll(reply.String(), to.Email, "(address)")
	o := ledger.Outcome{State: ledger.State(reply.State), Reply: said}
	if reply.State == relay.Deferred || reply.Ours {
		o.State, o.Next = ledger.Deferred, r.now().Add(pause(to.Tries))
		if r.now().Sub(r.issue.Created) > giveUp && !reply.Ours {
			o.State, o.Next = ledger.Rejected, time.Time{}
		}
	}
	if reply.Ours {
		return o, fmt.Errorf("the relay refuses our mail, so sending pauses: %s", o.Reply)
	}
	return o, nil
}

// giveUp is how long after its issue a delivery is tried again. RFC 5321 §4.5.4.1 asks for 4 days or more of servers
// that answer for a mail; a relay that puts us off for two days will not take an old digest.
const giveUp = 48 * time.Hour

// pause is how long to wait after so many tries: 5 minutes, then twice as long each time, at most 4 hours.
func pause(tries int) time.Duration {
	return min(5*time.Minute<<min(max(tries-1, 0), 10), 4*time.Hour)
}

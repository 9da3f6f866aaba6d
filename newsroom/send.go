package newsroom

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"tidings/digest"
	"tidings/internal/lock"
	"tidings/mailer/ledger"
)

// Errors of Send that mean that nothing was done.
var (
	ErrSendingElsewhere = errors.New("another process is sending this newsletter")
	ErrTooSoon          = errors.New("the last issue is less than 12 hours old")
	ErrStopped          = errors.New("a file named STOP halts all sending")
	ErrHours            = errors.New("at this hour nothing is sent")
	ErrSlotTaken        = ledger.ErrSlotTaken
	ErrForgotten        = errors.New("more was mailed than the database knows, so it was lost, or an old one was put back: some of it would be mailed again")
)

// tooSoon is how soon after an issue the next one is more likely a mistake than meant.
const tooSoon = 12 * time.Hour

// Order says what to send.
type Order struct {
	Newsletter string
	Slot       time.Time // the scheduled time that the issue answers to; zero when sent by hand
	Again      bool      // a new issue although the last one is younger than 12 hours, or the database was lost or restored
	Open       bool      // no new issue, only what is left of unfinished ones
}

// Sent is what became of an Order.
type Sent struct {
	Issue     ledger.Issue // the zero Issue when there was nothing to send
	Nothing   string       // why there was nothing, in words; "" otherwise
	Stories   int
	Continued bool             // it was an unfinished issue of before; with Nothing: there was one besides
	Left      []digest.LeftOut // of a new issue
	Account   ledger.Account
	Next      time.Time // when those who were deferred are tried again; zero if there are none
	Into      string    // where the mail went: a relay, or the outbox

	again bool // only those go out who were set back to be sent the issue once more
}

// Send continues the newsletter's unfinished issues, oldest first. Unless one of them was broken off, it then publishes, composes the
// next issue if there is news, and sends that. With a Slot it makes the issue of that slot, whatever is unfinished; ErrSlotTaken says
// that there is one already. The result has one Sent for each issue, or one that says why there is none; it tells as much as was done
// even when there is an error.
func (n *Newsroom) Send(ctx context.Context, o Order) (all []Sent, err error) {
	if _, err := n.newsletter(o.Newsletter); err != nil {
		return nil, err
	}
	release, err := n.lockSending(o.Newsletter)
	if err != nil {
		return nil, err
	}
	defer release()
	if err := n.held(); err != nil {
		return nil, err
	}
	if err := n.trusted(ctx, o); err != nil {
		return nil, err
	}
	if o.Slot.IsZero() {
		var broken bool
		if all, broken, err = n.goOn(ctx, o.Newsletter); err != nil || broken || o.Open {
			return all, err
		}
	}
	s, err := n.newIssue(ctx, o)
	if errors.Is(err, ErrTooSoon) && len(all) > 0 { // it is no failure: the order was for what was left, too
		return append(all, Sent{Nothing: "has news, but " + ErrTooSoon.Error() + " (--again makes another now)", Continued: true}), nil
	}
	if err == nil && s.Issue.ID != 0 {
		s, err = n.deliver(ctx, s)
	}
	if s.Issue.ID != 0 || len(all) == 0 && s.Nothing != "" {
		all = append(all, s)
	}
	return all, err
}

// goOn sends what is left of the newsletter's unfinished issues, as whoever sends by hand wants it, and tells whether one of them was
// broken off. The caller holds the newsletter's lock.
func (n *Newsroom) goOn(ctx context.Context, newsletter string) (all []Sent, broken bool, err error) {
	n.troubles.lift() // whoever sends by hand has mended what was wrong
	if err := n.Ledger.LiftPauses(ctx); err != nil {
		return nil, false, err
	}
	open, broken, err := n.Unfinished(ctx, newsletter)
	if err == nil && !broken { // to send by hand is the word that an issue which was stopped waits for
		var stopped []ledger.Issue
		stopped, err = n.Ledger.Restart(ctx, newsletter)
		open, broken = append(open, stopped...), len(stopped) > 0
	}
	if err == nil && len(open) > 0 {
		_, err = n.Publish(ctx) // a story may have been taken back since
	}
	if err != nil {
		return nil, broken, err
	}
	for _, issue := range open {
		s, err := n.deliver(ctx, Sent{Issue: issue, Continued: true})
		if all = append(all, s); err != nil {
			return all, broken, err
		}
	}
	return all, broken, nil
}

// Unfinished gives the newsletter's unfinished issues, oldest first, and tells whether one of them was broken off: it has recipients who
// wait for their first try, not only deferred ones.
func (n *Newsroom) Unfinished(ctx context.Context, newsletter string) (open []ledger.Issue, broken bool, err error) {
	if open, err = n.Ledger.UnfinishedIssues(ctx, newsletter); err != nil {
		return nil, false, err
	}
	for _, issue := range open {
		account, err := n.Ledger.Account(ctx, issue)
		if err != nil {
			return nil, false, err
		}
		broken = broken || account.Open() > account[ledger.Deferred]
	}
	return open, broken, nil
}

// Continue sends what is left of the newsletter's unfinished issues, oldest first, as far as its turn has come.
func (n *Newsroom) Continue(ctx context.Context, newsletter string) ([]Sent, error) {
	// Looked at without the lock first: a sender who begins in that moment would think that this one is at work.
	owed, err := n.Ledger.OwedNotices(ctx, newsletter, n.now())
	if err != nil {
		return nil, err
	}
	open, err := n.Ledger.UnfinishedIssues(ctx, newsletter)
	if err != nil || len(open)+len(owed) == 0 {
		return nil, err
	}
	release, err := n.lockSending(newsletter)
	if err != nil {
		return nil, err
	}
	defer release()
	n.post(ctx, newsletter)
	if open, err = n.Ledger.UnfinishedIssues(ctx, newsletter); err != nil || len(open) == 0 {
		return nil, err
	}
	if err := errors.Join(n.held(), n.forgotten(ctx, newsletter)); err != nil {
		return nil, err
	}
	var all []Sent
	for _, issue := range open {
		work, err := n.Ledger.HasWork(ctx, issue, n.now())
		if err == nil && !work { // all have come to an end, or wait
			var finished bool
			if finished, err = n.Ledger.Finish(ctx, issue, n.now()); finished {
				n.tell(ctx, issue, noticeDone, "")
			}
		}
		if err != nil {
			return all, err
		}
		if !work {
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

// held says why no issue may be sent now, nil if it may.
func (n *Newsroom) held() error {
	switch hours := n.Config.Mail.Window; {
	case n.stopped():
		return ErrStopped
	case !hours.Has(n.now(), n.Config.Location):
		return fmt.Errorf("%w: mail.hours is %s", ErrHours, hours)
	}
	return nil
}

// newIssue composes the next issue and writes it into the ledger. Without stories, or without anybody to send them to, there is none.
func (n *Newsroom) newIssue(ctx context.Context, o Order) (Sent, error) {
	if err := n.slotFree(ctx, o); err != nil {
		return Sent{}, err
	}
	issue, left, err := n.next(ctx, o.Newsletter)
	if err != nil {
		return Sent{}, err
	}
	audience, err := n.Subscribers.Count(ctx, o.Newsletter)
	if err != nil {
		return Sent{}, err
	}
	s := Sent{Left: left, Stories: len(issue.Articles)}
	switch {
	case len(issue.Articles) == 0:
		s.Nothing = "has no news for an issue"
		return s, nil
	case audience == 0:
		s.Nothing = "has no subscribers"
		return s, nil
	}
	if err := n.notTooSoon(ctx, o); err != nil {
		return s, err
	}
	last, err := n.lastPublished(o.Newsletter)
	if err != nil {
		return s, err
	}
	issue.Number = max(issue.Number, last+1)
	issue.Slot = o.Slot
	if s.Issue, err = n.open(ctx, issue); err != nil {
		return s, err
	}
	if _, err = n.Publish(ctx); err == nil { // now with the issue's own page
		n.fillForMail(ctx)
	}
	return s, err
}

// lastPublished is the greatest number of an issue that has a page; 0 if none has.
func (n *Newsroom) lastPublished(newsletter string) (int, error) {
	entries, err := os.ReadDir(filepath.Join(n.Config.Publish, "newsletters", newsletter))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	last := 0
	for _, e := range entries {
		if number, err := strconv.Atoi(e.Name()); err == nil {
			last = max(last, number)
		}
	}
	return last, nil
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

// slotFree gives ErrSlotTaken if there is an issue for the order's slot: asked first, since without more news nothing else would say so.
func (n *Newsroom) slotFree(ctx context.Context, o Order) error {
	if o.Slot.IsZero() {
		return nil
	}
	issues, err := n.Ledger.Issues(ctx, o.Newsletter)
	if slices.ContainsFunc(issues, func(i ledger.Issue) bool { return i.Slot.Equal(o.Slot) }) {
		return ErrSlotTaken
	}
	return err
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
	i := ledger.Issue{Newsletter: d.Newsletter, Number: d.Number, Slot: d.Slot, Created: n.now()}
	frozen, err := n.freeze(ctx, &i, d)
	if err != nil {
		return ledger.Issue{}, err
	}
	return n.Ledger.Open(ctx, i, frozen, idsOfAll(d))
}

// revise takes the stories that were withdrawn or erased since an issue was made out of what those get who have not been sent it yet.
// If nothing is left to say, the issue is called off: they get nothing.
func (n *Newsroom) revise(ctx context.Context, i ledger.Issue) (revised ledger.Issue, off bool, err error) {
	var d digest.Issue
	if err := json.Unmarshal(i.Content, &d); err != nil {
		return i, false, fmt.Errorf("issue %s: %w", i.Name(), err)
	}
	gone, err := n.takenBack(ctx, d)
	if err != nil {
		return i, false, err
	}
	d, taken := d.Without(func(id string) bool { return gone[id] })
	switch {
	case taken == 0:
		return i, false, nil
	case len(d.Articles) == 0:
		n.log.Warn("all stories of an issue were taken back: it is called off", "issue", i.Name())
		return i, true, n.Ledger.CallOff(ctx, i, "its stories were taken back before their turn", n.now())
	}
	n.log.Warn("stories were taken back: the issue goes on without them", "issue", i.Name(), "stories", taken)
	if d.Subject, err = n.subject(d); err != nil {
		return i, false, err
	}
	frozen, err := n.freeze(ctx, &i, d)
	if err != nil {
		return i, false, err
	}
	revised, err = n.Ledger.Revise(ctx, i, frozen, taken, n.now())
	return revised, false, err
}

// takenBack gives those of an issue's stories that were withdrawn or erased.
func (n *Newsroom) takenBack(ctx context.Context, d digest.Issue) (map[string]bool, error) {
	return n.stories.TakenBack(ctx, idsOfAll(d))
}

// idsOfAll are the ids of an issue's stories, in all languages.
func idsOfAll(d digest.Issue) (ids []string) {
	for _, a := range d.All() {
		ids = append(ids, a.ID)
	}
	return ids
}

// freeze puts a digest into an issue and gives its composed messages.
func (n *Newsroom) freeze(ctx context.Context, i *ledger.Issue, d digest.Issue) (messages []byte, err error) {
	composed, err := n.messages(ctx, d)
	if err != nil {
		return nil, err
	}
	if i.Content, err = json.Marshal(d); err != nil {
		return nil, err
	}
	return json.Marshal(composed)
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
	if err := n.begin(ctx, s.Issue.Newsletter); err != nil {
		return s, err
	}
	now := n.now()
	if s.again {
		now = ledger.OnlyReopened
	}
	sendErr := errTakenBack
	for errors.Is(sendErr, errTakenBack) {
		var off bool
		if s.Issue, err = n.Ledger.Issue(ctx, s.Issue.ID); err != nil { // it may have been revised meanwhile
			return s, err
		}
		if s.Issue, off, err = n.revise(ctx, s.Issue); err != nil {
			return s, err
		}
		if off {
			sendErr = nil
			break
		}
		run, err := n.newSending(ctx, s.Issue, now)
		if err != nil {
			return s, err
		}
		s.Stories = len(run.digest.Articles)
		sendErr = run.run(ctx)
		s.Into = run.via()
	}
	// The account is told also when the sending was cut short.
	after := context.WithoutCancel(ctx)
	finished, err := n.Ledger.Finish(after, s.Issue, n.now())
	if err != nil {
		return s, errors.Join(sendErr, err)
	}
	n.tellEnd(ctx, s.Issue, finished, sendErr)
	var accErr, nextErr error
	s.Account, accErr = n.Ledger.Account(after, s.Issue)
	s.Next, nextErr = n.Ledger.NextTry(after, s.Issue)
	return s, errors.Join(sendErr, accErr, nextErr)
}

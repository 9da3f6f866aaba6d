package ledger_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tidings/mailer/ledger"
)

// world is what the ledger's keeper would know if he saw all: who has whom in hand, and who got the mail.
type world struct {
	list
	t      *testing.T
	issue  ledger.Issue
	now    time.Time
	rand   *rand.Rand
	inHand map[int64]string    // by subscriber: the sender
	ended  map[int64]bool      // nothing may be sent to them again
	due    map[int64]time.Time // who was deferred, and until when
	gone   map[int64]bool      // who left or was suppressed while nobody had them in hand
	all    []int64
	clerks map[string]*ledger.Clerk // by sender
	refusals
}

// enters has the clerk of a sender, who may be at work already, enter something, and tells whether it was let in.
func (w *world) enters(sender string, e ledger.Entry) bool {
	if w.clerks[sender] == nil {
		c, err := w.NewClerk(context.Background(), w.issue, sender, func() time.Time { return w.now }, w.log())
		if err != nil {
			w.t.Fatal(err)
		}
		w.clerks[sender] = c
	}
	refused := w.Load()
	granted, err := w.clerks[sender].Write(e).Wait()
	if err != nil {
		w.t.Fatal(err)
	}
	return w.Load() == refused && granted == (e.Claim != 0)
}

func newWorld(t *testing.T, n int, seed uint64) *world {
	w := &world{list: newList(t, n), t: t, now: monday, rand: rand.New(rand.NewPCG(seed, 0)),
		inHand: map[int64]string{}, ended: map[int64]bool{}, due: map[int64]time.Time{}, gone: map[int64]bool{}, clerks: map[string]*ledger.Clerk{}}
	w.issue = w.open(t, 1, monday)
	for sub, err := range w.List(t.Context(), weekly) {
		if err != nil {
			t.Fatal(err)
		}
		w.all = append(w.all, sub.ID)
	}
	return w
}

func (w *world) claimNext() {
	sender := fmt.Sprint("sender ", w.rand.IntN(3))
	turns := w.turns(w.t, w.issue, w.now)
	if len(turns) == 0 {
		return
	}
	r := turns[w.rand.IntN(len(turns))]
	if granted := w.enters(sender, ledger.Entry{Claim: r.Subscriber}); granted != r.Wanted {
		w.t.Fatalf("a claim of %+v was granted: %t", r, granted)
	}
	if !r.Wanted {
		return
	}
	if w.enters("meddler", ledger.Entry{Claim: r.Subscriber}) {
		w.t.Fatal("another sender got them too")
	}
	at, deferred := w.due[r.Subscriber]
	switch {
	case w.inHand[r.Subscriber] != "":
		w.t.Fatalf("%s got whom %s has in hand", sender, w.inHand[r.Subscriber])
	case w.ended[r.Subscriber], w.gone[r.Subscriber]:
		w.t.Fatalf("%s got one who must get nothing more", sender)
	case deferred && w.now.Before(at):
		w.t.Fatalf("%s got one who is put off until %v, at %v", sender, at, w.now)
	}
	w.inHand[r.Subscriber] = sender
	delete(w.due, r.Subscriber)
}

// recordOne ends what one sender has in hand, after another has tried to meddle.
func (w *world) recordOne() {
	for subscriber, sender := range w.inHand {
		o := ledger.Outcome{State: []ledger.State{ledger.Accepted, ledger.Rejected, ledger.Unknown, ledger.Deferred, ledger.Pending}[w.rand.IntN(5)]}
		if w.enters("meddler", ledger.Entry{Ended: &ledger.Ended{Subscriber: subscriber, Outcome: o}}) {
			w.t.Fatal("another sender could end it")
		}
		if o.State == ledger.Deferred {
			o.Next = w.now.Add(time.Duration(w.rand.IntN(9)) * time.Minute)
			w.due[subscriber] = o.Next
		}
		if !w.enters(sender, ledger.Entry{Ended: &ledger.Ended{Subscriber: subscriber, Outcome: o}}) {
			w.t.Fatal(sender, "could not end it")
		}
		w.ended[subscriber] = o.State != ledger.Deferred && o.State != ledger.Pending
		delete(w.inHand, subscriber)
		return
	}
}

// crash ends all senders; whoever starts next clears up. What the dead still want to say is not heard.
func (w *world) crash() {
	n, err := w.Abandoned(w.t.Context(), w.issue, w.now)
	if err != nil || int(n) != len(w.inHand) {
		w.t.Fatalf("%d were abandoned, %v, want %d", n, err, len(w.inHand))
	}
	for subscriber, sender := range w.inHand {
		if w.enters(sender, ledger.Entry{Ended: &ledger.Ended{Subscriber: subscriber, Outcome: accepted}}) {
			w.t.Fatal("the dead could end it")
		}
		w.ended[subscriber] = true
	}
	clear(w.inHand)
	clear(w.clerks) // they are never closed: nobody closes a process that was killed
}

func (w *world) someoneLeaves() {
	who := w.all[w.rand.IntN(len(w.all))]
	w.leave(w.t, who)
	w.gone[who] = true
}

// check holds the account against what the world knows.
func (w *world) check(step int) {
	a, err := w.Account(w.t.Context(), w.issue)
	if err != nil {
		w.t.Fatal(err)
	}
	ended := a[ledger.Accepted] + a[ledger.Rejected] + a[ledger.Unknown]
	known := 0
	for _, e := range w.ended {
		if e {
			known++
		}
	}
	if a.Audience() != len(w.all) || a[ledger.Sending] != len(w.inHand) || ended != known {
		w.t.Fatalf("step %d: %v, want %d recipients, %d in hand, %d ended", step, a, len(w.all), len(w.inHand), known)
	}
	done, err := w.Finish(w.t.Context(), w.issue, w.now)
	if err != nil || done && a.Open() > 0 {
		w.t.Fatalf("step %d: finished with %v, %v", step, a, err)
	}
}

// TestAccount: whatever several senders do, and die of, in whatever order, audience = sum of all states holds, nobody is in
// two hands, nobody gets the mail twice, and in the end the account balances.
func TestAccount(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 12, seed)
			for step := range 80 {
				switch w.rand.IntN(10) {
				case 0:
					w.now = w.now.Add(time.Minute)
				case 1:
					w.someoneLeaves()
				case 2:
					if w.rand.IntN(3) == 0 {
						w.crash()
					}
				case 3, 4, 5:
					w.recordOne()
				default:
					w.claimNext()
				}
				w.check(step)
			}
			for _, c := range w.clerks {
				if err := c.Close(); err != nil {
					t.Error(err)
				}
			}
			clear(w.clerks)
			w.crash()
			w.drain()
		})
	}
}

// drain sends what is left.
func (w *world) drain() {
	w.now = w.now.Add(time.Hour)
	for {
		r, ok := w.claim(w.t, w.issue, "last", w.now)
		if !ok {
			break
		}
		if w.gone[r.Subscriber] || w.ended[r.Subscriber] {
			w.t.Fatal("one who must get nothing more was still claimed")
		}
		if !w.end(w.t, w.issue, r.Subscriber, "last", accepted, w.now) {
			w.t.Fatal("the last sender could not end it")
		}
	}
	a, err := w.Account(w.t.Context(), w.issue)
	if err != nil || a.Open() != 0 || a.Audience() != len(w.all) {
		w.t.Errorf("in the end: %v, %v", a, err)
	}
	if open, err := w.UnfinishedIssues(w.t.Context(), "weekly"); err != nil || len(open) > 0 {
		if done, err := w.Finish(w.t.Context(), w.issue, w.now); !done || err != nil {
			w.t.Error("it could not be finished:", err)
		}
	}
}

// TestSendersRace: senders in several processes, over several connections each, all of whom want everybody, claim everybody
// once.
func TestSendersRace(t *testing.T) {
	l := newList(t, 40)
	i := l.open(t, 1, monday)
	turns := l.turns(t, i, monday)
	var claims [3]atomic.Int64
	var refused refusals
	var wg sync.WaitGroup
	for k, own := range []list{l, openList(t, l.path), l} {
		c := own.clerk(t, i, fmt.Sprint("sender ", k), time.Now, refused.log())
		for range 3 {
			wg.Go(func() {
				claims[k].Add(claimAll(t, c, turns))
			})
		}
	}
	wg.Wait()
	if n := claims[0].Load() + claims[1].Load() + claims[2].Load(); n != 40 || refused.Load() > 0 {
		t.Errorf("%d claims for 40 people, %d outcomes refused", n, refused.Load())
	}
	l.account(t, i, ledger.Account{ledger.Accepted: 40})
	l.finish(t, i, true)
}

// claimAll is one connection that tries to send to all, and brings each outcome with the next claim.
func claimAll(t *testing.T, c *ledger.Clerk, turns []ledger.Turn) (claims int64) {
	var last *ledger.Ended
	for _, turn := range turns {
		granted, err := c.Write(ledger.Entry{Ended: last, Claim: turn.Subscriber}).Wait()
		if err != nil {
			t.Error(err)
		}
		if last = nil; granted {
			claims++
			last = &ledger.Ended{Subscriber: turn.Subscriber, Outcome: accepted}
		}
	}
	if _, err := c.Write(ledger.Entry{Ended: last}).Wait(); err != nil {
		t.Error(err)
	}
	return claims
}

// TestLocked: a clerk waits for a database that another process has locked, but not for long once the program is to end.
func TestLocked(t *testing.T) {
	l := newList(t, 2)
	i := l.open(t, 1, monday)
	turns := l.turns(t, i, monday)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	waits := make(chan struct{}, 9) // the clerk has said that it cannot write
	c, err := l.NewClerk(ctx, i, "me", time.Now, slog.New(slog.NewTextHandler(signal(waits), nil)))
	if err != nil {
		t.Fatal(err)
	}
	c.Hurry(10*time.Millisecond, time.Minute, 100*time.Millisecond)
	locked := func(f func()) {
		err := openList(t, l.path).Ledger.DB.Write(t.Context(), func(*sql.Tx) error { f(); return nil })
		if err != nil {
			t.Error(err)
		}
	}
	var first, second *ledger.Receipt
	locked(func() {
		first = c.Write(ledger.Entry{Claim: turns[0].Subscriber})
		<-waits
	})
	if granted, err := first.Wait(); !granted || err != nil {
		t.Errorf("when the lock was released: %t, %v", granted, err)
	}
	locked(func() {
		second = c.Write(ledger.Entry{Claim: turns[1].Subscriber})
		<-waits
		began := time.Now()
		cancel()
		granted, err := second.Wait()
		if took := time.Since(began); granted || err == nil || took > 3*time.Second {
			t.Errorf("under the lock: %t, %v after %v, want an error after little more than a second", granted, err, took)
		}
	})
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	l.account(t, i, ledger.Account{ledger.Sending: 1, ledger.Pending: 1})
}

// signal sends for each line written to it.
type signal chan<- struct{}

func (s signal) Write(line []byte) (int, error) {
	s <- struct{}{}
	return len(line), nil
}

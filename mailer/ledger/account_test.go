package ledger_test

import (
	"errors"
	"fmt"
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
}

func newWorld(t *testing.T, n int, seed uint64) *world {
	w := &world{list: newList(t, n), t: t, now: monday, rand: rand.New(rand.NewPCG(seed, 0)),
		inHand: map[int64]string{}, ended: map[int64]bool{}, due: map[int64]time.Time{}, gone: map[int64]bool{}}
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
	r, ok := w.claim(w.t, w.issue, sender, w.now)
	if !ok {
		return
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
		if err := w.Record(w.t.Context(), w.issue, subscriber, "meddler", o, w.now); !errors.Is(err, ledger.ErrNotClaimed) {
			w.t.Fatal("another sender could record:", err)
		}
		if o.State == ledger.Deferred {
			o.Next = w.now.Add(time.Duration(w.rand.IntN(9)) * time.Minute)
			w.due[subscriber] = o.Next
		}
		if err := w.Record(w.t.Context(), w.issue, subscriber, sender, o, w.now); err != nil {
			w.t.Fatal(err)
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
		if err := w.Record(w.t.Context(), w.issue, subscriber, sender, accepted, w.now); !errors.Is(err, ledger.ErrNotClaimed) {
			w.t.Fatal("the dead could record:", err)
		}
		w.ended[subscriber] = true
	}
	clear(w.inHand)
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
		if err := w.Record(w.t.Context(), w.issue, r.Subscriber, "last", accepted, w.now); err != nil {
			w.t.Fatal(err)
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

// TestSendersRace: senders in several processes, at the same time, claim everybody once.
func TestSendersRace(t *testing.T) {
	l := newList(t, 40)
	i := l.open(t, 1, monday)
	var got sync.Map
	var claims atomic.Int64
	var wg sync.WaitGroup
	for k, own := range []list{l, openList(t, l.path), l} {
		sender := fmt.Sprint("sender ", k)
		wg.Go(func() {
			for {
				r, ok, err := own.Claim(t.Context(), i, sender, monday)
				if err != nil || !ok {
					if err != nil {
						t.Error(err)
					}
					return
				}
				claims.Add(1)
				if other, twice := got.LoadOrStore(r.Subscriber, sender); twice {
					t.Errorf("%s and %s have the same one", sender, other)
				}
				if err := own.Record(t.Context(), i, r.Subscriber, sender, accepted, monday); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if claims.Load() != 40 {
		t.Errorf("%d claims for 40 people", claims.Load())
	}
	l.account(t, i, ledger.Account{ledger.Accepted: 40})
	l.finish(t, i, true)
}

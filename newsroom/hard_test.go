package newsroom_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"tidings/internal/lock"
	"tidings/mailer/ledger"
	"tidings/mailer/relay"
	"tidings/newsroom"
	"tidings/subscribers"
)

// putBack ends the newsroom, and opens it with an old database.
func (r *room) putBack(old string) {
	r.close()
	for _, name := range []string{"-wal", "-shm"} {
		_ = os.Remove(r.path("state/tidings.db" + name))
	}
	r.write("state/tidings.db", old)
	r.Newsroom = r.openAgain(false)
}

// more imports so many further subscribers.
func (r *room) more(people int) {
	r.t.Helper()
	var list strings.Builder
	list.WriteString("email,newsletters\n")
	for i := range people {
		fmt.Fprintf(&list, "reader%d@example.com,weekly\n", i)
	}
	report, err := r.Subscribers.Import(r.t.Context(), strings.NewReader(list.String()), "more.csv",
		subscribers.ImportOptions{Source: "a test", Known: []string{"weekly"}, Now: monday})
	if err != nil || report.Added != people {
		r.t.Fatal(report, err)
	}
}

// TestFewConnections: a relay that takes fewer connections than we are allowed to open gets all mail over those.
func TestFewConnections(t *testing.T) {
	t.Parallel()
	server, r := serve(t)
	server.most = 2
	r.edit("tidings.yaml", "connections: 1", "connections: 5")
	r.Newsroom = r.openAgain(false)
	r.more(300)
	r.account(r.send(newsroom.Order{}, nil), "308 recipients = 308 accepted + 0 rejected + 0 suppressed + 0 unknown")
	onceEach(t, server.mails(), 308)
}

// TestOneBreaksTheLine: connections break over one delivery, each time. The others get theirs at once, and the one is given up in time.
func TestOneBreaksTheLine(t *testing.T) {
	t.Parallel()
	server, r := serve(t)
	var tries atomic.Int32
	server.set(false, func(to string) error {
		if to != "amina.yusuf@example.com" {
			return nil
		}
		tries.Add(1)
		return errCut
	})
	s := r.send(newsroom.Order{}, nil)
	r.account(s, "8 recipients = 7 accepted + 0 rejected + 0 suppressed + 0 unknown + 1 deferred")
	if n := tries.Load(); n != 3 {
		t.Errorf("it was tried %d times at once", n)
	}
	for range 40 {
		if s.Next.IsZero() {
			break
		}
		r.clock.Store(s.Next.Unix() + 1)
		s = r.goOn(false)
	}
	r.account(s, "8 recipients = 7 accepted + 1 rejected + 0 suppressed + 0 unknown")
	r.finished()
}

// TestCalledOffSlowly: where nothing of an issue is left, no connection is made, however long the relay takes to answer.
func TestCalledOffSlowly(t *testing.T) {
	t.Parallel()
	server, r := serve(t)
	r.breakOff(server)
	r.edit("items/secret.md", "date:", "status: withdrawn\ndate:")
	server.set(true, nil) // whoever connects is turned away
	r.account(r.goOn(false), "8 recipients = 3 accepted + 0 rejected + 5 suppressed + 0 unknown")
}

// TestOldDatabase: somebody puts an old database back, made in the middle of an issue. Nothing is mailed until there is a word, and then
// not to those who may have it.
func TestOldDatabase(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string // number and why
		next bool   // another issue was sent meanwhile
	}{{"1 only the rest of the issue was sent since", false}, {"2 another issue was, too", true}} {
		server, r := serve(t)
		server.breakAfter(3)
		r.send(newsroom.Order{}, relay.ErrUnavailable)
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		old := r.read("state/tidings.db")
		r.Newsroom = r.openAgain(false)
		server.set(false, nil)
		r.pass(time.Hour)
		r.goOn(false)
		want := 1
		if test.next {
			r.pass(24 * time.Hour)
			r.write("items/new.md", item("New", "date: 2016-12-19"))
			r.send(newsroom.Order{}, nil)
			want = 2
		}
		r.putBack(old)
		r.pass(24 * time.Hour)
		if _, err := r.Continue(t.Context(), "weekly"); !errors.Is(err, newsroom.ErrForgotten) {
			t.Errorf("%s: the daemon: %v", test.name, err)
		}
		r.send(newsroom.Order{}, newsroom.ErrForgotten)
		r.write("items/newer.md", item("Newer", "date: 2016-12-20"))
		s := r.send(newsroom.Order{Again: true}, nil)
		if s.Issue.Number != want+1 {
			t.Errorf("%s: then %s was sent", test.name, s.Issue.Name())
		}
		for to, mails := range server.mails() {
			if len(mails) != want+1 {
				t.Errorf("%s: %s got %d mails of %d issues", test.name, to, len(mails), want+1)
			}
		}
		if unknown := r.replies("unknown"); len(unknown) != 5 {
			t.Errorf("%s: unknown of the first issue: %q", test.name, unknown)
		}
	}
}

// TestOldDatabaseOfTwo: the word that one newsletter waits for, when an old database was put back, is none for another, whose issue was
// being sent when that was made.
func TestOldDatabaseOfTwo(t *testing.T) {
	t.Parallel()
	server, r := serve(t)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	r.edit("tidings.yaml", "    max_item_age: 0\n", "    max_item_age: 0\n  other:\n    title: Other\n    max_item_age: 0\n")
	r.Newsroom = r.openAgain(false)
	if _, err := r.Ledger.DB.Exec(`INSERT INTO subscriptions SELECT subscriber, 'other', state, changed FROM subscriptions`); err != nil {
		t.Fatal(err)
	}
	server.breakAfter(3)
	if _, err := r.Send(t.Context(), newsroom.Order{Newsletter: "other"}); !errors.Is(err, relay.ErrUnavailable) {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	old := r.read("state/tidings.db")
	r.Newsroom = r.openAgain(false)
	server.set(false, nil)
	r.pass(time.Hour)
	if all, err := r.Continue(t.Context(), "other"); len(all) != 1 || err != nil {
		t.Fatal(all, err)
	}
	r.send(newsroom.Order{}, nil)
	r.putBack(old)
	r.pass(24 * time.Hour)
	r.write("items/newer.md", item("Newer", "date: 2016-12-20"))
	r.send(newsroom.Order{Again: true}, nil)
	if _, err := r.Continue(t.Context(), "other"); !errors.Is(err, newsroom.ErrForgotten) {
		t.Errorf("the other newsletter: %v", err)
	}
	for to, mails := range server.mails() {
		if len(mails) != 3 { // of other once, of weekly twice
			t.Errorf("%s got %d mails", to, len(mails))
		}
	}
}

// TestSenderRefused: what a relay says of our address, before it has heard the recipient's, suppresses nobody.
func TestSenderRefused(t *testing.T) {
	t.Parallel()
	server, r := serve(t)
	server.mail = func() error {
		return &smtp.SMTPError{Code: 553, EnhancedCode: smtp.EnhancedCode{5, 1, 2}, Message: "Sender domain not found"}
	}
	r.send(newsroom.Order{}, newsroom.ErrRefused)
	if n := must(r.Subscribers.Count(t.Context(), "weekly")); n != 8 {
		t.Errorf("%d of 8 are left", n)
	}
}

// TestFullMailbox: a full mailbox may be emptied.
func TestFullMailbox(t *testing.T) {
	t.Parallel()
	server, r := serve(t)
	server.set(false, func(string) error {
		return &smtp.SMTPError{Code: 552, EnhancedCode: smtp.EnhancedCode{5, 2, 2}, Message: "Mailbox full"}
	})
	r.account(r.send(newsroom.Order{}, nil), "8 recipients = 0 accepted + 0 rejected + 0 suppressed + 0 unknown + 8 deferred")
}

// TestResendStopped: an issue that was stopped is not sent on by a resend; and a resend goes to those in the state alone.
func TestResendStopped(t *testing.T) {
	t.Parallel()
	server, r := serve(t)
	n := 0
	server.set(false, func(string) error {
		switch n++; n {
		case 1:
			return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "No"}
		case 2, 3:
			return nil
		}
		return errCut
	})
	r.send(newsroom.Order{}, relay.ErrUnavailable)
	server.set(false, nil)
	r.pass(time.Hour)
	s, err := r.Resend(t.Context(), "weekly-1", ledger.Rejected)
	if err != nil || s.Again != 1 || s.Account[ledger.Accepted] != 3 || len(server.mails()) != 3 {
		t.Errorf("to the one: %d, %s, %v", s.Again, s.Account, err)
	}
	if err := r.Stop(t.Context(), "weekly-1"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Resend(t.Context(), "weekly-1", ledger.Deferred); !errors.Is(err, ledger.ErrStopped) || len(server.mails()) != 3 {
		t.Errorf("stopped: %v, %d mails", err, len(server.mails()))
	}
}

// TestRetryFromFirstTry: the time for which mail is tried again begins with the first try, not with the issue.
func TestRetryFromFirstTry(t *testing.T) {
	t.Parallel()
	server, r := serve(t)
	server.set(true, nil)
	r.send(newsroom.Order{}, relay.ErrUnavailable)
	r.pass(72 * time.Hour)
	server.set(false, func(string) error {
		return &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 2, 2}, Message: "The mailbox is full"}
	})
	r.account(r.goOn(false), "8 recipients = 0 accepted + 0 rejected + 0 suppressed + 0 unknown + 8 deferred")
}

// TestStopWhilePublishing: an issue stops within two seconds, also while publishing hangs.
func TestStopWhilePublishing(t *testing.T) {
	t.Parallel()
	server, r := serve(t)
	r.edit("tidings.yaml", "mail:\n", "mail:\n  rate: 1/s\n")
	r.Newsroom = r.openAgain(false)
	other := r.openAgain(true)
	var free func()
	var stopped time.Time
	n := 0
	server.set(false, func(string) error {
		switch n++; n {
		case 1:
			var err error
			if free, err = lock.Try(r.Config.State(), "publish"); err != nil {
				t.Error(err)
			}
		case 7: // by now the sender has looked at the folder, and waits for the lock
			if err := other.Stop(t.Context(), "weekly-1"); err != nil {
				t.Error(err)
			}
			stopped = time.Now()
		}
		return nil
	})
	defer func() { free() }()
	r.edit("items/one.md", "title: One", "title: First")
	r.send(newsroom.Order{}, newsroom.ErrHalted)
	if took := time.Since(stopped); took > 2*time.Second {
		t.Errorf("it stopped after %v", took)
	}
}

// TestTwoNewslettersOneRelay: a relay's rate and its number of connections are for all newsletters together.
func TestTwoNewslettersOneRelay(t *testing.T) {
	t.Parallel()
	server, r := serve(t)
	r.edit("tidings.yaml", "    max_item_age: 0\n", "    max_item_age: 0\n  other:\n    title: Other\n    max_item_age: 0\n", "mail:\n", "mail:\n  rate: 10/s\n")
	r.Newsroom = r.openAgain(false)
	if _, err := r.Ledger.DB.Exec(`INSERT INTO subscriptions SELECT subscriber, 'other', state, changed FROM subscriptions`); err != nil {
		t.Fatal(err)
	}
	var most int
	server.set(false, func(string) error {
		server.mu.Lock()
		defer server.mu.Unlock()
		most = max(most, server.open)
		return nil
	})
	r.more(12)
	began := time.Now()
	var both sync.WaitGroup
	for _, name := range []string{"weekly", "other"} {
		both.Go(func() {
			if _, err := r.Send(t.Context(), newsroom.Order{Newsletter: name}); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	if took := time.Since(began); took < 1500*time.Millisecond { // 28 mails, 10 at once
		t.Errorf("28 mails took %v", took)
	}
	if most != 1 {
		t.Errorf("%d connections at a time", most)
	}
}

// TestAllUnknown: a relay that calls everybody unknown is at fault itself: it is left alone, and nobody is suppressed; whoever sends by
// hand tries it at once. One that calls some unknown is believed.
func TestAllUnknown(t *testing.T) {
	t.Parallel()
	server, r := serve(t)
	r.more(50)
	unknown := &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such user"}
	server.set(false, func(string) error { return unknown })
	s := r.send(newsroom.Order{}, newsroom.ErrRefused)
	if s.Account[ledger.Rejected] != 20 {
		t.Errorf("it was asked for %s", s.Account)
	}
	if n := must(r.Subscribers.Count(t.Context(), "weekly")); n != 58 {
		t.Errorf("%d of 58 are left", n)
	}
	n := 0
	server.set(false, func(string) error {
		if n++; n%2 == 0 {
			return unknown
		}
		return nil
	})
	s = r.send(newsroom.Order{}, nil) // at once
	if s.Account.Open() != 0 || s.Account[ledger.Rejected] != 20+19 {
		t.Errorf("then %s", s.Account)
	}
	if n := must(r.Subscribers.Count(t.Context(), "weekly")); n != 58-19 {
		t.Errorf("%d are left of 58, of whom 19 are unknown", n)
	}
}

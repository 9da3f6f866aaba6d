package newsroom_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tidings/mailer/ledger"
	"tidings/newsroom"
)

// TestHours: issues are sent in the hours of mail.hours only, whoever asks, and what is begun goes on the next day. It is nine in the
// morning at first.
func TestHours(t *testing.T) {
	t.Parallel()
	server, r := serve(t)
	r.edit("tidings.yaml", "mail:\n", "mail:\n  hours: 10:00-20:00\n")
	r.Newsroom = r.openAgain(false)
	for _, o := range []newsroom.Order{{Newsletter: "weekly"}, {Newsletter: "weekly", Slot: monday}} {
		if _, err := r.Send(t.Context(), o); !errors.Is(err, newsroom.ErrHours) || !strings.Contains(err.Error(), "10:00-20:00") {
			t.Errorf("too early: %v", err)
		}
	}
	if issues := must(r.Ledger.Issues(t.Context(), "")); len(issues) > 0 {
		t.Fatal("there is an issue already")
	}
	r.pass(time.Hour)
	n, ended := 0, make(chan struct{})
	server.set(false, func(string) error { // the clock strikes eight in the evening at the third
		if n++; n == 3 {
			r.pass(10 * time.Hour)
			<-ended // the sender does not wait for an answer
		}
		return nil
	})
	s := r.send(newsroom.Order{}, newsroom.ErrHours)
	close(ended)
	if s.Account[ledger.Accepted] != 2 || s.Account.Open() != 6 {
		t.Errorf("when the hours were over: %s", s.Account)
	}
	if _, err := r.Continue(t.Context(), "weekly"); !errors.Is(err, newsroom.ErrHours) {
		t.Errorf("at night: %v", err)
	}
	if _, err := r.Resend(t.Context(), "weekly-1", ledger.Deferred); !errors.Is(err, newsroom.ErrHours) {
		t.Errorf("once more at night: %v", err)
	}
	if test, err := r.SendTest(t.Context(), "weekly", "me@example.org"); err != nil {
		t.Errorf("a test at night: %v, %v", test, err)
	}
	r.pass(14 * time.Hour)
	if all, err := r.Continue(t.Context(), "weekly"); len(all) != 1 || err != nil {
		t.Fatal(all, err)
	}
	onceEach(t, server.mails(), 8+1) // and the test
}

package newsroom_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"tidings/mailer/ledger"
	"tidings/mailer/relay"
	"tidings/newsroom"
	"tidings/subscribers"
)

const allTaken = "8 recipients = 8 accepted + 0 rejected + 0 suppressed + 0 unknown"

// TestSendToOutbox: without a relay everybody's mail lies in the outbox, once, and the account says so.
func TestSendToOutbox(t *testing.T) {
	t.Parallel()
	r := newSample(t)
	s := r.send(newsroom.Order{}, nil)
	r.account(s, allTaken)
	if s.Issue.Name() != "weekly-1" || s.Stories != 12 || s.Continued || s.Into != r.path("outbox") || !s.Next.IsZero() {
		t.Errorf("sent: %+v", s)
	}
	mails := r.mails()
	for _, who := range r.Config.Staff { // they get another mail: see TestNoticeOutbox
		delete(mails, who)
	}
	onceEach(t, mails, 8)
	ids := map[string]bool{}
	for to, m := range mails {
		ids[m[0].Get("Message-Id")] = true
		if u := m[0].Get("List-Unsubscribe"); !strings.HasPrefix(u, "<https://news.example.org/-/u/") {
			t.Errorf("%s leaves by %s", to, u)
		}
		if strings.Contains(to, "lefevre") != strings.Contains(m[0].body, "Bonjour") {
			t.Errorf("%s was greeted in the wrong language", to)
		}
	}
	if len(ids) != 8 {
		t.Errorf("%d message ids for 8 mails", len(ids))
	}
	if page := r.read("public/newsletters/weekly/1/index.html"); !strings.Contains(page, "Weekly digest") {
		t.Error("the issue's page does not show it")
	}
}

// TestSendQueue: issue after issue tells what waited, each story once, until nothing is left; then nothing is sent.
func TestSendQueue(t *testing.T) {
	t.Parallel()
	r := newRoom(t, "    max_item_age", "    max_items: 2\n    max_item_age")
	r.write("items/four.md", item("Four", "date: 2016-12-04\nnewsletter: skip"))
	r.write("items/five.md", item("Five", "date: 2016-12-05"))
	r.write("items/six.md", item("Six", "date: 2016-12-06"))
	told := 0
	for number := 1; ; number++ {
		s := r.send(newsroom.Order{Again: true}, nil)
		if s.Issue.ID == 0 {
			break
		}
		if told += s.Stories; s.Issue.Number != number || s.Stories == 0 {
			t.Fatalf("%s holds %d stories", s.Issue.Name(), s.Stories)
		}
	}
	if all := must(r.Ledger.Told(t.Context(), "weekly")); told != 5 || len(all) != 5 {
		t.Errorf("%d stories were told, %d of them different, want 5", told, len(all))
	}
	for to, m := range r.mails() {
		if len(m) != 3 {
			t.Errorf("%s got %d mails, want 3", to, len(m))
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestSendRefuses: what must not be sent leaves no trace.
func TestSendRefuses(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	first := r.send(newsroom.Order{Slot: monday}, nil)
	r.write("items/new.md", item("New", "date: 2016-12-18"))
	r.publish()
	before := fmt.Sprint(r.rows())
	tests := []struct {
		name  string // number and why
		after time.Duration
		stop  bool
		order newsroom.Order
		err   error
	}{
		{"1 no such newsletter", 0, false, newsroom.Order{Newsletter: "daily"}, newsroom.ErrNoNewsletter},
		{"2 twice by mistake", 12*time.Hour - time.Second, false, newsroom.Order{Newsletter: "weekly"}, newsroom.ErrTooSoon},
		{"3 the slot is served, however long ago", 0, false, newsroom.Order{Newsletter: "weekly", Slot: monday}, newsroom.ErrSlotTaken},
		{"4 also again", 0, false, newsroom.Order{Newsletter: "weekly", Slot: monday, Again: true}, newsroom.ErrSlotTaken},
		{"5 STOP", 0, true, newsroom.Order{Newsletter: "weekly", Again: true}, newsroom.ErrStopped},
	}
	for _, test := range tests {
		r.clock.Store(monday.Add(test.after).Unix())
		if test.stop {
			r.write("STOP", "")
		}
		if all, err := r.Send(t.Context(), test.order); !errors.Is(err, test.err) || len(all) != 0 {
			t.Errorf("%s: %+v, %v, want %v", test.name, all, err, test.err)
		}
		if after := fmt.Sprint(r.rows()); after != before {
			t.Errorf("%s: the tables hold %s, before %s", test.name, after, before)
		}
	}
	onceEach(t, r.mails(), 8)
	r.remove("STOP")
	r.clock.Store(monday.Add(12 * time.Hour).Unix())
	if s := r.send(newsroom.Order{}, nil); s.Issue.Number != 2 || s.Issue.ID == first.Issue.ID {
		t.Errorf("after 12 hours: %+v", s.Issue)
	}
}

// TestSendSlot: a slot has an issue of its own, however young the last one is, and one only; nobody is told then that there is no news.
func TestSendSlot(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.send(newsroom.Order{}, nil)
	r.write("items/new.md", item("New", "date: 2016-12-18"))
	s := r.send(newsroom.Order{Slot: monday}, nil)
	if s.Issue.Number != 2 || !s.Issue.Slot.Equal(monday) || s.Continued {
		t.Errorf("%+v", s.Issue)
	}
	if s := r.send(newsroom.Order{Slot: monday}, newsroom.ErrSlotTaken); s.Nothing != "" {
		t.Errorf("%+v", s)
	}
}

// TestContinue: the relay fails in the middle; the issue goes on where it stopped, with the same words, and nobody gets it twice.
func TestContinue(t *testing.T) {
	t.Parallel()
	server, r := serve(t)
	server.breakAfter(3)
	s := r.send(newsroom.Order{}, relay.ErrUnavailable)
	r.account(s, "8 recipients = 3 accepted + 0 rejected + 0 suppressed + 0 unknown + 4 pending + 1 deferred")
	r.write("items/late.md", item("Too late for this issue", "date: 2016-12-19"))

	all, err := r.Continue(t.Context(), "weekly")
	if !errors.Is(err, relay.ErrUnavailable) || len(all) != 1 {
		t.Errorf("while it is down: %v, %v", all, err)
	}
	server.set(false, nil)
	s = r.send(newsroom.Order{}, nil) // by hand it goes on too
	if !s.Continued || s.Issue.Number != 1 || !about(s.Next.Sub(monday), 5*time.Minute) {
		t.Errorf("continued: number %d, %t, next at %v", s.Issue.Number, s.Continued, s.Next)
	}
	r.account(s, "8 recipients = 7 accepted + 0 rejected + 0 suppressed + 0 unknown + 1 deferred")
	if all, err := r.Continue(t.Context(), "weekly"); len(all) != 0 || err != nil {
		t.Errorf("before its time: %v, %v", all, err)
	}
	r.clock.Store(s.Next.Unix() + 1)
	if all, err = r.Continue(t.Context(), "weekly"); len(all) != 1 || err != nil {
		t.Fatal(all, err)
	}
	r.account(all[0], allTaken)
	onceEach(t, server.mails(), 8)
	for to, m := range server.mails() {
		if strings.Contains(m[0], "Too late") {
			t.Errorf("%s got another issue than the others", to)
		}
	}
	if all, err := r.Continue(t.Context(), "weekly"); len(all) != 0 || err != nil {
		t.Errorf("when all is done: %v, %v", all, err)
	}
}

// about tells whether a pause is as long as it should be, give or take a quarter and the two seconds that a test may take.
func about(got, want time.Duration) bool {
	return got > want*3/4-2*time.Second && got < want*5/4+2*time.Second
}

// TestPausesSpread: those whom a server puts off at the same moment do not come back at the same moment.
func TestPausesSpread(t *testing.T) {
	t.Parallel()
	server, r := serve(t)
	server.set(false, func(string) error {
		return &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 2, 2}, Message: "The mailbox is full"}
	})
	r.send(newsroom.Order{}, nil)
	_, deliveries, err := r.Deliveries(t.Context(), "weekly-1", ledger.Deferred)
	if err != nil {
		t.Fatal(err)
	}
	at := map[int64]bool{}
	n := 0
	for d, err := range deliveries {
		if err != nil || !about(d.Next.Sub(monday), 5*time.Minute) {
			t.Error(d, err)
		}
		at[d.Next.Unix()], n = true, n+1
	}
	if n != 8 || len(at) < 5 {
		t.Errorf("%d deliveries are tried again at %d different seconds", n, len(at))
	}
}

// TestRetry: mail.retry says for how long.
func TestRetry(t *testing.T) {
	t.Parallel()
	server, r := serve(t)
	r.edit("tidings.yaml", "mail:\n", "mail:\n  retry: 10m\n")
	r.Newsroom = r.openAgain(false)
	server.set(false, func(string) error {
		return &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 2, 2}, Message: "The mailbox is full"}
	})
	r.send(newsroom.Order{}, nil)
	r.pass(9 * time.Minute)
	s := r.goOn(false)
	r.account(s, "8 recipients = 0 accepted + 0 rejected + 0 suppressed + 0 unknown + 8 deferred")
	r.pass(time.Hour)
	r.account(r.goOn(false), "8 recipients = 0 accepted + 8 rejected + 0 suppressed + 0 unknown")
}

// TestRefusals: how a server's answers are accounted for.
func TestRefusals(t *testing.T) {
	t.Parallel()
	server, r := serve(t)
	gone, busy := "newsdesk@example.com", "zoe.bronte@example.com"
	server.set(false, func(to string) error {
		switch to {
		case gone:
			return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "<NEWSDESK@EXAMPLE.COM>: no such user here, newsdesk@example.com"}
		case busy:
			return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "Later, please"}
		}
		return nil
	})
	s := r.send(newsroom.Order{}, nil)
	r.account(s, "8 recipients = 6 accepted + 1 rejected + 0 suppressed + 0 unknown + 1 deferred")
	if said := r.replies("rejected"); len(said) != 1 || said[0] != "550 5.1.1 <(address)>: no such user here, (address)" {
		t.Errorf("the ledger holds of the one who was rejected: %q", said)
	}
	for wait := 5 * time.Minute; r.now().Sub(monday) <= 48*time.Hour; wait = min(2*wait, 4*time.Hour) {
		if got := s.Next.Sub(r.now()); !about(got, wait) {
			t.Fatalf("the next try is in %v, want about %v: five minutes, then twice as long, at most four hours", got, wait)
		}
		r.clock.Store(s.Next.Unix() + 1)
		all, err := r.Continue(t.Context(), "weekly")
		if len(all) != 1 || err != nil {
			t.Fatal(all, err)
		}
		s = all[0]
	}
	r.account(s, "8 recipients = 6 accepted + 2 rejected + 0 suppressed + 0 unknown") // after two days it is given up
	onceEach(t, server.mails(), 6)
}

// replies gives what the ledger holds of the deliveries in this state.
func (r *room) replies(state ledger.State) (out []string) {
	r.t.Helper()
	rows, err := r.Ledger.DB.Query(`SELECT reply FROM deliveries WHERE state = $1`, state)
	if err != nil {
		r.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var reply string
		if err := rows.Scan(&reply); err != nil {
			r.t.Fatal(err)
		}
		out = append(out, reply)
	}
	if err := rows.Err(); err != nil {
		r.t.Fatal(err)
	}
	return out
}

// unwanted is the answer of a server that has something against us.
var unwanted = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "You are on a list, <BAD1@EXAMPLE.COM>"}

// TestOneRefusal: one recipient's server has something against us, at each try: the others get their mail, no relay is left alone,
// and after two days the issue ends without that one, who stays a subscriber.
func TestOneRefusal(t *testing.T) {
	t.Parallel()
	server, r := serve(t)
	server.set(false, func(to string) error {
		if to == "zoe.bronte@example.com" {
			return unwanted
		}
		return nil
	})
	s := r.send(newsroom.Order{}, nil)
	r.account(s, "8 recipients = 7 accepted + 0 rejected + 0 suppressed + 0 unknown + 1 deferred")
	for range 4 {
		r.pass(5 * time.Hour)
		if all, err := r.Continue(t.Context(), "weekly"); len(all) != 1 || err != nil {
			t.Error(all, err)
		}
		if pauses := must(r.Ledger.Pauses(t.Context(), r.now())); len(pauses) > 0 {
			t.Errorf("a relay is left alone: %+v", pauses)
		}
	}
	r.pass(49 * time.Hour)
	all, err := r.Continue(t.Context(), "weekly")
	if len(all) != 1 || err != nil {
		t.Fatal(all, err)
	}
	r.account(all[0], "8 recipients = 7 accepted + 1 rejected + 0 suppressed + 0 unknown")
	r.finished()
	if n := must(r.Subscribers.Count(t.Context(), "weekly")); n != 8 {
		t.Errorf("%d of 8 are subscribers still", n)
	}
}

// finished wants no issue to have anything left to send.
func (r *room) finished() {
	r.t.Helper()
	if open := must(r.Ledger.UnfinishedIssues(r.t.Context(), "")); len(open) != 0 {
		r.t.Errorf("%s is not finished", open[0].Name())
	}
}

// TestRefusalsInARow: two refusals, and one who takes it, are no reason to pause, however often it happens.
func TestRefusalsInARow(t *testing.T) {
	t.Parallel()
	server, r := serve(t)
	n := 0
	server.set(false, func(string) error {
		if n++; n%3 != 0 {
			return unwanted
		}
		return nil
	})
	s := r.send(newsroom.Order{}, nil)
	r.account(s, "8 recipients = 2 accepted + 0 rejected + 0 suppressed + 0 unknown + 6 deferred")
}

// TestOurFault: refusals that are about us stop the sending before it costs everybody their mail; one alone may be about one person.
func TestOurFault(t *testing.T) {
	t.Parallel()
	server, r := serve(t)
	server.set(false, func(string) error { return unwanted })
	all, err := r.Send(t.Context(), newsroom.Order{Newsletter: "weekly"})
	if !errors.Is(err, newsroom.ErrRefused) || !strings.HasSuffix(err.Error(), "550 5.7.1 You are on a list, <(address)>") {
		t.Error(err)
	}
	if len(all) != 1 {
		t.Fatal(all)
	}
	r.account(all[0], "8 recipients = 0 accepted + 0 rejected + 0 suppressed + 0 unknown + 5 pending + 3 deferred")
	server.set(false, nil)
	r.pass(10 * time.Minute)
	r.Newsroom = r.openAgain(false) // a restart does not forget it
	if all, err := r.Continue(t.Context(), "weekly"); !errors.Is(err, newsroom.ErrRefused) || len(server.mails()) > 0 {
		t.Errorf("ten minutes later: %v, %v", all, err)
	}
	r.pass(time.Hour)
	all, err = r.Continue(t.Context(), "weekly")
	if len(all) != 1 || err != nil {
		t.Fatal(all, err)
	}
	r.account(all[0], allTaken)
}

// TestCrash: whom a dead sender had in hand may have got the mail, so they do not get it again.
func TestCrash(t *testing.T) {
	t.Parallel()
	server, r := serve(t)
	server.set(true, nil)
	r.abandonOne(r.send(newsroom.Order{}, relay.ErrUnavailable).Issue)
	server.set(false, nil)
	all, err := r.Continue(t.Context(), "weekly")
	if len(all) != 1 || err != nil {
		t.Fatal(all, err)
	}
	r.account(all[0], "8 recipients = 7 accepted + 0 rejected + 0 suppressed + 1 unknown")
	onceEach(t, server.mails(), 7)
}

// abandonOne leaves an issue as a sender does that dies with one delivery in hand.
func (r *room) abandonOne(i ledger.Issue) {
	r.t.Helper()
	turns, err := r.Ledger.Turns(r.t.Context(), i, ledger.Pending, 0, r.now(), 1)
	if err != nil || len(turns) != 1 {
		r.t.Fatal(turns, err)
	}
	dead, err := r.Ledger.NewClerk(r.t.Context(), i, "dead", r.now, slog.New(slog.DiscardHandler))
	if err != nil {
		r.t.Fatal(err)
	}
	if ok, err := dead.Write(ledger.Entry{Claim: turns[0].Subscriber}).Wait(); !ok || err != nil {
		r.t.Fatal(ok, err)
	}
	if err := dead.Close(); err != nil {
		r.t.Fatal(err)
	}
}

// TestLeaveWhileSending: who leaves while others get the issue does not get it; STOP halts it within one mail.
func TestLeaveWhileSending(t *testing.T) {
	t.Parallel()
	server, r := serve(t)
	other := r.openAgain(false)
	var left []string
	server.set(false, func(to string) error {
		if len(left) > 0 {
			r.write("STOP", "")
			return nil
		}
		for _, who := range []string{"amina.yusuf@example.com", "newsdesk@example.com", "ines.munoz@example.com"} {
			if who != to && len(left) < 2 {
				left = append(left, who)
				if _, err := other.Subscribers.Remove(t.Context(), who, nil, "a test", monday); err != nil {
					t.Error(err)
				}
			}
		}
		return nil
	})
	s := r.send(newsroom.Order{}, newsroom.ErrStopped)
	if s.Account[ledger.Accepted] != 2 || s.Account.Audience() != 8 {
		t.Errorf("stopped: %s", s.Account)
	}
	if _, err := r.Continue(t.Context(), "weekly"); !errors.Is(err, newsroom.ErrStopped) {
		t.Error(err)
	}
	r.remove("STOP")
	all, err := r.Continue(t.Context(), "weekly")
	r.remove("STOP") // the server put it there again
	if !errors.Is(err, newsroom.ErrStopped) {
		t.Fatal(all, err)
	}
	server.set(false, nil)
	if all, err = r.Continue(t.Context(), "weekly"); len(all) != 1 || err != nil {
		t.Fatal(all, err)
	}
	r.account(all[0], "8 recipients = 6 accepted + 0 rejected + 2 suppressed + 0 unknown")
	mails := server.mails()
	onceEach(t, mails, 6)
	for _, who := range left {
		if len(mails[who]) > 0 {
			t.Errorf("%s had left and got the issue", who)
		}
	}
}

// TestSendRace: two processes that send at the same moment make one issue, and nobody gets two mails.
func TestSendRace(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.write("items/new.md", item("New", "date: 2016-12-18"))
	rooms := []*newsroom.Newsroom{r.Newsroom, r.openAgain(false), r.openAgain(false)}
	for _, slot := range []time.Time{monday, {}} {
		errs := make([]error, len(rooms))
		var wg sync.WaitGroup
		for i, n := range rooms {
			wg.Go(func() { _, errs[i] = n.Send(t.Context(), newsroom.Order{Newsletter: "weekly", Slot: slot}) })
		}
		wg.Wait()
		for _, err := range errs {
			if err != nil && !errors.Is(err, newsroom.ErrSendingElsewhere) && !errors.Is(err, newsroom.ErrSlotTaken) && !errors.Is(err, newsroom.ErrTooSoon) {
				t.Error(err)
			}
		}
	}
	onceEach(t, r.mails(), 8)
}

// TestPreview: the next issue as it would be, and no trace of it anywhere.
func TestPreview(t *testing.T) {
	t.Parallel()
	r := newRoom(t, "    max_item_age", "    max_items: 2\n    max_item_age", "newsletters:", "staff: [editor@example.org]\nnewsletters:")
	before := fmt.Sprint(r.rows())
	p, err := r.Preview(t.Context(), "weekly")
	if err != nil {
		t.Fatal(err)
	}
	if p.Number != 1 || len(p.Articles) != 2 || p.Audience != 8 || p.Subject != "Weekly digest: "+p.Articles[0].Title || len(p.Left) != 1 {
		t.Errorf("number %d, %d stories, %d recipients, %q, %d left out", p.Number, len(p.Articles), p.Audience, p.Subject, len(p.Left))
	}
	m, err := mail.ReadMessage(strings.NewReader(string(p.Source)))
	if err != nil || m.Header.Get("To") != "<editor@example.org>" {
		t.Errorf("the mail is for %v, %v", m.Header.Get("To"), err)
	}
	for _, a := range p.Articles {
		if !strings.Contains(p.HTML, a.URL) || !strings.Contains(p.Text, a.URL) {
			t.Errorf("%s is missing in a body", a.Slug)
		}
	}
	_, token, _ := strings.Cut(m.Header.Get("List-Unsubscribe"), "/-/u/")
	if p, err := r.Leave(t.Context(), strings.TrimSuffix(token, ">")); err != nil || p.State != "test" {
		t.Errorf("the link in a preview gives %+v, %v", p, err)
	}
	if after := fmt.Sprint(r.rows()); after != before {
		t.Errorf("the tables hold %s, before %s", after, before)
	}
	for _, folder := range []string{"public", "outbox"} {
		if _, err := r.readDir(folder); err == nil {
			t.Errorf("there is a folder %s", folder)
		}
	}
	sent := r.send(newsroom.Order{}, nil)
	if told := must(r.Ledger.Told(t.Context(), "weekly")); sent.Stories != 2 || told[p.Articles[0].ID] != 1 || told[p.Articles[1].ID] != 1 {
		t.Error("then another issue was sent")
	}
}

// TestSendTest: a test goes to one address, and the issue is sent later as if nothing had been.
func TestSendTest(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	before := fmt.Sprint(r.rows())
	got, err := r.SendTest(t.Context(), "weekly", "someone@example.net")
	if err != nil || !strings.HasPrefix(got.Subject, "Weekly digest: ") || got.Into != r.path("outbox") {
		t.Errorf("%+v, %v", got, err)
	}
	mails := r.mails()
	onceEach(t, mails, 1)
	if len(mails["someone@example.net"]) != 1 {
		t.Errorf("it went to others: %v", mails)
	}
	if after := fmt.Sprint(r.rows()); after != before {
		t.Errorf("the tables hold %s, before %s", after, before)
	}
	r.write("STOP", "")
	if _, err := r.SendTest(t.Context(), "weekly", "someone@example.net"); !errors.Is(err, newsroom.ErrStopped) {
		t.Errorf("with STOP: %v", err)
	}
	onceEach(t, r.mails(), 1)
	r.remove("STOP")
	r.onlyItems()
	if got, err := r.SendTest(t.Context(), "weekly", "someone@example.net"); !errors.Is(err, newsroom.ErrNoNews) || got.Subject != "" {
		t.Errorf("without stories: %+v, %v", got, err)
	}
}

// TestResend: exactly those in the state that is named get the issue once more, with the same Message-ID.
func TestResend(t *testing.T) {
	t.Parallel()
	server, r := serve(t)
	const who = "amina.yusuf@example.com"
	server.set(false, func(to string) error {
		if to == who {
			return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "Not today"}
		}
		return nil
	})
	s := r.send(newsroom.Order{}, nil)
	r.account(s, "8 recipients = 7 accepted + 1 rejected + 0 suppressed + 0 unknown")
	server.set(false, nil)
	if s, err := r.Resend(t.Context(), "weekly-1", ledger.Unknown); s.Again != 0 || err != nil {
		t.Errorf("nobody is unknown: %d, %v", s.Again, err)
	}
	again, err := r.Resend(t.Context(), "weekly-1", ledger.Rejected)
	if again.Again != 1 || err != nil {
		t.Fatal(again.Again, err)
	}
	r.account(again.Sent, allTaken)
	onceEach(t, server.mails(), 8)
	_, deliveries, err := r.Deliveries(t.Context(), "weekly-1", "")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for d, err := range deliveries {
		if err != nil || d.State != ledger.Accepted || d.Email == "" {
			t.Errorf("%+v, %v", d, err)
		}
		seen++
	}
	if seen != 8 {
		t.Errorf("%d deliveries", seen)
	}
}

// TestStopIssue: an issue that is stopped from elsewhere waits until it is sent by hand; Continue leaves it alone.
func TestStopIssue(t *testing.T) {
	t.Parallel()
	server, r := serve(t)
	other := r.openAgain(false)
	server.set(true, nil) // so that the issue is there, and nobody has it
	r.send(newsroom.Order{}, relay.ErrUnavailable)
	if err := other.Stop(t.Context(), "weekly-1"); err != nil {
		t.Fatal(err)
	}
	server.set(false, nil)
	if all, err := r.Continue(t.Context(), "weekly"); len(all) != 0 || err != nil {
		t.Fatal(all, err)
	}
	if err := other.Stop(t.Context(), "weekly-1"); !errors.Is(err, ledger.ErrNotRunning) {
		t.Error(err)
	}
	s := r.send(newsroom.Order{}, nil)
	r.account(s, allTaken)
	onceEach(t, server.mails(), 8)
}

// TestDeadAddress: an address that does not exist gets no more mail; one that is full does.
func TestDeadAddress(t *testing.T) {
	t.Parallel()
	server, r := serve(t)
	const dead, full = "amina.yusuf@example.com", "ines.munoz@example.com"
	server.set(false, func(to string) error {
		switch to {
		case dead:
			return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such user"}
		case full:
			return &smtp.SMTPError{Code: 552, EnhancedCode: smtp.EnhancedCode{5, 2, 2}, Message: "Mailbox full"}
		}
		return nil
	})
	before, err := r.Subscribers.Count(t.Context(), "weekly")
	if err != nil {
		t.Fatal(err)
	}
	r.send(newsroom.Order{}, nil)
	after, err := r.Subscribers.Count(t.Context(), "weekly")
	if err != nil || after != before-1 {
		t.Errorf("%d would get the next issue, of %d; %v", after, before, err)
	}
}

// TestLostDatabase: whoever lost the database does not mail everything once more; it takes a deliberate word, and numbers go on.
func TestLostDatabase(t *testing.T) {
	t.Parallel()
	server, r := serve(t)
	r.send(newsroom.Order{}, nil)
	onceEach(t, server.mails(), 8)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	r.remove("state/tidings.db")
	lost := r.openAgain(false)
	if _, err := lost.Subscribers.Add(t.Context(), subscribers.Subscriber{Email: "new@example.com", Newsletters: []string{"weekly"}}, "a test", monday); err != nil {
		t.Fatal(err)
	}
	for _, slot := range []time.Time{{}, monday} {
		if _, err := lost.Send(t.Context(), newsroom.Order{Newsletter: "weekly", Slot: slot}); !errors.Is(err, newsroom.ErrForgotten) {
			t.Errorf("slot %v: %v", slot, err)
		}
	}
	onceEach(t, server.mails(), 8)
	all, err := lost.Send(t.Context(), newsroom.Order{Newsletter: "weekly", Again: true})
	if err != nil || len(all) != 1 || all[0].Issue.Number != 2 {
		t.Errorf("%+v: %v", all, err)
	}
}

// TestForeignAddresses: the newsroom's own addresses may be of domains with letters of any script, and of all that an address may hold.
func TestForeignAddresses(t *testing.T) {
	t.Parallel()
	r := newRoom(t, "email: news@example.org", "email: info@müller.example", "  from: IOM UK News <news@example.org>",
		"  from: IOM UK News <news@müller.example>\n  unsubscribe: leave%now?@müller.example\n  reply_to: Ed <ed@müller.example>")
	p, err := r.Preview(t.Context(), "weekly")
	if err != nil {
		t.Fatal(err)
	}
	m := must(mail.ReadMessage(strings.NewReader(string(p.Source))))
	for i, want := range []struct{ field, has string }{
		{"From", "<news@xn--mller-kva.example>"},
		{"Reply-To", "<ed@xn--mller-kva.example>"},
		{"List-Owner", "<mailto:info@xn--mller-kva.example>"},
		{"List-Unsubscribe", "<mailto:leave%25now%3F@xn--mller-kva.example?subject=Leave%20weekly>"},
		{"Message-ID", "@xn--mller-kva.example>"},
	} {
		if got := m.Header.Get(want.field); !strings.Contains(got, want.has) {
			t.Errorf("%d %s: %q, want %q", i+1, want.field, got, want.has)
		}
	}
}

// TestRelayByNumber: a relay may be named by an address of IPv6. Nothing listens at this one, which is said.
func TestRelayByNumber(t *testing.T) {
	t.Parallel()
	r := newRoom(t, "mail:\n", "mail:\n  relays: [{url: \"smtp://[::1]:1\", tls: none}]\n")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := r.Send(ctx, newsroom.Order{Newsletter: "weekly"}); err == nil || !strings.Contains(err.Error(), "[::1]:1") || ctx.Err() != nil {
		t.Errorf("it says %v", err)
	}
}

// TestUntold: what became of stories is told, also of those that a sender published.
func TestUntold(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.publish()
	if got := r.Untold(); len(got.Changes) != 3 || len(got.Overwritten) != 0 {
		t.Errorf("at first: %+v", got)
	}
	r.write("items/four.md", item("Four", "date: 2016-12-04"))
	r.write("items/one.md", "---\ntitle: Ferries sail again\ndate: 2016-12-15\n---\nFrom today ferries go south every hour, and tickets are sold on board.\n")
	r.send(newsroom.Order{}, nil)
	r.publish()
	got := r.Untold()
	if said := fmt.Sprint(got.Changes); said != "[{items/four.md new} {items/one.md updated}]" {
		t.Errorf("a sender published %s", said)
	}
	if len(got.Overwritten) != 1 || !strings.Contains(got.Overwritten.Error(), "all others than those of \"One\"") {
		t.Errorf("it does not tell that one was written over: %v", got.Overwritten)
	}
	if again := r.Untold(); len(again.Changes)+len(again.Overwritten) > 0 {
		t.Errorf("it is told again: %+v", again)
	}
}

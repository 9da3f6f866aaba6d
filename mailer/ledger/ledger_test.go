package ledger_test

import (
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tidings/internal/db"
	"tidings/mailer/ledger"
	"tidings/subscribers"
)

var monday = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// list is a newsletter's list of subscribers and the ledger beside it, on a real database.
type list struct {
	ledger.Ledger
	*subscribers.Store
	path string
}

// newList has n subscribers of "weekly" and one of "events", who must never be in the way.
func newList(t testing.TB, n int) list {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tidings.db")
	l := openList(t, path)
	var csv strings.Builder
	csv.WriteString("email,name,newsletters,language\nzoe@example.org,Zoe,events,fr\n")
	for i := range n {
		fmt.Fprintf(&csv, "p%d@example.com,Person %d,weekly,en\n", i, i)
	}
	o := subscribers.ImportOptions{Source: "a test", Known: []string{"weekly", "events"}, Now: monday}
	r, err := l.Import(t.Context(), strings.NewReader(csv.String()), "list.csv", o)
	if err != nil || r.Added != n+1 {
		t.Fatal(r, err)
	}
	return l
}

// openList opens the same list again, as another process would.
func openList(t testing.TB, path string) list {
	t.Helper()
	d, err := db.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return list{ledger.Ledger{DB: d}, &subscribers.Store{DB: d, Random: rand.Reader}, path}
}

func (l list) open(t testing.TB, number int, slot time.Time, stories ...string) ledger.Issue {
	t.Helper()
	i, err := l.Open(t.Context(), ledger.Issue{Newsletter: "weekly", Number: number, Slot: slot, Content: []byte("{}"), Created: monday}, []byte("{}"), stories)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// clerk starts a clerk, and closes it when the test ends.
func (l list) clerk(t testing.TB, i ledger.Issue, sender string, now func() time.Time, log *slog.Logger) *ledger.Clerk {
	t.Helper()
	c, err := l.NewClerk(t.Context(), i, sender, now, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// refusals counts what clerks could not enter.
type refusals struct{ atomic.Int64 }

func (r *refusals) Write(line []byte) (int, error) {
	if strings.Contains(string(line), "an outcome has no delivery in the ledger") {
		r.Add(1)
	}
	return len(line), nil
}

func (r *refusals) log() *slog.Logger { return slog.New(slog.NewTextHandler(r, nil)) }

// write has a clerk of this sender enter one thing.
func (l list) write(t testing.TB, i ledger.Issue, sender string, e ledger.Entry, now time.Time) (granted bool, refused int64) {
	t.Helper()
	var r refusals
	c, err := l.NewClerk(t.Context(), i, sender, func() time.Time { return now }, r.log())
	if err != nil {
		t.Fatal(err)
	}
	granted, err = c.Write(e).Wait()
	if err := errors.Join(err, c.Close()); err != nil {
		t.Fatal(err)
	}
	return granted, r.Load()
}

// turns are the deliveries whose turn has come: first those not tried yet.
func (l list) turns(t testing.TB, i ledger.Issue, now time.Time) []ledger.Turn {
	t.Helper()
	pending, err := l.Turns(t.Context(), i, ledger.Pending, 0, now, 1000)
	if err != nil {
		t.Fatal(err)
	}
	deferred, err := l.Turns(t.Context(), i, ledger.Deferred, 0, now, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return append(pending, deferred...)
}

// claim goes through the turns until a claim is granted.
func (l list) claim(t testing.TB, i ledger.Issue, sender string, now time.Time) (ledger.Recipient, bool) {
	t.Helper()
	for _, turn := range l.turns(t, i, now) {
		granted, _ := l.write(t, i, sender, ledger.Entry{Claim: turn.Subscriber}, now)
		if granted != turn.Wanted {
			t.Fatalf("%+v was granted: %t", turn, granted)
		}
		if granted {
			return turn.Recipient, true
		}
	}
	return ledger.Recipient{}, false
}

// end enters an outcome, and tells whether it had a delivery.
func (l list) end(t testing.TB, i ledger.Issue, subscriber int64, sender string, o ledger.Outcome, now time.Time) bool {
	t.Helper()
	_, refused := l.write(t, i, sender, ledger.Entry{Ended: &ledger.Ended{Subscriber: subscriber, Outcome: o}}, now)
	return refused == 0
}

// sendTo claims the next recipient and enters the outcome.
func (l list) sendTo(t testing.TB, i ledger.Issue, o ledger.Outcome, now time.Time) ledger.Recipient {
	t.Helper()
	r, ok := l.claim(t, i, "me", now)
	if !ok {
		t.Fatal("nobody's turn has come")
	}
	if !l.end(t, i, r.Subscriber, "me", o, now) {
		t.Fatalf("%+v was not in my hands", r)
	}
	return r
}

func (l list) account(t testing.TB, i ledger.Issue, want ledger.Account) {
	t.Helper()
	got, err := l.Account(t.Context(), i)
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("the account is %v (%v), want %v", got, err, want)
	}
}

func (l list) finish(t testing.TB, i ledger.Issue, want bool) {
	t.Helper()
	if done, err := l.Finish(t.Context(), i, monday.Add(time.Hour)); done != want || err != nil {
		t.Errorf("Finish: %t, %v, want %t", done, err, want)
	}
}

func (l list) leave(t testing.TB, subscriber int64) {
	t.Helper()
	if _, err := l.Leave(t.Context(), subscriber, "weekly", "a test", monday); err != nil {
		t.Fatal(err)
	}
}

func (l list) suppress(t testing.TB, email string) {
	t.Helper()
	err := l.Store.DB.Write(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.Exec(`INSERT INTO suppressions (address, reason, at) VALUES ($1, 'a test', 0)`, email)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

var accepted = ledger.Outcome{State: ledger.Accepted, Reply: "250 2.0.0 Ok"}

var weekly = subscribers.Filter{Newsletter: "weekly"}

// TestOpen: an issue is sent to those who get the newsletter at that moment, and to nobody else, then or later.
func TestOpen(t *testing.T) {
	l := newList(t, 5)
	if _, err := l.Remove(t.Context(), "p1@example.com", nil, "a test", monday); err != nil {
		t.Fatal(err)
	}
	l.suppress(t, "p2@example.com")
	i := l.open(t, 1, monday, "tag:a", "tag:b")
	late := subscribers.Subscriber{Email: "late@example.com", Newsletters: []string{"weekly"}}
	if _, err := l.Add(t.Context(), late, "a test", monday); err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for range 3 {
		got[l.sendTo(t, i, accepted, monday).Email] = true
	}
	if want := map[string]bool{"p0@example.com": true, "p3@example.com": true, "p4@example.com": true}; !maps.Equal(got, want) {
		t.Errorf("sent to %v, want %v", got, want)
	}
	if r, ok := l.claim(t, i, "me", monday); ok {
		t.Errorf("one more: %v", r)
	}
	l.account(t, i, ledger.Account{ledger.Accepted: 3})
	l.finish(t, i, true)
}

// TestOpenKeeps: what Open got comes back, and the next number, and which stories were told where.
func TestOpenKeeps(t *testing.T) {
	l := newList(t, 1)
	want := ledger.Issue{Newsletter: "weekly", Number: 1, Slot: monday, State: ledger.Unfinished, Content: []byte(`{"x":1}`), Created: monday.Add(time.Second)}
	i, err := l.Open(t.Context(), want, []byte(`{"en":2}`), []string{"tag:a", "tag:b"})
	if err != nil {
		t.Fatal(err)
	}
	want.ID, want.Revision = i.ID, 1
	l.open(t, 2, time.Time{}, "tag:c")
	issues, err := l.Issues(t.Context(), "weekly")
	if err != nil || len(issues) != 2 || issues[0].ID == 0 {
		t.Fatal(issues, err)
	}
	if issues[0].Number != 2 || !reflect.DeepEqual(issues[1], want) { // number 2 was created a second earlier
		t.Errorf("they came back as %+v, want number 2 and %+v", issues, want)
	}
	if m, err := l.Messages(t.Context(), i); string(m) != `{"en":2}` || err != nil {
		t.Errorf("the messages: %s, %v", m, err)
	}
	told, err := l.Told(t.Context(), "weekly")
	if want := map[string]int{"tag:a": 1, "tag:b": 1, "tag:c": 2}; !maps.Equal(told, want) || err != nil {
		t.Errorf("told %v, %v, want %v", told, err, want)
	}
	for newsletter, want := range map[string]int{"weekly": 3, "events": 1} {
		if n, err := l.Next(t.Context(), newsletter); n != want || err != nil {
			t.Errorf("the next number of %s is %d, %v, want %d", newsletter, n, err, want)
		}
	}
	if n, err := l.Ledger.Count(t.Context()); n != 2 || err != nil {
		t.Errorf("%d issues, %v", n, err)
	}
	if i.Name() != "weekly-1" {
		t.Errorf("it is called %q", i.Name())
	}
}

// errTaken stands for any error that is not ErrSlotTaken.
var errTaken = errors.New("taken")

// TestOpenTaken: one issue for a slot, one for a number; those sent by hand have no slot, and may be many.
func TestOpenTaken(t *testing.T) {
	l := newList(t, 2)
	l.open(t, 1, monday)
	l.open(t, 2, time.Time{})
	l.open(t, 3, time.Time{})
	tests := []struct {
		name  string // number and why
		issue ledger.Issue
		err   error
	}{
		{"1 the slot is served", ledger.Issue{Newsletter: "weekly", Number: 4, Slot: monday}, ledger.ErrSlotTaken},
		{"2 the number is taken, which does not serve the slot", ledger.Issue{Newsletter: "weekly", Number: 3, Slot: monday.AddDate(0, 0, 7)}, errTaken},
		{"3 another newsletter has slots and numbers of its own", ledger.Issue{Newsletter: "events", Number: 1, Slot: monday}, nil},
		{"4 the next slot is free", ledger.Issue{Newsletter: "weekly", Number: 4, Slot: monday.AddDate(0, 0, 7)}, nil},
	}
	for _, test := range tests {
		test.issue.Content, test.issue.Created = []byte("{}"), monday
		i, err := l.Open(t.Context(), test.issue, []byte("{}"), nil)
		if err != nil && !errors.Is(err, ledger.ErrSlotTaken) {
			err = errTaken
		}
		if !errors.Is(err, test.err) {
			t.Errorf("%s: %v, want %v", test.name, err, test.err)
		}
		if (i.ID == 0) != (test.err != nil) {
			t.Errorf("%s: the issue is %+v", test.name, i)
		}
	}
}

// TestOpenFails: what cannot be written whole is not there at all, and has no id that one could take it for.
func TestOpenFails(t *testing.T) {
	l := newList(t, 2)
	twice := []string{"tag:a", "tag:a"}
	i, err := l.Open(t.Context(), ledger.Issue{Newsletter: "weekly", Number: 1, Slot: monday, Content: []byte("{}"), Created: monday}, []byte("{}"), twice)
	if err == nil || i.ID != 0 {
		t.Errorf("%+v, %v, want an error and no issue", i, err)
	}
	if n, err := l.Ledger.Count(t.Context()); n != 0 || err != nil {
		t.Errorf("%d issues, %v", n, err)
	}
	l.account(t, l.open(t, 1, monday, "tag:a"), ledger.Account{ledger.Pending: 2})
}

// TestOpenRace: of two processes that open the issue of one slot, one does.
func TestOpenRace(t *testing.T) {
	a := newList(t, 3)
	lists := []list{a, openList(t, a.path)}
	for n := 1; n <= 5; n++ {
		slot := monday.AddDate(0, 0, 7*n)
		errs := make([]error, len(lists))
		var wg sync.WaitGroup
		for k, l := range lists {
			wg.Go(func() {
				issue := ledger.Issue{Newsletter: "weekly", Number: n + k*100, Slot: slot, Content: []byte("{}"), Created: monday}
				_, errs[k] = l.Open(t.Context(), issue, []byte("{}"), nil)
			})
		}
		wg.Wait()
		if (errs[0] == nil) == (errs[1] == nil) || !errors.Is(errors.Join(errs...), ledger.ErrSlotTaken) {
			t.Errorf("slot %d: %v", n, errs)
		}
	}
	if n, err := a.Ledger.Count(t.Context()); n != 5 || err != nil {
		t.Errorf("%d issues for 5 slots, %v", n, err)
	}
}

// TestClaim: a claimed delivery is in one sender's hands, and only theirs.
func TestClaim(t *testing.T) {
	l := newList(t, 1)
	i := l.open(t, 1, monday)
	r, ok := l.claim(t, i, "me", monday)
	if want := (ledger.Recipient{Subscriber: r.Subscriber, Email: "p0@example.com", Name: "Person 0", Language: "en", Tries: 1}); !ok || r != want {
		t.Errorf("claimed %+v, %t, want %+v", r, ok, want)
	}
	if r, ok := l.claim(t, i, "another", monday); ok || r.Email != "" {
		t.Errorf("another claimed %+v, %t", r, ok)
	}
	tests := []struct {
		name       string // number and why
		subscriber int64
		sender     string
		entered    bool
	}{
		{"1 it is another's", r.Subscriber, "another", false},
		{"2 nobody is not its sender", r.Subscriber, "", false},
		{"3 there is no such delivery", r.Subscriber + 1, "me", false},
		{"4 it is mine", r.Subscriber, "me", true},
		{"5 it is ended", r.Subscriber, "me", false},
	}
	for _, test := range tests {
		if entered := l.end(t, i, test.subscriber, test.sender, accepted, monday); entered != test.entered {
			t.Errorf("%s: entered: %t, want %t", test.name, entered, test.entered)
		}
	}
	for _, subscriber := range []int64{r.Subscriber, r.Subscriber + 1} {
		if granted, _ := l.write(t, i, "me", ledger.Entry{Claim: subscriber}, monday); granted {
			t.Error("a claim was granted of what is ended, or is not there")
		}
	}
	l.account(t, i, ledger.Account{ledger.Accepted: 1})
}

// TestClaimLeft: who leaves or is suppressed after the issue was opened gets nothing, also between two tries, and is accounted for.
func TestClaimLeft(t *testing.T) {
	l := newList(t, 4)
	i := l.open(t, 1, monday)
	deferred := ledger.Outcome{State: ledger.Deferred, Reply: "451 4.7.1 Greylisted", Next: monday.Add(time.Minute)}
	first := l.sendTo(t, i, deferred, monday)
	l.leave(t, first.Subscriber)
	second, _ := l.claim(t, i, "me", monday)
	l.leave(t, second.Subscriber) // while it is being sent: too late
	if !l.end(t, i, second.Subscriber, "me", accepted, monday) {
		t.Error("what was claimed before they left has no outcome")
	}
	for n := range 4 { // one of them is the last
		if e := fmt.Sprintf("p%d@example.com", n); e != first.Email && e != second.Email {
			l.suppress(t, e)
			break
		}
	}
	last := l.sendTo(t, i, accepted, monday)
	if r, ok := l.claim(t, i, "me", monday.Add(time.Hour)); ok || r.Email != "" {
		t.Errorf("%+v was claimed, though all others have left", r)
	}
	if last.Email == first.Email || last.Email == second.Email {
		t.Errorf("%s was claimed again", last.Email)
	}
	l.account(t, i, ledger.Account{ledger.Accepted: 2, ledger.Suppressed: 2})
	l.finish(t, i, true)
}

// TestDeferred: who was put off comes again at their time, not before, after those not tried yet.
func TestDeferred(t *testing.T) {
	l := newList(t, 2)
	i := l.open(t, 1, monday)
	at := monday.Add(5 * time.Minute)
	first := l.sendTo(t, i, ledger.Outcome{State: ledger.Deferred, Reply: "451", Next: at}, monday)
	l.finish(t, i, false)
	if next, err := l.NextTry(t.Context(), i); !next.Equal(at) || err != nil {
		t.Errorf("the next try is at %v, %v, want %v", next, err, at)
	}
	if r := l.sendTo(t, i, accepted, at); r.Subscriber == first.Subscriber {
		t.Error("the deferred one came before the one not tried yet")
	}
	if _, ok := l.claim(t, i, "me", at.Add(-time.Microsecond)); ok {
		t.Error("it came before its time")
	}
	if work, err := l.HasWork(t.Context(), i, at.Add(-time.Microsecond)); work || err != nil {
		t.Errorf("there is work before its time: %t, %v", work, err)
	}
	if work, err := l.HasWork(t.Context(), i, at); !work || err != nil {
		t.Errorf("there is no work at its time: %t, %v", work, err)
	}
	if r := l.sendTo(t, i, accepted, at); r.Subscriber != first.Subscriber || r.Tries != 2 {
		t.Errorf("then came %+v", r)
	}
	if next, err := l.NextTry(t.Context(), i); !next.IsZero() || err != nil {
		t.Errorf("the next try is at %v, %v, want none", next, err)
	}
	l.finish(t, i, true)
}

// TestNotTried: an attempt that never was costs nobody a try, and they are next again.
func TestNotTried(t *testing.T) {
	l := newList(t, 2)
	i := l.open(t, 1, monday)
	first := l.sendTo(t, i, ledger.Outcome{State: ledger.Pending, Reply: "no relay"}, monday)
	if again, ok := l.claim(t, i, "me", monday); !ok || again != first || again.Tries != 1 {
		t.Errorf("then came %+v, want %+v", again, first)
	}
}

// TestAbandoned: what a dead sender had in its hands is unknown, and is never sent again; whatever it says later is too late.
func TestAbandoned(t *testing.T) {
	l := newList(t, 3)
	i := l.open(t, 1, monday)
	lost, _ := l.claim(t, i, "dead", monday)
	if work, err := l.HasWork(t.Context(), i, monday); !work || err != nil {
		t.Errorf("there is no work: %t, %v", work, err)
	}
	l.sendTo(t, i, accepted, monday)
	l.finish(t, i, false)
	if n, err := l.Abandoned(t.Context(), i, monday); n != 1 || err != nil {
		t.Errorf("%d were abandoned, %v", n, err)
	}
	if r := l.sendTo(t, i, accepted, monday); r.Subscriber == lost.Subscriber {
		t.Error("what is unknown was sent again")
	}
	if r, ok := l.claim(t, i, "me", monday.AddDate(1, 0, 0)); ok {
		t.Errorf("%+v came again", r)
	}
	if l.end(t, i, lost.Subscriber, "dead", accepted, monday) {
		t.Error("the dead spoke")
	}
	l.account(t, i, ledger.Account{ledger.Accepted: 2, ledger.Unknown: 1})
	l.finish(t, i, true)
}

// TestFinish: an issue ends once, when its account balances, and then it is no longer unfinished.
func TestFinish(t *testing.T) {
	l := newList(t, 2)
	i, empty := l.open(t, 1, monday), ledger.Issue{}
	if _, ok := l.claim(t, i, "me", monday); !ok {
		t.Fatal("nobody's turn")
	}
	l.finish(t, i, false)
	if _, err := l.Abandoned(t.Context(), i, monday); err != nil {
		t.Fatal(err)
	}
	l.finish(t, i, false)
	l.sendTo(t, i, ledger.Outcome{State: ledger.Rejected, Reply: "550 5.1.1 No such user"}, monday)
	l.finish(t, i, true)
	l.finish(t, i, false) // it is finished
	l.finish(t, empty, false)
	open, err := l.UnfinishedIssues(t.Context(), "")
	if len(open) != 0 || err != nil {
		t.Errorf("unfinished: %v, %v", open, err)
	}
	all, err := l.Issues(t.Context(), "")
	if err != nil || len(all) != 1 || all[0].State != ledger.Finished || !all[0].Finished.Equal(monday.Add(time.Hour)) {
		t.Errorf("the issues are %+v, %v", all, err)
	}
}

// TestNoAudience: an issue for nobody balances at once.
func TestNoAudience(t *testing.T) {
	l := newList(t, 0)
	i := l.open(t, 1, monday)
	if _, ok := l.claim(t, i, "me", monday); ok {
		t.Error("somebody's turn has come")
	}
	l.finish(t, i, true)
}

func TestAccountString(t *testing.T) {
	tests := []struct {
		name    string // number and why
		account ledger.Account
		want    string
	}{
		{"1 nobody", nil, "0 recipients = 0 accepted + 0 rejected + 0 suppressed + 0 unknown"},
		{"2 the four ends", ledger.Account{ledger.Accepted: 9, ledger.Rejected: 3, ledger.Suppressed: 2, ledger.Unknown: 1},
			"15 recipients = 9 accepted + 3 rejected + 2 suppressed + 1 unknown"},
		{"3 what is open is told, so that the sum is right", ledger.Account{ledger.Accepted: 9, ledger.Pending: 3, ledger.Sending: 1, ledger.Deferred: 2},
			"15 recipients = 9 accepted + 0 rejected + 0 suppressed + 0 unknown + 4 pending + 2 deferred"},
	}
	for _, test := range tests {
		if got := test.account.String(); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
	if a := tests[2].account; a.Audience() != 15 || a.Open() != 6 {
		t.Errorf("of %d are %d open, want 15 and 6", a.Audience(), a.Open())
	}
}

// TestPlan: what runs for every delivery, or page of them, takes no sorting and no walk past those who were dealt with,
// however long the list is.
func TestPlan(t *testing.T) {
	l := newList(t, 1)
	for n, query := range []string{ledger.ClaimQuery, ledger.SuppressQuery, ledger.EndQuery, ledger.TurnsQuery, ledger.PeopleQuery, ledger.NextTry, ledger.HasWork} {
		rows, err := l.Ledger.DB.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, make([]any, strings.Count(query, "$"))...)
		if err != nil {
			t.Fatal(err)
		}
		var plan, step string
		for rows.Next() {
			var id, parent, unused int
			if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
				t.Fatal(err)
			}
			plan += step + "\n"
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(plan, "SCAN deliveries") || strings.Contains(plan, "SCAN s\n") || strings.Contains(plan, "TEMP B-TREE") ||
			!strings.Contains(plan, "SEARCH deliveries USING") {
			t.Errorf("%d: %s\nis run as\n%s", n+1, query, plan)
		}
		if open := strings.Contains(plan, "deliveries_open"); open != (n >= 3) {
			t.Errorf("%d: %s\ngoes by the open deliveries: %t\n%s", n+1, query, open, plan)
		}
	}
}

package ledger_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tidings/mailer/ledger"
)

var backup = monday.Add(-31 * time.Hour)

func (l list) restored(t *testing.T, made time.Time, want int64) {
	t.Helper()
	if n, err := l.Restored(t.Context(), made, monday); n != want || err != nil {
		t.Fatalf("%d became unknown, want %d; %v", n, want, err)
	}
}

// TestRestored: what was still open in a backup may have been sent since. It is unknown, with the reason; what had come to an end
// stays; all issues are finished, so nothing is left to send; and a deliberate word sends it.
func TestRestored(t *testing.T) {
	l := newList(t, 6)
	first, second := l.open(t, 1, time.Time{}), l.open(t, 2, time.Time{})
	l.sendTo(t, first, accepted, monday)
	l.sendTo(t, first, ledger.Outcome{State: ledger.Rejected}, monday)
	l.sendTo(t, first, ledger.Outcome{State: ledger.Deferred, Next: monday.Add(time.Hour)}, monday)
	if _, ok := l.claim(t, first, "me", monday); !ok { // it is on its way
		t.Fatal("no claim")
	}
	if err := l.Stop(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	l.restored(t, backup, 10)
	l.account(t, first, ledger.Account{ledger.Accepted: 1, ledger.Rejected: 1, ledger.Unknown: 4})
	l.account(t, second, ledger.Account{ledger.Unknown: 6})
	for _, i := range []ledger.Issue{first, second} {
		if state, err := l.State(t.Context(), i); state != ledger.Finished || err != nil {
			t.Errorf("%s is %s, %v", i.Name(), state, err)
		}
		if turns := l.turns(t, i, monday.AddDate(1, 0, 0)); len(turns) > 0 {
			t.Errorf("%s would go to %v", i.Name(), turns)
		}
	}
	unknown, err := l.Deliveries(t.Context(), first, ledger.Unknown, 0, 100)
	if err != nil || len(unknown) != 4 || slices.ContainsFunc(unknown, func(d ledger.Delivery) bool {
		return d.Reply != "restored from a backup of 2026-03-01 02:00 UTC: it may have been sent since" || !d.Changed.Equal(monday) || !d.Next.IsZero()
	}) {
		t.Errorf("%+v, %v", unknown, err)
	}
	if again, err := l.Restart(t.Context(), "weekly"); len(again) > 0 || err != nil {
		t.Errorf("a stopped issue goes on: %v, %v", again, err)
	}
	l.restored(t, backup, 0)
	if n, _, err := l.Reopen(t.Context(), first, ledger.Unknown, monday); n != 4 || err != nil || len(l.turns(t, first, monday)) != 4 {
		t.Errorf("a deliberate word sends it to %d, %v", n, err)
	}
}

// TestRestoredNotices: the staff are not told again what they may have been told.
func TestRestoredNotices(t *testing.T) {
	l := newList(t, 1)
	i := l.open(t, 1, time.Time{})
	n := ledger.Notice{Issue: i, Kind: "paused", Email: "editor@example.org", Message: []byte("x"), Written: monday, Due: monday}
	if err := l.SaveNotice(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	l.restored(t, backup, 1)
	if owed, err := l.OwedNotices(t.Context(), "weekly", monday.AddDate(1, 0, 0)); len(owed) > 0 || err != nil {
		t.Errorf("%+v is owed, %v", owed, err)
	}
}

// TestHeld: after a restore each newsletter waits for a word of its own, also across restarts; another restore takes the words back.
func TestHeld(t *testing.T) {
	l := newList(t, 1)
	held := func(step string, want ...string) {
		t.Helper()
		var got []string
		for _, name := range []string{"events", "weekly"} {
			since, err := openList(t, l.path).Held(t.Context(), name)
			if err != nil {
				t.Fatal(step, err)
			}
			if !since.IsZero() {
				got = append(got, name+" since "+since.Format(time.DateTime))
			}
		}
		if strings.Join(got, ", ") != strings.Join(want, ", ") {
			t.Errorf("%s: held are %q, want %q", step, got, want)
		}
	}
	resume := func(name string) {
		t.Helper()
		if err := l.Resume(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	held("1 never restored")
	resume("weekly") // a word that nobody waited for is not remembered
	l.restored(t, backup, 0)
	held("2 restored", "events since 2026-03-01 02:00:00", "weekly since 2026-03-01 02:00:00")
	resume("weekly")
	held("3 a word for one", "events since 2026-03-01 02:00:00")
	resume("weekly")
	resume("events")
	held("4 a word for the other")
	l.restored(t, monday, 0)
	held("5 restored once more", "events since 2026-03-02 09:00:00", "weekly since 2026-03-02 09:00:00")
}

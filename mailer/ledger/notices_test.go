package ledger_test

import (
	"reflect"
	"testing"
	"time"

	"tidings/mailer/ledger"
)

// TestNotices: a notice is owed from when it is due until it was sent, also after a restart, and there is one of each kind.
func TestNotices(t *testing.T) {
	l := newList(t, 1)
	i := l.open(t, 7, time.Time{})
	n := ledger.Notice{Issue: ledger.Issue{ID: i.ID, Newsletter: "weekly", Number: 7}, Kind: "stuck", Email: "editor@example.org",
		Message: []byte("From: é\r\n\r\n\x00\xff"), Accepted: 3, Written: monday, Due: monday.Add(time.Minute)}
	other := n
	other.Kind, other.Written, other.Due = "done", monday.Add(time.Hour), monday.Add(time.Hour)
	for _, notice := range []ledger.Notice{other, n, n} {
		if err := l.SaveNotice(t.Context(), notice); err != nil {
			t.Fatal(err)
		}
	}
	l = openList(t, l.path)
	owed := func(newsletter string, now time.Time) []ledger.Notice {
		t.Helper()
		all, err := l.OwedNotices(t.Context(), newsletter, now)
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	wantOwed := func(why, newsletter string, now time.Time, want ...ledger.Notice) {
		t.Helper()
		if got := owed(newsletter, now); len(got) != len(want) || len(want) > 0 && !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, want %+v", why, got, want)
		}
	}
	wantOwed("before its time", "weekly", n.Due.Add(-time.Microsecond))
	wantOwed("at its time", "weekly", n.Due, n)
	wantOwed("the oldest first", "weekly", other.Due, n, other)
	wantOwed("another newsletter", "events", other.Due)
	n.Sent = other.Due
	if err := l.SaveNotice(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	wantOwed("one was sent", "weekly", other.Due, other)
	if kept, err := l.Notices(t.Context(), i, "stuck"); err != nil || !reflect.DeepEqual(kept, []ledger.Notice{n}) {
		t.Errorf("kept: %+v, %v", kept, err)
	}
	for _, notice := range []ledger.Notice{n, other} {
		if err := l.DropNotice(t.Context(), notice); err != nil {
			t.Fatal(err)
		}
	}
	if kept, err := l.Notices(t.Context(), i, "stuck"); err != nil || len(kept) != 0 {
		t.Errorf("dropped: %+v, %v", kept, err)
	}
	wantOwed("dropped", "weekly", other.Due)
}

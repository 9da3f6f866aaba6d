package subscribers_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tidings/internal/db"
	"tidings/subscribers"
)

var (
	day1 = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)
	day2 = day1.AddDate(0, 0, 1)
	day3 = day1.AddDate(0, 0, 2)
)

// emptyDatabase is the file of a database without rows. To copy it is far quicker than to make its tables each time.
var emptyDatabase = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "subscribers")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "tidings.db")
	d, err := db.Open(context.Background(), path)
	if err != nil {
		return nil, err
	}
	if err := d.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

func newStore(t testing.TB) *subscribers.Store {
	t.Helper()
	empty, err := emptyDatabase()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "tidings.db")
	if err := os.WriteFile(path, empty, 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := db.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return &subscribers.Store{DB: d, Random: rand.Reader}
}

func add(t testing.TB, s *subscribers.Store, email string, now time.Time, newsletters ...string) subscribers.Result {
	t.Helper()
	r, err := s.Add(t.Context(), subscribers.Subscriber{Email: email, Newsletters: newsletters}, "by hand", now)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func suppress(t testing.TB, s *subscribers.Store, address string) {
	t.Helper()
	if _, err := s.DB.Exec(`INSERT INTO suppressions VALUES ($1, 'bounced', $2)`, address, db.Micros(day1)); err != nil {
		t.Fatal(err)
	}
}

func export(t testing.TB, s *subscribers.Store) string {
	t.Helper()
	var b bytes.Buffer
	if err := s.Export(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// consents are all that were noted, in order: action, newsletter, source, day.
func consents(t testing.TB, s *subscribers.Store) []string {
	t.Helper()
	rows, err := s.DB.Query(`SELECT action, newsletter, source, at FROM consents ORDER BY at, newsletter, rowid`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var action, newsletter, source string
		var at int64
		if err := rows.Scan(&action, &newsletter, &source, &at); err != nil {
			t.Fatal(err)
		}
		out = append(out, strings.Join([]string{action, newsletter, source, db.Time(at).Format(time.DateOnly)}, ", "))
	}
	return out
}

func equal(t testing.TB, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestAdd(t *testing.T) {
	s := newStore(t)
	r, err := s.Add(t.Context(), subscribers.Subscriber{Email: "Ada@Example.com", Name: " Ada\x00 Lovelace ", Language: "EN-gb", Newsletters: []string{"weekly"}}, "by letter", day1)
	if err != nil || r.ID <= 0 {
		t.Fatal(r, err)
	}
	equal(t, r.Added, []string{"weekly"})

	again, err := s.Add(t.Context(), subscribers.Subscriber{Email: "ada@example.com", Name: "Other", Newsletters: []string{"weekly", "events", "weekly"}}, "by phone", day2)
	if err != nil || again.ID != r.ID {
		t.Fatal(again, err)
	}
	equal(t, again.Added, []string{"events"})
	equal(t, again.AlreadyIn, []string{"weekly"})

	sub, err := s.ByID(t.Context(), r.ID)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, sub, subscribers.Subscriber{
		ID: r.ID, Email: "Ada@Example.com", Name: "Ada Lovelace", Language: "en-GB", Newsletters: []string{"events", "weekly"}, Created: day1,
		Subscriptions: []subscribers.Subscription{{Newsletter: "events", State: subscribers.Active, Since: day2}, {Newsletter: "weekly", State: subscribers.Active, Since: day1}},
	})
	equal(t, consents(t, s), []string{"given, weekly, by letter, 2026-01-05", "given, events, by phone, 2026-01-06"})
}

func TestAddRefuses(t *testing.T) {
	s := newStore(t)
	for _, c := range []struct {
		name   string
		sub    subscribers.Subscriber
		source string
		want   string
	}{
		{"01 a bad address", subscribers.Subscriber{Email: "ada", Newsletters: []string{"weekly"}}, "x", "the address has no @\nhint: write it like ada@example.com"},
		{"02 no newsletter", subscribers.Subscriber{Email: "ada@example.com"}, "x", "no newsletter is named"},
		{"03 consent from nowhere", subscribers.Subscriber{Email: "ada@example.com", Newsletters: []string{"weekly"}}, " ", "it is not said where the consent comes from"},
		{"04 an endless name", subscribers.Subscriber{Email: "ada@example.com", Name: strings.Repeat("é", 201), Newsletters: []string{"weekly"}}, "x", "the name is longer than 200 characters"},
		{"05 no language", subscribers.Subscriber{Email: "ada@example.com", Language: "klingon!", Newsletters: []string{"weekly"}}, "x", `the language "klingon!" is no language tag`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := s.Add(t.Context(), c.sub, c.source, day1); err == nil || err.Error() != c.want {
				t.Errorf("error is %v, want %s", err, c.want)
			}
		})
	}
}

func TestNobodyWhoLeftComesBack(t *testing.T) {
	s := newStore(t)
	id := add(t, s, "ada@example.com", day1, "weekly", "events").ID
	d, err := s.Leave(t.Context(), id, "weekly", "link in a mail", day2)
	equal(t, []any{d, err}, []any{subscribers.Departure{Email: "ada@example.com", At: day2}, nil})
	d, err = s.Leave(t.Context(), id, "weekly", "link in a mail", day3)
	equal(t, []any{d, err}, []any{subscribers.Departure{Email: "ada@example.com", At: day2, Already: true}, nil})

	r := add(t, s, "ADA@example.com", day3, "weekly", "events", "jobs")
	equal(t, r, subscribers.Result{ID: id, Added: []string{"jobs"}, AlreadyIn: []string{"events"},
		Left: []subscribers.Subscription{{Newsletter: "weekly", State: subscribers.Left, Since: day2}}})
	equal(t, export(t, s), "email,name,newsletters,language\nada@example.com,,events jobs,\n")
	equal(t, consents(t, s), []string{"given, events, by hand, 2026-01-05", "given, weekly, by hand, 2026-01-05",
		"withdrawn, weekly, link in a mail, 2026-01-06", "given, jobs, by hand, 2026-01-07"})
}

func TestSuppressed(t *testing.T) {
	s := newStore(t)
	id := add(t, s, "ada@example.com", day1, "weekly").ID
	add(t, s, "bob@example.com", day1, "weekly")
	suppress(t, s, "ada@example.com")
	suppress(t, s, "eve@example.com")

	want := &subscribers.Suppression{Reason: "bounced", At: day1}
	equal(t, add(t, s, "Ada@example.com", day2, "weekly", "events"), subscribers.Result{ID: id, Suppressed: want})
	equal(t, add(t, s, "eve@example.com", day2, "weekly"), subscribers.Result{Suppressed: want})
	n, err := s.Count(t.Context(), "weekly")
	equal(t, []any{n, err}, []any{1, nil})
	equal(t, export(t, s), "email,name,newsletters,language\nbob@example.com,,weekly,\n")
	sub, err := s.ByID(t.Context(), id)
	equal(t, []any{sub.Suppressed, err}, []any{want, nil})
}

func TestUnknown(t *testing.T) {
	s := newStore(t)
	id := add(t, s, "ada@example.com", day1, "weekly").ID
	_, byID := s.ByID(t.Context(), id+1)
	_, leave := s.Leave(t.Context(), id+1, "weekly", "x", day1)
	_, other := s.Leave(t.Context(), id, "events", "x", day1)
	_, remove := s.Remove(t.Context(), "bob@example.com", nil, "x", day1)
	for _, err := range []error{byID, leave, other, remove} {
		if !errors.Is(err, subscribers.ErrUnknown) {
			t.Errorf("error is %v, want ErrUnknown", err)
		}
	}
	equal(t, len(consents(t, s)), 1)
}

func TestRemove(t *testing.T) {
	s := newStore(t)
	add(t, s, "ada@example.com", day1, "weekly", "events", "jobs")
	for _, c := range []struct {
		name  string
		names []string
		want  []string
	}{
		{"01 one of them, and one never had", []string{"jobs", "other"}, []string{"jobs"}},
		{"02 all that is left", nil, []string{"events", "weekly"}},
		{"03 again: nothing to do", nil, nil},
	} {
		got, err := s.Remove(t.Context(), " Ada@EXAMPLE.com", c.names, "asked by phone", day2)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, %v; want %v", c.name, got, err, c.want)
		}
	}
	equal(t, consents(t, s)[3:], []string{"withdrawn, events, asked by phone, 2026-01-06", "withdrawn, jobs, asked by phone, 2026-01-06", "withdrawn, weekly, asked by phone, 2026-01-06"})
	equal(t, export(t, s), "email,name,newsletters,language\n")
	if _, err := s.Remove(t.Context(), "ada", nil, "x", day2); err == nil || errors.Is(err, subscribers.ErrUnknown) {
		t.Errorf("a bad address: %v", err)
	}
}

func TestList(t *testing.T) {
	s := newStore(t)
	add(t, s, "zoe@example.com", day1, "weekly")
	add(t, s, "Bob@example.com", day3, "weekly", "events")
	id := add(t, s, "ada@example.com", day1, "weekly", "events").ID
	if _, err := s.Leave(t.Context(), id, "weekly", "x", day2); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		filter subscribers.Filter
		want   string
	}{
		{"01 all", subscribers.Filter{}, "ada:events=active,weekly=left Bob:events=active,weekly=active zoe:weekly=active"},
		{"02 of one newsletter", subscribers.Filter{Newsletter: "weekly"}, "ada:weekly=left Bob:weekly=active zoe:weekly=active"},
		{"03 who left", subscribers.Filter{State: subscribers.Left}, "ada:weekly=left"},
		{"04 what changed since", subscribers.Filter{Since: day2}, "ada:weekly=left Bob:events=active,weekly=active"},
		{"05 none", subscribers.Filter{Newsletter: "jobs"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for sub, err := range s.List(t.Context(), c.filter) {
				if err != nil {
					t.Fatal(err)
				}
				var subs []string
				for _, p := range sub.Subscriptions {
					subs = append(subs, p.Newsletter+"="+string(p.State))
				}
				local, _, _ := strings.Cut(sub.Email, "@")
				got = append(got, local+":"+strings.Join(subs, ","))
			}
			equal(t, strings.Join(got, " "), c.want)
		})
	}
	for range s.List(t.Context(), subscribers.Filter{}) {
		break // who stops early must not hold the database
	}
	add(t, s, "new@example.com", day3, "weekly")
}

// repeating gives the same 8 bytes for the first calls, then others.
type repeating struct{ left int }

func (r *repeating) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 7
		if r.left <= 0 {
			p[i] = 9
		}
	}
	r.left--
	return len(p), nil
}

func TestIDsAreNeverReused(t *testing.T) {
	s := newStore(t)
	s.Random = &repeating{left: 3}
	a, b := add(t, s, "a@example.com", day1, "weekly").ID, add(t, s, "b@example.com", day1, "weekly").ID
	if a == b || a <= 0 || b <= 0 {
		t.Errorf("ids are %d and %d", a, b)
	}
	_, err := s.Add(t.Context(), subscribers.Subscriber{Email: "c@example.com", Newsletters: []string{"weekly"}}, "x", day1)
	if err == nil || err.Error() != "the source of random numbers repeats itself" {
		t.Errorf("error is %v", err)
	}
}

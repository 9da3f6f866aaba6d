package subscribers_test

import (
	"testing"

	"tidings/internal/db"
	"tidings/subscribers"
)

// TestLanguages: an issue is composed in the languages of those who get it now, each once, and in no other.
func TestLanguages(t *testing.T) {
	s := newStore(t)
	for _, who := range []subscribers.Subscriber{
		{Email: "ada@example.com", Language: "en", Newsletters: []string{"weekly"}},
		{Email: "bea@example.com", Language: "en", Newsletters: []string{"weekly", "events"}},
		{Email: "cleo@example.com", Language: "fr", Newsletters: []string{"weekly"}},
		{Email: "dora@example.com", Newsletters: []string{"weekly"}},
		{Email: "eve@example.com", Language: "de", Newsletters: []string{"events"}},
		{Email: "fay@example.com", Language: "es", Newsletters: []string{"weekly"}},
	} {
		if _, err := s.Add(t.Context(), who, "a test", day1); err != nil {
			t.Fatal(err)
		}
	}
	languages := func(newsletter string) []string {
		tags, err := s.Languages(t.Context(), newsletter)
		if err != nil {
			t.Fatal(err)
		}
		return tags
	}
	equal(t, languages("weekly"), []string{"", "en", "es", "fr"}) // "": who named none
	equal(t, languages("events"), []string{"de", "en"})
	equal(t, languages("nothing"), []string(nil))
	if _, err := s.Remove(t.Context(), "cleo@example.com", nil, "a test", day2); err != nil {
		t.Fatal(err)
	}
	if _, err := s.DB.Exec(`INSERT INTO suppressions VALUES ($1, 'bounced', $2)`, "fay@example.com", db.Micros(day2)); err != nil {
		t.Fatal(err)
	}
	equal(t, languages("weekly"), []string{"", "en"}) // who left and who is suppressed get nothing
}

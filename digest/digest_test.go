package digest_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"tidings/digest"
	"tidings/items"
)

var now = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// story is a candidate that was published so many days ago and has shown since then.
func story(id string, daysAgo int, change ...func(*digest.Candidate)) digest.Candidate {
	at := now.AddDate(0, 0, -daysAgo)
	c := digest.Candidate{Article: items.Article{ID: id, Title: "On " + id, Published: at, Updated: at}, Placement: items.Auto, Since: at}
	for _, f := range change {
		f(&c)
	}
	return c
}

func withdrawn(c *digest.Candidate) { c.Withdrawn = true }
func expired(c *digest.Candidate)   { c.Expired = true }
func skip(c *digest.Candidate)      { c.Placement = items.Skip }
func lead(c *digest.Candidate)      { c.Placement = items.Lead }

// since says when the story first showed, in days before now.
func since(daysAgo int) func(*digest.Candidate) {
	return func(c *digest.Candidate) { c.Since = now.AddDate(0, 0, -daysAgo) }
}

func ids(articles []items.Article) string {
	var out []string
	for _, a := range articles {
		out = append(out, a.ID)
	}
	return strings.Join(out, " ")
}

// reasons writes who is left out, and why; who waits has a + in front.
func reasons(left []digest.LeftOut) string {
	var out []string
	for _, l := range left {
		mark := ""
		if l.Waiting {
			mark = "+"
		}
		out = append(out, mark+l.ID+": "+l.Why)
	}
	return strings.Join(out, "; ")
}

func TestChoose(t *testing.T) {
	const day = 24 * time.Hour
	told := map[string]int{"a": 7}
	tests := []struct {
		name   string // number and why
		all    []digest.Candidate
		rules  digest.Rules
		chosen string
		left   string
	}{
		{"1 no stories make no issue", nil, digest.Rules{MaxItems: 3}, "", ""},
		{"2 newest first, whatever the order they come in", []digest.Candidate{story("a", 3), story("b", 1), story("c", 2)},
			digest.Rules{MaxItems: 3}, "b c a", ""},
		{"3 a story is told once, and the reader learns where", []digest.Candidate{story("a", 1), story("b", 2)},
			digest.Rules{MaxItems: 3, Told: told}, "b", "a: it was in issue 7"},
		{"4 what is taken back is not told", []digest.Candidate{story("b", 1, withdrawn)}, digest.Rules{MaxItems: 3}, "", "b: it is withdrawn"},
		{"5 staff said so", []digest.Candidate{story("b", 1, skip)}, digest.Rules{MaxItems: 3}, "", "b: it says newsletter: skip"},
		{"6 it is over", []digest.Candidate{story("b", 1, expired)}, digest.Rules{MaxItems: 3}, "", "b: it has expired"},
		{"7 old news is no news", []digest.Candidate{story("b", 31), story("c", 30)}, digest.Rules{MaxItems: 3, MaxAge: 30 * day},
			"c", "b: it is older than 30 days"},
		{"8 an age of 0 is no limit", []digest.Candidate{story("b", 4000)}, digest.Rules{MaxItems: 3}, "b", ""},
		{"9 ages that are no whole days are said in full", []digest.Candidate{story("b", 31)}, digest.Rules{MaxItems: 3, MaxAge: 60 * time.Hour},
			"", "b: it is older than 60h0m0s"},
		{"10 a back-dated file counts by when it came, so it is not lost", []digest.Candidate{story("new", 1), story("late", 20, since(0))},
			digest.Rules{MaxItems: 3}, "new late", ""},
		{"11 who has waited longest goes first; shown newest first", []digest.Candidate{story("a", 1), story("b", 2), story("c", 3), story("d", 4)},
			digest.Rules{MaxItems: 2}, "c d", "+b: the issue is full: number 1 in the queue for the next one; +a: the issue is full: number 2 in the queue for the next one"},
		{"12 waiting counts from when it showed, not from its date", []digest.Candidate{story("a", 9, since(1)), story("b", 2)},
			digest.Rules{MaxItems: 1}, "b", "+a: the issue is full: number 1 in the queue for the next one"},
		{"13 a lead overtakes the queue and stands on top", []digest.Candidate{story("a", 1), story("b", 5), story("c", 9, since(0), lead)},
			digest.Rules{MaxItems: 2}, "c b", "+a: the issue is full: number 1 in the queue for the next one"},
		{"14 of two leads the newer stands first", []digest.Candidate{story("a", 3, lead), story("b", 1, lead), story("c", 0)},
			digest.Rules{MaxItems: 3}, "b a c", ""},
		{"15 a lead that was told does not come again", []digest.Candidate{story("a", 1, lead), story("b", 2)},
			digest.Rules{MaxItems: 3, Told: told}, "b", "a: it was in issue 7"},
		{"16 an old lead is old", []digest.Candidate{story("b", 31, lead)}, digest.Rules{MaxItems: 3, MaxAge: 30 * day}, "", "b: it is older than 30 days"},
		{"17 those of one moment go by id, so that the issue does not depend on chance", []digest.Candidate{story("c", 1), story("a", 1), story("b", 1)},
			digest.Rules{MaxItems: 2}, "a b", "+c: the issue is full: number 1 in the queue for the next one"},
		{"18 those that came at once go by date", []digest.Candidate{story("a", 1, since(0)), story("b", 3, since(0)), story("c", 2, since(0))},
			digest.Rules{MaxItems: 2}, "c b", "+a: the issue is full: number 1 in the queue for the next one"},
		{"19 that it was told says more than that it is withdrawn", []digest.Candidate{story("a", 1, withdrawn, skip)},
			digest.Rules{MaxItems: 2, Told: told}, "", "a: it was in issue 7"},
		{"20 those unfit take no place from others", []digest.Candidate{story("x", 9, skip), story("y", 8, expired), story("b", 1)},
			digest.Rules{MaxItems: 1}, "b", "x: it says newsletter: skip; y: it has expired"},
	}
	for _, test := range tests {
		chosen, left := digest.Choose(test.all, test.rules, now)
		if got := ids(chosen); got != test.chosen {
			t.Errorf("%s: chosen %q, want %q", test.name, got, test.chosen)
		}
		if got := reasons(left); got != test.left {
			t.Errorf("%s: left out\n  %s\nwant\n  %s", test.name, got, test.left)
		}
	}
}

// version is a candidate that tells a story in a language.
func version(work, language string, daysAgo int, change ...func(*digest.Candidate)) digest.Candidate {
	c := story(work+"-"+language, daysAgo, change...)
	c.Work, c.Language, c.First, c.Same = work, language, c.Since, []string{work + "-en", work + "-fr", work + "-ar"}
	return c
}

// TestVersions: of a story in several languages the newsroom's own version is chosen and brings the others along, and everybody gets one.
func TestVersions(t *testing.T) {
	told := map[string]int{"a-en": 7}
	tests := []struct {
		name                 string // number and why
		all                  []digest.Candidate
		told                 map[string]int
		none, en, fr, ca, ar string // what is got by who asks for no language, English, French, that of Canada, Arabic
		left                 string
	}{
		{"1 each in their language", []digest.Candidate{version("a", "fr", 1), version("a", "en", 1), version("a", "ar", 1), story("b", 2)}, nil,
			"a-en b", "a-en b", "a-fr b", "a-fr b", "a-ar b", ""},
		{"2 none in the newsroom's", []digest.Candidate{version("a", "fr", 1), version("a", "ar", 2)}, nil, "a-ar", "a-ar", "a-fr", "a-fr", "a-ar", ""},
		{"3 told in another language, even one that is gone", []digest.Candidate{version("a", "fr", 1)}, told, "", "", "", "", "", "a-fr: it was in issue 7"},
		{"4 what is unfit gives way", []digest.Candidate{version("a", "en", 1, withdrawn), version("a", "fr", 1), version("a", "ar", 1, skip)}, nil,
			"a-fr", "a-fr", "a-fr", "a-fr", "a-fr", ""},
		{"5 all is unfit", []digest.Candidate{version("a", "en", 1, withdrawn), version("a", "fr", 1, expired)}, nil, "", "", "", "", "", "a-en: it is withdrawn"},
		{"6 it has waited since the first came", []digest.Candidate{version("a", "en", 1), version("a", "fr", 5), story("b", 2), story("c", 3)}, nil,
			"a-en c", "a-en c", "a-fr c", "a-fr c", "a-en c", "+b: the issue is full: number 1 in the queue for the next one"},
	}
	for _, test := range tests {
		all := digest.Versions(test.all, "en")
		chosen, left := digest.Choose(all, digest.Rules{MaxItems: 2, Told: test.told}, now)
		issue := digest.Issue{}.With(chosen, all)
		for tag, want := range map[string]string{"": test.none, "en": test.en, "fr": test.fr, "fr-CA": test.ca, "ar": test.ar} {
			if got := ids(issue.In(tag).Articles); got != want {
				t.Errorf("%s: in %q it has %q, want %q", test.name, tag, got, want)
			}
		}
		if got := reasons(left); got != test.left {
			t.Errorf("%s: left out %s, want %s", test.name, got, test.left)
		}
	}
}

// TestWithout: a version that is taken back goes from an issue; a story is left as long as one of its versions is.
func TestWithout(t *testing.T) {
	all := digest.Versions([]digest.Candidate{version("a", "en", 1), version("a", "fr", 1), story("b", 2)}, "en")
	chosen, _ := digest.Choose(all, digest.Rules{MaxItems: 2}, now)
	issue := digest.Issue{}.With(chosen, all)
	for _, test := range []struct {
		name, gone, en, fr string // number and why; ids
		taken              int
	}{
		{"1 nothing", "x", "a-en b", "a-fr b", 0},
		{"2 a version", "a-fr", "a-en b", "a-en b", 1},
		{"3 the one that has the others", "a-en", "a-fr b", "a-fr b", 1},
		{"4 all of a story", "a-en a-fr", "b", "b", 2},
		{"5 all", "a-en a-fr b", "", "", 3},
	} {
		rest, taken := issue.Without(func(id string) bool { return slices.Contains(strings.Fields(test.gone), id) })
		if en, fr := ids(rest.Articles), ids(rest.In("fr").Articles); en != test.en || fr != test.fr || taken != test.taken {
			t.Errorf("%s: %q and %q are left, %d taken", test.name, en, fr, taken)
		}
	}
	if ids(issue.Articles) != "a-en b" || ids(issue.In("fr").Articles) != "a-fr b" {
		t.Error("the issue itself was changed")
	}
}

// TestChooseOrder: the order of the candidates decides nothing, and the arguments stay as they are.
func TestChooseOrder(t *testing.T) {
	all := []digest.Candidate{story("a", 1), story("b", 2), story("c", 3, lead), story("d", 2, withdrawn), story("e", 50),
		story("f", 2), story("g", 1, skip), story("h", 4, since(1)), story("i", 4)}
	rules := digest.Rules{MaxItems: 4, MaxAge: 30 * 24 * time.Hour, Told: map[string]int{"b": 2}}
	r := rand.New(rand.NewPCG(1, 2))
	var first string
	for range 50 {
		r.Shuffle(len(all), func(i, k int) { all[i], all[k] = all[k], all[i] })
		before := fmt.Sprint(all, rules)
		chosen, left := digest.Choose(all, rules, now)
		if after := fmt.Sprint(all, rules); after != before {
			t.Fatalf("the arguments were changed from\n%s\nto\n%s", before, after)
		}
		slices.SortFunc(left, func(a, b digest.LeftOut) int { return strings.Compare(a.ID, b.ID) })
		if got := ids(chosen) + " | " + reasons(left); first == "" {
			first = got
		} else if got != first {
			t.Fatalf("another order gives\n%s\nnot\n%s", got, first)
		}
	}
}

// TestQueue: issue after issue, all that is fit is told exactly once, nothing waits for ever.
func TestQueue(t *testing.T) {
	var all []digest.Candidate
	for i := range 20 {
		all = append(all, story(fmt.Sprintf("s%02d", i), i%7))
	}
	rules := digest.Rules{MaxItems: 6, Told: map[string]int{}}
	for number := 1; number <= 4; number++ {
		chosen, _ := digest.Choose(all, rules, now)
		if want := min(6, len(all)-len(rules.Told)); len(chosen) != want {
			t.Errorf("issue %d has %d stories, want %d", number, len(chosen), want)
		}
		for _, a := range chosen {
			if n, again := rules.Told[a.ID]; again {
				t.Errorf("%s is in issue %d and %d", a.ID, n, number)
			}
			rules.Told[a.ID] = number
		}
	}
	if chosen, _ := digest.Choose(all, rules, now); len(rules.Told) != 20 || len(chosen) != 0 {
		t.Errorf("after 4 issues %d of 20 are told, %d more would be", len(rules.Told), len(chosen))
	}
}

// TestIssueFrozen: an issue comes back from JSON, as the ledger keeps it, as it was.
func TestIssueFrozen(t *testing.T) {
	chosen, _ := digest.Choose([]digest.Candidate{story("a", 1), story("b", 2)}, digest.Rules{MaxItems: 2}, now)
	issue := digest.Issue{Newsletter: "weekly", Title: "Weekly digest", Number: 3, Slot: now, Date: now, Articles: chosen}
	kept, err := json.Marshal(issue)
	if err != nil {
		t.Fatal(err)
	}
	var back digest.Issue
	if err := json.Unmarshal(kept, &back); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(back) != fmt.Sprint(issue) {
		t.Errorf("it came back as\n%v\nnot\n%v", back, issue)
	}
}

package feed_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tidings/feed"
	"tidings/items"
)

// correctionWords are English ones.
func correctionWords(a items.Article, c *items.Correction) (title, text string) {
	if c == nil {
		return "Story withdrawn", "This story has been withdrawn."
	}
	return "Correction: " + a.Title, c.Text
}

func correction(day int, text string) items.Correction {
	date := time.Date(2015, 11, day, 0, 0, 0, 0, november.Location())
	return items.Correction{Date: items.When{Time: date, Whole: true}, Text: text}
}

// correctionIDs maps the texts of a story's corrections to their entries' ids.
func correctionIDs(corrections ...items.Correction) map[string]string {
	a := plainEntry("tag:news.example.org,2015:1", "One").Article
	a.Corrections = corrections
	ids := map[string]string{}
	for _, e := range feed.Corrections([]items.Article{a}, correctionWords) {
		ids[e.Summary] = e.ID
	}
	return ids
}

// TestCorrectionIDs: a reader who has seen a correction does not see it again, whatever is done to the list.
func TestCorrectionIDs(t *testing.T) {
	const before = "tag:news.example.org,2015:1/correction/2015-11-04"
	old := correction(4, "old")
	tests := []struct {
		name string
		list []items.Correction
	}{
		{"1 alone", []items.Correction{old}},
		{"2 a later one is added after it", []items.Correction{old, correction(5, "new")}},
		{"3 a later one is added before it", []items.Correction{correction(5, "new"), old}},
		{"4 an earlier one is added", []items.Correction{correction(3, "new"), old}},
		{"5 a second one of that day, after it", []items.Correction{old, correction(4, "new")}},
		{"6 a second one of that day, in a list that begins with the newest", []items.Correction{correction(4, "new"), old, correction(3, "first")}},
	}
	for _, test := range tests {
		ids := correctionIDs(test.list...)
		if ids["old"] != before || len(ids) != len(test.list) || len(ids) > 1 && (ids["new"] == before || ids["new"] == "") {
			t.Errorf("%s: got %v", test.name, ids)
		}
	}
	if ids := correctionIDs(correction(4, "in other words")); ids["in other words"] != before {
		t.Errorf("7 in other words: got %v", ids)
	}
}

func TestCorrections(t *testing.T) {
	corrected := fullEntry().Article
	corrected.Corrections = []items.Correction{correction(2, "On the <same> day."), correction(6, "Later.")}
	withdrawn := withdrawnEntry().Article
	withdrawn.ID, withdrawn.Corrections = "tag:news.example.org,2015:2", corrected.Corrections
	withdrawn.Title, withdrawn.Updated = "A secret", november.AddDate(0, 0, 3)
	given := []items.Article{corrected, plainEntry("3", "Never corrected").Article, withdrawn}

	entries := feed.Corrections(given, correctionWords)
	var got []string
	for _, e := range entries {
		got = append(got, strings.Join([]string{e.ID, e.Title, e.Published.Format(time.DateOnly), e.Content}, " | "))
	}
	const page = `<p><a href="https://news.example.org/news/plan/">`
	title := "Correction: " + corrected.Title
	want := []string{
		"tag:news.example.org,2015:1f2e/correction/2015-11-06 | " + title + " | 2015-11-06 | <p>Later.</p>\n" + page + "Réfugiés : &#34;plan&#34; &amp; &lt;suite&gt;</a></p>",
		"tag:news.example.org,2015:2/withdrawal | Story withdrawn | 2015-11-05 | <p>This story has been withdrawn.</p>\n" + page + "Story withdrawn</a></p>",
		"tag:news.example.org,2015:1f2e/correction/2015-11-02 | " + title + " | 2015-11-02 | <p>On the &lt;same&gt; day.</p>\n" + page + "Réfugiés : &#34;plan&#34; &amp; &lt;suite&gt;</a></p>",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	// A correction is no earlier than its story, and no tombstone of one that was withdrawn.
	if last := entries[2]; !last.Published.Equal(november) || entries[1].Withdrawn {
		t.Errorf("published %v, withdrawn %v", last.Published, entries[1].Withdrawn)
	}
	for _, m := range feed.Formats {
		if found := feed.Check(m, write(t, m, newsFeed(entries...))); len(found) > 0 {
			t.Errorf("%s: %v", m.Name, found)
		}
	}
}

package feed_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"tidings/feed"
	"tidings/items"
)

func TestSelect(t *testing.T) {
	article := func(id string, day int, topics ...items.Topic) items.Article {
		return items.Article{ID: id, Published: november.AddDate(0, 0, day), Topics: topics}
	}
	plans := items.Topic{Slug: "plans"}
	withdrawn := article("withdrawn", 9)
	withdrawn.Withdrawn = true
	retouched := article("retouched", -9)
	retouched.Updated = november.AddDate(1, 0, 0)
	given := []items.Article{retouched, article("b", 0), article("new", 1, plans), article("a", 0, plans), withdrawn}
	// The same moment as "a" and "b", in another time zone.
	abroad := article("ab", 0)
	abroad.Published = abroad.Published.In(time.UTC)
	given = append(given, abroad)

	tests := []struct {
		name  string
		limit int
		keep  func(items.Article) bool
		want  []string
	}{
		{"1 newest first by publication, ties by id, withdrawn ones too", 0, nil, []string{"withdrawn", "new", "a", "ab", "b", "retouched"}},
		{"2 the limit cuts the oldest off", 2, nil, []string{"withdrawn", "new"}},
		{"3 a limit beyond the end", 100, nil, []string{"withdrawn", "new", "a", "ab", "b", "retouched"}},
		{"4 the limit counts what is kept", 2, func(a items.Article) bool { return slices.Contains(a.Topics, plans) }, []string{"new", "a"}},
		{"5 nothing kept", 2, func(items.Article) bool { return false }, nil},
	}
	for _, test := range tests {
		before := slices.Clone(given)
		var got []string
		for _, a := range feed.Select(given, test.limit, test.keep) {
			got = append(got, a.ID)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
		if !reflect.DeepEqual(given, before) {
			t.Errorf("%s: the argument was changed", test.name)
		}
	}
}

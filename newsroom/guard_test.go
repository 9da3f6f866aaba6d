package newsroom_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"tidings/newsroom"
)

// titles are those of a feed's entries, in order.
func (r *room) titles(feed string) []string {
	r.t.Helper()
	var f struct{ Items []struct{ Title string } }
	if err := json.Unmarshal([]byte(r.read("public/feeds/"+feed+".json")), &f); err != nil {
		r.t.Fatal(err)
	}
	var out []string
	for _, i := range f.Items {
		out = append(out, i.Title)
	}
	return out
}

// stories writes items of these numbers, each dated so many days into 2016.
func (r *room) stories(numbers ...int) {
	r.t.Helper()
	for _, n := range numbers {
		date := time.Date(2016, 1, n, 0, 0, 0, 0, time.UTC)
		r.write(fmt.Sprintf("items/s%03d.md", n), item(fmt.Sprint("Story ", n), "date: "+date.Format(time.DateOnly)))
	}
}

func numbers(from, to int) (out []int) {
	for n := from; n <= to; n++ {
		out = append(out, n)
	}
	return out
}

// TestWindowOfCorrections: the same holds for the feed of corrections.
func TestWindowOfCorrections(t *testing.T) {
	t.Parallel()
	r := newRoom(t, "newsletters:", "feeds: {limit: 2}\nnewsletters:")
	r.onlyItems()
	for n := range 3 {
		r.write(fmt.Sprintf("items/s%d.md", n), item(fmt.Sprint("Story ", n), fmt.Sprintf("date: 2016-01-01\ncorrections: [{date: 2016-02-0%d, text: A figure.}]", n+1)))
	}
	r.publish()
	first := r.titles("corrections")
	if len(first) != 2 || !strings.Contains(first[0], "Story 2") || !strings.Contains(first[1], "Story 1") {
		t.Fatalf("the feed has %q", first)
	}
	r.edit("items/s2.md", "corrections: [{date: 2016-02-03, text: A figure.}]\n", "")
	r.publish()
	if got := r.titles("corrections"); len(got) != 1 || got[0] != first[1] {
		t.Errorf("the feed has %q", got)
	}
}

// TestWindow: what has left a feed's window does not come in again when others leave, nor when the limit grows; what is newer does.
func TestWindow(t *testing.T) {
	t.Parallel()
	r := newRoom(t, "newsletters:", "feeds: {limit: 3}\nnewsletters:")
	r.onlyItems()
	r.stories(numbers(340, 345)...)
	r.publish()
	want := func(step, titles string) {
		t.Helper()
		r.publish()
		if got := strings.Join(r.titles("news"), ", "); got != titles {
			t.Errorf("%s: the feed has %q, want %q", step, got, titles)
		}
	}
	want("1 the newest three", "Story 345, Story 344, Story 343")
	r.edit("items/s344.md", "date:", "status: erased\ndate:")
	want("2 one is erased", "Story 345, Story 343")
	r.edit("items/s343.md", "date:", "expires: 2016-12-18\ndate:")
	want("3 one expires", "Story 345")
	r.edit("tidings.yaml", "limit: 3", "limit: 5")
	r.Newsroom = r.openAgain(false)
	want("4 the limit grows", "Story 345")
	r.stories(346)
	want("5 a new one", "Story 346, Story 345")
}

// TestFlood: a feed stays as it was when many old stories would come in at once, or those that readers have under other ids; what is
// taken back goes all the same, and the word --force publishes it.
func TestFlood(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.onlyItems()
	r.stories(numbers(330, 340)...)
	r.publish()
	old := r.read("public/feeds/news.rss")
	r.stories(numbers(100, 110)...) // more than ten
	p := r.publish()
	if err := p.Complaints(); !errors.Is(err, newsroom.ErrFlood) || !strings.Contains(err.Error(), "11 stories that are older than 30 days") {
		t.Errorf("eleven old stories: %v", err)
	}
	if r.read("public/feeds/news.rss") != old {
		t.Error("they came into the feed")
	}
	if !strings.Contains(r.read("public/news/s100/index.html"), "Story 100") {
		t.Error("they have no page")
	}
	r.edit("items/s335.md", "date:", "status: withdrawn\ndate:")
	r.publish()
	if got := r.titles("news"); len(got) != 11 || slices.Contains(got, "Story 335") || slices.Contains(got, "Story 100") {
		t.Errorf("one was withdrawn meanwhile: %q", got)
	}
	n, err := newsroom.Open(t.Context(), r.dir, newsroom.Outside{Now: r.now, Force: true})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if p, err := n.Publish(t.Context()); err != nil || p.Complaints() != nil {
		t.Errorf("by force: %v, %v", err, p.Complaints())
	}
	if got := r.titles("news"); len(got) != 22 {
		t.Errorf("by force: %q", got)
	}
}

// TestChangedIDs: a lost database, and another host in url, would give every story another id.
func TestChangedIDs(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.publish()
	old := r.read("public/feeds/news.atom")
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(r.path("state")); err != nil {
		t.Fatal(err)
	}
	r.edit("items/one.md", "date:", "id: urn:x:one\ndate:")
	r.Newsroom = r.openAgain(false)
	p := r.publish()
	if err := p.Complaints(); !errors.Is(err, newsroom.ErrFlood) || !strings.Contains(err.Error(), "news/one/ was published as tag:news.example.org,2016:") {
		t.Errorf("%v", err)
	}
	if r.read("public/feeds/news.atom") != old {
		t.Error("the feed changed")
	}
}

// TestOutlook: what readers would see is told, and nothing is stored.
func TestOutlook(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	for i, step := range []struct {
		change func()
		want   newsroom.Outlook
	}{
		{func() {}, newsroom.Outlook{New: 3}}, // nothing was published yet
		{func() { r.publish() }, newsroom.Outlook{}},
		{func() { r.edit("items/one.md", "title: One", "title: First") }, newsroom.Outlook{}}, // a silent change
		{func() { r.edit("items/one.md", "date:", "updated: 2016-12-10\ndate:") }, newsroom.Outlook{Updated: 1}},
		{func() { r.edit("items/two.md", "date:", "status: withdrawn\ndate:") }, newsroom.Outlook{Updated: 1, Withdrawn: 1}},
		{func() { r.edit("items/three.md", "date:", "status: erased\ndate:") }, newsroom.Outlook{Updated: 1, Withdrawn: 2}},
		{func() { r.publish() }, newsroom.Outlook{}},
	} {
		step.change()
		rows := r.rows()
		if got := must(r.Outlook(t.Context())); got != step.want {
			t.Errorf("%d: %+v, want %+v", i+1, got, step.want)
		}
		if now := r.rows(); fmt.Sprint(now) != fmt.Sprint(rows) {
			t.Errorf("%d: it stored something: %v, then %v", i+1, rows, now)
		}
	}
}

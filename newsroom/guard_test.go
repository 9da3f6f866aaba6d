package newsroom_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
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

// force publishes by build --force, which nothing holds up.
func (r *room) force() {
	r.t.Helper()
	n, err := newsroom.Open(r.t.Context(), r.dir, newsroom.Outside{Now: r.now, Force: true})
	if err != nil {
		r.t.Fatal(err)
	}
	defer n.Close()
	if p, err := n.Publish(r.t.Context()); err != nil || p.Complaints() != nil {
		r.t.Errorf("by force: %v, %v", err, p.Complaints())
	}
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

// TestFlood: when many old stories would come in at once they are held back; what is taken back goes all the same, and the word --force
// publishes them.
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
	r.force()
	if got := r.titles("news"); len(got) != 22 {
		t.Errorf("by force: %q", got)
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
		if got := must(r.Outlook(t.Context())); !reflect.DeepEqual(got, step.want) {
			t.Errorf("%d: %+v, want %+v", i+1, got, step.want)
		}
		if now := r.rows(); fmt.Sprint(now) != fmt.Sprint(rows) {
			t.Errorf("%d: it stored something: %v, then %v", i+1, rows, now)
		}
	}
}

// TestFloodOver: what was refused leaves no trace: once it is gone again the feed is as it was, and what is new comes in.
func TestFloodOver(t *testing.T) {
	t.Parallel()
	r := newRoom(t, "newsletters:", "feeds: {limit: 3, flood: 2}\nnewsletters:")
	r.onlyItems()
	r.stories(numbers(100, 102)...)
	r.publish()
	r.stories(numbers(200, 209)...)
	if p := r.publish(); p.Complaints() == nil {
		t.Error("ten old stories came in")
	}
	if o := must(r.Outlook(t.Context())); o.New != 0 || len(o.Spared) != 1 {
		t.Errorf("%+v would be seen", o)
	}
	r.edit("items/s101.md", "date:", "status: draft\ndate:")
	r.publish()
	if got := strings.Join(r.titles("news"), ", "); got != "Story 102, Story 100" {
		t.Errorf("one is a draft now: %q", got)
	}
	for _, n := range numbers(200, 209) {
		r.edit(fmt.Sprintf("items/s%d.md", n), "date:", "status: draft\ndate:")
	}
	r.stories(345)
	if p := r.publish(); p.Complaints() != nil {
		t.Error(p.Complaints())
	}
	if got := strings.Join(r.titles("news"), ", "); got != "Story 345, Story 102, Story 100" {
		t.Errorf("after it: %q", got)
	}
}

// TestClock: a clock that jumps back takes nothing back.
func TestClock(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.publish()
	now, old := r.clock.Load(), r.read("public/feeds/news.atom")
	r.clock.Store(0)
	if _, err := r.Publish(t.Context()); !errors.Is(err, newsroom.ErrClock) {
		t.Errorf("in 1970: %v", err)
	}
	r.clock.Store(now)
	if p := r.publish(); p.Complaints() != nil || p.Changed() || r.read("public/feeds/news.atom") != old {
		t.Errorf("afterwards: %v %+v", p.Complaints(), p.Report)
	}
}

// TestLostAfterMove: the site has moved, and then the database is lost: what was published tells which ids the stories have.
func TestLostAfterMove(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.publish()
	r.edit("tidings.yaml", "https://news.example.org/", "https://moved.example.net/")
	r.Newsroom = r.openAgain(false)
	r.publish()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(r.path("state")); err != nil {
		t.Fatal(err)
	}
	r.Newsroom = r.openAgain(false)
	if p := r.publish(); p.Complaints() != nil || len(p.Written) > 0 {
		t.Errorf("%v %v", p.Complaints(), p.Written)
	}
}

// TestTakenBackFirst: a page that cannot be written holds up no withdrawal, neither in pages nor in feeds.
func TestTakenBackFirst(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.write("items/z.md", item("Zanzibar", "date: 2016-12-02\nsummary: Of cloves."))
	r.publish()
	r.edit("items/z.md", "date:", "status: withdrawn\ndate:")
	r.write("items/new.md", item("New", "date: 2016-12-03"))
	if err := os.MkdirAll(r.path("public/news/new/index.html"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Publish(t.Context()); err == nil {
		t.Error("a folder is in the way, and nobody said so")
	}
	for _, name := range []string{"public/news/z/index.html", "public/feeds/news.rss", "public/feeds/news.atom", "public/feeds/news.json", "public/feeds/news/archive/2016-12.rss"} {
		if strings.Contains(r.read(name), "cloves") {
			t.Errorf("%s holds what was withdrawn", name)
		}
	}
}

// TestBesideAnother: what another process published of a file that then went back to what it was does not stay.
func TestBesideAnother(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.publish()
	before := r.read("items/one.md")
	r.edit("items/one.md", "title: One", "title: Secret")
	if _, err := r.openAgain(false).Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.write("items/one.md", before)
	r.publish()
	if strings.Contains(r.read("public/feeds/news.rss"), "Secret") {
		t.Error("it stays")
	}
}

// TestOwnTemplatesInAnyFolder: a changed template counts, whatever the folder is called.
func TestOwnTemplatesInAnyFolder(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	odd := t.TempDir() + "/news [old]*"
	if err := os.CopyFS(odd, os.DirFS(r.dir)); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(odd + "/state"); err != nil { // its keys would be everybody's
		t.Fatal(err)
	}
	r.dir = odd
	r.Newsroom = r.openAgain(false)
	r.publish()
	if err := os.Mkdir(r.path("templates"), 0o755); err != nil {
		t.Fatal(err)
	}
	r.write("templates/notice.html", "CHANGED")
	r.Newsroom = r.openAgain(false)
	if r.publish(); !strings.Contains(r.read("public/404.html"), "CHANGED") {
		t.Error("it does not")
	}
}

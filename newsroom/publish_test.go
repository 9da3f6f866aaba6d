package newsroom_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tidings/internal/problem"
	"tidings/newsroom"
	"tidings/subscribers"
)

func (r *room) readDir(name string) ([]fs.DirEntry, error) { return os.ReadDir(r.path(name)) }

// TestPublish: the sample is published without a fault, and a second time nothing changes, whatever the time.
func TestPublish(t *testing.T) {
	t.Parallel()
	r := newSample(t)
	p := r.publish()
	if probs := p.Scan.AllProblems(); len(probs) > 0 || !p.Changed() || p.Shown() != len(p.Scan.Files) {
		t.Errorf("%v, %d stories of %d files", probs, p.Shown(), len(p.Scan.Files))
	}
	r.pass(30 * 24 * time.Hour)
	if p := r.publish(); p.Changed() {
		t.Errorf("a month later: %+v", p.Report)
	}
	again := room{Newsroom: r.openAgain(false), t: t}
	if p := again.publish(); p.Changed() {
		t.Errorf("another process: %+v", p.Report)
	}
}

// TestTakenBack: a story that is withdrawn, erased or deleted, ten minutes ago, is gone from pages, feeds and past issues at the next
// publication, also when nothing is left of an issue.
func TestTakenBack(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string // number and why
		change func(r *room)
		others []bool // whether the issue had another story too
	}{
		{"1 withdrawn", func(r *room) { r.edit("items/secret.md", "date:", "status: withdrawn\ndate:") }, []bool{true, false}},
		{"2 erased", func(r *room) { r.edit("items/secret.md", "date:", "status: erased\ndate:") }, []bool{true}},
		{"3 deleted", func(r *room) { r.remove("items/secret.md") }, []bool{false}},
		{"4 withdrawn by a broken file", func(r *room) { r.write("items/secret.md", "---\nstatus: withdrawn\ntitel: Secret\n---\n") }, []bool{true}},
	}
	for _, test := range tests {
		for _, others := range test.others {
			r := newRoom(t, "    title: Weekly digest", "    subject: \"{{.Lead}}\"\n    title: Weekly digest")
			r.onlyItems("secret.md", item("Secret", "newsletter: lead\ndate: 2016-12-01"))
			if others {
				r.write("items/open.md", item("Openness", "date: 2016-12-02"))
			}
			r.send(newsroom.Order{}, nil)
			const page = "public/newsletters/weekly/1/index.html"
			if !strings.Contains(r.read(page), "Secret") {
				t.Fatalf("%s: the issue's page never had it", test.name)
			}
			test.change(r)
			r.publish()
			r.pass(10 * time.Minute)
			r.publish()
			err := fs.WalkDir(os.DirFS(r.path("public")), ".", func(p string, d fs.DirEntry, err error) error {
				if err == nil && !d.IsDir() && strings.Contains(r.read("public/"+p), "Secret") {
					t.Errorf("%s: %s still tells it", test.name, p)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if text := r.read(page); strings.Contains(text, "Openness") != others || !others && !strings.Contains(text, "<title>Weekly digest") {
				t.Errorf("%s: the issue's page is not right", test.name)
			}
		}
	}
}

// TestNextChange: the daemon wakes when a story begins or ceases to show by itself.
func TestNextChange(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.onlyItems("a.md", item("Already", "date: 2016-12-01\nexpires: 2016-12-19T15:00"), "b.md", item("Embargo", "date: 2016-12-01\npublish_at: 2016-12-19T12:00"),
		"c.md", item("Draft", "date: 2016-12-19T11:00\nstatus: draft"), "d.md", item("Far", "date: 2017-01-01"))
	shows := func() string {
		r.publish()
		s, feed := "", r.read("public/feeds/news.rss")
		for _, title := range []string{"Already", "Embargo", "Draft", "Far"} {
			if strings.Contains(feed, title) {
				s += title + " "
			}
		}
		return s
	}
	at := func(hour int) time.Time { return time.Date(2016, 12, 19, hour, 0, 0, 0, time.UTC) }
	tests := []struct {
		name  string // number and why
		now   time.Time
		shows string
		next  time.Time
	}{
		{"1 before the embargo ends; the draft costs a look too many at worst", monday, "Already ", at(11)},
		{"2 a draft does not show at its time", at(11), "Already ", at(12)},
		{"3 not a second before its time", at(12).Add(-time.Second), "Already ", at(12)},
		{"4 at its time it shows", at(12), "Already Embargo ", at(15)},
		{"5 what expires leaves the feeds", at(15), "Embargo ", time.Date(2017, 1, 1, 0, 0, 0, 0, time.UTC)},
		{"6 then nothing changes by itself", time.Date(2017, 1, 1, 0, 0, 0, 0, time.UTC), "Embargo Far ", time.Time{}},
	}
	for _, test := range tests {
		r.clock.Store(test.now.Unix())
		look, err := r.Look(t.Context())
		if err != nil || !look.NextChange.Equal(test.next) {
			t.Errorf("%s: the next change is at %v, %v, want %v", test.name, look.NextChange, err, test.next)
		}
		if got := shows(); got != test.shows {
			t.Errorf("%s: it shows %q, want %q", test.name, got, test.shows)
		}
	}
}

// TestAhead: what is dated in the future is not in the feeds until then, and is warned of.
func TestAhead(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.onlyItems("a.md", item("A", "date: 2016-12-01\nupdated: 2016-12-21\ncorrections: [{date: 2016-12-22, text: Second}, {date: 2016-12-05, text: First}]"))
	day := func(d int) time.Time { return time.Date(2016, 12, d, 0, 0, 0, 0, time.UTC) }
	tests := []struct {
		name     string // number and why
		now      time.Time
		updated  string // of the feeds and of the story
		second   bool   // the second correction is told
		next     time.Time
		warnings int
	}{
		{"1 only what is past counts", monday, "2016-12-05", false, day(21), 2},
		{"2 the same a second before", day(21).Add(-time.Second), "2016-12-05", false, day(21), 2},
		{"3 a change at its date", day(21), "2016-12-21", false, day(22), 1},
		{"4 a correction at its date", day(22), "2016-12-22", true, time.Time{}, 0},
	}
	for _, test := range tests {
		r.clock.Store(test.now.Unix())
		look, err := r.Look(t.Context())
		if err != nil || !look.NextChange.Equal(test.next) {
			t.Errorf("%s: the next change is at %v, %v, want %v", test.name, look.NextChange, err, test.next)
		}
		if problems := r.publish().Scan.AllProblems(); len(problems) != test.warnings {
			t.Errorf("%s: %v", test.name, problems)
		}
		atom, corrections := r.read("public/feeds/news.atom"), r.read("public/feeds/corrections.atom")
		if n := strings.Count(atom, "<updated>"+test.updated); n != 2 {
			t.Errorf("%s: %d dates are %s in\n%s", test.name, n, test.updated, atom)
		}
		for name, text := range map[string]string{"feed": corrections, "page": r.read("public/news/a/index.html")} {
			if !strings.Contains(text, "First") || strings.Contains(text, "Second") != test.second {
				t.Errorf("%s: the corrections in the %s are\n%s", test.name, name, text)
			}
		}
	}
	r.write("items/a.md", item("A", "date: 2016-12-30\nstatus: withdrawn"))
	r.pass(time.Hour)
	r.publish()
	if atom := r.read("public/feeds/news.atom"); strings.Contains(atom, "2016-12-30") || !strings.Contains(atom, "2016-12-22T01:00") {
		t.Errorf("of a withdrawn story that was put off:\n%s", atom)
	}
}

// TestLook: the print changes whenever publishing may give something else, and not otherwise.
func TestLook(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	const pic = "items/candle.png"
	tests := []struct {
		name   string // number and why
		change func()
		other  bool
	}{
		{"1 nothing happened", func() {}, false},
		{"2 time passes", func() { r.pass(time.Hour) }, false},
		{"3 it was published; it might have been by another process", func() { r.publish() }, true},
		{"4 a new item", func() { r.write("items/new.md", item("New", "date: 2016-12-20\nexpires: 2016-12-22")) }, true},
		{"5 its time has come", func() { r.clock.Store(monday.AddDate(0, 0, 1).Unix()) }, true},
		{"6 it has expired", func() { r.clock.Store(monday.AddDate(0, 0, 4).Unix()) }, true},
		{"7 it is corrected", func() { r.edit("items/new.md", "The text", "The better text") }, true},
		{"8 it is renamed", func() {
			if err := os.Rename(r.path("items/new.md"), r.path("items/newer.md")); err != nil {
				t.Fatal(err)
			}
		}, true},
		{"9 it goes", func() { r.remove("items/newer.md") }, true},
		{"10 a picture that a story shows", func() { r.write(pic, r.read(pic)+"x") }, true},
		{"11 a picture that none shows", func() { r.write("items/unused.png", "x") }, false},
		{"12 a hidden file", func() { r.write("items/.new.md.swp", "x") }, false},
		{"13 a file that is no item: a problem to tell", func() { r.write("items/story.docx", "x") }, true},
		{"14 a broken item", func() { r.write("items/broken.md", "---\ntitle: X\n---\n") }, true},
		{"15 an issue, which gets a page", func() { r.send(newsroom.Order{}, nil) }, true},
		{"16 nothing happened again", func() {}, false},
	}
	print := func() string { return must(r.Look(t.Context())).Print }
	for last, i := print(), 0; i < len(tests); i++ {
		tests[i].change()
		now := print()
		if (now != last) != tests[i].other {
			t.Errorf("%s: the print changed: %t", tests[i].name, now != last)
		}
		last = now
	}
}

// TestLookSettled: the daemon leaves a file alone that somebody may still be writing, and says that it has seen nothing yet.
func TestLookSettled(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.onlyItems("a.md", item("A", "date: 2016-12-01"))
	d := room{Newsroom: r.openAgain(true), t: t, dir: r.dir}
	look := must(d.Look(t.Context()))
	if !look.Pending || !look.First {
		t.Errorf("at first: %+v", look)
	}
	r.pass(2 * time.Second)
	settled := must(d.Look(t.Context()))
	if settled.Pending || settled.First || settled.Print == look.Print {
		t.Errorf("two seconds later: %+v", settled)
	}
	d.publish()
	r.write("items/b.md", item("B, as long as it is", "date: 2016-12-01"))
	if look := must(d.Look(t.Context())); !look.Pending || look.First {
		t.Errorf("with a new file: %+v", look)
	}
	d.publish()
	if feed := r.read("public/feeds/news.rss"); strings.Contains(feed, "as long as it is") {
		t.Error("the new file was taken at once")
	}
	r.pass(2 * time.Second)
	d.publish()
	if feed := r.read("public/feeds/news.rss"); !strings.Contains(feed, "as long as it is") {
		t.Error("the new file was not taken")
	}
}

// TestInventory: what became of each file, in words.
func TestInventory(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.onlyItems("a.md", item("A", "date: 2016-12-01\ntopics: [calais]"), "b.md", item("B", "date: 2016-12-01\nexpires: 2016-12-02"),
		"c.md", item("C", "date: 2016-12-20"), "d.md", item("D", "date: 2016-12-01\nstatus: draft"), "e.md", item("E", "date: soon"),
		"f.md", item("F", "date: 2016-12-01"), "g.md", item("G", "date: 2016-12-01"))
	r.send(newsroom.Order{}, nil)
	r.edit("items/f.md", "date: 2016-12-01", "date: soon")
	r.edit("items/g.md", "date:", "status: withdrawn\ndate:")
	r.write("items/h.md", item("H", "date: 2016-12-01"))
	want := []string{
		"items/a.md: published https://news.example.org/news/a/ [news topics/calais] [weekly-1]",
		"items/b.md: expired https://news.example.org/news/b/ [] []",
		"items/c.md: held until 2016-12-20 00:00  [] []",
		"items/d.md: draft  [] []",
		"items/e.md: error  [] []",
		"items/f.md: error: shown as it last was https://news.example.org/news/f/ [news] [weekly-1]",
		"items/g.md: withdrawn https://news.example.org/news/g/ [news] [weekly-1]",
		"items/h.md: new: not published yet  [] []",
	}
	lines := must(r.Inventory(t.Context()))
	if len(lines) != len(want) {
		t.Fatalf("%d lines, want %d", len(lines), len(want))
	}
	for i, l := range lines {
		got := l.File + ": " + l.State + " " + l.URL + " [" + strings.Join(l.Feeds, " ") + "] [" + strings.Join(l.Issues, " ") + "]"
		if got != want[i] {
			t.Errorf("%d: %s\nwant %s", i+1, got, want[i])
		}
	}
}

// TestInventoryFeeds: the feeds are those that readers have: not those that a story has left, nor those that hold it back.
func TestInventoryFeeds(t *testing.T) {
	t.Parallel()
	r := newRoom(t, "newsletters:", "feeds: {flood: 2, authors: true}\nnewsletters:")
	r.publish()
	r.edit("items/one.md", "date:", "expires: 2016-12-02\ndate:")
	r.write("items/four.md", item("Four", "date: 2016-12-04\nauthors: [{name: Ada Example}]\nevent: {start: 2016-12-24}"))
	for _, name := range []string{"old-1", "old-2", "old-3"} {
		r.write("items/"+name+".md", item(name, "date: 2016-11-01\ntopics: [calais]"))
	}
	if p := r.publish(); len(p.Spared) == 0 {
		t.Fatal("nothing was held back")
	}
	want := map[string]string{"four": "news authors/ada-example events", "one": "", "two": "news", "three": "news", "old-1": "topics/calais"}
	for _, l := range must(r.Inventory(t.Context())) {
		name := strings.TrimSuffix(path.Base(l.File), ".md")
		feeds, listed := want[name]
		if got := strings.Join(l.Feeds, " "); listed && got != feeds {
			t.Errorf("%s is said to be in %q, want %q", name, got, feeds)
		}
		delete(want, name)
	}
	if len(want) > 0 {
		t.Errorf("not listed: %v", want)
	}
	r.newIDs("two.md") // its feeds stay as they were, and hold it by the id of before
	r.publish()
	i := slices.IndexFunc(must(r.Inventory(t.Context())), func(l newsroom.Line) bool {
		return strings.HasSuffix(l.File, "two.md") && slices.Contains(l.Feeds, "news")
	})
	if i < 0 {
		t.Error("of a story with another id no feed is told")
	}
}

// TestOpenErrors: a newsroom that cannot be opened says why, and its files are left as they are.
func TestOpenErrors(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	if _, err := newsroom.Open(t.Context(), t.TempDir(), newsroom.Outside{}); !errors.Is(err, newsroom.ErrNone) {
		t.Errorf("1 an empty folder: %v", err)
	}
	if _, err := newsroom.Check(t.Context(), t.TempDir(), monday); !errors.Is(err, newsroom.ErrNone) {
		t.Errorf("2 an empty folder: %v", err)
	}
	r.edit("tidings.yaml", "title: IOM UK News", "titel: IOM UK News")
	var probs problem.List
	if _, err := newsroom.Open(t.Context(), r.dir, newsroom.Outside{}); !errors.As(err, &probs) || !strings.Contains(err.Error(), "titel") {
		t.Errorf("3 a misspelt key: %v", err)
	}
}

// TestCheck: every problem of every kind, and nothing is changed.
func TestCheck(t *testing.T) {
	t.Parallel()
	r := newSample(t)
	check := func() string { return must(newsroom.Check(t.Context(), r.dir, monday)).Sorted().Error() }
	if probs := must(newsroom.Check(t.Context(), r.dir, monday)); len(probs) > 0 {
		t.Errorf("the sample: %v", probs)
	}
	r.write("items/broken.md", "---\ntitle: X\n---\n")
	if err := os.Mkdir(r.path("templates"), 0o755); err != nil {
		t.Fatal(err)
	}
	r.write("templates/story.html", "{{.Titel}}")
	for _, want := range []string{"items/broken.md", "templates/story.html:1"} {
		if got := check(); !strings.Contains(got, want) {
			t.Errorf("%s does not name %s", got, want)
		}
	}
	if _, err := r.readDir("public"); err == nil {
		t.Error("it published")
	}
}

// TestParting: the link in a mail tells how one stands and changes nothing; leaving ends one subscription, once, and whoever
// left by it may come back by it.
func TestParting(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	id := r.subscriber("helene.lefevre@example.com")
	token := r.Keys.Unsubscribe("weekly", id)
	steps := []struct {
		name  string // number and why
		do    newsroom.Parting
		state string
	}{
		{"1 a look", r.Standing, "ask"},
		{"2 a look changes nothing", r.Standing, "ask"},
		{"3 leaving", r.Leave, "done"},
		{"4 leaving again", r.Leave, "left"},
		{"5 a look afterwards", r.Standing, "left"},
		{"6 coming back", r.Return, "back"},
		{"7 coming back again", r.Return, "back"},
		{"8 a look then", r.Standing, "ask"},
		{"9 leaving for good", r.Leave, "done"},
	}
	for _, step := range steps {
		got, err := step.do(t.Context(), token)
		if want := (newsroom.Parted{State: step.state, Returnable: step.state == "done" || step.state == "left", Newsletter: "Weekly digest", Address: "h…@example.com", Language: "fr"}); got != want || err != nil {
			t.Errorf("%s: %+v, %v, want %+v", step.name, got, err, want)
		}
	}
	if n := must(r.Subscribers.Count(t.Context(), "weekly")); n != 7 {
		t.Errorf("%d are left of 8", n)
	}
	for _, do := range []func(context.Context, string) (newsroom.Parted, error){r.Standing, r.Leave} {
		if _, err := do(t.Context(), token[:len(token)-1]); !errors.Is(err, subscribers.ErrToken) {
			t.Errorf("6 a link cut short: %v", err)
		}
		if _, err := do(t.Context(), r.Keys.Unsubscribe("weekly", 1)); !errors.Is(err, subscribers.ErrUnknown) {
			t.Errorf("7 nobody's link: %v", err)
		}
	}
}

// subscriber gives the id of who has this address.
func (r *room) subscriber(email string) int64 {
	r.t.Helper()
	for s, err := range r.Subscribers.List(r.t.Context(), subscribers.Filter{}) {
		if err == nil && s.Email == email {
			return s.ID
		}
	}
	r.t.Fatalf("%s is no subscriber", email)
	return 0
}

// TestEmptied: an items folder that held stories and is empty now changes nothing: neither what is public nor what is
// remembered. One story alone may be deleted.
func TestEmptied(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.publish()
	before, stories := r.read("public/feeds/news.rss"), r.gone()
	if err := os.Rename(r.path("items"), r.path("away")); err != nil {
		t.Fatal(err)
	}
	r.onlyItems()
	if p, err := r.Publish(t.Context()); !errors.Is(err, newsroom.ErrEmptied) || p.Changed() {
		t.Errorf("%+v, %v", p.Report, err)
	}
	if all, err := r.Send(t.Context(), newsroom.Order{Newsletter: "weekly"}); !errors.Is(err, newsroom.ErrEmptied) || len(all) != 0 {
		t.Errorf("sending: %+v, %v", all, err)
	}
	if r.read("public/feeds/news.rss") != before || r.gone() != stories {
		t.Errorf("something changed: %d stories are gone", r.gone())
	}
	r.onlyItems("one.md", r.read("away/one.md"))
	if p := r.publish(); p.Shown() != 3 { // two of three may be deleted, but not at once
		t.Errorf("%d stories show of one file", p.Shown())
	}
	r.pass(10*time.Minute + time.Second)
	if p := r.publish(); p.Shown() != 1 {
		t.Errorf("ten minutes later %d stories show of one file", p.Shown())
	}
	r.onlyItems()
	r.publish()
	r.pass(10*time.Minute + time.Second)
	if p := r.publish(); p.Shown() != 0 {
		t.Errorf("%d stories show of none", p.Shown())
	}
}

// gone counts the stories that are known to have no file any more.
func (r *room) gone() (n int) {
	r.t.Helper()
	if err := r.Ledger.DB.QueryRow(`SELECT COUNT(*) FROM stories WHERE gone <> 0`).Scan(&n); err != nil {
		r.t.Fatal(err)
	}
	return n
}

// TestLinks: a link to another item's file leads to its story if that shows. The files of items, and hidden ones, are never
// published, by whatever means an item names them.
func TestLinks(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.onlyItems("two.md", item("Two", "date: 2016-12-02"), "draft.md", item("Hush", "status: draft\ndate: 2016-12-02"),
		"later.md", item("Hush", "date: 2017-12-02"), ".secret.png", "Hush", "~$minutes.docx", "Hush", "plan.pdf", "a plan",
		"one.md", item("One", "date: 2016-12-01\nimage: {src: .secret.png, alt: x}\nimages: [{src: draft.md, alt: x}]\n"+
			`attachments: [{src: draft.md}, {src: two.md}, {src: "~$minutes.docx"}, {src: plan.pdf}]`)+
			"\n[shown](two.md#end) [drafted](draft.md) [held](later.md) [hidden](.secret.png) ![two](two.md) ![draft](draft.md)\n")
	r.publish()
	page := r.read("public/news/one/index.html")
	for _, test := range []struct {
		name, text string // number and why
		has        bool
	}{
		{"1 to a story that shows", `href="/news/two/`, true},
		{"2 to a draft: the words alone", "drafted", true},
		{"3 no link to it", "draft.md", false},
		{"4 to what is held: the words alone", "held", true},
		{"5 no link to it", "later", false},
		{"6 a picture that is an item is none", `alt="two"`, false},
		{"7 nor is a hidden one a picture", "secret.png\" alt", false},
	} {
		if strings.Contains(page, test.text) != test.has {
			t.Errorf("%s: %q is in it: %t\n%s", test.name, test.text, !test.has, page)
		}
	}
	media, err := r.readDir("public/media")
	if err != nil || len(media) != 1 || !strings.HasSuffix(media[0].Name(), "-plan.pdf") {
		t.Errorf("published were %v, %v, and not just the plan", media, err)
	}
}

// TestOneDate: of stories of one date the one that came last is first, in the index and in the feed, also for another process.
func TestOneDate(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.onlyItems()
	var want []string
	for _, title := range []string{"Eel", "Ape", "Dog", "Bee", "Cat"} {
		r.write("items/"+title+".md", item(title, "date: 2016-12-01"))
		r.publish()
		r.pass(time.Minute)
		want = append([]string{title}, want...)
	}
	again := room{Newsroom: r.openAgain(false), t: t}
	if p := again.publish(); p.Changed() {
		t.Errorf("another process: %+v", p.Report)
	}
	for _, file := range []string{"public/index.html", "public/feeds/news.rss"} {
		var got []string
		for _, m := range regexp.MustCompile(`/news/([a-z]{3})/`).FindAllStringSubmatch(r.read(file), -1) {
			got = append(got, strings.ToUpper(m[1][:1])+m[1][1:])
		}
		if got = slices.Compact(got); !slices.Equal(got, want) {
			t.Errorf("%s has %q, want %q", file, got, want)
		}
	}
}

// TestPictureBeingWritten: the daemon shows no picture by half: a new story waits for its picture, and one that shows keeps its
// old one until the new one is complete, also when something else is published meanwhile.
func TestPictureBeingWritten(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.onlyItems("a.md", item("A", "date: 2016-12-01\nimage: {src: a.svg, alt: x}"), "a.svg", drawing("half"))
	d := room{Newsroom: r.openAgain(true), t: t, dir: r.dir}
	step := func(name, picture, want string) {
		t.Helper()
		if picture != "" {
			r.write("items/a.svg", drawing(picture))
			now := r.now()
			if err := os.Chtimes(r.path("items/a.svg"), now, now); err != nil {
				t.Fatal(err)
			}
		}
		d.publish()
		if want != "" {
			want = drawing(want)
		}
		if got := d.shown(); got != want {
			t.Errorf("%s: it shows %q, want %q", name, got, want)
		}
	}
	step("1 the item is new", "", "")
	r.pass(2 * time.Second)
	step("2 its picture is being written", "ha", "")
	r.pass(time.Second)
	step("3 still", "half", "")
	r.pass(2 * time.Second)
	step("4 it has settled", "", "half")
	step("5 another is being written", "ne", "half")
	r.write("items/b.md", item("B", "date: 2016-12-01"))
	d.publish()
	r.pass(1500 * time.Millisecond)
	step("6 still, when another story is published", "new", "half")
	if feed := r.read("public/feeds/news.rss"); !strings.Contains(feed, "<title>B</title>") {
		t.Error("the other story was not published")
	}
	r.pass(2 * time.Second)
	step("7 it has settled", "", "new")
}

// drawing is a picture that says something.
func drawing(says string) string { return `<svg xmlns="http://www.w3.org/2000/svg">` + says + `</svg>` }

// shown gives the content of the one picture that pages show; "" if there is none.
func (r *room) shown() string {
	r.t.Helper()
	page, err := os.ReadFile(r.path("public/news/a/index.html"))
	if err != nil {
		return ""
	}
	m := regexp.MustCompile(`src="/(media/[^"]+)"`).FindStringSubmatch(string(page))
	if m == nil {
		return "a page without a picture"
	}
	return r.read("public/" + m[1])
}

// TestNameAgain: when a story was withdrawn since its file was deleted, a file of its name brings it back; one of another date is another story,
// which readers get as new, be it in another format and with an error or without its picture at first.
func TestNameAgain(t *testing.T) {
	t.Parallel()
	const column = "Job openings"
	for _, test := range []struct {
		name  string // number and why
		after time.Duration
		texts []string // of the file that comes then, one after the other
		file  string
		same  bool
	}{
		{"1 another date", time.Hour, []string{item(column, "date: 2016-12-08")}, "jobs.md", false},
		{"2 with an error at first", time.Hour, []string{item(column, "dat: 2016-12-08"), item(column, "date: 2016-12-08")}, "jobs.md", false},
		{"3 in another format", time.Hour, []string{"title: " + column + "\ndate: 2016-12-08\nbody: x\n"}, "jobs.yaml", false},
		{"4 waiting for its picture", time.Hour, []string{item(column, "date: 2016-12-08\nimage: {src: gone.png, alt: x}")}, "jobs.md", false},
		{"5 the same file", time.Hour, []string{item(column, "date: 2016-12-01")}, "jobs.md", true},
		{"6 another text", time.Hour, []string{item("Jobs", "date: 2016-12-01")}, "jobs.md", true},
		{"7 with an error at first", time.Hour, []string{item("Jobs", "dat: 2016-12-01"), item("Jobs", "date: 2016-12-01")}, "jobs.md", true},
		{"8 another date, before it was withdrawn", time.Minute, []string{item(column, "date: 2016-12-08")}, "jobs.md", true},
	} {
		r := newRoom(t)
		r.onlyItems("jobs.md", item(column, "date: 2016-12-01"), "b.md", item("B", "date: 2016-12-02"))
		r.Newsroom = r.openAgain(true)
		settle := func() { // as the daemon does: twice, for files to settle, and when a story has waited enough
			for _, d := range []time.Duration{time.Second, 3 * time.Second, 3 * time.Second} {
				r.pass(d)
				r.publish()
			}
		}
		guid := func() string {
			_, entry, _ := strings.Cut(r.read("public/feeds/news.rss"), "Job")
			return between(entry, "<guid", "</guid>")
		}
		settle()
		before := guid()
		r.remove("items/jobs.md")
		settle()
		r.pass(test.after)
		settle()
		for _, text := range test.texts {
			r.write("items/"+test.file, text)
			settle()
		}
		r.pass(10 * time.Minute)
		settle()
		if now := guid(); before == "" || now == "" || (now == before) != test.same {
			t.Errorf("%s: it is published as %s, and was as %s:\n%s", test.name, now, before, r.read("public/feeds/news.rss"))
		}
	}
}

package newsroom_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"tidings/newsroom"
)

// anyID finds the ids of stories.
var anyID = regexp.MustCompile(`tag:news\.example\.org,\d{4}:[a-z2-7]{16}(-\d+)?`)

// bearing are the files under public/ that bear ids, with their bytes. Calendars are unfolded.
func (r *room) bearing() map[string]string {
	r.t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(r.path("public"), func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(p)
		name, _ := filepath.Rel(r.path("public"), p)
		if text := strings.NewReplacer("\r\n ", "", `\,`, ",").Replace(string(b)); anyID.MatchString(text) || strings.HasPrefix(name, "feeds/") && filepath.Ext(name) != ".html" {
			all[name] = text
		}
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return all
}

// ids are those in the files under public/.
func (r *room) ids() map[string]bool {
	r.t.Helper()
	ids := map[string]bool{}
	for _, text := range r.bearing() {
		for _, id := range anyID.FindAllString(text, -1) {
			ids[id] = true
		}
	}
	return ids
}

// same wants the files to be as they were, but for those whose names hold one of these words.
func (r *room) same(step string, before map[string]string, but ...string) {
	r.t.Helper()
	now := r.bearing()
	for name, text := range before {
		differs := now[name] != text
		for _, word := range but {
			differs = differs && !strings.Contains(name, word)
		}
		if differs {
			r.t.Errorf("%s: %s changed", step, name)
		}
	}
	for id := range r.ids() {
		if !strings.Contains(fmt.Sprint(before), id) && len(but) == 0 {
			r.t.Errorf("%s: there is a new id, %s", step, id)
		}
	}
}

// newIDs has the database lost, and files renamed so that their pages stay and their ids do not: those with these names.
func (r *room) newIDs(names ...string) {
	r.t.Helper()
	if err := r.Close(); err != nil {
		r.t.Fatal(err)
	}
	if err := os.RemoveAll(r.path("state")); err != nil {
		r.t.Fatal(err)
	}
	for _, name := range names {
		if err := os.Rename(r.path("items/"+name), r.path("items/2016-01-01-"+name)); err != nil {
			r.t.Fatal(err)
		}
	}
	r.Newsroom = r.openAgain(false)
}

// TestChangedIDs: the database is lost, and stories would get other ids. Whatever bears ids stays as it was, again and again, until it is
// forced; what has nothing to do with those stories goes on.
func TestChangedIDs(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	event := "\nevent: {start: 2017-02-01T10:00}"
	r.onlyItems("talk.md", item("Talk", "date: 2016-10-05\ntopics: [a]"+event), "fete.md", item("Fete", "date: 2016-12-05"+event),
		"wrong.md", item("Wrong", "date: 2016-11-05\ncorrections: [{date: 2016-11-06, text: A figure}]"),
		"plain.md", item("Plain", "date: 2016-09-05\ntopics: [b]"), "secret.md", item("Secret", "date: 2016-10-06\ntopics: [a]"))
	r.publish()
	before := r.bearing()
	for _, name := range []string{"feeds/news.atom", "feeds/corrections.rss", "feeds/events.ics", "news/talk/event.ics", "feeds/news/archive/2016-10.json", "feeds/topics/a.rss"} {
		if before[name] == "" {
			t.Fatalf("there is no %s", name)
		}
	}
	r.newIDs("talk.md", "wrong.md", "secret.md")
	for i := range 3 {
		p := r.publish()
		if err := p.Complaints(); i < 2 && (!errors.Is(err, newsroom.ErrChangedIDs) || !strings.Contains(err.Error(), "was published as tag:news.example.org,2016:")) {
			t.Errorf("publication %d: %v", i+1, err)
		}
		r.same(fmt.Sprint("publication ", i+1), before)
		r.Newsroom = r.openAgain(false)
	}
	if got := must(r.Outlook(t.Context())); got.New+got.Updated+got.Withdrawn != 0 || len(got.Spared) != 1 {
		t.Errorf("%+v would be seen", got)
	}

	r.write("items/new.md", item("Newness", "date: 2016-12-18\ntopics: [b]"))
	r.publish()
	r.same("a fresh story", before, "topics/b.", "2016-12")
	if !strings.Contains(r.read("public/feeds/topics/b.rss"), "Newness") || !strings.Contains(r.read("public/news/new/index.html"), "Newness") {
		t.Error("a fresh story does not come into a feed that has nothing to do with it")
	}

	r.edit("items/2016-01-01-secret.md", "date:", "status: withdrawn\ndate:")
	r.publish()
	for name, text := range r.bearing() {
		if strings.Contains(text, "text of Secret") {
			t.Errorf("withdrawn meanwhile: %s still tells it", name)
		}
		for _, id := range anyID.FindAllString(text, -1) {
			if !strings.Contains(fmt.Sprint(before), id) && !strings.Contains(r.read("public/feeds/topics/b.rss"), id) {
				t.Errorf("withdrawn meanwhile: %s bears a new id, %s", name, id)
			}
		}
	}
	if text := r.read("public/feeds/events.ics"); !strings.Contains(text, "Talk") {
		t.Errorf("the calendar changed, too:\n%s", text)
	}

	r.force()
	if p := r.publish(); p.Complaints() != nil || p.Changed() {
		t.Errorf("after that: %v, %+v", p.Complaints(), p.Report)
	}
	if ids := r.ids(); len(ids) != 6 || strings.Contains(before["feeds/events.ics"], anyID.FindString(r.bearing()["news/talk/event.ics"])) {
		t.Errorf("by force: %d ids", len(ids))
	}
}

// TestChangedIDsInArchive: the same of a story that only the archive names.
func TestChangedIDsInArchive(t *testing.T) {
	t.Parallel()
	r := newRoom(t, "newsletters:", "feeds: {limit: 1}\nnewsletters:")
	r.onlyItems("old.md", item("Old", "date: 2016-10-05"), "older.md", item("Older", "date: 2016-10-04"), "new.md", item("New", "date: 2016-12-05"))
	r.publish()
	before := r.bearing()
	r.newIDs("old.md", "older.md")
	for i := range 2 {
		if err := r.publish().Complaints(); i == 0 && !errors.Is(err, newsroom.ErrChangedIDs) {
			t.Error(err)
		}
		r.same(fmt.Sprint("publication ", i+1), before)
		r.Newsroom = r.openAgain(false)
	}
	r.write("items/newer.md", item("Newer", "date: 2016-12-06"))
	if err := r.publish().Complaints(); !errors.Is(err, newsroom.ErrChangedIDs) {
		t.Error(err)
	}
	if got := r.titles("news"); len(got) != 1 || got[0] != "Newer" {
		t.Errorf("the live feed, which does not name it, holds %q", got)
	}
	r.remove("public/feeds/news/archive/2016-10.rss")
	r.edit("items/2016-01-01-old.md", "date:", "status: erased\ndate:")
	r.Newsroom = r.openAgain(false)
	r.publish()
	r.without("erased meanwhile", "The text of Old.")
	for _, ext := range []string{"rss", "atom", "json"} {
		if text := r.read("public/feeds/news/archive/2016-10." + ext); anyID.MatchString(text) {
			t.Errorf("what was made anew names %s:\n%s", anyID.FindString(text), text)
		}
	}
}

// TestLostAndTakenBack: what is withdrawn or deleted while the database is lost goes from what stays as it was, too, and with it its pages,
// its calendar, its picture and the feed that only it was in. What others put there stays.
func TestLostAndTakenBack(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string // number and why
		change func(r *room)
	}{
		{"1 withdrawn", func(r *room) { r.edit("items/2016-01-01-secret.md", "date:", "status: withdrawn\ndate:") }},
		{"2 erased", func(r *room) { r.edit("items/2016-01-01-secret.md", "date:", "status: erased\ndate:") }},
		{"3 deleted", func(r *room) { r.remove("items/2016-01-01-secret.md") }},
	} {
		r := newRoom(t)
		r.onlyItems("secret.md", item("Secret", "date: 2016-12-05\ntopics: [hidden]\nimage: {src: secret.png, alt: It}\nevent: {start: 2017-02-01T10:00}"),
			"secret.png", plainPicture(t, 20), "one.md", item("One", "date: 2016-12-04"), "two.md", item("Two", "date: 2016-12-03"))
		r.publish()
		others := map[string]string{"public/news/mine/index.html": `<a href="https://news.example.org/news/mine/">Secret</a>`, "public/media/secret.txt": "Secret",
			"public/news/secret/secret.ics": "Secret"}
		for name, text := range others {
			_ = os.MkdirAll(filepath.Dir(r.path(name)), 0o755) // else it cannot be written
			r.write(name, text)
		}
		if err := os.Mkdir(r.path("public/news/locked"), 0); err != nil {
			t.Fatal(err)
		}
		r.newIDs("secret.md", "one.md")
		test.change(r)
		r.publish()
		if err := os.Remove(r.path("public/news/locked")); err != nil {
			t.Fatal(err)
		}
		for _, place := range r.holding("secret") {
			if name := strings.TrimPrefix(place, "/"); strings.HasPrefix(name, "public/") && others[name] == "" {
				t.Errorf("%s: %s still tells it", test.name, name)
			}
		}
		for name := range others {
			r.read(name)
		}
		if got := strings.Join(r.titles("news"), ", "); got != "Two" {
			t.Errorf("%s: the feed has %q", test.name, got)
		}
	}
}

// TestLostAndBare: the database is lost, and the items folder is not mounted. All stays as it is, until it is; stories that would have other
// ids then are known.
func TestLostAndBare(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.onlyItems("old.md", item("Old", "date: 2016-10-05"), "new.md", item("New", "date: 2016-12-05"))
	r.publish()
	before := r.bearing()
	r.newIDs("old.md")
	if err := os.Rename(r.path("items"), r.path("away")); err != nil {
		t.Fatal(err)
	}
	r.onlyItems()
	for range 2 {
		if p, err := r.Publish(t.Context()); !errors.Is(err, newsroom.ErrEmptied) || p.Changed() {
			t.Errorf("without items: %v, %+v", err, p.Report)
		}
	}
	if probs := must(newsroom.Check(t.Context(), r.dir, r.now())); !strings.Contains(probs.Error(), "lacks most of the stories") {
		t.Errorf("check says %v", probs)
	}
	r.same("without items", before)
	if err := errors.Join(os.Remove(r.path("items")), os.Rename(r.path("away"), r.path("items"))); err != nil {
		t.Fatal(err)
	}
	if err := r.publish().Complaints(); !errors.Is(err, newsroom.ErrChangedIDs) {
		t.Error(err)
	}
	r.same("with them", before)
}

// TestVersionTakenBackFromWhatStays: an entry leads to its versions in other languages by their titles. If one is taken back, a feed that has
// the entry does not stay as it was.
func TestVersionTakenBackFromWhatStays(t *testing.T) {
	t.Parallel()
	for _, status := range []string{"withdrawn", "erased"} {
		r := newRoom(t)
		r.onlyItems("talk.md", item("Talk", "date: 2016-12-05"), "talk.de.md", item("Geheimnis", "date: 2016-12-05"), "one.md", item("One", "date: 2016-12-04"))
		r.publish()
		r.newIDs("one.md")
		r.publish()
		if !strings.Contains(r.read("public/feeds/news.atom"), "Geheimnis") {
			t.Fatal("the entry does not name its version")
		}
		r.edit("items/talk.de.md", "date:", "status: "+status+"\ndate:")
		for range 2 {
			r.publish()
			for _, place := range r.holding("geheimnis") {
				if strings.HasPrefix(place, "public/feeds/") && (status == "erased" || strings.Contains(r.read(place), "Geheimnis")) {
					t.Errorf("%s: %s still tells it", status, place)
				}
			}
			r.Newsroom = r.openAgain(false)
		}
	}
}

// TestLostAndRenamed: the database is lost, and files are renamed so that their pages, too, would be others. Readers keep what they have
// until it is forced; of stories that are taken back nothing stays.
func TestLostAndRenamed(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	event := "\nevent: {start: 2017-02-01T10:00}"
	r.onlyItems("talk.md", item("Talk", "date: 2016-10-05\ntopics: [a]"+event), "wrong.md", item("Wrong", "date: 2016-11-05\ntopics: [a]"),
		"plain.md", item("Plain", "date: 2016-09-05\ntopics: [b]"))
	r.publish()
	before := r.bearing()
	delete(before, "news/talk/event.ics") // it goes with its page
	r.newIDs()
	rename := func(from, to string) {
		if err := os.Rename(r.path("items/"+from), r.path("items/"+to)); err != nil {
			t.Fatal(err)
		}
	}
	rename("talk.md", "speech.md")
	for i := range 3 {
		p := r.publish()
		if err := p.Complaints(); i < 2 && (!errors.Is(err, newsroom.ErrChangedIDs) || !strings.Contains(err.Error(), "/news/speech/ was published as tag:")) {
			t.Errorf("publication %d: %v", i+1, err)
		}
		r.same(fmt.Sprint("publication ", i+1), before)
		r.Newsroom = r.openAgain(false)
	}

	r.edit("items/speech.md", "date:", "status: withdrawn\ndate:")
	r.publish()
	for name, text := range r.bearing() {
		if strings.Contains(text, "text of Talk") {
			t.Errorf("withdrawn meanwhile: %s still tells it", name)
		}
	}
	if got := strings.Join(r.titles("news"), ", "); !strings.Contains(got, "Plain") || !strings.Contains(got, "Wrong") {
		t.Errorf("the feed has %q", got)
	}

	r.newIDs()
	rename("wrong.md", "right.md")
	if err := r.publish().Complaints(); !errors.Is(err, newsroom.ErrChangedIDs) {
		t.Error(err)
	}
	r.force()
	if err := r.publish().Complaints(); err != nil || !strings.Contains(r.read("public/feeds/news.json"), "/news/right/") {
		t.Errorf("by force: %v", err)
	}
}

// TestLostAndTwins: stories of one title and date cannot be told apart when their files were renamed while the database was lost. What is taken
// back goes then, and so does what a file of that title might be meant to take the place of.
func TestLostAndTwins(t *testing.T) {
	t.Parallel()
	for _, status := range []string{"withdrawn", "erased", "draft"} {
		r := newRoom(t)
		secret := "date: 2016-10-05\nsummary: The secret.\nevent: {start: 2017-02-01T10:00}"
		r.onlyItems("u1.md", item("Update", secret), "u2.md", item("Update", "date: 2016-10-05"), "one.md", item("One", "date: 2016-12-01"))
		r.publish()
		if len(r.holding("secret")) == 0 {
			t.Fatal("it was not published")
		}
		r.newIDs()
		for _, name := range []string{"1.md", "2.md"} {
			if err := os.Rename(r.path("items/u"+name), r.path("items/v"+name)); err != nil {
				t.Fatal(err)
			}
		}
		r.edit("items/v1.md", "date:", "status: "+status+"\ndate:")
		r.publish()
		for _, place := range r.holding("secret") {
			if strings.HasPrefix(strings.TrimPrefix(place, "/"), "public/") {
				t.Errorf("%s: %s still tells it", status, place)
			}
		}
		r.Newsroom = r.openAgain(false)
		r.publish()
	}
}

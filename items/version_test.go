package items_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"tidings/items"
)

// dateless is an item of these keys without a date, as a version of another may be.
func dateless(title, keys string) string {
	return "---\ntitle: " + title + "\n" + keys + "---\nThe text.\n"
}

// tongues lists the files' languages, and what each is a version of.
func tongues(scan items.Scan) string {
	var out []string
	for _, f := range scan.Files {
		s := f.Path + "="
		if f.Item != nil {
			s += f.Item.Language
		}
		if f.Of != "" {
			s += "<" + f.Of
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

var newYear = time.Date(2016, 1, 1, 9, 0, 0, 0, time.UTC)

// TestVersionNames: which files are versions of which story, by their names, and what is said of those that seem to be and are not.
func TestVersionNames(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string   // number and why
		files []string // name, keys, name, keys
		want  string
		said  string
	}{
		{"1 a version", []string{"a.md", "", "a.fr.md", ""}, "a.fr.md=fr<a.md a.md=en", ""},
		{"2 of a story in another format", []string{"a.markdown", "", "a.fr.md", ""}, "a.fr.md=fr<a.markdown a.markdown=en", ""},
		{"3 as people write tags", []string{"a.md", "", "a.PT_br.md", "", "a.zh-hans.md", ""}, "a.PT_br.md=pt-BR<a.md a.md=en a.zh-hans.md=zh-Hans<a.md", ""},
		{"4 what is no language", []string{"a.md", "", "a.v2.md", "", "a.final.md", "", "a.1.md", ""}, "a.1.md=en a.final.md=en a.md=en a.v2.md=en", ""},
		{"5 words that are codes, too", []string{"a.md", "", "a.new.md", "", "a.old.md", "", "a.fin.md", "", "a.mar.md", ""},
			"a.fin.md=en a.mar.md=en a.md=en a.new.md=en a.old.md=en", ""},
		{"6 unless the file says so", []string{"a.md", "", "a.rhg.md", "language: rhg\n"}, "a.md=en a.rhg.md=rhg<a.md", ""},
		{"7 without a file of its own the story is that in the newsroom's language", []string{"a.en.md", "", "a.fr.md", ""}, "a.en.md=en a.fr.md=fr<a.en.md", ""},
		{"8 without that there is none to borrow from", []string{"a.de.md", "", "a.fr.md", ""}, "a.de.md=de a.fr.md=fr", ""},
		{"9 of one folder", []string{"a.md", "", "x/a.fr.md", ""}, "a.md=en x/a.fr.md=fr",
			"items/x/a.fr.md: warning: by its name it is a story in fr that has no file in another language: it stands alone\n"},
		{"10 two formats are two stories, as ever", []string{"a.md", "", "a.markdown", ""}, "a.markdown=en a.md=en", ""},
		{"11 the language in the file agrees", []string{"a.md", "", "a.fr.md", "language: FR\n"}, "a.fr.md=fr<a.md a.md=en", ""},
		{"12 it does not", []string{"a.md", "", "a.fr.md", "language: de\n"}, "a.fr.md=<a.md a.md=en", "items/a.fr.md:4: error: language: it is de here, and fr in the file's name\n"},
		{"13 the file knows better where it is no version", []string{"a.md", "", "minutes.no.md", "language: en\n"}, "a.md=en minutes.no.md=en", ""},
		{"14 two of one language", []string{"a.md", "", "a.fr.md", "", "a.fr.markdown", ""}, "a.fr.markdown=fr<a.md a.fr.md= a.md=en",
			"items/a.fr.md: error: items/a.fr.markdown is the same story in the same language, fr\n"},
		{"15 the story itself is in that language", []string{"a.md", "language: fr\n", "a.fr.md", ""}, "a.fr.md= a.md=fr",
			"items/a.fr.md: error: items/a.md is the same story in the same language, fr\n"},
		{"16 in no case but that of letters", []string{"a.md", "", "a.fr.md", "", "a.FR.md", ""}, "a.FR.md=fr<a.md a.fr.md= a.md=en",
			"items/a.fr.md: error: items/a.FR.md is the same story in the same language, fr\n"},
		{"17 a slip in the name", []string{"story.md", "", "stroy.fr.md", ""}, "story.md=en stroy.fr.md=fr",
			"items/stroy.fr.md: warning: by its name it is a story in fr that has no file in another language: it stands alone\n"},
		{"18 a newsroom that always names the language", []string{"a.en.md", "", "b.fr.md", ""}, "a.en.md=en b.fr.md=fr", ""},
	} {
		p := newPress(t)
		for i := 0; i < len(test.files); i += 2 {
			p.write(test.files[i], item(fmt.Sprint("Story ", i), test.files[i+1]))
		}
		scan := p.take()
		_, probs := items.Known{}.Match(scan.Files, newYear)
		if got, said := tongues(scan), told(t, append(scan.AllProblems(), probs...)); got != test.want || said != test.said {
			t.Errorf("%s: got %s, want %s\nsaid %swant %s", test.name, got, test.want, said, test.said)
		}
	}
}

// TestVersionHint: the hint of a slip names the file that was meant.
func TestVersionHint(t *testing.T) {
	p := newPress(t)
	p.write("2015-12-21-story.md", item("A", ""))
	p.write("2015-12-21-stroy.pt_BR.md", item("B", ""))
	if _, probs := (items.Known{}).Match(p.take().Files, newYear); len(probs) != 1 || probs[0].Hint != "did you mean 2015-12-21-story.pt_BR.md?" {
		t.Errorf("got %v", probs)
	}
}

// TestBorrowed: what a version has from the story's own file, what it does not, and that its own word counts.
func TestBorrowed(t *testing.T) {
	t.Parallel()
	const keys = "date: 2016-01-02\npublish_at: 2016-01-02T10:00\nexpires: 2016-02-01\ntopics: [calais]\nauthors: [{name: Ada}]\ncontacts: [{role: Desk}]\n" +
		"image: {src: https://example.org/a.png, alt: A}\nimages: [{src: https://example.org/b.png, alt: B}]\nevent: {start: 2016-03-01}\nnewsletter: lead\nrights: © IOM\n" +
		"summary: Short.\nkicker: Release\nplace: London\nrelated: [https://example.org/]\nattachments: [{src: https://example.org/a.pdf}]\nlink: https://example.org/\n" +
		"source: {title: Blog}\nupdated: 2016-01-03\ncorrections: [{date: 2016-01-03, text: Mended.}]\n"
	p := newPress(t)
	p.write("a.md", dateless("A", keys))
	p.write("a.fr.md", dateless("Le A", ""))
	p.write("a.de.md", dateless("Das A", strings.NewReplacer("2016-0", "2017-0", "calais", "diaspora", "Ada", "Bob", "Desk", "Amt", "lead", "skip", "IOM", "IOM DE", "a.png", "c.png").Replace(keys)))
	p.write("a.es.md", dateless("El A", "date: 2016-01-01\n"))
	by := map[string]*items.Item{}
	scan := p.take()
	for _, f := range scan.Files {
		by[f.Path] = f.Item
	}
	if probs := told(t, scan.AllProblems()); probs != "" {
		t.Fatal(probs)
	}
	own, fr, de, es := by["a.md"], *by["a.fr.md"], by["a.de.md"], by["a.es.md"]
	lent := func(it *items.Item) string {
		return fmt.Sprint(it.Date, it.PublishAt, it.Expires, it.Topics, it.Authors, it.Contacts, it.Image.Src, len(it.Images), it.Event.Start, it.Newsletter, it.Rights)
	}
	if lent(&fr) != lent(own) {
		t.Errorf("it has %s, want %s", lent(&fr), lent(own))
	}
	if fr.Summary+fr.Kicker+fr.Place+fr.Link != "" || fr.Related != nil || fr.Attachments != nil || fr.Source != nil || !fr.Updated.IsZero() || fr.Corrections != nil {
		t.Errorf("it has words of another language: %+v", fr)
	}
	if got, want := lent(de), strings.NewReplacer("2016-0", "2017-0", "calais", "diaspora", "Ada", "Bob", "Desk", "Amt", "lead", "skip", "IOM", "IOM DE", "a.png", "c.png").Replace(lent(own)); got != want {
		t.Errorf("its own word does not count: %s, want %s", got, want)
	}
	if !es.PublishAt.IsZero() || es.Date.Time.Day() != 1 {
		t.Errorf("with a date of its own it has the other's embargo: %v", es.PublishAt)
	}
	before := fr.Version
	p.write("a.md", dateless("Another title", keys))
	if after := p.item("a.fr.md").Version; after != before {
		t.Error("a new title of the story's own file is a change of the version")
	}
	p.write("a.md", dateless("A", strings.Replace(keys, "calais", "diaspora", 1)))
	if it := p.item("a.fr.md"); it.Version == before || it.Topics[0] != "diaspora" {
		t.Errorf("a new topic of the story's own file is none of the version: %v", it.Topics)
	}
}

// item is what lies at a path now.
func (p *press) item(path string) *items.Item {
	p.Helper()
	for _, f := range p.take().Files {
		if f.Path == path && f.Item != nil {
			return f.Item
		}
	}
	p.Fatalf("there is no %s", path)
	return nil
}

// TestVersionWaits: a version of a story whose own file has an error, is still being written, or is gone.
func TestVersionWaits(t *testing.T) {
	t.Parallel()
	p := newPress(t)
	now := time.Date(2016, 1, 1, 9, 0, 0, 0, time.UTC)
	for _, step := range []struct {
		name  string // number and why
		do    func()
		after time.Duration
		want  string
		said  string
	}{
		{"1 both have just come", func() {
			p.write("a.md", item("A", "image: {src: a.png, alt: A}\n"))
			p.write("a.fr.md", dateless("Le A", "image: {src: b.png, alt: B}\n"))
		}, 0, "a.fr.md? a.md?", ""},
		{"2 a picture of the story is being written", func() {
			p.write("a.png", "x")
			p.write("b.png", "x")
			p.touch("a.png", now.Add(2*time.Second))
		}, 2 * time.Second, "a.fr.md? a.md?", ""},
		{"3 all is there", func() {}, 2 * time.Second, "a.fr.md=Le A a.md=A", ""},
		{"4 an error in the story's own file", func() { p.write("a.md", item("A", "titel: x\n")) }, 0, "a.fr.md=Le A a.md=A", ""},
		{"5 that has settled", func() {}, 2 * time.Second, "a.fr.md? a.md?",
			"items/a.md:4: error: unknown key \"titel\"\nitems/a.fr.md: error: it waits for items/a.md, whose story it is a version of and which has an error\n"},
		{"6 mended", func() { p.write("a.md", item("A2", "")) }, 0, "a.fr.md? a.md?", ""},
		{"7 and settled", func() {}, 2 * time.Second, "a.fr.md=Le A a.md=A2", ""},
		{"8 missed for a moment", func() { p.rename("a.md", "gone") }, 0, "a.fr.md=Le A a.md=A2", ""},
		{"9 gone: then a date is missing", func() {}, 2 * time.Second, "a.fr.md?", "items/a.fr.md:2: error: date: it is missing\n"},
	} {
		step.do()
		now = now.Add(step.after)
		scan, err := p.folder.TakeSettled(t.Context(), now)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range scan.Files {
			if f.Item == nil {
				got = append(got, f.Path+"?")
			} else {
				got = append(got, f.Path+"="+f.Item.Title)
			}
		}
		said := ""
		if step.said != "" {
			said = told(t, scan.AllProblems())
		}
		if strings.Join(got, " ") != step.want || said != step.said {
			t.Errorf("%s: got %s, want %s\nsaid %swant %s", step.name, got, step.want, said, step.said)
		}
	}
}

// works lists which stories are versions of one: their paths, those of one story together.
func works(stories map[string]items.Story) string {
	by := map[string][]string{}
	for path, s := range stories {
		if s.Item != nil && s.Item.Version.Work != "" {
			by[s.Item.Version.Work] = append(by[s.Item.Version.Work], path)
		}
	}
	var out []string
	for _, paths := range by {
		slices.Sort(paths)
		out = append(out, strings.Join(paths, "+"))
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// TestWorks publishes a story in two languages beside others, lets staff do something, and publishes again: all keep their ids, and it
// is remembered which are versions of one story.
func TestWorks(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string // number and why
		do    func(r *room)
		names string
		works string
	}{
		{"1 nothing happens", func(*room) {}, "a.fr.md=a-fr a.md=a b.md=b c.fr.md=c-fr", "a.fr.md+a.md"},
		{"2 renamed together", func(r *room) { r.rename("a.md", "x/z.md"); r.rename("a.fr.md", "x/z.fr.md") }, "b.md=b c.fr.md=c-fr x/z.fr.md=a-fr x/z.md=a", "x/z.fr.md+x/z.md"},
		{"3 a version more", func(r *room) { r.write("a.de.md", dateless("Das A", "")) }, "a.de.md=a-de a.fr.md=a-fr a.md=a b.md=b c.fr.md=c-fr", "a.de.md+a.fr.md+a.md"},
		{"4 the story's own file goes", func(r *room) { r.remove("a.md") }, "a.fr.md=a-fr b.md=b c.fr.md=c-fr", "a.fr.md"},
		{"5 and the other is edited", func(r *room) { r.remove("a.md"); r.publish(); r.write("a.fr.md", item("Le B", "")) }, "a.fr.md=a-fr b.md=b c.fr.md=c-fr", "a.fr.md"},
		{"6 it comes back", func(r *room) { text := item("A", ""); r.remove("a.md"); r.publish(); r.write("a.md", text) }, "a.fr.md=a-fr a.md=a b.md=b c.fr.md=c-fr", "a.fr.md+a.md"},
		{"7 taken apart", func(r *room) { r.rename("a.fr.md", "recit.md") }, "a.md=a b.md=b c.fr.md=c-fr recit.md=a-fr", ""},
		{"8 and joined to the right one", func(r *room) { r.rename("a.fr.md", "b.fr.md") }, "a.md=a b.fr.md=a-fr b.md=b c.fr.md=c-fr", "b.fr.md+b.md"},
		{"9 one that was alone gets the story's own file", func(r *room) { r.write("c.md", item("C", "")) }, "a.fr.md=a-fr a.md=a b.md=b c.fr.md=c-fr c.md=c", "a.fr.md+a.md c.fr.md+c.md"},
		{"10 the database is lost", func(r *room) { r.forget() }, "a.fr.md=a-fr a.md=a b.md=b c.fr.md=c-fr", "a.fr.md+a.md"},
		{"11 another format", func(r *room) { r.remove("a.fr.md"); r.write("a.fr.yaml", "title: Le A\nbody: x\n") }, "a.fr.yaml=a-fr a.md=a b.md=b c.fr.md=c-fr", "a.fr.yaml+a.md"},
		{"12 a name of which nothing is left, and its language", func(r *room) { r.write("难民.md", item("D", "")); r.write("难民.fr.md", item("Le D", "")) },
			"a.fr.md=a-fr a.md=a b.md=b c.fr.md=c-fr 难民.fr.md=story-hnh7qky6-fr 难民.md=story-npftwmmn", "a.fr.md+a.md 难民.fr.md+难民.md"},
	} {
		t.Run(strings.Fields(test.name)[0], func(t *testing.T) {
			t.Parallel()
			r := newRoom(t)
			r.write("a.md", item("A", ""))
			r.write("a.fr.md", item("Le A", ""))
			r.write("b.md", item("B", ""))
			r.write("c.fr.md", item("Le C", ""))
			before := r.publish()
			test.do(r)
			for range 2 { // it stays so
				if after := r.publish(); names(after, before) != test.names || works(after) != test.works {
					t.Errorf("%s: got %s and %s, want %s and %s", test.name, names(after, before), works(after), test.names, test.works)
				}
			}
		})
	}
}

// TestFollow: a version is held to what the story's own file says of its state, unless readers had it before that.
func TestFollow(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	for _, step := range []struct {
		name     string   // number and why
		own, fr  string   // the keys of the files; "-" leaves it as it is
		statuses []string // of a.md and a.fr.md, with a + where it shows
	}{
		{"1 a draft lets no version out, whatever that says", "status: draft\n", "status: published\n", []string{"draft", "draft"}},
		{"2 nor does an embargo", "publish_at: 2016-01-01T11:30\n", "-", []string{"published", "published"}},
		{"3 they come together", "-", "date: 2015-12-20\n", []string{"published+", "published+"}},
		{"4 a draft again", "status: draft\n", "-", []string{"draft", "draft"}},
		{"5 published again", "", "-", []string{"published+", "published+"}},
		{"6 a version may be withdrawn alone", "-", "status: withdrawn\n", []string{"published+", "withdrawn+"}},
		{"7 and a draft", "-", "status: draft\n", []string{"published+", "draft"}},
		{"8 the story takes all along", "status: withdrawn\n", "", []string{"withdrawn+", "withdrawn+"}},
		{"9 with an error, too", "status: withdrawn\ntitel: x\n", "-", []string{"withdrawn+", "withdrawn+"}},
		{"10 and back", "", "-", []string{"published+", "published+"}},
		{"11 for good", "status: erased\n", "-", []string{"erased", "erased"}},
	} {
		if step.own != "-" {
			r.write("a.md", item("A", step.own))
		}
		if step.fr != "-" {
			r.write("a.fr.md", dateless("Le A", step.fr))
		}
		stories := r.publish()
		var got []string
		for _, path := range slices.Backward(slices.Sorted(maps.Keys(stories))) { // an erased story's path is a hash
			s := stories[path]
			state := string(s.Status)
			if s.Visible(r.now) {
				state += "+"
			}
			got = append(got, state)
		}
		if !slices.Equal(got, step.statuses) {
			t.Errorf("%s: got %s, want %s", step.name, got, step.statuses)
		}
	}
	r = newRoom(t)
	r.write("a.fr.md", item("Le A", ""))
	r.publish()
	for i, keys := range []string{"status: draft\n", "publish_at: 2030-01-01\n", ""} {
		r.write("a.md", item("A", keys))
		if s := r.publish()["a.fr.md"]; !s.Visible(r.now) {
			t.Errorf("12.%d: readers lose the version that they had before the story's own file was fit to be seen", i)
		}
	}
	r = newRoom(t)
	r.write("a.fr.md", item("Le A", ""))
	r.publish()
	r.write("a.md", item("A", "status: erased\n"))
	for path, s := range r.publish() {
		if s.Status != items.Erased || s.Item != nil {
			t.Errorf("13 %s is there, though its story's own file erases it", path)
		}
	}
}

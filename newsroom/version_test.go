package newsroom_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"tidings/newsroom"
)

// TestVersionsInNews reads the news while versions of its stories come and go: each story is shown as new once, in the language in which
// it came first, and nothing drops out.
func TestVersionsInNews(t *testing.T) {
	t.Parallel()
	r := newRoom(t, "newsletters:", "feeds: {languages: true}\nnewsletters:")
	r.onlyItems("a.md", item("A", "date: 2016-12-01"), "b.fr.md", item("Le B", "date: 2016-12-02"), "c.md", item("C", "date: 2016-12-03"), "c.fr.md", item("Le C", "date: 2016-12-03"),
		"d.fr.md", item("Le D", "date: 2016-12-04"), "d.en.md", item("D", "date: 2016-12-04"))
	formats, french := map[string]*reader{}, &reader{seen: map[string]string{}}
	for _, ext := range []string{"rss", "atom", "json"} {
		formats[ext] = &reader{seen: map[string]string{}}
	}
	for _, step := range []struct {
		name   string // number and why
		do     func()
		titles string // of the news
		french string // what a reader of French was shown as new so far
	}{
		{"1 at first: in the newsroom's language, or else as it is", func() {}, "D, C, Le B, A", "Le D, Le C, Le B"},
		{"2 a French version comes later", func() { r.write("items/a.fr.md", item("Le A", "date: 2016-12-01")) }, "D, C, Le B, A", "Le D, Le C, Le B, Le A"},
		{"3 an English version comes later: who knows the story does not get it again", func() { r.write("items/b.md", item("B", "date: 2016-12-02")) }, "D, C, Le B, A", "Le D, Le C, Le B, Le A"},
		{"4 the story's own file goes", func() { r.remove("items/c.md") }, "D, C, Le B, A", "Le D, Le C, Le B, Le A"},
		{"5 for good", func() { r.pass(time.Hour) }, "D, Story withdrawn, Le B, A", "Le D, Le C, Le B, Le A"},
		{"6 the version that is left is edited", func() { r.edit("items/c.fr.md", "Le C", "Le C!") }, "D, Story withdrawn, Le B, A", "Le D, Le C, Le B, Le A"},
		{"7 the story's own file comes back", func() { r.write("items/c.md", item("C", "date: 2016-12-03")) }, "D, C, Le B, A", "Le D, Le C, Le B, Le A"},
		{"8 all move", func() { r.renameAll("a.md", "x.md", "a.fr.md", "x.fr.md", "d.en.md", "y.en.md", "d.fr.md", "y.fr.md") }, "D, C, Le B, A", "Le D, Le C, Le B, Le A"},
		{"9 a version is withdrawn", func() { r.edit("items/x.fr.md", "date:", "status: withdrawn\ndate:") }, "D, C, Le B, A", "Le D, Le C, Le B, Le A"},
		{"10 another process", func() { r.Newsroom = r.openAgain(false) }, "D, C, Le B, A", "Le D, Le C, Le B, Le A"},
	} {
		step.do()
		if p := r.publish(); p.Complaints() != nil {
			t.Errorf("%s: %v", step.name, p.Complaints())
		}
		if got := strings.Join(r.titles("news"), ", "); got != step.titles {
			t.Errorf("%s: the news are %s, want %s", step.name, got, step.titles)
		}
		for ext, p := range formats {
			p.poll(t, r.read("public/feeds/news."+ext))
			p.poll(t, r.read("public/feeds/news/archive/2016-12."+ext))
			if len(p.shown) != 4 {
				t.Errorf("%s: a reader of %s was shown %q", step.name, ext, p.shown)
			}
		}
		if french.poll(t, r.read("public/feeds/languages/fr.rss")); strings.Join(french.shown, ", ") != step.french {
			t.Errorf("%s: a reader of French was shown %q", step.name, french.shown)
		}
		if p := r.publish(); p.Changed() {
			t.Errorf("%s: without a change %q were written, %q removed", step.name, p.Written, p.Removed)
		}
	}
	if list := r.read("public/news/index.html"); strings.Contains(list, "Le B") || !strings.Contains(list, ">B<") || strings.Contains(list, "Le C") {
		t.Error("the list does not hold each story once, in the newsroom's language")
	}
}

// renameAll renames items: old, new, old, new.
func (r *room) renameAll(names ...string) {
	r.t.Helper()
	for i := 0; i < len(names); i += 2 {
		text := r.read("items/" + names[i])
		r.remove("items/" + names[i])
		r.write("items/"+names[i+1], text)
	}
}

// stories are the titles of the stories in a mail, of those that the tests below have.
func storiesIn(text string) string {
	var out []string
	for _, title := range []string{"First in English", "First in French", "First in Arabic", "Second in English", "Third in French"} {
		if strings.Contains(text, title) {
			out = append(out, strings.ReplaceAll(title, " in ", " "))
		}
	}
	return strings.Join(out, ", ")
}

// inLanguages are three stories, of which one is told in three languages.
var inLanguages = []string{"first.md", item("First in English", "newsletter: lead\ndate: 2016-12-01"), "first.fr.md", "---\ntitle: First in French\n---\nx\n",
	"first.ar.md", "---\ntitle: First in Arabic\n---\nx\n", "second.md", item("Second in English", "date: 2016-12-02"), "third.fr.md", item("Third in French", "date: 2016-12-03")}

// TestDigestLanguages: everybody gets each story once, in their own language if there is such a version; what was told in one language is
// not told in another.
func TestDigestLanguages(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.onlyItems(inLanguages...)
	if _, err := r.Ledger.DB.Exec(`UPDATE subscribers SET language = 'ar' WHERE email LIKE 'newsdesk%'`); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Ledger.DB.Exec(`UPDATE subscribers SET language = '' WHERE email LIKE 'zoe%'`); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Ledger.DB.Exec(`UPDATE subscribers SET language = 'fr-CA' WHERE email LIKE 'ines%'`); err != nil {
		t.Fatal(err)
	}
	s := r.send(newsroom.Order{}, nil)
	r.account(s, allTaken)
	if s.Stories != 3 {
		t.Errorf("%d stories, want 3", s.Stories)
	}
	mails := r.mails()
	onceEach(t, mails, 8)
	for to, m := range mails {
		want := "First English, Second English, Third French"
		switch {
		case strings.HasPrefix(to, "helene"), strings.HasPrefix(to, "ines"):
			want = "First French, Second English, Third French"
		case strings.HasPrefix(to, "newsdesk"):
			want = "First Arabic, Second English, Third French"
		}
		if got := storiesIn(m[0].body); got != want {
			t.Errorf("%s got %s, want %s", to, got, want)
		}
		if lead, _, _ := strings.Cut(want, ","); !strings.HasSuffix(m[0].Get("Subject"), strings.Replace(lead, " ", " in ", 1)) {
			t.Errorf("the subject for %s is %s", to, m[0].Get("Subject"))
		}
	}
	if page := r.read("public/newsletters/weekly/1/index.html"); storiesIn(page) != "First English, Second English, Third French" {
		t.Errorf("the issue's page has %s", storiesIn(page))
	}
	r.write("items/second.fr.md", "---\ntitle: Second, en retard\n---\nx\n") // it was told
	r.write("items/third.md", item("Third, late", "date: 2016-12-03"))
	r.remove("items/first.md")
	r.edit("items/first.fr.md", "title:", "date: 2016-12-01\ntitle:")
	r.pass(24 * time.Hour)
	r.publish()
	r.pass(24 * time.Hour)
	if s := r.send(newsroom.Order{}, nil); s.Issue.ID != 0 {
		t.Errorf("%d stories are told again", s.Stories)
	}
}

// TestVersionTakenBack: a version of a story is taken back while the issue goes out: its readers get the story as the others do. With the
// story itself all its versions go. Of what was erased no word is kept.
func TestVersionTakenBack(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, file, status string // number and why
		before, after      string // the mail to a reader of French, for who got it before and who waited
	}{
		{"1 that of those who wait", "secret.fr.md", "withdrawn", "Geheim", "Secret"},
		{"2 for good", "secret.fr.md", "erased", "Geheim", "Secret"},
		{"3 another: the mail stays as it is", "secret.de.md", "withdrawn", "Geheim", "Geheim"},
		{"4 the story itself", "secret.md", "withdrawn", "Geheim", ""},
		{"5 the story itself, for good", "secret.md", "erased", "Geheim", ""},
	} {
		server, r := serve(t)
		r.everybodyReads("fr")
		r.breakOff(server, "secret.fr.md", "---\ntitle: Geheim\n---\nx\n", "secret.de.md", "---\ntitle: Verborgen\n---\nx\n", "open.md", item("Openness", "date: 2016-12-02"))
		first := server.mails()
		r.edit("items/"+test.file, "title:", "status: "+test.status+"\ntitle:")
		r.account(r.goOn(false), allTaken)
		all := server.mails()
		onceEach(t, all, 8)
		for to, m := range all {
			want := test.after
			if len(first[to]) > 0 {
				want = test.before
			}
			for _, title := range []string{"Geheim", "Secret", "Verborgen"} {
				if strings.Contains(m[0], title) != (title == want) {
					t.Errorf("%s: %s should get %q, and got\n%s", test.name, to, want, m[0])
				}
			}
		}
		var kept string
		if err := r.Ledger.DB.QueryRow(`SELECT content || messages FROM issues`).Scan(&kept); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(kept, "Geheim") != (test.after == "Geheim") || strings.Contains(kept, "Secret") != (test.after != "") || !strings.Contains(kept, "Openness") {
			t.Errorf("%s: the issue keeps words of it, or lost others", test.name)
		}
	}
}

// TestVersionGone: a version whose file was deleted goes at once with the story that it is a version of, and with what is erased no word of it
// stays; without that it has its time of grace.
func TestVersionGone(t *testing.T) {
	t.Parallel()
	french := []string{"Geheim", "secret-fr", "Lilas"}
	for _, test := range []struct {
		name, before, now string // number and why; the story's own keys when the version's file is deleted, if that is earlier; and then
		lacking           bool   // most other files are missing
		shown, kept       bool   // the version, as it was, and any word of it
	}{
		{"1 the story stays", "", "", false, true, true},
		{"2 withdrawn in the same move", "", "status: withdrawn\n", false, false, true},
		{"3 erased in the same move", "", "status: erased\n", false, false, false},
		{"4 erased, with most of the folder missing", "", "status: erased\n", true, false, false},
		{"5 withdrawn, and then erased", "status: withdrawn\n", "status: erased\n", false, false, false},
		{"6 a draft, and then erased", "status: draft\n", "status: erased\n", false, false, false},
		{"7 withdrawn, with most of the folder missing", "", "status: withdrawn\n", true, false, true},
	} {
		r := newRoom(t)
		others := []string{"open.md", item("Openness", "date: 2016-12-02"), "more.md", item("More", "date: 2016-12-02")}
		for _, name := range strings.Fields("a b c d e f g") {
			others = append(others, name+".md", item(name, "date: 2016-12-02"))
		}
		r.onlyItems(append(others, "secret.md", item("Secret", "date: 2016-12-01\nnewsletter: lead"), "secret.fr.md", "---\ntitle: Geheim\nimage: {src: p.svg, alt: Lilas}\n---\nx\n", "p.svg", drawing("x"))...)
		r.everybodyReads("fr")
		r.send(newsroom.Order{}, nil)
		if test.before != "" {
			r.edit("items/secret.md", "date:", test.before+"date:")
			r.remove("items/secret.fr.md")
			r.publish()
		} else {
			r.remove("items/secret.fr.md")
		}
		r.write("items/secret.md", item("Secret", test.now+"date: 2016-12-01"))
		if test.lacking {
			for _, name := range strings.Fields("a b c d e f g") {
				r.remove("items/" + name + ".md")
			}
		}
		if _, err := r.Publish(t.Context()); (err != nil) != test.lacking {
			t.Fatal(test.name, err)
		}
		page, err := os.ReadFile(r.path("public/news/secret-fr/index.html"))
		if shown := err == nil && strings.Contains(string(page), "Lilas"); shown != test.shown {
			t.Errorf("%s: it shows: %t; %v", test.name, shown, err)
		}
		for _, w := range french {
			if places := r.holding(w); (len(places) > 0) != test.kept {
				t.Errorf("%s: %s is in %q", test.name, w, places)
			}
		}
	}
}

// move is what staff do with the files of a story, by the name that these have in common, between two publications.
type move func(r *room, name string)

// publishMoves publishes, for each story, the first of its moves, then for each the second, and so on.
func (r *room) publishMoves(stories map[string][]move) {
	r.t.Helper()
	for step := 0; ; step++ {
		left := false
		for name, moves := range stories {
			if step < len(moves) {
				left = true
				moves[step](r, name)
			}
		}
		if !left {
			return
		}
		r.publish()
	}
}

func stay(*room, string) {}

// renamed moves a story's French version to a name with this ending.
func renamed(to string) move {
	return func(r *room, name string) { r.renameAll(name+".fr.md", name+to) }
}

// both does two things between two publications.
func both(first, second move) move {
	return func(r *room, name string) { first(r, name); second(r, name) }
}

func editFrench(r *room, name string)   { r.edit("items/"+name+".fr.md", "The text", "Some text") }
func removeFrench(r *room, name string) { r.remove("items/" + name + ".fr.md") }
func removeOwn(r *room, name string)    { r.remove("items/" + name + ".md") }
func putBack(r *room, name string) {
	r.write("items/"+name+".md", item("Secret of "+name, "date: 2016-12-01"))
}
func putFrench(r *room, name string) {
	r.write("items/"+name+".fr.md", item("Geheim "+name, "language: fr\nstatus: published\ndate: 2016-12-01"))
}

// published publishes stories with a French version each, and takes them back.
func (r *room) published(status map[string]string) {
	for name := range status {
		putBack(r, name)
		putFrench(r, name)
	}
	r.publish()
	for name, s := range status {
		r.edit("items/"+name+".md", "date:", "status: "+s+"\ndate:")
	}
	r.publish()
}

// TestVersionLeft: a version of a story that was withdrawn or erased stays so when the story's own file is deleted, whatever becomes of its own
// file, for good; its file is told to be why. Of what was erased no word is kept.
func TestVersionLeft(t *testing.T) {
	t.Parallel()
	german := func(r *room, name string) { r.write("items/"+name+".de.md", item("Geheim "+name, "date: 2016-12-01")) }
	dateless := func(r *room, name string) { r.edit("items/"+name+".fr.md", "date: 2016-12-01\n", "") }
	english := func(r *room, name string) { r.write("items/"+name+".en.md", item("Geheim "+name, "date: 2016-12-01")) }
	tests := []struct {
		name  string // number and why
		file  string // the ending of the version's file, in the end
		moves []move
		only  string // for this status
	}{
		{"1 the version stays as it is", ".fr.md", []move{removeOwn}, ""},
		{"2 renamed", "x.fr.md", []move{removeOwn, renamed("x.fr.md")}, ""},
		{"3 renamed, without its language", "-recit.md", []move{removeOwn, renamed("-recit.md")}, ""},
		{"4 renamed in the same move", "x.fr.md", []move{both(removeOwn, renamed("x.fr.md"))}, ""},
		{"5 renamed before", "-recit.md", []move{renamed("-recit.md"), removeOwn}, ""},
		{"6 the story's own file stays, the version's is renamed", "-recit.md", []move{renamed("-recit.md")}, ""},
		{"7 edited", ".fr.md", []move{removeOwn, editFrench}, ""},
		{"8 edited, then renamed", "x.fr.md", []move{removeOwn, editFrench, renamed("x.fr.md")}, ""},
		{"9 edited and renamed at once", "x.fr.md", []move{removeOwn, both(editFrench, renamed("x.fr.md"))}, "withdrawn"},
		{"10 deleted, and put back later", ".fr.md", []move{removeOwn, removeFrench, stay, putFrench}, ""},
		{"11 both deleted, the version put back", ".fr.md", []move{both(removeOwn, removeFrench), putFrench}, ""},
		{"12 a new version", ".de.md", []move{removeOwn, both(removeFrench, german)}, ""},
		{"13 one in the newsroom's language, the story's own file in what follows", ".en.md", []move{removeOwn, both(removeFrench, english)}, ""},
		{"14 one that had its date from the story's own file", ".fr.md", []move{dateless, removeOwn}, ""},
	}
	for _, status := range []string{"withdrawn", "erased"} {
		r := newRoom(t)
		r.onlyItems("open.md", item("Openness", "date: 2016-12-02"))
		states, moves, files := map[string]string{}, map[string][]move{}, map[string]string{}
		for _, test := range tests {
			if name := "n" + strings.Fields(test.name)[0]; test.only == "" || test.only == status {
				states[name], moves[name], files["items/"+name+test.file] = status, test.moves, test.name
			}
		}
		r.published(states)
		r.publishMoves(moves)
		for _, again := range []bool{false, true} { // and it stays so
			if again {
				r.Newsroom = r.openAgain(false)
				r.pass(time.Hour)
			}
			said := r.publish().Scan.AllProblems().Error()
			for file, name := range files {
				if want := file + ": warning: it is a version of a story that was " + status + ": it is not published\nhint: "; !strings.Contains(said, want) {
					t.Errorf("%s, %s: it is not told; %s", name, status, said)
				}
				if n := strings.Count(said, file+": warning: "); n != 1 {
					t.Errorf("%s, %s: there are %d warnings: %s", name, status, n, said)
				}
			}
			if check := must(newsroom.Check(t.Context(), r.dir, r.now())).Error(); check != said {
				t.Errorf("check says %s, and publishing %s", check, said)
			}
			for _, place := range r.holding("Geheim") {
				if status == "erased" || strings.HasPrefix(place, "public/") {
					t.Errorf("%s: %s has words of it", status, place)
				}
			}
		}
		for _, l := range must(r.Inventory(t.Context())) {
			if files[l.File] != "" && l.State != status {
				t.Errorf("%s, %s: it is told to be %s", files[l.File], status, l.State)
			}
		}
	}
}

// TestVersionBack: versions of a story that was taken back are published again with it, or under a name and an id of their own; where the story's own
// file was merely deleted, or takes back what is no version of it any more, they stay.
func TestVersionBack(t *testing.T) {
	t.Parallel()
	ownID := func(ending string) move {
		return func(r *room, name string) {
			r.edit("items/"+name+ending, "date:", "id: tag:example.org,2016:own-"+name+"\ndate:")
		}
	}
	withdraw := func(r *room, name string) { r.edit("items/"+name+".md", "date:", "status: withdrawn\ndate:") }
	tale := func(r *room, name string) { r.write("items/"+name+"-tale.md", item("Tale "+name, "date: 2016-12-01")) }
	tests := []struct {
		name, status string // number and why
		moves        []move
		own          bool // it has an id of its own then; else that of before
	}{
		{"1 put back", "withdrawn", []move{removeOwn, putBack}, false},
		{"2 put back after an erasure", "erased", []move{removeOwn, putBack}, false},
		{"3 put back, when the version was renamed", "erased", []move{removeOwn, renamed("-recit.md"), putBack}, false},
		{"4 a story of its own", "withdrawn", []move{removeOwn, both(renamed("-recit.md"), ownID("-recit.md"))}, true},
		{"5 a story of its own after an erasure", "erased", []move{removeOwn, both(renamed("x.fr.md"), ownID("x.fr.md"))}, true},
		{"6 the story's own file was deleted", "published", []move{removeOwn}, false},
		{"7 taken apart before", "published", []move{renamed("-recit.md"), withdraw, removeOwn}, false},
		{"8 a version of another story", "withdrawn", []move{removeOwn, both(tale, renamed("-tale.fr.md"))}, false},
	}
	r := newRoom(t, "newsletters:", "feeds: {languages: true}\nnewsletters:")
	states, moves, ids := map[string]string{}, map[string][]move{}, map[string]string{}
	for _, test := range tests {
		name := "n" + strings.Fields(test.name)[0]
		states[name], moves[name] = test.status, test.moves
		putBack(r, name)
		putFrench(r, name)
	}
	r.publish()
	idOf := func(name string) string {
		entry := between(r.read("public/feeds/languages/fr.rss"), "<title>Geheim "+name+"</title>", "</item>")
		return between(entry, `<guid isPermaLink="false">`, "<")
	}
	for name := range states {
		ids[name] = idOf(name)
	}
	r.published(states)
	r.publishMoves(moves)
	for range 2 {
		r.pass(time.Hour)
		r.publish()
		for _, test := range tests {
			name := "n" + strings.Fields(test.name)[0]
			want := ids[name]
			if test.own {
				want = "tag:example.org,2016:own-" + name
			}
			if got := idOf(name); got == "" || got != want {
				t.Errorf("%s: it is published as %q, want %q", test.name, got, want)
			}
		}
		r.Newsroom = r.openAgain(false)
	}
}

// between is what stands in a text between two others.
func between(text, before, after string) string {
	_, rest, _ := strings.Cut(text, before)
	found, _, _ := strings.Cut(rest, after)
	return found
}

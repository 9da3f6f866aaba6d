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

// TestVersionLeft: a version of a story that was withdrawn or erased stays so when the story's own file is deleted, whatever becomes of its own
// file, for good; its file is told to be why. Of what was erased no word is kept.
func TestVersionLeft(t *testing.T) {
	t.Parallel()
	rename := func(to string) func(r *room) {
		return func(r *room) { r.renameAll("secret.fr.md", to) }
	}
	for _, test := range []struct {
		name   string // number and why
		file   string // of the version, in the end
		before func(r *room)
		after  func(r *room) // the story's own file was deleted
		only   string        // for this status
	}{
		{"1 the version stays as it is", "secret.fr.md", nil, nil, ""},
		{"2 renamed", "other.fr.md", nil, rename("other.fr.md"), ""},
		{"3 renamed, without its language", "recit.md", nil, rename("recit.md"), ""},
		{"4 renamed in the same move", "other.fr.md", rename("other.fr.md"), nil, ""},
		{"5 renamed before", "recit.md", func(r *room) { rename("recit.md")(r); r.publish() }, nil, ""},
		{"6 edited", "secret.fr.md", nil, func(r *room) { r.edit("items/secret.fr.md", "The text", "Some text") }, ""},
		{"7 edited, and another process", "secret.fr.md", nil, func(r *room) { r.Newsroom = r.openAgain(false); r.edit("items/secret.fr.md", "The text", "Some text") }, ""},
		{"8 edited, then renamed", "other.fr.md", nil, func(r *room) { r.edit("items/secret.fr.md", "The text", "Some text"); r.publish(); rename("other.fr.md")(r) }, ""},
		{"9 edited and renamed at once", "other.fr.md", nil, func(r *room) { r.edit("items/secret.fr.md", "The text", "Some text"); rename("other.fr.md")(r) }, "withdrawn"},
		{"10 deleted, and put back later", "secret.fr.md", nil, func(r *room) {
			text := r.read("items/secret.fr.md")
			r.remove("items/secret.fr.md")
			r.publish()
			r.pass(time.Hour)
			r.publish()
			r.write("items/secret.fr.md", text)
		}, ""},
		{"11 a new version", "secret.de.md", nil, func(r *room) {
			r.remove("items/secret.fr.md")
			r.write("items/secret.de.md", item("Geheim", "date: 2016-12-01"))
		}, ""},
		{"12 in the newsroom's language, the story's own file in what follows", "secret.en.md", nil, func(r *room) { r.write("items/secret.en.md", item("Geheim", "date: 2016-12-01")) }, ""},
	} {
		for _, status := range []string{"withdrawn", "erased"} {
			if test.only != "" && test.only != status {
				continue
			}
			name := test.name + ", " + status
			r := newRoom(t)
			r.onlyItems("secret.md", item("Secret", "date: 2016-12-01"), "secret.fr.md", item("Geheim", "status: published\ndate: 2016-12-01"), "open.md", item("Openness", "date: 2016-12-02"))
			r.publish()
			r.edit("items/secret.md", "date:", "status: "+status+"\ndate:")
			r.publish()
			if test.before != nil {
				test.before(r)
			}
			r.remove("items/secret.md")
			r.publish()
			if test.after != nil {
				test.after(r)
			}
			for _, again := range []bool{false, true} { // and it stays so
				if again {
					r.Newsroom = r.openAgain(false)
					r.pass(time.Hour)
				}
				said := r.publish().Scan.AllProblems().Error()
				if want := "items/" + test.file + ": warning: it is a version of a story that was " + status + ": it is not published\nhint: "; !strings.Contains(said, want) {
					t.Errorf("%s: it is not told; %s", name, said)
				}
				if check := must(newsroom.Check(t.Context(), r.dir)).Error(); check != said {
					t.Errorf("%s: check says %s, and publishing %s", name, check, said)
				}
				r.notShown(name, status, "Geheim")
			}
			for _, l := range must(r.Inventory(t.Context())) {
				if l.File == "items/"+test.file && l.State != status {
					t.Errorf("%s: it is told to be %s", name, l.State)
				}
			}
		}
	}
}

// notShown wants a word in no page nor feed, and if its story was erased, nowhere.
func (r *room) notShown(name, status, word string) {
	r.t.Helper()
	for _, place := range r.holding(word) {
		if status == "erased" || strings.HasPrefix(place, "public/") {
			r.t.Errorf("%s: %s is in %s", name, word, place)
		}
	}
}

// TestVersionBack: versions of a story that was taken back are published again with it, or under a name and an id of their own; where the story's own
// file was merely deleted, or takes back what is no version of it any more, they stay.
func TestVersionBack(t *testing.T) {
	t.Parallel()
	own := item("Secret", "date: 2016-12-01")
	for _, test := range []struct {
		name, status string // number and why
		do           func(r *room)
		ids          string // whose the ids in the feed of all news and of French are: those of before, or new ones
	}{
		{"1 put back", "withdrawn", func(r *room) { r.write("items/secret.md", own) }, "old"},
		{"2 put back after an erasure", "erased", func(r *room) { r.write("items/secret.md", own) }, "old"},
		{"3 put back, when the version was renamed", "erased", func(r *room) {
			r.renameAll("secret.fr.md", "recit.md")
			r.publish()
			r.write("items/secret.md", own)
		}, "old"},
		{"4 a story of its own", "withdrawn", func(r *room) {
			r.renameAll("secret.fr.md", "recit.md")
			r.edit("items/recit.md", "date:", "id: tag:example.org,2016:recit\ndate:")
		}, "new"},
		{"5 a story of its own after an erasure", "erased", func(r *room) {
			r.renameAll("secret.fr.md", "recit.fr.md")
			r.edit("items/recit.fr.md", "date:", "id: tag:example.org,2016:recit\ndate:")
		}, "new"},
		{"6 the story's own file was deleted", "published", func(r *room) { r.pass(time.Hour) }, "old"},
		{"7 taken apart before", "published", func(r *room) {
			r.write("items/secret.md", own)
			r.renameAll("secret.fr.md", "recit.md")
			r.publish()
			r.write("items/secret.md", item("Secret", "status: withdrawn\ndate: 2016-12-01"))
			r.publish()
			r.remove("items/secret.md")
		}, "old"},
		{"8 a version of another story", "withdrawn", func(r *room) {
			r.write("items/tale.md", item("Tale", "date: 2016-12-01"))
			r.renameAll("secret.fr.md", "tale.fr.md")
		}, "old"},
	} {
		r := newRoom(t, "newsletters:", "feeds: {languages: true}\nnewsletters:")
		r.onlyItems("secret.md", own, "secret.fr.md", item("Geheim", "language: fr\ndate: 2016-12-01"), "open.md", item("Openness", "date: 2016-12-02"))
		r.publish()
		id := between(r.read("public/feeds/languages/fr.rss"), `<guid isPermaLink="false">`, "<")
		r.edit("items/secret.md", "date:", "status: "+test.status+"\ndate:")
		r.publish()
		r.remove("items/secret.md")
		r.publish()
		test.do(r)
		for range 2 {
			r.publish()
			feed := r.read("public/feeds/languages/fr.rss")
			entry := between(feed, "<title>Geheim</title>", "</item>")
			if entry == "" || strings.Contains(entry, id) != (test.ids == "old") {
				t.Errorf("%s: the feed of what is in French is\n%s", test.name, feed)
			}
			r.Newsroom = r.openAgain(false)
		}
	}
}

// between is what stands in a text between two others.
func between(text, before, after string) string {
	_, rest, _ := strings.Cut(text, before)
	found, _, _ := strings.Cut(rest, after)
	return found
}

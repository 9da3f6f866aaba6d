package main

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tidings/internal/testtool"
)

// feedFiles are a newsroom's feeds of one format; finding none is a failure.
func feedFiles(t *testing.T, dir, ext string) (files []string) {
	t.Helper()
	for _, pattern := range []string{"*", "topics/*"} {
		found, err := filepath.Glob(filepath.Join(dir, "public", "feeds", pattern+ext))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	if len(files) == 0 {
		t.Fatalf("no %s feeds", ext)
	}
	return files
}

func contents(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// byID orders stories by id, each as often as it was shown.
func byID(stories []testtool.Story) []testtool.Story {
	return slices.SortedFunc(slices.Values(stories), func(a, b testtool.Story) int { return cmp.Compare(a.ID, b.ID) })
}

// sampleStories are some stories of the sample newsroom as every reader has to show them.
var sampleStories = []struct {
	title, author string
	published     time.Time
}{
	{"A little light against the dark", "William Lacy Swing", time.Date(2015, 12, 18, 0, 0, 0, 0, time.UTC)},
	{"IOM at 65: from post-war Europe to 400 field locations", "", time.Date(2016, 12, 5, 0, 0, 0, 0, time.UTC)},
	// In summer time, midnight in London is an hour earlier elsewhere.
	{"Disasters and wars feed human trafficking, study finds", "", time.Date(2015, 7, 29, 23, 0, 0, 0, time.UTC)},
}

// TestReadersOfSample has real readers read every feed of the sample newsroom: each shows every story once, with its title,
// date and author.
func TestReadersOfSample(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "n")
	if err := copyNewsroom(dir, "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	tidingsAt(t, monday, "-C", dir, "build")
	all := byID(testtool.Strict(t, contents(t, filepath.Join(dir, "public", "feeds", "news.rss"))))
	if len(all) != 20 {
		t.Fatalf("the feed of all news has %d stories, want 20", len(all))
	}
	for _, want := range sampleStories {
		if !slices.ContainsFunc(all, func(s testtool.Story) bool {
			return s.Title == want.title && s.Authors == want.author && s.Published.Equal(want.published)
		}) {
			t.Errorf("there is no %+v in %+v", want, all)
		}
	}
	readAll(t, dir, all)
}

// readAll reads all feeds of a newsroom with every reader. Each must show what the feed holds, and nothing but the stories
// of the feed of all news.
func readAll(t *testing.T, dir string, all []testtool.Story) {
	for _, ext := range []string{".rss", ".atom"} {
		files := storyFeeds(t, dir, ext)
		t.Run("newsboat"+ext, func(t *testing.T) {
			t.Parallel()
			got := testtool.Newsboat(t, t.TempDir(), files...)
			for i := range got { // without a byline it shows whom the feed names as its editor
				got[i].Authors = strings.TrimPrefix(got[i].Authors, "news@example.org (IOM UK)")
			}
			sameStories(t, "all feeds", got, all)
		})
		for _, reader := range []struct {
			name string
			read func(testing.TB, []byte) []testtool.Story
		}{{"encoding-xml", testtool.Strict}, {"gofeed", testtool.Gofeed}, {"feedparser", testtool.Feedparser}} {
			t.Run(reader.name+ext, func(t *testing.T) {
				t.Parallel()
				for _, file := range files {
					sameStories(t, file, reader.read(t, contents(t, file)), of(t, file, all))
				}
			})
		}
		t.Run("xmllint"+ext, func(t *testing.T) {
			t.Parallel()
			for _, file := range files {
				testtool.Lint(t, contents(t, file))
			}
		})
	}
	t.Run("gofeed.json", func(t *testing.T) {
		t.Parallel()
		for _, file := range storyFeeds(t, dir, ".json") {
			sameStories(t, file, testtool.Gofeed(t, contents(t, file)), of(t, file, all))
		}
	})
}

// storyFeeds are the feeds of stories: all but that of corrections, whose entries are changes.
func storyFeeds(t *testing.T, dir, ext string) []string {
	t.Helper()
	return slices.DeleteFunc(feedFiles(t, dir, ext), func(file string) bool { return strings.HasSuffix(file, "corrections"+ext) })
}

// of gives those of the stories that the feed in the file is to show: the ones whose ids are in it.
func of(t *testing.T, file string, all []testtool.Story) (stories []testtool.Story) {
	t.Helper()
	feed := string(contents(t, file))
	for _, s := range all {
		if strings.Contains(feed, s.ID) {
			stories = append(stories, s)
		}
	}
	return stories
}

func sameStories(t *testing.T, where string, got, want []testtool.Story) {
	t.Helper()
	if got = byID(got); !slices.Equal(got, want) {
		t.Errorf("%s\ngot\n%+q\nwant\n%+q", where, got, want)
	}
}

// TestSubscriberSeesNothingTwice: a story with a new title in a file with a new name is the same story to a reader who comes
// back, whichever of its feeds they subscribed to.
func TestSubscriberSeesNothingTwice(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "n")
	if err := copyNewsroom(dir, "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	cache := t.TempDir()
	show := func() []testtool.Story {
		tidingsAt(t, monday, "-C", dir, "build")
		return byID(testtool.Newsboat(t, cache, append(storyFeeds(t, dir, ".rss"), storyFeeds(t, dir, ".atom")...)...))
	}
	before := show()
	old := filepath.Join(dir, "items", "2016", "2016-12-05-iom-turns-65.md")
	edit(t, old, `title: "IOM at 65: from post-war Europe to 400 field locations"`, "title: Sixty-five years of IOM")
	retitled := show()
	if err := os.Rename(old, filepath.Join(dir, "items", "2016", "2016-12-06-sixty-five-years.md")); err != nil {
		t.Fatal(err)
	}
	renamed := show()
	if len(before) != 20 || !slices.Equal(ids(retitled), ids(before)) || !slices.Equal(ids(renamed), ids(before)) {
		t.Errorf("at first\n%q\nwith a new title\n%q\nwith a new file name\n%q", ids(before), ids(retitled), ids(renamed))
	}
}

func ids(stories []testtool.Story) (ids []string) {
	for _, s := range stories {
		ids = append(ids, s.ID)
	}
	return ids
}

// hostile are stories that a careless program would make a broken feed of. Each stands for what people really paste.
var hostile = []struct{ title, body string }{
	{"The end of CDATA ]]> and & < >", "Text ]]> with <![CDATA[ and ]]&gt; in it.\n\n    code ]]> block"},
	{"<script>alert(1)</script>", "<script>alert(document.cookie)</script>\n\n<img src=x onerror=alert(1)> [x](javascript:alert(1))"},
	{"اللاجئون في كاليه (2015)", "נשים וגברים \u202e right to left \u202c and back \u200f"},
	{"Control\u0085 characters\ufffe", "Bell \a, backspace \b, null \x00, escape \x1b[31m, non-character \uffff, form feed \f."},
	{"Emoji 👩‍👩‍👧 and &#xd83d;&#xde00; &amp; &nosuch;", "Surrogates &#xd83d;&#xde00;, null &#0;, no entity &nosuch;"},
	{"An XML document", "<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>\n\n<!-- a comment -- that --> goes on -->"},
	{"Two hundred thousand characters", strings.Repeat("Zażółć gęślą jaźń ]]> & 😀. ", 200_000/27+1)},
}

// TestReadersOfHostileItems takes hostile items through the whole program: every reader reads the feeds, and they say the same.
func TestReadersOfHostileItems(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "tidings.yaml"), "title: News & <views>\nurl: https://news.example.org/\ndescription: \"]]> & <b>\"\n")
	for i, h := range hostile {
		date := monday.AddDate(0, 0, -i).Format(time.DateOnly)
		writeFile(t, filepath.Join(dir, "items", date+".md"), "---\ntitle: '"+h.title+"'\ndate: "+date+"\n---\n"+h.body+"\n")
	}
	tidingsAt(t, monday, "-C", dir, "build")
	all := byID(testtool.Strict(t, contents(t, filepath.Join(dir, "public", "feeds", "news.rss"))))
	if len(all) != len(hostile) {
		t.Fatalf("%d stories are in the feed, want %d", len(all), len(hostile))
	}
	for _, file := range append(storyFeeds(t, dir, ".rss"), storyFeeds(t, dir, ".atom")...) {
		if feed := string(contents(t, file)); strings.Contains(feed, "onerror") || strings.Contains(feed, "javascript:") {
			t.Errorf("%s has a script", file)
		}
	}
	readAll(t, dir, all)
}

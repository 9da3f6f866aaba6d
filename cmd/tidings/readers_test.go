package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mmcdole/gofeed"
	"golang.org/x/net/html"
	"gopkg.in/yaml.v3"

	"tidings/internal/testtool"
	"tidings/items"
)

// told is a story as its readers are to see it. The table of a newsroom says all of it but the id and the content, which are
// taken from the JSON feed and have to be the same everywhere.
type told struct {
	testtool.Story
	page     string   // its slug
	topics   []string // slugs
	language string   // if it is not English
	event    bool
	expired  bool
	holds    []string // parts of its content
	month    string   // of its archive, 2016-12
}

const site = "https://news.example.org/"

// shown is a newsroom after it was published, and what its feeds are to show.
type shown struct {
	dir     string
	stories []told
}

// tell completes the table of a newsroom, newest first, those of one moment by id.
func tell(t *testing.T, dir string, table []told) shown {
	t.Helper()
	said := map[string]struct{ id, content string }{}
	for _, name := range feedNames(t, dir, ".json") {
		var f struct {
			Items []struct {
				ID      string
				URL     string
				Content string `json:"content_html"`
			}
		}
		if err := json.Unmarshal(contents(t, feedFile(dir, name, ".json")), &f); err != nil {
			t.Fatal(name, err)
		}
		for _, it := range f.Items {
			if name == "news" || strings.HasPrefix(name, "news/archive/") {
				said[it.URL] = struct{ id, content string }{it.ID, it.Content}
			}
		}
	}
	s := shown{dir, slices.Clone(table)}
	for i := range s.stories {
		x := &s.stories[i]
		url := site + "news/" + x.page + "/"
		x.ID, x.Content, x.Link = said[url].id, said[url].content, cmp.Or(x.Link, url)
		x.month = x.Published.In(london(t)).Format("2006-01")
		if x.Updated.IsZero() {
			x.Updated = x.Published
		}
		if want := regexp.MustCompile(fmt.Sprintf(`^tag:news\.example\.org,%d:[a-z2-7]{16}$`, x.Published.In(london(t)).Year())); !want.MatchString(x.ID) {
			t.Errorf("%s has the id %q", x.page, x.ID)
		}
		for _, part := range x.holds {
			if !strings.Contains(x.Content, part) {
				t.Errorf("%s: no %q in %q", x.page, part, x.Content)
			}
		}
		harmless(t, x.page, x.Content)
	}
	if len(said) != len(table) {
		t.Errorf("%d stories are published, want %d", len(said), len(table))
	}
	slices.SortStableFunc(s.stories, func(a, b told) int { return cmp.Or(b.Published.Compare(a.Published), cmp.Compare(a.ID, b.ID)) })
	return s
}

func london(t *testing.T) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// harmless wants content that does nothing and leads somewhere: no script in any guise, and absolute addresses.
func harmless(t *testing.T, where, content string) {
	t.Helper()
	z := html.NewTokenizer(strings.NewReader(content))
	for z.Next() != html.ErrorToken {
		token := z.Token()
		if token.Type != html.StartTagToken && token.Type != html.SelfClosingTagToken {
			continue
		}
		if slices.Contains([]string{"script", "style", "iframe", "object", "embed", "form", "input", "svg", "link", "meta", "base"}, token.Data) {
			t.Errorf("%s: a <%s>", where, token.Data)
		}
		for _, a := range token.Attr {
			addresses := map[string][]string{"href": {a.Val}, "src": {a.Val}, "poster": {a.Val}, "srcset": strings.Split(a.Val, ", ")}[a.Key]
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" || slices.ContainsFunc(addresses, func(s string) bool { return !absolute.MatchString(s) }) {
				t.Errorf("%s: %s=%q", where, a.Key, a.Val)
			}
		}
	}
}

var absolute = regexp.MustCompile(`^(https?://[^/ ]+|mailto:|tel:)`)

// of are the stories that a feed shows, by its name.
func (s shown) of(name string) (stories []told) {
	parent, last := path.Split(name)
	for _, x := range s.stories {
		in := !x.expired
		switch parent {
		case "topics/":
			in = in && slices.Contains(x.topics, last)
		case "languages/":
			in = in && cmp.Or(x.language, "en") == last
		case "authors/":
			in = in && slices.ContainsFunc(strings.Split(x.Authors, ", "), func(name string) bool { return items.Person{Name: name}.Slug() == last })
		case "news/archive/":
			in = x.month == last
		case "":
			in = in && (last == "news" || last == "events" && x.event)
		}
		if in {
			stories = append(stories, x)
		}
	}
	return stories
}

// as is what a reader shows of the feed.
func as(stories []told, reader, ext string) (out []testtool.Story) {
	for _, x := range stories {
		s := x.As(reader, ext)
		if ext == ".json" && reader == "gofeed" { // it knows of the story's page only
			s.Link = site + "news/" + x.page + "/"
		}
		out = append(out, s)
	}
	return out
}

// feedNames are a newsroom's feeds of one format; finding none is a failure.
func feedNames(t *testing.T, dir, ext string) (names []string) {
	t.Helper()
	feeds := filepath.Join(dir, "public", "feeds")
	err := filepath.WalkDir(feeds, func(file string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && filepath.Ext(file) == ext {
			name, _ := filepath.Rel(feeds, strings.TrimSuffix(file, ext))
			names = append(names, filepath.ToSlash(name))
		}
		return err
	})
	if err != nil || len(names) == 0 {
		t.Fatalf("no %s feeds: %v", ext, err)
	}
	return names
}

// storyFeeds are the feeds of stories: all but that of corrections, whose entries are changes.
func storyFeeds(t *testing.T, dir, ext string) []string {
	t.Helper()
	return slices.DeleteFunc(feedNames(t, dir, ext), func(name string) bool { return name == "corrections" })
}

func feedFile(dir, name, ext string) string {
	return filepath.Join(dir, "public", "feeds", filepath.FromSlash(name)+ext)
}

func contents(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// readAll has every reader read all feeds of a newsroom: each shows the stories that the table has for the feed, as it has them, and in
// that order. Each program is started once.
func (s shown) readAll(t *testing.T) {
	for _, r := range testtool.Readers {
		t.Run(r.Name, func(t *testing.T) {
			t.Parallel()
			s.readBy(t, r)
		})
	}
	for _, ext := range []string{".rss", ".atom"} {
		t.Run("newsboat"+ext, func(t *testing.T) {
			t.Parallel()
			got := s.newsboat(t, t.TempDir(), ext)
			for i := range got { // without a byline it shows whom the feed names as its editor
				got[i].Authors = editor.ReplaceAllString(got[i].Authors, "")
			}
			sameStories(t, "all feeds", byID(got), byID(as(s.stories, "newsboat", ext)))
		})
	}
	t.Run("xmllint", func(t *testing.T) {
		t.Parallel()
		documents := [][]byte{contents(t, filepath.Join(s.dir, "public", "feeds.opml"))}
		for _, ext := range []string{".rss", ".atom"} {
			for _, name := range feedNames(t, s.dir, ext) {
				documents = append(documents, contents(t, feedFile(s.dir, name, ext)))
			}
		}
		testtool.Lint(t, documents...)
	})
	t.Run("opml", s.subscriptions)
}

var editor = regexp.MustCompile(`^news@example.org \(.*\)$`)

func (s shown) readBy(t *testing.T, r testtool.Reader) {
	t.Helper()
	var names, exts []string
	var feeds [][]byte
	for _, ext := range []string{".rss", ".atom", ".json"} {
		if ext == ".json" && !r.JSON {
			continue
		}
		for _, name := range storyFeeds(t, s.dir, ext) {
			names, exts, feeds = append(names, name), append(exts, ext), append(feeds, contents(t, feedFile(s.dir, name, ext)))
		}
	}
	for i, got := range r.Read(t, feeds...) {
		sameStories(t, names[i]+exts[i], got, as(s.of(names[i]), r.Name, exts[i]))
	}
}

// newsboat is all that it shows to someone who is subscribed to every feed of stories.
func (s shown) newsboat(t *testing.T, cache, ext string) []testtool.Story {
	t.Helper()
	var files []string
	for _, name := range storyFeeds(t, s.dir, ext) {
		files = append(files, feedFile(s.dir, name, ext))
	}
	return testtool.Newsboat(t, cache, files...)
}

// subscriptions wants each live feed once in the list that readers import.
func (s shown) subscriptions(t *testing.T) {
	var list struct {
		Outlines []struct {
			URL string `xml:"xmlUrl,attr"`
		} `xml:"body>outline"`
	}
	if err := xml.Unmarshal(contents(t, filepath.Join(s.dir, "public", "feeds.opml")), &list); err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for _, o := range list.Outlines {
		got = append(got, o.URL)
	}
	for _, name := range feedNames(t, s.dir, ".rss") {
		if !strings.HasPrefix(name, "news/archive/") {
			want = append(want, site+"feeds/"+name+".rss")
		}
	}
	slices.Sort(got)
	if slices.Sort(want); !slices.Equal(got, want) {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}

// byID orders stories by id, each as often as it was shown.
func byID(stories []testtool.Story) []testtool.Story {
	return slices.SortedFunc(slices.Values(stories), func(a, b testtool.Story) int { return cmp.Compare(a.ID, b.ID) })
}

func sameStories(t *testing.T, where string, got, want []testtool.Story) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d stories, want %d:\n%.2000q\n%.2000q", where, len(got), len(want), ids(got), ids(want))
		return
	}
	for i := range want {
		if found := testtool.Differ(got[i], want[i]); found != "" {
			t.Errorf("%s: %s%s", where, want[i].ID, found)
		}
	}
}

func ids(stories []testtool.Story) (ids []string) {
	for _, s := range stories {
		ids = append(ids, s.ID)
	}
	return ids
}

// sampleItem is what the test itself reads of an item file of the sample newsroom.
type sampleItem struct {
	Title, Summary, Link string
	Date                 string
	Updated              string
	Topics               []string
	Authors              []struct{ Name string }
	Attachments          []struct{ Src, Title string }
	Event                map[string]any
}

// sampleTable tells what the item files of the sample newsroom say.
func sampleTable(t *testing.T, dir string) (table []told) {
	t.Helper()
	var config struct{ Topics map[string]string }
	parseYAML(t, contents(t, filepath.Join(dir, "tidings.yaml")), &config)
	err := filepath.WalkDir(filepath.Join(dir, "items"), func(file string, d fs.DirEntry, err error) error {
		ext := filepath.Ext(file)
		if err != nil || !slices.Contains([]string{".md", ".yaml", ".json"}, ext) || strings.HasSuffix(file, ".fr.md") { // a translation is told with its story
			return err
		}
		front := contents(t, file)
		if ext == ".md" {
			front = []byte(strings.Split(string(front), "---\n")[1])
		}
		var it sampleItem
		parseYAML(t, front, &it)
		table = append(table, it.told(t, file, config.Topics))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func (it sampleItem) told(t *testing.T, file string, topics map[string]string) told {
	t.Helper()
	x := told{page: slug.ReplaceAllString(filepath.Base(file), ""), topics: it.Topics, event: it.Event != nil}
	x.Title, x.Summary, x.Link, x.Published = it.Title, it.Summary, it.Link, day(t, it.Date)
	if it.Updated != "" {
		x.Updated = day(t, it.Updated)
	}
	var names, titles []string
	for _, a := range it.Authors {
		names = append(names, a.Name)
	}
	for _, slug := range it.Topics {
		titles = append(titles, topics[slug])
	}
	x.Authors, x.Categories = strings.Join(names, ", "), strings.Join(titles, ", ")
	for _, a := range it.Attachments {
		x.Enclosures += document(contents(t, filepath.Join(filepath.Dir(file), a.Src)), a.Src, "application/pdf")
	}
	return x
}

// slug matches what of a file's name is not in the address of its page.
var slug = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}-|\.[a-z]+$`)

func parseYAML(t *testing.T, text []byte, into any) {
	t.Helper()
	if err := yaml.Unmarshal(text, into); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
}

func day(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.ParseInLocation(time.DateOnly, text, london(t))
	if err != nil {
		t.Fatal(err)
	}
	return at.UTC()
}

// document is an enclosure with this content, called by the name.
func document(data []byte, name, mediaType string) string {
	sum := sha256.Sum256(data)
	return fmt.Sprintf("%smedia/%x-%s %s %d\n", site, sum[:6], name, mediaType, len(data))
}

// TestReadersOfSample has real readers read every feed of the sample newsroom, and calendar programs its events: each shows every story
// once, as its item file has it.
func TestReadersOfSample(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "n")
	if err := copyNewsroom(dir, "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	tidingsAt(t, monday, "-C", dir, "build")
	table := sampleTable(t, dir)
	if len(table) != 20 {
		t.Fatalf("the sample has %d stories, want 20", len(table))
	}
	s := tell(t, dir, table)
	s.readAll(t)
	s.readCalendars(t, "IOM UK", sampleEvents())
}

// TestSubscriberSeesNothingTwice: a story with a new title in a file with a new name is the same story to a reader who comes
// back, whichever of its feeds they subscribed to.
func TestSubscriberSeesNothingTwice(t *testing.T) {
	t.Parallel()
	dir, cache, now := nastyNewsroom(t), t.TempDir(), withdrawnAt
	show := func() []string {
		now = now.Add(time.Hour)
		tidingsAt(t, now, "-C", dir, "build")
		shown{dir: dir}.newsboat(t, cache, ".rss")
		return ids(byID(shown{dir: dir}.newsboat(t, cache, ".atom")))
	}
	before := show()
	old := filepath.Join(dir, "items", "amp.md")
	edit(t, old, "title: AT&amp;", "title: BT&amp;")
	retitled := show()
	if err := os.Rename(old, filepath.Join(dir, "items", "2016-12-17-quite-another-name.md")); err != nil {
		t.Fatal(err)
	}
	renamed := show()
	if len(before) != len(nastyTable()) || !slices.Equal(retitled, before) || !slices.Equal(renamed, before) {
		t.Errorf("at first\n%q\nwith a new title\n%q\nwith a new file name\n%q", before, retitled, renamed)
	}
}

// at is a moment of December 2016.
func at(day, hour, minute, second int) time.Time {
	return time.Date(2016, 12, day, hour, minute, second, 0, time.UTC)
}

// withdrawnAt is when two stories of the nasty newsroom were withdrawn: an hour after they showed.
var withdrawnAt = monday.Add(time.Hour)

// nastyTable tells what readers are to see of testdata/nasty, the newsroom of what people really paste and of what nobody expects. Every
// row is there for what its page is called by.
func nastyTable() []told {
	story := func(page, title, summary string, published time.Time, more ...func(*told)) told {
		x := told{page: page, Story: testtool.Story{Title: title, Summary: summary, Published: published}}
		for _, f := range more {
			f(&x)
		}
		return x
	}
	holds := func(parts ...string) func(*told) { return func(x *told) { x.holds = parts } }
	by := func(names ...string) func(*told) { return func(x *told) { x.Authors = strings.Join(names, ", ") } }
	event := func(x *told) { x.event = true }
	in := func(language string) func(*told) { return func(x *told) { x.language = language } }
	about := func(slug, title string) func(*told) {
		return func(x *told) { x.topics, x.Categories = []string{slug}, title }
	}
	withdrawn := func(x *told) { x.Updated = withdrawnAt }
	var thirty []string
	for i := range 30 {
		thirty = append(thirty, fmt.Sprintf(`Author %02d & "Söns" <x>`, i+1))
	}
	return []told{
		story("control", "Control characters of old", "Bell and form feed.", at(18, 18, 0, 0), holds("Bell , backspace , null , escape [31m, non-character , form feed .")),
		story("cdata", "The end ]]> of <![CDATA[ sections ]]]]>>", "Text ]]> with <![CDATA[ and ]]> in it.", at(18, 17, 0, 0), about("plans", `Plans "and" ]]>`),
			holds("<p>Text ]]&gt; with &lt;![CDATA[ and ]]&gt; in it.</p>", "<code>code ]]&gt; block\n</code>")),
		story("emoji", "👩‍👩‍👧 and &#xd83d;&#xde00; &nosuch; 😀", "Surrogates \ufffd\ufffd, null \ufffd, no entity &nosuch;, 🏳️‍🌈.", at(18, 16, 0, 0), by("👩‍🚀 Ada"), holds("no entity &amp;nosuch;, 🏳️‍🌈.")),
		story("arabic", "اللاجئون في \u202bكاليه\u202c \u200f(2015) & <آخر>", "\u200fملخص \"القصة\".", at(18, 15, 0, 0), in("ar"), by("أماندا نيرو"),
			holds(`lang="ar" dir="rtl"`, "نص <strong>القصة</strong> \u202eمقلوب\u202c هنا.")),
		story("hebrew", "\u200fעברית \u2067ו-English\u2069 (50%)", "נשים וגברים \u202e right to left \u202c and back \u200f.", at(18, 14, 0, 0), in("he"), holds(`lang="he" dir="rtl"`)),
		story("broken-html", "<b>Bold</b> & <i>unclosed", "One two three four", at(18, 13, 0, 0),
			holds("<b>two <i>three</i></b><i> four</i>", `<a href="https://elsewhere.example/?a=1&amp;b=2">a </a><a href="https://elsewhere.example/">nested</a>`, "<p>Still here. </p>")),
		story("scripts", "<script>alert(1)</script>", "<img src=x onerror=alert(1)> stays text.", at(18, 12, 0, 0), holds("<p>Clicked</p>", "<p>x y z\ns\nv</p>")),
		story("relative", "Relative addresses", "a story, above, the root, a query, a protocol, a note.", at(18, 11, 0, 0),
			holds(`href="https://news.example.org/news/cdata/"`, `href="https://news.example.org/news/about/?a=1&amp;b=2#c"`, `href="https://news.example.org/contact"`,
				`href="https://news.example.org/news/relative/?q=1"`, `href="https://cdn.example/x"`, `dot.png 2x"`, `alt="A &#34;dot&#34; &amp; more"`)),
		story("title-200", strings.Repeat("Zażółć gęślą jaźń & ", 10)[:len(strings.Repeat("Zażółć gęślą jaźń & ", 10))-1]+".", "Long.", at(18, 10, 0, 0)),
		story("equal-a", "Equal a", "Same second.", at(17, 12, 0, 30)),
		story("equal-b", "Equal b", "Same second.", at(17, 12, 0, 30)),
		story("equal-c", "Equal c", "Same second.", at(17, 12, 0, 30)),
		story("title-only", "Nothing but a title", "", at(17, 11, 0, 0)),
		story("windows", "Windows & its line ends", "One line, and another.", at(17, 10, 0, 0), about("r-and-d", "R & D <x>"), holds("First line\nsecond line.", "<li>a</li>")),
		story("latin-1", "CafÃ© â€“ naÃ¯ve and\u00ad soft", "Ãœber â‚¬ 5.", at(17, 9, 0, 0), by(`JosÃ© "Pepe" O’Neill; Jr.`)),
		story("amp", `AT&amp;amp; &amp; &lt;b&gt; < 5 > 4 &#60; "q" 'a'`, "1 < 2 &amp; 3 > 2", at(17, 8, 0, 0), holds("<p>1 &lt; 2 &amp;amp; <code>&amp;lt;</code></p>")),
		story("long-word", strings.Repeat("W", 190), strings.Repeat("x", 299)+"…", at(17, 7, 0, 0), holds(strings.Repeat("x", 3000), `"https://elsewhere.example/`+strings.Repeat("y", 2500)+`"`)),
		story("days", `Three days; whole, and \ folded`, "Days.", at(16, 12, 0, 0), event, holds("Friday 30 December 2016 – Sunday 1 January 2017")),
		story("kathmandu", "In Kathmandu", "Far.", at(16, 11, 0, 0), event, holds(`href="https://elsewhere.example/r?a=1,2;3"`)),
		story("summer", "In summer, till the clocks change", "Late.", at(16, 10, 0, 0), event),
		story("moved", "A talk", "Moved.", at(16, 9, 0, 0), event, func(x *told) { x.Link = "https://xn--mller-kva.example/a%20talk?a=%221%22&b=%C3%A4" }, holds("<strong>Moved</strong>")),
		story("postponed", "A launch", "Remis.", at(16, 8, 0, 0), event, in("fr"), holds("<strong>Reporté</strong>")),
		story("cancelled", "A march", "Off.", at(16, 7, 0, 0), event, holds("<strong>Cancelled</strong>")),
		story("event-withdrawn", "Story withdrawn", "", at(16, 6, 0, 0), event, withdrawn, holds("This story has been withdrawn.")),
		story("withdrawn", "Story withdrawn", "", at(15, 12, 0, 0), about("plans", `Plans "and" ]]>`), withdrawn, holds("This story has been withdrawn.")),
		story("corrected", "Figures", "Ten.", at(15, 11, 0, 0), func(x *told) { x.Updated = at(16, 15, 30, 20) }, holds("It said &lt; 5 &amp; &#34;more&#34; ]]&gt;.")),
		story("expired", "Bygone", "Over.", at(15, 10, 0, 0), func(x *told) { x.expired = true }),
		story("authors-30", "Thirty authors", "By all.", at(14, 12, 0, 0), by(thirty...)),
		story("attachments", "Odd names", "Read them.", at(14, 11, 0, 0), func(x *told) {
			x.Enclosures = document([]byte("plan"), "plan-final-50-fur-a-b.pdf", "application/pdf") + document([]byte("a;b\n"), "two-spaces.csv", "text/csv") +
				document([]byte("one"), "number-one.pdf", "application/pdf") + "https://elsewhere.example/a%20b/%C3%A4.pdf?x=%221%22&y application/pdf 0\n"
		}, holds("Plan &#34;final&#34; &lt;50%&gt; &amp; more", ">two  spaces.csv<", ">ä.pdf<")),
		story("credits", "Credits", "Seen.", at(14, 10, 0, 0), holds("© &#34;Nero&#34; O&#39;Brien &amp; Co &lt;IOM&gt;", `alt="A &#34;dot&#34; &lt;seen&gt; &amp; ]]&gt;"`)),
		story("epoch", "The epoch", "Old.", time.Date(1969, 12, 31, 23, 0, 0, 0, time.UTC)), // London kept summer time all year
	}
}

// nastyNewsroom publishes testdata/nasty, withdraws two of its stories an hour later, and publishes again.
func nastyNewsroom(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "n")
	if err := os.CopyFS(dir, os.DirFS("testdata/nasty")); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{`Plan "final" 50% für Ä&B.pdf`: "plan", "two  spaces.csv": "a;b\n", "number#one.pdf": "one"} { // names that not every system can keep
		writeFile(t, filepath.Join(dir, "items", name), text)
	}
	tidingsAt(t, monday, "-C", dir, "build")
	for _, page := range []string{"withdrawn", "event-withdrawn"} {
		edit(t, filepath.Join(dir, "items", page+".md"), "status: published", "status: withdrawn")
	}
	tidingsAt(t, withdrawnAt, "-C", dir, "build")
	return dir
}

// TestReadersOfNasty takes the nasty newsroom through the whole program: every reader and calendar program shows every story as the table
// has it, and nothing of what was withdrawn or is to come.
func TestReadersOfNasty(t *testing.T) {
	t.Parallel()
	dir := nastyNewsroom(t)
	s := tell(t, dir, nastyTable())
	err := filepath.WalkDir(filepath.Join(dir, "public"), func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		for _, secret := range []string{"ecret", "Far ahead", "alert(document"} {
			if strings.Contains(string(contents(t, file)), secret) {
				t.Errorf("%q stands in %s", secret, file)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	s.readAll(t)
	s.readCalendars(t, "IOM 'UK', London", nastyEvents())
	s.changes(t)
	s.credits(t)
}

// credits wants the texts of a picture as its item file has them.
func (s shown) credits(t *testing.T) {
	t.Helper()
	for _, ext := range []string{".rss", ".atom"} {
		f, err := gofeed.NewParser().ParseString(string(contents(t, feedFile(s.dir, "news", ext))))
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(f.Items, func(it *gofeed.Item) bool { return it.Title == "Credits" })
		picture := f.Items[i].Extensions["media"]["content"][0].Children
		if got := picture["credit"][0].Value; got != `© "Nero" O'Brien & Co <IOM>` {
			t.Errorf("%s: credit %q", ext, got)
		}
		if got := picture["description"][0].Value; got != `A "dot" <seen> & ]]>` {
			t.Errorf("%s: description %q", ext, got)
		}
	}
}

// changes wants a correction and two withdrawals in the feeds of changes.
func (s shown) changes(t *testing.T) {
	t.Helper()
	want := map[string]string{} // title by id
	for _, x := range s.stories {
		switch x.page {
		case "withdrawn", "event-withdrawn":
			want[x.ID+"/withdrawal"] = "Story withdrawn"
		case "corrected":
			want[x.ID+"/correction/2016-12-16"] = "Correction: Figures"
		}
	}
	for _, ext := range []string{".rss", ".atom", ".json"} {
		got := map[string]string{}
		for _, x := range testtool.Gofeed(t, contents(t, feedFile(s.dir, "corrections", ext))) {
			got[x.ID] = x.Title
		}
		if !maps.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", ext, got, want)
		}
	}
}

// TestReadersOfNothing: the feeds of a newsroom without items are feeds, too.
func TestReadersOfNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "tidings.yaml"), "title: News & <views>\nurl: https://news.example.org/\ntopics: {plans: Plans}\n")
	if err := os.Mkdir(filepath.Join(dir, "items"), 0o755); err != nil {
		t.Fatal(err)
	}
	tidingsAt(t, monday, "-C", dir, "build")
	tell(t, dir, nil).readAll(t)
}

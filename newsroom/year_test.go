package newsroom_test

import (
	"fmt"

	"os"
	"strings"
	"testing"
	"time"

	"github.com/mmcdole/gofeed"
)

// reader is a feed reader as most are: it knows a story by its id, shows each that it has not seen, and forgets none.
type reader struct {
	seen  map[string]string // title by id
	shown []string          // what it showed as new, in order
}

// poll reads a feed, and with it the documents of its archive when it is asked to.
func (p *reader) poll(t testing.TB, text string) {
	t.Helper()
	f, err := gofeed.NewParser().ParseString(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range f.Items {
		if _, seen := p.seen[i.GUID]; !seen {
			p.shown = append(p.shown, i.Title)
		}
		p.seen[i.GUID] = i.Title
	}
}

// TestYear lives through a year of a newsroom, and reads its feeds all the while: each story is shown as new once, nothing comes back, and
// whoever follows the archive gets every story.
func TestYear(t *testing.T) {
	t.Parallel()
	r := newRoom(t, "newsletters:", "feeds: {limit: 5}\nnewsletters:")
	r.onlyItems()
	formats := map[string]*reader{}
	for _, ext := range []string{"rss", "atom", "json"} {
		formats[ext] = &reader{seen: map[string]string{}}
	}
	told := map[string]int{} // how many times each format showed a title
	poll := func() {
		t.Helper()
		for ext, p := range formats {
			p.poll(t, r.read("public/feeds/news."+ext))
		}
	}
	write := func(n int, title, more string) {
		date := monday.AddDate(0, 0, 7*n)
		r.clock.Store(date.Unix())
		r.write(fmt.Sprintf("items/w%02d.md", n), item(title, "date: "+date.Format(time.DateOnly)+more))
	}
	for n := range 52 {
		write(n, fmt.Sprintf("Week %d", n), "")
		switch n {
		case 10: // a new title
			write(n-1, "Week 9", "\nsummary: Told anew.")
		case 12: // a renamed file
			if err := os.Rename(r.path("items/w11.md"), r.path("items/renamed.md")); err != nil {
				t.Fatal(err)
			}
		case 15:
			r.edit("items/w14.md", "date:", "corrections: [{date: "+monday.AddDate(0, 0, 7*15).Format(time.DateOnly)+", text: A figure.}]\ndate:")
		case 18:
			r.edit("items/w17.md", "date:", "status: withdrawn\ndate:")
		case 20:
			r.edit("items/w19.md", "date:", "status: erased\ndate:")
		case 23: // deleted, and put back a day later
			gone := r.read("items/w22.md")
			r.remove("items/w22.md")
			r.publish()
			poll()
			r.pass(24 * time.Hour)
			r.publish()
			poll()
			r.write("items/w22.md", gone)
		case 26:
			write(n, "Week 26", "\npublish_at: "+monday.AddDate(0, 0, 7*27).Format(time.DateOnly))
		case 30:
			r.edit("items/w29.md", "date:", "expires: "+monday.AddDate(0, 0, 7*29+1).Format(time.DateOnly)+"\ndate:")
		case 35: // the site moves
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			r.edit("tidings.yaml", "https://news.example.org/", "https://moved.example.net/")
			r.Newsroom = r.openAgain(false)
		case 40: // the database is lost, and the site is at its first address again
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			if err := os.RemoveAll(r.path("state")); err != nil {
				t.Fatal(err)
			}
			r.edit("tidings.yaml", "https://moved.example.net/", "https://news.example.org/")
			if err := os.Rename(r.path("items/renamed.md"), r.path("items/w11.md")); err != nil {
				t.Fatal(err)
			}
			r.Newsroom = r.openAgain(false)
		}
		r.publish()
		poll()
	}
	for ext, p := range formats {
		clear(told)
		for _, title := range p.shown {
			told[title]++
		}
		for n := range 52 {
			title := fmt.Sprintf("Week %d", n)
			if told[title] != 1 {
				t.Errorf("%s: %s was shown %d times", ext, title, told[title])
			}
			delete(told, title)
		}
		if len(told) > 0 {
			t.Errorf("%s: it showed %v, too", ext, told)
		}
	}
	r.archive(52 - 2) // one was erased, and one withdrawn before the database was lost
}

// archive follows the documents of the archive from the live feed back, in each format, and wants so many stories in them.
func (r *room) archive(stories int) {
	r.t.Helper()
	for _, ext := range []string{"rss", "atom", "json"} {
		got := map[string]bool{}
		next := "feeds/news." + ext
		for i := 0; next != ""; i++ {
			text := r.read("public/" + next)
			f, err := gofeed.NewParser().ParseString(text)
			if err != nil {
				r.t.Fatal(next, err)
			}
			for _, it := range f.Items {
				got[it.GUID] = true
			}
			next = previous(text)
			if i > 100 {
				r.t.Fatal("the archive has no end")
			}
		}
		if len(got) != stories {
			r.t.Errorf("%s: the archive holds %d stories, want %d", ext, len(got), stories)
		}
	}
}

// previous is the path of the next older document that a feed names; "" if it names none.
func previous(text string) string {
	for _, mark := range []string{`rel="prev-archive"`, `"next_url":"`} {
		i := strings.Index(text, mark)
		if i < 0 {
			continue
		}
		if mark[0] == '"' {
			i += len(mark)
			url, _, _ := strings.Cut(text[i:], `"`)
			return trimSite(url)
		}
		start := strings.LastIndex(text[:i], "<")
		_, after, _ := strings.Cut(text[start:], `href="`)
		url, _, _ := strings.Cut(after, `"`)
		return trimSite(url)
	}
	return ""
}

func trimSite(url string) string {
	return strings.TrimPrefix(strings.TrimPrefix(url, "https://news.example.org/"), "https://moved.example.net/")
}

// TestSealed: the document of a month that is over does not change when news comes, only when a story in it does.
func TestSealed(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.onlyItems()
	r.stories(10, 20, 40, 50, 70)
	r.publish()
	r.stories(80)
	r.publish()
	january := r.path("public/feeds/news/archive/2016-01.rss")
	before, err := os.Stat(january)
	if err != nil {
		t.Fatal(err)
	}
	r.stories(100, 130)
	p := r.publish()
	after, err := os.Stat(january)
	if err != nil || !after.ModTime().Equal(before.ModTime()) {
		t.Errorf("January was written again: %v", err)
	}
	for _, w := range p.Written {
		if strings.HasPrefix(w, "feeds/news/archive/2016-01") || strings.HasPrefix(w, "feeds/news/archive/2016-02") {
			t.Errorf("%s was written", w)
		}
	}
	r.edit("items/s010.md", "title: Story 10", "title: Story ten")
	if p := r.publish(); !strings.Contains(fmt.Sprint(p.Written), "feeds/news/archive/2016-01.rss") {
		t.Errorf("a story of January changed, and written was %v", p.Written)
	}
}

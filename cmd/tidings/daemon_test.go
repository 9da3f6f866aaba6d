package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"tidings"
	"tidings/internal/lock"
	"tidings/internal/testtool"
	"tidings/newsroom"
)

// daemonProcess is a tidings run in a process of its own.
type daemonProcess struct {
	dir, url string
	start    time.Time // by its own clock
	began    time.Time // by ours
	process  *os.Process
	log      logBuffer
	ended    chan struct{} // closed when it has ended with err
	err      error
}

// logBuffer may be read while the process writes.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// startDaemon makes a newsroom of the given files, and runs its daemon with a clock that begins at start. When the test
// ends, SIGTERM has to end the daemon, with success.
func startDaemon(t *testing.T, start time.Time, config string, files map[string]string) *daemonProcess {
	t.Helper()
	address, err := testtool.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	d := &daemonProcess{dir: t.TempDir(), url: "http://" + address, start: start, ended: make(chan struct{})}
	d.write(t, "tidings.yaml", fmt.Sprintf("title: News\nurl: %s/\nweb: {listen: %q}\n%s", d.url, address, config))
	for name, text := range files {
		d.write(t, name, text)
	}
	if list := filepath.Join(d.dir, "list.csv"); files["list.csv"] != "" {
		tidingsAt(t, start, "-C", d.dir, "subscribers", "import", list, "--confirmed", "sample")
	}
	d.run(t)
	return d
}

// restart ends the daemon and runs another one at the same newsroom with a clock that begins at start; meanwhile is what
// happens in between.
func (d *daemonProcess) restart(t *testing.T, start time.Time, meanwhile func()) *daemonProcess {
	t.Helper()
	d.stop(t)
	meanwhile()
	next := &daemonProcess{dir: d.dir, url: d.url, start: start, ended: make(chan struct{})}
	next.run(t)
	return next
}

// run starts the process, and waits until it answers.
func (d *daemonProcess) run(t *testing.T) {
	t.Helper()
	cmd := exec.Command("tidings", "-C", d.dir, "run")
	cmd.Env = append(os.Environ(), clockVariable+"="+d.start.Format(time.RFC3339))
	cmd.Stderr = &d.log
	d.began = time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(d.ended)
		d.err = cmd.Wait()
	}()
	d.process = cmd.Process
	t.Cleanup(func() { d.stop(t) })
	d.await(t, 10*time.Second, "an answer at /healthz", func() bool { status, _ := get(d.url + "/healthz"); return status == http.StatusOK })
}

func (d *daemonProcess) stop(t *testing.T) {
	if err := d.process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	select {
	case <-d.ended:
		if d.err != nil {
			t.Errorf("the daemon ended with %v\n%s", d.err, &d.log)
		}
	case <-ctx.Done():
		_ = d.process.Kill()
		t.Errorf("the daemon did not end within 10 s of SIGTERM\n%s", &d.log)
	}
	if !strings.Contains(d.log.String(), "msg=stopped") {
		t.Errorf("the daemon did not end cleanly\n%s", &d.log)
	}
}

// await asks until the answer is yes; the test ends if it is not in time.
func (d *daemonProcess) await(t *testing.T, within time.Duration, what string, done func() bool) {
	t.Helper()
	if !poll(within, done) {
		t.Fatalf("no %s within %v\n%s", what, within, &d.log)
	}
}

// now is the time by the daemon's clock, or a moment later.
func (d *daemonProcess) now() time.Time { return d.start.Add(time.Since(d.began)) }

// said waits for words in the log, which must be there once.
func (d *daemonProcess) said(t *testing.T, what string) {
	t.Helper()
	d.await(t, 20*time.Second, what, func() bool { return strings.Contains(d.log.String(), what) })
	if n := strings.Count(d.log.String(), what); n != 1 {
		t.Errorf("%s: it is told %d times\n%s", what, n, &d.log)
	}
}

func (d *daemonProcess) write(t *testing.T, name, text string) {
	t.Helper()
	writeFile(t, filepath.Join(d.dir, name), text)
}

// page is what the daemon serves at a path; "" if it serves nothing there.
func (d *daemonProcess) page(path string) string {
	status, body := get(d.url + path)
	if status != http.StatusOK {
		return ""
	}
	return body
}

func (d *daemonProcess) feedHas(text string) bool {
	return strings.Contains(d.page("/feeds/news.rss"), text)
}

// item gives the text of an item file.
func item(title, more, body string) string {
	return "---\ntitle: " + title + "\ndate: 2016-12-18\n" + more + "---\n" + body + "\n"
}

// TestDaemon runs its tests all at once, whatever the number of processors: they mostly wait.
func TestDaemon(t *testing.T) {
	testtool.SetKeys(t, testtool.AccessKey, testtool.SecretKey)
	var all sync.WaitGroup
	for name, test := range map[string]func(*testing.T){
		"FollowsTheFolder":    testFollowsTheFolder,
		"FollowsALink":        testFollowsALink,
		"EndsEmbargo":         testEndsEmbargo,
		"WaitsForSlowWriters": testWaitsForSlowWriters,
		"WaitsForPictures":    testWaitsForPictures,
		"SendsOnSchedule":     testSendsOnSchedule,
		"HeedsStop":           testHeedsStop,
		"CatchesUp":           testCatchesUp,
		"LeavesNoGap":         testLeavesNoGap,
		"WaitsAfterRestore":   testWaitsAfterRestore,
		"FillsBucket":         testFillsBucket,
		"ServesFeeds":         testServesFeeds,
		"TellsWhatIsGone":     testTellsWhatIsGone,
		"TellsStories":        testTellsStories,
	} {
		all.Go(func() { t.Run(name, test) })
	}
	all.Wait()
}

// everywhere is where a story called second shows.
var everywhere = []string{"/feeds/news.rss", "/feeds/news.atom", "/feeds/news.json", "/feeds/topics/calais.rss", "/news/second/", "/"}

// testFollowsTheFolder drops, breaks and withdraws a file, and looks on over HTTP.
func testFollowsTheFolder(t *testing.T) {
	d := startDaemon(t, monday, "", map[string]string{"items/first.md": item("First", "", "First words.")})
	d.await(t, 3*time.Second, "first story in the feed", func() bool { return d.feedHas("First words") })

	d.write(t, "items/sub/second.md", item("Second", "topics: [calais]\n", "Second words."))
	d.await(t, 3*time.Second, "dropped story in the feed", func() bool { return d.feedHas("Second words") })
	for _, path := range everywhere {
		d.await(t, 3*time.Second, "dropped story at "+path, func() bool { return strings.Contains(d.page(path), "Second") })
	}

	d.write(t, "items/sub/second.md", item("Second", "status: publishd\n", "Broken words."))
	d.await(t, 3*time.Second, "problem in the log", func() bool {
		return strings.Contains(d.log.String(), `msg=problem item=items/sub/second.md line=4 what="status: \"publishd\" is not known"`)
	})
	if !d.feedHas("Second words") || !strings.Contains(d.page("/news/second/"), "Second words") || d.feedHas("Broken words") {
		t.Error("a story does not stay as it was when its file breaks")
	}

	d.write(t, "items/sub/second.md", item("Second", "topics: [calais]\nstatus: withdrawn\n", "Second words."))
	d.await(t, 3*time.Second, "notice in place of the withdrawn story", func() bool { return strings.Contains(d.page("/news/second/"), "withdrawn") })
	for _, path := range everywhere {
		d.await(t, 3*time.Second, "end of the withdrawn story's text at "+path, func() bool {
			page := d.page(path)
			return page != "" && !strings.Contains(page, "Second words")
		})
	}
	d.await(t, 3*time.Second, "word in the log that the problem is gone", func() bool {
		return strings.Contains(d.log.String(), `msg="problem is gone" item=items/sub/second.md`)
	})
}

// testFollowsALink: an items folder that is a link is watched where it leads, also when it comes to lead elsewhere.
func testFollowsALink(t *testing.T) {
	first, other, items := filepath.Join(t.TempDir(), "first"), filepath.Join(t.TempDir(), "other"), ""
	d := startDaemon(t, monday, "", map[string]string{"items/first.md": item("First", "", "First words.")})
	d = d.restart(t, d.now(), func() {
		items = filepath.Join(d.dir, "items")
		check(t, errors.Join(os.Rename(items, first), os.Symlink(first, items)))
	})
	d.await(t, 3*time.Second, "first story in the feed", func() bool { return d.feedHas("First words") })
	writeFile(t, filepath.Join(first, "second.md"), item("Second", "", "Second words."))
	d.await(t, 10*time.Second, "second story in the feed, sooner than by the regular looks", func() bool { return d.feedHas("Second words") })

	check(t, errors.Join(os.CopyFS(other, os.DirFS(first)), os.Remove(items), os.Symlink(other, items)))
	writeFile(t, filepath.Join(other, "third.md"), item("Third", "", "Third words."))
	d.await(t, 25*time.Second, "third story in the feed", func() bool { return d.feedHas("Third words") })
	writeFile(t, filepath.Join(other, "fourth.md"), item("Fourth", "", "Fourth words."))
	d.await(t, 10*time.Second, "fourth story in the feed, sooner than by the regular looks", func() bool { return d.feedHas("Fourth words") })
}

// testTellsWhatIsGone: the log tells of a file that is gone, of a folder that lacks most, with what to do, and that it is back, each once; a
// folder that was away is watched again.
// What is forced meanwhile stays so.
func testTellsWhatIsGone(t *testing.T) {
	d := startDaemon(t, monday, "timezone: Europe/London\n", map[string]string{"items/first.md": item("First", "", "First words."),
		"items/second.md": item("Second", "", "Second words."), "items/third.md": item("Third", "", "Third words.")})
	d.await(t, 3*time.Second, "stories in the feed", func() bool { return d.feedHas("First words") && d.feedHas("Third words") })
	remove := func(names ...string) {
		t.Helper()
		for _, name := range names {
			if err := os.Remove(filepath.Join(d.dir, "items", name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	remove("third.md")
	d.said(t, `msg="a file is gone; its story is withdrawn unless it comes back" item=items/third.md withdrawn=09:1`)
	remove("first.md", "second.md")
	d.said(t, `why="the items folder lacks most of the stories that it held before: they stay as they were" hint="mount the folder, or put the files back; `)
	d.write(t, "items/first.md", item("First", "", "First words."))
	d.write(t, "items/second.md", item("Second", "", "Second words."))
	d.said(t, `msg="the items folder is back" stories=3`)

	away := filepath.Join(t.TempDir(), "away")
	move := func(from, to string) {
		t.Helper()
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	move(filepath.Join(d.dir, "items"), away)
	d.said(t, `msg="the items cannot be looked at; what was published stays" error="the items folder cannot be read: open `)
	move(away, filepath.Join(d.dir, "items"))
	d.said(t, `msg="the items can be looked at again"`)
	d.write(t, "items/fifth.md", item("Fifth", "", "Fifth words."))
	d.await(t, 10*time.Second, "fifth story in the feed, sooner than by the regular looks", func() bool { return d.feedHas("Fifth words") })

	remove("second.md")
	tidingsAt(t, d.now(), "-C", d.dir, "build", "--force")
	d.write(t, "items/fourth.md", item("Fourth", "", "Fourth words."))
	d.await(t, 20*time.Second, "fourth story in the feed", func() bool { return d.feedHas("Fourth words") })
	if d.feedHas("Second words") || d.feedHas("Third words") || !strings.Contains(d.page("/news/third/"), "withdrawn") {
		t.Errorf("what was withdrawn by force is back\n%s", &d.log)
	}
}

// testTellsStories: the log tells what became of each story, or of how many the same, and when a file is back, or holds another story.
func testTellsStories(t *testing.T) {
	d := startDaemon(t, monday, "", map[string]string{"items/first.md": item("First", "", "First words."), "items/third.md": item("Third", "", "Third words.")})
	d.said(t, `msg=story now=new item=items/third.md`)
	remove := func() {
		t.Helper()
		if err := os.Remove(filepath.Join(d.dir, "items", "third.md")); err != nil {
			t.Fatal(err)
		}
	}
	remove()
	d.said(t, `msg="a file is gone; its story is withdrawn unless it comes back" item=items/third.md withdrawn=09:1`)
	d.write(t, "items/third.md", item("Third", "", "Third words."))
	d.said(t, `msg=story now="its file is back" item=items/third.md`)
	d.write(t, "items/third.md", item("Third", "", "Other words."))
	d.said(t, `msg=story now=updated item=items/third.md`)
	remove()
	d.await(t, 20*time.Second, "second word", func() bool {
		return strings.Count(d.log.String(), `msg="a file is gone; its story is withdrawn unless it comes back" item=items/third.md`) == 2
	})
	d.write(t, "items/interim.md", item("Not the third", "", "Interim words."))
	d.said(t, `msg=story now=new item=items/interim.md`)
	feed := d.page("/feeds/news.json")
	id := regexp.MustCompile(`"id": *"(tag:[^"]*)",\s*"url": *"[^"]*/news/third/"`).FindStringSubmatch(feed)
	if id == nil {
		t.Fatalf("no id of the third story in\n%s", feed)
	}
	d.write(t, "items/interim.md", item("Not the third", "id: "+id[1]+"\n", "Interim words."))
	d.said(t, `msg="the story that a file held until now is withdrawn: its id is now `+id[1]+`" item=items/interim.md withdrawn=09:1`)
	d.write(t, "items/erased.md", item("Erased", "", "Erased words."))
	d.said(t, `msg=story now=new item=items/erased.md`)
	d.write(t, "items/erased.md", item("Erased", "status: erased\n", "Erased words."))
	d.said(t, `msg=story now=erased item=items/erased.md`)
	for i := range 21 {
		d.write(t, fmt.Sprintf("items/.many/%d.md", i), item(fmt.Sprint("Many ", i), "", "Words of many."))
	}
	if err := os.Rename(filepath.Join(d.dir, "items/.many"), filepath.Join(d.dir, "items/many")); err != nil {
		t.Fatal(err)
	}
	d.said(t, `msg=stories now=new number=21`)
	d = d.restart(t, monday.Add(time.Hour), func() {})
	d.said(t, `msg=story now=withdrawn item=items/interim.md`)
}

// testServesFeeds: programs get each feed with its type, a person who follows a link to one gets its page, and what was erased is gone.
func testServesFeeds(t *testing.T) {
	event := "event: {start: 2017-01-01T10:00}\n"
	d := startDaemon(t, monday, "", map[string]string{"items/talk.md": item("Talk", event, "Come.")})
	d.await(t, 3*time.Second, "story everywhere", func() bool {
		return d.page("/feeds.opml") != "" && strings.Contains(d.page("/feeds/events.ics"), "VEVENT")
	})
	answers := []struct {
		name, path, dest string // dest is Sec-Fetch-Dest
		status           int
		mediaType, holds string
	}{
		{"1 a reader", "/feeds/news.rss", "", 200, "application/rss+xml; charset=utf-8", "<rss"},
		{"2 another", "/feeds/news.atom", "empty", 200, "application/atom+xml; charset=utf-8", "<feed"},
		{"3 a third", "/feeds/news.json", "", 200, "application/feed+json; charset=utf-8", `"version"`},
		{"4 a person", "/feeds/news.rss", "document", 200, "text/html; charset=utf-8", d.url + "/feeds/news.atom"},
		{"5 a calendar program", "/feeds/events.ics", "", 200, "text/calendar; charset=utf-8", "SUMMARY;LANGUAGE=en:Talk\r\n"},
		{"6 a person who opens a calendar", "/feeds/events.ics", "document", 200, "text/calendar; charset=utf-8", "BEGIN:VEVENT"},
		{"7 an event to download", "/news/talk/event.ics", "document", 200, "text/calendar; charset=utf-8", "BEGIN:VEVENT"},
		{"8 the list of feeds", "/feeds.opml", "", 200, "text/x-opml; charset=utf-8", d.url + "/feeds/news.rss"},
	}
	for _, a := range answers {
		status, mediaType, body := d.fetch(t, a.path, a.dest)
		if status != a.status || mediaType != a.mediaType || !strings.Contains(body, a.holds) {
			t.Errorf("%s: %s is %d %s, want %d %s with %q:\n%.300s", a.name, a.path, status, mediaType, a.status, a.mediaType, a.holds, body)
		}
	}
	d.write(t, "items/talk.md", item("Talk", event+"status: erased\n", "Come."))
	d.await(t, 3*time.Second, "end of the erased story", func() bool {
		calendar := d.page("/feeds/events.ics")
		return !d.feedHas("Come.") && !strings.Contains(calendar, "VEVENT") && strings.Contains(calendar, "END:VCALENDAR")
	})
	for _, path := range []string{"/news/talk/", "/news/talk/event.ics"} {
		if status, mediaType, body := d.fetch(t, path, ""); status != http.StatusGone || mediaType != "text/html; charset=utf-8" || strings.Contains(body, "Come.") {
			t.Errorf("erased: %s is %d %s:\n%s", path, status, mediaType, body)
		}
	}
	d.write(t, "items/talk.md", item("Talk", event, "Come again."))
	d.await(t, 3*time.Second, "story that is published after all", func() bool { return strings.Contains(d.page("/news/talk-2/"), "Come again.") })
	if status, _, _ := d.fetch(t, "/news/talk/", ""); status != http.StatusGone {
		t.Errorf("published again at another address: the old one is %d", status)
	}
}

// fetch is what the daemon answers to a program that says what it wants the document for.
func (d *daemonProcess) fetch(t *testing.T, path, dest string) (status int, mediaType, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if dest != "" {
		r.Header.Set("Sec-Fetch-Dest", dest)
	}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, answer.Header.Get("Content-Type"), string(data)
}

// testEndsEmbargo: a story appears when it is due, though nobody touches anything.
func testEndsEmbargo(t *testing.T) {
	due := monday.Add(3 * time.Second)
	d := startDaemon(t, monday, "", map[string]string{
		"items/first.md":  item("First", "", "First words."),
		"items/second.md": item("Second", "publish_at: "+due.Format(time.RFC3339)+"\n", "Second words."),
	})
	d.await(t, 6*time.Second, "story when it is due", func() bool {
		shown := d.feedHas("Second")
		if shown && d.now().Before(due) {
			t.Fatal("the story shows before it is due")
		}
		return shown
	})
}

// testWaitsForSlowWriters: a file that is being written for longer than a look takes is never seen by half.
func testWaitsForSlowWriters(t *testing.T) {
	d := startDaemon(t, monday, "", map[string]string{"items/first.md": item("First", "", "First words.")})
	written := make(chan error, 1)
	go func() {
		written <- writeSlowly(filepath.Join(d.dir, "items", "slow.md"), item("Slow", "", strings.Repeat("Slow words. ", 20)+"The end."))
	}()
	d.await(t, 10*time.Second, "slow story in the feed", func() bool {
		feed, page := d.page("/feeds/news.rss"), d.page("/news/slow/")
		for _, seen := range []string{feed, page} {
			if strings.Contains(seen, "Slow") && !strings.Contains(seen, "The end.") {
				t.Fatal("the story is seen by half")
			}
		}
		return strings.Contains(feed, "The end.")
	})
	if err := <-written; err != nil {
		t.Error(err)
	}
	if strings.Contains(d.log.String(), "msg=problem") {
		t.Errorf("half a file was taken for a broken one\n%s", &d.log)
	}
}

// testWaitsForPictures: a story shows with its picture, though that comes later and its copying pauses; one whose picture never comes shows
// after the time of grace, without anyone touching anything.
func testWaitsForPictures(t *testing.T) {
	const grace = 8 * time.Second
	picture := samplePicture(t)
	d := startDaemon(t, monday, "grace: 8s\n", map[string]string{
		"items/first.md": item("First", "", "First words."),
		"items/lost.md":  item("Lost", "image: {src: lost.png, alt: x}\n", "Lost words."),
		"items/late.md":  item("Late", "image: {src: late.png, alt: x}\n", "Late words."),
		"items/late.png": picture[:len(picture)/2],
	})
	d.await(t, 4*time.Second, "story that waits for nothing", func() bool { return d.feedHas("First words") })
	d.await(t, 3*time.Second, "word of the waiting", func() bool {
		return strings.Contains(d.log.String(), `item=items/lost.md what="it waits for lost.png until 09:00; then the story is published without it"`)
	})
	d.await(t, 3*time.Second, "word of a part", func() bool {
		return strings.Contains(d.log.String(), "it waits for late.png, of which only a part is there,")
	})
	if d.feedHas("Late") || d.page("/news/late/") != "" {
		t.Error("a story shows before its picture is there")
	}
	d.write(t, "items/late.png", picture[:len(picture)*3/4]) // the copying goes on, and pauses again
	d.write(t, "items/second.md", item("Second", "", "Second words."))
	d.await(t, 4*time.Second, "another story", func() bool { return d.feedHas("Second words") })
	if strings.Contains(d.log.String(), `msg="problem is gone" item=items/late.md`) {
		t.Errorf("the waiting is said to be over while the copying goes on:\n%s", d.log.String())
	}
	d.write(t, "items/late.png", picture)
	d.await(t, grace, "story with its picture", func() bool {
		page := d.page("/news/late/")
		if page != "" && !strings.Contains(page, "<img") {
			t.Fatal("it shows without its picture")
		}
		return page != ""
	})
	d.await(t, 2*grace, "story without its picture", func() bool {
		shown := d.feedHas("Lost words")
		if shown && d.now().Before(monday.Add(grace)) {
			t.Fatal("it shows before the time of grace is over")
		}
		return shown
	})
	d.await(t, 2*time.Second, "word of the missing picture", func() bool {
		return strings.Contains(d.log.String(), `what="lost.png is not there: the story is published without it"`)
	})
	d.await(t, 2*time.Second, "word that the waiting is over", func() bool { return strings.Contains(d.log.String(), `msg="problem is gone" item=items/lost.md`) })
	if n := strings.Count(d.log.String(), "it waits for lost.png"); n != 2 {
		t.Errorf("the log tells %d times of the waiting, not once of its beginning and once of its end\n%s", n, &d.log)
	}
}

// samplePicture is the PNG of the sample newsroom.
func samplePicture(t *testing.T) string {
	t.Helper()
	data, err := tidings.Sample.ReadFile("testdata/newsroom/items/candles.png")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// writeSlowly writes a file in ten pieces, one every 0.3 seconds.
func writeSlowly(name, text string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	tick := time.NewTicker(300 * time.Millisecond)
	defer tick.Stop()
	for size := len(text)/10 + 1; text != "" && err == nil; <-tick.C {
		_, err = f.WriteString(text[:min(size, len(text))])
		text = text[min(size, len(text)):]
	}
	return errors.Join(err, f.Close())
}

// weekly has a digest that goes out on Mondays at nine.
const weekly = `postal_address: 1 Example Street
mail: {from: News <news@example.org>}
newsletters:
  weekly: {title: Weekly, schedule: "0 9 * * MON"}
`

// testSendsOnSchedule: the issue goes out at its time, once, to those who are there; its link ends the subscription.
func testSendsOnSchedule(t *testing.T) {
	d := startDaemon(t, monday.Add(-3*time.Second), weekly, map[string]string{
		"items/first.md": item("First", "", "First words."),
		"list.csv":       "email\nada@example.com\ngrace@example.com\n",
	})
	d.await(t, 8*time.Second, "mail at the time of the issue", func() bool { return len(sent(t, d.dir)) > 0 })
	if now := d.now(); now.Before(monday) {
		t.Errorf("the issue goes out %v before its time", monday.Sub(now))
	}
	d.await(t, 5*time.Second, "balanced account in the log", func() bool {
		return strings.Contains(d.log.String(), `msg=issue issue=weekly-1 stories=1 account="2 recipients = 2 accepted + 0 rejected + 0 suppressed + 0 unknown"`)
	})
	d.await(t, 3*time.Second, "page of the issue", func() bool { return strings.Contains(d.page("/newsletters/weekly/1/"), "First") })

	mails := sent(t, d.dir)
	if len(mails) != 2 || mails[0].To == mails[1].To {
		t.Fatalf("%d mails went out, want one to each of two", len(mails))
	}
	link := strings.Trim(mails[0].Get("List-Unsubscribe"), "<>")
	if status, _ := get(link); status != http.StatusOK || stateOf(t, d.dir, mails[0].To) != "active" {
		t.Errorf("to look at the link answers %d, or changes something", status)
	}
	if status := oneClick(t, link); status != http.StatusOK || stateOf(t, d.dir, mails[0].To) != "left" {
		t.Errorf("the post answers %d, or does not end the subscription", status)
	}
	if stateOf(t, d.dir, mails[1].To) != "active" {
		t.Error("the subscription of somebody else has ended")
	}
}

// testHeedsStop: while a file STOP is there the issue waits; once it is gone, the issue goes out.
func testHeedsStop(t *testing.T) {
	d := startDaemon(t, monday.Add(-2*time.Second), weekly, map[string]string{
		"items/first.md": item("First", "", "First words."),
		"list.csv":       "email\nada@example.com\n",
		"STOP":           "",
	})
	d.await(t, 8*time.Second, "word of STOP in the log", func() bool { return strings.Contains(d.log.String(), "sending is halted") })
	if d.now().Before(monday) || len(sent(t, d.dir)) != 0 {
		t.Errorf("at %v there are %d mails", d.now(), len(sent(t, d.dir)))
	}
	if err := os.Remove(filepath.Join(d.dir, "STOP")); err != nil {
		t.Fatal(err)
	}
	d.await(t, 5*time.Second, "mail after STOP is gone", func() bool { return len(sent(t, d.dir)) == 1 })
	if n := strings.Count(d.log.String(), "sending is halted"); n != 1 {
		t.Errorf("the log says %d times that sending is halted", n)
	}
}

// testCatchesUp: the daemon is down when an issue is due. It goes out at the next start, with what was dropped meanwhile.
func testCatchesUp(t *testing.T) {
	d := startDaemon(t, monday.Add(-time.Hour), weekly, map[string]string{
		"items/first.md": item("First", "", "First words."),
		"list.csv":       "email\nada@example.com\n",
	})
	d.await(t, 3*time.Second, "first story in the feed", func() bool { return d.feedHas("First words") })
	d = d.restart(t, monday.Add(time.Hour), func() { d.write(t, "items/second.md", item("Second", "", "Second words.")) })
	d.await(t, 8*time.Second, "mail of the issue that was missed", func() bool { return len(sent(t, d.dir)) > 0 })
	if m := sent(t, d.dir)[0]; !strings.Contains(m.Text, "First words") || !strings.Contains(m.Text, "Second words") {
		t.Errorf("the issue lacks a story:\n%s", m.Text)
	}
	d = d.restart(t, monday.Add(2*time.Hour), func() { d.write(t, "items/third.md", item("Third", "", "Third words.")) })
	d.await(t, 5*time.Second, "third story in the feed", func() bool { return d.feedHas("Third words") })
	if n := len(sent(t, d.dir)); n != 1 {
		t.Errorf("%d mails went out for one slot", n)
	}
}

// testLeavesNoGap: a story is there all the time while its file is renamed. What somebody deletes of the site comes back. A
// changed configuration is told to be without effect yet.
func testLeavesNoGap(t *testing.T) {
	d := startDaemon(t, monday, "", map[string]string{
		"items/first.md": item("First", "", "First words."),
		"items/other.md": item("Other", "", "Other words."), // without it the daemon would think that it looks for the first time
	})
	d.await(t, 3*time.Second, "first story in the feed", func() bool { return d.feedHas("First words") })
	if err := os.Rename(filepath.Join(d.dir, "items", "first.md"), filepath.Join(d.dir, "items", "renamed.md")); err != nil {
		t.Fatal(err)
	}
	d.write(t, "items/second.md", item("Second", "", "Second words.")) // once this one shows, the other has been taken too
	d.await(t, 5*time.Second, "second story in the feed", func() bool {
		if !strings.Contains(d.page("/news/first/"), "First words") || !d.feedHas("First words") {
			t.Fatal("the renamed story is gone for a moment")
		}
		return d.feedHas("Second words")
	})

	// In one step: the daemon may be writing into it at this moment.
	if err := os.Rename(filepath.Join(d.dir, "public"), filepath.Join(d.dir, "gone")); err != nil {
		t.Fatal(err)
	}
	d.write(t, "tidings.yaml", "titel: Another\n")
	d.write(t, "items/.look", "") // now, not at the next regular look
	d.await(t, 5*time.Second, "site after somebody deleted it", func() bool { return d.feedHas("First words") && d.page("/news/second/") != "" })
	d.await(t, 5*time.Second, "word in the log on the configuration", func() bool {
		return strings.Count(d.log.String(), "tidings.yaml was changed") == 1
	})
	d.said(t, `level=ERROR msg="tidings.yaml was changed, and has errors: a new start would fail"`)
	d.said(t, `level=ERROR msg=problem file=tidings.yaml line=1 what="unknown key \"titel\"" hint="did you mean title?"`)
	d.write(t, "tidings.yaml", "title: Another\nurl: https://news.example.org/\n")
	d.write(t, "items/.look-again", "")
	d.said(t, `level=WARN msg="tidings.yaml was changed: start anew to use it"`)
}

// testFillsBucket: a bucket that is down holds up nothing; when it is back it gets all.
func testFillsBucket(t *testing.T) {
	s := testtool.NewStorage(t)
	p := newTap(t, s)
	p.shut(http.StatusForbidden) // so that the program does not try again at once
	d := startDaemon(t, monday, "publish: s3://"+testtool.Bucket+"\ns3: {endpoint: \""+p.URL+"\", region: us-east-1}\n",
		map[string]string{"items/first.md": item("First", "", "First words.")})
	d.await(t, 3*time.Second, "first story in the feed", func() bool { return d.feedHas("First words") })
	d.await(t, 3*time.Second, "word in the log that the bucket is not filled", func() bool {
		return strings.Contains(d.log.String(), `msg="the bucket could not be filled; trying again" pause=5s put=0 removed=0 error="the bucket is not up to date: s3://`)
	})
	d.write(t, "items/second.md", item("Second", "", "Second words."))
	d.await(t, 3*time.Second, "second story in the feed", func() bool { return d.feedHas("Second words") })
	p.shut(0)
	d.await(t, 10*time.Second, "word in the log that the bucket is filled", func() bool {
		return strings.Contains(d.log.String(), `msg="bucket filled" bucket=s3://`+testtool.Bucket)
	})
	if got, _ := s.Object(t, "feeds/news.rss"); !bytes.Contains(got, []byte("First words")) || !bytes.Contains(got, []byte("Second words")) {
		t.Errorf("the feed in the bucket is %s", got)
	}
	d.write(t, "items/second.md", item("Second", "status: erased\n", "Second words."))
	d.await(t, 5*time.Second, "end of the erased story's page in the bucket", func() bool { return !s.Has("news/second/index.html") })
}

// TestHealthyWhilePublishing: a daemon is healthy however long it publishes, and when it has done so; one that cannot look at the items is not.
func TestHealthyWhilePublishing(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "tidings.yaml"), "title: News\nurl: https://news.example.org/\n")
	writeFile(t, filepath.Join(dir, "items", "a.md"), item("A", "", "Words."))
	var passed atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(passed.Load())) }
	n, err := newsroom.Open(t.Context(), dir, newsroom.Outside{Now: now, Settled: true})
	check(t, err)
	defer n.Close()
	release, err := lock.Try(n.Config.State(), "publish") // it waits for another who publishes
	check(t, err)
	d := &daemon{newsroom: n, log: slog.New(slog.DiscardHandler), now: now, published: make(chan struct{}), changed: make(chan struct{}, 1)}
	if d.healthy() == nil {
		t.Error("it is healthy though it has not looked yet")
	}
	ctx, cancel := context.WithCancel(t.Context())
	var part sync.WaitGroup
	part.Go(func() { d.publishing(ctx) })
	healthy := func() bool { return d.healthy() == nil }
	if !poll(20*time.Second, healthy) {
		t.Fatal("it does not begin to publish")
	}
	passed.Add(int64(time.Hour))
	if !poll(20*time.Second, healthy) {
		t.Error("it is not healthy while it publishes")
	}
	release()
	select {
	case <-d.published:
	case <-time.After(20 * time.Second):
		t.Fatal("it does not publish")
	}
	cancel()
	part.Wait()
	if !healthy() {
		t.Error("it is not healthy when it has published")
	}
	passed.Add(int64(time.Hour))
	if healthy() {
		t.Error("it is healthy though it has not looked for an hour")
	}
}

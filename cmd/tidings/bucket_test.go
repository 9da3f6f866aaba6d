package main

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tidings/internal/testtool"
)

// tap stands before an object storage: it notes what is asked for, and can be shut.
type tap struct {
	*httptest.Server
	mu     sync.Mutex
	asked  []string // PUT or DELETE, and the path behind the bucket
	status int      // what everything is answered with while it is shut; 0: it is open
	seen   func(int)
}

// newTap opens a tap before the storage.
func newTap(t *testing.T, s *testtool.Storage) *tap {
	t.Helper()
	u, err := url.Parse(s.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	p := &tap{}
	behind := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(u)
		r.Out.Host = r.In.Host // it is signed
	}}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if status := p.note(r); status != 0 {
			w.WriteHeader(status)
			return
		}
		behind.ServeHTTP(w, r)
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *tap) note(r *http.Request) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := strings.TrimPrefix(r.URL.Path, "/"+testtool.Bucket+"/")
	if r.Method == http.MethodPut || r.Method == http.MethodDelete {
		p.asked = append(p.asked, r.Method+" "+key)
		if p.seen != nil {
			p.seen(len(p.asked))
		}
	}
	return p.status
}

// next gives what was asked for since the last call.
func (p *tap) next() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	asked := p.asked
	p.asked = nil
	return asked
}

// shut answers everything with this status from now on; 0 opens it again.
func (p *tap) shut(status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status = status
}

// bucketRoom is a newsroom with three stories, one of them with a picture, and a bucket behind a tap.
type bucketRoom struct {
	dir     string
	storage *testtool.Storage
	tap     *tap
}

const (
	suitcase     = "items/suitcase.md"
	suitcasePage = "news/suitcase/index.html"
)

func newBucketRoom(t *testing.T) *bucketRoom {
	t.Helper()
	s := testtool.NewStorage(t)
	testtool.SetKeys(t, testtool.AccessKey, testtool.SecretKey)
	r := &bucketRoom{dir: t.TempDir(), storage: s, tap: newTap(t, s)}
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 16, 16))); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"tidings.yaml": fmt.Sprintf("title: News\nurl: https://news.example.org/\npublish: [public, s3://%s/uk]\ns3: {endpoint: %q, region: us-east-1}\n",
			testtool.Bucket, r.tap.URL),
		suitcase:             item("Suitcase", "topics: [history]\nimage: {src: suitcase.png, alt: A suitcase}\n", "A brown one."),
		"items/suitcase.png": picture.String(),
		"items/second.md":    item("Second", "topics: [history]\n", "Second words."),
		"items/third.md":     item("Third", "", "Third words."),
	} {
		writeFile(t, r.path(name), text)
	}
	return r
}

func (r *bucketRoom) path(name string) string { return filepath.Join(r.dir, filepath.FromSlash(name)) }

// tidings runs the program.
func (r *bucketRoom) tidings(t *testing.T, args ...string) (status int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	status = run(t.Context(), append([]string{"-C", r.dir}, args...), stdio{strings.NewReader(""), &o, &e}, func() time.Time { return monday })
	return status, o.String(), e.String()
}

var bucketLine = regexp.MustCompile(`(?m)^s3://` + testtool.Bucket + `\S*: (\d+) put, (\d+) removed, (\d+) unchanged$`)

// build publishes, and gives what was put into the bucket, taken from it, and left as it was.
func (r *bucketRoom) build(t *testing.T, args ...string) (put, removed, same int) {
	t.Helper()
	status, out, errs := r.tidings(t, append([]string{"build"}, args...)...)
	m := bucketLine.FindStringSubmatch(out)
	if status != statusDone || m == nil {
		t.Fatalf("build: status %d\n%s%s", status, out, errs)
	}
	put, _ = strconv.Atoi(m[1])
	removed, _ = strconv.Atoi(m[2])
	same, _ = strconv.Atoi(m[3])
	return put, removed, same
}

// local gives the files of the publish folder that belong into a bucket.
func (r *bucketRoom) local(t *testing.T) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	root := os.DirFS(r.path("public"))
	err := fs.WalkDir(root, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(p, ".gz") || strings.HasSuffix(p, ".br") {
			return err
		}
		files[p], err = fs.ReadFile(root, p)
		return err
	})
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files are published: %v", len(files), err)
	}
	return files
}

// same wants the bucket to hold under the prefix what the publish folder holds, and gives its objects as one text.
func (r *bucketRoom) same(t *testing.T, prefix string) string {
	t.Helper()
	want := r.local(t)
	var all strings.Builder
	for key, got := range r.storage.Objects(t) {
		name, ours := strings.CutPrefix(key, prefix)
		if !ours {
			continue
		}
		if data, ok := want[name]; !ok || !bytes.Equal(data, got) {
			t.Errorf("%s is in the bucket: in the folder %v, with %d bytes, not %d", key, ok, len(data), len(got))
		}
		delete(want, name)
		all.Write(got)
	}
	for name := range want {
		t.Errorf("%s is not in the bucket", name)
	}
	return all.String()
}

// TestBucket publishes into a real object storage, changes and takes back, and looks at what is there and what was asked for.
func TestBucket(t *testing.T) {
	r := newBucketRoom(t)
	if status, out, errs := r.tidings(t, "check"); status != statusDone {
		t.Fatalf("check: %s%s", out, errs)
	}
	if status, out, errs := r.tidings(t, "build", "--dry-run"); status != statusDone || out != "3 new, 0 updated, 0 withdrawn\n" {
		t.Fatalf("build --dry-run: %s%s", out, errs)
	}
	if asked := r.tap.next(); len(asked) != 0 {
		t.Errorf("check and --dry-run asked for %q", asked)
	}
	all, removed, same := r.build(t)
	if n := len(r.local(t)); all != n || removed != 0 || same != 0 {
		t.Errorf("of %d files, %d were put, %d removed, %d left", n, all, removed, same)
	}
	r.same(t, "uk/")
	r.headers(t)
	inOrder(t, r.tap.next())
	if put, removed, same := r.build(t); put != 0 || removed != 0 || same != all || len(r.tap.next()) != 0 {
		t.Errorf("without a change, %d were put, %d removed, %d left", put, removed, same)
	}

	edit(t, r.path(suitcase), "A brown one.", "A battered one.")
	put, removed, same := r.build(t)
	if asked := r.tap.next(); put < 5 || put > all-5 || len(asked) != put || put+same != all || removed != 0 {
		t.Errorf("one story changed: %d put, %d removed, %d unchanged; %q", put, removed, same, asked)
	}
	r.same(t, "uk/")

	edit(t, r.path(suitcase), "---\ntitle", "---\nstatus: withdrawn\ntitle")
	_, removed, _ = r.build(t)
	asked := r.tap.next()
	if asked[removed] != "PUT uk/"+suitcasePage {
		t.Errorf("when a story is withdrawn, %d are removed, and not next comes the notice: %q", removed, asked)
	}
	inOrder(t, asked)
	if strings.Contains(r.same(t, "uk/"), "A battered one.") {
		t.Error("a withdrawn story is in the bucket")
	}

	edit(t, r.path(suitcase), "status: withdrawn", "status: erased")
	r.build(t)
	inOrder(t, r.tap.next())
	r.same(t, "uk/")
	if r.storage.Has("uk/" + suitcasePage) {
		t.Error("an erased story has its page")
	}
}

// picture is where the suitcase is published.
func (r *bucketRoom) picture(t *testing.T) string {
	t.Helper()
	for name := range r.local(t) {
		if strings.HasSuffix(name, "-suitcase.png") {
			return name
		}
	}
	t.Fatal("there is no picture")
	return ""
}

// headers looks at what browsers and feed readers are told of each kind.
func (r *bucketRoom) headers(t *testing.T) {
	t.Helper()
	for _, want := range []struct{ key, kind, cache string }{
		{"index.html", "text/html; charset=utf-8", "max-age=60"},
		{"style.css", "text/css; charset=utf-8", "max-age=60"},
		{suitcasePage, "text/html; charset=utf-8", "max-age=60"},
		{"404.html", "text/html; charset=utf-8", "no-cache"},
		{"feeds/news.rss", "application/rss+xml; charset=utf-8", "max-age=60, must-revalidate"},
		{"feeds/news.atom", "application/atom+xml; charset=utf-8", "max-age=60, must-revalidate"},
		{"feeds/news.json", "application/feed+json; charset=utf-8", "max-age=60, must-revalidate"},
		{"feeds/events.ics", "text/calendar; charset=utf-8", "max-age=60, must-revalidate"},
		{"feeds/news/index.html", "text/html; charset=utf-8", "max-age=60"},
		{r.picture(t), "image/png", "max-age=31536000, immutable"},
	} {
		if _, o := r.storage.Object(t, "uk/"+want.key); o.ContentType != want.kind || o.Metadata.Get("Cache-Control") != want.cache || o.Metadata.Get("Content-Encoding") != "" {
			t.Errorf("%s: %s, %v", want.key, o.ContentType, o.Metadata)
		}
	}
}

// inOrder wants removals before everything else, and no page or picture after the first feed.
func inOrder(t *testing.T, asked []string) {
	t.Helper()
	last := 0
	for _, a := range asked {
		method, key, _ := strings.Cut(a, " ")
		phase := 1
		switch name := strings.TrimPrefix(key, "uk/"); {
		case method == http.MethodDelete:
			phase = 0
		case strings.HasPrefix(name, "feeds") && path.Ext(name) != ".html":
			phase = 2
		}
		if phase < last {
			t.Fatalf("%s comes too late in %q", a, asked)
		}
		last = phase
	}
	if last != 2 {
		t.Errorf("no feed was put: %q", asked)
	}
}

// TestBucketAnew: what is not known to be there is put again, and another place gets all of it.
func TestBucketAnew(t *testing.T) {
	r := newBucketRoom(t)
	all, _, _ := r.build(t)
	if put, _, _ := r.build(t, "--force"); put != all {
		t.Errorf("--force put %d of %d", put, all)
	}
	if err := os.RemoveAll(r.path("state")); err != nil {
		t.Fatal(err)
	}
	if put, _, _ := r.build(t); put != all {
		t.Errorf("without a database %d of %d were put", put, all)
	}

	edit(t, r.path("tidings.yaml"), "/uk]", "/britain]")
	if put, removed, _ := r.build(t); put != all || removed != 0 {
		t.Errorf("to another prefix %d of %d were put, and %d removed", put, all, removed)
	}
	r.same(t, "uk/")
	edit(t, r.path(suitcase), "---\ntitle", "---\nstatus: erased\ntitle")
	r.build(t)
	r.same(t, "britain/")
	if !r.storage.Has("uk/" + suitcasePage) {
		t.Error("what is at the old prefix went")
	}
	edit(t, r.path("tidings.yaml"), "publish: [public, s3://"+testtool.Bucket+"/britain]", "publish: s3://"+testtool.Bucket+"/uk")
	if put, removed, _ := r.build(t); put == 0 || put > all/2 || removed == 0 {
		t.Errorf("back at the first prefix %d of %d were put, and %d removed", put, all, removed)
	}
	r.same(t, "uk/")
}

// TestBucketRestored: a backup remembers what was in the bucket then, which is not what is there now.
func TestBucketRestored(t *testing.T) {
	r := newBucketRoom(t)
	r.build(t)
	file := filepath.Join(t.TempDir(), "backup")
	if status, _, errs := r.tidings(t, "backup", file); status != statusDone {
		t.Fatal(errs)
	}
	edit(t, r.path(suitcase), "A brown one.", "A green one.")
	r.build(t)
	if status, _, errs := r.tidings(t, "restore", file); status != statusDone {
		t.Fatal(errs)
	}
	edit(t, r.path(suitcase), "A green one.", "A brown one.")
	r.build(t)
	if all := r.same(t, "uk/"); !strings.Contains(all, "A brown one.") || strings.Contains(all, "A green one.") {
		t.Error("the bucket holds what was there before the restore")
	}
}

// TestBucketIsRead: with the policy of docs/serving anybody can read what is published, and is told when it has not changed.
func TestBucketIsRead(t *testing.T) {
	r := newBucketRoom(t)
	r.build(t)
	address := r.storage.Endpoint + "/" + testtool.Bucket + "/uk/feeds/news.rss"
	if status, _ := get(address); status != http.StatusForbidden {
		t.Errorf("without a policy the answer is %d", status)
	}
	policy, err := os.ReadFile(filepath.Join("..", "..", "docs", "serving", "bucket-policy.json"))
	if err != nil {
		t.Fatal(err)
	}
	r.storage.SetPolicy(t, string(policy))
	first := ask(t, address, "")
	if first.StatusCode != http.StatusOK || first.Header.Get("Content-Type") != "application/rss+xml; charset=utf-8" || first.Header.Get("Cache-Control") != "max-age=60, must-revalidate" {
		t.Errorf("%d %v", first.StatusCode, first.Header)
	}
	r.build(t, "--force")
	if again := ask(t, address, first.Header.Get("ETag")); again.StatusCode != http.StatusNotModified {
		t.Errorf("the feed did not change, and the answer is %d", again.StatusCode)
	}
}

// ask asks for an address, as one who has what this entity tag stands for.
func ask(t *testing.T, address, tag string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if tag != "" {
		r.Header.Set("If-None-Match", tag)
	}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	return answer
}

// TestBucketBeforeMail: what a mail leads to is in the bucket when it goes out; a bucket that is down does not keep it from going.
func TestBucketBeforeMail(t *testing.T) {
	r := newBucketRoom(t)
	settings, err := os.ReadFile(r.path("tidings.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, r.path("tidings.yaml"), string(settings)+weekly)
	writeFile(t, r.path("list.csv"), "email\nada@example.com\n")
	tidingsAt(t, monday, "-C", r.dir, "subscribers", "import", r.path("list.csv"), "--confirmed", "sample")
	tidingsAt(t, monday, "-C", r.dir, "send", "weekly", "--yes")
	if !r.storage.Has("uk/newsletters/weekly/1/index.html") || !r.storage.Has("uk/"+suitcasePage) || len(sent(t, r.dir)) != 1 {
		t.Errorf("a mail leads to what is not in the bucket, or there is none")
	}
	r.tap.shut(http.StatusForbidden)
	writeFile(t, r.path("items/new.md"), item("New", "", "New words."))
	status, _, errs := r.tidings(t, "send", "weekly", "--yes", "--again")
	if status != statusDone || !strings.Contains(errs, "before all that it leads to is in the bucket") || len(sent(t, r.dir)) != 2 {
		t.Errorf("with the storage down: status %d\n%s", status, errs)
	}
}

// TestBucketRefuses: each mistake is told with what to do about it, what is local is published all the same, and once the mistake is
// mended nothing is missing.
func TestBucketRefuses(t *testing.T) {
	r := newBucketRoom(t)
	refusal := ""
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, "<Error><Code>%s</Code><Message>No.</Message></Error>", refusal)
	}))
	defer refusing.Close()
	nobody, err := testtool.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	const theirs, other = "s3://" + testtool.Bucket, "s3://other-example"
	for i, test := range []struct{ why, access, secret, bucket, endpoint, refusal, said, hint string }{
		{"no credentials", "", "", theirs, r.tap.URL, "", "there are no credentials", "set AWS_ACCESS_KEY_ID"},
		{"an unknown key", "nobody", testtool.SecretKey, theirs, r.tap.URL, "", "does not accept the credentials", "look at AWS_ACCESS_KEY_ID"},
		{"a wrong secret", testtool.AccessKey, "guess", theirs, r.tap.URL, "", "does not accept the credentials", "look at AWS_ACCESS_KEY_ID"},
		{"no such bucket", testtool.AccessKey, testtool.SecretKey, other, r.tap.URL, "", "there is no such bucket", "make the bucket"},
		{"no right", testtool.AccessKey, testtool.SecretKey, theirs, refusing.URL, "AccessDenied", "give no right to write there", "give the key the right"},
		{"a wrong clock", testtool.AccessKey, testtool.SecretKey, theirs, refusing.URL, "RequestTimeTooSkewed", "clock differs too much", "set the clock"},
		{"nobody listens", testtool.AccessKey, testtool.SecretKey, theirs, "http://" + nobody, "", "connection refused", "the publish folder is up to date"},
	} {
		testtool.SetKeys(t, test.access, test.secret)
		refusal = test.refusal
		room := &bucketRoom{dir: filepath.Join(t.TempDir(), "n"), storage: r.storage, tap: r.tap}
		writeFile(t, room.path("tidings.yaml"), fmt.Sprintf("title: News\nurl: https://news.example.org/\npublish: %s/%d\ns3: {endpoint: %q, region: us-east-1}\n", test.bucket, i, test.endpoint))
		writeFile(t, room.path("items/one.md"), item("One", "", "Words."))
		status, out, errs := room.tidings(t, "build")
		if status != statusFailed || !strings.Contains(errs, "the bucket is not up to date: ") || !strings.Contains(errs, test.said) || !strings.Contains(errs, "hint: "+test.hint) {
			t.Errorf("%d %s: status %d\n%s", i+1, test.why, status, errs)
		}
		if _, err := os.Stat(room.path("public/news/one/index.html")); err != nil || !strings.Contains(out, "1 story in public/: ") {
			t.Errorf("%d %s: the story is not published: %v\n%s", i+1, test.why, err, out)
		}
		testtool.SetKeys(t, testtool.AccessKey, testtool.SecretKey)
		edit(t, room.path("tidings.yaml"), test.bucket, theirs)
		edit(t, room.path("tidings.yaml"), test.endpoint, r.tap.URL)
		if put, _, _ := room.build(t); put == 0 || !r.storage.Has(fmt.Sprintf("%d/news/one/index.html", i)) {
			t.Errorf("%d %s: mended, %d are put", i+1, test.why, put)
		}
	}
}

// TestBucketCatchesUp: what happened while the storage was down reaches it, what was taken back first.
func TestBucketCatchesUp(t *testing.T) {
	r := newBucketRoom(t)
	r.build(t)
	r.tap.shut(http.StatusServiceUnavailable)
	writeFile(t, r.path("items/new.md"), item("New", "", "New words."))
	edit(t, r.path(suitcase), "---\ntitle", "---\nstatus: erased\ntitle")
	if status, out, _ := r.tidings(t, "build"); status != statusFailed || !strings.Contains(out, " in public/: ") {
		t.Fatalf("status %d\n%s", status, out)
	}
	r.tap.next()
	r.tap.shut(0)
	if put, removed, _ := r.build(t); put == 0 || removed < 2 {
		t.Errorf("%d were put, %d removed", put, removed)
	}
	inOrder(t, r.tap.next())
	r.same(t, "uk/")
}

// TestBucketKilled: a process that is killed in the middle leaves what the next one completes: what it had begun to put is taken away
// again if it is not wanted any more.
func TestBucketKilled(t *testing.T) {
	r := newBucketRoom(t)
	for range 3 {
		r.tap.next()
		cmd := exec.Command("tidings", "-C", r.dir, "build")
		cmd.Env = append(os.Environ(), clockVariable+"="+monday.Format(time.RFC3339))
		started := make(chan struct{})
		r.tap.mu.Lock()
		r.tap.seen = func(n int) {
			if n == 5 {
				<-started
				_ = cmd.Process.Signal(syscall.SIGKILL)
			}
		}
		r.tap.mu.Unlock()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		close(started)
		if err := cmd.Wait(); err == nil {
			t.Error("it came to its end")
		}
	}
	r.tap.mu.Lock()
	r.tap.seen = nil
	r.tap.mu.Unlock()
	edit(t, r.path(suitcase), "---\ntitle", "---\nstatus: erased\ntitle")
	if put, removed, _ := r.build(t); put == 0 || removed == 0 {
		t.Errorf("%d were put, %d removed", put, removed)
	}
	r.same(t, "uk/")
}

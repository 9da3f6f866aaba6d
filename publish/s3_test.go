package publish_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"tidings/internal/testtool"
	"tidings/publish"
)

const (
	accessKey = "newsroom"
	secretKey = "a-secret-of-the-newsroom"
	bucket    = "news-example"
)

// useKeys gives the credentials as an operator does, and keeps those of this machine out.
func useKeys(t *testing.T, key, secret string) {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", key)
	t.Setenv("AWS_SECRET_ACCESS_KEY", secret)
	t.Setenv("AWS_SESSION_TOKEN", "")
	t.Setenv("AWS_ACCESS_KEY", "")
	t.Setenv("AWS_SECRET_KEY", "")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
}

// gateway starts versitygw on a folder with one bucket, and gives its address and the bucket's folder.
func gateway(t *testing.T) (endpoint, dir string) {
	t.Helper()
	program := testtool.Need(t, "versitygw")
	root := t.TempDir()
	dir = filepath.Join(root, "data", bucket)
	for _, d := range []string{dir, filepath.Join(root, "notes")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	address := freeAddress(t)
	cmd := exec.Command(program, "--quiet", "--port", address, "--access", accessKey, "--secret", secretKey,
		"posix", "--sidecar", filepath.Join(root, "notes"), filepath.Join(root, "data"))
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Logf("versitygw: %s", &said)
		}
	})
	waitFor(t, address)
	return "http://" + address, dir
}

func freeAddress(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// waitFor returns when somebody listens at the address.
func waitFor(t *testing.T, address string) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); {
		if c, err := net.Dial("tcp", address); err == nil {
			c.Close()
			return
		}
		<-time.After(20 * time.Millisecond)
	}
	t.Fatalf("nothing listens at %s", address)
}

func newS3(t *testing.T, address, endpoint string) *publish.S3 {
	t.Helper()
	at, err := publish.ParseS3(address)
	if err != nil {
		t.Fatal(err)
	}
	s, err := publish.NewS3(at, publish.S3Options{Endpoint: endpoint, Region: "us-east-1", Agent: "Tidings/test"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// reader reads a bucket as another program would.
func reader(t *testing.T, endpoint string) *minio.Client {
	t.Helper()
	c, err := minio.New(strings.TrimPrefix(endpoint, "http://"), &minio.Options{Creds: credentials.NewStaticV4(accessKey, secretKey, ""), Region: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestS3 publishes to a real object storage, changes and takes back, and reads what is there.
func TestS3(t *testing.T) {
	endpoint, dir := gateway(t)
	useKeys(t, accessKey, secretKey)
	s := newS3(t, "s3://"+bucket+"/uk/news/", endpoint)
	film := bytes.Repeat([]byte("frame "), 3<<20) // so large that it goes in parts
	objects := []publish.Object{
		publish.Bytes("index.html", []byte("<p>one")), publish.Bytes("feeds/news.rss", []byte("<rss/>")),
		publish.Bytes("feeds/news.rss.gz", []byte("packed")), publish.Bytes("news/ünï code & more/index.html", []byte("x")),
		publish.Bytes("empty.txt", nil),
		{Path: "media/0123456789ab-film.mp4", Headers: publish.HeadersOf("media/0123456789ab-film.mp4"), Size: int64(len(film)),
			Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(film)), nil }},
	}
	done, err := publish.PutAll(t.Context(), s, objects, 4)
	if err != nil || len(done) != len(objects) || !slices.IsSorted(done) {
		t.Fatal(done, err)
	}
	c := reader(t, endpoint)
	for _, o := range objects {
		in, err := o.Open()
		if err != nil {
			t.Fatal(err)
		}
		want, _ := io.ReadAll(in)
		got, info := object(t, c, "uk/news/"+o.Path)
		if !bytes.Equal(got, want) || info.ContentType != o.Type || info.Metadata.Get("Cache-Control") != o.Cache || info.Metadata.Get("Content-Encoding") != o.Encoding {
			t.Errorf("%s: %q, %+v", o.Path, got, info)
		}
	}
	if err := s.Put(t.Context(), publish.Bytes("index.html", []byte("<p>two"))); err != nil {
		t.Fatal(err)
	}
	if got, _ := object(t, c, "uk/news/index.html"); string(got) != "<p>two" {
		t.Errorf("the changed page is %q", got)
	}
	for range 2 { // what is gone already is no error
		if err := s.Remove(t.Context(), "index.html"); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "uk/news/index.html")); !os.IsNotExist(err) {
		t.Errorf("the page is still there: %v", err)
	}
}

func object(t *testing.T, c *minio.Client, key string) ([]byte, minio.ObjectInfo) {
	t.Helper()
	o, err := c.GetObject(t.Context(), bucket, key, minio.GetObjectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	data, err := io.ReadAll(o)
	if err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	info, err := o.Stat()
	if err != nil {
		t.Fatal(err)
	}
	return data, info
}

// TestS3Refuses: each mistake that an operator may make has its own error.
func TestS3Refuses(t *testing.T) {
	endpoint, _ := gateway(t)
	page := publish.Bytes("index.html", []byte("x"))
	for _, test := range []struct {
		why, address, key, secret string
		want                      error
	}{
		{"01: a bucket that is not there", "s3://other-example", accessKey, secretKey, publish.ErrNoBucket},
		{"02: a key that is not known", "s3://" + bucket, "nobody", secretKey, publish.ErrKeys},
		{"03: a wrong secret", "s3://" + bucket, accessKey, "guess", publish.ErrKeys},
	} {
		useKeys(t, test.key, test.secret)
		s := newS3(t, test.address, endpoint)
		if err := s.Put(t.Context(), page); !errors.Is(err, test.want) || !strings.HasPrefix(err.Error(), test.address+"/index.html: ") {
			t.Errorf("%s: put: %v", test.why, err)
		}
		if err := s.Remove(t.Context(), "x"); !errors.Is(err, test.want) {
			t.Errorf("%s: remove: %v", test.why, err)
		}
	}
}

// TestS3Answers takes errors that the gateway does not make.
func TestS3Answers(t *testing.T) {
	useKeys(t, accessKey, secretKey)
	for code, want := range map[string]error{"AccessDenied": publish.ErrDenied, "RequestTimeTooSkewed": publish.ErrClock, "ExpiredToken": publish.ErrKeys} {
		h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprintf(w, "<Error><Code>%s</Code><Message>No.</Message></Error>", code)
		}))
		if err := newS3(t, "s3://"+bucket, h.URL).Put(t.Context(), publish.Bytes("a", nil)); !errors.Is(err, want) {
			t.Errorf("%s: %v", code, err)
		}
		h.Close()
	}
}

// TestS3TriesAgain: a storage that is busy for a moment gets the whole object all the same.
func TestS3TriesAgain(t *testing.T) {
	useKeys(t, accessKey, secretKey)
	var requests atomic.Int32
	var got []byte
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if requests.Add(1) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			io.WriteString(w, "<Error><Code>SlowDown</Code></Error>")
			return
		}
		got = body
		w.Header().Set("ETag", `"d41d8cd98f00b204e9800998ecf8427e"`)
	}))
	defer h.Close()
	if err := newS3(t, "s3://"+bucket, h.URL).Put(t.Context(), publish.Bytes("a", []byte("the whole"))); err != nil {
		t.Fatal(err)
	}
	if requests.Load() != 2 || !bytes.Contains(got, []byte("the whole")) {
		t.Errorf("%d requests; the last held %q", requests.Load(), got)
	}
}

func TestNewS3Refuses(t *testing.T) {
	at := publish.S3Address{Bucket: bucket}
	useKeys(t, "", "")
	if _, err := publish.NewS3(at, publish.S3Options{}); !errors.Is(err, publish.ErrNoKeys) {
		t.Errorf("no credentials: %v", err)
	}
	useKeys(t, accessKey, secretKey)
	for _, endpoint := range []string{"s3.example.org", "ftp://s3.example.org", "https://", "https://s3.example.org/bucket", "https://user:pass@s3.example.org"} {
		if _, err := publish.NewS3(at, publish.S3Options{Endpoint: endpoint}); err == nil {
			t.Errorf("%s is taken for an endpoint", endpoint)
		}
	}
}

func TestParseS3(t *testing.T) {
	for _, test := range []struct{ address, prefix, want string }{
		{"s3://news-example", "", "s3://news-example"},
		{"s3://news-example/", "", "s3://news-example"},
		{"s3://news.example.org/uk/news", "uk/news/", "s3://news.example.org/uk/news"},
		{"s3://news-example/uk/", "uk/", "s3://news-example/uk"},
	} {
		a, err := publish.ParseS3(test.address)
		if err != nil || a.Prefix != test.prefix || a.String() != test.want {
			t.Errorf("%s: %+v %v", test.address, a, err)
		}
	}
	for _, address := range []string{"", "public", "s3://", "s3:///x", "s3://News", "s3://ab", "s3://a_b_c", "s3://user:pass@bucket", "https://bucket", "s3://bucket/../x", "s3://bucket/a//b", "s3://bucket/a?b", "s3://bucket:9000/x", "s3://10.0.0.1/x"} {
		if a, err := publish.ParseS3(address); err == nil {
			t.Errorf("%q is taken for %+v", address, a)
		}
	}
}

func TestHeadersOf(t *testing.T) {
	const page, feed, sealed, forEver = "max-age=60", "max-age=60, must-revalidate", "max-age=86400", "max-age=31536000, immutable"
	for _, test := range []struct {
		path string
		want publish.Headers
	}{
		{"index.html", publish.Headers{Type: "text/html; charset=utf-8", Cache: page}},
		{"style.css", publish.Headers{Type: "text/css; charset=utf-8", Cache: page}},
		{"feeds/news.rss", publish.Headers{Type: "application/rss+xml; charset=utf-8", Cache: feed}},
		{"feeds/topics/a.atom", publish.Headers{Type: "application/atom+xml; charset=utf-8", Cache: feed}},
		{"feeds/news.json", publish.Headers{Type: "application/feed+json; charset=utf-8", Cache: feed}},
		{"feeds/news.rss.gz", publish.Headers{Type: "application/rss+xml; charset=utf-8", Cache: feed, Encoding: "gzip"}},
		{"feeds.opml.br", publish.Headers{Type: "text/x-opml; charset=utf-8", Cache: feed, Encoding: "br"}},
		{"feeds/events.ics", publish.Headers{Type: "text/calendar; charset=utf-8", Cache: feed}},
		{"feeds/news/index.html", publish.Headers{Type: "text/html; charset=utf-8", Cache: page}},
		{"feeds/news/archive/2016-12.rss", publish.Headers{Type: "application/rss+xml; charset=utf-8", Cache: sealed}},
		{"feeds.opml", publish.Headers{Type: "text/x-opml; charset=utf-8", Cache: feed}},
		{"media/0123456789ab-a.webp", publish.Headers{Type: "image/webp", Cache: forEver}},
		{"media/0123456789ab-a.tar.gz", publish.Headers{Type: "application/gzip", Cache: forEver}},
		{"media/0123456789ab-a.unknown", publish.Headers{Type: "application/octet-stream", Cache: forEver}},
		{"media/a.jpg", publish.Headers{Type: "image/jpeg", Cache: page}},
		{"news/x/data.json", publish.Headers{Type: "application/json", Cache: page}},
	} {
		if got := publish.HeadersOf(test.path); got != test.want {
			t.Errorf("%s: %+v, not %+v", test.path, got, test.want)
		}
	}
}

// memory is a target that notes how many work at once; it refuses one path.
type memory struct {
	now, most atomic.Int32
	started   atomic.Int32
	refused   string
	gate      chan struct{}
}

func (m *memory) Put(_ context.Context, o publish.Object) error {
	m.started.Add(1)
	if n := m.now.Add(1); n > m.most.Load() {
		m.most.Store(n)
	}
	defer m.now.Add(-1)
	if m.gate != nil {
		<-m.gate
	}
	if o.Path == m.refused {
		return errors.New("no")
	}
	return nil
}

func (m *memory) Remove(context.Context, string) error { return nil }

// TestPutAll: as many at once as allowed, and after an error what is done is told and no more is begun.
func TestPutAll(t *testing.T) {
	var objects []publish.Object
	for i := range 40 {
		objects = append(objects, publish.Bytes(fmt.Sprintf("%02d", i), nil))
	}
	m := &memory{gate: make(chan struct{})}
	go func() {
		for range objects {
			m.gate <- struct{}{}
		}
	}()
	if done, err := publish.PutAll(t.Context(), m, objects, 3); err != nil || len(done) != 40 || m.most.Load() > 3 {
		t.Errorf("%d done, %d at once, %v", len(done), m.most.Load(), err)
	}
	m = &memory{refused: "05"}
	if done, err := publish.PutAll(t.Context(), m, objects, 1); err == nil || !slices.Equal(done, []string{"00", "01", "02", "03", "04"}) || m.started.Load() != 6 {
		t.Errorf("%v, %d begun, %v", done, m.started.Load(), err)
	}
}

package publish_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"tidings/internal/testtool"
	"tidings/publish"
)

func newS3(t *testing.T, address, endpoint string) *publish.S3 {
	t.Helper()
	at, err := publish.ParseS3(address)
	if err != nil {
		t.Fatal(err)
	}
	s, err := publish.NewS3(at, publish.S3Options{Endpoint: endpoint, Region: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// text is an object that holds data, with the headers that its path asks for.
func text(path, data string) publish.Object {
	return publish.Object{Path: path, Headers: publish.HeadersOf(path), Size: int64(len(data)),
		Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(data)), nil }}
}

// TestS3 puts objects into a real object storage, changes one and takes it back, and reads what is there.
func TestS3(t *testing.T) {
	storage := testtool.NewStorage(t)
	testtool.SetKeys(t, testtool.AccessKey, testtool.SecretKey)
	s := newS3(t, "s3://"+testtool.Bucket+"/uk/news/", storage.Endpoint)
	objects := []publish.Object{
		text("index.html", "<p>one"), text("feeds/news.rss", "<rss/>"), text("news/ünï code & more/index.html", "x"), text("empty.txt", ""),
		text("media/0123456789ab-film.mp4", strings.Repeat("frame ", 3<<20)), // so large that it goes in parts
	}
	for _, o := range objects {
		if err := s.Put(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		in, err := o.Open()
		if err != nil {
			t.Fatal(err)
		}
		want, _ := io.ReadAll(in)
		got, info := storage.Object(t, "uk/news/"+o.Path)
		if !bytes.Equal(got, want) || info.ContentType != o.Type || info.Metadata.Get("Cache-Control") != o.Cache || info.Metadata.Get("Content-Encoding") != "" {
			t.Errorf("%s: %.100q, %+v", o.Path, got, info)
		}
	}
	if err := s.Put(t.Context(), text("index.html", "<p>two")); err != nil {
		t.Fatal(err)
	}
	if got, _ := storage.Object(t, "uk/news/index.html"); string(got) != "<p>two" {
		t.Errorf("the changed page is %q", got)
	}
	for range 2 { // what is gone already is no error
		if err := s.Remove(t.Context(), "index.html"); err != nil {
			t.Error(err)
		}
	}
	if storage.Has("uk/news/index.html") || len(storage.Objects(t)) != len(objects)-1 {
		t.Error("the page is still there, or more than it went")
	}
}

// TestS3Refuses: each mistake that an operator may make has its own error.
func TestS3Refuses(t *testing.T) {
	storage := testtool.NewStorage(t)
	page := text("index.html", "x")
	for _, test := range []struct {
		why, address, key, secret string
		want                      error
	}{
		{"01: a bucket that is not there", "s3://other-example", testtool.AccessKey, testtool.SecretKey, publish.ErrNoBucket},
		{"02: a key that is not known", "s3://" + testtool.Bucket, "nobody", testtool.SecretKey, publish.ErrKeys},
		{"03: a wrong secret", "s3://" + testtool.Bucket, testtool.AccessKey, "guess", publish.ErrKeys},
	} {
		testtool.SetKeys(t, test.key, test.secret)
		s := newS3(t, test.address, storage.Endpoint)
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
	testtool.SetKeys(t, testtool.AccessKey, testtool.SecretKey)
	for code, want := range map[string]error{"AccessDenied": publish.ErrDenied, "RequestTimeTooSkewed": publish.ErrClock, "ExpiredToken": publish.ErrKeys} {
		h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprintf(w, "<Error><Code>%s</Code><Message>No.</Message></Error>", code)
		}))
		if err := newS3(t, "s3://"+testtool.Bucket, h.URL).Put(t.Context(), text("a", "")); !errors.Is(err, want) {
			t.Errorf("%s: %v", code, err)
		}
		h.Close()
	}
}

// TestS3TriesAgain: a storage that is busy for a moment gets the whole object all the same.
func TestS3TriesAgain(t *testing.T) {
	testtool.SetKeys(t, testtool.AccessKey, testtool.SecretKey)
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
	if err := newS3(t, "s3://"+testtool.Bucket, h.URL).Put(t.Context(), text("a", "the whole")); err != nil {
		t.Fatal(err)
	}
	if requests.Load() != 2 || !bytes.Contains(got, []byte("the whole")) {
		t.Errorf("%d requests; the last held %q", requests.Load(), got)
	}
}

func TestNewS3Refuses(t *testing.T) {
	at := publish.S3Address{Bucket: testtool.Bucket}
	testtool.SetKeys(t, "", "")
	if _, err := publish.NewS3(at, publish.S3Options{}); !errors.Is(err, publish.ErrNoKeys) {
		t.Errorf("no credentials: %v", err)
	}
	testtool.SetKeys(t, testtool.AccessKey, testtool.SecretKey)
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

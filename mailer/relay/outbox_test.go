package relay_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"tidings/mailer/relay"
)

func now() time.Time { return time.Date(2015, 11, 9, 9, 0, 0, 123456789, time.UTC) }

func newOutbox(t *testing.T) (*relay.Outbox, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "outbox")
	o, err := relay.NewOutbox(dir, now)
	if err != nil {
		t.Fatal(err)
	}
	return o, dir
}

func list(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestOutbox(t *testing.T) {
	o, dir := newOutbox(t)
	if got := deliver(t, over(t, o), "ada@bücher.example", msg); got.State != relay.Accepted {
		t.Fatalf("got %+v", got)
	}
	files := list(t, filepath.Join(dir, "new"))
	if len(files) != 1 || len(list(t, filepath.Join(dir, "tmp"))) != 0 || len(list(t, filepath.Join(dir, "cur"))) != 0 {
		t.Fatalf("new/ has %q", files)
	}
	if !regexp.MustCompile(`^1447059600\.M123456P\d+Q\d+\.[^/:]+$`).MatchString(filepath.Base(files[0])) {
		t.Errorf("a strange name: %s", files[0])
	}
	b, err := os.ReadFile(files[0])
	want := "Return-Path: <" + from + ">\nDelivered-To: ada@xn--bcher-kva.example\n" + strings.ReplaceAll(msg, "\r\n", "\n")
	if err != nil || string(b) != want {
		t.Errorf("%v\n got %q\nwant %q", err, b, want)
	}
	if st, err := os.Stat(files[0]); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("others may read the mail: %v, %v", st.Mode(), err)
	}
	if err := o.Close(); err != nil {
		t.Error(err)
	}
}

// The clock stands still here: names have to differ all the same.
func TestOutboxAtOnce(t *testing.T) {
	o, dir := newOutbox(t)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if reply, err := o.Deliver(t.Context(), relay.Mail{To: to, Msg: []byte(msg)}); err != nil || reply.State != relay.Accepted {
				t.Errorf("got %+v, %v", reply, err)
			}
		})
	}
	wg.Wait()
	if n := len(list(t, filepath.Join(dir, "new"))); n != 20 {
		t.Errorf("%d mails, want 20", n)
	}
}

func TestOutboxRefuses(t *testing.T) {
	o, dir := newOutbox(t)
	if got := deliver(t, over(t, o), "ada@example.com\nBcc: eve@example.com", msg); got.State != relay.Rejected {
		t.Errorf("an address with a line break: %+v", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := o.Deliver(ctx, relay.Mail{From: from, To: to, Msg: []byte(msg)}); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of the context: %v", err)
	}
	off := errors.New("called off")
	if _, err := o.Deliver(t.Context(), relay.Mail{From: from, To: to, Msg: []byte(msg), Ready: func() error { return off }}); !errors.Is(err, off) {
		t.Errorf("called off: %v", err)
	}
	if got := list(t, filepath.Join(dir, "new")); len(got) != 0 {
		t.Errorf("stored all the same: %q", got)
	}
	if err := os.RemoveAll(filepath.Join(dir, "new")); err != nil {
		t.Fatal(err)
	}
	if got := deliver(t, over(t, o), to, msg); got.State != relay.Deferred || got.Text == "" {
		t.Errorf("a disk that fails: %+v", got)
	}
	if left := list(t, filepath.Join(dir, "tmp")); len(left) != 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestOutboxNeedsAFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := relay.NewOutbox(file, now); err == nil {
		t.Error("a file was taken for a Maildir")
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestInterruptedQuestion: who presses Ctrl-C at the question, even with the answer on the line, has the command end, and nothing is sent.
func TestInterruptedQuestion(t *testing.T) {
	for _, typed := range []string{"", "yes"} {
		dir := filepath.Join(t.TempDir(), "n")
		writeFile(t, filepath.Join(dir, "tidings.yaml"), "title: News\nurl: https://news.example.org/\n"+weekly)
		writeFile(t, filepath.Join(dir, "items", "a.md"), item("A", "", "Words."))
		keys, terminal := openTerminal(t)
		ctx, cancel := context.WithCancelCause(t.Context())
		var out, errs logBuffer
		ended := make(chan int, 1)
		go func() {
			ended <- run(ctx, []string{"-C", dir, "send", "weekly"}, stdio{terminal, &out, &errs}, func() time.Time { return monday })
		}()
		if !poll(20*time.Second, func() bool { return strings.Contains(out.String(), "[y/N]") }) {
			t.Fatalf("nobody was asked\n%s%s", &out, &errs)
		}
		fmt.Fprint(keys, typed)
		cancel(errors.New("interrupt signal received"))
		if status := endsSoon(t, ended); status != statusFailed || !strings.HasPrefix(errs.String(), "tidings: interrupt signal received\nhint: ") {
			t.Errorf("%q: status %d\n%s%s", typed, status, &out, &errs)
		}
		if mails, err := outbox(dir); err != nil || len(mails) > 0 || strings.Contains(out.String(), "sent") {
			t.Errorf("%q: %d mails, %v\n%s", typed, len(mails), err, &out)
		}
	}
}

// openTerminal gives a terminal, and what is typed at it.
func openTerminal(t *testing.T) (keys, terminal *os.File) {
	t.Helper()
	keys, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	check(t, err)
	t.Cleanup(func() { keys.Close() })
	fd := int(keys.Fd())
	check(t, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0))
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	check(t, err)
	terminal, err = os.OpenFile(fmt.Sprint("/dev/pts/", number), os.O_RDWR|unix.O_NOCTTY, 0)
	check(t, err)
	return keys, terminal
}

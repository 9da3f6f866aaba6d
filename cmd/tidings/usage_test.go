package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestWrongUsage: a wrong command line ends with status 2, says what is wrong with it, and names the help that tells more.
func TestWrongUsage(t *testing.T) {
	for i, test := range []struct{ line, what, help string }{
		{"frobnicate", `unknown command "frobnicate"`, "tidings"},
		{"chekc", "check", "tidings"}, // what was meant is named
		{"--frob", "unknown flag: --frob", "tidings"},
		{"-C", "flag needs an argument", "tidings"},
		{"backup", "accepts 1 arg(s), received 0", "tidings backup"},
		{"backup a b", "accepts 1 arg(s), received 2", "tidings backup"}, // FILE was not quoted
		{"build now", `unknown command "now"`, "tidings build"},
		{"check --json=perhaps", "perhaps", "tidings check"},
		{"demo here", "here", "tidings demo"},
		{"init", "accepts 1 arg(s), received 0", "tidings init"},
		{"items all", "all", "tidings items"},
		{"new Two words", "accepts 1 arg(s), received 2", "tidings new"}, // a title of several words needs quotes
		{"preview", "accepts 1 arg(s), received 0", "tidings preview"},
		{"restore", "accepts 1 arg(s), received 0", "tidings restore"},
		{"restore --force a", "unknown flag: --force", "tidings restore"},
		{"run --fast", "unknown flag: --fast", "tidings run"},
		{"schema feed", `invalid argument "feed"`, "tidings schema"},
		{"schema", "accepts 1 arg(s), received 0", "tidings schema"},
		{"send", "accepts 1 arg(s), received 0", "tidings send"},
		{"send weekly monthly", "accepts 1 arg(s), received 2", "tidings send"},
		{"send weekly --sure", "unknown flag: --sure", "tidings send"},
		{"subscribers frob", `unknown command "frob"`, "tidings subscribers"}, // and not a help that ends well
		{"subscribers import list.csv", `"confirmed" not set`, "tidings subscribers import"},
		{"subscribers import --confirmed x", "accepts 1 arg(s), received 0", "tidings subscribers import"},
		{"subscribers add ada@example.com", `"confirmed" not set`, "tidings subscribers add"},
		{"subscribers remove", "accepts 1 arg(s), received 0", "tidings subscribers remove"},
		{"subscribers export list.csv", "list.csv", "tidings subscribers export"},
		{"version 2", "2", "tidings version"},
		{"completion tcsh", `unknown command "tcsh"`, "tidings completion"},
	} {
		var out, errs bytes.Buffer
		status := run(t.Context(), strings.Fields(test.line), stdio{strings.NewReader(""), &out, &errs}, time.Now)
		hint := "hint: " + test.help
		if status != statusUsage || out.Len() > 0 || !strings.HasPrefix(errs.String(), "tidings: ") || !strings.Contains(errs.String(), test.what) ||
			!strings.Contains(errs.String(), "\n"+hint+" ") || !strings.HasSuffix(errs.String(), "; "+test.help+" --help tells more\n") {
			t.Errorf("%d tidings %s: status %d\n%s%s", i+1, test.line, status, &out, &errs)
		}
	}
}

// TestInterrupted: a command that is called off says so in a line of its own, and what to do; no part of it adds that it was called off.
func TestInterrupted(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "n")
	tidingsAt(t, monday, "init", dir)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("interrupt signal received"))
	for _, command := range []string{"build", "check", "items", "send weekly --yes"} {
		var out, errs bytes.Buffer
		status := run(ctx, append([]string{"-C", dir}, strings.Fields(command)...), stdio{strings.NewReader(""), &out, &errs}, func() time.Time { return monday })
		if says := errs.String(); status != statusFailed || !strings.HasPrefix(says, "tidings: interrupt signal received\nhint: ") || strings.Contains(says, "canceled") {
			t.Errorf("tidings %s: status %d\n%s%s", command, status, &out, says)
		}
	}
}

// slow is a pipe that brings some text, and then nothing for as long as the test takes.
type slow struct {
	t       *testing.T
	text    io.Reader
	waiting chan struct{} // told when somebody waits for more
}

func (s slow) Read(p []byte) (int, error) {
	n, err := s.text.Read(p)
	if errors.Is(err, io.EOF) {
		hint(s.waiting)
		<-s.t.Context().Done()
	}
	return n, err
}

// TestInterruptedInput: an import that waits for a pipe ends when it is called off, and says what is not in.
func TestInterruptedInput(t *testing.T) {
	for _, test := range []struct{ name, text, says string }{ // number and why
		{"1 nothing came yet", "", "tidings: interrupt signal received\nhint: "},
		{"2 in the middle of the list", "email\nada@example.com\n", "-:2: error: the import stopped: good rows from this line on are not in"},
	} {
		dir := filepath.Join(t.TempDir(), "n")
		writeFile(t, filepath.Join(dir, "tidings.yaml"), "title: News\nurl: https://news.example.org/\n"+weekly)
		ctx, cancel := context.WithCancelCause(t.Context())
		in := slow{t, strings.NewReader(test.text), make(chan struct{}, 1)}
		var out, errs logBuffer
		ended := make(chan int)
		go func() {
			ended <- run(ctx, []string{"-C", dir, "subscribers", "import", "-", "--confirmed", "x"}, stdio{in, &out, &errs}, func() time.Time { return monday })
		}()
		<-in.waiting
		cancel(errors.New("interrupt signal received"))
		if status := endsSoon(t, ended); status != statusFailed || !strings.Contains(errs.String(), test.says) {
			t.Errorf("%s: status %d\n%s%s", test.name, status, &out, &errs)
		}
	}
}

// endsSoon gives the status with which a command ends.
func endsSoon(t *testing.T, ended <-chan int) int {
	t.Helper()
	select {
	case status := <-ended:
		return status
	case <-time.After(20 * time.Second):
		t.Fatal("the command goes on")
		return 0
	}
}

// TestBesides: what else went wrong is said, too.
func TestBesides(t *testing.T) {
	off, full := context.Canceled, errors.New("the disk is full")
	for i, test := range []struct {
		err  error
		want string
	}{
		{off, ""},
		{fmt.Errorf("database: %w", off), ""},
		{errors.Join(off, errors.Join(off, fmt.Errorf("rows: %w", off))), ""},
		{full, "the disk is full"},
		{errors.Join(off, errors.Join(full, off)), "the disk is full"},
		{errors.Join(fmt.Errorf("ledger: %w", full), off), "ledger: the disk is full"},
		{fmt.Errorf("ledger: %w", errors.Join(full, off)), "ledger: the disk is full\ncontext canceled"},
	} {
		got := ""
		if err := besides(test.err, context.Canceled); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%d: %q, want %q", i+1, got, test.want)
		}
	}
}

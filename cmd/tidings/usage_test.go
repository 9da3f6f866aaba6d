package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
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

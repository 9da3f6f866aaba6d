package main

import (
	"bytes"
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

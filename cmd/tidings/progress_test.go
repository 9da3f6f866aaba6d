package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"tidings/internal/testtool"
)

// TestProgress sends ten mails, four a second, on a terminal (script, of util-linux, makes one) and elsewhere: a person sees a bar
// that grows to its end, and where nobody looks on there is none.
func TestProgress(t *testing.T) {
	t.Parallel()
	script := testtool.Need(t, "script")
	dir := t.TempDir()
	var list strings.Builder
	list.WriteString("email\n")
	for i := range 10 {
		fmt.Fprintf(&list, "reader%d@example.com\n", i)
	}
	writeFile(t, filepath.Join(dir, "list.csv"), list.String())
	writeFile(t, filepath.Join(dir, "tidings.yaml"), "title: News\nurl: https://news.example.org/\n"+strings.Replace(weekly, "mail: {", "mail: {rate: 4/s, ", 1))
	writeFile(t, filepath.Join(dir, "items", "one.md"), item("One", "", "Words."))
	tidingsAt(t, monday, "-C", dir, "subscribers", "import", filepath.Join(dir, "list.csv"), "--confirmed", "sample")

	send := fmt.Sprintf("tidings -C '%s' send weekly --yes --again", dir)
	cmd := exec.Command(script, "-qec", send, filepath.Join(t.TempDir(), "typescript"))
	cmd.Env = append(cmd.Environ(), clockVariable+"=2016-12-19T09:00:00Z", "TERM=xterm")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	steps := map[string]bool{}
	for _, m := range regexp.MustCompile(`weekly-1 +\d+% .*\((\d+)/10`).FindAllStringSubmatch(strings.ReplaceAll(string(out), "\r", "\n"), -1) {
		steps[m[1]] = true
	}
	if len(steps) < 3 || !steps["10"] {
		t.Errorf("the bar shows %v of 10:\n%s", steps, out)
	}

	writeFile(t, filepath.Join(dir, "items", "two.md"), item("Two", "", "Words."))
	cmd = exec.Command("tidings", "-C", dir, "send", "weekly", "--yes", "--again")
	cmd.Env = append(cmd.Environ(), clockVariable+"=2016-12-19T10:00:00Z")
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "10 accepted") || strings.ContainsAny(string(out), "%\r") {
		t.Errorf("a bar without a terminal, or %v:\n%s", err, out)
	}
}

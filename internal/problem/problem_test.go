package problem_test

import (
	"encoding/json"
	"testing"

	"tidings/internal/problem"
)

func list() problem.List {
	var l problem.List
	l.Warnf("b.md", 2, "", "second")
	l.Errorf("b.md", 1, "write %d", "first %s", "word")
	l.Warnf("a.md", 0, "", "whole")
	l.Warnf("b.md", 2, "", "third")
	return l
}

func TestString(t *testing.T) {
	for i, want := range []string{
		"b.md:2: warning: second",
		"b.md:1: error: first word\nhint: write %d", // a hint is no format
		"a.md: warning: whole",                      // the whole file has no line
		"b.md:2: warning: third",
	} {
		if got := list()[i].String(); got != want {
			t.Errorf("%d got %q, want %q", i+1, got, want)
		}
	}
	if want := "b.md:1: error: first word\nhint: write %d\na.md: warning: whole"; list()[1:3].Error() != want {
		t.Errorf("got %q, want %q", list()[1:3].Error(), want)
	}
}

// TestSorted: by file and line, what is on one line stays in its order, and the list itself is not changed.
func TestSorted(t *testing.T) {
	l := list()
	want := "whole, first word, second, third, "
	got := ""
	for _, p := range l.Sorted() {
		got += p.What + ", "
	}
	if got != want || l[0].What != "second" {
		t.Errorf("got %s and leaves %v", got, l)
	}
}

func TestHasErrors(t *testing.T) {
	if l := list(); !l.HasErrors() || l[2:].HasErrors() || (problem.List)(nil).HasErrors() {
		t.Error("only the second problem is an error")
	}
}

// TestJSON holds the form in which "check --json" prints problems.
func TestJSON(t *testing.T) {
	got, err := json.Marshal(list()[1:3])
	want := `[{"file":"b.md","line":1,"severity":"error","what":"first word","hint":"write %d"},{"file":"a.md","severity":"warning","what":"whole"}]`
	if err != nil || string(got) != want {
		t.Errorf("got %s, want %s; %v", got, want, err)
	}
}

// Package problem holds the one form in which Tidings tells people what is wrong with a file of theirs:
// which file, which line, how bad it is, what is wrong in plain words, and what to do about it.
package problem

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Severity says what a problem does to the file it is in.
type Severity string

// An Error leaves the file out; a Warning is said and the file is used all the same.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Problem is one thing that is wrong with one file. Line counts from 1; 0 stands for the whole file.
type Problem struct {
	File     string   `json:"file"` // slash-separated, relative to the newsroom
	Line     int      `json:"line,omitempty"`
	Severity Severity `json:"severity"`
	What     string   `json:"what"` // one line of plain words: the key first, then what is wrong with it
	Hint     string   `json:"hint,omitempty"`
}

// String gives the problem as the command line prints it, without a newline at the end:
//
//	items/x.md:3: error: date: "31/02/2015" is no date
//	hint: write 2015-02-28
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
	}
	fmt.Fprintf(&b, ": %s: %s", p.Severity, p.What)
	if p.Hint != "" {
		fmt.Fprintf(&b, "\nhint: %s", p.Hint)
	}
	return b.String()
}

// List is the problems of one or many files, in the order in which they were found.
type List []Problem

// Errorf adds an error at a line of a file.
func (l *List) Errorf(file string, line int, hint, format string, args ...any) {
	*l = append(*l, Problem{file, line, Error, fmt.Sprintf(format, args...), hint})
}

// Warnf adds a warning at a line of a file.
func (l *List) Warnf(file string, line int, hint, format string, args ...any) {
	*l = append(*l, Problem{file, line, Warning, fmt.Sprintf(format, args...), hint})
}

// HasErrors tells whether any of the problems is an error.
func (l List) HasErrors() bool { return l.Errors() > 0 }

// Errors gives the number of problems that are errors.
func (l List) Errors() int {
	n := 0
	for _, p := range l {
		if p.Severity == Error {
			n++
		}
	}
	return n
}

// Sorted returns the problems by file, then line, those of one line in the order in which they were found.
func (l List) Sorted() List {
	s := slices.Clone(l)
	slices.SortStableFunc(s, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return s
}

// Error makes a List that holds errors usable as an error: its problems, one below the other.
func (l List) Error() string {
	lines := make([]string, len(l))
	for i, p := range l {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

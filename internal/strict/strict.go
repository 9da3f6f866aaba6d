// Package strict reads the YAML and JSON that people write by hand, and tells them everything that is wrong with it at
// once, each with its line: unknown and repeated keys, a list where a text belongs, and what YAML would lose without a
// word. Structs are described by their yaml tags; JSON uses the same names.
//
// Aliases are refused: nobody writes them in such files by hand, and they are how a small file grows without bound.
package strict

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"tidings/internal/problem"
)

// Document is a file after decoding, with the place of everything in it.
type Document struct {
	File     string       // as in the problems
	Problems problem.List // what is wrong with the form; callers add what is wrong with the meaning
	root     *yaml.Node   // nil when the file could not be read at all
	first    int          // what to add to a node's line to get the file's
	filled   bool
	unknown  int // keys
}

// HasUnknown tells whether the file has unknown keys: then one that seems to be missing is likely one of them.
func (d *Document) HasUnknown() bool { return d.unknown > 0 }

// Filled tells whether the values were read: all of them, for an unknown key is an error but hides nothing else.
func (d *Document) Filled() bool { return d.filled }

// YAML decodes the one YAML document in data into v, a pointer to a struct. skipped is the number of lines of the file
// that stand before data. v is filled unless there is an error other than an unknown key.
func YAML(file string, data []byte, skipped int, v any) *Document {
	d := &Document{File: file, first: skipped}
	data = otherBreaks.ReplaceAll(data, []byte(" "))
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		d.filled = true // nothing but white space and comments: required keys are the caller's to ask for
		return d
	case err != nil:
		d.syntax(err, data)
		return d
	}
	var second yaml.Node
	if err := dec.Decode(&second); !errors.Is(err, io.EOF) {
		d.Errorf(d.lineOf(max(second.Line, lastLine(doc.Content[0]))), "write one document a file; a line of --- begins another",
			"a second document begins here")
		return d
	}
	d.fill(doc.Content[0], v)
	return d
}

// otherBreaks are the characters other than CR and LF that end a line in YAML (1.1, §5.4), though in no editor.
var otherBreaks = regexp.MustCompile("[\u0085\u2028\u2029]")

// JSON decodes the one JSON object in data into v, a pointer to a struct, by the same rules as YAML.
func JSON(file string, data []byte, v any) *Document {
	d := &Document{File: file}
	node, err := parseJSON(data)
	if err != nil {
		d.Errorf(err.line, err.hint, "not valid JSON: %s", err.what)
		return d
	}
	d.fill(node, v)
	return d
}

func (d *Document) fill(node *yaml.Node, v any) {
	d.root = node
	d.check(node, reflect.TypeOf(v).Elem(), "")
	if d.Problems.Errors() > d.unknown {
		return
	}
	if err := node.Decode(v); err != nil {
		d.syntax(err, nil)
		return
	}
	d.filled = true
}

// Errorf adds an error at a line of the file.
func (d *Document) Errorf(line int, hint, format string, args ...any) {
	d.Problems.Errorf(d.File, line, hint, format, args...)
}

// Warnf adds a warning at a line of the file.
func (d *Document) Warnf(line int, hint, format string, args ...any) {
	d.Problems.Warnf(d.File, line, hint, format, args...)
}

// Line gives the file's line of the value at path, whose steps are keys and list indices: Line("authors", 0, "name").
// Where the path ends early it is the line of its last part that is there; 1 when nothing of it is.
func (d *Document) Line(path ...any) int {
	node := d.root
	if node == nil {
		return max(1, d.first)
	}
	for _, step := range path {
		next := child(node, step)
		if next == nil {
			break
		}
		node = next
	}
	return d.lineOf(node.Line)
}

// Has tells whether the file gives a value at path, be it 0 or ""; a key with nothing behind it gives none. The steps
// are those of Line.
func (d *Document) Has(path ...any) bool {
	node := d.root
	for _, step := range path {
		if node != nil {
			node = child(node, step)
		}
	}
	return node != nil && !isNull(node)
}

// PathName writes a path as people read it: corrections[1].date.
func PathName(path []any) string {
	var b strings.Builder
	for i, step := range path {
		switch step := step.(type) {
		case int:
			fmt.Fprintf(&b, "[%d]", step+1)
		default:
			if i > 0 {
				b.WriteByte('.')
			}
			fmt.Fprint(&b, step)
		}
	}
	return b.String()
}

func (d *Document) lineOf(line int) int { return line + d.first }

func child(node *yaml.Node, step any) *yaml.Node {
	switch step := step.(type) {
	case string:
		for i := 0; node.Kind == yaml.MappingNode && i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == step {
				return node.Content[i+1]
			}
		}
	case int:
		if node.Kind == yaml.SequenceNode && step < len(node.Content) {
			return node.Content[step]
		}
	}
	return nil
}

func lastLine(n *yaml.Node) int {
	line := n.Line
	for _, c := range n.Content {
		line = max(line, lastLine(c))
	}
	return line
}

var yamlLine = regexp.MustCompile(`^(?:yaml: )?(?:unmarshal errors:\s*)?(?:line (\d+): )?(.*)`)

// syntax turns an error of the yaml library into a problem in plain words.
func (d *Document) syntax(err error, data []byte) {
	m := yamlLine.FindStringSubmatch(err.Error())
	line, _ := strconv.Atoi(m[1])
	what, hint := m[2], "compare with an item that works; mind the spaces at the line's beginning"
	for _, f := range yamlFaults {
		if !strings.Contains(what, f.says) {
			continue
		}
		at, found := line, true
		if f.find != nil {
			at, found = findLine(data, line, f.find)
		}
		if found {
			line, what, hint = at, f.what, f.hint
			break
		}
	}
	d.Errorf(d.lineOf(max(line, 1)), hint, "%s", what)
}

// yamlFaults are the faults that people make most, with what the yaml library says of them. The library's line is
// often that of the next token, or missing: find knows the line that is meant, and the entry counts only if there is one.
var yamlFaults = []struct {
	says, what, hint string
	find             *regexp.Regexp
}{
	{"mapping values are not allowed", "a value holds a colon followed by a space, which begins a new key in YAML",
		`put the whole value in quotes: title: "Calais: the facts"`, regexp.MustCompile(`^\s*(?:- )?[\w-]+:\s+[^"'\[{|>\s].*:(\s|$)`)},
	{"mapping values are not allowed", "a colon has no space behind it", "write key: value, with a space after the colon",
		regexp.MustCompile(`^\s*(?:- )?[\w-]+:[^\s/]`)},
	{"mapping values are not allowed", "the line is indented too far, or the one above it has no colon",
		"write key: value, with a space after the colon; begin the keys at the line's start", nil},
	{"found a tab character", "the line is indented with a tab", "indent with spaces", regexp.MustCompile(`^ *\t`)},
	{"found character that cannot start any token", "the line is indented with a tab", "indent with spaces", regexp.MustCompile(`^ *\t`)},
	{"found character that cannot start any token", "a value begins with @, ` or %, which YAML keeps for itself",
		"put the whole value in quotes", regexp.MustCompile("(:|-|^)\\s+[@`%]")},
	{"found unexpected end of stream", "a quotation mark that opens a value is never closed",
		"close the quotes, or double a quotation mark that belongs to the text", regexp.MustCompile(`:\s+["'][^"']*$`)},
	{"did not find expected ',' or ']'", "a list in [ ] is never closed, or lacks a comma", "write topics: [one, two]", regexp.MustCompile(`:\s+\[[^\]]*$`)},
	{"did not find expected ',' or ']'", "a list in [ ] is never closed, or lacks a comma", "write topics: [one, two]", nil},
	{"did not find expected ',' or '}'", "a group in { } is never closed, or lacks a comma", "write {name: Ada, role: Editor}", regexp.MustCompile(`\{[^}]*$`)},
	{"did not find expected ',' or '}'", "a group in { } is never closed, or lacks a comma", "write {name: Ada, role: Editor}", nil},
	{"could not find expected ':'", "a line has no colon", "write key: value, with a space after the colon", nil},
	{"did not find expected key", "text follows behind a closing quotation mark",
		"double the quotation marks that belong to the text, or use the other kind around it", regexp.MustCompile(`:\s+('[^']*'|"[^"]*")\s*[^\s,#\]}'"]`)},
	{"did not find expected key", "text follows behind a closing bracket", "put the whole value in quotes",
		regexp.MustCompile(`:\s+(\[[^\]]*\]|\{[^}]*\})\s*[^\s,#\]}]`)},
	{"did not find expected key", "this line, or one that follows, begins too far left or right",
		"begin keys that belong together equally far from the line's start; put values that hold quotation marks in quotes", nil},
	{"unknown anchor", "a value begins with *, which YAML keeps for itself", "put the whole value in quotes", regexp.MustCompile(`:\s+\*`)},
	{"did not find expected alphabetic or numeric character", "a value begins with * or &, which YAML keeps for itself",
		"put the whole value in quotes", nil},
	{"control characters are not allowed", "the file holds control characters", "take them out; they come from copying out of another program",
		regexp.MustCompile(`[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]`)},
	{"UTF-8", "the file is not in UTF-8", `save it again with the encoding UTF-8 (in Windows Notepad: "Save as", Encoding)`, nil},
	{"unknown escape character", `a backslash in double quotes is followed by a letter that means nothing`, "use single quotes, or double the backslash", nil},
}

// findLine looks for a line that matches re, from around the one that the library named.
func findLine(data []byte, near int, re *regexp.Regexp) (line int, found bool) {
	lines := strings.Split(string(data), "\n")
	for _, l := range []int{near, near - 1, near + 1} {
		if l >= 1 && l <= len(lines) && re.MatchString(lines[l-1]) {
			return l, true
		}
	}
	i := slices.IndexFunc(lines, re.MatchString)
	return i + 1, i >= 0
}

// name puts a key behind the path to the struct it is in: "event.start".
func name(path, key string) string {
	if path == "" {
		return key
	}
	return fmt.Sprintf("%s.%s", path, key)
}

package items

import (
	"bytes"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"path"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"tidings/internal/markup"
	"tidings/internal/problem"
	"tidings/internal/strict"
)

// MaxSize is the greatest size of an item file, in bytes.
const MaxSize = 1 << 20

// MaxTitle is the greatest length of a title, in characters.
const MaxTitle = 200

// Parser turns item files into Items. The zero Topics stands for "whatever items say".
type Parser struct {
	Location *time.Location    // for times without an offset
	Language string            // of items that name none
	Topics   map[string]string // slug: title; nil where items name topics freely
}

// Extensions are the endings of the files that are items.
var Extensions = []string{".md", ".markdown", ".yaml", ".yml", ".json"}

// Parse reads an item file that is no version of another. file names it in the problems and its ending tells the format. When there is an
// error among the problems, nothing but the item's Status is set, and that only to Withdrawn or Erased: a story whose file says so comes
// down even if the file is broken.
func (p Parser) Parse(file string, data []byte) (Item, problem.List) {
	f := p.read(file, data)
	f.spoil(f.alone)
	if f.Item == nil {
		return Item{Status: f.Status}, f.Problems
	}
	return *f.Item, f.Problems
}

// read reads an item file. What it is in the folder is not known here: it has no path.
func (p Parser) read(file string, data []byte) File {
	text, probs := clean(file, data)
	if probs.HasErrors() {
		return File{Name: file, named: languageOfName(file, ""), Status: statusIn(string(data)), Problems: probs}
	}
	var it Item
	doc, story := decode(file, text, &it)
	c := checker{Item: &it, Document: doc, rules: p, bad: map[string]bool{}, story: story, named: languageOfName(file, it.Language)}
	c.run()
	f := File{Name: file, named: c.named, Status: it.Status, Problems: append(probs, doc.Problems...), alone: c.alone, among: c.among, past: c.past}
	if doc.Problems.HasErrors() {
		f.Status = statusIn(text)
	} else {
		f.Item = &it
	}
	return f
}

// lineEnds are those of Windows and of old Macs.
var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// clean gives the text of a file: UTF-8 with plain newlines, without a byte order mark and control characters.
func clean(file string, data []byte) (string, problem.List) {
	var probs problem.List
	switch {
	case len(data) > MaxSize:
		probs.Errorf(file, 0, "move pictures out of the text and into files beside it",
			"the file has %d kB, more than an item may have (1 MiB)", len(data)/1000)
	case bytes.HasPrefix(data, []byte{0xFF, 0xFE}), bytes.HasPrefix(data, []byte{0xFE, 0xFF}):
		probs.Errorf(file, 0, `save it again with the encoding UTF-8 (in Windows Notepad: "Save as", Encoding)`, "the file is in UTF-16")
	case !utf8.Valid(data):
		probs.Errorf(file, badLine(data), `save it again with the encoding UTF-8 (in Windows Notepad: "Save as", Encoding)`, "the file is not in UTF-8")
	}
	if len(probs) > 0 {
		return "", probs
	}
	text := strings.TrimPrefix(string(data), "\uFEFF")
	if strings.Contains(text, "\r") {
		text = lineEnds.Replace(text)
	}
	clean, done := markup.CleanText(text)
	if done != (markup.Cleaning{}) {
		line := 1 + strings.Count(text[:firstDifference(text, clean)], "\n")
		probs.Warnf(file, line, "they come from copying out of another program; nothing that can be read is lost",
			"%v", done)
	}
	if strings.TrimSpace(clean) == "" {
		probs.Errorf(file, 0, `"tidings new TITLE" makes a file that is ready to fill in`, "the file is empty")
	}
	return clean, probs
}

func badLine(data []byte) int {
	line := 1
	for len(data) > 0 {
		r, n := utf8.DecodeRune(data)
		if r == utf8.RuneError && n == 1 {
			break
		}
		if r == '\n' {
			line++
		}
		data = data[n:]
	}
	return line
}

func firstDifference(a, b string) int {
	i := 0
	for i < len(b) && a[i] == b[i] {
		i++
	}
	return i
}

// place is where the story's text stands in the file.
type place struct {
	line int  // on which it begins
	flat bool // it stands in quotes: its own lines are none of the file's
}

// at is the file's line of the story's n-th, counted from 1.
func (p place) at(n int) int {
	if p.flat {
		return p.line
	}
	return p.line + n - 1
}

// decode fills the item from the text by the format that the file's ending names.
func decode(file, text string, it *Item) (*strict.Document, place) {
	switch strings.ToLower(path.Ext(file)) {
	case ".json":
		doc := strict.JSON(file, []byte(text), it)
		return doc, place{doc.Line("body"), true}
	case ".yaml", ".yml":
		doc := strict.YAML(file, []byte(text), 0, it)
		return doc, storyPlace(doc, text)
	}
	front, body, bodyAt, err := splitFrontMatter(text)
	if err != nil {
		doc := &strict.Document{File: file}
		doc.Errorf(err.line, err.hint, "%s", err.what)
		return doc, place{line: 1}
	}
	doc := strict.YAML(file, []byte(front), 1, it)
	if doc.Has("body") {
		doc.Errorf(doc.Line("body"), "move it below the front matter's second line of three dashes", "body: in a .md file the story stands below the front matter")
	}
	it.Body = body
	return doc, place{line: bodyAt}
}

var blockScalar = regexp.MustCompile(`:\s*[|>][-+0-9]*\s*(#.*)?$`)

// storyPlace finds the story of a YAML item: below "body: |", else in one value behind body.
func storyPlace(doc *strict.Document, text string) place {
	line := doc.Line("body")
	lines := strings.Split(text, "\n")
	if line < len(lines) && blockScalar.MatchString(lines[line-1]) {
		return place{line: line + 1}
	}
	return place{line, true}
}

type frontError struct {
	line       int
	what, hint string
}

// splitFrontMatter takes a Markdown item apart: the YAML between the first two lines of three dashes, what follows,
// and the line on which that begins. Blank lines above the first are put below it, which keeps the line numbers.
func splitFrontMatter(text string) (front, body string, bodyAt int, err *frontError) {
	const example = "begin the file with:\n      ---\n      title: …\n      date: 2015-12-21\n      ---"
	blank := text[:len(text)-len(strings.TrimLeft(text, "\n"))]
	first, rest, _ := strings.Cut(text[len(blank):], "\n")
	switch first = strings.TrimRight(first, " \t"); {
	case first == "+++":
		return "", "", 0, &frontError{1, "the front matter is TOML, which is not read", "write it as YAML between lines of three dashes: title: …"}
	case first != "---":
		return "", "", 0, &frontError{1, "the front matter is missing", example}
	}
	lines := strings.SplitAfter(rest, "\n")
	at := 0
	for i, l := range lines {
		if t := strings.TrimRight(l, " \t\n"); t == "---" || t == "..." {
			return blank + rest[:at], rest[at+len(l):], len(blank) + i + 2 + strings.Count(l, "\n"), nil
		}
		at += len(l)
	}
	return "", "", 0, &frontError{1, "the front matter is never closed: its second line of three dashes is missing", "put a line of three dashes between the keys and the story"}
}

var statusWord = regexp.MustCompile(`(?im)(?:^|[{,])\s*["']?status["']?\s*:\s*["']?(withdrawn|erased)\b`)

// statusIn finds what a file that cannot be read says of its status: taking a story back must never fail. It looks above
// the story's text, where that can be told, and through UTF-16, which has a NUL beside each plain letter.
func statusIn(text string) Status {
	text = strings.ReplaceAll(text, "\x00", "")
	if front, _, _, err := splitFrontMatter(text); err == nil {
		text = front
	}
	status := Status("")
	for _, m := range statusWord.FindAllStringSubmatch(text, -1) {
		if status = Status(strings.ToLower(m[1])); status == Erased {
			break
		}
	}
	return status
}

// UnmarshalYAML reads a mere text as a slug of this newsroom's.
func (r *Related) UnmarshalYAML(n *yaml.Node) error {
	type plain Related
	return textOr(n, &r.Slug, (*plain)(r))
}

// UnmarshalYAML reads a mere text as the person's name.
func (p *Person) UnmarshalYAML(n *yaml.Node) error {
	type plain Person
	return textOr(n, &p.Name, (*plain)(p))
}

// UnmarshalYAML reads a mere text as the contact's name.
func (c *Contact) UnmarshalYAML(n *yaml.Node) error {
	type plain Contact
	return textOr(n, &c.Name, (*plain)(c))
}

// textOr reads a mere text into the field that it stands for, and a group of keys into the whole.
func textOr(n *yaml.Node, field *string, whole any) error {
	if n.Kind == yaml.ScalarNode {
		*field = n.Value
		return nil
	}
	return n.Decode(whole)
}

// Slugify makes a name for use in addresses: lower-case letters, digits and hyphens, at most 80 characters.
func Slugify(s string) string {
	var b strings.Builder
	for _, r := range fold(s) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
		if b.Len() >= 80 {
			break
		}
	}
	return strings.TrimRight(b.String(), "-")
}

var leadingDate = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}[-_ ]+`)

// Slug is the last part of the addresses of the person's feeds: the name, or where no Latin letter is in it, a hash of it.
func (p Person) Slug() string {
	if s := Slugify(p.Name); s != "" {
		return s
	}
	return "author-" + pathHash(p.Name)[:8]
}

// pathHash is a hash that may stand in an address: 16 characters, lower-case letters and digits.
func pathHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:10]))
}

// slugOf makes a story's slug of its file's path: the file name without extension and leading date, and with its language last. Names of
// which nothing is left (such as Chinese ones) are called by the story's hash.
func slugOf(file, hash string) string {
	name, tag, sure := splitLanguage(path.Base(file))
	if !sure {
		name, tag = stem(path.Base(file)), ""
	}
	s := Slugify(leadingDate.ReplaceAllString(name, ""))
	if s == "" {
		s = fmt.Sprintf("story-%.8s", hash)
	}
	if tag != "" {
		s += "-" + strings.ToLower(tag)
	}
	return s
}

func stem(file string) string { return strings.TrimSuffix(file, path.Ext(file)) }

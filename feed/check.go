package feed

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"tidings/internal/address"
)

// Violation is something in a feed that breaks a rule of its format.
type Violation struct {
	Entry string // the id of the entry that it is in; "" if it is in none, or in one without an id
	What  string // such as `<enclosure> has no length`
}

// String tells the violation with its entry, in one line without an end.
func (v Violation) String() string {
	if v.Entry == "" {
		return v.What
	}
	return fmt.Sprintf("entry %s: %s", v.Entry, v.What)
}

// Check compares a document with the rules of its format: those of XML 1.0 with namespaces, and of RSS 2.0 as the RSS
// Advisory Board's profile has it, or of RFC 4287 with RFC 5005 and RFC 6721; or those of JSON Feed 1.1. It expects what
// readers need and the writers here give, more than the formats do: that a feed names its own address, that all its
// addresses are absolute web addresses, that entries have titles, that their ids differ, and that an archive document leads
// to the live one. It does not look into the HTML of contents, nor at namespaces that feeds here do not have. A valid document gives none;
// of one that cannot be read to its end those up to there are found.
func Check(m Format, data []byte) []Violation { return m.check(data) }

func checkRSS(data []byte) []Violation  { return checkXML(data, &rssDocument) }
func checkAtom(data []byte) []Violation { return checkXML(data, &atomDocument) }

// element is what a format says of an element. Elements of other namespaces than those of grammars may stand anywhere.
type element struct {
	name     name
	min, max int // how often it stands in its parent; a max of 0 is no limit
	text     rule
	attrs    []attributeRule
	children []element
	key      bool // it is the id of the entry around it
	entry    bool
	after    func(f *frame) string // what is wrong with a whole element
}

type attributeRule struct {
	name  string
	must  bool
	value rule
}

// rule says what is wrong with a text, if anything is.
type rule func(text string) string

// frame is an element that is open.
type frame struct {
	*element
	counts  [32]int  // how often each of the children was there
	rels    []string // the relations of its links
	content []byte   // its text, where a rule wants it
}

// xmlCheck is the check of one document.
type xmlCheck struct {
	scanner
	stack   []frame // from the document down
	attrs   []attribute
	foreign int // how many elements are open that no rule is for

	found []Violation
	first int             // of the violations in the entry that is open, -1 outside of entries
	id    string          // of that entry
	ids   map[string]bool // of all entries
}

func checkXML(data []byte, root *element) []Violation {
	c := xmlCheck{scanner: scanner{data: data}, first: -1, ids: map[string]bool{}}
	c.flawed = func(what string) { c.violate("line %d: %s", c.line(), what) }
	c.push(&element{children: []element{*root}})
	err := c.declaration()
	for done := false; err == nil && !done; {
		var t token
		if t, err = c.next(c.attrs[:0]); err == nil {
			done = c.take(t)
			c.attrs = t.attrs
		}
	}
	if err != nil {
		c.violate("line %d: it is not well-formed: %v", c.line(), err)
	}
	c.endEntry()
	return c.found
}

func (c *xmlCheck) violate(format string, args ...any) {
	c.found = append(c.found, Violation{c.id, fmt.Sprintf(format, args...)})
}

// endEntry gives the entry's id to those violations that were found before the id was.
func (c *xmlCheck) endEntry() {
	for i := c.first; i >= 0 && i < len(c.found); i++ {
		c.found[i].Entry = c.id
	}
	c.first, c.id = -1, ""
}

// take checks a token; done says that it was the last.
func (c *xmlCheck) take(t token) (done bool) {
	top := &c.stack[len(c.stack)-1]
	switch {
	case t.kind == endOfDocument:
		c.complete(top)
		return true
	case t.kind == startToken && c.foreign > 0:
		c.foreign++
	case t.kind == endToken && c.foreign > 0:
		c.foreign--
	case t.kind == startToken:
		c.enter(top, t)
	case t.kind == endToken:
		c.leave(top)
	case c.foreign == 0 && (top.text != nil || top.children != nil):
		c.addText(top, t)
	}
	return false
}

func (c *xmlCheck) addText(f *frame, t token) {
	if f.children != nil {
		if len(bytes.TrimSpace(t.text)) > 0 {
			c.violate("text directly in <%s>", f.name.local)
		}
		return
	}
	if t.cdata {
		f.content = append(f.content, t.text...)
		return
	}
	f.content = appendUnescaped(f.content, t.text)
}

// child is the index of the child of this name, or -1.
func (e *element) child(n name) int {
	for i := range e.children {
		if e.children[i].name == n {
			return i
		}
	}
	return -1
}

func (c *xmlCheck) enter(parent *frame, t token) {
	i := parent.child(t.name)
	if i < 0 {
		if known[t.name.space] {
			c.violate("<%s> in <%s>, where it does not belong", t.name.local, parent.name.local)
		}
		c.foreign = 1
		return
	}
	e := &parent.children[i]
	parent.counts[i]++
	if e.entry {
		c.first = len(c.found)
	}
	c.checkAttributes(e, t.attrs)
	if e.name.local == "link" && e.name.space == atomNS {
		rel := attributeValue(t.attrs, "rel")
		parent.rels = append(parent.rels, cmp.Or(rel, "alternate"))
	}
	c.push(e)
}

// push opens an element, in the storage of one that was open before.
func (c *xmlCheck) push(e *element) {
	n := len(c.stack)
	c.stack = slices.Grow(c.stack, 1)[:n+1]
	f := &c.stack[n]
	*f = frame{element: e, rels: f.rels[:0], content: f.content[:0]}
}

func attributeValue(attrs []attribute, name string) string {
	for _, a := range attrs {
		if string(a.name) == name {
			return unescape(a.value)
		}
	}
	return ""
}

func (c *xmlCheck) checkAttributes(e *element, attrs []attribute) {
	for _, r := range e.attrs {
		if r.must && !slices.ContainsFunc(attrs, func(a attribute) bool { return string(a.name) == r.name }) {
			c.violate("<%s> has no %s", e.name.local, r.name)
		}
	}
	for _, a := range attrs {
		if string(a.name) == "xml:lang" {
			if what := language(unescape(a.value)); what != "" {
				c.violate("<%s>: %s", e.name.local, what)
			}
			continue
		}
		if bytes.IndexByte(a.name, ':') >= 0 || string(a.name) == "xmlns" {
			continue
		}
		i := slices.IndexFunc(e.attrs, func(r attributeRule) bool { return string(a.name) == r.name })
		if i < 0 {
			c.violate("<%s> has no such attribute as %s", e.name.local, a.name)
		} else if r := e.attrs[i]; r.value != nil {
			if what := r.value(unescape(a.value)); what != "" {
				c.violate("<%s> %s: %s", e.name.local, r.name, what)
			}
		}
	}
}

func (c *xmlCheck) leave(f *frame) {
	text := string(f.content)
	if f.text != nil {
		if what := f.text(text); what != "" {
			c.violate("<%s>: %s", f.name.local, what)
		}
	}
	if f.key {
		if c.id = text; c.ids[text] {
			c.violate("another entry has the same id")
		}
		c.ids[text] = true
	}
	c.complete(f)
	if f.entry {
		c.endEntry()
	}
	c.stack = c.stack[:len(c.stack)-1]
}

// complete checks what an element holds once it is closed.
func (c *xmlCheck) complete(f *frame) {
	for i, child := range f.children {
		switch n := f.counts[i]; {
		case n < child.min:
			c.violate("<%s> has no <%s>", f.name.local, child.name.local)
		case child.max > 0 && n > child.max:
			c.violate("<%s> has <%s> %d times", f.name.local, child.name.local, n)
		}
	}
	if f.after != nil {
		if what := f.after(f); what != "" {
			c.violate("%s", what)
		}
	}
}

// The rules of texts.

func filled(s string) string {
	if blank(s) {
		return "it is empty"
	}
	return ""
}

// absolute allows what a reader can open.
func absolute(s string) string {
	if !address.IsWeb(s) {
		return fmt.Sprintf("%.80q is no absolute web address", s)
	}
	return ""
}

// personal allows what leads to a person.
func personal(s string) string {
	if !strings.HasPrefix(s, "mailto:") || uri(s) != "" {
		return absolute(s)
	}
	return ""
}

// uri allows every absolute URI, as ids are.
func uri(s string) string {
	if !address.IsURI(s) {
		return fmt.Sprintf("%.80q is no absolute URI", s)
	}
	return ""
}

func rfc3339(s string) string {
	if _, err := time.Parse(time.RFC3339, s); err != nil {
		return fmt.Sprintf("%.80q is no date of RFC 3339", s)
	}
	return ""
}

// rfc822 wants years of four digits, as the profile does.
func rfc822(s string) string {
	t, err := time.Parse(time.RFC1123Z, s)
	if err != nil {
		t, err = time.Parse(time.RFC1123, s)
	}
	if err != nil || t.Format("Mon") != s[:3] {
		return fmt.Sprintf("%.80q is no date of RFC 822", s)
	}
	return ""
}

func language(s string) string {
	if !isLanguage(s) {
		return fmt.Sprintf("%.80q is no language tag", s)
	}
	return ""
}

// isLanguage tells whether s has the form of a BCP 47 tag (RFC 5646 §2.1).
func isLanguage(s string) bool {
	for i, tag := range strings.Split(s, "-") {
		letters := strings.Trim(strings.ToLower(tag), "abcdefghijklmnopqrstuvwxyz")
		switch {
		case len(tag) == 0 || len(tag) > 8 || strings.Trim(letters, "0123456789") != "":
			return false
		case i == 0 && (letters != "" || len(tag) == 1 && tag != "x" && tag != "i"):
			return false
		}
	}
	return true
}

// mailbox is an address, and a name in brackets after it if there is one.
func mailbox(s string) string {
	addr, name, named := strings.Cut(s, " (")
	if named && !strings.HasSuffix(name, ")") {
		return fmt.Sprintf("%.80q has no end", name)
	}
	return email(addr)
}

func email(s string) string {
	if !address.IsEmail(s) {
		return fmt.Sprintf("%.80q is no email address", s)
	}
	return ""
}

func mediaType(s string) string {
	kind, subtype, _ := strings.Cut(s, "/")
	if kind == "" || subtype == "" || strings.ContainsAny(strings.ReplaceAll(s, "; ", ";"), " \t\r\n\"<>\\^`{|}") {
		return fmt.Sprintf("%.80q is no media type", s)
	}
	return ""
}

func digits(s string) string {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return fmt.Sprintf("%.80q is no number", s)
	}
	return ""
}

func oneOf(values ...string) rule {
	return func(s string) string {
		if !slices.Contains(values, s) {
			return fmt.Sprintf("%.80q is none of %s", s, strings.Join(values, ", "))
		}
		return ""
	}
}

package feed

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// scanner reads XML as feeds are written here: elements, attributes, text, CDATA sections and references, no document
// type, comment or processing instruction. What it accepts is well-formed (XML 1.0 §2.1) with all prefixes declared, in
// the root. encoding/xml would do but, with the checks, for longer than it takes to write the feed.
type scanner struct {
	data   []byte
	pos    int
	open   [][]byte // names of the elements that are open
	empty  bool     // the last start was that of an empty element: its end comes next
	closed bool     // the root has ended

	prefixes map[string]string // declared prefix: namespace
	names    map[string]name   // what the root's declarations make of a name as written
	flawed   func(what string) // told of characters that XML forbids, which hide nothing of the rest
}

type tokenKind int

const (
	startToken tokenKind = iota
	endToken
	textToken
	endOfDocument
)

// token is a part of a document. Its slices belong to the scanner, attributes until the next token.
type token struct {
	kind  tokenKind
	name  name
	attrs []attribute
	text  []byte // as written, CDATA without its marks
	cdata bool
}

// name is an expanded name.
type name struct{ space, local string }

type attribute struct {
	name  []byte
	value []byte // as written
}

// next reads a token. After an error nothing more can be read.
func (s *scanner) next(attrs []attribute) (token, error) {
	rest := s.data[s.pos:]
	switch {
	case s.empty:
		s.empty = false
		return s.end(s.open[len(s.open)-1])
	case len(rest) == 0 && !s.closed:
		return token{}, errors.New("it ends before its root element does")
	case len(rest) == 0:
		return token{kind: endOfDocument}, nil
	case rest[0] != '<':
		return s.text(rest)
	case bytes.HasPrefix(rest, []byte("</")):
		end := bytes.IndexByte(rest, '>')
		if end < 0 {
			return token{}, errors.New("a tag has no end")
		}
		s.pos += end + 1
		return s.end(bytes.TrimRight(rest[2:end], " \t\r\n"))
	case bytes.HasPrefix(rest, []byte("<![CDATA[")):
		return s.cdata(rest)
	case bytes.HasPrefix(rest, []byte("<!")), bytes.HasPrefix(rest, []byte("<?")):
		return token{}, errors.New("a comment, document type or processing instruction, which a feed has no use for")
	}
	return s.start(rest, attrs)
}

// declaration passes over the XML declaration, if there is one (XML 1.0 §2.8).
func (s *scanner) declaration() error {
	const declared = `<?xml version="1.0" encoding="UTF-8"?>`
	if bytes.HasPrefix(s.data, []byte(declared)) {
		s.pos = len(declared)
	} else if bytes.HasPrefix(s.data, []byte("<?xml")) {
		return fmt.Errorf("its first line is not %s", declared)
	}
	return nil
}

func (s *scanner) text(rest []byte) (token, error) {
	end := bytes.IndexByte(rest, '<')
	if end < 0 {
		end = len(rest)
	}
	s.pos += end
	text := rest[:end]
	found, err := s.characters(text)
	switch {
	case err != nil:
		return token{}, err
	case found&bracket != 0 && bytes.Contains(text, []byte("]]>")):
		return token{}, errors.New("]]> in a text")
	case len(s.open) == 0 && len(bytes.Trim(text, " \t\r\n")) > 0:
		return token{}, errors.New("a text outside the root element")
	}
	return token{kind: textToken, text: text}, nil
}

func (s *scanner) cdata(rest []byte) (token, error) {
	const mark = len("<![CDATA[")
	end := bytes.Index(rest, []byte("]]>"))
	switch {
	case end < 0:
		return token{}, errors.New("a CDATA section has no end")
	case len(s.open) == 0:
		return token{}, errors.New("a text outside the root element")
	}
	s.pos += end + len("]]>")
	s.legal(rest[mark:end])
	return token{kind: textToken, text: rest[mark:end], cdata: true}, nil
}

func (s *scanner) end(written []byte) (token, error) {
	if len(s.open) == 0 || !bytes.Equal(s.open[len(s.open)-1], written) {
		return token{}, fmt.Errorf("</%.40s> ends no element that is open", written)
	}
	s.open = s.open[:len(s.open)-1]
	s.closed = len(s.open) == 0
	n, err := s.expand(written)
	return token{kind: endToken, name: n}, err
}

// start reads a start tag, its attributes into attrs.
func (s *scanner) start(rest []byte, attrs []attribute) (token, error) {
	if s.closed {
		return token{}, errors.New("an element after the root element")
	}
	written := rest[1 : 1+nameLength(rest[1:])]
	rest = rest[1+len(written):]
	for {
		trimmed := skipSpace(rest)
		switch {
		case len(trimmed) == 0:
			return token{}, errors.New("a tag has no end")
		case trimmed[0] == '>':
			s.pos = len(s.data) - len(trimmed) + 1
			return s.started(written, attrs)
		case bytes.HasPrefix(trimmed, []byte("/>")):
			s.pos, s.empty = len(s.data)-len(trimmed)+2, true
			return s.started(written, attrs)
		case len(trimmed) == len(rest):
			return token{}, fmt.Errorf("white space is missing in the tag <%.40s>", written)
		}
		a, after, err := s.attribute(trimmed)
		if err != nil {
			return token{}, err
		}
		for _, other := range attrs {
			if bytes.Equal(other.name, a.name) {
				return token{}, fmt.Errorf("<%.40s> has the attribute %.40s twice", written, a.name)
			}
		}
		attrs, rest = append(attrs, a), after
	}
}

func (s *scanner) attribute(rest []byte) (a attribute, after []byte, err error) {
	a.name = rest[:nameLength(rest)]
	rest = skipSpace(rest[len(a.name):])
	if len(a.name) == 0 || len(rest) == 0 || rest[0] != '=' {
		return a, nil, errors.New("a tag is no tag, or an attribute has no value")
	}
	rest = skipSpace(rest[1:])
	if len(rest) == 0 || rest[0] != '"' && rest[0] != '\'' {
		return a, nil, fmt.Errorf("the value of the attribute %.40s is not in quotes", a.name)
	}
	end := bytes.IndexByte(rest[1:], rest[0])
	if end < 0 {
		return a, nil, fmt.Errorf("the value of the attribute %.40s has no end", a.name)
	}
	a.value = rest[1 : 1+end]
	found, err := s.characters(a.value)
	if found&less != 0 {
		err = fmt.Errorf("< in the value of the attribute %.40s", a.name)
	}
	return a, rest[end+2:], err
}

// started opens the element of a start tag and looks up its name. The root's declares the prefixes.
func (s *scanner) started(written []byte, attrs []attribute) (token, error) {
	root := len(s.open) == 0
	if root {
		s.prefixes, s.names = map[string]string{"xml": ""}, map[string]name{}
	}
	for _, a := range attrs {
		if err := s.declare(a, root); err != nil {
			return token{}, err
		}
	}
	for _, a := range attrs {
		if prefix, _, ok := bytes.Cut(a.name, []byte(":")); ok && string(prefix) != "xmlns" && !s.declared(prefix) {
			return token{}, fmt.Errorf("the prefix of the attribute %.40s is not declared", a.name)
		}
	}
	s.open = append(s.open, written)
	n, err := s.expand(written)
	return token{kind: startToken, name: n, attrs: attrs}, err
}

// declare takes in a namespace, if that is what the attribute declares.
func (s *scanner) declare(a attribute, root bool) error {
	prefix, ok := bytes.CutPrefix(a.name, []byte("xmlns"))
	switch {
	case !ok || len(prefix) > 0 && prefix[0] != ':':
		return nil
	case !root || len(a.value) == 0 || string(prefix) == ":xml" || string(prefix) == ":xmlns":
		return fmt.Errorf("a namespace is declared as %.40s outside the root, or as nothing", a.name)
	}
	s.prefixes[string(bytes.TrimPrefix(prefix, []byte(":")))] = unescape(a.value)
	return nil
}

func (s *scanner) declared(prefix []byte) bool {
	_, ok := s.prefixes[string(prefix)]
	return ok
}

// expand looks up a name (https://www.w3.org/TR/xml-names/ §3).
func (s *scanner) expand(written []byte) (name, error) {
	if n, ok := s.names[string(written)]; ok {
		return n, nil
	}
	prefix, local, prefixed := bytes.Cut(written, []byte(":"))
	if !prefixed {
		prefix, local = nil, written
	}
	switch {
	case len(local) == 0 || bytes.IndexByte(local, ':') >= 0 || nameLength(local) == 0 || prefixed && len(prefix) == 0:
		return name{}, fmt.Errorf("<%.40s> has no name", written)
	case prefixed && !s.declared(prefix):
		return name{}, fmt.Errorf("the prefix of <%.40s> is not declared", written)
	}
	n := name{s.prefixes[string(prefix)], string(local)}
	s.names[string(written)] = n
	return n, nil
}

// nameLength is that of the name that b begins with: ASCII only, as all names of the formats are. A colon has a
// letter on each side.
func nameLength(b []byte) int {
	for i, c := range b {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_'
		first := i == 0 || b[i-1] == ':'
		if !letter && (first || c != '-' && c != '.' && c != ':' && (c < '0' || c > '9')) {
			if i > 0 && first {
				return 0
			}
			return i
		}
	}
	return len(b)
}

func skipSpace(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t' || b[0] == '\r' || b[0] == '\n') {
		b = b[1:]
	}
	return b
}

// What a text may hold that has to be looked at.
const (
	illegal = 1 << iota
	del     // the control character of ASCII that XML allows
	beyondASCII
	reference
	bracket
	less
)

var classes = func() (c [256]byte) {
	for i := range c {
		switch {
		case i == '\t' || i == '\n' || i == '\r':
		case i < ' ':
			c[i] = illegal
		case i == 0x7f:
			c[i] = del
		case i >= utf8.RuneSelf:
			c[i] = beyondASCII
		}
	}
	c['&'], c[']'], c['<'] = reference, bracket, less
	return c
}()

// legal tells of characters that XML forbids (XML 1.0 §2.2) and says what else text holds.
func (s *scanner) legal(text []byte) (found byte) {
	for _, c := range text {
		found |= classes[c]
	}
	switch {
	case found&illegal != 0:
		s.flawed("a control character, which XML forbids")
	case found&beyondASCII == 0:
	case !utf8.Valid(text):
		s.flawed("bytes that are not UTF-8")
	case bytes.Contains(text, []byte("\uFFFE")), bytes.Contains(text, []byte("\uFFFF")):
		s.flawed("U+FFFE or U+FFFF, which XML forbids")
	}
	return found
}

// characters checks a text outside CDATA sections and says what it holds.
func (s *scanner) characters(text []byte) (found byte, err error) {
	found = s.legal(text)
	if found&reference == 0 {
		return found, nil
	}
	for i := bytes.IndexByte(text, '&'); i >= 0; i = bytes.IndexByte(text, '&') {
		text = text[i:]
		r, size := dereference(text)
		switch {
		case size == 0:
			return found, fmt.Errorf("%.12q is no reference to a character", text)
		case r < ' ' && r != '\t' && r != '\n' && r != '\r', r == 0xFFFE, r == 0xFFFF, !utf8.ValidRune(r):
			s.flawed(fmt.Sprintf("%s, a character that XML forbids", text[:size]))
		}
		text = text[size:]
	}
	return found, nil
}

// dereference gives the character that the reference at the start of b stands for, and the reference's size in bytes,
// which is 0 if it is none.
func dereference(b []byte) (rune, int) {
	end := bytes.IndexByte(b[:min(len(b), 12)], ';')
	if end < 2 {
		return 0, 0
	}
	switch ref := string(b[1:end]); {
	case ref == "lt":
		return '<', end + 1
	case ref == "gt":
		return '>', end + 1
	case ref == "amp":
		return '&', end + 1
	case ref == "quot":
		return '"', end + 1
	case ref == "apos":
		return '\'', end + 1
	case ref[0] == '#':
		if n, ok := number(ref[1:]); ok {
			return n, end + 1
		}
	}
	return 0, 0
}

// number reads what stands after # in a reference.
func number(digits string) (rune, bool) {
	base := 10
	if len(digits) > 0 && digits[0] == 'x' {
		digits, base = digits[1:], 16
	}
	n, err := strconv.ParseUint(digits, base, 31)
	return rune(n), err == nil
}

// unescape gives the text that is written as b, which was checked.
func unescape(b []byte) string {
	if bytes.IndexByte(b, '&') < 0 {
		return string(b)
	}
	return string(appendUnescaped(nil, b))
}

func appendUnescaped(text, b []byte) []byte {
	for i := bytes.IndexByte(b, '&'); i >= 0; i = bytes.IndexByte(b, '&') {
		text = append(text, b[:i]...)
		r, size := dereference(b[i:])
		if size == 0 {
			break
		}
		text = utf8.AppendRune(text, r)
		b = b[i+size:]
	}
	return append(text, b...)
}

// line is that in which the scanner stands, counted from 1.
func (s *scanner) line() int { return 1 + bytes.Count(s.data[:s.pos], []byte("\n")) }

package strict

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"gopkg.in/yaml.v3"
)

// deepest is how far JSON may be nested: nothing that staff write goes deeper than five.
const deepest = 100

type jsonError struct {
	line       int
	what, hint string
}

// jsonFaults are what encoding/json says, and the same in plain words.
var jsonFaults = []struct{ says, what, hint string }{
	{"looking for beginning of object key string", "a key in double quotes belongs behind { and behind each comma",
		`write "title": "A title"; leave out the comma behind the last value`},
	{"looking for beginning of value", "a value is missing here, or is not in straight double quotes", `write "title": "A title"; leave out the comma behind the last value`},
	{"after object key:value pair", "a comma is missing, or a text holds a double quotation mark", `end each value but the last with a comma; write \" within a text`},
	{"after array element", "a list lacks a comma or its closing ]", `write ["one", "two"]`},
	{"after object key", "a colon is missing behind a key", `write "title": "A title"`},
	{"in string literal", "a text holds a line break or a tab", `write \n for a line break and \t for a tab`},
	{"in string escape", "a backslash is followed by a letter that means nothing", "double the backslash"},
	{"something follows", "something follows behind its end", "a file holds one object: take the rest out"},
	{"in \\u", "four hexadecimal digits belong behind \\u", "double the backslash, or write the character itself"},
}

// parseJSON reads JSON into the nodes that a YAML file would give. The yaml library could read most JSON itself, but
// not surrogate pairs such as \ud83d\udc68 nor \/, so the tokens come from encoding/json.
func parseJSON(data []byte) (*yaml.Node, *jsonError) {
	p := &jsonParser{data: data, dec: json.NewDecoder(bytes.NewReader(data))}
	p.dec.UseNumber()
	node, err := p.value(0)
	if err == nil {
		if _, more := p.dec.Token(); more == nil {
			err = errors.New("something follows behind its end")
		} else if !errors.Is(more, io.EOF) {
			err = more
		}
	}
	if err != nil {
		return nil, p.explain(err)
	}
	return node, nil
}

type jsonParser struct {
	data  []byte
	dec   *json.Decoder
	lines int // line feeds among the first seen bytes
	seen  int
}

// line is the line of the token that was read last.
func (p *jsonParser) line() int {
	end := int(p.dec.InputOffset())
	p.lines += bytes.Count(p.data[p.seen:end], []byte("\n"))
	p.seen = end
	return 1 + p.lines
}

func (p *jsonParser) lineAt(offset int64) int {
	return 1 + bytes.Count(p.data[:min(offset, int64(len(p.data)))], []byte("\n"))
}

func (p *jsonParser) explain(err error) *jsonError {
	e := &jsonError{p.line(), strings.TrimPrefix(err.Error(), "json: "), "compare with a file that works"}
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		// Offset counts the byte that did not fit; a newline there still ends the line it is on.
		e.line = p.lineAt(max(syntax.Offset-1, 0))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		e.what, e.hint = "the file ends before its last } or ]", "put in the } or ] that is missing"
	}
	for _, f := range jsonFaults {
		if strings.Contains(e.what, f.says) {
			e.what, e.hint = f.what, f.hint
			break
		}
	}
	return e
}

func (p *jsonParser) value(depth int) (*yaml.Node, error) {
	if depth > deepest {
		return nil, fmt.Errorf("it is nested more than %d deep", deepest)
	}
	tok, err := p.dec.Token()
	if err != nil {
		return nil, err
	}
	line := p.line()
	switch tok := tok.(type) {
	case json.Delim:
		return p.group(tok, line, depth)
	case string:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.DoubleQuotedStyle, Value: tok, Line: line}, nil
	case json.Number:
		tag := "!!int"
		if strings.ContainsAny(tok.String(), ".eE") {
			tag = "!!float"
		}
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: tok.String(), Line: line}, nil
	case bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: fmt.Sprint(tok), Line: line}, nil
	default:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Line: line}, nil
	}
}

// group reads the rest of an object or a list; in an object keys and values alternate, as in a YAML mapping.
func (p *jsonParser) group(open json.Delim, line, depth int) (*yaml.Node, error) {
	n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Line: line}
	if open == '{' {
		n.Kind, n.Tag = yaml.MappingNode, "!!map"
	}
	for p.dec.More() {
		c, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		n.Content = append(n.Content, c)
	}
	_, err := p.dec.Token() // the closing bracket
	return n, err
}

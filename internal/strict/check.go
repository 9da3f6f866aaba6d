package strict

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/agnivade/levenshtein"
	"gopkg.in/yaml.v3"

	"tidings/internal/markup"
)

var unmarshaler = reflect.TypeFor[yaml.Unmarshaler]()

// check holds a node against the type it will be decoded into and reports whatever does not fit.
func (d *Document) check(n *yaml.Node, t reflect.Type, path string) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	readsItself := reflect.PointerTo(t).Implements(unmarshaler)
	switch {
	case n.Kind == yaml.AliasNode:
		d.Errorf(d.lineOf(n.Line), "write the value out", "%s: aliases such as *%s are not read", path, n.Value)
	case n.Anchor != "":
		d.eaten(n, "&"+n.Anchor, path)
	case n.Style&yaml.TaggedStyle != 0:
		d.eaten(n, n.Tag, path)
	case isNull(n):
	case n.Kind == yaml.ScalarNode && readsItself:
		d.checkText(n, path)
		d.try(n, reflect.New(t).Interface().(yaml.Unmarshaler), path)
	case readsItself && len(Fields(t)) == 0 && t.Kind() != reflect.Slice: // a list may read a single value itself
		d.checkScalar(n, t, path)
	case t.Kind() == reflect.Struct:
		d.checkStruct(n, t, path)
	case t.Kind() == reflect.Slice:
		d.checkSlice(n, t, path)
	case t.Kind() == reflect.Map:
		d.checkMap(n, t, path)
	default:
		d.checkScalar(n, t, path)
	}
}

// Fault is what the UnmarshalYAML of a type may return, for its two parts to stand in a problem behind the key.
type Fault struct{ What, Hint string }

// Error gives both parts in one line.
func (f *Fault) Error() string { return f.What + ": " + f.Hint }

// try asks a type that reads itself what it thinks of a value.
func (d *Document) try(n *yaml.Node, u yaml.Unmarshaler, path string) {
	err := u.UnmarshalYAML(n)
	var f *Fault
	if err != nil && !errors.As(err, &f) {
		f = &Fault{What: err.Error()}
	}
	if f != nil {
		d.Errorf(d.lineOf(n.Line), f.Hint, "%s: %s", path, f.What)
	}
}

// eaten reports a value of which YAML would silently keep only what follows its first word: "title: &more to come".
func (d *Document) eaten(n *yaml.Node, word, path string) {
	d.Errorf(d.lineOf(n.Line), "put the whole value in quotes", "%s: %q would be lost, for YAML keeps it for itself", path, word)
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

func (d *Document) checkStruct(n *yaml.Node, t reflect.Type, path string) {
	fields := Fields(t)
	if n.Kind != yaml.MappingNode {
		hint := fmt.Sprintf("begin the file with a key and its value, such as %s: …", fields[0].Key)
		if path != "" {
			hint = fmt.Sprintf("write {%s: %s}; the keys are %s", fields[0].Key, short(n), strings.Join(keys(fields), ", "))
		}
		d.Errorf(d.lineOf(n.Line), hint, "%s: keys and values belong here, but there is %s", orFile(path), kind(n))
		return
	}
	d.eachKey(n, path, func(key, value *yaml.Node) {
		i := slices.IndexFunc(fields, func(f Field) bool { return f.Key == key.Value })
		if i < 0 {
			d.unknown++
			d.Errorf(d.lineOf(key.Line), unknownHint(key, value, fields, n.Style), "unknown key %q", name(path, key.Value))
			return
		}
		d.check(value, fields[i].Type, name(path, key.Value))
	})
}

func (d *Document) checkMap(n *yaml.Node, t reflect.Type, path string) {
	if n.Kind != yaml.MappingNode {
		d.Errorf(d.lineOf(n.Line), "write its keys below it, each on a line of its own, indented by two spaces",
			"%s: keys and values belong here, but there is %s", path, kind(n))
		return
	}
	d.eachKey(n, path, func(key, value *yaml.Node) { d.check(value, t.Elem(), name(path, key.Value)) })
}

// eachKey calls f for each key of a mapping; a key that comes again is reported instead.
func (d *Document) eachKey(n *yaml.Node, path string, f func(key, value *yaml.Node)) {
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode || key.Tag == "!!merge" {
			d.Errorf(d.lineOf(key.Line), "put the key in quotes if it is meant as it stands", "%s: a key is plain text", orFile(path))
			continue
		}
		if line, again := seen[key.Value]; again {
			d.Errorf(d.lineOf(key.Line), "keep one of the two", "%s: the key is here a second time; the first is in line %d",
				name(path, key.Value), d.lineOf(line))
			continue
		}
		seen[key.Value] = key.Line
		if isNull(value) {
			d.checkHash(value, key.LineComment, name(path, key.Value)) // "title: #1 in Europe"
		}
		f(key, value)
	}
}

func (d *Document) checkSlice(n *yaml.Node, t reflect.Type, path string) {
	if n.Kind != yaml.SequenceNode {
		hint := fmt.Sprintf("write %s: [%s]", path, short(n))
		if f := Fields(t.Elem()); n.Kind == yaml.MappingNode {
			hint = `put "- " before the group's first key, and indent its other keys as far`
		} else if len(f) > 0 && !reflect.PointerTo(t.Elem()).Implements(unmarshaler) {
			hint = fmt.Sprintf("write %s: [{%s: %s}]", path, f[0].Key, short(n))
		}
		d.Errorf(d.lineOf(n.Line), hint, "%s: a list belongs here, but there is %s", path, kind(n))
		return
	}
	for i, c := range n.Content {
		d.check(c, t.Elem(), fmt.Sprintf("%s[%d]", path, i+1))
	}
}

func (d *Document) checkScalar(n *yaml.Node, t reflect.Type, path string) {
	if n.Kind != yaml.ScalarNode {
		hint := "write one value"
		if t.Kind() == reflect.String {
			hint = "write plain text; put it in quotes if it holds [ ] { } or a colon"
		}
		d.Errorf(d.lineOf(n.Line), hint, "%s: a single value belongs here, but there is %s", path, kind(n))
		return
	}
	d.checkText(n, path)
	switch {
	case t.Kind() == reflect.Bool && n.Tag != "!!bool":
		d.Errorf(d.lineOf(n.Line), "write true or false", "%s: %q is neither true nor false", path, n.Value)
	case t.Kind() == reflect.Int && (n.Tag != "!!int" || n.Decode(new(int)) != nil):
		d.Errorf(d.lineOf(n.Line), "write digits only", "%s: %q is no whole number", path, n.Value)
	}
}

// checkText looks for what the text of a value lost, or should lose: control characters come in by escapes such as \u0000.
func (d *Document) checkText(n *yaml.Node, path string) {
	d.checkHash(n, n.LineComment, path)
	clean, done := markup.CleanText(n.Value)
	if n.Value = clean; done != (markup.Cleaning{}) {
		d.Warnf(d.lineOf(n.Line), "they come from copying out of another program; nothing that can be read is lost",
			"%s: %v", path, done)
	}
}

// checkHash finds "title: Join #MigrantHeroes", of which YAML silently keeps "Join". A comment proper has a space
// behind its # and is left alone.
func (d *Document) checkHash(n *yaml.Node, c, path string) {
	if isQuoted := n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0; isQuoted ||
		len(c) < 2 || strings.ContainsAny(c[1:2], " \t#!") {
		return
	}
	whole := strings.TrimSpace(n.Value + " " + c)
	key := path[strings.LastIndexByte(path, '.')+1:]
	d.Errorf(d.lineOf(n.Line), fmt.Sprintf(`put the whole value in quotes: %s: %q`, key, whole),
		"%s: everything from %q on would be lost, for YAML reads it as a comment", path, c)
}

// Field is one key that a struct takes. A tag such as also:"tags,categories" names what it is called elsewhere, for hints.
type Field struct {
	Key  string
	Type reflect.Type
	reflect.StructField
}

// Fields lists the keys that struct type t takes, in the order of its fields; none for other types. The list must not be changed.
func Fields(t reflect.Type) []Field {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	if known, ok := fieldsOf.Load(t); ok {
		return known.([]Field)
	}
	var out []Field
	for _, f := range reflect.VisibleFields(t) {
		key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if key != "" && key != "-" {
			out = append(out, Field{key, f.Type, f})
		}
	}
	fieldsOf.Store(t, out)
	return out
}

// fieldsOf keeps the lists that were made, by type: a program has a few, and a folder thousands of files.
var fieldsOf sync.Map

func keys(fields []Field) []string {
	out := make([]string, len(fields))
	for i, f := range fields {
		out[i] = f.Key
	}
	return out
}

// unknownHint knows the most frequent cause in {…}: "venue: Terminal 3, Hamburg" ends at its comma.
func unknownHint(node, value *yaml.Node, fields []Field, style yaml.Style) string {
	key, known := node.Value, keys(fields)
	if style&yaml.FlowStyle != 0 && isNull(value) {
		return fmt.Sprintf("in { } a comma ends a value: if %q belongs to the value before it, put that whole value in quotes", key)
	}
	for _, f := range fields {
		if slices.Contains(strings.Split(f.Tag.Get("also"), ","), strings.ToLower(key)) {
			return fmt.Sprintf("it is called %s here", f.Key)
		}
	}
	if n := Nearest(key, known); n != "" {
		return fmt.Sprintf("did you mean %s?", n)
	}
	return "the keys are " + strings.Join(known, ", ")
}

// Nearest gives the known word that s is most likely meant to be, "" if none is near.
func Nearest(s string, known []string) string {
	best, least := "", max(2, len(s)/3)+1
	for _, k := range known {
		if n := levenshtein.ComputeDistance(strings.ToLower(s), strings.ToLower(k)); n < least && n < len(k) {
			best, least = k, n
		}
	}
	return best
}

func orFile(path string) string {
	if path == "" {
		return "the file"
	}
	return path
}

func kind(n *yaml.Node) string {
	switch n.Kind {
	case yaml.SequenceNode:
		return "a list"
	case yaml.MappingNode:
		return "a group of keys and values"
	default:
		return fmt.Sprintf("the single value %q", short(n))
	}
}

func short(n *yaml.Node) string {
	if r := []rune(n.Value); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	if n.Value == "" {
		return "…"
	}
	return n.Value
}

package strict_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"tidings/internal/strict"
)

type dog struct {
	Name   string            `yaml:"name"`
	Legs   int               `yaml:"legs"`
	Good   bool              `yaml:"good"`
	Tricks []string          `yaml:"tricks"`
	Owner  *owner            `yaml:"owner"`
	Homes  []owner           `yaml:"homes"`
	Words  map[string]string `yaml:"words"`
	Colour colour            `yaml:"colour"`
	hidden int               //nolint:unused // it is there to be passed over
}

type owner struct {
	Name string `yaml:"name"`
}

// colour reads itself, and knows two colours.
type colour string

func (c *colour) UnmarshalYAML(n *yaml.Node) error {
	if *c = colour(n.Value); *c != "black" && *c != "brown" {
		return &strict.Fault{What: "no dog is " + n.Value, Hint: "write black or brown"}
	}
	return nil
}

// TestBoth reads the same in YAML and in JSON.
func TestBoth(t *testing.T) {
	want := dog{Name: "Rex / 👨", Legs: 4, Good: true, Tricks: []string{"sit", "1"}, Owner: &owner{"Ada"}, Homes: []owner{{"hut"}, {}},
		Words: map[string]string{"wuff": "yes"}, Colour: "brown"}
	var y, j dog
	docs := []*strict.Document{
		strict.YAML("f", []byte("name: Rex / 👨\nlegs: 4 # as most\ngood: true\ntricks: [sit, 1]\nowner:\n  name: Ada\nhomes:\n  - name: hut\n  - name:\nwords: {wuff: yes}\ncolour: brown\n"), 0, &y),
		strict.JSON("f", []byte(`{"name": "Rex \/ \ud83d\udc68", "legs": 4, "good": true, "tricks": ["sit", 1], "owner": {"name": "Ada"},
			"homes": [{"name": "hut"}, {"name": null}], "words": {"wuff": "yes"}, "colour": "brown"}`), &j),
	}
	for i, got := range []dog{y, j} {
		if len(docs[i].Problems) > 0 || !reflect.DeepEqual(got, want) {
			t.Errorf("%d: %+v\n%v", i+1, got, docs[i].Problems)
		}
	}
}

func TestProblems(t *testing.T) {
	for i, tt := range []struct{ why, text, want string }{
		{"a key that reads itself", "colour: red\n", "f:4: error: colour: no dog is red\nhint: write black or brown"},
		{"is asked for one value", "colour: [red]\n", "f:4: error: colour: a single value belongs here, but there is a list\nhint: write plain text; put it in quotes if it holds [ ] { } or a colon"},
		{"a number", "legs: four\n", "f:4: error: legs: \"four\" is no whole number\nhint: write digits only"},
		{"a truth", "good: very\n", "f:4: error: good: \"very\" is neither true nor false\nhint: write true or false"},
		{"a key far from all", "zzzzzz: 1\n", "f:4: error: unknown key \"zzzzzz\"\nhint: the keys are name, legs, good, tricks, owner, homes, words, colour"},
		{"a field without a tag is no key", "hidden: 1\n", "f:4: error: unknown key \"hidden\"\nhint: the keys are name, legs, good, tricks, owner, homes, words, colour"},
		{"in a map, keys are free and values are not", "words:\n  a: [b]\n", "f:5: error: words.a: a single value belongs here, but there is a list\nhint: write plain text; put it in quotes if it holds [ ] { } or a colon"},
		{"a key of several values", "? [a]\n: b\n", "f:4: error: the file: a key is plain text\nhint: put the key in quotes if it is meant as it stands"},
		{"a merge", "words:\n  <<: {a: b}\n", "f:5: error: words: a key is plain text\nhint: put the key in quotes if it is meant as it stands"},
		{"a number too great", "legs: 18446744073709551615\n", "f:4: error: legs: \"18446744073709551615\" is no whole number\nhint: write digits only"},
		{"a map, twice", "words: {a: b, a: c}\n", "f:4: error: words.a: the key is here a second time; the first is in line 4\nhint: keep one of the two"},
		{"all at once", "name: [x]\ntricks: sit\n", "f:4: error: name: a single value belongs here, but there is a list\nhint: write plain text; put it in quotes if it holds [ ] { } or a colon\n" +
			"f:5: error: tricks: a list belongs here, but there is the single value \"sit\"\nhint: write tricks: [sit]"},
		{"a # in quotes is text", "name: 'a #b'\n", ""},
		{"a comment proper", "name: a # b\nlegs: #!\n", ""},
		{"an escape", "name: \"a\\ab\"\n", "f:4: warning: name: control characters were removed (1 of them)\nhint: they come from copying out of another program; nothing that can be read is lost"},
		{"a backslash", "name: \"a\\cb\"\n", "f:4: error: a backslash in double quotes is followed by a letter that means nothing\nhint: use single quotes, or double the backslash"},
		{"nothing at all is for the caller to judge", "", ""},
	} {
		d := strict.YAML("f", []byte(tt.text), 3, &dog{})
		if got := d.Problems.Error(); got != tt.want {
			t.Errorf("%d %s\ngot:  %s\nwant: %s", i+1, tt.why, got, tt.want)
		}
	}
}

// TestNothingAfterError: what has an error is not filled in, so that nobody works with a half.
func TestNothingAfterError(t *testing.T) {
	var d dog
	if strict.YAML("f", []byte("name: Rex\nlegs: four\n"), 0, &d); !reflect.DeepEqual(d, dog{}) {
		t.Errorf("%+v", d)
	}
}

func TestLines(t *testing.T) {
	const text = "name: Rex\nhomes:\n  - name: a\n  - name: b\nlegs:\ntricks: ''\n"
	d := strict.YAML("f", []byte(text), 10, &dog{})
	for i, tt := range []struct {
		path []any
		line int
		has  bool
	}{
		{[]any{"name"}, 11, true},
		{[]any{"homes", 1, "name"}, 14, true},
		{[]any{"homes", 1, "age"}, 14, false}, // the last part that is there
		{[]any{"homes", 7}, 13, false},
		{[]any{"owner", "name"}, 11, false}, // the file's beginning
		{[]any{"legs"}, 15, false},          // a key with nothing behind it
		{nil, 11, true},
	} {
		if got, has := d.Line(tt.path...), d.Has(tt.path...); got != tt.line || has != tt.has {
			t.Errorf("%d %s: line %d, has %v", i+1, strict.PathName(tt.path), got, has)
		}
	}
	if got := strict.PathName([]any{"corrections", 0, "date"}); got != "corrections[1].date" {
		t.Error(got)
	}
	if d := strict.YAML("f", nil, 0, &dog{}); d.Line("name") != 1 || d.Has("name") || d.Has() {
		t.Errorf("of an empty file: line %d", d.Line("name"))
	}
}

func TestNearest(t *testing.T) {
	known := []string{"title", "date", "id", "summary"}
	for i, tt := range []struct{ word, want string }{
		{"titel", "title"}, {"TITLE", "title"}, {"sumary", "summary"}, {"dat", "date"}, {"", ""}, {"xy", ""}, {"layout", ""},
	} {
		if got := strict.Nearest(tt.word, known); got != tt.want {
			t.Errorf("%d %q is near %q, not %q", i+1, tt.word, got, tt.want)
		}
	}
}

func TestFields(t *testing.T) {
	var got []string
	for _, f := range strict.Fields(reflect.TypeFor[*dog]()) {
		got = append(got, f.Key)
	}
	if !slices.Equal(got, []string{"name", "legs", "good", "tricks", "owner", "homes", "words", "colour"}) {
		t.Error(got)
	}
	if f := strict.Fields(reflect.TypeFor[string]()); f != nil {
		t.Error(f)
	}
}

// FuzzYAML wants no panic, one line of words for each problem, and a place within the file.
func FuzzYAML(f *testing.F) {
	for _, s := range []string{
		"name: Rex\nlegs: 4\n", "owner:\n\tname: x\n", "a: &a [*a]\n", "? [x]\n: y\n", "--- |\n x\n...\n", "name: !!binary /w==\n",
		"{name: a, tricks: [b, c]}\n", "words: {<<: {a: b}}\n", "words: {<<: x}\n", "name: >-\n  a\n  b\nlegs: 0x10\n", "colour: red\n", "%YAML 1.1\n---\nname: a\n",
		"legs: 18446744073709551615\n", "name: a\u2028b\n", "tricks:\n- a #b\n-\n", "name: \"\\ud800\"\n", "- {}\n", "words: {[a]: b}\n", "words:\n  ~: b\n",
	} {
		f.Add([]byte(s), true)
		f.Add([]byte(s), false)
	}
	f.Add([]byte(`{"name": "a\u0000", "tricks": ["b"], "words": {"x": 1}}`), false)
	f.Add([]byte(`{"words": {"<<": {"a": "b"}}}`), false)
	f.Fuzz(func(t *testing.T, data []byte, isYAML bool) {
		var v dog
		d := strict.JSON("f", data, &v)
		if isYAML {
			d = strict.YAML("f", data, 0, &v)
		}
		lines := 1 + strings.Count(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(data)), "\n")
		for _, p := range d.Problems {
			if p.Line < 1 || p.Line > lines || p.What == "" || strings.ContainsAny(p.What, "\r\n") {
				t.Errorf("of %d lines: %+v", lines, p)
			}
		}
		if d.Problems.HasErrors() && !reflect.DeepEqual(v, dog{}) {
			t.Errorf("with an error: %+v", v)
		}
	})
}

package config_test

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"tidings/config"
	"tidings/internal/strict"
)

// TestReference keeps docs/config.md what the struct tags say: go test ./config -run Reference -update writes it.
func TestReference(t *testing.T) {
	const file = "../docs/config.md"
	want := reference()
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/config.md is not what the keys say of themselves: run go test ./config -run Reference -update")
	}
	if n := strings.Count(want, "\n| `"); n < 25 {
		t.Errorf("the reference has %d keys only", n)
	}
}

func reference() string {
	var b strings.Builder
	b.WriteString("# tidings.yaml\n\nThe file that describes a newsroom. It is strict: an unknown key is an error, with its line and the key that was\n" +
		"probably meant. `tidings check` tells every problem, `tidings schema config` prints a JSON Schema for editors.\n" +
		"Lengths of time are written `90m`, `12h`, `30d` or `2w`. This page is made from the keys' own description.\n")
	section(&b, "The newsroom", "", reflect.TypeFor[config.Config]())
	return b.String()
}

// section writes a table of a struct's keys, and a section for each struct among them.
func section(b *strings.Builder, title, prefix string, t reflect.Type) {
	fmt.Fprintf(b, "\n## %s\n\n| key | default | what it is |\n|---|---|---|\n", title)
	var groups []func()
	for _, f := range strict.Fields(t) {
		key, inner := prefix+f.Key, f.Type
		switch inner.Kind() {
		case reflect.Map:
			key, inner = key+".NAME", inner.Elem()
		case reflect.Slice:
			if inner != reflect.TypeFor[config.Places]() { // it may be a single value
				key, inner = key+"[]", inner.Elem()
			}
		}
		if len(strict.Fields(inner)) > 0 {
			groups = append(groups, func() {
				section(b, "`"+key+"`: "+strings.TrimSuffix(f.Tag.Get("jsonschema_description"), "."), key+".", inner)
			})
			continue
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", key, fallback(f), strings.ReplaceAll(f.Tag.Get("jsonschema_description"), "|", `\|`))
	}
	for _, g := range groups {
		g()
	}
}

func fallback(f strict.Field) string {
	for _, option := range strings.Split(f.Tag.Get("jsonschema"), ",") {
		if option == "required" {
			return "required"
		}
	}
	if def := f.Tag.Get("default"); def != "" {
		return "`" + def + "`"
	}
	return "–"
}

package items_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"tidings/items"
)

// FuzzParse wants no panic, problems of one line of words at a place within the file, and of a file without errors a
// title, a date and nothing that an XML feed could not carry.
func FuzzParse(f *testing.F) {
	for _, file := range cases(f, "testdata/broken") {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(filepath.Ext(file), data)
	}
	f.Fuzz(func(t *testing.T, ext string, data []byte) {
		file := "items/x.md"
		if ext == ".yaml" || ext == ".json" {
			file = "items/x" + ext
		}
		it, probs := parser.Parse(file, data)
		lines := 1 + strings.Count(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(data)), "\n")
		for _, p := range probs {
			if p.Line < 0 || p.Line > lines || p.What == "" || strings.ContainsAny(p.What, "\r\n") || p.Hint == "" || !utf8.ValidString(p.What) {
				t.Errorf("of %d lines: %+v", lines, p)
			}
		}
		if !probs.HasErrors() {
			good(t, it)
		} else if it.Status != "" && it.Status != items.Withdrawn && it.Status != items.Erased || it.Title != "" {
			t.Errorf("a file with an error gives %+v", it)
		}
	})
}

func good(t *testing.T, it items.Item) {
	t.Helper()
	if it.Title == "" || utf8.RuneCountInString(it.Title) > items.MaxTitle || it.Date.Time.IsZero() || it.Language == "" || it.Status == "" {
		t.Errorf("without an error: %+v", it)
	}
	for _, s := range []string{it.Title, it.Summary, it.Body, it.Kicker, it.ID} {
		if strings.ContainsAny(s, "\x00\x01\x0b\x1b\x7f\u0085\u0092") || !utf8.ValidString(s) {
			t.Errorf("%q", s)
		}
	}
	if e := it.Event; e != nil && (e.Start.IsZero() || !e.End.IsZero() && e.End.Time.Before(e.Start.Time)) {
		t.Errorf("event %+v", e)
	}
}

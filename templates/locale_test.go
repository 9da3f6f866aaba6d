package templates_test

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tidings/items"
	"tidings/templates"
)

func TestLocalesAgree(t *testing.T) {
	words := templates.Words()
	if len(words) < 4 {
		t.Fatalf("only %d locales", len(words))
	}
	verbs := regexp.MustCompile(`%.`)
	for lang, w := range words {
		for key, english := range words["en"] {
			own, ok := w[key]
			if want := verbs.FindAllString(english, -1); !ok || !slices.Equal(verbs.FindAllString(own, -1), want) {
				t.Errorf("%s: %s is %q, want placeholders %v", lang, key, own, want)
			}
		}
		if extra := len(w) - len(words["en"]); extra != 0 {
			t.Errorf("%s has %d keys more than en", lang, extra)
		}
	}
}

func TestLocalesHaveWhatTemplatesSay(t *testing.T) {
	used := map[string]bool{"cancelled": true, "postponed": true, "moved": true, "first": true, "date": true, "date_time": true, "full_date": true,
		"updated": true, "corrected": true, "day_month": true, "day_time": true, "day_hours": true, "from_to": true}
	for _, kind := range []string{"news", "topics", "languages", "authors", "events", "corrections"} {
		used["feed_"+kind] = true
	}
	for _, key := range []string{"feeds_topics", "feeds_languages", "feeds_authors", "feeds_events", "feeds_corrections"} {
		used[key] = true
	}
	for _, status := range []string{"cancelled", "postponed", "moved"} {
		used["event_"+status] = true
	}
	for _, state := range []string{"ask", "done", "left", "back", "invalid", "test"} {
		used[state+"_title"], used[state+"_text"] = true, true
	}
	for _, name := range templates.Names() {
		b, err := fs.ReadFile(templates.Embedded, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\.T "([a-z_]+)"`).FindAllStringSubmatch(string(b), -1) {
			used[m[1]] = true
		}
	}
	for _, key := range saidInCode(t) {
		used[key] = true
	}
	have := templates.Words()["en"]
	for key := range used {
		if have[key] == "" {
			t.Errorf("no word for %q", key)
		}
	}
	for key := range maps.Keys(have) {
		if !used[key] {
			t.Errorf("nothing says %q", key)
		}
	}
}

// saidInCode lists the keys that this package and those which fill the views name.
func saidInCode(t *testing.T) (keys []string) {
	for _, dir := range []string{"newsroom", "publish", "templates", "web"} {
		files, err := filepath.Glob(filepath.Join("..", dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no files in %s: %v", dir, err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range regexp.MustCompile(`\.T\("([a-z_]+)"[,)]|"((?:not_found|error)_(?:title|text))"`).FindAllStringSubmatch(string(b), -1) {
				keys = append(keys, m[1]+m[2])
			}
		}
	}
	return keys
}

func TestLocaleFor(t *testing.T) {
	tests := []struct{ tag, want, why string }{
		{"fr", "fr", "1 its own"}, {"de-AT", "de", "2 that of the base language"}, {"en-GB", "en", "3 likewise"},
		{"ar", "en", "4 none: English"}, {"", "en", "5 nothing said"}, {"not a tag!", "en", "6 no tag at all"},
	}
	for _, test := range tests {
		if got := templates.LocaleFor(test.tag); got.Lang != test.want || got.Dir != "ltr" {
			t.Errorf("%s: LocaleFor(%q) is %s, %s", test.why, test.tag, got.Lang, got.Dir)
		}
	}
	if got := templates.LocaleFor("fr").T("no_such_key"); got != "no_such_key" {
		t.Errorf("unknown key: %q", got)
	}
}

func TestDates(t *testing.T) {
	first, second := time.Date(2015, 8, 1, 9, 5, 0, 0, time.UTC), time.Date(2015, 11, 2, 14, 5, 0, 0, time.UTC)
	tests := []struct{ lang, first, second, moment, short string }{
		{"en", "1 August 2015", "2 November 2015", "2 November 2015, 14:05", "1 August"},
		{"fr", "1er août 2015", "2 novembre 2015", "2 novembre 2015, 14:05", "1er août"},
		{"de", "1. August 2015", "2. November 2015", "2. November 2015, 14:05 Uhr", "1. August"},
		{"es", "1 de agosto de 2015", "2 de noviembre de 2015", "2 de noviembre de 2015, 14:05", "1 de agosto"},
	}
	for _, test := range tests {
		l := templates.LocaleFor(test.lang)
		if a, b, c := l.Date(first), l.Date(second), l.DateTime(second); a != test.first || b != test.second || c != test.moment {
			t.Errorf("%s: %q, %q, %q", test.lang, a, b, c)
		}
		if got := l.DayMonth(first); got != test.short {
			t.Errorf("%s: day and month: %q", test.lang, got)
		}
	}
}

func TestEventTime(t *testing.T) {
	at := func(day, hour, minute int) items.When {
		return items.When{Time: time.Date(2015, 12, day, hour, minute, 0, 0, time.UTC)}
	}
	whole := func(day int) items.When {
		return items.When{Time: time.Date(2015, 12, day, 0, 0, 0, 0, time.UTC), Whole: true}
	}
	tests := []struct {
		why, lang string
		event     items.Event
		want      string
	}{
		{"1 hours of one day", "en", items.Event{Start: at(14, 12, 45), End: at(14, 17, 0)}, "Monday 14 December 2015, 12:45–17:00"},
		{"2 no end", "en", items.Event{Start: at(14, 12, 45)}, "Monday 14 December 2015, 12:45"},
		{"3 an end that says nothing", "en", items.Event{Start: at(14, 12, 45), End: at(14, 12, 45)}, "Monday 14 December 2015, 12:45"},
		{"4 a whole day", "en", items.Event{Start: whole(14)}, "Monday 14 December 2015"},
		{"5 a whole day that ends on that day", "en", items.Event{Start: whole(14), End: whole(14)}, "Monday 14 December 2015"},
		{"6 several whole days", "en", items.Event{Start: whole(14), End: whole(16)}, "Monday 14 December 2015 – Wednesday 16 December 2015"},
		{"7 over midnight", "en", items.Event{Start: at(14, 20, 0), End: at(15, 2, 0)}, "Monday 14 December 2015, 20:00 – Tuesday 15 December 2015, 02:00"},
		{"8 French", "fr", items.Event{Start: at(14, 12, 45), End: at(14, 17, 0)}, "lundi 14 décembre 2015, 12:45–17:00"},
		{"9 German", "de", items.Event{Start: at(14, 12, 45), End: at(14, 17, 0)}, "Montag, 14. Dezember 2015, 12:45–17:00 Uhr"},
		{"10 Spanish", "es", items.Event{Start: at(14, 12, 45), End: at(14, 17, 0)}, "lunes, 14 de diciembre de 2015, 12:45–17:00"},
	}
	for _, test := range tests {
		if got := templates.LocaleFor(test.lang).EventTime(&test.event); got != test.want {
			t.Errorf("%s: got %q, want %q", test.why, got, test.want)
		}
	}
}

func TestSize(t *testing.T) {
	for bytes, want := range map[int64]string{0: "0 B", 999: "999 B", 312_400: "312 kB", 999_700: "1.0 MB", 1_440_000: "1.4 MB", 23_000_000: "23 MB", 5_000_000_000_000: "5000 GB"} {
		if got := templates.LocaleFor("en").Size(bytes); got != strings.ReplaceAll(want, " ", "\u00a0") {
			t.Errorf("Size(%d) is %q", bytes, got)
		}
	}
	if got := templates.LocaleFor("fr").Size(1_440_000); got != "1,4\u00a0Mo" {
		t.Errorf("French: %q", got)
	}
}

func TestLanguageName(t *testing.T) {
	for _, test := range [][3]string{{"en", "fr", "French"}, {"de", "fr", "Französisch"}, {"es", "ar", "árabe"}, {"fr", "en", "anglais"}, {"en", "no tag!", "no tag!"}} {
		if got := templates.LocaleFor(test[0]).LanguageName(test[1]); got != test[2] {
			t.Errorf("%s in %s is %q", test[1], test[0], got)
		}
	}
}

func TestOwnName(t *testing.T) {
	for _, test := range [][2]string{{"fr", "Français"}, {"de", "Deutsch"}, {"ar", "العربية"}, {"pt-BR", "Português"}, {"no tag!", "no tag!"}} {
		if got := templates.OwnName(test[0]); got != test[1] {
			t.Errorf("%s calls itself %q", test[0], got)
		}
	}
}

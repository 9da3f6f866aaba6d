package templates_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"tidings/internal/problem"
	"tidings/items"
	"tidings/templates"
)

// load gives the embedded templates under the given overrides, by file name.
func load(t *testing.T, overrides map[string]string) (*templates.Set, error) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "templates")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range overrides {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return templates.Load(dir)
}

// embedded is the set without overrides.
var embedded = sync.OnceValues(func() (*templates.Set, error) { return templates.Load("") })

// render executes a template of the set with overrides, nil for none.
func render(t *testing.T, overrides map[string]string, name string, view any) string {
	t.Helper()
	set, err := embedded()
	if overrides != nil {
		set, err = load(t, overrides)
	}
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := set.Execute(&b, name, view); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestOverride(t *testing.T) {
	story := templates.Story{Site: templates.SampleSite(), Article: templates.SampleArticle()}
	digest := templates.SampleDigest(templates.SampleSite(), []items.Article{templates.SampleArticle()})
	tests := []struct {
		why       string
		overrides map[string]string
		name      string
		view      any
		want      string
	}{
		{"1 a page of the newsroom's own", map[string]string{"story.html": "<p>Ours: {{.Article.Title}}</p>"}, "story.html", story, "<p>Ours: A story with everything</p>"},
		{"2 it is escaped too", map[string]string{"story.html": `{{"<b>"}}`}, "story.html", story, "&lt;b&gt;"},
		{"3 one partial alone, the rest stays", map[string]string{"partials.html": `{{define "dateline"}}OURS{{end}}`}, "story.html", story, "OURS"},
		{"4 text is not escaped", map[string]string{"digest.txt": `{{"<b>"}} {{.Greeting}}`}, "digest.txt", digest, "<b> Dear Ada,"},
		{"5 a head that says less", map[string]string{"partials.html": `{{define "top"}}<title>{{.Title}}</title><main>{{end}}`}, "story.html", story, "<title>A story with everything</title><main>"},
		{"6 a part that is made once", map[string]string{"partials.html": `{{define "colophon"}}OURS{{end}}`}, "story.html", story, "OURS</body>"},
		{"7 a feed's page", map[string]string{"feed.html": `{{.Feed.Title}}: {{.Feed.RSS}}`}, "feed.html", templates.FeedPage{Site: templates.SampleSite(), Feed: templates.SampleSite().Feeds[1]}, "Migration: https://"},
		{"8 files of the desktop are no templates", map[string]string{".DS_Store": "\x00"}, "digest.txt", digest, "Dear Ada,"},
	}
	for _, test := range tests {
		t.Run(test.why, func(t *testing.T) {
			if got := render(t, test.overrides, test.name, test.view); !strings.Contains(got, test.want) {
				t.Errorf("got %q, want it to contain %q", got, test.want)
			}
		})
	}
}

func TestStyle(t *testing.T) {
	for _, dir := range []string{"", filepath.Join(t.TempDir(), "missing")} {
		set, err := templates.Load(dir)
		if err != nil || !bytes.Contains(set.Style(), []byte("prefers-color-scheme: dark")) {
			t.Errorf("Load(%q): error %v, or no dark colours in the embedded style", dir, err)
		}
	}
	set, err := load(t, map[string]string{"style.css": "body{}"})
	if err != nil || string(set.Style()) != "body{}" {
		t.Errorf("overridden: got %q, %v", set.Style(), err)
	}
}

func TestLoadProblems(t *testing.T) {
	tests := []struct {
		why, name, content string
		want               problem.Problem
	}{
		{"1 a misspelt name is told, with those that would do", "storry.html", "",
			problem.Problem{File: "templates/storry.html", Severity: problem.Error, What: "no template has this name",
				Hint: "the files known here are " + strings.Join(templates.Names(), ", ")}},
		{"2 a broken page has file and line", "story.html", "<p>\n{{if}}",
			problem.Problem{File: "templates/story.html", Line: 2, Severity: problem.Error, What: "missing value for if"}},
		{"3 a broken text as well", "digest.txt", "\n\n{{nosuch}}",
			problem.Problem{File: "templates/digest.txt", Line: 3, Severity: problem.Error, What: `function "nosuch" not defined`}},
	}
	for _, test := range tests {
		t.Run(test.why, func(t *testing.T) {
			_, err := load(t, map[string]string{test.name: test.content})
			var got problem.List
			if !errors.As(err, &got) || len(got) != 1 || got[0] != test.want {
				t.Errorf("got %v\nwant %v", err, test.want)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	set, err := templates.Load("")
	if err != nil {
		t.Fatal(err)
	}
	if got := set.Check(); got != nil {
		t.Errorf("the embedded templates: %v", got)
	}
	tests := []struct {
		why, name, content, file string
		line                     int
		what                     string
	}{
		{"1 a misspelt field", "story.html", "<p>\n{{.Article.Titel}}", "story.html", 2, "can't evaluate field Titel"},
		{"2 in a text", "digest.txt", "\n\n{{.Greating}}", "digest.txt", 3, "can't evaluate field Greating"},
		{"3 in a branch that few stories take", "entry.html", "{{with .Article.Event}}{{if eq .Status \"moved\"}}\n{{.Ort}}{{end}}{{end}}", "entry.html", 2, "can't evaluate field Ort"},
		{"4 in a partial: where it stands, not where it is used", "partials.html", "{{define \"dateline\"}}\n{{.Datum}}{{end}}", "partials.html", 2, "can't evaluate field Datum"},
		{"9 markup that cannot be escaped", "notice.html", "<p>\n<a href='{{if .Text}}'{{end}}>", "notice.html", 2, "end in different contexts"},
		{"10 a mail to the staff", "staff-stuck.txt", "Stuck\n{{.Raison}}", "staff-stuck.txt", 2, "can't evaluate field Raison"},
		{"11 what such a mail says only now and then", "partials.txt", "{{define \"unknown\"}}{{if .Account.Unknown}}{{.Who}}{{end}}{{end}}", "partials.txt", 1, "can't evaluate field Who"},
		{"5 in a partial that is made once", "partials.html", "{{define \"masthead\"}}\n\n{{.Datum}}{{end}}", "partials.html", 3, "can't evaluate field Datum"},
		{"6 in what programs read", "partials.html", "{{define \"announce\"}}{{.Datum}}{{end}}", "partials.html", 1, "can't evaluate field Datum"},
		{"8 a state that few pages have", "unsubscribe.html", `{{if eq .State "left"}}{{.Adress}}{{end}}`, "unsubscribe.html", 1, "can't evaluate field Adress"},
	}
	for _, test := range tests {
		t.Run(test.why, func(t *testing.T) {
			set, err := load(t, map[string]string{test.name: test.content})
			if err != nil {
				t.Fatal(err)
			}
			got := set.Check()
			if len(got) == 0 || got[0].File != "templates/"+test.file || got[0].Line != test.line || !strings.Contains(got[0].What, test.what) {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestExecuteWritesAllOrNothing(t *testing.T) {
	set, err := load(t, map[string]string{"notice.html": "begun {{.Nothing}}"})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := set.Execute(&b, "notice.html", templates.Notice{Site: templates.SampleSite()}); err == nil || b.Len() > 0 || !strings.HasPrefix(err.Error(), "templates/notice.html:1: error: ") {
		t.Errorf("error %v after %q", err, b.String())
	}
}

func TestSameBytes(t *testing.T) {
	for _, s := range templates.Samples() {
		first := render(t, nil, s.Template, s.View)
		if again := render(t, nil, s.Template, s.View); again != first {
			t.Errorf("%s: two runs differ", s.Template)
		}
	}
}

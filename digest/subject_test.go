package digest_test

import (
	"strings"
	"testing"

	"tidings/digest"
)

func TestSubject(t *testing.T) {
	f := digest.SubjectFields{Newsletter: "Weekly digest", Number: 3, Date: "9 November 2015", Lead: "Response plan updated", Count: 4, More: 3}
	long := f
	long.Lead = strings.Repeat("wörter ", 60)
	unbroken := f
	unbroken.Lead = strings.Repeat("語", 300)
	inject := f
	inject.Lead = "a\r\nBcc: eve@example.com"
	for n, c := range []struct {
		why, template string
		fields        digest.SubjectFields
		want          string // "" for an error
	}{
		{"the default", digest.DefaultSubject, f, "Weekly digest: Response plan updated"},
		{"every field", "{{.Newsletter}} {{.Number}} ({{.Date}}): {{.Lead}}{{if .More}} and {{.More}} more{{end}}, {{.Count}} in all", f,
			"Weekly digest 3 (9 November 2015): Response plan updated and 3 more, 4 in all"},
		{"plain text is not escaped", `{{.Lead}} "&" <b>`, f, `Response plan updated "&" <b>`},
		{"space around it goes", "\n {{.Lead}}\n", f, "Response plan updated"},
		{"cut at a word", "{{.Lead}}", long, strings.TrimSpace(strings.Repeat("wörter ", 28)) + "…"},
		{"cut where there is no word", "{{.Lead}}", unbroken, strings.Repeat("語", 199) + "…"},
		{"a line break within", "{{.Newsletter}}\n{{.Lead}}", f, "Weekly digest Response plan updated"},
		{"other controls, which no mail can have", "{{.Number}}\x00\x7f\u0092\u2028\t{{.Lead}}", f, "3  Response plan updated"},
		{"a line break in a title brings no header in", "{{.Lead}}", inject, "a  Bcc: eve@example.com"},
		{"nothing", " ", f, ""},
		{"a field that is not there", "{{.Title}}", f, ""},
		{"no template", "{{.Lead", f, ""},
	} {
		got, err := digest.Subject(c.template, c.fields)
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%d %s: got %q, %v, want %q", n+1, c.why, got, err, c.want)
		}
	}
}

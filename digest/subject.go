package digest

import (
	"errors"
	"fmt"
	"strings"
	"text/template"
	"unicode"
)

// DefaultSubject is the subject line of newsletters that have none of their own.
const DefaultSubject = "{{.Newsletter}}: {{.Lead}}"

// MaxSubject is the greatest length of a subject, in characters; the rest is cut off.
const MaxSubject = 200

// SubjectFields is what the template of a subject line may use.
type SubjectFields struct {
	Newsletter string // its title
	Number     int    // of the issue
	Date       string // in the words of the newsletter's language
	Lead       string // the title of the first story
	Count      int    // of stories
	More       int    // stories beside the lead
}

// Subject makes an issue's subject from tmpl, a text/template: one line of plain text, cut at a word with an ellipsis
// if it is too long. Line ends are spaces in it, and other control characters are dropped: mailer would refuse them. It fails if the
// template does, or if the result is empty.
func Subject(tmpl string, f SubjectFields) (string, error) {
	t, err := template.New("subject").Parse(tmpl)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	if err := t.Execute(&b, f); err != nil {
		return "", err
	}
	s := strings.TrimSpace(strings.Map(onOneLine, b.String()))
	if s == "" {
		return "", errors.New("the subject is empty")
	}
	return shorten(s, MaxSubject), nil
}

func onOneLine(r rune) rune {
	switch {
	case unicode.In(r, unicode.Zl, unicode.Zp), unicode.IsControl(r) && unicode.IsSpace(r):
		return ' '
	case unicode.IsControl(r):
		return -1
	}
	return r
}

// shorten cuts text to at most limit characters, at a word if there is one in the second half.
func shorten(text string, limit int) string {
	runes := []rune(text)
	if len(runes) <= limit {
		return text
	}
	end := limit - 1
	for i := end; i > limit/2; i-- {
		if unicode.IsSpace(runes[i]) {
			end = i
			break
		}
	}
	return fmt.Sprintf("%s…", strings.TrimRightFunc(string(runes[:end]), unicode.IsSpace))
}

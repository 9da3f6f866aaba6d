package subscribers

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"
)

const (
	maxName     = 200 // characters
	maxLanguage = 35  // bytes; RFC 5646 §4.4.1
)

// plainName is a name as it is kept: without control characters, line ends, and what turns the text around it, white
// space around it left out. Anything else is people's own, "=Ada" and "<b>" too; who prints it escapes it.
func plainName(s string) (string, error) {
	if !utf8.ValidString(s) {
		return "", errors.New("is not in UTF-8")
	}
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp), r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069':
			return -1
		}
		return r
	}, s))
	if utf8.RuneCountInString(s) > maxName {
		return "", fmt.Errorf("is longer than %d characters", maxName)
	}
	return s, nil
}

// languageTag is the canonical form of a BCP 47 tag; an empty one stays empty.
func languageTag(s string) (string, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return "", nil
	}
	if len(s) > maxLanguage {
		return "", errors.New("is no language tag")
	}
	tag, err := language.Parse(s)
	if err != nil {
		return "", errors.New("is no language tag")
	}
	return tag.String(), nil
}

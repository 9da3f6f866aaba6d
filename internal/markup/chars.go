package markup

import (
	"strings"
	"unicode/utf8"
)

// CleanText is s without what XML 1.0 forbids (XML 1.0 §2.2): control characters other than tab, LF and CR, U+FFFE,
// U+FFFF, and bytes that are not UTF-8. removed counts the characters and bytes that were taken out.
func CleanText(s string) (clean string, removed int) {
	i := forbidden(s)
	if i < 0 {
		return s, 0
	}
	var b strings.Builder
	b.Grow(len(s))
	for ; i >= 0; i = forbidden(s) {
		b.WriteString(s[:i])
		_, size := utf8.DecodeRuneInString(s[i:])
		s = s[i+size:]
		removed++
	}
	b.WriteString(s)
	return b.String(), removed
}

// forbidden is the offset of the first character that XML forbids, or -1.
func forbidden(s string) int {
	for i, r := range s {
		switch {
		case r == '\t', r == '\n', r == '\r':
		case r < ' ', r == 0xFFFE, r == 0xFFFF:
			return i
		case r == utf8.RuneError:
			if _, size := utf8.DecodeRuneInString(s[i:]); size == 1 {
				return i
			}
		}
	}
	return -1
}

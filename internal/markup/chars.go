package markup

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// Cleaning counts what CleanText did to a text. The zero one is nothing.
type Cleaning struct {
	Removed int // characters, and bytes that are not UTF-8
	Mended  int // characters
}

// String says what was done, for people.
func (c Cleaning) String() string {
	var done []string
	if c.Removed > 0 {
		done = append(done, fmt.Sprintf("control characters were removed (%d of them)", c.Removed))
	}
	if c.Mended > 0 {
		done = append(done, fmt.Sprintf("quotation marks and the like of Windows-1252 were mended (%d of them)", c.Mended))
	}
	return strings.Join(done, ", and ")
}

// CleanText is s without control characters other than tab, LF and CR, and without what else XML forbids (XML 1.0 §2.2): U+FFFE,
// U+FFFF, and bytes that are not UTF-8. A control character that is a printable one in Windows-1252 (U+0080 to U+009F) becomes
// that, as in web pages (HTML §13.2.5.80): it was meant by the program that wrote its number.
func CleanText(s string) (clean string, done Cleaning) {
	i := unwanted(s)
	if i < 0 {
		return s, done
	}
	var b strings.Builder
	b.Grow(len(s))
	for ; i >= 0; i = unwanted(s) {
		b.WriteString(s[:i])
		r, size := utf8.DecodeRuneInString(s[i:])
		if meant := fromWindows(r); meant != 0 {
			b.WriteRune(meant)
			done.Mended++
		} else {
			done.Removed++
		}
		s = s[i+size:]
	}
	b.WriteString(s)
	return b.String(), done
}

// unwanted is the offset of the first character that may not stay, or -1.
func unwanted(s string) int {
	for i, r := range s {
		switch {
		case ' ' <= r && r <= '~', r == '\t', r == '\n', r == '\r': // nearly all
		case unicode.IsControl(r), r == 0xFFFE, r == 0xFFFF:
			return i
		case r == utf8.RuneError:
			if _, size := utf8.DecodeRuneInString(s[i:]); size == 1 {
				return i
			}
		}
	}
	return -1
}

// fromWindows is the character that r is the number of in Windows-1252, where in Unicode it is a control character; else 0.
func fromWindows(r rune) rune {
	if r < 0x80 || r > 0x9F {
		return 0
	}
	if meant := charmap.Windows1252.DecodeByte(byte(r)); meant != utf8.RuneError {
		return meant
	}
	return 0
}

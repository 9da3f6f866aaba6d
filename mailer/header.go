package mailer

import (
	"encoding/base64"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// checkText refuses what could end a header field before its time: line breaks and all other control characters.
func checkText(what, s string) error {
	if !utf8.ValidString(s) {
		return fmt.Errorf("the %s %q is not UTF-8", what, s)
	}
	if strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }) {
		return fmt.Errorf("the %s %q has a line break or another control character", what, s)
	}
	return nil
}

// checkToken refuses all but what may stand between angle brackets in a header field.
func checkToken(what, s string) error {
	if s == "" || len(s) > 900 {
		return fmt.Errorf("the %s is empty or longer than 900 characters", what)
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`<>"\`, r) }) {
		return fmt.Errorf("the %s %q has a character that must not be there", what, s)
	}
	return nil
}

// mailbox gives an address with its name before it (RFC 5322 §3.4), in ASCII.
func mailbox(name, address string) string {
	return strings.TrimLeft(phrase(name)+" <"+address+">", " ")
}

// phrase gives text as the words before an address (RFC 5322 §3.2.5), in ASCII; "" if there are none.
func phrase(text string) string {
	if encoded := encodeWords(text); encoded != text || text == "" {
		return encoded
	}
	return `"` + quoted.Replace(text) + `"`
}

// quoted escapes what ends a quoted string before its time (RFC 5322 §3.2.4).
var quoted = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// The greatest lengths of an encoded word: RFC 2047 §2 allows 75 characters and a line of 76, and the first word shares
// its line with the name of the field.
const (
	firstWord = 60
	otherWord = 75
)

// encodeWords gives text in ASCII, as encoded words with a space between them (RFC 2047), if it is not already. Text that
// only looks like an encoded word is encoded too: many readers would decode it. The words of package mime are of one
// length, and leave the first line of a field with its name alone, which some readers show as a space or as nothing.
func encodeWords(text string) string {
	if !strings.ContainsFunc(text, func(r rune) bool { return r > '~' }) && !strings.Contains(text, "=?") {
		return text
	}
	var b strings.Builder
	for limit := firstWord; text != ""; limit = otherWord {
		end := min(len(text), (limit-len("=?utf-8?b??="))/4*3)
		for end < len(text) && !utf8.RuneStart(text[end]) {
			end--
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString("=?utf-8?b?" + base64.StdEncoding.EncodeToString([]byte(text[:end])) + "?=")
		text = text[end:]
	}
	return b.String()
}

// appendFolded appends a header field in lines of at most 76 octets where it has single spaces to break at
// (RFC 5322 §2.2.3). Breaks are added before a space; nothing is taken away.
func appendFolded(dst []byte, name, value string) []byte {
	dst = append(append(dst, name...), ": "...)
	for room := 76 - len(name) - len(": "); len(value) > room; room = 76 {
		at := foldAt(value, room)
		if at < 0 {
			break
		}
		dst = append(append(dst, value[:at]...), "\r\n"...)
		value = value[at:]
	}
	return append(append(dst, value...), "\r\n"...)
}

// foldAt gives the place of the last space that keeps the line within room, else of the first after it, -1 if there is
// none. Spaces beside others do not count: no line must be blank.
func foldAt(s string, room int) int {
	best := -1
	for i := 1; i < len(s)-1 && (i <= room || best < 0); i++ {
		if s[i] == ' ' && s[i-1] != ' ' && s[i+1] != ' ' {
			best = i
		}
	}
	return best
}

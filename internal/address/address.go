// Package address says what is a web address, a URI and an email address. What reads items and the configuration asks it, and so does what
// checks feeds: nothing gets into a feed that makes it invalid.
package address

import (
	"fmt"
	"net/mail"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// IsWeb tells whether s is an absolute http or https address as RFC 3986 wants it written: in ASCII, with nothing in it that has to be
// escaped, and with the name of a host, or its IP address, as DNS can have it. Square brackets are let through everywhere, since browsers
// do not escape them.
func IsWeb(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && isHost(u) && isASCII(s) && isEscaped(s)
}

var hostName = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9_.-]*$`)

func isHost(u *url.URL) bool {
	if strings.HasPrefix(u.Host, "[") {
		_, err := netip.ParseAddr(u.Hostname())
		return err == nil
	}
	return hostName.MatchString(u.Hostname())
}

// Web gives the web address that s was meant to be, as IsWeb wants it, and whether there is one: people copy spaces, quotes and letters
// such as ä out of their browsers. Anything else stays as it is.
func Web(s string) (string, bool) {
	escaped := escape(s)
	if u, err := url.Parse(escaped); err == nil && !isASCII(u.Host) {
		if host, err := idna.Lookup.ToASCII(u.Hostname()); err == nil {
			u.Host = strings.Replace(u.Host, u.Hostname(), host, 1)
			escaped = u.String()
		}
	}
	if !IsWeb(escaped) {
		return s, false
	}
	return escaped, true
}

var scheme = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9+.-]*:`)

// IsURI tells whether s is an absolute URI that says something, as ids are (RFC 3986 §4.3). Letters beyond ASCII may stand in it
// (RFC 3987), which feeds allow.
func IsURI(s string) bool {
	n := len(scheme.FindString(s))
	return n > 0 && n < len(s) && isEscaped(s)
}

// IsEmail tells whether s is an email address without a name (RFC 5322 §3.4.1).
func IsEmail(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Name == "" && a.Address == s
}

// excluded are those printable characters of ASCII that no URI holds (RFC 3986 §2).
const excluded = "\"<>\\^`{|}"

// isEscaped tells whether each character may stand in a URI, and whether two digits follow each percent sign.
func isEscaped(s string) bool {
	for i := range len(s) {
		if mustEscape(s, i) {
			return false
		}
	}
	return true
}

func mustEscape(s string, i int) bool {
	c := s[i]
	if c == '%' {
		return len(s) < i+3 || !isHex(s[i+1]) || !isHex(s[i+2])
	}
	return c <= ' ' || c == 0x7f || strings.IndexByte(excluded, c) >= 0
}

func isHex(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f' }

func escape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf || mustEscape(s, i) {
			fmt.Fprintf(&b, "%%%02X", s[i])
		} else {
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
}

package relay

import (
	"bytes"
	"fmt"
	"net/mail"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
)

// Address gives a bare address (local@domain) as envelopes and headers spell it: its domain in ASCII (RFC 5891).
// A local part with characters beyond ASCII stays as it is; such an address needs SMTPUTF8. Addresses with spaces,
// control characters, angle brackets, comments or quotes are refused, and those too long for RFC 5321 §4.5.3.1.
func Address(address string) (string, error) {
	if strings.ContainsFunc(address, unsafe) {
		return "", fmt.Errorf("%q is no mail address: it holds a space or a character that must not be there", address)
	}
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return "", fmt.Errorf("%q is no mail address: it has no @", address)
	}
	local, domain := address[:at], address[at+1:]
	if !isASCII(domain) {
		ascii, err := idna.Lookup.ToASCII(domain)
		if err != nil {
			return "", fmt.Errorf("%q is no mail address: %w", address, err)
		}
		address = local + "@" + ascii
	}
	if len(local) > 64 || len(address) > 254 {
		return "", fmt.Errorf("%q is no mail address: it is too long", address)
	}
	if parsed, err := mail.ParseAddress(address); err != nil || parsed.Address != address {
		return "", fmt.Errorf("%q is no mail address", address)
	}
	return address, nil
}

// unsafe tells characters that could end a command or an address before its time.
func unsafe(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || r == unicode.ReplacementChar || strings.ContainsRune("<>\"()\\", r)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// envelope is what a transaction needs besides the message; its addresses are safe to write into a command.
type envelope struct {
	from, to string
	utf8     bool // one of them needs SMTPUTF8 (RFC 6531)
}

// seal checks what Deliver was given. What cannot be sent by any relay is rejected here, with the status codes that a
// server would use: 5.1.3 and 5.1.7 for bad addresses, 5.6.0 for a message with stray line ends, which a server
// might take for the end of the message.
func seal(from, to string, msg []byte) (envelope, *Reply) {
	var e envelope
	var err error
	if e.to, err = Address(to); err != nil {
		return e, &Reply{State: Rejected, Enhanced: "5.1.3", Text: oneLine(err.Error())}
	}
	if from != "" {
		if e.from, err = Address(from); err != nil {
			return e, &Reply{State: Rejected, Enhanced: "5.1.7", Text: oneLine(err.Error()), Ours: true}
		}
	}
	if n := bytes.Count(msg, []byte("\r\n")); n != bytes.Count(msg, []byte{'\n'}) || n != bytes.Count(msg, []byte{'\r'}) {
		return e, &Reply{State: Rejected, Enhanced: "5.6.0", Text: "the message has line ends other than CRLF", Ours: true}
	}
	e.utf8 = !isASCII(e.from) || !isASCII(e.to)
	return e, nil
}

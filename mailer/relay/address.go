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

// envelope is a mail that is safe to write into a dialogue.
type envelope struct {
	from, to string
	utf8     bool // one of them needs SMTPUTF8 (RFC 6531)
	dots     int  // lines of the message that begin with a dot
}

// seal checks what Deliver was given. What cannot be sent by any relay is rejected here, with the status codes that a
// server would use: 5.1.3 and 5.1.7 for bad addresses, 5.6.0 for a message with stray line ends, which a server
// might take for the end of the message.
func seal(m Mail) (envelope, *Reply) {
	var e envelope
	var err error
	if e.to, err = Address(m.To); err != nil {
		return e, &Reply{State: Rejected, Enhanced: "5.1.3", Text: oneLine(err.Error())}
	}
	if m.From != "" {
		if e.from, err = Address(m.From); err != nil {
			return e, &Reply{State: Rejected, Enhanced: "5.1.7", Text: oneLine(err.Error()), Ours: true}
		}
	}
	var ok bool
	if e.dots, ok = lines(m.Msg); !ok {
		return e, &Reply{State: Rejected, Enhanced: "5.6.0", Text: "the message has line ends other than CRLF", Ours: true}
	}
	e.utf8 = !isASCII(e.from) || !isASCII(e.to)
	return e, nil
}

// lines counts the lines of msg that begin with a dot, and tells whether every line ends in CRLF (the last may go without).
func lines(msg []byte) (dots int, ok bool) {
	ends := 0
	for rest := msg; len(rest) > 0; ends++ {
		if rest[0] == '.' {
			dots++
		}
		i := bytes.IndexByte(rest, '\r')
		if i < 0 {
			break
		}
		if i+1 == len(rest) || rest[i+1] != '\n' {
			return 0, false
		}
		rest = rest[i+2:]
	}
	return dots, ends == bytes.Count(msg, []byte{'\n'})
}

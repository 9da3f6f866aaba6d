package subscribers

import (
	"fmt"
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// Address is one mail address, checked.
type Address struct {
	Email  string // as given, for sending
	Folded string // for comparing: local part in lower case (NFC), domain in lower-case punycode
}

// BadAddress says why a text is no mail address, in plain words that follow "the address" and do not repeat it.
type BadAddress struct {
	What string
	Hint string
}

// Error gives the reason and, on a second line, the hint. The address itself is not in it.
func (e *BadAddress) Error() string { return "the address " + e.What + "\nhint: " + e.Hint }

// The limits of RFC 5321 §4.5.3.1, in octets; 254 is the path of 256 without its angle brackets (RFC 3696, erratum 1690).
const (
	maxAddress = 254
	maxLocal   = 64
)

// Fold reads a single address (RFC 5321 §4.1.2 Mailbox, RFC 6531 §3.3), white space around it left out. Refused, with a
// *BadAddress, are also forms that the RFC allows but no subscriber has: quoted local parts, addresses of machines by
// number, domains without a dot.
func Fold(email string) (Address, error) {
	email = strings.TrimSpace(email)
	if bad := misspelt(email); bad != nil {
		return Address{}, bad
	}
	local, domain, _ := strings.Cut(email, "@")
	if bad := badParts(local, domain); bad != nil {
		return Address{}, bad
	}
	ascii, err := domainProfile.ToASCII(domain)
	if err != nil || numeric(ascii) {
		return Address{}, &BadAddress{"has a domain that cannot exist", "compare the part after the @ with the original"}
	}
	// What is left to refuse, net/mail knows: characters that no atom holds.
	a, err := mail.ParseAddress(local + "@" + ascii)
	if err != nil || a.Name != "" || a.Address != local+"@"+ascii {
		return Address{}, &BadAddress{"holds a character that addresses cannot have", "compare the part before the @ with the original"}
	}
	folded := norm.NFC.String(strings.ToLower(norm.NFC.String(local))) + "@" + ascii
	if len(folded) > maxAddress {
		return Address{}, tooLong
	}
	return Address{email, folded}, nil
}

// domainProfile is idna.Lookup with the length limits of the DNS.
var domainProfile = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.CheckHyphens(true), idna.CheckJoiners(true),
	idna.StrictDomainName(true), idna.VerifyDNSLength(true))

var tooLong = &BadAddress{fmt.Sprintf("is longer than the %d bytes an address can have", maxAddress), "is a quotation mark or a separator missing?"}

// misspelt finds what makes a text no single address: what people mistype or paste along.
func misspelt(email string) *BadAddress {
	switch at := strings.Count(email, "@"); {
	case email == "":
		return &BadAddress{"is empty", "fill in the address, or take the row out"}
	case !utf8.ValidString(email):
		return &BadAddress{"is not in UTF-8", "save the file as UTF-8"}
	case len(email) > maxAddress:
		return tooLong
	case invisible(email) >= 0:
		return &BadAddress{fmt.Sprintf("holds an invisible character (%U)", invisible(email)), "type the address instead of pasting it"}
	case strings.ContainsAny(email, "<>"):
		return &BadAddress{"has more than the bare address", "write only what stands between < and >; names have a column of their own"}
	case strings.ContainsAny(email, "()"):
		return &BadAddress{"has a comment in brackets", "write the address alone"}
	case strings.Contains(email, `"`):
		return &BadAddress{"has quotation marks", "addresses in quotation marks are not supported"}
	case at > 1:
		return &BadAddress{fmt.Sprintf("has %d @", at), "write one address in each row"}
	case strings.ContainsFunc(email, unicode.IsSpace):
		return &BadAddress{"has a space in it", "take the space out; was a dot or an underscore meant?"}
	case at == 0:
		return &BadAddress{"has no @", "write it like ada@example.com"}
	}
	return nil
}

// badParts finds what is wrong on either side of the @.
func badParts(local, domain string) *BadAddress {
	switch {
	case local == "":
		return &BadAddress{"has nothing before the @", "write it like ada@example.com"}
	case len(local) > maxLocal:
		return &BadAddress{fmt.Sprintf("has more than %d bytes before the @", maxLocal), "compare the part before the @ with the original"}
	case domain == "":
		return &BadAddress{"has nothing after the @", "write it like ada@example.com"}
	case domain[0] == '[':
		return &BadAddress{"names a machine by its number", "write the domain, such as example.com"}
	case strings.Contains(domain, ","):
		return &BadAddress{"has a comma where a dot is expected", "write the dot"}
	case strings.ContainsAny(local, ",;") || strings.Contains(domain, ";"):
		return &BadAddress{"has a comma or semicolon in it", "take it out, or write one address in each row"}
	case strings.HasSuffix(domain, "."):
		return &BadAddress{"ends in a dot", "take the dot out"}
	case badDots(local) || badDots(domain):
		return &BadAddress{"has a dot too many", "no dot stands beside the @ or beside another dot"}
	case !strings.ContainsAny(domain, ".。．｡"): // the dots of IDNA, RFC 3490 §3.1
		return &BadAddress{"has no dot after the @", "write the whole domain, such as example.com"}
	}
	return nil
}

// invisible is the first character that cannot be seen, -1 for none. A mere space is none of them.
func invisible(s string) rune {
	for _, r := range s {
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) && r != '\t' {
			return r
		}
	}
	return -1
}

func badDots(s string) bool {
	return strings.HasPrefix(s, ".") || strings.HasSuffix(s, ".") || strings.Contains(s, "..")
}

// numeric tells whether the top-level domain is a number, as in 192.0.2.1; there is none (RFC 3696 §2).
func numeric(domain string) bool {
	return strings.Trim(domain[strings.LastIndexByte(domain, '.')+1:], "0123456789") == ""
}

// Mask gives an address as it is shown to whoever has its link: "a…@example.com". A text without an @ gives "…".
func Mask(email string) string {
	at := strings.LastIndexByte(email, '@')
	if at < 1 {
		return "…"
	}
	_, n := utf8.DecodeRuneInString(email)
	return email[:min(n, at)] + "…" + email[at:]
}

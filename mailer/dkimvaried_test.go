package mailer_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// letter is a mail in parts: the header above its own, which the signature is, its fields, each with the CRLF at its end, and
// its body.
type letter struct {
	top    string
	fields []string
	body   string
}

func (l letter) text() string { return l.top + strings.Join(l.fields, "") + "\r\n" + l.body }

type spelling struct {
	name         string
	most, signed int
}

// spellings are the fields of varied mails: how often each may be there, and how often it is signed.
var spellings = []spelling{
	{"From", 1, 2}, {"Reply-To", 1, 2}, {"To", 1, 2}, {"Subject", 2, 2}, {"Date", 1, 2}, {"Message-ID", 1, 2}, {"MIME-Version", 1, 2},
	{"Content-Type", 1, 2}, {"List-Unsubscribe", 2, 2}, {"List-Unsubscribe-Post", 1, 2}, {"Cc", 1, 1}, {"Content-Transfer-Encoding", 1, 1},
	{"Content-Language", 1, 1}, {"Auto-Submitted", 1, 1}, {"In-Reply-To", 1, 1}, {"References", 1, 1}, {"List-Id", 1, 1},
	{"List-Help", 1, 1}, {"List-Owner", 1, 1}, {"List-Archive", 1, 1},
	{"Received", 4, 0}, {"Comments", 3, 0}, {"X-From", 2, 0}, {"Subject-", 1, 0}, {"Fro", 1, 0}, {"Precedence", 1, 0},
}

// varied gives a mail whose fields are spelt, folded and ordered in any way that RFC 5322 allows.
func varied(rnd *rand.Rand) (l letter) {
	for _, s := range spellings {
		times := rnd.IntN(s.most + 1)
		if s.name == "From" {
			times = 1
		}
		for range times {
			l.fields = append(l.fields, spell(rnd, s.name)+":"+value(rnd, s.name))
		}
	}
	rnd.Shuffle(len(l.fields), func(i, j int) { l.fields[i], l.fields[j] = l.fields[j], l.fields[i] })
	for range rnd.IntN(12) * rnd.IntN(5) {
		l.body += pick(rnd, lines) + "\r\n"
	}
	l.body += strings.Repeat("\r\n", max(0, rnd.IntN(8)-4))
	return l
}

// spell gives a field's name in one of the cases that are the same to all.
func spell(rnd *rand.Rand, name string) string {
	return pick(rnd, []func(string) string{strings.ToLower, strings.ToUpper, strings.Clone, strings.Clone})(name)
}

// value gives what stands behind the colon, with the CRLF at its end.
func value(rnd *rand.Rand, name string) string {
	var b strings.Builder
	b.WriteString(pick(rnd, []string{" ", " ", " ", "", "  ", "\t", " \t ", "\r\n ", "\r\n\t"}))
	most, from := pick(rnd, []int{1, 5, 20, 80}), words
	switch name {
	case "To":
		most *= 5
	case "From":
		most, from = pick(rnd, []int{1, 5}), words[:inName] // programs look for the address in it
	}
	for range rnd.IntN(most) {
		b.WriteString(pick(rnd, from) + pick(rnd, blanks))
	}
	b.WriteString("<" + strings.ToLower(name) + fmt.Sprint(rnd.IntN(1e9)) + "@example.org>")
	return b.String() + pick(rnd, []string{"", "", "", " ", "\t", "  \t"}) + "\r\n"
}

func pick[T any](rnd *rand.Rand, from []T) T { return from[rnd.IntN(len(from))] }

// inName: see words.
const inName = 6

var (
	blanks = []string{" ", " ", " ", "  ", "\t", " \t ", "\r\n ", "\r\n\t", "\r\n   ", " \r\n ", "\t\r\n \t"}

	// The first inName of them may stand in the name before an address.
	words = []string{"word", "ABC", "=?utf-8?q?B=C3=BCro_=F0=9F=98=80?=", "=?utf-8?b?wqBhwqA=?=", `"quoted  pair \" and \\"`, "(a comment)", "Büro", "ada@example.org,",
		"<https://example.org/a?b=c&d=%20>,", "b=", "bh=x;", "v=1;", "h=from:to;", "DKIM-Signature:", "From:", ":", ";", "=", ".", "..",
		"a\u00a0b\u2028c", strings.Repeat("long", 60), "ıİſK"}

	lines = []string{"", "", " ", "\t", "   \t ", ".", "..", ".x", "text", "two  blanks and\ta tab", " before", "behind ", "behind\t", "=20",
		"soft=", "From here", ">From", "-- ", "Subject: x", "ü 😀\u00a0", strings.Repeat("x", 76), strings.Repeat("long ", 190)}
)

// spoil gives the mail with each change that must not pass: to a byte of the body and of each signed field, to a field that is
// taken away, and to one that is added.
func (l letter) spoil(rnd *rand.Rand, each func(why string, changed letter)) {
	for _, s := range spellings {
		at := slices.IndexFunc(l.fields, s.is)
		if at >= 0 && s.signed > 0 {
			other := strings.Replace(l.fields[at], "@example", pick(rnd, []string{"@Example", "@example ", "@eyample", "example"}), 1)
			each(s.name+"-changed", l.with(at, at+1, other))
			each(s.name+"-removed", l.with(at, at+1))
		}
		if added := s.name + ": x <x@example.com>\r\n"; l.count(s) < s.signed {
			each(s.name+"-added-below", l.with(len(l.fields), len(l.fields), added))
			each(s.name+"-added", letter{added + l.top, l.fields, l.body})
		}
	}
	each("body-longer", letter{l.top, l.fields, l.body + "x\r\n"})
	each("body-first", letter{l.top, l.fields, "\r\n" + l.body + "\r\n."})
	each("body-byte", letter{l.top, l.fields, otherByte(rnd, l.body)})
}

// with gives the mail with others in the place of some fields.
func (l letter) with(from, to int, others ...string) letter {
	return letter{l.top, slices.Replace(slices.Clone(l.fields), from, to, others...), l.body}
}

func (l letter) count(s spelling) (n int) {
	for _, f := range l.fields {
		if s.is(f) {
			n++
		}
	}
	return n
}

// is tells whether a field is one of the name.
func (s spelling) is(field string) bool {
	name, _, _ := strings.Cut(field, ":")
	return strings.EqualFold(name, s.name)
}

// otherByte changes a byte of a body, but none of its line ends.
func otherByte(rnd *rand.Rand, body string) string {
	b := []byte(body)
	for range b {
		if i := rnd.IntN(len(b)); b[i] != '\r' && b[i] != '\n' {
			b[i] ^= 1 << 6
			return string(b)
		}
	}
	return body + "x"
}

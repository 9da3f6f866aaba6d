package mailer_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"math"
	"net/mail"
	"strings"
	"testing"

	"tidings/mailer"
)

func returnPath(secret string) mailer.ReturnPath {
	return mailer.ReturnPath{Mailbox: "bounces@news.example.org", MAC: func(parts ...[]byte) []byte {
		h := hmac.New(sha256.New, []byte(secret))
		h.Write(bytes.Join(parts, []byte("|")))
		return h.Sum(nil)
	}}
}

func TestReturnPath(t *testing.T) {
	t.Parallel()
	p := returnPath("ours")
	for _, test := range []struct{ issue, subscriber int64 }{{1, 1}, {1, 2}, {2, 1}, {math.MaxUint32, math.MaxInt64}, {7, math.MinInt64}} {
		address := p.For(test.issue, test.subscriber)
		local, _, _ := strings.Cut(address, "@")
		if parsed, err := mail.ParseAddress(address); err != nil || parsed.Address != address || len(local) != len("bounces+")+mailer.ReturnCode {
			t.Errorf("%s is no address: %v", address, err)
		}
		for _, written := range []string{address, strings.ToUpper(address)} {
			if issue, subscriber, err := p.Parse(written); err != nil || issue != test.issue || subscriber != test.subscriber {
				t.Errorf("%s: %d, %d, %v; want %v", written, issue, subscriber, err, test)
			}
		}
	}
}

// TestReturnPathForged changes each character of a return path, and makes some up.
func TestReturnPathForged(t *testing.T) {
	t.Parallel()
	p := returnPath("ours")
	address := p.For(12, 345)
	forged := []string{"", "bounces@news.example.org", "bounces+@news.example.org", address + "x", returnPath("another's").For(12, 345)}
	for i := range address {
		other := byte('5')
		if address[i] == other {
			other = '6'
		}
		forged = append(forged, address[:i]+string(other)+address[i+1:])
	}
	for _, f := range forged {
		if issue, subscriber, err := p.Parse(f); !errors.Is(err, mailer.ErrReturnPath) {
			t.Errorf("%q is taken for issue %d, subscriber %d", f, issue, subscriber)
		}
	}
}

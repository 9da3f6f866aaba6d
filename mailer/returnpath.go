package mailer

import (
	"crypto/hmac"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"strings"
)

// ReturnPath makes a return path of its own for each mail, so that a report of its failure names issue and recipient whatever
// else the report says (VERP, https://cr.yp.to/proto/verp.txt). It is signed: nobody can make one up.
type ReturnPath struct {
	Mailbox string // the bare address that gets the reports; the code goes before its @, behind a +
	MAC     func(parts ...[]byte) []byte
}

// The code is base32hex in small letters (RFC 4648 §7), since servers may change the case of a local part: subscriber (8 bytes,
// big-endian), issue (4 bytes), and the first 8 bytes of the MAC of both.
const (
	ReturnCode   = 32 // characters of the code
	returnClaim  = 8 + 4
	returnSealed = 20
)

var returnEncoding = base32.HexEncoding.WithPadding(base32.NoPadding)

// ErrReturnPath is returned for an address that For did not make.
var ErrReturnPath = errors.New("the return path is not one of ours, or was changed")

// For gives the return path of the mail that brings an issue, by its number in the ledger (1 to 2³²-1), to a subscriber.
func (p ReturnPath) For(issue, subscriber int64) string {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, returnSealed), uint64(subscriber))
	b = binary.BigEndian.AppendUint32(b, uint32(issue)) //nolint:gosec // an issue a second would need a century for more
	b = append(b, p.MAC(b)[:returnSealed-returnClaim]...)
	at := strings.LastIndexByte(p.Mailbox, '@')
	return p.Mailbox[:at] + "+" + strings.ToLower(returnEncoding.EncodeToString(b)) + p.Mailbox[at:]
}

// Parse gives what a return path says if For made it; otherwise ErrReturnPath. The case of letters does not matter.
func (p ReturnPath) Parse(address string) (issue, subscriber int64, err error) {
	at := strings.LastIndexByte(p.Mailbox, '@')
	head, tail := p.Mailbox[:at]+"+", p.Mailbox[at:]
	if len(address) != len(head)+ReturnCode+len(tail) || !strings.EqualFold(address[:len(head)], head) || !strings.EqualFold(address[len(head)+ReturnCode:], tail) {
		return 0, 0, ErrReturnPath
	}
	b, err := returnEncoding.DecodeString(strings.ToUpper(address[len(head) : len(head)+ReturnCode]))
	if err != nil || !hmac.Equal(b[returnClaim:], p.MAC(b[:returnClaim])[:returnSealed-returnClaim]) {
		return 0, 0, ErrReturnPath
	}
	return int64(binary.BigEndian.Uint32(b[8:])), int64(binary.BigEndian.Uint64(b)), nil //nolint:gosec // the number that For was given
}

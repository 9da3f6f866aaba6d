// Package relay hands one message for one recipient to a mail server and reports what became of it, no better and no
// worse than it is known: SMTP speaks to a server, Outbox is its dry twin and puts the mail into a folder.
//
// It assumes that a message is complete before it is handed over (a body that breaks off in mid-DATA would be delivered
// broken), that it has lines of at most 998 octets that end in CRLF, and that the caller keeps the account: nothing is
// tried twice here.
package relay

import (
	"context"
	"errors"
	"fmt"
	"net/textproto"
	"strings"
	"unicode"
)

// Relay takes messages over.
type Relay interface {
	// Deliver hands msg (RFC 5322, lines that end in CRLF, no dot-stuffing) over for one recipient. from is the return
	// path, "" for the null sender; to is the recipient; both are bare addresses without angle brackets, their domains
	// may be international. An error means that nothing was sent and that the recipient has no part in it: the relay
	// cannot be used (ErrUnavailable) or ctx has ended. All else is told by the Reply.
	Deliver(ctx context.Context, from, to string, msg []byte) (Reply, error)
	// Close ends the connection; what was accepted stays accepted.
	Close() error
}

// ErrUnavailable says that there is no connection to the relay and none can be made: it does not answer, offers no TLS
// where TLS is required, or refuses the password. It is the same for every recipient, so the caller should stop.
var ErrUnavailable = errors.New("the relay cannot be used")

// State is what became of a message.
type State string

// The states of a message after Deliver.
const (
	Accepted State = "accepted" // the relay answers for it from now on
	Deferred State = "deferred" // not taken now; may be tried again
	Rejected State = "rejected" // not taken, for good
	Unknown  State = "unknown"  // handed over in full, and no answer came: it may or may not be delivered
)

// Reply is the answer for one recipient.
type Reply struct {
	State    State
	Code     int    // RFC 5321 §4.2; 0 when it was not the server that answered
	Enhanced string // RFC 3463, such as 5.1.1; "" when there is none
	Text     string // one line, at most 500 characters, without the code; the server's words or the reason
	Ours     bool   // refused because of us, the sender or the message, not of the recipient: pause, suppress nobody
}

// String is the answer as a log shows it: 550 5.1.1 No such user.
func (r Reply) String() string {
	s := r.Text
	if r.Enhanced != "" && !strings.HasPrefix(s, r.Enhanced) {
		s = r.Enhanced + " " + s
	}
	if r.Code != 0 {
		s = fmt.Sprintf("%d %s", r.Code, s)
	}
	return s
}

// maxText is how much of a server's words is kept, in characters.
const maxText = 500

// answer reads a server's reply of the classes 2, 4 and 5; any other makes no sense where a message can be accepted or
// refused, and leaves doubt.
func answer(code int, text string) Reply {
	r := Reply{State: Unknown, Code: code, Enhanced: enhanced(code, text), Text: oneLine(text)}
	switch code / 100 {
	case 2:
		r.State = Accepted
	case 4:
		r.State = Deferred
	case 5:
		r.State = Rejected
		r.Ours = strings.HasPrefix(r.Enhanced, "5.7.")
	}
	return r
}

// failed reads the error of a command before the final dot: nothing was delivered, whatever it says. 503 (bad sequence
// of commands) speaks of the connection, not of the recipient.
func failed(err error) Reply {
	var refusal *textproto.Error
	if !errors.As(err, &refusal) {
		return Reply{State: Deferred, Text: oneLine("connection lost: " + err.Error())}
	}
	r := answer(refusal.Code, refusal.Msg)
	if r.State != Rejected || r.Code == 503 {
		r.State = Deferred
	}
	return r
}

// enhanced gives the status code that text begins with (RFC 2034 §4), if it is of the same class as code.
func enhanced(code int, text string) string {
	word, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	fields := strings.Split(strings.TrimSpace(word), ".")
	if len(fields) != 3 || len(fields[0]) != 1 || int(fields[0][0]-'0') != code/100 {
		return ""
	}
	for _, f := range fields {
		if f == "" || len(f) > 3 || strings.Trim(f, "0123456789") != "" {
			return ""
		}
	}
	return word
}

// oneLine makes foreign words fit for a log: no line breaks or other control characters, valid UTF-8, not too long.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	runes := []rune(strings.TrimSpace(s))
	return string(runes[:min(len(runes), maxText)])
}

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
	"strconv"
	"strings"
	"unicode"
)

// Relay is where mail is handed over.
type Relay interface {
	// Connect opens a session, or says why it cannot (ErrUnavailable, or ctx's own error).
	Connect(ctx context.Context) (Session, error)
	// Name is what people call the relay: its address, or the folder.
	Name() string
}

// Session hands over one message after another. One goroutine may use it at a time.
type Session interface {
	// Deliver hands a message over for one recipient. An error means that nothing was sent and that the recipient has no
	// part in it: the session cannot be used (ErrUnavailable), ctx has ended, or Ready said no. All else is told by the Reply.
	Deliver(ctx context.Context, m Mail) (Reply, error)
	// Usable tells whether another message may be handed over in this session.
	Usable() bool
	// Close ends the session; what was accepted stays accepted.
	Close() error
}

// Mail is one message for one recipient.
type Mail struct {
	From string // the return path, "" for the null sender; a bare address without angle brackets, as To is
	To   string // the domains of both may be international
	Msg  []byte // RFC 5322, lines that end in CRLF, no dot-stuffing; it may be appended to

	// Ready, if it is there, is called when the server has been asked to take the message and nothing of it was sent yet: the server
	// may still refuse. It may take its time, and an error from it calls the message off.
	Ready func() error
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
	Lost     bool   // Deferred because the connection broke, or was of no more use, before the message was handed over
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

// Slow tells whether the server asks for less mail at a time: 421, 450, 451 and 452, and policy for the moment (4.7.x, RFC 3463
// §3.8), as large providers use them.
func (r Reply) Slow() bool {
	return r.State == Deferred && r.Enhanced != "4.2.2" && (r.Code == 421 || r.Code == 450 || r.Code == 451 || r.Code == 452 || strings.HasPrefix(r.Enhanced, "4.7."))
}

// Dead tells whether the address will never take mail: the mailbox or its domain does not exist, or it moved or is disabled
// (RFC 3463 §3.2, §3.3; 5.1.10 is RFC 7505's null MX).
func (r Reply) Dead() bool {
	switch r.Enhanced {
	case "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1":
		return r.State == Rejected && r.Code != 0 && !r.Ours
	}
	return false
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
		if r.Enhanced == "5.2.2" { // the mailbox is full: it may be emptied
			r.State = Deferred
		}
	}
	return r
}

// enhanced gives the status code that text begins with (RFC 2034 §4), if it is of the same class as code.
func enhanced(code int, text string) string {
	word := text[:len(text)-len(strings.TrimLeft(text, "0123456789."))]
	if len(word) < len(text) && !unicode.IsSpace(rune(text[len(word)])) {
		return ""
	}
	class, rest, _ := strings.Cut(word, ".")
	subject, detail, found := strings.Cut(rest, ".")
	if !found || class != strconv.Itoa(code/100) || !isNumber(subject) || !isNumber(detail) {
		return ""
	}
	return word
}

// isNumber tells whether s has one to three digits, if it has nothing but digits and dots.
func isNumber(s string) bool { return s != "" && len(s) <= 3 && !strings.Contains(s, ".") }

// oneLine makes foreign words fit for a log: no line breaks or other control characters, valid UTF-8, not too long.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	s = strings.TrimSpace(s)
	if len(s) <= maxText {
		return s
	}
	runes := []rune(s)
	return string(runes[:min(len(runes), maxText)])
}

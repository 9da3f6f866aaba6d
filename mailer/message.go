package mailer

import (
	"bytes"
	"fmt"
	"html"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"slices"
	"strings"
	"unicode/utf8"

	"tidings/mailer/relay"
)

// MaxHTML is the size in bytes that the HTML of a mail should not exceed: Gmail shows no more than about 102 kB of it,
// and what it cuts off first is the link to unsubscribe.
const MaxHTML = 90_000

// Message is one issue in one language, composed and frozen: all bytes but those of the recipient. It is kept as JSON,
// and gives the same bytes for the same recipient at every try and in every later run. It is safe for concurrent use.
type Message struct {
	Language string `json:"language"` // BCP 47
	Subject  string `json:"subject"`
	Brief    bool   `json:"brief"`     // shortened, because the full issue exceeded MaxHTML
	HTMLSize int    `json:"html_size"` // bytes, before encoding; may exceed MaxHTML even if Brief
	Parts    []Part `json:"parts"`
}

// Part is a stretch of the message and what of the recipient's follows it.
type Part struct {
	Raw  string `json:"raw"`
	Slot Slot   `json:"slot,omitempty"` // "" in the last part
}

// Slot names a value of the recipient and the body that it goes into.
type Slot string

// The slots of a message.
const (
	TextGreeting    Slot = "text-greeting"
	TextUnsubscribe Slot = "text-unsubscribe"
	HTMLGreeting    Slot = "html-greeting"
	HTMLUnsubscribe Slot = "html-unsubscribe"
)

// Recipient is what one subscriber's copy does not share with the others. Texts are plain UTF-8; none may hold control
// characters.
type Recipient struct {
	Email          string // bare address; its domain may be international
	Name           string // "" or at most 300 characters
	Greeting       string // such as "Dear Ada,"
	UnsubscribeURL string // http or https, ASCII, at most 900 characters; RFC 8058 §3.1 asks for https
	MessageID      string // without angle brackets, ASCII, at most 900 characters
}

// For gives the recipient's copy, ready for DATA but for dot-stuffing (RFC 5321 §4.5.2): every line ends in CRLF and
// has at most 998 octets (RFC 5322 §2.1.1), and those of the bodies at most 76 (RFC 2045 §6.7). The error says which of
// the recipient's values cannot be sent.
func (m *Message) For(r Recipient) ([]byte, error) { return m.AppendTo(nil, r) }

// AppendTo is For into memory at hand: it gives dst with the copy behind it, and dst as it was with an error.
func (m *Message) AppendTo(dst []byte, r Recipient) ([]byte, error) {
	size := 1024
	for _, p := range m.Parts {
		size += len(p.Raw)
	}
	buf := buffer(slices.Grow(dst, size))
	if err := r.writeHeader(&buf); err != nil {
		return dst, err
	}
	for _, p := range m.Parts {
		buf = append(buf, p.Raw...)
		if err := r.write(&buf, p.Slot); err != nil {
			return dst, err
		}
	}
	return buf, nil
}

// Bodies gives the two bodies of the recipient's copy, decoded, to look at.
func (m *Message) Bodies(r Recipient) (text, html string, err error) {
	b, err := m.For(r)
	if err != nil {
		return "", "", err
	}
	msg, err := mail.ReadMessage(bytes.NewReader(b))
	if err != nil {
		return "", "", err
	}
	_, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err != nil {
		return "", "", err
	}
	parts := multipart.NewReader(msg.Body, params["boundary"])
	if text, err = nextPart(parts); err == nil {
		html, err = nextPart(parts)
	}
	return text, html, err
}

func nextPart(r *multipart.Reader) (string, error) {
	p, err := r.NextPart()
	if err != nil {
		return "", err
	}
	b, err := io.ReadAll(p)
	return string(b), err
}

// buffer is bytes to append to.
type buffer []byte

// Write appends p; it makes a buffer an io.Writer.
func (b *buffer) Write(p []byte) (int, error) {
	*b = append(*b, p...)
	return len(p), nil
}

// write appends the value of the slot in quoted-printable: on lines of its own, as split has left room for it.
func (r *Recipient) write(dst *buffer, slot Slot) error {
	var value string
	switch slot {
	case "":
		return nil
	case TextGreeting:
		value = r.Greeting
	case TextUnsubscribe:
		value = r.UnsubscribeURL
	case HTMLGreeting:
		value = html.EscapeString(r.Greeting)
	case HTMLUnsubscribe:
		value = html.EscapeString(r.UnsubscribeURL)
	default:
		return fmt.Errorf("mailer: the message has a slot %q that is not known", slot)
	}
	w := quotedprintable.NewWriter(dst)
	if _, err := w.Write([]byte(value)); err != nil {
		return err
	}
	return w.Close()
}

// writeHeader appends the personal header fields, up to the point within List-Unsubscribe where the first part goes on.
func (r *Recipient) writeHeader(dst *buffer) error {
	address, err := relay.Address(r.Email)
	if err != nil {
		return err
	}
	if err := r.check(); err != nil {
		return err
	}
	*dst = appendFolded(*dst, "To", mailbox(r.Name, address))
	*dst = append(*dst, "Message-ID: <"...)
	*dst = append(*dst, r.MessageID...)
	*dst = append(*dst, ">\r\nList-Unsubscribe: <"...)
	*dst = append(*dst, r.UnsubscribeURL...)
	*dst = append(*dst, '>')
	return nil
}

func (r *Recipient) check() error {
	if utf8.RuneCountInString(r.Name) > 300 {
		return fmt.Errorf("the name of %s has more than 300 characters", r.Email)
	}
	if err := checkText("name", r.Name); err != nil {
		return err
	}
	if err := checkText("greeting", r.Greeting); err != nil {
		return err
	}
	if err := checkToken("message id", r.MessageID); err != nil {
		return err
	}
	if !strings.HasPrefix(r.UnsubscribeURL, "https://") && !strings.HasPrefix(r.UnsubscribeURL, "http://") {
		return fmt.Errorf("the unsubscribe link %q is no address on the web", r.UnsubscribeURL)
	}
	return checkToken("unsubscribe link", r.UnsubscribeURL)
}

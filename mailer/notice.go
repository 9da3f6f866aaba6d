package mailer

import (
	"bytes"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"
	"unicode"

	gomail "github.com/wneessen/go-mail"
)

// Notice is a mail to one of the newsroom's own people that tells what happened: plain text, no list, nothing to unsubscribe.
type Notice struct {
	From      *mail.Address
	To        string // bare address; its domain may be international
	Language  string // BCP 47
	Subject   string // plain UTF-8 in one line
	Text      string // plain UTF-8; control characters other than line ends and tabs are taken out
	Date      time.Time
	MessageID string // without angle brackets, ASCII, at most 900 characters
}

// Compose gives the notice, ready for DATA but for dot-stuffing: every line ends in CRLF, and those of the body have at most 76
// octets. It fails if a value cannot stand in a header. The field Auto-Submitted (RFC 3834 §5) keeps programs from answering.
func (n Notice) Compose() ([]byte, error) {
	if n.From == nil || n.Subject == "" || n.Date.IsZero() {
		return nil, errors.New("the notice has no sender, no subject or no date")
	}
	from, fromErr := checkedAddress(n.From)
	to, toErr := checkedAddress(&mail.Address{Address: n.To})
	if err := errors.Join(fromErr, toErr, checkText("subject", n.Subject), checkToken("language", n.Language), checkToken("message id", n.MessageID)); err != nil {
		return nil, err
	}
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	m.SetGenHeader("From", mailbox(from.Name, from.Address))
	m.SetGenHeader("To", mailbox("", to.Address))
	m.Subject(encodeWords(n.Subject))
	m.SetDateWithValue(n.Date)
	m.SetMessageIDWithValue(n.MessageID)
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	m.SetGenHeader("Content-Language", n.Language)
	m.SetBodyString(gomail.TypeTextPlain, printable(n.Text))
	var b bytes.Buffer
	if _, err := m.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("the notice: %w", err)
	}
	head, body, _ := strings.Cut(b.String(), "\r\n\r\n")
	raw := bareName.ReplaceAllString(head, "$1 ") + "\r\n\r\n" + body
	return []byte(raw), checkLines(raw)
}

// printable takes out what is no text.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}

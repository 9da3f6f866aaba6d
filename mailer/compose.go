// Package mailer makes an issue of a newsletter into mail: composed once for each language, with go-mail, and then
// spliced for each recipient, which costs microseconds instead of a fifth of a millisecond. Composing puts markers where the
// recipient's own values go, and cuts the finished message at them; what is left is kept for as long as the issue is
// being sent, so that a second try sends the same bytes.
//
// The package assumes that the views it is given are checked and that their HTML is clean. It trusts no value that goes
// into a header: line breaks and control characters are refused here, whoever let them through.
package mailer

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"regexp"
	"strings"

	gomail "github.com/wneessen/go-mail"

	"tidings/mailer/relay"
	"tidings/templates"
)

// Templates makes the bodies of a mail; a templates.Set does.
type Templates interface {
	Execute(w io.Writer, name string, view any) error
}

// Envelope is what the header says beside subject and date. Addresses for people and programs to turn to (RFC 2369) are
// URLs in ASCII, such as mailto:news@example.org; an empty one leaves its field out.
type Envelope struct {
	From        *mail.Address
	ReplyTo     *mail.Address // nil: none
	Language    string        // BCP 47
	ListID      string        // RFC 2919 §2, without angle brackets: weekly.news.example.org; it must never change
	ListName    string        // plain text
	Owner       string        // List-Owner
	Help        string        // List-Help
	Archive     string        // List-Archive
	Unsubscribe string        // mailto: the second way to leave, beside each recipient's own link
	Rand        io.Reader     // for the boundary of the parts and the markers
}

// Compose makes the issue that view shows into a message, with the bodies from the templates digest.html and
// digest.txt. Greeting and UnsubscribeURL of the view are not used: they are each recipient's own. If the HTML exceeds
// MaxHTML it is made again with Brief set. It fails if a template fails or has no unsubscribe link, or if a value cannot
// stand in a header.
//
// The fields are those that RFC 2369, 2919 and 8058 ask of a list. Auto-Submitted is left out: it marks replies and
// notices (RFC 3834 §5), and a digest is neither. So is Precedence, which is no standard: programs that answer by
// themselves know a list by its List-Id (RFC 5230 §4.6).
func Compose(set Templates, view templates.Digest, e Envelope) (*Message, error) {
	e, err := e.checked()
	if err != nil {
		return nil, err
	}
	mk, err := newMarkers(e.Rand)
	if err != nil {
		return nil, err
	}
	view.Greeting, view.UnsubscribeURL = mk.greeting, mk.unsubscribe
	html, err := render(set, "digest.html", view)
	if err == nil && len(html) > MaxHTML && !view.Brief {
		view.Brief = true
		html, err = render(set, "digest.html", view)
	}
	if err != nil {
		return nil, err
	}
	text, err := render(set, "digest.txt", view)
	if err != nil {
		return nil, err
	}
	raw, err := e.compose(view, text, html, mk)
	if err != nil {
		return nil, err
	}
	m := &Message{Language: e.Language, Subject: view.Subject, Brief: view.Brief, HTMLSize: len(html), Parts: mk.split(raw)}
	return m, mk.verify(m)
}

func render(set Templates, name string, view templates.Digest) (string, error) {
	var b strings.Builder
	err := set.Execute(&b, name, view)
	return b.String(), err
}

// checked gives the envelope with its addresses as headers spell them, or says what must not be in a header.
func (e Envelope) checked() (Envelope, error) {
	if e.From == nil {
		return e, errors.New("the mail has no sender")
	}
	var from, replyTo error
	e.From, from = checkedAddress(e.From)
	if e.ReplyTo != nil {
		e.ReplyTo, replyTo = checkedAddress(e.ReplyTo)
	}
	errs := []error{from, replyTo, checkText("name of the list", e.ListName), checkToken("list id", e.ListID),
		checkToken("language", e.Language)}
	for _, f := range []struct{ what, url string }{{"address of the list's owner", e.Owner}, {"address for help", e.Help},
		{"address of the archive", e.Archive}, {"address to unsubscribe by mail", e.Unsubscribe}} {
		if f.url != "" {
			errs = append(errs, checkToken(f.what, f.url))
		}
	}
	return e, errors.Join(errs...)
}

func checkedAddress(a *mail.Address) (*mail.Address, error) {
	address, err := relay.Address(a.Address)
	if err != nil {
		return nil, err
	}
	return &mail.Address{Name: a.Name, Address: address}, checkText("name", a.Name)
}

// compose gives the whole message but its personal fields, which come before it.
func (e Envelope) compose(view templates.Digest, text, html string, mk markers) (string, error) {
	if view.Subject == "" || view.Date.IsZero() {
		return "", errors.New("the issue has no subject or no date")
	}
	if err := checkText("subject", view.Subject); err != nil {
		return "", err
	}
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent(), gomail.WithBoundary(mk.boundary))
	m.SetGenHeader("From", mailbox(e.From.Name, e.From.Address))
	if e.ReplyTo != nil {
		m.SetGenHeader("Reply-To", mailbox(e.ReplyTo.Name, e.ReplyTo.Address))
	}
	m.Subject(encodeWords(view.Subject))
	m.SetDateWithValue(view.Date)
	m.SetMessageIDWithValue(mk.token) // else go-mail makes one
	e.setListFields(m)
	m.SetBodyString(gomail.TypeTextPlain, text)
	m.AddAlternativeString(gomail.TypeTextHTML, html)
	var b bytes.Buffer
	if _, err := m.WriteTo(&b); err != nil {
		return "", err
	}
	raw := strings.Replace(b.String(), "Message-ID: <"+mk.token+">\r\n", "", 1)
	head, body, _ := strings.Cut(raw, "\r\n\r\n")
	raw = e.unsubscribeFields() + bareName.ReplaceAllString(head, "$1 ") + "\r\n\r\n" + body
	return raw, checkLines(raw)
}

// bareName matches where go-mail folds a field at once, behind its name: some readers show nothing then.
var bareName = regexp.MustCompile(`(?m)^([A-Za-z-]+:)\r\n `)

func (e Envelope) setListFields(m *gomail.Msg) {
	set := func(field gomail.Header, value string) {
		if value != "" {
			m.SetGenHeader(field, "<"+value+">")
		}
	}
	m.SetGenHeader("Content-Language", e.Language)
	m.SetGenHeader("List-Id", strings.TrimSpace(phrase(e.ListName)+" <"+e.ListID+">"))
	set("List-Owner", e.Owner)
	set("List-Help", e.Help)
	set("List-Archive", e.Archive)
}

// unsubscribeFields goes on where Recipient.writeHeader ends.
func (e Envelope) unsubscribeFields() string {
	mailto := ""
	if e.Unsubscribe != "" {
		mailto = ",\r\n <" + e.Unsubscribe + ">"
	}
	return mailto + "\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
}

// checkLines refuses lines that RFC 5322 §2.1.1 calls too long.
func checkLines(raw string) error {
	for line := range strings.SplitSeq(raw, "\r\n") {
		if len(line) > 998 {
			return fmt.Errorf("the mail has a line of %d octets: %.40s…", len(line), line)
		}
	}
	return nil
}

// markers stand in for the recipient's values. They are of characters that no encoding and no template changes.
type markers struct {
	token, greeting, unsubscribe string
	boundary                     string
}

func newMarkers(random io.Reader) (markers, error) {
	var b [32]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return markers{}, err
	}
	token, boundary := hex.EncodeToString(b[:16]), hex.EncodeToString(b[16:])
	return markers{token, "greeting" + token, "https://unsubscribe.invalid/" + token, boundary}, nil
}

// split cuts the message at the markers. A value stands on lines of its own between soft line breaks, so that no value
// makes a line of the body too long.
func (mk markers) split(raw string) []Part {
	var parts []Part
	html := strings.LastIndex(raw, "--"+mk.boundary+"\r\n")
	pos := 0
	for _, at := range mk.pattern().FindAllStringSubmatchIndex(raw, -1) {
		part := Part{Raw: raw[pos:at[0]], Slot: slotOf(at[0] > html, at[2] >= 0)}
		if pos > 0 {
			part.Raw = breakBefore(part.Raw)
		}
		if !strings.HasSuffix(part.Raw, "\n") {
			part.Raw += softBreak
		}
		parts, pos = append(parts, part), at[1]
	}
	return append(parts, Part{Raw: breakBefore(raw[pos:])})
}

const softBreak = "=\r\n"

// breakBefore gives what follows a value, on a line of its own.
func breakBefore(raw string) string {
	if strings.HasPrefix(raw, "\r\n") || strings.HasPrefix(raw, softBreak) {
		return raw
	}
	return softBreak + raw
}

func slotOf(html, greeting bool) Slot {
	switch {
	case html && greeting:
		return HTMLGreeting
	case html:
		return HTMLUnsubscribe
	case greeting:
		return TextGreeting
	}
	return TextUnsubscribe
}

// pattern finds the markers, also where the encoder broke a line within one. Its group 1 is the greeting.
func (mk markers) pattern() *regexp.Regexp {
	soft := func(marker string) string {
		chars := strings.Split(marker, "")
		for i, c := range chars {
			chars[i] = regexp.QuoteMeta(c)
		}
		return strings.Join(chars, "(?:"+softBreak+")?")
	}
	return regexp.MustCompile("(" + soft(mk.greeting) + ")|" + soft(mk.unsubscribe))
}

// verify sees to it that no marker is left and that everybody can leave.
func (mk markers) verify(m *Message) error {
	found := map[Slot]bool{}
	for _, p := range m.Parts {
		found[p.Slot] = true
		if strings.Contains(strings.ReplaceAll(p.Raw, softBreak, ""), mk.token) {
			return errors.New("digest.html or digest.txt changes Greeting or UnsubscribeURL: put them in as they are")
		}
	}
	if !found[TextUnsubscribe] || !found[HTMLUnsubscribe] {
		return errors.New("digest.html or digest.txt has no unsubscribe link: put UnsubscribeURL into both")
	}
	return nil
}

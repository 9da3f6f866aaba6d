package mailer_test

import (
	"bytes"
	netmail "net/mail"
	"strings"
	"testing"
	"time"

	"tidings/mailer"
)

func aNotice() mailer.Notice {
	return mailer.Notice{From: &netmail.Address{Name: "Büro, News", Address: "news@bücher.example"}, To: "ada@bücher.example", Language: "fr",
		Subject: "Lettre nº 7 : le serveur refuse nos messages, " + strings.Repeat("été ", 40), Text: "Première ligne\n\n.\n.point\n= 1\n",
		Date: day, MessageID: "weekly-7.done.1@xn--bcher-kva.example"}
}

// TestNotice: a notice comes out as it went in, in a mail that no program answers.
func TestNotice(t *testing.T) {
	n := aNotice()
	n.Text += strings.Repeat("long ", 100) + strings.Repeat("x", 2000) + "\n\x00\x1b[31m\r\x7f\u0085\xff end\n"
	raw, err := n.Compose()
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(raw) {
		if len(line) > 78 || !bytes.HasSuffix(line, []byte("\r\n")) {
			t.Errorf("the line %q", line)
		}
	}
	m := parse(t, raw)
	subject, err := m.header.Subject()
	if err != nil || subject != n.Subject {
		t.Errorf("the subject is %q, %v", subject, err)
	}
	want := strings.ReplaceAll("Première ligne\n\n.\n.point\n= 1\n"+strings.Repeat("long ", 100)+strings.Repeat("x", 2000)+"\n[31m? end\n", "\n", "\r\n")
	if len(m.bodies) != 1 || m.types[0] != "text/plain" || m.bodies[0] != want {
		t.Errorf("the bodies are %q, of the types %q", m.bodies, m.types)
	}
	for field, want := range map[string]string{"Auto-Submitted": "auto-generated", "To": "<ada@xn--bcher-kva.example>", "Content-Language": "fr",
		"Message-Id": "<weekly-7.done.1@xn--bcher-kva.example>", "Date": "Mon, 09 Nov 2015 09:00:00 +0000", "List-Id": "", "User-Agent": "", "Precedence": ""} {
		if got := m.header.Get(field); got != want {
			t.Errorf("%s is %q, want %q", field, got, want)
		}
	}
	for _, field := range []string{"From", "To", "Subject", "Date", "Message-Id", "Mime-Version", "Content-Type"} {
		if values := m.header.Values(field); len(values) != 1 {
			t.Errorf("%d fields %s", len(values), field)
		}
	}
}

// TestNoticeRefuses: nothing gets into a header that does not belong there.
func TestNoticeRefuses(t *testing.T) {
	for _, test := range []struct {
		name   string // number and why
		change func(*mailer.Notice)
	}{
		{"1 a line break in the subject", func(n *mailer.Notice) { n.Subject = "Done\r\nBcc: evil@example.com" }},
		{"2 a bare LF", func(n *mailer.Notice) { n.Subject = "Done\nBcc: evil@example.com" }},
		{"3 a subject that is no UTF-8", func(n *mailer.Notice) { n.Subject = "\xff" }},
		{"4 no subject", func(n *mailer.Notice) { n.Subject = "" }},
		{"5 a second recipient", func(n *mailer.Notice) { n.To = "a@example.com>, <b@example.com" }},
		{"6 no recipient", func(n *mailer.Notice) { n.To = "" }},
		{"7 a line break in the sender's name", func(n *mailer.Notice) { n.From.Name = "News\r\nX: y" }},
		{"8 no sender", func(n *mailer.Notice) { n.From = nil }},
		{"9 a message id that ends early", func(n *mailer.Notice) { n.MessageID = "a>\r\nX: y" }},
		{"10 no message id: go-mail would make one anew at each try", func(n *mailer.Notice) { n.MessageID = "" }},
		{"11 a language that is more", func(n *mailer.Notice) { n.Language = "fr\r\nX: y" }},
		{"12 no date", func(n *mailer.Notice) { n.Date = time.Time{} }},
	} {
		n := aNotice()
		test.change(&n)
		if raw, err := n.Compose(); err == nil {
			t.Errorf("%s: it is composed:\n%s", test.name, raw)
		}
	}
}

// TestNoticeSigned: a notice is signed like all other mail, and the mark that it is automatic is under the signature.
func TestNoticeSigned(t *testing.T) {
	raw, err := aNotice().Compose()
	if err != nil {
		t.Fatal(err)
	}
	signer, record := newSigner(t)
	signed := sign(t, signer, raw)
	passed := verifyMsgauth(t, record, map[string][]byte{"as it was": signed, "no longer automatic": bytes.Replace(signed, []byte("auto-generated"), []byte("no"), 1)})
	if len(passed) != 1 || passed[0] != "as it was" {
		t.Errorf("the signature of these is good: %q", passed)
	}
}

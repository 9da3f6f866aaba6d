package mailer_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"math/rand/v2"
	netmail "net/mail"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset"
	"github.com/emersion/go-message/mail"

	"tidings/internal/testtool"
	"tidings/items"
	"tidings/mailer"
	"tidings/templates"
)

// archive is too long for the first line of its field.
const archive = "https://news.example.org/a-rather-long-path-to-the-archive/newsletters/weekly/"

var day = time.Date(2015, 11, 9, 9, 0, 0, 0, time.FixedZone("GMT", 0))

// bodies is a pair of templates by the text they give.
type bodies struct{ html, text func(templates.Digest) string }

func (b bodies) Execute(w io.Writer, name string, view any) error {
	d := view.(templates.Digest)
	body := map[string]func(templates.Digest) string{"digest.html": b.html, "digest.txt": b.text}[name]
	_, err := io.WriteString(w, body(d))
	return err
}

// simple gives bodies with the recipient's values in the middle of lines.
func simple(d templates.Digest) string {
	return "<p>x " + d.Greeting + " y</p>\n<a href=\"" + d.UnsubscribeURL + "\">ü = leave</a> " + d.UnsubscribeURL + d.Greeting + "\n"
}

func plain(d templates.Digest) string {
	return d.Greeting + "\n\nünd: " + d.UnsubscribeURL
}

func view() templates.Digest {
	site := templates.Site{Title: "Example News", URL: "https://news.example.org/", Locale: templates.LocaleFor("en"),
		Owner: templates.Owner{Name: "Example", Email: "news@example.org"}}
	d := templates.Digest{Site: site, Newsletter: templates.Newsletter{Name: "weekly", Title: "Weekly digest"}, Number: 3, Date: day,
		Subject: "Weekly digest: Flüchtlinge, 難民 and “quotes”", Preheader: "And 1 more", WebURL: site.URL + "newsletters/weekly/3/",
		PostalAddress: "1 Example Street, London"}
	for _, title := range []string{"Response plan updated", "A day in Calais"} {
		d.Articles = append(d.Articles, items.Article{ID: "tag:example.org,2015:" + title, Slug: "s", URL: site.URL + "news/s/", Language: "en",
			Dir: "ltr", Title: title, Summary: "What happened: " + title + ".", Published: day, Updated: day})
	}
	return d
}

func envelope() mailer.Envelope {
	return mailer.Envelope{
		From:     &netmail.Address{Name: "Büro, News", Address: "news@bücher.example"},
		ReplyTo:  &netmail.Address{Address: "press@example.org"},
		Language: "en", ListID: "weekly.news.example.org", ListName: `The "Weekly"`,
		Owner: "mailto:news@example.org", Help: "mailto:news@example.org?subject=help", Archive: archive,
		Unsubscribe: "mailto:leave@example.org?subject=weekly", Rand: rand.NewChaCha8([32]byte{1}),
	}
}

func compose(t testing.TB, set mailer.Templates) *mailer.Message {
	t.Helper()
	m, err := mailer.Compose(set, view(), envelope())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func realTemplates(t testing.TB) *templates.Set {
	t.Helper()
	set, err := templates.Load("")
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func ada() mailer.Recipient {
	return mailer.Recipient{Email: "ada@example.com", Name: "Ada Lovelace", Greeting: "Dear Ada,",
		UnsubscribeURL: "https://news.example.org/-/u/abc?x=1&y=2", MessageID: "3.ada@news.example.org"}
}

// people are recipients that are hard to write to.
func people() []mailer.Recipient {
	var rs []mailer.Recipient
	for _, p := range []struct{ email, name string }{
		{"ada@example.com", ""},
		{"ada@example.com", "Ada Lovelace"},
		{"ada@example.com", `O'Brien, "Ada" \ (the first) <ada@elsewhere.example>`},
		{"ada@example.com", "José Ñandú"},
		{"ada@example.com", "Müller, Jörg; \"JM\""},
		{"ada@example.com", "👩‍👩‍👧‍👦 Familie 👋🏽"},
		{"ada@example.com", "عائشة بنت محمد, \u202bمنظمة\u202c"},
		{"ada@example.com", strings.Repeat("n", 200)},
		{"ada@example.com", strings.Repeat(`"`, 200)},
		{"ada@example.com", strings.TrimSpace(strings.Repeat("long name ", 20))},
		{"ada@example.com", strings.Repeat("長", 200)},
		{"ada@example.com", strings.Repeat("😀", 300)},
		{"ada@example.com", "a" + strings.Repeat(" ", 120) + "b"},
		{"ada@example.com", "=?utf-8?q?not_encoded?="},
		{"ada@example.com", ".dot at the start"},
		{"ada@bücher.example", "Bücherwurm"},
		{strings.Repeat("a", 64) + "@" + strings.Repeat("bcd.", 45) + "example", strings.Repeat("word ", 40) + "end"},
	} {
		greeting := "Dear " + p.name + ","
		rs = append(rs, mailer.Recipient{Email: p.email, Name: p.name, Greeting: greeting,
			UnsubscribeURL: "https://news.example.org/-/u/" + strings.Repeat("t0k_-", 24) + "?a=1&b='=", MessageID: "id@news.example.org"})
	}
	return append(rs,
		mailer.Recipient{Email: "x@example.com", UnsubscribeURL: "http://127.0.0.1:8080/-/u/x", MessageID: "x@localhost"},
		mailer.Recipient{Email: "x@example.com", Greeting: "<b>&amp; trailing ", UnsubscribeURL: "https://a.example/", MessageID: "x@localhost"},
		mailer.Recipient{Email: "x@example.com", Greeting: strings.Repeat("=", 500), UnsubscribeURL: "https://a.example/" + strings.Repeat("u", 800),
			MessageID: strings.Repeat("m", 800) + "@localhost"})
}

// parsed is a mail as a mail program sees it.
type parsed struct {
	header mail.Header
	types  []string
	bodies []string
}

func parse(t testing.TB, raw []byte) parsed {
	t.Helper()
	r, err := mail.CreateReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("%v in\n%s", err, raw)
	}
	p := parsed{header: r.Header}
	for {
		part, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			return p
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, raw)
		}
		b, err := io.ReadAll(part.Body)
		if err != nil {
			t.Fatalf("%v in\n%s", err, raw)
		}
		h := part.Header.(*mail.InlineHeader)
		kind, params, err := h.ContentType()
		if err != nil || params["charset"] != "UTF-8" {
			t.Errorf("content type %q %v: %v", kind, params, err)
		}
		p.types, p.bodies = append(p.types, kind), append(p.bodies, string(b))
	}
}

func text(t testing.TB, h mail.Header, field string) string {
	t.Helper()
	if n := len(h.Values(field)); n > 1 {
		t.Errorf("%d fields %s", n, field)
	}
	s, err := h.Text(field)
	if err != nil {
		t.Errorf("%s: %v", field, err)
	}
	return s
}

func TestHeader(t *testing.T) {
	raw, err := compose(t, realTemplates(t)).For(ada())
	if err != nil {
		t.Fatal(err)
	}
	p := parse(t, raw)
	for field, want := range map[string]string{
		"Subject":               view().Subject,
		"Date":                  "Mon, 09 Nov 2015 09:00:00 +0000",
		"Message-Id":            "<3.ada@news.example.org>",
		"Mime-Version":          "1.0",
		"Content-Language":      "en",
		"List-Id":               `"The \"Weekly\"" <weekly.news.example.org>`,
		"List-Owner":            "<mailto:news@example.org>",
		"List-Help":             "<mailto:news@example.org?subject=help>",
		"List-Archive":          "<" + archive + ">",
		"List-Unsubscribe":      "<https://news.example.org/-/u/abc?x=1&y=2>, <mailto:leave@example.org?subject=weekly>",
		"List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
		"User-Agent":            "", "X-Mailer": "", "Precedence": "", "Auto-Submitted": "",
	} {
		if got := text(t, p.header, field); got != want {
			t.Errorf("%s: got %q, want %q", field, got, want)
		}
	}
	for field, want := range map[string]mail.Address{
		"From":     {Name: "Büro, News", Address: "news@xn--bcher-kva.example"},
		"Reply-To": {Address: "press@example.org"},
		"To":       {Name: "Ada Lovelace", Address: "ada@example.com"},
	} {
		if got, err := p.header.AddressList(field); err != nil || len(got) != 1 || *got[0] != want {
			t.Errorf("%s: got %v, %v, want %v", field, got, err, want)
		}
	}
	if kind, _, err := p.header.ContentType(); err != nil || kind != "multipart/alternative" {
		t.Errorf("content type %q, %v", kind, err)
	}
	if fmt.Sprint(p.types) != "[text/plain text/html]" {
		t.Errorf("parts %v: the best one comes last", p.types)
	}
	for i, body := range p.bodies {
		for _, want := range []string{"Dear Ada,", "Response plan updated", "A day in Calais", "1 Example Street, London",
			[]string{"https://news.example.org/-/u/abc?x=1&y=2", "https://news.example.org/-/u/abc?x=1&amp;y=2"}[i]} {
			if !strings.Contains(body, want) {
				t.Errorf("the %s lacks %q:\n%s", p.types[i], want, body)
			}
		}
	}
}

func TestPeople(t *testing.T) {
	for name, set := range map[string]mailer.Templates{"embedded templates": realTemplates(t), "values in mid-line": bodies{simple, plain}} {
		m := compose(t, set)
		for n, r := range people() {
			t.Run(fmt.Sprintf("%s/%02d %.20s", name, n+1, r.Name), func(t *testing.T) {
				raw, err := m.For(r)
				if err != nil {
					t.Fatal(err)
				}
				checkLines(t, raw)
				p := parse(t, raw)
				checkPersonal(t, p, r)
				if bytes.Contains(bytes.ReplaceAll(raw, []byte("=\r\n"), nil), []byte("unsubscribe.invalid")) {
					t.Error("a marker is left")
				}
			})
		}
	}
}

func checkPersonal(t *testing.T, p parsed, r mailer.Recipient) {
	t.Helper()
	to, err := p.header.AddressList("To")
	if err != nil || len(to) != 1 || to[0].Name != r.Name || to[0].Address != strings.ReplaceAll(r.Email, "bücher", "xn--bcher-kva") {
		t.Errorf("To: %v, %v", to, err)
	}
	if got := text(t, p.header, "Message-Id"); got != "<"+r.MessageID+">" {
		t.Errorf("Message-ID: %s", got)
	}
	if got := text(t, p.header, "List-Unsubscribe"); !strings.HasPrefix(got, "<"+r.UnsubscribeURL+">, <mailto:") {
		t.Errorf("List-Unsubscribe: %s", got)
	}
	if len(p.bodies) != 2 {
		t.Fatalf("%d parts", len(p.bodies))
	}
	if body := p.bodies[0]; !strings.Contains(body, r.Greeting) || !strings.Contains(body, r.UnsubscribeURL) {
		t.Errorf("the text does not have %q as it is:\n%s", r.Greeting, body)
	}
	if body := p.bodies[1]; !strings.Contains(body, html.EscapeString(r.Greeting)) || !strings.Contains(body, html.EscapeString(r.UnsubscribeURL)) {
		t.Errorf("the HTML does not have %q escaped:\n%s", r.Greeting, body)
	}
}

// checkLines looks at the line lengths of RFC 5322 §2.1.1 and RFC 2045 §6.7, and at all line ends.
func checkLines(t *testing.T, raw []byte) {
	t.Helper()
	lines := strings.Split(string(raw), "\r\n")
	if lines[len(lines)-1] != "" {
		t.Error("the last line does not end in CRLF")
	}
	inBody := false
	for _, line := range lines {
		inBody = inBody || line == ""
		limit := 998
		if inBody {
			limit = 76
		}
		if len(line) > limit || strings.ContainsAny(line, "\r\n") {
			t.Errorf("a line of %d octets: %q", len(line), line)
		}
		if !inBody && strings.HasSuffix(line, ":") {
			t.Errorf("a field that begins on the next line: %q", line)
		}
		if strings.HasSuffix(line, " ") || !inBody && line != "" && strings.TrimSpace(line) == "" {
			t.Errorf("a line that is blank or ends in a space: %q", line)
		}
	}
}

// Bodies where the encoder breaks lines before, within and after each marker give the same text as any others.
func TestSoftBreaks(t *testing.T) {
	r := ada()
	for n := range 160 {
		pad := strings.Repeat("x", n)
		body := func(d templates.Digest) string {
			return pad + d.Greeting + d.UnsubscribeURL + "|" + d.Greeting + "\n" + d.Greeting
		}
		m := compose(t, bodies{body, body})
		gotText, gotHTML, err := m.Bodies(r)
		want := body(templates.Digest{Greeting: r.Greeting, UnsubscribeURL: r.UnsubscribeURL})
		if err != nil || strings.ReplaceAll(gotText, "\r\n", "\n") != want || strings.ReplaceAll(html.UnescapeString(gotHTML), "\r\n", "\n") != want {
			t.Fatalf("%d: %v\n got %q\n and %q\nwant %q", n, err, gotText, gotHTML, want)
		}
		raw, err := m.For(r)
		if err != nil {
			t.Fatal(err)
		}
		checkLines(t, raw)
	}
}

func TestRefused(t *testing.T) {
	m := compose(t, bodies{simple, plain})
	for n, change := range []func(r *mailer.Recipient, bad string){
		func(r *mailer.Recipient, bad string) { r.Email = "ada" + bad + "@example.com" },
		func(r *mailer.Recipient, bad string) { r.Email = "ada@example.com" + bad },
		func(r *mailer.Recipient, bad string) { r.Name += bad },
		func(r *mailer.Recipient, bad string) { r.Greeting += bad },
		func(r *mailer.Recipient, bad string) { r.UnsubscribeURL += bad },
		func(r *mailer.Recipient, bad string) { r.MessageID += bad },
	} {
		for _, bad := range []string{"\r\nBcc: eve@example.com", "\n", "\r", "\x00", "\x1b", "\x7f", "\u0085", "\u2028", "\xff"} {
			r := ada()
			change(&r, bad)
			got, err := m.AppendTo([]byte("before"), r)
			if err == nil || string(got) != "before" {
				t.Errorf("value %d with %q: %v", n+1, bad, err)
			}
		}
	}
	for n, change := range []func(*mailer.Recipient){
		func(r *mailer.Recipient) { r.Email = "" },
		func(r *mailer.Recipient) { r.Email = "ada" },
		func(r *mailer.Recipient) { r.UnsubscribeURL = "" },
		func(r *mailer.Recipient) { r.UnsubscribeURL = "javascript:alert(1)" },
		func(r *mailer.Recipient) { r.UnsubscribeURL = "https://a.example/>, <https://eve.example/" },
		func(r *mailer.Recipient) { r.UnsubscribeURL = "https://a.example/" + strings.Repeat("u", 900) },
		func(r *mailer.Recipient) { r.MessageID = "" },
		func(r *mailer.Recipient) { r.MessageID = "a b@c" },
		func(r *mailer.Recipient) { r.Name = strings.Repeat("n", 301) },
	} {
		r := ada()
		change(&r)
		if _, err := m.For(r); err == nil {
			t.Errorf("case %d was not refused", n+1)
		}
	}
}

func TestEnvelopeRefused(t *testing.T) {
	for n, change := range []func(*mailer.Envelope, *templates.Digest){
		func(e *mailer.Envelope, _ *templates.Digest) { e.From = nil },
		func(e *mailer.Envelope, _ *templates.Digest) {
			e.From = &netmail.Address{Name: "a\r\nBcc: b", Address: "a@example.org"}
		},
		func(e *mailer.Envelope, _ *templates.Digest) { e.From = &netmail.Address{Address: "a@example.org\n"} },
		func(e *mailer.Envelope, _ *templates.Digest) { e.ReplyTo = &netmail.Address{Address: "nobody"} },
		func(e *mailer.Envelope, _ *templates.Digest) { e.ListID = "weekly\r\n" },
		func(e *mailer.Envelope, _ *templates.Digest) { e.ListID = "" },
		func(e *mailer.Envelope, _ *templates.Digest) { e.ListName = "a\nb" },
		func(e *mailer.Envelope, _ *templates.Digest) { e.Language = "en\r\nBcc: b" },
		func(e *mailer.Envelope, _ *templates.Digest) { e.Owner = "mailto:a b" },
		func(e *mailer.Envelope, _ *templates.Digest) { e.Help = "mailto:a>" },
		func(e *mailer.Envelope, _ *templates.Digest) { e.Archive = "https://a\n" },
		func(e *mailer.Envelope, _ *templates.Digest) { e.Unsubscribe = "mailto:a\r\n" },
		func(e *mailer.Envelope, _ *templates.Digest) { e.Rand = strings.NewReader("short") },
		func(_ *mailer.Envelope, d *templates.Digest) { d.Subject = "a\r\nBcc: b" },
		func(_ *mailer.Envelope, d *templates.Digest) { d.Subject = "" },
		func(_ *mailer.Envelope, d *templates.Digest) { d.Date = time.Time{} },
	} {
		e, d := envelope(), view()
		change(&e, &d)
		if m, err := mailer.Compose(bodies{simple, plain}, d, e); err == nil {
			t.Errorf("case %d was not refused: %+v", n+1, m)
		}
	}
}

func TestTemplatesRefused(t *testing.T) {
	none := func(templates.Digest) string { return "news" }
	shout := func(d templates.Digest) string { return simple(d) + strings.ReplaceAll(d.UnsubscribeURL, "/", "%2F") }
	for n, b := range []bodies{{none, plain}, {simple, none}, {shout, plain}} {
		if _, err := mailer.Compose(b, view(), envelope()); err == nil || !strings.Contains(err.Error(), "UnsubscribeURL") {
			t.Errorf("case %d: %v", n+1, err)
		}
	}
	if _, err := mailer.Compose(failing{}, view(), envelope()); !errors.Is(err, errFailing) {
		t.Errorf("a template that fails: %v", err)
	}
}

var errFailing = errors.New("no such field")

type failing struct{}

func (failing) Execute(io.Writer, string, any) error { return errFailing }

// Only what is the recipient's own differs; the same recipient gets the same bytes, also from the stored message.
func TestSameBytes(t *testing.T) {
	m := compose(t, realTemplates(t))
	stored, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	var loaded mailer.Message
	if err := json.Unmarshal(stored, &loaded); err != nil {
		t.Fatal(err)
	}
	first, err := m.For(ada())
	if err != nil {
		t.Fatal(err)
	}
	again, err := loaded.AppendTo([]byte("before"), ada())
	if err != nil || string(again) != "before"+string(first) {
		t.Errorf("the second try differs: %v", err)
	}
	if loaded.Subject != view().Subject || loaded.Language != "en" {
		t.Errorf("loaded %q in %q", loaded.Subject, loaded.Language)
	}
	r := mailer.Recipient{Email: "bob@example.net", Name: "Bob", Greeting: "Dear Bob,", UnsubscribeURL: "https://news.example.org/-/u/bob", MessageID: "3.bob@news.example.org"}
	other, err := m.For(r)
	if err != nil {
		t.Fatal(err)
	}
	a, b := ada(), string(other)
	for _, v := range [][2]string{{r.Email, a.Email}, {"Bob\" <", a.Name + "\" <"}, {r.Greeting, a.Greeting}, {r.MessageID, a.MessageID},
		{"<" + r.UnsubscribeURL + ">", "<" + a.UnsubscribeURL + ">"}, {r.UnsubscribeURL, "https://news.example.org/-/u/abc?x=3D1&y=3D2"}} {
		b = strings.ReplaceAll(b, v[0], v[1])
	}
	if strings.ReplaceAll(b, "&amp;", "&") != strings.ReplaceAll(string(first), "&amp;", "&") {
		t.Errorf("more than the personal parts differs:\n%s\n%s", first, b)
	}
	if _, err := (&mailer.Message{Parts: []mailer.Part{{Slot: "unheard-of"}}}).For(a); err == nil {
		t.Error("a slot that is not known was passed over")
	}
}

func TestTooLong(t *testing.T) {
	long := func(d templates.Digest) string {
		if d.Brief {
			return "brief " + simple(d)
		}
		return strings.Repeat("<p>long</p>", mailer.MaxHTML/10) + simple(d)
	}
	m := compose(t, bodies{long, plain})
	if _, html, err := m.Bodies(ada()); err != nil || !m.Brief || m.HTMLSize > 1000 || !strings.HasPrefix(html, "brief ") {
		t.Errorf("brief %v, %d bytes, %v", m.Brief, m.HTMLSize, err)
	}
	m = compose(t, bodies{simple, plain})
	if m.Brief {
		t.Error("a short issue was shortened")
	}
	huge := func(d templates.Digest) string { return strings.Repeat("<p>long</p>", mailer.MaxHTML/10) + simple(d) }
	if m = compose(t, bodies{huge, plain}); !m.Brief || m.HTMLSize <= mailer.MaxHTML {
		t.Errorf("brief %v, %d bytes", m.Brief, m.HTMLSize)
	}
}

func TestWithoutTheOptional(t *testing.T) {
	e := envelope()
	e.ReplyTo, e.Owner, e.Help, e.Archive, e.Unsubscribe, e.ListName = nil, "", "", "", "", ""
	m, err := mailer.Compose(bodies{simple, plain}, view(), e)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := m.For(ada())
	if err != nil {
		t.Fatal(err)
	}
	h := parse(t, raw).header
	for _, field := range []string{"Reply-To", "List-Owner", "List-Help", "List-Archive"} {
		if h.Has(field) {
			t.Errorf("%s: %s", field, h.Get(field))
		}
	}
	if got := h.Get("List-Id"); got != "<weekly.news.example.org>" {
		t.Errorf("List-Id: %s", got)
	}
	if got := h.Get("List-Unsubscribe"); got != "<"+ada().UnsubscribeURL+">" {
		t.Errorf("List-Unsubscribe: %s", got)
	}
}

// A local part beyond ASCII stands in the header as it is (RFC 6532); the relay sees to it that the server takes that.
func TestInternationalLocalPart(t *testing.T) {
	r := ada()
	r.Email = "jörg@bücher.example"
	raw, err := compose(t, bodies{simple, plain}).For(r)
	if err != nil {
		t.Fatal(err)
	}
	e, err := message.Read(bytes.NewReader(raw))
	if err != nil || e.Header.Get("To") != `"Ada Lovelace" <jörg@xn--bcher-kva.example>` {
		t.Errorf("%v: To: %s", err, e.Header.Get("To"))
	}
}

// Python's email package is a second reader, and a strict one: it lists every defect that it finds.
func TestPython(t *testing.T) {
	python := testtool.Python(t, "email")
	m := compose(t, realTemplates(t))
	var in []map[string]string
	for _, r := range people() {
		raw, err := m.For(r)
		if err != nil {
			t.Fatal(err)
		}
		in = append(in, map[string]string{"raw": string(raw), "name": r.Name, "greeting": r.Greeting, "url": r.UnsubscribeURL, "id": r.MessageID,
			"escaped": html.EscapeString(r.Greeting), "subject": view().Subject})
	}
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, "-c", readMails)
	cmd.Stdin = bytes.NewReader(b)
	if out, err := cmd.CombinedOutput(); err != nil || string(out) != fmt.Sprintf("%d read\n", len(in)) {
		t.Errorf("%v\n%s", err, out)
	}
}

const readMails = `
import email, email.policy, json, sys

def check(what, got, want):
    if got != want:
        print(what, "is", ascii(got), "not", ascii(want))

mails = json.load(sys.stdin)
for m in mails:
    msg = email.message_from_bytes(m["raw"].encode(), policy=email.policy.default)
    for part in msg.walk():
        check("defects", list(part.defects), [])
        for field, value in part.items():
            check("defects of " + field, list(value.defects), [])
    # Before 3.13.2 it put spaces between adjacent encoded words (CPython's issue 128110).
    check("name", msg["To"].addresses[0].display_name.replace(" ", ""), m["name"].replace(" ", ""))
    check("recipients", len(msg["To"].addresses), 1)
    check("subject", msg["Subject"], m["subject"])
    check("id", msg["Message-ID"], "<" + m["id"] + ">")
    check("parts", [p.get_content_type() for p in msg.iter_parts()], ["text/plain", "text/html"])
    text, html = [p.get_content() for p in msg.iter_parts()]
    check("greeting in text", m["greeting"] in text, True)
    check("greeting in HTML", m["escaped"] in html, True)
    check("link in text", m["url"] in text, True)
print(len(mails), "read")
`

// Whatever a name is, it arrives as it is or is refused.
func FuzzName(f *testing.F) {
	for _, r := range people() {
		f.Add(r.Name)
	}
	m := compose(f, bodies{simple, plain})
	f.Fuzz(func(t *testing.T, name string) {
		r := ada()
		r.Name, r.Greeting = name, name
		raw, err := m.For(r)
		if err != nil {
			t.Skipf("no mail can have this name: %v", err)
		}
		checkLines(t, raw)
		p := parse(t, raw)
		if to, err := p.header.AddressList("To"); err != nil || len(to) != 1 || to[0].Name != name {
			t.Errorf("%q arrived as %v, %v", name, to, err)
		}
		if !strings.Contains(p.bodies[0], name) {
			t.Errorf("%q is not in %q", name, p.bodies[0])
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	m := compose(b, realTemplates(b))
	for _, r := range []mailer.Recipient{ada(), people()[6]} {
		b.Run(r.Name[:2], func(b *testing.B) {
			var dst []byte
			b.ReportAllocs()
			for b.Loop() {
				var err error
				if dst, err = m.AppendTo(dst[:0], r); err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(int64(len(dst)))
		})
	}
}

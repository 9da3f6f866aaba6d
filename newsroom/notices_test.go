package newsroom_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/emersion/go-message/mail"
	"github.com/emersion/go-smtp"

	"tidings/mailer/ledger"
	"tidings/mailer/relay"
	"tidings/newsroom"
)

const editor, press = "editor@example.org", "press@example.org"

// serveStaffed is serve with two staff, and tidings.yaml changed further.
func serveStaffed(t testing.TB, change ...string) (*server, *room) {
	t.Helper()
	server, r := serve(t)
	r.edit("tidings.yaml", append([]string{"newsletters:", "staff: [" + editor + ", " + press + "]\nnewsletters:"}, change...)...)
	r.Newsroom = r.openAgain(false)
	return server, r
}

// notice is a mail to the staff as its reader sees it.
type notice struct {
	mail.Header
	source, subject, text string
}

func readNotice(t testing.TB, source string) notice {
	t.Helper()
	m, err := mail.CreateReader(strings.NewReader(source))
	if err != nil {
		t.Fatal(err)
	}
	part, err := m.NextPart()
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(part.Body)
	if err != nil {
		t.Fatal(err)
	}
	subject, err := m.Header.Subject()
	if err != nil {
		t.Fatal(err)
	}
	return notice{m.Header, source, subject, strings.ReplaceAll(string(text), "\r\n", "\n")}
}

// notices are those that one of the staff got, in order.
func (s *server) notices(t testing.TB, to string) (all []notice) {
	t.Helper()
	for _, source := range s.mails()[to] {
		all = append(all, readNotice(t, source))
	}
	return all
}

// told wants each of the staff to have got exactly the notices with these words in their subjects.
func (s *server) told(t testing.TB, when string, want ...string) {
	t.Helper()
	for _, who := range []string{editor, press} {
		all := s.notices(t, who)
		for i, n := range all {
			if i < len(want) && !strings.Contains(n.subject, want[i]) {
				t.Errorf("%s: notice %d to %s is %q, want one with %q", when, i+1, who, n.subject, want[i])
			}
		}
		if len(all) != len(want) {
			t.Errorf("%s: %s got %d notices, want %d", when, who, len(all), len(want))
		}
	}
}

// onlyStaff is a server's answer to RCPT that refuses subscribers because of us.
func onlyStaff(to string) error {
	if to == editor || to == press {
		return nil
	}
	return unwanted
}

var accountLine = regexp.MustCompile(`(?m)^ +([0-9]+)  \pL`)

// balanced wants the first number of the account to be the sum of the others, and the audience to be eight.
func (n notice) balanced(t testing.TB) {
	t.Helper()
	sum := 0
	lines := accountLine.FindAllStringSubmatch(n.text, -1)
	for _, m := range lines[min(1, len(lines)):] {
		number, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		sum += number
	}
	if len(lines) < 5 || lines[0][1] != "8" || sum != 8 {
		t.Errorf("the account does not balance:\n%s", n.text)
	}
}

// TestNoticeDone: in each language the staff are told once that an issue is done, what became of each copy, and what to do about
// those who are unknown; the mail is one that no program answers.
func TestNoticeDone(t *testing.T) {
	t.Parallel()
	for lang, subject := range map[string]string{
		"en": "Weekly digest No. 1 is done: 6 of 8 accepted", "de": "Weekly digest Nr. 1 ist fertig: 6 von 8 angenommen",
		"fr": "Weekly digest nº 1 est terminé : 6 acceptés sur 8", "es": "Weekly digest n.º 1 ha terminado: 6 aceptados de 8",
	} {
		server, r := serveStaffed(t, "title: IOM", "language: "+lang+"\ntitle: IOM")
		server.set(true, nil)
		r.abandonOne(r.send(newsroom.Order{}, relay.ErrUnavailable).Issue)
		server.set(false, func(to string) error {
			if to == "zoe.bronte@example.com" {
				return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such user"}
			}
			return nil
		})
		s := r.send(newsroom.Order{}, nil)
		r.account(s, "8 recipients = 6 accepted + 1 rejected + 0 suppressed + 1 unknown")
		server.told(t, lang, subject)
		if all, err := r.Continue(t.Context(), "weekly"); len(all) != 0 || err != nil {
			t.Error(all, err)
		}
		server.told(t, lang+", a turn later", subject)
		n := server.notices(t, press)[0]
		n.balanced(t)
		for _, want := range []string{"tidings issues show weekly-1 --state rejected\n", "tidings issues show weekly-1 --state unknown\n",
			"tidings issues resend weekly-1 --state unknown\n", "https://news.example.org/newsletters/weekly/1/\n", "Weekly digest: Three", "docs/sending.md"} {
			if !strings.Contains(n.text, want) {
				t.Errorf("%s: the notice does not say %q:\n%s", lang, want, n.text)
			}
		}
		for field, want := range map[string]string{"To": "<" + press + ">", "From": `"IOM UK News" <news@example.org>`, "Auto-Submitted": "auto-generated",
			"Content-Type": "text/plain; charset=UTF-8", "Content-Transfer-Encoding": "quoted-printable", "Content-Language": lang, "List-Id": ""} {
			if got := n.Get(field); got != want {
				t.Errorf("%s: %s is %q, want %q", lang, field, got, want)
			}
		}
		if id := n.Get("Message-Id"); !strings.HasPrefix(id, "<weekly-1.done.") || !strings.HasSuffix(id, "@example.org>") {
			t.Errorf("%s: the message id is %s", lang, id)
		}
		if date, err := n.Date(); err != nil || date.Unix() != monday.Unix() {
			t.Errorf("%s: the date is %v, %v", lang, date, err)
		}
		for line := range strings.Lines(n.text) {
			if len([]rune(line)) > 73 && !strings.Contains(line, "http") {
				t.Errorf("%s: a line is too long: %q", lang, line)
			}
		}
		for _, from := range server.returnPaths() {
			if from != "news@example.org" {
				t.Errorf("%s: a return path is %q", lang, from)
			}
		}
	}
}

// TestNoticeAgain: who sends an issue to some once more changes its account, and the staff get it anew.
func TestNoticeAgain(t *testing.T) {
	t.Parallel()
	server, r := serveStaffed(t)
	server.set(false, func(to string) error {
		if to == "zoe.bronte@example.com" {
			return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "Not today"}
		}
		return nil
	})
	r.send(newsroom.Order{}, nil)
	server.set(false, nil)
	if s, err := r.Resend(t.Context(), "weekly-1", ledger.Rejected); s.Again != 1 || err != nil {
		t.Fatal(s.Again, err)
	}
	server.told(t, "resent", "7 of 8 accepted", "8 of 8 accepted")
	if n := server.notices(t, editor)[1]; !strings.Contains(n.text, "once more") || strings.Contains(n.text, "--state") {
		t.Errorf("the second notice is\n%s", n.text)
	}
	if first := server.notices(t, editor)[0]; strings.Contains(first.text, "once more") || strings.Contains(first.text, "--state unknown") {
		t.Errorf("the first notice is\n%s", first.text)
	}
}

// TestNoticePaused: that a relay refuses our mail is told at once, and once as long as it lasts; nobody is suppressed. If it
// comes again after the issue had gone on it is told again, but not twice in half a day.
func TestNoticePaused(t *testing.T) {
	t.Parallel()
	server, r := serveStaffed(t)
	server.set(false, onlyStaff)
	r.send(newsroom.Order{}, newsroom.ErrRefused)
	const refused = "Weekly digest No. 1: the mail server refuses our mail"
	server.told(t, "at once", refused)
	n := server.notices(t, editor)[0]
	n.balanced(t)
	for _, want := range []string{"    127.0.0.1:", "550 5.7.1 You are on a list", "15 minutes", "Until then the\nissue waits.", "      8  waiting", "SPF"} {
		if !strings.Contains(n.text, want) {
			t.Errorf("the notice does not say %q:\n%s", want, n.text)
		}
	}
	goOn := func(d time.Duration) {
		r.pass(d)
		if _, err := r.Continue(t.Context(), "weekly"); err == nil {
			t.Error("nothing is refused")
		}
	}
	for range 4 {
		goOn(16 * time.Minute)
	}
	r.Newsroom = r.openAgain(false)
	goOn(13 * time.Hour)
	server.told(t, "as long as it lasts", refused)

	n1 := 0
	some := func(to string) error {
		if n1++; n1 == 1 {
			return nil
		}
		return onlyStaff(to)
	}
	server.set(false, some)
	goOn(time.Hour)
	server.told(t, "one had got it in between, and the last word was long ago", refused, refused)
	n1 = 0
	goOn(4 * time.Hour)
	server.told(t, "again one had got it in between", refused, refused)
	if n := must(r.Subscribers.Count(t.Context(), "weekly")); n != 8 {
		t.Errorf("%d of 8 are subscribers still", n)
	}
	server.set(false, nil)
	r.pass(5 * time.Hour)
	if all, err := r.Continue(t.Context(), "weekly"); len(all) != 1 || err != nil {
		t.Fatal(all, err)
	}
	server.told(t, "in the end", refused, refused, "8 of 8 accepted")
}

// TestNoticePausedForAll: a relay that refuses us stops issue after issue, and the staff are told once in half a day.
func TestNoticePausedForAll(t *testing.T) {
	t.Parallel()
	server, r := serveStaffed(t)
	server.set(false, onlyStaff)
	r.send(newsroom.Order{}, newsroom.ErrRefused)
	r.pass(20 * time.Minute)
	r.write("items/new.md", item("New", "date: 2016-12-18"))
	r.send(newsroom.Order{Slot: monday}, newsroom.ErrRefused)
	server.told(t, "of the relay", "Weekly digest No. 1: the mail server refuses our mail")
	r.pass(12 * time.Hour)
	if _, err := r.Continue(t.Context(), "weekly"); !errors.Is(err, newsroom.ErrRefused) {
		t.Error(err)
	}
	server.told(t, "the first is no news yet, and holds up the second", "Weekly digest No. 1: the mail server refuses our mail")
}

// TestNoticePausedElsewhere: while one relay refuses us the next one sends, the issue and the notice.
func TestNoticePausedElsewhere(t *testing.T) {
	t.Parallel()
	second, other := serve(t)
	first, r := serveStaffed(t)
	refusing := r.Config.Mail.Relays[0].RelayAddress()
	first.set(false, func(string) error { return unwanted })
	r.edit("tidings.yaml", "relays: [", "relays: [", "tls: none}]", "tls: none}, {url: \"smtp://"+other.Config.Mail.Relays[0].RelayAddress()+"\", tls: none}]")
	r.Newsroom = r.openAgain(false)
	r.account(r.send(newsroom.Order{}, nil), "8 recipients = 5 accepted + 0 rejected + 0 suppressed + 0 unknown + 3 deferred")
	second.told(t, "of the first", "the mail server refuses our mail")
	if n := second.notices(t, editor)[0]; !strings.Contains(n.text, refusing+": 550 5.7.1") || !strings.Contains(n.text, "Meanwhile the\nnext mail server") {
		t.Errorf("the notice is\n%s", n.text)
	}
}

// TestNoticeStuck: while no relay can be used the notice is owed. It goes out before the issue goes on, once, whatever was
// started anew meanwhile.
func TestNoticeStuck(t *testing.T) {
	t.Parallel()
	server, r := serveStaffed(t)
	server.set(true, nil)
	r.send(newsroom.Order{}, relay.ErrUnavailable)
	for range 5 {
		r.pass(3 * time.Minute)
		if _, err := r.Continue(t.Context(), "weekly"); err == nil {
			t.Error("the server is not down")
		}
		r.Newsroom = r.openAgain(false)
	}
	server.told(t, "down")
	server.set(false, nil)
	r.write("STOP", "")
	if _, err := r.Continue(t.Context(), "weekly"); err == nil {
		t.Error("STOP does not hold it")
	}
	server.told(t, "STOP")
	r.remove("STOP")
	for range 2 {
		if _, err := r.Continue(t.Context(), "weekly"); err != nil {
			t.Error(err)
		}
	}
	server.told(t, "up again", "Weekly digest No. 1 is stuck: no mail server can be used", "8 of 8 accepted")
	n := server.notices(t, editor)[0]
	n.balanced(t)
	if !strings.Contains(n.text, "Since 19 December 2016, 09:00") || !strings.Contains(n.text, "Down for maintenance") {
		t.Errorf("the notice is\n%s", n.text)
	}
}

// TestNoticeBreaks: a relay that takes the staff's mail and cuts the line at the issue's is told of after ten minutes, once.
func TestNoticeBreaks(t *testing.T) {
	t.Parallel()
	server, r := serveStaffed(t)
	server.set(false, func(to string) error {
		if onlyStaff(to) != nil {
			return errCut
		}
		return nil
	})
	r.send(newsroom.Order{}, relay.ErrUnavailable)
	for round := range 5 {
		r.pass(4*time.Minute + 50*time.Second)
		if round == 2 {
			server.told(t, "not ten minutes yet")
		}
		if _, err := r.Continue(t.Context(), "weekly"); err == nil {
			t.Error("the connections do not break")
		}
	}
	server.told(t, "half an hour", "is stuck")
}

// TestNoticeHiccup: a mail server that was down for a moment is no news.
func TestNoticeHiccup(t *testing.T) {
	t.Parallel()
	server, r := serveStaffed(t)
	server.set(true, nil)
	r.send(newsroom.Order{}, relay.ErrUnavailable)
	server.set(false, nil)
	for range 3 {
		r.pass(9 * time.Minute)
		if _, err := r.Continue(t.Context(), "weekly"); err != nil {
			t.Error(err)
		}
	}
	server.told(t, "a moment later", "8 of 8 accepted")
}

// TestNoticeRefused: a notice that is put off is tried again, but not at once; one that is refused for good is not.
func TestNoticeRefused(t *testing.T) {
	t.Parallel()
	server, r := serveStaffed(t)
	tries := map[string]int{}
	server.set(false, func(to string) error {
		tries[to]++
		switch {
		case to == editor && tries[to] < 3:
			return &smtp.SMTPError{Code: 450, EnhancedCode: smtp.EnhancedCode{4, 2, 0}, Message: "Greylisted"}
		case to == press:
			return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such user"}
		}
		return nil
	})
	r.send(newsroom.Order{}, nil)
	for range 20 {
		r.pass(5 * time.Minute)
		if _, err := r.Continue(t.Context(), "weekly"); err != nil {
			t.Error(err)
		}
	}
	if tries[editor] != 3 || tries[press] != 1 || len(server.notices(t, editor)) != 1 {
		t.Errorf("the tries are %v", tries)
	}
}

// TestNoticeTooLate: what nobody could be told for two days is not told any more.
func TestNoticeTooLate(t *testing.T) {
	t.Parallel()
	server, r := serveStaffed(t)
	server.set(false, func(to string) error {
		if to == editor || to == press {
			return &smtp.SMTPError{Code: 450, EnhancedCode: smtp.EnhancedCode{4, 2, 0}, Message: "Later"}
		}
		return nil
	})
	r.send(newsroom.Order{}, nil)
	server.set(false, nil)
	r.pass(49 * time.Hour)
	if _, err := r.Continue(t.Context(), "weekly"); err != nil {
		t.Error(err)
	}
	server.told(t, "two days later")
}

// TestNoticeNobody: without staff nothing is owed, also when there are some later.
func TestNoticeNobody(t *testing.T) {
	t.Parallel()
	server, r := serve(t)
	r.send(newsroom.Order{}, nil)
	if n := r.rows()["notices"]; n != 0 {
		t.Errorf("%d notices are kept", n)
	}
	r.edit("tidings.yaml", "newsletters:", "staff: ["+editor+"]\nnewsletters:")
	r.Newsroom = r.openAgain(false)
	if _, err := r.Continue(t.Context(), "weekly"); err != nil {
		t.Error(err)
	}
	onceEach(t, server.mails(), 8)
}

// TestNoticeHarmless: neither what a server says nor a title gets out of its place in a notice.
func TestNoticeHarmless(t *testing.T) {
	t.Parallel()
	server, r := serveStaffed(t, "title: Weekly digest", `title: "Weekly =?utf-8?q?=0D=0ABcc:_evil@example.com?= <evil@example.com>,"`)
	r.onlyItems("a.md", item(`"A title\nX-Evil: yes\n\n-- \nsigned"`, "date: 2016-12-01"))
	evil := strings.Repeat("x", 400) + " \x1b[31m\x00\u202eback\u2066 \xff\xfe \u0085 . \r Bcc: evil@example.com " + strings.Repeat("long words ", 300)
	server.set(false, func(to string) error {
		if onlyStaff(to) == nil {
			return nil
		}
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: evil}
	})
	r.send(newsroom.Order{}, newsroom.ErrRefused)
	server.set(false, nil)
	r.pass(time.Hour)
	if _, err := r.Continue(t.Context(), "weekly"); err != nil {
		t.Fatal(err)
	}
	all := server.notices(t, editor)
	if len(all) != 2 {
		t.Fatalf("%d notices", len(all))
	}
	for _, n := range all {
		if n.Has("Bcc") || n.Has("X-Evil") || !strings.Contains(n.subject, "Weekly") || len(n.source) > 8000 {
			t.Errorf("%d bytes:\n%.3000s", len(n.source), n.source)
		}
		for line := range bytes.Lines([]byte(n.source)) {
			if len(line) > 78 {
				t.Errorf("a line of %d octets: %q", len(line), line)
			}
		}
		strange := func(r rune) bool {
			return r != '\n' && unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == unicode.ReplacementChar
		}
		if i := strings.IndexFunc(n.text, strange); i >= 0 {
			t.Errorf("the text has %q", n.text[i:min(i+20, len(n.text))])
		}
		for _, line := range strings.Split(n.text, "\n") {
			if strings.HasPrefix(line, "X-Evil") || strings.HasPrefix(line, "Bcc:") || line == "-- " || strings.HasPrefix(line, "signed") {
				t.Errorf("a line is forged: %q", line)
			}
		}
	}
}

// TestNoticeOutbox: where there is no relay the notice lies in the outbox too, and says that nobody has got the issue.
func TestNoticeOutbox(t *testing.T) {
	t.Parallel()
	r := newSample(t)
	r.send(newsroom.Order{}, nil)
	mails := r.mails()
	onceEach(t, mails, 8+2)
	for _, who := range []string{editor, press} {
		if len(mails[who]) != 1 || !strings.Contains(mails[who][0].body, "reached nobody") {
			t.Errorf("%s got %v", who, mails[who])
		}
	}
}

// TestNoticeTemplate: a newsroom says it in its own words, and a template that fails harms no sending.
func TestNoticeTemplate(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, template, subject, text string }{
		{"1 its own words", "\n\nSent: {{.Issue}}\n\nTo {{.Account.Audience}}.\n", "Sent: weekly-1", "To 8.\n"},
		{"2 no subject", `{{""}}`, "", ""},
		{"3 a field that is not there", "{{.Nothing}}", "", ""},
	} {
		server, r := serveStaffed(t)
		if err := os.Mkdir(r.path("templates"), 0o755); err != nil {
			t.Fatal(err)
		}
		r.write("templates/staff-done.txt", test.template)
		r.Newsroom = r.openAgain(false)
		r.account(r.send(newsroom.Order{}, nil), allTaken)
		got := server.notices(t, editor)
		if test.subject == "" {
			if len(got) != 0 {
				t.Errorf("%s: %q", test.name, got[0].source)
			}
			continue
		}
		if len(got) != 1 || got[0].subject != test.subject || got[0].text != test.text {
			t.Errorf("%s: %+v", test.name, got)
		}
	}
}

package relay_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"tidings/mailer/relay"
)

const (
	from = "bounce+1@news.example.org"
	to   = "ada@example.com"
	msg  = "Subject: hello\r\n\r\n.a dot\r\n..two\r\n.\r\nend\r\n"
)

// big is more than fits between a client and a server that does not read.
var big = "Subject: big\r\n\r\n" + strings.Repeat(strings.Repeat("x", 900)+"\r\n", 20_000)

// sender hands mails to a relay, over a new session where the last is of no more use.
type sender struct {
	relay   relay.Relay
	session relay.Session
}

func over(t testing.TB, r relay.Relay) *sender {
	s := &sender{relay: r}
	t.Cleanup(s.hangUp)
	return s
}

func open(t testing.TB, s *server) *sender {
	return over(t, relay.NewSMTP(relay.Config{Host: "127.0.0.1", Port: s.port, TLS: relay.None, LocalName: "news.example.org",
		Timeouts: relay.Timeouts{Quit: 100 * time.Millisecond}}))
}

func (s *sender) hangUp() {
	if s.session != nil {
		_ = s.session.Close() // bad servers do not say goodbye
		s.session = nil
	}
}

func (s *sender) deliver(ctx context.Context, m relay.Mail) (relay.Reply, error) {
	if s.session == nil || !s.session.Usable() {
		s.hangUp()
		session, err := s.relay.Connect(ctx)
		if err != nil {
			return relay.Reply{}, err
		}
		s.session = session
	}
	return s.session.Deliver(ctx, m)
}

func deliver(t testing.TB, s *sender, to, msg string) relay.Reply {
	t.Helper()
	reply, err := s.deliver(t.Context(), relay.Mail{From: from, To: to, Msg: []byte(msg)})
	if err != nil {
		t.Fatalf("Deliver: %v", err)
	}
	return reply
}

// way is how a server talks: whether it takes several commands at once, and how it packs its answers.
type way struct {
	name    string
	offers  []string
	packets packets
}

var ways = []way{
	{"one by one", nil, single},
	{"one by one in pieces", nil, pieces},
	{"pipelined", []string{"PIPELINING"}, single},
	{"pipelined, answers in one packet", []string{"PIPELINING"}, batched},
	{"pipelined, answers in pieces", []string{"PIPELINING"}, pieces},
}

// Each row is one step of the dialogue that goes wrong. The reply must tell what became of the mail, and the next,
// innocent recipient must get theirs.
func TestReplies(t *testing.T) {
	for n, c := range []struct {
		why, step, answer string
		state             relay.State
		code              int
		enhanced          string
		ours              bool
		msg               string
		mute              bool // it says nothing beside the code
	}{
		{"all is well", "", "", relay.Accepted, 250, "2.0.0", false, msg, false},
		{"the sender is refused for now", "MAIL", "450 4.1.8 no DNS", relay.Deferred, 450, "4.1.8", false, msg, false},
		{"a refused sender is no recipient's fault", "MAIL", "550 5.1.8 who are you", relay.Rejected, 550, "5.1.8", true, msg, false},
		{"no password", "MAIL", "530 5.7.0 authenticate first", relay.Rejected, 530, "5.7.0", true, msg, false},
		{"the server goes down at MAIL", "MAIL", "421 4.3.2 going down", relay.Deferred, 421, "4.3.2", false, msg, false},
		{"cut at MAIL", "MAIL", cut, relay.Deferred, 0, "", false, msg, false},
		{"nonsense at MAIL", "MAIL", "hello there", relay.Deferred, 0, "", false, msg, false},
		{"success that is none", "MAIL", "354 go on", relay.Deferred, 354, "", false, msg, false},
		{"greylisting", "RCPT", "450 4.7.1 later", relay.Deferred, 450, "4.7.1", false, msg, false},
		{"mailbox full", "RCPT", "452 4.2.2 full", relay.Deferred, 452, "4.2.2", false, msg, false},
		{"nobody there", "RCPT", "550 5.1.1 nobody", relay.Rejected, 550, "5.1.1", false, msg, false},
		{"nobody there, without enhanced code", "RCPT", "550 nobody here", relay.Rejected, 550, "", false, msg, false},
		{"we may not relay: our fault", "RCPT", "554 5.7.1 relay denied", relay.Rejected, 554, "5.7.1", true, msg, false},
		{"an enhanced code of another class counts for nothing", "RCPT", "450 5.7.1 odd", relay.Deferred, 450, "", false, msg, false},
		{"a multi-line refusal", "RCPT", "550-5.1.1 nobody\r\n550 5.1.1 here", relay.Rejected, 550, "5.1.1", false, msg, false},
		{"251 is a yes", "RCPT", "251 will forward", relay.Accepted, 250, "2.0.0", false, msg, false},
		{"bad sequence is about the connection", "RCPT", "503 5.5.1 MAIL first", relay.Deferred, 503, "5.5.1", false, msg, false},
		{"cut at RCPT", "RCPT", cut, relay.Deferred, 0, "", false, msg, false},
		{"421 at RCPT", "RCPT", "421 4.7.0 slow down", relay.Deferred, 421, "4.7.0", false, msg, false},
		{"nonsense at RCPT", "RCPT", "\x00\xff\x1b[2J", relay.Deferred, 0, "", false, msg, false},
		{"DATA refused for now", "DATA", "451 4.3.0 try later", relay.Deferred, 451, "4.3.0", false, msg, false},
		{"DATA refused", "DATA", "554 5.5.1 no valid recipients", relay.Rejected, 554, "5.5.1", false, msg, false},
		{"DATA taken for another command", "DATA", "250 ok", relay.Deferred, 250, "", false, msg, false},
		{"cut at DATA", "DATA", cut, relay.Deferred, 0, "", false, msg, false},
		{"421 at DATA", "DATA", "421 4.3.2 going down", relay.Deferred, 421, "4.3.2", false, msg, false},
		{"cut within the message: nothing was sent", "DATA", midway, relay.Deferred, 0, "", false, big, false},
		{"an answer before the end is not about the message", "DATA", "354 go on\r\n250 ok", relay.Deferred, 0, "", false, msg, false},
		{"refused for now at the end", ".", "451 4.7.1 greylisted", relay.Deferred, 451, "4.7.1", false, msg, false},
		{"unsigned mail at the end: our fault", ".", "550 5.7.26 unauthenticated", relay.Rejected, 550, "5.7.26", true, msg, false},
		{"too big at the end", ".", "552 5.3.4 too big", relay.Rejected, 552, "5.3.4", false, msg, false},
		{"421 at the end is a refusal for now", ".", "421 4.3.2 going down", relay.Deferred, 421, "4.3.2", false, msg, false},
		{"any 2xx at the end is a yes", ".", "251 2.1.5 fine", relay.Accepted, 251, "2.1.5", false, msg, false},
		{"a yes in several lines", ".", "250-2.0.0 queued\r\n250 2.0.0 thanks", relay.Accepted, 250, "2.0.0", false, msg, false},
		{"cut after the end: nobody knows", ".", cut, relay.Unknown, 0, "", false, msg, false},
		{"half an answer after the end: nobody knows", ".", "250-queued\r\n25" + cut, relay.Unknown, 0, "", false, msg, false},
		{"nonsense after the end: nobody knows", ".", "what?", relay.Unknown, 0, "", false, msg, false},
		{"354 after the end: nobody knows", ".", "354 go on", relay.Unknown, 354, "", false, msg, false},
		{"354 at the end, with another to come: nobody knows", ".", "354 go on\r\n250 ok", relay.Unknown, 354, "", false, msg, false},
		{"a bare code is a yes", ".", "250", relay.Accepted, 250, "", false, msg, true},
		{"a bare code is a no", "RCPT", "550", relay.Rejected, 550, "", false, msg, true},
		{"lines with different codes are nonsense", "RCPT", "250-yes\r\n550 no", relay.Deferred, 0, "", false, msg, false},
		{"a line without end is nonsense", "MAIL", strings.Repeat("2", 100_000), relay.Deferred, 0, "", false, msg, false},
		{"goodbye after the yes: still a yes", ".", "250 2.0.0 ok\r\n421 4.4.2 bye" + cut, relay.Accepted, 250, "2.0.0", false, msg, false},
	} {
		for _, w := range ways {
			t.Run(fmt.Sprintf("%02d %s, %s", n+1, c.why, w.name), func(t *testing.T) {
				s := start(t, &server{fault: once(map[string]string{c.step: c.answer}), offers: w.offers, packets: w.packets})
				r := open(t, s)
				got := deliver(t, r, to, c.msg)
				if got.State != c.state || got.Code != c.code || got.Enhanced != c.enhanced || got.Ours != c.ours {
					t.Errorf("got %+v", got)
				}
				if got.Lost != (got.State == relay.Deferred && got.Code == 0) {
					t.Errorf("whether the connection was lost is told wrongly: %+v", got)
				}
				if (got.Text == "") != c.mute || strings.ContainsAny(got.Text, "\r\n\x00\x1b") {
					t.Errorf("text %q is not one line of words", got.Text)
				}
				first := len(s.accepted())
				if got.State != relay.Unknown && (first > 0) != (got.State == relay.Accepted) {
					t.Errorf("the server accepted %d messages, the reply says %s", first, got.State)
				}
				if next := deliver(t, r, "bob@example.com", msg); next.State != relay.Accepted {
					t.Errorf("the next recipient got %+v", next)
				}
				if n := len(s.accepted()); n != first+1 {
					t.Errorf("the server accepted %d messages, want %d", n, first+1)
				}
			})
		}
	}
}

func TestUnavailable(t *testing.T) {
	for n, c := range []struct {
		why    string
		script map[string]string
		offers []string
		change func(*relay.Config)
	}{
		{"the greeting is a refusal", map[string]string{"CONNECT": "554 5.7.1 go away"}, nil, nil},
		{"the greeting is a busy signal", map[string]string{"CONNECT": "421 4.3.2 too many"}, nil, nil},
		{"no greeting", map[string]string{"CONNECT": cut}, nil, nil},
		{"a greeting that does not come", map[string]string{"CONNECT": hang}, nil,
			func(c *relay.Config) { c.Timeouts.Greeting = 50 * time.Millisecond }},
		{"it is no mail server", map[string]string{"CONNECT": "HTTP/1.1 400 Bad Request"}, nil, nil},
		{"EHLO and HELO fail", map[string]string{"EHLO": cut}, nil, nil},
		{"TLS is required and not offered", nil, nil, func(c *relay.Config) { c.TLS = "" }},
		{"STARTTLS is refused", map[string]string{"STARTTLS": "454 4.7.0 no TLS today"}, []string{"STARTTLS"},
			func(c *relay.Config) { c.TLS = relay.Required }},
		{"no TLS behind implicit TLS", nil, nil, func(c *relay.Config) { c.TLS = relay.Implicit }},
		{"AUTH is needed and not offered", nil, nil, func(c *relay.Config) { c.Username, c.Password = "ada", "secret" }},
		{"the password is wrong", map[string]string{"AUTH": "535 5.7.8 no"}, []string{"AUTH PLAIN"},
			func(c *relay.Config) { c.Username, c.Password = "ada", "secret" }},
	} {
		t.Run(fmt.Sprintf("%02d %s", n+1, c.why), func(t *testing.T) {
			s := serve(t, c.script, c.offers...)
			config := relay.Config{Host: "127.0.0.1", Port: s.port, TLS: relay.None}
			if c.change != nil {
				c.change(&config)
			}
			session, err := relay.NewSMTP(config).Connect(t.Context())
			if !errors.Is(err, relay.ErrUnavailable) || session != nil {
				t.Errorf("got %v, %v", session, err)
			}
			if noTLS := c.why == "TLS is required and not offered"; errors.Is(err, relay.ErrNoTLS) != noTLS {
				t.Errorf("that the server has no TLS is said, or not: %v", err)
			}
			if err != nil && !strings.Contains(err.Error(), fmt.Sprint(s.port)) {
				t.Errorf("the error does not name the relay: %v", err)
			}
		})
	}
}

func TestNothingListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	r := relay.NewSMTP(relay.Config{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, TLS: relay.None})
	if _, err := r.Connect(t.Context()); !errors.Is(err, relay.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}

// A server that says nothing must not hold us for ever, and only silence after the final dot leaves doubt.
func TestTimeouts(t *testing.T) {
	short := 50 * time.Millisecond
	for n, c := range []struct {
		step  string
		limit relay.Timeouts
		state relay.State
	}{
		{"MAIL", relay.Timeouts{Mail: short}, relay.Deferred},
		{"RCPT", relay.Timeouts{Rcpt: short}, relay.Deferred},
		{"DATA", relay.Timeouts{Data: short}, relay.Deferred},
		{".", relay.Timeouts{Final: short}, relay.Unknown},
	} {
		t.Run(fmt.Sprintf("%02d %s", n+1, c.step), func(t *testing.T) {
			s := serve(t, map[string]string{c.step: hang})
			r := relay.NewSMTP(relay.Config{Host: "127.0.0.1", Port: s.port, TLS: relay.None, Timeouts: c.limit})
			if got := deliver(t, over(t, r), to, msg); got.State != c.state {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// Dots that begin a line are doubled on the way, and a message ends where it ends.
func TestMessageArrivesUnchanged(t *testing.T) {
	for n, c := range []struct{ why, msg, end string }{
		{"dots within", msg, ""},
		{"a dot at the very start", ".\r\n.\r\n\r\n", ""},
		{"a dot is all there is", ".", "\r\n"},
		{"no line end at the end", "a: b\r\n\r\nend", "\r\n"},
		{"a dot in the last line, without line end", "a: b\r\n\r\n.", "\r\n"},
		{"a dot after nothing", "a: b\r\n\r\n.\r\n", ""},
		{"no dots", "a: b\r\n\r\nc.d\r\n", ""},
		{"nothing", "", "\r\n"},
		{"longer than any buffer", "a: b\r\n\r\n" + strings.Repeat(".x..\r\n", 50_000), ""},
	} {
		t.Run(fmt.Sprintf("%02d %s", n+1, c.why), func(t *testing.T) {
			s := serve(t, nil, "PIPELINING")
			given := []byte(c.msg)
			reply, err := open(t, s).deliver(t.Context(), relay.Mail{From: from, To: to, Msg: given})
			if err != nil || reply.State != relay.Accepted || string(given) != c.msg {
				t.Errorf("got %+v, %v; the message may have changed", reply, err)
			}
			if got := s.took(); len(got) != 1 || got[0] != (mail{from, to, c.msg + c.end}) {
				t.Errorf("sent %q\n got %q", c.msg, got)
			}
		})
	}
}

func TestEnvelope(t *testing.T) {
	for n, c := range []struct {
		why, from, to string
		offers        []string
		mail, rcpt    string // the commands; "" if it is rejected before
		enhanced      string
		ours          bool
	}{
		{"plain", from, to, nil, "MAIL FROM:<" + from + ">", "RCPT TO:<" + to + ">", "2.0.0", false},
		{"null sender", "", to, nil, "MAIL FROM:<>", "RCPT TO:<" + to + ">", "2.0.0", false},
		{"SMTPUTF8 only where it is needed", from, to, []string{"SMTPUTF8"}, "MAIL FROM:<" + from + ">", "RCPT TO:<" + to + ">", "2.0.0", false},
		{"an international domain needs no SMTPUTF8", from, "ada@bücher.example", nil,
			"MAIL FROM:<" + from + ">", "RCPT TO:<ada@xn--bcher-kva.example>", "2.0.0", false},
		{"a local part beyond ASCII", from, "jörg@bücher.example", []string{"8BITMIME", "SMTPUTF8"},
			"MAIL FROM:<" + from + "> BODY=8BITMIME SMTPUTF8", "RCPT TO:<jörg@xn--bcher-kva.example>", "2.0.0", false},
		{"the same, where it is not offered", from, "jörg@example.com", nil, "", "", "5.6.7", false},
		{"line break", from, "ada@example.com\r\nRCPT TO:<eve@example.com>", nil, "", "", "5.1.3", false},
		{"line feed alone", from, "ada@example.com\n", nil, "", "", "5.1.3", false},
		{"NUL", from, "a\x00da@example.com", nil, "", "", "5.1.3", false},
		{"space", from, "ada@example.com NOTIFY=NEVER", nil, "", "", "5.1.3", false},
		{"angle bracket", from, "ada@example.com>", nil, "", "", "5.1.3", false},
		{"two at once", from, "ada@example.com,eve@example.com", nil, "", "", "5.1.3", false},
		{"no-break space", from, "ada\u00a0@example.com", nil, "", "", "5.1.3", false},
		{"not UTF-8", from, "ada\xff@example.com", nil, "", "", "5.1.3", false},
		{"no domain", from, "ada", nil, "", "", "5.1.3", false},
		{"nothing", from, "", nil, "", "", "5.1.3", false},
		{"too long", from, strings.Repeat("a", 65) + "@example.com", nil, "", "", "5.1.3", false},
		{"no such domain can be", from, "ada@-ü-.example", nil, "", "", "5.1.3", false},
		{"a sender that would inject", "news@example.org> BODY=x\r\nDATA", to, nil, "", "", "5.1.7", true},
	} {
		t.Run(fmt.Sprintf("%02d %s", n+1, c.why), func(t *testing.T) {
			s := serve(t, nil, c.offers...)
			reply, err := open(t, s).deliver(t.Context(), relay.Mail{From: c.from, To: c.to, Msg: []byte(msg)})
			if err != nil || reply.Enhanced != c.enhanced || reply.Ours != c.ours || (reply.State == relay.Accepted) != (c.mail != "") {
				t.Errorf("got %+v, %v", reply, err)
			}
			if got := s.said("MAIL"); strings.Join(got, "") != c.mail {
				t.Errorf("said %q, want %q", got, c.mail)
			}
			if got := s.said("RCPT"); strings.Join(got, "") != c.rcpt {
				t.Errorf("said %q, want %q", got, c.rcpt)
			}
		})
	}
}

// A line feed without its carriage return is how mail is smuggled past servers that read it differently.
func TestStrayLineEnds(t *testing.T) {
	for n, m := range []string{"a: b\n\nc\r\n", "a: b\r\n\r\nc\r.\r\n", "a: b\r\n\r\n\n.\n\r\n"} {
		s := serve(t, nil)
		got := deliver(t, open(t, s), to, m)
		if got.State != relay.Rejected || !got.Ours || len(s.said("MAIL")) != 0 {
			t.Errorf("%d: got %+v, said %q", n+1, got, s.said(""))
		}
	}
}

// Whatever a server answers after the end of the message, a yes is never taken for a no nor a no for a yes.
func FuzzAnswer(f *testing.F) {
	for _, a := range []string{"250 ok", "550 5.1.1 no", "2", "250-x", "-1 x", "999 x", "250\x00", "５５０ no", "250-a\r\n550 b"} {
		f.Add(a)
	}
	f.Fuzz(func(t *testing.T, answer string) {
		if slices.Contains([]string{"", cut, hang, taken}, answer) {
			t.Skip("to the server of these tests this is no answer, but what it is to do")
		}
		r := open(t, serve(t, map[string]string{".": answer + cut}))
		got := deliver(t, r, to, msg)
		class := map[relay.State]string{relay.Accepted: "2", relay.Deferred: "4", relay.Rejected: "5"}[got.State]
		if !strings.HasPrefix(strings.TrimSpace(answer), class) || got.State == "" {
			t.Errorf("%q was read as %+v", answer, got)
		}
	})
}

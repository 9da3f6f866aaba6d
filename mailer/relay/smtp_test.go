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

func open(t testing.TB, s *server) *relay.SMTP {
	t.Helper()
	r := relay.NewSMTP(relay.Config{Host: "127.0.0.1", Port: s.port, TLS: relay.None, LocalName: "news.example.org",
		Timeouts: relay.Timeouts{Quit: 100 * time.Millisecond}})
	t.Cleanup(func() { r.Close() })
	return r
}

func deliver(t testing.TB, r relay.Relay, to, msg string) relay.Reply {
	t.Helper()
	reply, err := r.Deliver(t.Context(), from, to, []byte(msg))
	if err != nil {
		t.Fatalf("Deliver: %v", err)
	}
	return reply
}

// Each row is one step of the dialogue that goes wrong. The reply must tell what became of the mail, and the next,
// innocent recipient must get theirs.
func TestReplies(t *testing.T) {
	big := "Subject: big\r\n\r\n" + strings.Repeat(strings.Repeat("x", 900)+"\r\n", 20_000)
	for n, c := range []struct {
		why, step, answer string
		state             relay.State
		code              int
		enhanced          string
		ours              bool
		msg               string
	}{
		{"all is well", "", "", relay.Accepted, 250, "2.0.0", false, msg},
		{"the sender is refused for now", "MAIL", "450 4.1.8 no DNS", relay.Deferred, 450, "4.1.8", false, msg},
		{"a refused sender is no recipient's fault", "MAIL", "550 5.1.8 who are you", relay.Rejected, 550, "5.1.8", true, msg},
		{"no password", "MAIL", "530 5.7.0 authenticate first", relay.Rejected, 530, "5.7.0", true, msg},
		{"the server goes down at MAIL", "MAIL", "421 4.3.2 going down", relay.Deferred, 421, "4.3.2", false, msg},
		{"cut at MAIL", "MAIL", cut, relay.Deferred, 0, "", false, msg},
		{"nonsense at MAIL", "MAIL", "hello there", relay.Deferred, 0, "", false, msg},
		{"success that is none", "MAIL", "354 go on", relay.Deferred, 354, "", false, msg},
		{"greylisting", "RCPT", "450 4.7.1 later", relay.Deferred, 450, "4.7.1", false, msg},
		{"mailbox full", "RCPT", "452 4.2.2 full", relay.Deferred, 452, "4.2.2", false, msg},
		{"nobody there", "RCPT", "550 5.1.1 nobody", relay.Rejected, 550, "5.1.1", false, msg},
		{"nobody there, without enhanced code", "RCPT", "550 nobody here", relay.Rejected, 550, "", false, msg},
		{"we may not relay: our fault", "RCPT", "554 5.7.1 relay denied", relay.Rejected, 554, "5.7.1", true, msg},
		{"an enhanced code of another class counts for nothing", "RCPT", "450 5.7.1 odd", relay.Deferred, 450, "", false, msg},
		{"a multi-line refusal", "RCPT", "550-5.1.1 nobody\r\n550 5.1.1 here", relay.Rejected, 550, "5.1.1", false, msg},
		{"251 is a yes", "RCPT", "251 will forward", relay.Accepted, 250, "2.0.0", false, msg},
		{"bad sequence is about the connection", "RCPT", "503 5.5.1 MAIL first", relay.Deferred, 503, "5.5.1", false, msg},
		{"cut at RCPT", "RCPT", cut, relay.Deferred, 0, "", false, msg},
		{"421 at RCPT", "RCPT", "421 4.7.0 slow down", relay.Deferred, 421, "4.7.0", false, msg},
		{"nonsense at RCPT", "RCPT", "\x00\xff\x1b[2J", relay.Deferred, 0, "", false, msg},
		{"DATA refused for now", "DATA", "451 4.3.0 try later", relay.Deferred, 451, "4.3.0", false, msg},
		{"DATA refused", "DATA", "554 5.5.1 no valid recipients", relay.Rejected, 554, "5.5.1", false, msg},
		{"DATA taken for another command", "DATA", "250 ok", relay.Deferred, 250, "", false, msg},
		{"cut at DATA", "DATA", cut, relay.Deferred, 0, "", false, msg},
		{"421 at DATA", "DATA", "421 4.3.2 going down", relay.Deferred, 421, "4.3.2", false, msg},
		{"cut within the message: nothing was sent", "DATA", deaf, relay.Deferred, 0, "", false, big},
		{"an answer before the end is not about the message", "DATA", "354 go on\r\n250 ok", relay.Deferred, 0, "", false, msg},
		{"refused for now at the end", ".", "451 4.7.1 greylisted", relay.Deferred, 451, "4.7.1", false, msg},
		{"unsigned mail at the end: our fault", ".", "550 5.7.26 unauthenticated", relay.Rejected, 550, "5.7.26", true, msg},
		{"too big at the end", ".", "552 5.3.4 too big", relay.Rejected, 552, "5.3.4", false, msg},
		{"421 at the end is a refusal for now", ".", "421 4.3.2 going down", relay.Deferred, 421, "4.3.2", false, msg},
		{"any 2xx at the end is a yes", ".", "251 2.1.5 fine", relay.Accepted, 251, "2.1.5", false, msg},
		{"a yes in several lines", ".", "250-2.0.0 queued\r\n250 2.0.0 thanks", relay.Accepted, 250, "2.0.0", false, msg},
		{"cut after the end: nobody knows", ".", cut, relay.Unknown, 0, "", false, msg},
		{"half an answer after the end: nobody knows", ".", "250-queued\r\n25" + cut, relay.Unknown, 0, "", false, msg},
		{"nonsense after the end: nobody knows", ".", "what?", relay.Unknown, 0, "", false, msg},
		{"354 after the end: nobody knows", ".", "354 go on", relay.Unknown, 354, "", false, msg},
	} {
		t.Run(fmt.Sprintf("%02d %s", n+1, c.why), func(t *testing.T) {
			s := serve(t, map[string]string{c.step: c.answer})
			r := open(t, s)
			got := deliver(t, r, to, c.msg)
			if got.State != c.state || got.Code != c.code || got.Enhanced != c.enhanced || got.Ours != c.ours {
				t.Errorf("got %+v", got)
			}
			if got.Text == "" || strings.ContainsAny(got.Text, "\r\n\x00\x1b") {
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
			r := relay.NewSMTP(config)
			defer r.Close()
			reply, err := r.Deliver(t.Context(), from, to, []byte(msg))
			if !errors.Is(err, relay.ErrUnavailable) || reply != (relay.Reply{}) {
				t.Errorf("got %+v, %v", reply, err)
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
	if _, err := r.Deliver(t.Context(), from, to, []byte(msg)); !errors.Is(err, relay.ErrUnavailable) {
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
			defer r.Close()
			if got := deliver(t, r, to, msg); got.State != c.state {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestContext(t *testing.T) {
	for n, c := range []struct{ why, step string }{
		{"while connecting", "CONNECT"}, {"at EHLO", "EHLO"}, {"at MAIL", "MAIL"}, {"at RCPT", "RCPT"}, {"at DATA", "DATA"},
	} {
		t.Run(fmt.Sprintf("%02d %s", n+1, c.why), func(t *testing.T) {
			s := serve(t, map[string]string{c.step: hang})
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			r := open(t, s)
			reply, err := r.Deliver(ctx, from, to, []byte(msg))
			if !errors.Is(err, context.DeadlineExceeded) || reply.State != "" {
				t.Errorf("got %+v, %v", reply, err)
			}
			if next := deliver(t, r, to, msg); next.State != relay.Accepted {
				t.Errorf("the next try got %+v", next)
			}
		})
	}
	t.Run("06 after the end of the message the outcome is still told", func(t *testing.T) {
		s := serve(t, map[string]string{".": hang})
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		reply, err := open(t, s).Deliver(ctx, from, to, []byte(msg))
		if err != nil || reply.State != relay.Unknown {
			t.Errorf("got %+v, %v", reply, err)
		}
	})
}

func TestConnectionIsKept(t *testing.T) {
	s := serve(t, nil)
	r := relay.NewSMTP(relay.Config{Host: "127.0.0.1", Port: s.port, TLS: relay.None, LocalName: "news.example.org", Messages: 3})
	for range 7 {
		if got := deliver(t, r, to, msg); got.State != relay.Accepted {
			t.Fatalf("got %+v", got)
		}
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if n := s.connections(); n != 3 {
		t.Errorf("%d connections for 7 messages at 3 each, want 3", n)
	}
	if n := len(s.said("QUIT")); n != 3 {
		t.Errorf("%d connections were ended with QUIT, want 3", n)
	}
	if got := s.said("EHLO"); got[0] != "EHLO news.example.org" {
		t.Errorf("we said %q", got[0])
	}
}

// A connection that the server closed while we were idle costs nobody their mail.
func TestServerCameAndWent(t *testing.T) {
	for n, answer := range []string{cut, "421 4.4.2 idle too long", "nonsense", "502 no"} {
		t.Run(fmt.Sprintf("%02d %s", n+1, answer), func(t *testing.T) {
			s := serve(t, map[string]string{"RSET": answer})
			r := open(t, s)
			for range 2 {
				if got := deliver(t, r, to, msg); got.State != relay.Accepted {
					t.Fatalf("got %+v", got)
				}
			}
			if n := s.connections(); n != 2 {
				t.Errorf("%d connections, want 2", n)
			}
		})
	}
}

func TestMessageArrivesUnchanged(t *testing.T) {
	s := serve(t, nil)
	deliver(t, open(t, s), to, msg)
	if got := s.accepted(); len(got) != 1 || got[0] != msg {
		t.Errorf("sent %q\n got %q", msg, got)
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
			r := open(t, s)
			reply, err := r.Deliver(t.Context(), c.from, c.to, []byte(msg))
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
		if got.State != relay.Rejected || !got.Ours || len(s.said("")) != 0 {
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
		if slices.Contains([]string{cut, hang, deaf}, answer) {
			t.Skip()
		}
		r := open(t, serve(t, map[string]string{".": answer + cut}))
		got := deliver(t, r, to, msg)
		class := map[relay.State]string{relay.Accepted: "2", relay.Deferred: "4", relay.Rejected: "5"}[got.State]
		if !strings.HasPrefix(strings.TrimSpace(answer), class) || got.State == "" {
			t.Errorf("%q was read as %+v", answer, got)
		}
	})
}

package relay_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tidings/mailer/relay"
)

var pipelining = []string{"PIPELINING"}

// faults are what a bad server does, by the step at which it does it.
var faults = map[string][]string{
	"CONNECT": {"421 4.3.2 too many", "554 5.7.1 go away", "what?", cut, "220-half" + cut},
	"EHLO":    {"421 4.3.2 no", cut},
	"MAIL":    {"503 5.5.1 no", "250 2.1.0 ok\r\n250 2.1.5 ok\r\n354 go on\r\n250 2.0.0 taken", "354 go on"},
	"RCPT":    {"503 5.5.1 no", "251 2.1.5 will forward", "250 2.1.5 ok\r\n354 too early"},
	"DATA":    {"503 5.5.1 no", "250 2.0.0 taken", "354 go on", "354 go on\r\n250 2.0.0 taken", "354 go on\r\n550 5.0.0 no", midway, early, "354 go on\r\n" + cut},
	"RSET":    {"502 no", "421 4.4.2 idle", "354 go on", cut},
	".":       {"354 go on", "250 2.0.0 ok\r\n" + cut, "250 2.0.0 ok\r\n421 4.4.2 bye" + cut, "250-2.0.0 half\r\n25" + cut, "250", taken},
	"QUIT":    {cut, "what?"},
}

func init() {
	for _, step := range []string{"MAIL", "RCPT", "DATA", "."} {
		faults[step] = append(faults[step], "421 4.3.2 down", "450 4.2.0 later", "452 4.2.2 full", "550 5.1.1 nobody", "554 5.0.0 no",
			"550 5.7.26 unauthenticated", "550-5.1.1 no\r\n550-5.1.1 such\r\n550 5.1.1 one", "what?", "\x00\xff", "25", "250-a\r\n550 b",
			"999 x", cut, "450 4.2.0 later\r\n"+cut, hang, "25"+hang, "what?\r\n"+hang)
	}
}

// account compares what the replies say with what the server took, recipient by recipient.
func account(t *testing.T, s *server, told map[string]relay.State) {
	t.Helper()
	took := map[string]int{}
	for _, m := range s.took() {
		took[m.to]++
		if m.text != letter(m.to) {
			t.Errorf("%s got another's message, or part of one", m.to)
		}
	}
	for to, n := range took {
		if _, asked := told[to]; n > 1 || !asked {
			t.Errorf("the server took %d messages for %s", n, to)
		}
	}
	for to, state := range told {
		if state != relay.Unknown && (state == relay.Accepted) != (took[to] == 1) {
			t.Errorf("%s was told as %s, the server took %d", to, state, took[to])
		}
	}
}

func letter(to string) string { return "To: " + to + "\r\n\r\n.for " + to + "\r\n" }

// attempt hands a letter over and tells what is known of it then. No reply means that it was not taken.
func attempt(ctx context.Context, r *sender, to string) relay.State {
	reply, err := r.deliver(ctx, relay.Mail{From: from, To: to, Msg: []byte(letter(to))})
	if err != nil {
		return relay.Deferred
	}
	return reply.State
}

// hasty is a relay that waits for d, where others wait for minutes.
func hasty(s *server, d time.Duration) *relay.SMTP {
	return relay.NewSMTP(relay.Config{Host: "127.0.0.1", Port: s.port, TLS: relay.None, LocalName: "news.example.org", Messages: 7,
		Timeouts: relay.Timeouts{Greeting: time.Second, Mail: d, Rcpt: d, Data: d, Block: time.Second, Final: d, Quit: d}})
}

// Each fault in turn, in the midst of good deliveries, whatever way the server talks: the account balances, and the fault harms at
// most the one whom it hits.
func TestEachFault(t *testing.T) {
	for step, all := range faults {
		for n, fault := range all {
			for _, w := range ways {
				t.Run(fmt.Sprintf("%s %02d %s", step, n+1, w.name), func(t *testing.T) {
					t.Parallel()
					script := map[string]string{}
					if step == "RSET" {
						script["RCPT"] = "550 5.1.1 nobody"
					}
					s := start(t, &server{fault: once(script), offers: w.offers, packets: w.packets})
					limit, hangs := 5*time.Second, strings.HasSuffix(fault, hang)
					if hangs {
						limit = 50 * time.Millisecond
					}
					r, told := over(t, hasty(s, limit)), map[string]relay.State{}
					for i := range 6 {
						if i == 1 {
							s.mu.Lock()
							script[step] = fault
							s.mu.Unlock()
						}
						if i == 1 && (step == "CONNECT" || step == "EHLO" || step == "QUIT") {
							r.hangUp()
						}
						to := fmt.Sprintf("r%d@example.com", i)
						told[to] = attempt(t.Context(), r, to)
					}
					account(t, s, told)
					if last := told["r5@example.com"]; last != relay.Accepted && !hangs { // a busy machine may be as late
						t.Errorf("the last is %s: %v", last, told)
					}
				})
			}
		}
	}
}

// Faults at random, several at once, on several connections to one server, with tries repeated as a sender does it.
func TestFaultsAtRandom(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			w, random := ways[int(seed)%len(ways)], rand.New(rand.NewPCG(seed, 1))
			s := start(t, &server{offers: w.offers, packets: w.packets, fault: func(step string) string {
				if random.IntN(5) > 0 || len(faults[step]) == 0 {
					return ""
				}
				return faults[step][random.IntN(len(faults[step]))]
			}})
			var mu sync.Mutex
			told, done := map[string]relay.State{}, sync.WaitGroup{}
			for c := range 3 {
				done.Go(func() {
					r := over(t, hasty(s, 30*time.Millisecond))
					for i := range 10 {
						to := fmt.Sprintf("r%d.%d@example.com", c, i)
						state := relay.Deferred
						for range 20 {
							if state == relay.Deferred {
								state = attempt(t.Context(), r, to)
							}
						}
						mu.Lock()
						told[to] = state
						mu.Unlock()
					}
				})
			}
			done.Wait()
			account(t, s, told)
			if len(s.took()) == 0 {
				t.Error("nothing came through at all")
			}
		})
	}
}

// A server may ask for the message although it refused the recipient, or the command before: nobody gets an empty one.
func TestAskedThoughRefused(t *testing.T) {
	for n, c := range []struct {
		why    string
		script map[string]string
		state  relay.State
		lost   bool
	}{
		{"the recipient was refused", map[string]string{"RCPT": "550 5.1.1 nobody", "DATA": "354 go on"}, relay.Rejected, false},
		{"the recipient was refused for now", map[string]string{"RCPT": "450 4.2.0 later", "DATA": "354 go on"}, relay.Deferred, false},
		{"the sender was refused, the recipient taken", map[string]string{"MAIL": "550 5.1.8 no", "RCPT": "250 ok", "DATA": "354 go on"}, relay.Rejected, false},
		{"RSET was refused, the recipient taken", map[string]string{"RSET": "502 5.5.1 no"}, relay.Deferred, true},
	} {
		t.Run(fmt.Sprintf("%02d %s", n+1, c.why), func(t *testing.T) {
			fault := map[string]string{"RCPT": "550 5.1.1 nobody"}
			s := serve(t, fault, pipelining...)
			r := open(t, s)
			deliver(t, r, "eve@example.com", msg) // so that RSET is needed
			s.mu.Lock()
			s.fault = once(c.script)
			s.mu.Unlock()
			got := deliver(t, r, to, msg)
			if got.State != c.state || got.Lost != c.lost || r.session.Usable() {
				t.Errorf("got %+v, usable: %t", got, r.session.Usable())
			}
			deliver(t, r, "bob@example.com", msg)
			if all := s.took(); len(all) != 1 || all[0].to != "bob@example.com" || s.connections() != 2 {
				t.Errorf("the server took %q in %d connections", all, s.connections())
			}
			if dots := s.said("."); len(dots) > 0 {
				t.Errorf("the server took the message for commands: %q", dots)
			}
		})
	}
}

// The lone dot must be there, or the server waits for the message.
func TestLoneDot(t *testing.T) {
	heard := make(chan string, 1)
	s := &server{fault: once(map[string]string{"RCPT": "550 5.1.1 nobody", "DATA": "354 go on"}), offers: pipelining}
	s.asked = func(_ net.Conn, r *bufio.Reader) {
		line, err := r.ReadString('\n')
		if _, more := r.ReadByte(); more == nil || err != nil {
			line += "and more"
		}
		heard <- line
	}
	deliver(t, open(t, start(t, s)), to, msg)
	if line := <-heard; line != ".\r\n" {
		t.Errorf("the server heard %q", line)
	}
}

// Ready is called when the server has got nothing of the message, however long it takes; and the server has all of the
// message, and nothing after, before it answers.
func TestReadyHoldsTheMessageBack(t *testing.T) {
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			quiet, calls := make(chan error, 10), 0
			s := &server{offers: w.offers, packets: w.packets, fault: once(nil)}
			s.asked = func(conn net.Conn, r *bufio.Reader) { quiet <- silent(conn, r) }
			r := open(t, start(t, s))
			for i := range 3 {
				reply, err := r.deliver(t.Context(), relay.Mail{From: from, To: to, Msg: []byte(msg), Ready: func() error {
					calls++
					return <-quiet
				}})
				if err != nil || reply.State != relay.Accepted || calls != i+1 {
					t.Fatalf("got %+v, %v; Ready was called %d times", reply, err, calls)
				}
			}
			if len(s.took()) != 3 || s.connections() != 1 {
				t.Errorf("the server took %d messages in %d connections", len(s.took()), s.connections())
			}
		})
	}
}

func TestReadyCallsOff(t *testing.T) {
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			s := start(t, &server{offers: w.offers, packets: w.packets, fault: once(nil)})
			r, off := open(t, s), errors.New("called off")
			reply, err := r.deliver(t.Context(), relay.Mail{From: from, To: to, Msg: []byte(msg), Ready: func() error { return off }})
			if !errors.Is(err, off) || reply != (relay.Reply{}) || r.session.Usable() {
				t.Errorf("got %+v, %v, usable: %t", reply, err, r.session.Usable())
			}
			if _, err := r.session.Deliver(t.Context(), relay.Mail{From: from, To: to, Msg: []byte(msg)}); !errors.Is(err, relay.ErrUnavailable) {
				t.Errorf("the session went on: %v", err)
			}
			deliver(t, r, "bob@example.com", msg)
			if all := s.took(); len(all) != 1 || all[0].to != "bob@example.com" {
				t.Errorf("the server took %q", all)
			}
		})
	}
	for n, script := range []map[string]string{{"MAIL": "450 no"}, {"RCPT": "550 no"}, {"MAIL": cut}} {
		t.Run(fmt.Sprintf("not called %02d", n+1), func(t *testing.T) {
			_, err := open(t, serve(t, script)).deliver(t.Context(), relay.Mail{From: from, To: to, Msg: []byte(msg), Ready: func() error {
				t.Error("Ready was called")
				return nil
			}})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// stopAt gives a context that ends when the server has got to the step, where it says nothing.
func stopAt(t *testing.T, step string, w way) (context.Context, *server) {
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	script := once(map[string]string{step: hang})
	return ctx, start(t, &server{offers: w.offers, packets: w.packets, fault: func(at string) string {
		if at == step {
			cancel()
		}
		return script(at)
	}})
}

func TestContext(t *testing.T) {
	for _, step := range []string{"CONNECT", "EHLO", "MAIL", "RCPT", "DATA"} {
		for _, w := range ways {
			t.Run("at "+step+" "+w.name, func(t *testing.T) {
				ctx, s := stopAt(t, step, w)
				r := open(t, s)
				reply, err := r.deliver(ctx, relay.Mail{From: from, To: to, Msg: []byte(msg)})
				if !errors.Is(err, context.Canceled) || reply != (relay.Reply{}) {
					t.Errorf("got %+v, %v", reply, err)
				}
				if next := deliver(t, r, "bob@example.com", msg); next.State != relay.Accepted {
					t.Errorf("the next try got %+v", next)
				}
				if all := s.took(); len(all) != 1 || all[0].to != "bob@example.com" {
					t.Errorf("the server took %q", all)
				}
			})
		}
	}
	t.Run("in Ready", func(t *testing.T) {
		s := serve(t, nil, pipelining...)
		ctx, cancel := context.WithCancel(t.Context())
		r := open(t, s)
		_, err := r.deliver(ctx, relay.Mail{From: from, To: to, Msg: []byte(msg), Ready: func() error { cancel(); return nil }})
		if !errors.Is(err, context.Canceled) || len(s.took()) != 0 || r.session.Usable() {
			t.Errorf("got %v, the server took %q", err, s.took())
		}
	})
	t.Run("in mid-message", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		heard := make(chan []byte, 1)
		s := &server{offers: pipelining, fault: once(nil)}
		s.asked = func(_ net.Conn, r *bufio.Reader) {
			_, _ = r.ReadString('\n')
			cancel()
			<-t.Context().Done() // no more is read until the client has given up
			all, _ := io.ReadAll(r)
			heard <- all
		}
		r := open(t, start(t, s))
		_, err := r.deliver(ctx, relay.Mail{From: from, To: to, Msg: []byte(big)})
		if !errors.Is(err, context.Canceled) || r.session.Usable() {
			t.Errorf("got %v", err)
		}
		t.Cleanup(func() { // the test's own context has ended now
			if all := <-heard; strings.HasSuffix(string(all), "\r\n.\r\n") || len(s.took()) != 0 {
				t.Error("the message was sent to its end")
			}
		})
	})
}

// After the end of the message the outcome is still told, if it comes soon.
func TestContextAfterTheEnd(t *testing.T) {
	w := ways[2]
	t.Run("no answer", func(t *testing.T) {
		ctx, s := stopAt(t, ".", w)
		began := time.Now()
		reply, err := open(t, s).deliver(ctx, relay.Mail{From: from, To: to, Msg: []byte(msg)})
		if err != nil || reply.State != relay.Unknown || time.Since(began) > 5*time.Second {
			t.Errorf("got %+v, %v after %s", reply, err, time.Since(began))
		}
	})
	t.Run("an answer", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := start(t, &server{offers: pipelining, fault: func(step string) string {
			if step == "." {
				cancel()
			}
			return ""
		}})
		r := open(t, s)
		reply, err := r.deliver(ctx, relay.Mail{From: from, To: to, Msg: []byte(msg)})
		if err != nil || reply.State != relay.Accepted || len(s.took()) != 1 {
			t.Errorf("got %+v, %v", reply, err)
		}
		deliver(t, r, "bob@example.com", msg)
	})
}

// The context may end at any moment: the account balances, and nothing is waited for too long.
func TestContextAtRandom(t *testing.T) {
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, &server{offers: w.offers, packets: w.packets, fault: func(step string) string {
				return ""
			}})
			r, told, random := open(t, s), map[string]relay.State{}, rand.New(rand.NewPCG(1, 2))
			for i := range 150 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(random.IntN(1500))*time.Microsecond)
				to := fmt.Sprintf("r%d@example.com", i)
				told[to] = attempt(ctx, r, to)
				cancel()
			}
			r.hangUp()
			account(t, s, told)
			for _, state := range told {
				if state == relay.Unknown {
					t.Error("a server that answers leaves no doubt")
				}
			}
		})
	}
}

func TestSessionIsKept(t *testing.T) {
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			s := start(t, &server{offers: w.offers, packets: w.packets, fault: once(nil)})
			r := over(t, relay.NewSMTP(relay.Config{Host: "127.0.0.1", Port: s.port, TLS: relay.None, LocalName: "news.example.org", Messages: 3}))
			for range 7 {
				if got := deliver(t, r, to, msg); got.State != relay.Accepted {
					t.Fatalf("got %+v", got)
				}
			}
			if err := r.session.Close(); err != nil {
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
			if got := s.said("RSET"); len(got) != 0 {
				t.Errorf("we said %q for nothing", got)
			}
		})
	}
}

// A refusal leaves a transaction open; RSET ends it, and the session goes on.
func TestResetWhenNeeded(t *testing.T) {
	for _, w := range ways {
		for n, script := range []map[string]string{{"MAIL": "450 4.1.8 later"}, {"RCPT": "550 5.1.1 nobody"}, {"DATA": "451 4.3.0 later"}} {
			t.Run(fmt.Sprintf("%02d %s", n+1, w.name), func(t *testing.T) {
				s := start(t, &server{offers: w.offers, packets: w.packets, fault: once(script)})
				r := open(t, s)
				for _, to := range []string{"eve@example.com", "ada@example.com", "bob@example.com"} {
					deliver(t, r, to, msg)
				}
				var verbs []string
				for _, c := range s.said("") {
					verbs = append(verbs, strings.Fields(c)[0])
				}
				if i := slices.Index(verbs, "RSET"); i < 0 || slices.Contains(verbs[i+1:], "RSET") || s.connections() != 1 || len(s.took()) != 2 {
					t.Errorf("we said %q", verbs)
				}
			})
		}
	}
}

// A connection that the server closed while we were idle, or that cannot be reset, costs nobody their mail, nor a try.
func TestServerCameAndWent(t *testing.T) {
	for n, answer := range []string{cut, "421 4.4.2 idle too long" + cut, "nonsense", "502 no"} {
		t.Run(fmt.Sprintf("%02d %s", n+1, answer), func(t *testing.T) {
			s := serve(t, map[string]string{"RCPT": "550 5.1.1 nobody", "RSET": answer})
			r := open(t, s)
			deliver(t, r, "eve@example.com", msg)
			if got := deliver(t, r, to, msg); got.State != relay.Deferred || !got.Lost || got.Ours || r.session.Usable() {
				t.Errorf("got %+v", got)
			}
			if got := deliver(t, r, to, msg); got.State != relay.Accepted || s.connections() != 2 {
				t.Errorf("got %+v in %d connections", got, s.connections())
			}
		})
	}
	t.Run("05 closed after the answer", func(t *testing.T) {
		s := serve(t, map[string]string{".": "250 2.0.0 ok\r\n" + cut})
		r := open(t, s)
		deliver(t, r, to, msg)
		if got := deliver(t, r, "bob@example.com", msg); got.State != relay.Deferred || !got.Lost {
			t.Errorf("got %+v", got)
		}
		if got := deliver(t, r, "bob@example.com", msg); got.State != relay.Accepted || len(s.took()) != 2 {
			t.Errorf("got %+v", got)
		}
	})
}

// What a server may say in its own time it must not say before.
func TestNothingPastTheFinalDot(t *testing.T) {
	s := &server{offers: pipelining, fault: once(nil)}
	release := make(chan error, 1)
	s.asked = func(conn net.Conn, r *bufio.Reader) {
		for line := ""; line != ".\r\n"; {
			line, _ = r.ReadString('\n')
		}
		release <- silent(conn, r)
		_, _ = conn.Write([]byte("250 2.0.0 ok\r\n"))
		for { // the next transaction is out of our script
			if _, err := r.ReadString('\n'); err != nil {
				return
			}
		}
	}
	r := open(t, start(t, s))
	if got := deliver(t, r, to, msg); got.State != relay.Accepted {
		t.Errorf("got %+v", got)
	}
	if err := <-release; err != nil {
		t.Error(err)
	}
}

func TestReplyReads(t *testing.T) {
	for n, c := range []struct {
		reply      relay.Reply
		slow, dead bool
	}{
		{relay.Reply{State: relay.Deferred, Code: 421}, true, false},
		{relay.Reply{State: relay.Deferred, Code: 451, Enhanced: "4.7.1"}, true, false},
		{relay.Reply{State: relay.Deferred, Code: 454, Enhanced: "4.7.0"}, true, false},
		{relay.Reply{State: relay.Deferred, Code: 454}, false, false},
		{relay.Reply{State: relay.Deferred, Lost: true}, false, false},
		{relay.Reply{State: relay.Accepted, Code: 250}, false, false},
		{relay.Reply{State: relay.Rejected, Code: 550, Enhanced: "5.1.1"}, false, true},
		{relay.Reply{State: relay.Rejected, Code: 556, Enhanced: "5.1.10"}, false, true},
		{relay.Reply{State: relay.Rejected, Code: 550, Enhanced: "5.2.1"}, false, true},
		{relay.Reply{State: relay.Rejected, Code: 552, Enhanced: "5.2.2"}, false, false},
		{relay.Reply{State: relay.Rejected, Code: 550, Enhanced: "5.7.1", Ours: true}, false, false},
		{relay.Reply{State: relay.Rejected, Enhanced: "5.1.3"}, false, false}, // our own word, not the server's
		{relay.Reply{State: relay.Rejected, Code: 550}, false, false},
	} {
		if c.reply.Slow() != c.slow || c.reply.Dead() != c.dead {
			t.Errorf("%d: %+v: slow %t, dead %t", n+1, c.reply, c.reply.Slow(), c.reply.Dead())
		}
	}
}

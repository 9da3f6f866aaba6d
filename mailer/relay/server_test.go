package relay_test

import (
	"bufio"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// What a bad server may do, alone or after some words.
const (
	cut    = "(cut)"    // closes the connection
	hang   = "(hang)"   // says nothing more until the client goes away
	midway = "(midway)" // asks for the message, and closes when it has begun
	early  = "(early)"  // asks for the message, and goes down when it has begun
	taken  = "(taken)"  // takes the message, and closes without a word
)

// packets says how a server's answers are spread over packets.
type packets int

const (
	single  packets = iota // each in a packet of its own
	batched                // all that can be said in one packet
	pieces                 // each in several packets
)

// server speaks SMTP, keeps what it takes, and does wrong what it is told to. Steps are CONNECT, the commands' verbs, and "." for
// the end of a message.
type server struct {
	port    int
	offers  []string // extensions
	packets packets
	asked   func(net.Conn, *bufio.Reader) // called when a message was asked for

	mu       sync.Mutex
	fault    func(step string) string // the answer or what else it does; "": it answers well
	commands []string
	mails    []mail   // taken in full for somebody
	wrongs   []string // of the client
	dials    int
}

type mail struct{ from, to, text string }

// once does each fault of a script once, at the first occasion.
func once(script map[string]string) func(string) string {
	return func(step string) string {
		defer delete(script, step)
		return script[step]
	}
}

// serve starts a server that ends with the test.
func serve(t testing.TB, script map[string]string, offers ...string) *server {
	return start(t, &server{fault: once(script), offers: offers})
}

func start(t testing.TB, s *server) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.port = l.Addr().(*net.TCPAddr).Port
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { s.talk(conn) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		wg.Wait()
		for _, w := range s.wrongs {
			t.Error(w)
		}
	})
	return s
}

// dialogue is one connection to the server, with the transaction that is open.
type dialogue struct {
	*server
	conn     net.Conn
	r        *bufio.Reader
	unsaid   string
	mail     mail
	from, to bool // accepted
}

func (s *server) talk(conn net.Conn) {
	defer conn.Close()
	s.mu.Lock()
	s.dials++
	s.mu.Unlock()
	d := &dialogue{server: s, conn: conn, r: bufio.NewReader(conn)}
	ok := d.say("CONNECT", "220 test ESMTP") != ""
	for ok {
		line, err := d.r.ReadString('\n')
		if err != nil {
			return
		}
		ok = d.obey(strings.TrimSpace(line))
	}
}

func (d *dialogue) obey(line string) bool {
	verb, args, _ := strings.Cut(line, " ")
	_, address, _ := strings.Cut(args, "<")
	address, _, _ = strings.Cut(address, ">")
	d.mu.Lock()
	d.commands = append(d.commands, line)
	d.mu.Unlock()
	well := "250 2.0.0 ok"
	switch verb {
	default:
		well = "500 5.5.1 unknown command"
	case "HELO":
	case "EHLO":
		well = "250-" + strings.Join(append([]string{"test"}, d.offers...), "\r\n250-") + "\r\n250 OK"
	case "MAIL":
		said := d.say(verb, well)
		d.mail, d.from, d.to = mail{from: address}, strings.HasPrefix(said, "2"), false
		return said != ""
	case "RCPT":
		if !d.from {
			well = "503 5.5.1 MAIL first"
		}
		said := d.say(verb, well)
		d.mail.to, d.to = address, strings.HasPrefix(said, "2")
		return said != ""
	case "DATA":
		return d.data()
	case "RSET":
		d.from, d.to = false, false
	case "QUIT":
		d.say(verb, "221 bye")
		return false
	}
	return d.say(verb, well) != ""
}

func (d *dialogue) data() bool {
	well := "354 go on"
	if !d.to {
		well = "503 5.5.1 no valid recipients"
	}
	said := d.say("DATA", well)
	if !strings.HasPrefix(said, "354") {
		return said != ""
	}
	d.flush()
	if d.asked != nil {
		d.asked(d.conn, d.r)
	}
	if word := strings.TrimSpace(said); strings.HasSuffix(word, midway) || strings.HasSuffix(word, early) {
		_, _ = d.r.ReadString('\n')
		if strings.HasSuffix(word, early) {
			_, _ = d.conn.Write([]byte("421 4.3.2 going down\r\n"))
		}
		return false
	}
	return d.receive()
}

// receive reads a message and answers it.
func (d *dialogue) receive() bool {
	var text strings.Builder
	for {
		line, err := d.r.ReadString('\n')
		if err != nil {
			return false
		}
		if line == ".\r\n" {
			break
		}
		text.WriteString(strings.TrimPrefix(line, "."))
	}
	if d.r.Buffered() > 0 {
		d.mu.Lock()
		d.wrongs = append(d.wrongs, "the client went on after the final dot")
		d.mu.Unlock()
	}
	well := "250 2.0.0 queued as 1"
	if !d.to {
		well = "554 5.5.1 no valid recipients"
	}
	var took bool
	said := d.sayAfter(".", well, func(said string) {
		took = d.to && (strings.HasPrefix(said, "2") || said == taken)
		d.mail.text = text.String()
		if took {
			d.mails = append(d.mails, d.mail)
		}
	})
	d.from, d.to = false, false
	return said != ""
}

func (d *dialogue) say(step, well string) string { return d.sayAfter(step, well, func(string) {}) }

// sayAfter gives the answer for the step, after it has called first with it. It returns what it said, "" if the connection is over.
func (d *dialogue) sayAfter(step, well string, first func(string)) string {
	d.mu.Lock()
	reply := d.fault(step)
	if reply == "" {
		reply = well
	}
	first(reply)
	d.mu.Unlock()
	switch words, isHang := strings.CutSuffix(reply, hang); {
	case reply == taken:
		d.flush()
		return ""
	case isHang:
		d.unsaid += words
		d.flush()
		_, _ = d.r.ReadString(0) // until the client has gone
		return ""
	case reply == midway || reply == early:
		d.unsaid += "354 go on\r\n"
		return "354 " + reply
	}
	words, over := strings.CutSuffix(reply+"\r\n", cut+"\r\n")
	d.unsaid += words
	over = over || strings.HasPrefix(reply, "421")
	if d.packets != batched || over || d.r.Buffered() == 0 || step == "." {
		d.flush()
	}
	if over {
		return ""
	}
	return words
}

func (d *dialogue) flush() {
	parts := []string{d.unsaid}
	if n := len(d.unsaid); d.packets == pieces && n > 2 {
		parts = []string{d.unsaid[:2], d.unsaid[2 : n-1], d.unsaid[n-1:]}
	}
	d.unsaid = ""
	for _, p := range parts {
		_, _ = d.conn.Write([]byte(p)) // whether the client is still there shows when it is read from
	}
}

// silent fails unless the client says nothing for a while.
func silent(conn net.Conn, r *bufio.Reader) error {
	if err := conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
		return err
	}
	if b, err := r.Peek(1); err == nil {
		return fmt.Errorf("the client said %q", b)
	}
	return conn.SetReadDeadline(time.Time{})
}

// took gives the mails that the server answers for.
func (s *server) took() []mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

// accepted gives their texts.
func (s *server) accepted() []string {
	var texts []string
	for _, m := range s.took() {
		texts = append(texts, m.text)
	}
	return texts
}

// said gives the commands that begin with prefix.
func (s *server) said(prefix string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []string
	for _, c := range s.commands {
		if strings.HasPrefix(c, prefix) {
			found = append(found, c)
		}
	}
	return found
}

// connections tells how often the server was dialled.
func (s *server) connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dials
}

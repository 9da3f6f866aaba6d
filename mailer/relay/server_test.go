package relay_test

import (
	"bufio"
	"net"
	"strings"
	"sync"
	"testing"
)

// What a scripted server may do in place of an answer.
const (
	cut  = "(cut)"  // closes the connection, perhaps after saying something
	hang = "(hang)" // says nothing until the client goes away
	deaf = "(deaf)" // asks for the message, and closes without reading it
)

// server speaks SMTP as its script says, for tests of what real servers seldom do. Steps are CONNECT, EHLO, MAIL, RCPT,
// DATA, RSET, QUIT and "." for the end of a message.
type server struct {
	port   int
	offers []string // extensions

	mu       sync.Mutex
	script   map[string]string // step → answer or action; taken once, then the server answers well
	commands []string
	messages []string // as received, without dot-stuffing; those that were accepted
	dials    int
}

// serve starts a server that ends with the test.
func serve(t testing.TB, script map[string]string, offers ...string) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{port: l.Addr().(*net.TCPAddr).Port, offers: offers, script: script}
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
	})
	return s
}

func (s *server) talk(conn net.Conn) {
	defer conn.Close()
	s.mu.Lock()
	s.dials++
	s.mu.Unlock()
	r := bufio.NewReader(conn)
	ok := s.answer(conn, "CONNECT", "220 test ESMTP") != ""
	for ok {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		ok = s.obey(conn, r, strings.TrimSpace(line))
	}
}

func (s *server) obey(conn net.Conn, r *bufio.Reader, line string) bool {
	verb, _, _ := strings.Cut(line, " ")
	s.mu.Lock()
	s.commands = append(s.commands, line)
	s.mu.Unlock()
	switch verb {
	case "EHLO":
		return s.answer(conn, verb, "250-"+strings.Join(append([]string{"test"}, s.offers...), "\r\n250-")+"\r\n250 OK") != ""
	case "DATA":
		reply := s.answer(conn, verb, "354 go on")
		return reply != "" && (!strings.HasPrefix(reply, "354") || s.receive(conn, r))
	case "QUIT":
		s.answer(conn, verb, "221 bye")
		return false
	}
	return s.answer(conn, verb, "250 2.0.0 ok") != ""
}

func (s *server) receive(conn net.Conn, r *bufio.Reader) bool {
	var msg strings.Builder
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return false
		}
		if line == ".\r\n" {
			break
		}
		msg.WriteString(strings.TrimPrefix(line, "."))
	}
	s.mu.Lock()
	if reply, scripted := s.script["."]; !scripted || strings.HasPrefix(reply, "2") {
		s.messages = append(s.messages, msg.String())
	}
	s.mu.Unlock()
	return s.answer(conn, ".", "250 2.0.0 queued as 1") != ""
}

// answer says what the script has for the step, else well. It gives what it said, "" if the connection is over.
func (s *server) answer(conn net.Conn, step, well string) string {
	s.mu.Lock()
	reply, scripted := s.script[step]
	delete(s.script, step)
	s.mu.Unlock()
	if !scripted {
		reply = well
	}
	switch reply {
	case hang:
		_, _ = bufio.NewReader(conn).ReadString(0) // until the client has gone
		return ""
	case deaf:
		reply = "354 go on\r\n" + cut
	}
	reply, over := strings.CutSuffix(reply+"\r\n", cut+"\r\n")
	if _, err := conn.Write([]byte(reply)); err != nil || over || strings.HasPrefix(reply, "421") {
		return ""
	}
	return reply
}

// accepted gives the messages the server answers for.
func (s *server) accepted() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.messages...)
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

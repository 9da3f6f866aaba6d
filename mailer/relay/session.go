package relay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/wneessen/go-mail/smtp"
)

// session is one connection to a server. Where the server offers PIPELINING (RFC 2920) the commands of a message go out
// together; nothing is ever sent past a final dot before its answer was read.
type session struct {
	config    Config
	conn      net.Conn
	client    *smtp.Client
	pipelines bool
	utf8      bool // the server takes SMTPUTF8
	count     int  // transactions begun
	open      bool // a transaction was begun and not ended: RSET goes first
	lost      bool
}

func newSession(c Config, client *smtp.Client, conn net.Conn) *session {
	s := &session{config: c, conn: conn, client: client}
	s.pipelines, _ = client.Extension("PIPELINING")
	s.utf8, _ = client.Extension("SMTPUTF8")
	return s
}

// Usable implements Session.
func (s *session) Usable() bool { return !s.lost && s.count < s.config.Messages }

// Deliver implements Session. When ctx ends before the final dot is out the connection is cut and nothing is delivered; after it
// the answer is waited for as long as Timeouts.Quit says, so that the outcome is known if it can be.
func (s *session) Deliver(ctx context.Context, m Mail) (Reply, error) {
	e, refused := seal(m)
	if refused != nil {
		return *refused, nil
	}
	if e.utf8 && !s.utf8 {
		return Reply{State: Rejected, Enhanced: "5.6.7",
			Text: "the relay takes no addresses with characters beyond ASCII before the @ (it lacks SMTPUTF8)"}, nil
	}
	if s.lost {
		return Reply{}, fmt.Errorf("%w: the connection is lost", ErrUnavailable)
	}
	s.count++
	untie := context.AfterFunc(ctx, func() { _ = s.conn.Close() })
	reply, err := s.begin(e, m.Ready)
	if !untie() { // ctx has ended and cut the connection
		s.lost = true
		return Reply{}, ctx.Err()
	}
	if err != nil || reply.State != "" {
		return reply, err
	}
	return s.send(ctx, stuffed(m.Msg, e.dots))
}

// send hands the message over and reads what became of it.
func (s *session) send(ctx context.Context, body []byte) (reply Reply, err error) {
	untie := context.AfterFunc(ctx, s.hurry)
	failed := s.write(ctx, body)
	switch {
	case failed == nil:
		reply = s.finish(ctx)
	case ctx.Err() != nil:
		err = ctx.Err()
	default:
		reply = s.broken(failed)
	}
	if !untie() { // hurry has spoilt the deadlines, or is about to
		s.cut()
	}
	return reply, err
}

// hurry breaks off a message that is not out yet, and shortens the wait for the answer to one that is.
func (s *session) hurry() {
	_ = s.conn.SetWriteDeadline(time.Unix(1, 0))
	_ = s.conn.SetReadDeadline(time.Now().Add(s.config.Timeouts.Quit))
}

// Close says goodbye to the server.
func (s *session) Close() error {
	if s.lost {
		return nil
	}
	s.lost = true
	defer s.conn.Close()
	if err := s.conn.SetDeadline(time.Now().Add(s.config.Timeouts.Quit)); err != nil {
		return err
	}
	return s.client.Quit()
}

// command is one step of the dialogue before the message.
type command struct {
	verb, line string
	limit      time.Duration
}

func (s *session) commands(e envelope) []command {
	t := s.config.Timeouts
	cmds := make([]command, 0, 4)
	if s.open {
		cmds = append(cmds, command{"RSET", "RSET\r\n", t.Mail})
	}
	end := ">\r\n"
	if e.utf8 {
		end = "> BODY=8BITMIME SMTPUTF8\r\n"
	}
	return append(cmds,
		command{"MAIL", "MAIL FROM:<" + e.from + end, t.Mail},
		command{"RCPT", "RCPT TO:<" + e.to + ">\r\n", t.Rcpt},
		command{"DATA", "DATA\r\n", t.Data})
}

// begin leads the dialogue up to the message: the commands go out all at once, or one after the other up to a refusal. While the
// server makes up its mind, ready may take its time. With a reply, or an error, nothing is delivered.
func (s *session) begin(e envelope, ready func() error) (Reply, error) {
	cmds := s.commands(e)
	s.open = true
	atOnce := 1
	if s.pipelines {
		atOnce = len(cmds)
	}
	for ; len(cmds) > 0; cmds = cmds[atOnce:] {
		if err := s.ask(cmds[:atOnce]); err != nil {
			return s.broken(err), nil
		}
		if len(cmds) == atOnce && ready != nil {
			if err := ready(); err != nil { // called off: the server may wait for a message that must not come
				s.cut()
				return Reply{}, err
			}
		}
		refused, err := s.answers(cmds[:atOnce])
		if err != nil {
			return s.broken(err), nil
		}
		if refused.State != "" {
			return refused, nil
		}
	}
	return Reply{}, nil
}

// ask writes the commands in one go.
func (s *session) ask(cmds []command) error {
	for _, c := range cmds {
		_, _ = s.client.Text.W.WriteString(c.line) // Flush tells of an error
	}
	err := s.flush(cmds[0].limit)
	if err == nil && len(cmds) > 1 {
		quickAck(s.conn)
	}
	return err
}

// answers reads the answer to each of the commands. It gives the first refusal; an error says that the connection broke before there
// was one.
func (s *session) answers(cmds []command) (refused Reply, err error) {
	failed := "" // the verb that was refused
	for _, c := range cmds {
		code, text, err := s.wait(c.limit)
		switch {
		case err != nil && failed != "": // why the connection ended matters less
			s.cut()
		case err != nil:
			return Reply{}, err
		case failed != "" && c.verb == "DATA" && code == 354:
			s.abandon(failed)
		case failed != "": // the answers to what follows a refused command say nothing new
		default:
			if refused = s.judge(c.verb, code, text); refused.State != "" {
				failed = c.verb
			}
		}
		if s.lost {
			break
		}
	}
	return refused, nil
}

// judge gives the reply that a command's answer amounts to; an empty one when the dialogue may go on. After an answer that
// makes no sense here, nobody knows what the server will take the next line for.
func (s *session) judge(verb string, code int, text string) Reply {
	if verb == "DATA" && code == 354 || verb != "DATA" && code/100 == 2 {
		return Reply{}
	}
	r := answer(code, text)
	if r.State != Rejected || code == 503 || verb == "RSET" { // 503 (bad sequence of commands) speaks of the connection
		r.State, r.Ours = Deferred, false
	}
	r.Ours = r.Ours || r.State == Rejected && verb == "MAIL" // the recipient has not been named yet
	r.Lost = verb == "RSET"
	if r.Lost || code == 421 || code == 503 || code/100 != 4 && code/100 != 5 {
		s.cut()
	}
	return r
}

// abandon ends a message that the server asks for although it refused a command. If that was the recipient, a lone dot goes to
// nobody (RFC 2920 §3.1); after another refusal the recipient may stand, and would get an empty message.
func (s *session) abandon(refused string) {
	if refused == "RCPT" {
		_, _ = s.client.Text.W.WriteString(".\r\n")
		_ = s.flush(s.config.Timeouts.Quit)
	}
	s.cut()
}

// write sends the message with its final dot. The dot is on the way when this returns nil; after an error it is not, for
// it is the last that is written, and TLS and TCP deliver in order or not at all.
func (s *session) write(ctx context.Context, body []byte) error {
	if err := s.conn.SetWriteDeadline(time.Now().Add(s.config.Timeouts.Block)); err != nil {
		return err
	}
	if ctx.Err() != nil { // hurry may have set its deadline before us
		return ctx.Err()
	}
	if s.client.Text.R.Buffered() > 0 {
		return errors.New("the server answered before the message")
	}
	if _, err := s.client.Text.W.Write(body); err != nil {
		return err
	}
	return s.client.Text.W.Flush()
}

// finish reads what became of the message. From here on the absence of an answer is no refusal (RFC 1047).
func (s *session) finish(ctx context.Context) Reply {
	err := s.conn.SetReadDeadline(time.Now().Add(s.config.Timeouts.Final))
	if ctx.Err() != nil { // as in write
		s.hurry()
	}
	var code int
	var text string
	if err == nil {
		code, text, err = s.read()
	}
	if err != nil {
		s.cut()
		return Reply{State: Unknown, Text: oneLine("no answer after the end of the message: " + err.Error())}
	}
	s.open = false
	reply := answer(code, text)
	if code == 421 || reply.State == Unknown || s.client.Text.R.Buffered() > 0 { // it says goodbye, or speaks out of turn
		s.cut()
	}
	return reply
}

func (s *session) flush(limit time.Duration) error {
	if err := s.conn.SetWriteDeadline(time.Now().Add(limit)); err != nil {
		return err
	}
	return s.client.Text.W.Flush()
}

// wait reads one answer that has to come within limit.
func (s *session) wait(limit time.Duration) (code int, text string, err error) {
	if err := s.conn.SetReadDeadline(time.Now().Add(limit)); err != nil {
		return 0, "", err
	}
	return s.read()
}

// read reads one answer of any number of lines (RFC 5321 §4.2.1). All of them have the same code; the text may be missing.
func (s *session) read() (code int, text string, err error) {
	for more := true; more; {
		line, err := s.client.Text.R.ReadSlice('\n')
		if err != nil {
			return 0, "", err
		}
		c, words, continued := parse(line)
		if c == 0 || code != 0 && c != code {
			return 0, "", fmt.Errorf("the server answers with nonsense: %q", line[:min(len(line), maxText)])
		}
		if code == 0 {
			text = words
		} else if len(text) < maxText {
			text += "\n" + words
		}
		code, more = c, continued
	}
	return code, text, nil
}

// parse reads one line of an answer: its code, 0 if it has none, its words, and whether more lines follow.
func parse(line []byte) (code int, words string, more bool) {
	line = bytes.TrimRight(line, "\r\n")
	if len(line) < 3 {
		return 0, "", false
	}
	for _, c := range line[:3] {
		if c < '0' || c > '9' {
			return 0, "", false
		}
		code = 10*code + int(c-'0')
	}
	if len(line) == 3 {
		return code, "", false
	}
	if line[3] != ' ' && line[3] != '-' {
		return 0, "", false
	}
	return code, string(line[4:]), line[3] == '-'
}

// broken is the reply for a connection that failed before the final dot was out.
func (s *session) broken(err error) Reply {
	s.cut()
	return Reply{State: Deferred, Text: oneLine("connection lost: " + err.Error()), Lost: true}
}

// cut ends the connection without a QUIT: the server must not take that for the end of a message.
func (s *session) cut() {
	s.lost = true
	_ = s.conn.Close()
}

// stuffed gives the message with its final dot, and with the dots that begin a line doubled (RFC 5321 §4.5.2).
func stuffed(msg []byte, dots int) []byte {
	out := msg
	if dots > 0 {
		out = make([]byte, 0, len(msg)+dots+len("\r\n.\r\n"))
		for line := range bytes.Lines(msg) {
			if line[0] == '.' {
				out = append(out, '.')
			}
			out = append(out, line...)
		}
	}
	if !bytes.HasSuffix(out, []byte("\r\n")) {
		out = append(out, "\r\n"...)
	}
	return append(out, ".\r\n"...)
}

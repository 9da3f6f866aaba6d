package relay

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"time"

	"github.com/wneessen/go-mail/smtp"
)

// TLS says how the connection to a relay is secured.
type TLS string

// The ways to secure a connection. The empty TLS means Required.
const (
	Required TLS = "required" // STARTTLS, or no mail at all
	Implicit TLS = "implicit" // TLS from the first byte (RFC 8314), as smtps:// says
	None     TLS = "none"     // in clear; the password is only shown to servers that can check it without seeing it
)

// Config says how to reach a relay.
type Config struct {
	Host      string // name or IP address; with TLS the name in its certificate
	Port      int    // 0: 587, for Implicit 465, for None 25
	Username  string // "": no AUTH
	Password  string
	TLS       TLS
	RootCAs   *x509.CertPool // who may vouch for the relay's certificate; nil: the system's
	LocalName string         // what we call ourselves in EHLO; "": the machine's name
	Messages  int            // the greatest number of messages on one connection; 0: 100
	Timeouts  Timeouts
}

// Timeouts bound each step of the dialogue. A zero one takes the value that RFC 5321 §4.5.3.2 gives, or the one
// named here.
type Timeouts struct {
	Connect  time.Duration // TCP, one minute
	Greeting time.Duration // the greeting, then EHLO, STARTTLS and AUTH together, five minutes each
	Mail     time.Duration // MAIL and RSET, five minutes
	Rcpt     time.Duration // five minutes
	Data     time.Duration // DATA, two minutes
	Block    time.Duration // the message without its final dot, three minutes
	Final    time.Duration // the answer to the final dot, ten minutes: whoever gives up earlier sends twice
	Quit     time.Duration // QUIT, and the answer to the final dot once ctx has ended, five seconds
}

// SMTP is a relay reached over one connection, which is made when it is first needed and kept. One goroutine may use
// it at a time.
type SMTP struct {
	config Config
	conn   net.Conn     // the TCP connection under client
	client *smtp.Client // nil: not connected
	count  int          // transactions begun on this connection
}

// NewSMTP gives the relay of that configuration; it does not connect yet.
func NewSMTP(c Config) *SMTP {
	c.TLS = cmp.Or(c.TLS, Required)
	c.Port = cmp.Or(c.Port, map[TLS]int{Required: 587, Implicit: 465, None: 25}[c.TLS])
	c.Messages = cmp.Or(c.Messages, 100)
	t := &c.Timeouts
	t.Connect = cmp.Or(t.Connect, time.Minute)
	t.Greeting = cmp.Or(t.Greeting, 5*time.Minute)
	t.Mail = cmp.Or(t.Mail, 5*time.Minute)
	t.Rcpt = cmp.Or(t.Rcpt, 5*time.Minute)
	t.Data = cmp.Or(t.Data, 2*time.Minute)
	t.Block = cmp.Or(t.Block, 3*time.Minute)
	t.Final = cmp.Or(t.Final, 10*time.Minute)
	t.Quit = cmp.Or(t.Quit, 5*time.Second)
	return &SMTP{config: c}
}

// Deliver implements Relay. When ctx ends before the final dot the connection is cut and nothing is sent; after it the
// answer is waited for as long as Timeouts.Quit says, so that the outcome is known if it can be.
func (s *SMTP) Deliver(ctx context.Context, from, to string, msg []byte) (Reply, error) {
	e, refused := seal(from, to, msg)
	if refused != nil {
		return *refused, nil
	}
	if err := s.connect(ctx); err != nil {
		return Reply{}, err
	}
	if ok, _ := s.client.Extension("SMTPUTF8"); e.utf8 && !ok {
		return Reply{State: Rejected, Enhanced: "5.6.7",
			Text: "the relay takes no addresses with characters beyond ASCII before the @ (it lacks SMTPUTF8)"}, nil
	}
	untie := context.AfterFunc(ctx, cut(s.conn))
	dot, reply := s.begin(e, msg)
	if !untie() { // ctx has ended and cut the connection
		s.forget()
		return Reply{}, ctx.Err()
	}
	if dot == nil {
		return reply, nil
	}
	return s.finish(ctx, dot), nil
}

// Close says goodbye to the server.
func (s *SMTP) Close() error {
	if s.client == nil {
		return nil
	}
	defer s.forget()
	if err := s.conn.SetDeadline(time.Now().Add(s.config.Timeouts.Quit)); err != nil {
		return err
	}
	return s.client.Quit()
}

// begin leads the dialogue up to the final dot, which is left to the writer it gives. Without a writer the reply says
// why, and nothing is delivered.
func (s *SMTP) begin(e envelope, msg []byte) (io.WriteCloser, Reply) {
	t := s.config.Timeouts
	s.client.SkipSMTPUTF8(!e.utf8)
	if err := s.step(t.Mail, func() error { return s.client.Mail("<" + e.from + ">") }); err != nil {
		reply := s.refused(err)
		reply.Ours = reply.State == Rejected // the recipient has not been named yet
		return nil, reply
	}
	if err := s.step(t.Rcpt, func() error { return s.client.Rcpt("<" + e.to + ">") }); err != nil {
		return nil, s.refused(err)
	}
	var dot io.WriteCloser
	err := s.step(t.Data, func() (err error) { dot, err = s.data(); return err })
	if err == nil {
		err = s.step(t.Block, func() error { return s.write(dot, msg) })
	}
	if err != nil {
		return nil, s.refused(err)
	}
	return dot, Reply{}
}

// data sends DATA and gives the writer of the message. It is the one within go-mail's: go-mail's own drops the error of
// writing the final dot and takes answers such as 251 for refusals.
func (s *SMTP) data() (io.WriteCloser, error) {
	w, err := s.client.Data()
	if err != nil {
		return nil, err
	}
	return w.(*smtp.DataCloser).WriteCloser, nil
}

// write sends the message up to, and without, its final dot. An answer that comes before that dot cannot be about the
// message, and must not be taken for one.
func (s *SMTP) write(dot io.Writer, msg []byte) error {
	if _, err := dot.Write(msg); err != nil {
		return err
	}
	if err := s.client.Text.W.Flush(); err != nil {
		return err
	}
	if s.client.Text.R.Buffered() > 0 {
		return errors.New("the server answered before the end of the message")
	}
	return nil
}

// finish sends the final dot and reads what became of the message. From here on the absence of an answer is no
// refusal (RFC 1047).
func (s *SMTP) finish(ctx context.Context, dot io.Closer) Reply {
	conn, t := s.conn, s.config.Timeouts
	code, text, err := 0, "", conn.SetDeadline(time.Now().Add(t.Final))
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now().Add(t.Quit)) })()
	if err == nil {
		err = dot.Close()
	}
	if err == nil {
		code, text, err = s.client.Text.ReadResponse(0)
	}
	if err != nil {
		s.forget()
		return Reply{State: Unknown, Text: oneLine("no answer after the end of the message: " + err.Error())}
	}
	reply := answer(code, text)
	if code == 421 || reply.State == Unknown {
		s.forget()
	}
	return reply
}

// refused reads the error of a step before the final dot, and leaves connections that were lost, are about to be
// closed, or have got out of step.
func (s *SMTP) refused(err error) Reply {
	reply := failed(err)
	if c := reply.Code; c == 421 || c == 503 || c/100 != 4 && c/100 != 5 {
		s.forget()
	}
	return reply
}

// step runs one step of the dialogue within its time-out.
func (s *SMTP) step(limit time.Duration, run func() error) error {
	if err := s.conn.SetDeadline(time.Now().Add(limit)); err != nil {
		return err
	}
	return run()
}

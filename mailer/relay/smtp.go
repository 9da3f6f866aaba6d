package relay

import (
	"cmp"
	"crypto/x509"
	"net"
	"strconv"
	"time"
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

// SMTP is a relay that speaks SMTP. It may be used by several goroutines at once.
type SMTP struct{ config Config }

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

// Name is the server's address, host:port.
func (s *SMTP) Name() string { return net.JoinHostPort(s.config.Host, strconv.Itoa(s.config.Port)) }

package relay

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strconv"

	"github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

// connect makes sure that there is a connection on which a transaction can begin.
func (s *SMTP) connect(ctx context.Context) error {
	if s.client != nil && !s.reset(ctx) {
		s.forget()
	}
	if s.client == nil {
		if err := s.dial(ctx); err != nil {
			return err
		}
	}
	s.count++
	return nil
}

// reset readies a kept connection: RSET clears what a refused transaction left behind and shows whether the server is
// still there. It gives false when another connection is needed.
func (s *SMTP) reset(ctx context.Context) bool {
	if s.count >= s.config.Messages {
		_ = s.Close() // all that was sent has been answered
		return false
	}
	defer context.AfterFunc(ctx, cut(s.conn))()
	return s.step(s.config.Timeouts.Mail, s.client.Reset) == nil
}

// dial connects, and lets go-mail read the greeting and do EHLO, STARTTLS and AUTH.
func (s *SMTP) dial(ctx context.Context) error {
	client, conn, err := s.open(ctx)
	if ctx.Err() != nil {
		err = ctx.Err()
	} else if err != nil {
		err = fmt.Errorf("%w: %s: %w", ErrUnavailable, s.address(), err)
	}
	if err != nil {
		if conn != nil {
			cut(conn)() // go-mail leaves it open
		}
		return err
	}
	s.client, s.conn, s.count = client, conn, 0
	return nil
}

func (s *SMTP) open(ctx context.Context) (*smtp.Client, net.Conn, error) {
	dialer := net.Dialer{Timeout: s.config.Timeouts.Connect}
	conn, err := dialer.DialContext(ctx, "tcp", s.address())
	if err != nil {
		return nil, nil, err
	}
	defer context.AfterFunc(ctx, cut(conn))()
	m, err := mail.NewClient(s.config.Host, s.options(conn)...)
	if err != nil {
		return nil, conn, err
	}
	client, err := m.DialToSMTPClientWithContext(ctx)
	return client, conn, err
}

// options tells go-mail what to do on conn.
func (s *SMTP) options(conn net.Conn) []mail.Option {
	c := s.config
	secured := &tls.Config{ServerName: c.Host, RootCAs: c.RootCAs, MinVersion: tls.VersionTLS12}
	opts := []mail.Option{mail.WithTimeout(c.Timeouts.Greeting), mail.WithTLSConfig(secured)}
	switch c.TLS {
	case Implicit:
		conn = tls.Client(conn, secured)
		opts = append(opts, mail.WithSSL())
	case None:
		opts = append(opts, mail.WithTLSPolicy(mail.NoTLS))
	default:
		opts = append(opts, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if c.LocalName != "" {
		opts = append(opts, mail.WithHELO(c.LocalName))
	}
	if c.Username != "" {
		opts = append(opts, mail.WithUsername(c.Username), mail.WithPassword(c.Password), mail.WithOpportunisticSMTPAuth(
			mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthSCRAMSHA1, mail.SMTPAuthPlain, mail.SMTPAuthLogin, mail.SMTPAuthCramMD5))
	}
	return append(opts, mail.WithDialContextFunc(func(context.Context, string, string) (net.Conn, error) { return conn, nil }))
}

func (s *SMTP) address() string { return net.JoinHostPort(s.config.Host, strconv.Itoa(s.config.Port)) }

// forget cuts the connection without a QUIT: the server must not take that for the end of a message.
func (s *SMTP) forget() {
	if s.client != nil {
		cut(s.conn)()
		s.client = nil
	}
}

// cut gives a function that closes conn, whatever is waiting on it.
func cut(conn net.Conn) func() { return func() { _ = conn.Close() } }

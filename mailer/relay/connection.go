package relay

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

// Connect dials, and lets go-mail read the greeting and do EHLO, STARTTLS and AUTH.
func (s *SMTP) Connect(ctx context.Context) (Session, error) {
	client, conn, err := s.open(ctx)
	switch {
	case ctx.Err() != nil:
		err = ctx.Err()
	case err != nil:
		err = fmt.Errorf("%w: %s: %w", ErrUnavailable, s.Name(), err)
	default:
		return newSession(s.config, client, conn), nil
	}
	if conn != nil {
		cut(conn)() // go-mail leaves it open
	}
	return nil, err
}

func (s *SMTP) open(ctx context.Context) (*smtp.Client, net.Conn, error) {
	dialer := net.Dialer{Timeout: s.config.Timeouts.Connect}
	conn, err := dialer.DialContext(ctx, "tcp", s.Name())
	if err != nil {
		return nil, nil, err
	}
	defer context.AfterFunc(ctx, cut(conn))()
	m, err := mail.NewClient(s.config.Host, s.options(conn)...)
	if err != nil {
		return nil, conn, err
	}
	client, err := m.DialToSMTPClientWithContext(ctx)
	if err != nil && strings.HasSuffix(err.Error(), "does not support STARTTLS") { // go-mail has no error of its own for it
		err = ErrNoTLS
	}
	return client, conn, err
}

// ErrNoTLS says that a relay cannot be used since encryption is wanted and it offers none (RFC 3207).
var ErrNoTLS = errors.New("the server offers no encryption (STARTTLS)")

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

// cut gives a function that closes conn, whatever is waiting on it.
func cut(conn net.Conn) func() { return func() { _ = conn.Close() } }

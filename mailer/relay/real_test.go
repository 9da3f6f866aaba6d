package relay_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"tidings/internal/testtool"
	"tidings/mailer/relay"
)

// mailbox is a go-smtp server that wants a password and keeps what it is given.
type mailbox struct {
	mu       sync.Mutex
	from, to string
	mails    []string
	secured  bool // TLS was on when the password came
}

func (m *mailbox) NewSession(c *smtp.Conn) (smtp.Session, error) {
	_, secured := c.TLSConnectionState()
	m.mu.Lock()
	m.secured = secured
	m.mu.Unlock()
	return &session{box: m}, nil
}

type session struct {
	box  *mailbox
	user string
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, username, password string) error {
		if username != "news" || password != "se cret=ü" {
			return errors.New("wrong password")
		}
		s.user = username
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if s.user == "" {
		return smtp.ErrAuthRequired
	}
	s.box.from = from
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.box.to = to
	return nil
}

func (s *session) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	s.box.mails = append(s.box.mails, string(b))
	return err
}

func (*session) Reset()        {}
func (*session) Logout() error { return nil }

// certificate gives one for 127.0.0.1 and the pool that vouches for it.
func certificate(t *testing.T) (*tls.Config, *x509.CertPool) {
	t.Helper()
	h := httptest.NewTLSServer(nil)
	defer h.Close()
	pool := x509.NewCertPool()
	pool.AddCert(h.Certificate())
	return &tls.Config{Certificates: h.TLS.Certificates}, pool
}

func TestTLSAndPassword(t *testing.T) {
	config, pool := certificate(t)
	for n, c := range []struct {
		why      string
		tls      relay.TLS
		password string
		trusted  *x509.CertPool
		ok       bool
	}{
		{"STARTTLS is the default", "", "se cret=ü", pool, true},
		{"TLS from the start", relay.Implicit, "se cret=ü", pool, true},
		{"a wrong password", "", "guess", pool, false},
		{"a certificate nobody vouches for", "", "se cret=ü", x509.NewCertPool(), false},
		{"the same from the start", relay.Implicit, "se cret=ü", x509.NewCertPool(), false},
	} {
		t.Run(fmt.Sprintf("%02d %s", n+1, c.why), func(t *testing.T) {
			box := &mailbox{}
			server := smtp.NewServer(box)
			server.Domain, server.TLSConfig, server.ErrorLog = "test", config, discard{}
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			port := l.Addr().(*net.TCPAddr).Port
			if c.tls == relay.Implicit {
				l = tls.NewListener(l, config)
			}
			go server.Serve(l)
			defer server.Close()
			r := relay.NewSMTP(relay.Config{Host: "127.0.0.1", Port: port, Username: "news", Password: c.password,
				TLS: c.tls, RootCAs: c.trusted})
			if !c.ok {
				session, err := r.Connect(t.Context())
				if !errors.Is(err, relay.ErrUnavailable) || strings.Contains(err.Error(), c.password) {
					t.Errorf("got %v, %v", session, err)
				}
				return
			}
			if reply := deliver(t, over(t, r), to, msg); reply.State != relay.Accepted {
				t.Fatalf("got %+v", reply)
			}
			box.mu.Lock()
			defer box.mu.Unlock()
			if !box.secured || box.from != from || box.to != to || len(box.mails) != 1 || box.mails[0] != msg {
				t.Errorf("the server got %+v", box)
			}
		})
	}
}

type discard struct{}

func (discard) Printf(string, ...any) {}
func (discard) Println(...any)        {}

// smtpSink starts Postfix's test server and gives its port and the folder that its mails go into.
func smtpSink(t testing.TB, args ...string) (port int, dir string) {
	t.Helper()
	program := testtool.Need(t, "smtp-sink")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port = l.Addr().(*net.TCPAddr).Port
	l.Close()
	if _, ok := t.(*testing.T); ok { // a benchmark keeps no mails
		dir = t.TempDir()
		args = append(args, "-d", filepath.Join(dir, "mail."))
	}
	if os.Getuid() == 0 { // it insists on being told whom to run as
		args = append(args, "-u", "root")
	}
	args = append(args, "127.0.0.1:"+strconv.Itoa(port), "10")
	sink := exec.Command(program, args...)
	sink.Stderr = os.Stderr
	if err := sink.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = sink.Process.Kill()
		_ = sink.Wait()
	})
	for deadline := time.Now().Add(5 * time.Second); ; {
		conn, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(port))
		if err == nil {
			conn.Close()
			return port, dir
		}
		if time.Now().After(deadline) {
			t.Fatal("smtp-sink does not answer: ", err)
		}
	}
}

func TestSMTPSink(t *testing.T) {
	port, dir := smtpSink(t)
	r := relay.NewSMTP(relay.Config{Host: "127.0.0.1", Port: port, TLS: relay.None})
	s := over(t, r)
	for range 3 {
		if got := deliver(t, s, to, msg); got.State != relay.Accepted {
			t.Fatalf("got %+v", got)
		}
	}
	if err := s.session.Close(); err != nil {
		t.Error(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "mail.*"))
	if err != nil || len(files) != 3 {
		t.Fatalf("%d mails, %v, want 3", len(files), err)
	}
	b, err := os.ReadFile(files[0])
	if err != nil || !strings.Contains(string(b), strings.ReplaceAll(msg, "\r\n", "\n")) || !strings.Contains(string(b), "X-Rcpt-Args: <"+to+">") {
		t.Errorf("%v: smtp-sink got %s", err, b)
	}
}

func TestSMTPSinkRefuses(t *testing.T) {
	for n, c := range []struct {
		args  []string
		state relay.State
	}{
		{[]string{"-f", "RCPT"}, relay.Rejected},
		{[]string{"-r", "RCPT"}, relay.Deferred},
		{[]string{"-r", "."}, relay.Deferred},
		{[]string{"-f", "."}, relay.Rejected},
		{[]string{"-q", "DATA"}, relay.Deferred},
		{[]string{"-q", "."}, relay.Unknown},
		{[]string{"-Q", "MAIL"}, relay.Deferred},
	} {
		t.Run(fmt.Sprintf("%02d %s", n+1, c.args), func(t *testing.T) {
			port, _ := smtpSink(t, c.args...)
			r := relay.NewSMTP(relay.Config{Host: "127.0.0.1", Port: port, TLS: relay.None})
			if got := deliver(t, over(t, r), to, msg); got.State != c.state {
				t.Errorf("got %+v, want %s", got, c.state)
			}
		})
	}
}

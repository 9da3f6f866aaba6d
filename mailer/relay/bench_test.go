package relay_test

import (
	"bufio"
	"bytes"
	"net"
	"strings"
	"testing"

	"tidings/mailer/relay"
)

// sink takes every mail and keeps none, with as little work of its own as may be. With nagle it is a server of the older kind,
// which writes each answer by itself and leaves it to the kernel when it goes out.
func sink(b *testing.B, offers string, nagle bool) (port int) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_ = conn.(*net.TCPConn).SetNoDelay(!nagle)
				_, _ = conn.Write([]byte("220 sink ESMTP\r\n"))
				swallow(conn, offers, nagle)
			}()
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}

func swallow(conn net.Conn, offers string, hasty bool) {
	r, w := bufio.NewReaderSize(conn, 64<<10), bufio.NewWriter(conn)
	for message := false; ; {
		line, err := r.ReadSlice('\n')
		switch {
		case err != nil:
			return
		case message && !bytes.Equal(line, []byte(".\r\n")):
			continue
		case bytes.HasPrefix(line, []byte("EHLO")):
			_, _ = w.WriteString("250-sink\r\n" + offers)
		}
		message = bytes.HasPrefix(line, []byte("DATA"))
		if message {
			_, _ = w.WriteString("354 go on\r\n")
		} else {
			_, _ = w.WriteString("250 2.0.0 Ok: queued as 0123456789\r\n")
		}
		if (hasty || r.Buffered() == 0) && w.Flush() != nil {
			return
		}
	}
}

// letter47k is a digest of 47 kB, with room for the final dot, and a line here and there that begins with one if dots is set.
func letter47k(dots bool) []byte {
	line := strings.Repeat("x", 74) + "\r\n"
	msg := make([]byte, 0, 64<<10)
	for msg = append(msg, "Subject: news\r\n\r\n"...); len(msg) < 47_000; msg = append(msg, line...) {
		if dots && len(msg)%100 == 0 {
			msg = append(msg, '.')
		}
	}
	return msg
}

func BenchmarkDeliver(b *testing.B) {
	for _, c := range []struct {
		name string
		port func() int
		dots bool
	}{
		{"pipelining", func() int { return sink(b, "250-PIPELINING\r\n", false) }, false},
		{"pipelining, dots", func() int { return sink(b, "250-PIPELINING\r\n", false) }, true},
		{"pipelining, slow to say", func() int { return sink(b, "250-PIPELINING\r\n", true) }, false},
		{"one by one", func() int { return sink(b, "", false) }, false},
		{"smtp-sink", func() int { port, _ := smtpSink(b); return port }, false},
		{"smtp-sink, one by one", func() int { port, _ := smtpSink(b, "-p"); return port }, false},
	} {
		b.Run(c.name, func(b *testing.B) {
			port, msg := c.port(), letter47k(c.dots)
			r := relay.NewSMTP(relay.Config{Host: "127.0.0.1", Port: port, TLS: relay.None, LocalName: "news.example.org", Messages: 1 << 30})
			session, err := r.Connect(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = session.Close() }()
			b.ReportAllocs()
			b.ResetTimer()
			for b.Loop() {
				reply, err := session.Deliver(b.Context(), relay.Mail{From: from, To: to, Msg: msg})
				if err != nil || reply.State != relay.Accepted {
					b.Fatal(reply, err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msgs/s")
		})
	}
}

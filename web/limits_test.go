package web_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener whose connections are pipes: nothing is sent that is not read, and time is the test's own.
type pipes struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// dial gives the client's end of a new connection.
func (p *pipes) dial() net.Conn {
	client, server := net.Pipe()
	p.conns <- server
	return client
}

// TestSlowClients: a client that is slow but alive gets a large file, however long that takes; one that stalls is cut off, whether
// it sends or reads.
func TestSlowClients(t *testing.T) {
	s := newFolder(t)
	const name, size = "media/0123456789ab-film.mp4", 9 << 20 // one that is not kept in memory
	s.put(name, strings.Repeat("x", size))
	s.put("page.html", strings.Repeat("x", 1<<20)) // and one that is
	for path, size := range map[string]int64{name: size, "page.html": 1 << 20} {
		synctest.Test(t, func(t *testing.T) {
			l, srv := newPipes(), s.web.NewHTTPServer()
			go srv.Serve(l)
			defer srv.Close()

			slow := l.dial()
			fmt.Fprintf(slow, "GET /%s HTTP/1.1\r\nHost: x\r\n\r\n", path)
			began := time.Now()
			res, err := http.ReadResponse(bufio.NewReader(slow), nil)
			if err != nil {
				t.Fatal(err)
			}
			var got int64
			for err == nil {
				var n int64
				n, err = io.CopyN(io.Discard, res.Body, 32<<10)
				got += n
				time.Sleep(10 * time.Second) // 3 kB a second
			}
			if took := time.Since(began); got != size || took < 5*time.Minute {
				t.Errorf("%s: a slow client got %d bytes in %v: %v", path, got, took, err)
			}
			slow.Close()

			dead := l.dial()
			fmt.Fprintf(dead, "GET /%s HTTP/1.1\r\nHost: x\r\n\r\n", path)
			time.Sleep(2 * time.Minute)
			if n, err := io.Copy(io.Discard, dead); n > 128<<10 {
				t.Errorf("%s: one that stalled got %d bytes more, %v", path, n, err)
			}
			dead.Close()
		})
	}
	for name, begin := range map[string]string{"a connection that says nothing": "", "a header without end": "GET / HTTP/1.1\r\nHost: x\r\nX: ", "a body that does not come": "POST /-/u/x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"} {
		synctest.Test(t, func(t *testing.T) {
			l, srv := newPipes(), s.web.NewHTTPServer()
			go srv.Serve(l)
			defer srv.Close()
			c := l.dial()
			go fmt.Fprint(c, begin)
			began := time.Now()
			_, _ = io.Copy(io.Discard, c)
			if took := time.Since(began); took > 2*time.Minute || took == 0 {
				t.Errorf("%s: it was held for %v", name, took)
			}
			c.Close()
		})
	}
}

// TestConnections: only so many connections are served at a time; when one ends, another may come.
func TestConnections(t *testing.T) {
	s := newFolder(t)
	s.put("page.html", "x")
	synctest.Test(t, func(t *testing.T) {
		l, srv := newPipes(), s.web.NewHTTPServer()
		go srv.Serve(l)
		defer srv.Close()
		answered := func(c net.Conn) bool {
			_ = c.SetDeadline(time.Now().Add(time.Second))
			if _, err := fmt.Fprint(c, "GET /page.html HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
				return false
			}
			res, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				return false
			}
			_, err = io.Copy(io.Discard, res.Body)
			return err == nil && res.StatusCode == 200
		}
		var open []net.Conn
		for range 2048 {
			open = append(open, l.dial())
		}
		if c := l.dial(); answered(c) {
			t.Error("one too many is served")
		}
		if !answered(open[0]) {
			t.Error("one that was there is not")
		}
		open[1].Close()
		synctest.Wait()
		if c := l.dial(); !answered(c) {
			t.Error("one that left makes no room")
		} else if err := c.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
		for _, c := range open {
			c.Close()
		}
	})
}

package web

import (
	"context"
	"io"
	"net"
	"net/http"
)

// Joining gives a listener whose TCP connections send a whole answer at once. By itself net/http sends the headers with the first few
// kilobytes and then the rest, which wakes the client twice.
func Joining(l net.Listener) net.Listener { return joiner{l} }

type joiner struct{ net.Listener }

// Accept waits for the next connection. One that is not of TCP is given as it is. The error is the listener's.
func (l joiner) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if tcp, ok := c.(*net.TCPConn); ok {
		c = &joining{TCPConn: tcp}
	}
	return c, err
}

// joining is a connection that holds back the beginning of an answer until more of it comes. It is the server's, whose writes come one after
// another.
type joining struct {
	*net.TCPConn
	holds bool
	held  []byte
}

// headBuffer is what net/http gathers before it sends anything.
const headBuffer = 4 << 10

// Write sends p, and before it what is held; or it holds p, if it is what begins an answer. The number is of the bytes of p, the error the
// connection's: that of bytes that were held comes with those that follow them.
func (c *joining) Write(p []byte) (int, error) {
	if c.holds && len(c.held) == 0 && len(p) <= headBuffer {
		c.held = append(c.held, p...)
		return len(p), nil
	}
	if len(c.held) == 0 {
		return c.TCPConn.Write(p)
	}
	both := net.Buffers{c.held, p} // one call, without copying p
	sent, err := both.WriteTo(c.TCPConn)
	sent -= int64(len(c.held))
	c.held = c.held[:0]
	return max(0, int(sent)), err
}

// ReadFrom sends what is held, and then lets the system send src, if that is a file.
func (c *joining) ReadFrom(src io.Reader) (int64, error) {
	if len(c.held) > 0 {
		if _, err := c.Write(nil); err != nil {
			return 0, err
		}
	}
	return c.TCPConn.ReadFrom(src)
}

type connection struct{}

// withConnection lets the requests of a connection find it.
func withConnection(ctx context.Context, c net.Conn) context.Context {
	if j, ok := c.(*joining); ok {
		ctx = context.WithValue(ctx, connection{}, j)
	}
	return ctx
}

// joined has what is written meanwhile go out at once, if the request's connection can do so. It must not be flushed.
func joined(r *http.Request, write func()) {
	c, ok := r.Context().Value(connection{}).(*joining)
	if !ok {
		write()
		return
	}
	c.holds = true
	defer func() { c.holds = false }() // net/http sends a full buffer when there is more: what is held goes with that, be it only then
	write()
}

package web_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"tidings/web"
)

// TestJoining: an answer with a file that is kept goes out at once, headers and all, whatever its length, and the next one on the same
// connection is whole, too.
func TestJoining(t *testing.T) {
	t.Parallel()
	s := newFolder(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := s.web.NewHTTPServer()
	go srv.Serve(web.Joining(l))
	defer srv.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	in := bufio.NewReader(c)
	var before uint32
	for _, size := range []int{0, 1, 511, 3000, 3400, 3500, 3550, 3600, 3650, 3700, 4095, 4096, 4097, 8192, 34_000, 60_000, 64 << 10, 100_000, 200_000, 3000} {
		name, text := fmt.Sprintf("%d.bin", size), strings.Repeat("x", size)
		s.put(name, text)
		for _, method := range []string{"GET", "HEAD", "GET"} {
			fmt.Fprintf(c, "%s /%s HTTP/1.1\r\nHost: news.example.org\r\n\r\n", method, name)
			got, err := http.ReadResponse(in, &http.Request{Method: method})
			if err != nil {
				t.Fatalf("%s of %d bytes: %v", method, size, err)
			}
			body, err := io.ReadAll(got.Body)
			if want := text; err != nil || got.StatusCode != 200 || got.ContentLength != int64(size) || method == "GET" && string(body) != want {
				t.Fatalf("%s of %d bytes: %d, %d bytes of %d, %v", method, size, got.StatusCode, len(body), got.ContentLength, err)
			}
			now := segments(t, c)
			if size <= 60_000 && now != before+1 { // loopback's segments hold 64 kB
				t.Errorf("%s of %d bytes: %d segments with data, want 1", method, size, now-before)
			}
			before = now
		}
	}
}

// segments is how many segments with data a connection has received.
func segments(t *testing.T, c net.Conn) (n uint32) {
	t.Helper()
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	err = raw.Control(func(fd uintptr) {
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		if err != nil {
			t.Error(err)
			return
		}
		n = info.Data_segs_in
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

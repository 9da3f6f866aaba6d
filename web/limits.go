package web

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// What a client may take: connections by many, time by one.
const (
	maxConnections = 2048
	headerWithin   = 10 * time.Second
	requestWithin  = 30 * time.Second
	answerWithin   = time.Minute      // to its first piece
	pieceWithin    = 30 * time.Second // for each further piece: 2 kB a second
	piece          = 64 << 10         // bytes
	idleWithin     = time.Minute
	maxHeader      = 32 << 10 // bytes
)

// NewHTTPServer gives a server with time-outs that no slow client can outwait, for a listener that Joining gives or any other. Beyond 2,048
// connections at a time it closes new ones.
func (s *Server) NewHTTPServer() *http.Server {
	return &http.Server{
		Handler: s.Handler(), ReadHeaderTimeout: headerWithin, ReadTimeout: requestWithin, WriteTimeout: answerWithin,
		IdleTimeout: idleWithin, MaxHeaderBytes: maxHeader, ConnState: bounded(maxConnections), ConnContext: withConnection,
		ErrorLog: slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug),
	}
}

// bounded closes the connections that are one too many. A listener that counts, as there is in golang.org/x/net/netutil, would
// hide from net/http that a connection can send files by itself.
func bounded(most int64) func(net.Conn, http.ConnState) {
	var open atomic.Int64
	return func(c net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			if open.Add(1) > most {
				c.Close()
			}
		case http.StateClosed, http.StateHijacked:
			open.Add(-1)
		}
	}
}

// steady gives every piece of an answer a time of its own. So a client that is slow but alive gets the largest
// file, and one that has stopped reading is cut off.
type steady struct{ http.ResponseWriter }

// WriteHeader takes away what http.ServeContent leaves of the file in an answer without it: a length that no bytes follow.
func (w steady) WriteHeader(status int) {
	if status == http.StatusPreconditionFailed {
		withoutContent(w.Header())
	}
	w.ResponseWriter.WriteHeader(status)
}

// ReadFrom sends what http.ServeContent copies. It hands on files and bytes as such: they go out without another copy.
func (w steady) ReadFrom(src io.Reader) (sent int64, err error) {
	limited, ok := src.(*io.LimitedReader)
	if !ok {
		limited = &io.LimitedReader{R: src, N: 1<<63 - 1}
	}
	for limited.N > 0 {
		if sent > 0 { // the server has set the first
			// Not every ResponseWriter can; those that cannot are no connections.
			_ = http.NewResponseController(w.ResponseWriter).SetWriteDeadline(time.Now().Add(pieceWithin))
		}
		n, err := w.copyPiece(limited)
		sent += n
		limited.N -= n
		if err != nil || n == 0 {
			return sent, err
		}
	}
	return sent, nil
}

func (w steady) copyPiece(from *io.LimitedReader) (int64, error) {
	n := min(piece, from.N)
	if m, ok := from.R.(*memory); ok {
		written, err := w.Write(m.next(int(n)))
		return int64(written), err
	}
	return io.Copy(w.ResponseWriter, &io.LimitedReader{R: from.R, N: n})
}

// memory reads bytes like a bytes.Reader, and gives them away without copying.
type memory struct {
	b  []byte
	at int64
}

func (m *memory) next(n int) []byte {
	b := m.b[m.at:min(m.at+int64(n), int64(len(m.b)))]
	m.at += int64(len(b))
	return b
}

// Read copies the next bytes, as io.Reader wants it.
func (m *memory) Read(p []byte) (int, error) {
	n := copy(p, m.b[m.at:])
	m.at += int64(n)
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// Seek seeks from the start or the end, as http.ServeContent does.
func (m *memory) Seek(offset int64, whence int) (int64, error) {
	if whence == io.SeekEnd {
		offset += int64(len(m.b))
	}
	m.at = offset
	return offset, nil
}

package web

import (
	"bytes"
	"io"
	"strconv"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
)

// coding is a content coding (RFC 9110 §8.4.1).
type coding struct {
	name, ext string // as headers call it, and as the names of compressed siblings end
	pack      func(io.Writer) io.WriteCloser
	unpack    func(io.Reader) (io.Reader, error)
}

// codings are those that are offered, the smaller first.
var codings = []coding{
	{"br", ".br",
		func(w io.Writer) io.WriteCloser { return brotli.NewWriterLevel(w, 5) },
		func(r io.Reader) (io.Reader, error) { return brotli.NewReader(r), nil }},
	{"gzip", ".gz",
		func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) },
		func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }},
}

// packed gives b compressed.
func (c coding) packed(b []byte) []byte {
	var out bytes.Buffer
	w := c.pack(&out)
	// A buffer takes everything.
	_, _ = w.Write(b)
	_ = w.Close()
	return out.Bytes()
}

// holds tells whether what is in packed is exactly b.
func (c coding) holds(packed, b []byte) bool {
	r, err := c.unpack(bytes.NewReader(packed))
	if err != nil {
		return false
	}
	got, err := io.ReadAll(io.LimitReader(r, int64(len(b))+1))
	return err == nil && bytes.Equal(got, b)
}

// preferred chooses for an Accept-Encoding (RFC 9110 §12.5.3) the index in codings, or -1 for the bytes as they are. A client
// that takes nothing at all gets these too: that helps it more than a 406.
func preferred(accept string) int {
	best, highest := -1, 0.0
	if accept == "" {
		return best
	}
	if q, named := weight(accept, "identity"); named {
		highest = q
	}
	for i, c := range codings {
		q, _ := weight(accept, c.name)
		if q > highest || best < 0 && q > 0 && q == highest {
			best, highest = i, q
		}
	}
	return best
}

// weight is the quality that the header gives to a coding, by its name or, failing that, as one of all others.
func weight(accept, coding string) (q float64, named bool) {
	for part := range strings.SplitSeq(accept, ",") {
		name, parameters, _ := strings.Cut(part, ";")
		name = strings.TrimSpace(name)
		switch {
		case strings.EqualFold(name, coding), coding == "gzip" && strings.EqualFold(name, "x-gzip"):
			return quality(parameters), true
		case name == "*":
			q = quality(parameters)
		}
	}
	return q, false
}

// quality reads the parameter q; one that cannot be read asks for nothing.
func quality(parameters string) float64 {
	key, value, _ := strings.Cut(parameters, "=")
	if !strings.EqualFold(strings.TrimSpace(key), "q") {
		return 1
	}
	q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil || q < 0 || q > 1 {
		return 0
	}
	return q
}

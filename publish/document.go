package publish

import (
	"bytes"
	"fmt"
	"io"
	"math/bits"
	"strings"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"

	"tidings/feed"
)

// Stage is when a document is put in place, of those of one publication.
type Stage int

// The stages: notices in the place of stories that were taken back come first, whatever becomes of the others; feeds come last, so that
// none names a page that is not there yet.
const (
	Notices Stage = iota - 1
	Pages
	Feeds
)

// Document is one file of the site: what it is made of, and how.
type Document struct {
	Path     string // under the publish folder, slash-separated
	Print    string // stands for all that it is made of: with the same print it is the same bytes
	Stage    Stage
	Compress bool // compressed siblings are put beside it, for web servers to send as they are

	// Make may be called on any goroutine, at the same time as others. An error of the kind Invalid with bytes says that they are what
	// could be kept of the document.
	Make func() ([]byte, error)

	// Spoilt, if it is there, tells of what was published last whether it must not stay, even if nothing can take its place.
	Spoilt func(last []byte) bool

	// Stays leaves what was published last as it is, if it is there and not spoilt. Where there is no Make, nothing takes its place.
	Stays bool
}

// always is what Spoilt is of a document that takes the place of what was taken back.
func always([]byte) bool { return true }

// Invalid says that a document would break the rules of its format as a whole. It is an error of Make.
type Invalid struct {
	Path       string
	Violations []feed.Violation
	Part       bool // the document is there without the entries that would break it
}

// Error tells the first violation.
func (i Invalid) Error() string {
	if i.Part {
		return fmt.Sprintf("%s is without what would break it: %v", i.Path, i.Violations[0])
	}
	return fmt.Sprintf("%s would not be valid: %v", i.Path, i.Violations[0])
}

// The endings of compressed siblings.
const (
	gzipExt   = ".gz"
	brotliExt = ".br"
)

// paths are the files of a document: itself and its siblings.
func (d Document) paths() []string {
	if !d.Compress {
		return []string{d.Path}
	}
	return []string{d.Path, d.Path + gzipExt, d.Path + brotliExt}
}

// The levels cost a few milliseconds for a feed; the best ones cost a hundred times as much and gain a tenth.
const (
	gzipLevel   = 6
	brotliLevel = 5
)

// window is the least window (RFC 7932 §9.1), in bits, that holds so many bytes: the usual one would take 16 MB of memory for each document.
func window(size int) int { return max(10, min(widest, bits.Len(uint(size))+1)) }

const widest = 22

// compressed gives data as the sibling at a path holds it.
func compressed(path string, data []byte) ([]byte, error) {
	pool, size := &gzips, window(len(data))
	if strings.HasSuffix(path, brotliExt) {
		pool = &brotlis[size]
	}
	w, again := pool.Get().(compressor)
	if !again {
		w = newCompressor(path, size)
	}
	defer pool.Put(w)
	var b bytes.Buffer
	w.Reset(&b)
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// compressor makes one sibling after another.
type compressor interface {
	io.WriteCloser
	Reset(io.Writer)
}

// Compressors are used again, since each has tables of some megabytes: those of brotli by their windows.
var (
	gzips   sync.Pool
	brotlis [widest + 1]sync.Pool
)

func newCompressor(path string, window int) compressor {
	if strings.HasSuffix(path, brotliExt) {
		return brotli.NewWriterOptions(nil, brotli.WriterOptions{Quality: brotliLevel, LGWin: window})
	}
	z, _ := gzip.NewWriterLevel(nil, gzipLevel) // the only error is a level that there is not
	return z
}

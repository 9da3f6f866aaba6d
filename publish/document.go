package publish

import (
	"bytes"
	"fmt"
	"math/bits"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"

	"tidings/feed"
	"tidings/internal/atomicfile"
)

// Stage is when a document is put in place, of those of one publication.
type Stage int

// The stages: feeds come last, so that none names a page that is not there yet.
const (
	Pages Stage = iota
	Feeds
)

// Document is one file of the site: what it is made of, and how.
type Document struct {
	Path     string // under the publish folder, slash-separated
	Print    string // stands for all that it is made of: with the same print it is the same bytes
	Stage    Stage
	Compress bool // compressed siblings are put beside it, for web servers to send as they are

	Make func() ([]byte, error) // it may be called on any goroutine, at the same time as others
}

// Invalid says that a document would break the rules of its format. It is an error of Make.
type Invalid struct {
	Path       string
	Violations []feed.Violation
}

// Error tells the first violation.
func (i Invalid) Error() string {
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
func window(size int) int { return max(10, min(22, bits.Len(uint(size))+1)) }

// compress puts the siblings of a document beside it. They come after it: a server takes none that is older.
func (f *Folder) compress(d Document, data []byte) error {
	if !d.Compress {
		return nil
	}
	var zipped, brotlied bytes.Buffer
	z, err := gzip.NewWriterLevel(&zipped, gzipLevel)
	if err != nil {
		return err
	}
	b := brotli.NewWriterOptions(&brotlied, brotli.WriterOptions{Quality: brotliLevel, LGWin: window(len(data))})
	for _, w := range []interface {
		Write([]byte) (int, error)
		Close() error
	}{z, b} {
		if _, err := w.Write(data); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
	}
	if err := atomicfile.Place(f.path(d.Path+gzipExt), zipped.Bytes(), 0o644); err != nil {
		return err
	}
	return atomicfile.Place(f.path(d.Path+brotliExt), brotlied.Bytes(), 0o644)
}

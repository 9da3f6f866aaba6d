package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/sync/singleflight"
)

// What is kept in memory. A bigger file is read for each answer, and never compressed.
const (
	keptFile  = 8 << 20  // bytes of one file
	keptAll   = 64 << 20 // bytes of all of them, with their compressed forms
	keptFiles = 10_000
	smallest  = 512 // bytes; less is not worth compressing
)

// lookEvery is how long a file is taken to be as it was: a feed that is asked for ten thousand times a second need not be looked at as
// often. It is less than a publication takes to end after its last file, so that a hub which is told of it gets the new feed.
const lookEvery = 2 * time.Millisecond

// files reads the publish folder, and remembers what it read for as long as the file stays the same, which it looks at again for a request
// that comes lookEvery after the last look. It assumes that a file is put in place by rename, or at least gets another time when it changes.
type files struct {
	dir   string
	now   func() time.Time
	old   editions
	reads singleflight.Group

	mu   sync.Mutex // guards what is below
	kept *simplelru.LRU[string, *file]
	size int // bytes kept
}

func newFiles(dir string, now func() time.Time) *files {
	if now == nil {
		now = time.Now
	}
	s := &files{dir: dir, now: now, old: newEditions()}
	// The only error is a size that is not positive.
	s.kept, _ = simplelru.NewLRU(keptFiles, func(_ string, f *file) { s.size -= f.weight() })
	return s
}

// file is a file as it was when it was read.
type file struct {
	form
	name  string // under the folder, slash-separated
	info  fs.FileInfo
	seen  atomic.Int64 // when it was last found to be as it was read, in nanoseconds since 1970
	spans []span       // the entries of a feed that can be had in parts
	forms []func() form
}

// form is what a client gets: the bytes, compressed or not, and the entity tag that no other bytes have.
type form struct {
	body   []byte // nil: not kept
	tag    string // without the quotes: base64 of the content's SHA-256, of a compressed form followed by a dot and its own
	coding string // "" for the bytes as they are

	whole, unchanged http.Header // of an answer with the bytes, and of one without, for the client has them
}

// weight is the most that is kept of the file, in bytes: no compressed form is as long as the body.
func (f *file) weight() int { return (1+len(f.forms))*len(f.body) + 1<<10 }

// same tells whether info is that of the file that was read.
func (f *file) same(info fs.FileInfo) bool {
	return os.SameFile(f.info, info) && f.info.Size() == info.Size() && f.info.ModTime().Equal(info.ModTime())
}

// get gives the file called name. A folder and what is hidden are fs.ErrNotExist.
func (s *files) get(name string) (*file, error) {
	now := s.now().UnixNano()
	last, known := s.known(name)
	if known && last.body != nil && time.Duration(now-last.seen.Load()).Abs() < lookEvery {
		return last, nil
	}
	info, err := s.stat(name)
	if err != nil {
		s.forget(name)
		return nil, err
	}
	if known && last.same(info) {
		last.seen.Store(now)
		return last, nil
	}
	f, err, _ := s.reads.Do(name, func() (any, error) { return s.read(name) })
	if err != nil {
		return nil, err
	}
	return f.(*file), nil
}

// stat may look through a symbolic link that leads out of the folder: its answer serves only to recognise a file that was
// opened with more care.
func (s *files) stat(name string) (fs.FileInfo, error) {
	if hidden(name) {
		return nil, fs.ErrNotExist
	}
	info, err := os.Stat(filepath.Join(s.dir, filepath.FromSlash(name)))
	if errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ENAMETOOLONG) || errors.Is(err, syscall.EINVAL) {
		err = fs.ErrNotExist
	}
	return info, err
}

func hidden(name string) bool {
	return strings.HasPrefix(name, ".") || strings.Contains(name, "/.")
}

// isFolder tells whether there is a folder of that name with a page in it.
func (s *files) isFolder(name string) bool {
	info, err := s.stat(name)
	if err != nil || !info.IsDir() {
		return false
	}
	return s.has(path.Join(name, "index.html"))
}

func (s *files) has(name string) bool {
	_, err := s.get(name)
	return err == nil
}

func (s *files) known(name string) (*file, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kept.Get(name)
}

func (s *files) remember(f *file) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept.Remove(f.name)
	s.kept.Add(f.name, f)
	for s.size += f.weight(); s.size > keptAll; {
		s.kept.RemoveOldest()
	}
}

func (s *files) forget(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept.Remove(name)
}

// open opens a file, and nothing that lies outside of the folder.
func (s *files) open(name string) (*os.File, fs.FileInfo, error) {
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return nil, nil, err
	}
	defer root.Close()
	if info, err := root.Stat(name); err != nil || !info.Mode().IsRegular() { // opening a pipe would wait for its writer
		return nil, nil, errors.Join(fs.ErrNotExist, err)
	}
	in, err := root.Open(name)
	if err != nil {
		return nil, nil, err
	}
	info, err := in.Stat()
	if err != nil {
		in.Close()
		return nil, nil, err
	}
	return in, info, nil
}

func (s *files) read(name string) (*file, error) {
	now := s.now()
	in, info, err := s.open(name)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	f := &file{name: name, info: info}
	f.seen.Store(now.UnixNano())
	if info.Size() <= keptFile {
		err = s.fill(f, in)
	} else {
		f.tag, err = tag(in)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	f.whole, f.unchanged = headers(name, info.ModTime(), f.form)
	s.remember(f)
	return f, nil
}

// fill reads a file that is kept.
func (s *files) fill(f *file, in io.Reader) (err error) {
	if f.body, err = io.ReadAll(in); err != nil {
		return err
	}
	if f.tag, err = tag(bytes.NewReader(f.body)); err != nil {
		return err
	}
	if inParts(f.name) {
		f.spans = spans(f.body)
		s.old.remember(f)
	}
	if len(f.body) < smallest || !packable(f.name) {
		return nil
	}
	for _, c := range codings {
		f.forms = append(f.forms, sync.OnceValue(func() form { return s.packed(f, c) }))
	}
	return nil
}

// packed gives a file in a coding. A sibling that was made beforehand is taken if it holds the very bytes of the file, which no
// times of files can prove.
func (s *files) packed(f *file, c coding) form {
	body, ok := s.sibling(f, c)
	if !ok {
		body = c.packed(f.body)
	}
	if len(body) >= len(f.body) {
		return f.form
	}
	own, err := tag(bytes.NewReader(body))
	if err != nil {
		return f.form
	}
	packed := form{body: body, tag: f.tag + "." + own, coding: c.name}
	packed.whole, packed.unchanged = headers(f.name, f.info.ModTime(), packed)
	return packed
}

func (s *files) sibling(f *file, c coding) ([]byte, bool) {
	in, info, err := s.open(f.name + c.ext)
	if err != nil {
		return nil, false
	}
	defer in.Close()
	if info.Size() >= int64(len(f.body)) {
		return nil, false
	}
	body, err := io.ReadAll(in)
	return body, err == nil && c.holds(body, f.body)
}

// in gives the form of the file that an Accept-Encoding asks for.
func (f *file) in(accept string) form {
	if i := preferred(accept); i >= 0 && len(f.forms) > 0 {
		return f.forms[i]()
	}
	return f.form
}

// errChanged says that a file was replaced between two looks at it.
var errChanged = errors.New("the file is being replaced")

// content opens a file that is not kept.
func (s *files) content(f *file) (*os.File, error) {
	in, info, err := s.open(f.name)
	if err == nil && !f.same(info) {
		in.Close()
		err = errChanged
	}
	return in, err
}

// tag is what stands for these bytes in an entity tag.
func tag(r io.Reader) (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:12]), nil
}

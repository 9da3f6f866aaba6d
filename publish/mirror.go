package publish

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Mirror brings a target to the state of the publish folder. It remembers in the database what it put there: so it puts only what
// changed since, goes on where it was cut short, and takes away nothing but its own.
type Mirror struct {
	Folder *Folder
	Target Target
	Name   string // of the target in the database: what was put under another one is as if it were not there
}

// The pace of a mirror.
const (
	atOnce   = 8   // requests under way
	together = 256 // objects that are noted in the database at a time: a process that is killed has to put no more of them again
)

// Update puts into the target what the publish folder holds and takes away what it holds no more, each only if need be. What is
// taken away goes first; then come the objects named in first, such as the notices in the place of stories that were taken back;
// then media, pages, and feeds last, so that no feed names a page that is not there. After the first error nothing more is begun,
// but ErrDenied: a key that may not delete must not keep news from appearing. The report tells as much as was done even then.
//
// The folder may change meanwhile. What is remembered is what was sent; a feed that is newer than the pages that were sent before it
// waits for the next update. The compressed siblings of feeds are left out: an object storage does not choose among them.
func (m *Mirror) Update(ctx context.Context, first []string) (Report, error) {
	var r Report
	known, err := m.Folder.records.load(ctx, m.Folder.DB)
	if err != nil {
		return r, err
	}
	held, err := m.held(ctx)
	if err != nil {
		return r, err
	}
	failed := m.remove(ctx, gone(held, known), &r)
	if failed != nil && !errors.Is(failed, ErrDenied) {
		return r, failed
	}
	due := make([][]string, turns)
	for p, k := range known {
		switch {
		case k.print == "" || isSibling(p, known): // what is not known to be in place is left as it is
		case held[p] == objectPrint(p, k.hash):
			r.Same++
		default:
			t := turn(p, first)
			due[t] = append(due[t], p)
		}
	}
	return r, errors.Join(failed, m.putAll(ctx, due, known, &r))
}

// objectPrint is of all that a target holds of a file.
func objectPrint(p string, hash [sha256.Size]byte) string {
	h := HeadersOf(p)
	return PrintOf(h.Type, h.Cache, hex.EncodeToString(hash[:]))
}

// isSibling tells whether a file is another one, compressed.
func isSibling(p string, known map[string]record) bool {
	for _, ext := range []string{gzipExt, brotliExt} {
		if base, ok := strings.CutSuffix(p, ext); ok {
			if _, ok := known[base]; ok {
				return true
			}
		}
	}
	return false
}

// gone are the objects whose files the folder does not hold any more, sorted.
func gone(held map[string]string, known map[string]record) (paths []string) {
	for p := range held {
		if _, ok := known[p]; !ok {
			paths = append(paths, p)
		}
	}
	slices.Sort(paths)
	return paths
}

// turns is how many there are.
const turns = 5

// turn tells when an object is put, of those of one update: 0 comes first.
func turn(p string, first []string) int {
	isPage := path.Ext(p) == ".html"
	switch {
	case slices.Contains(first, p):
		return 0
	case !isPage && !OfFeeds(p):
		return 1
	case isPage:
		return 2
	case Archived(p): // live feeds lead to them
		return 3
	default:
		return turns - 1
	}
}

// remove takes objects away.
func (m *Mirror) remove(ctx context.Context, paths []string, r *Report) error {
	done, err := several(ctx, paths, func(ctx context.Context, p string) (bool, error) { return true, m.Target.Remove(ctx, p) })
	r.Removed = append(r.Removed, done...)
	return errors.Join(err, m.forget(context.WithoutCancel(ctx), done))
}

// putAll puts objects, turn by turn.
func (m *Mirror) putAll(ctx context.Context, due [][]string, known map[string]record, r *Report) error {
	for _, paths := range due {
		slices.Sort(paths)
		for some := range slices.Chunk(paths, together) {
			if err := m.put(ctx, some, known, r); err != nil {
				return err
			}
		}
	}
	return nil
}

// put puts some objects.
func (m *Mirror) put(ctx context.Context, paths []string, known map[string]record, r *Report) error {
	// Before they are sent: an object that nobody remembers would stay for ever, and of one that may have been replaced nothing is known.
	unsure := make(map[string]string, len(paths))
	for _, p := range paths {
		unsure[p] = ""
	}
	if err := m.remember(ctx, unsure); err != nil {
		return err
	}
	var mu sync.Mutex
	prints := make(map[string]string, len(paths))
	done, err := several(ctx, paths, func(ctx context.Context, p string) (bool, error) {
		hash, ok, err := m.send(ctx, p, known[p].hash)
		if ok {
			mu.Lock()
			defer mu.Unlock()
			prints[p] = objectPrint(p, hash)
		}
		return ok, err
	})
	r.Written = append(r.Written, done...)
	return errors.Join(err, m.remember(context.WithoutCancel(ctx), prints))
}

// send puts one file into the target, and gives the hash of the bytes that went. It tells whether they did: a file that is gone by now
// is not sent, and neither is a feed that is not the one meant.
func (m *Mirror) send(ctx context.Context, p string, meant [sha256.Size]byte) (hash [sha256.Size]byte, ok bool, err error) {
	in, err := os.Open(m.Folder.path(p))
	if errors.Is(err, fs.ErrNotExist) {
		return hash, false, nil
	} else if err != nil {
		return hash, false, err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return hash, false, err
	}
	sum := sha256.New()
	if OfFeeds(p) {
		if _, err := io.Copy(sum, in); err != nil || [sha256.Size]byte(sum.Sum(nil)) != meant {
			return hash, false, err
		}
	}
	err = m.Target.Put(ctx, Object{Path: p, Headers: HeadersOf(p), Size: info.Size(), Open: func() (io.ReadCloser, error) {
		sum.Reset()
		_, err := in.Seek(0, io.SeekStart)
		return io.NopCloser(io.TeeReader(in, sum)), err
	}})
	return [sha256.Size]byte(sum.Sum(nil)), err == nil, err
}

// several does the same with several paths, a few at the same time; after the first error it begins no more. It gives those with which
// it was done, sorted.
func several(ctx context.Context, paths []string, do func(context.Context, string) (bool, error)) (done []string, err error) {
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for _, p := range paths {
		g.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			ok, err := do(ctx, p)
			if ok && err == nil {
				mu.Lock()
				defer mu.Unlock()
				done = append(done, p)
			}
			return err
		})
	}
	err = g.Wait()
	slices.Sort(done)
	return done, err
}

package publish

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"

	"tidings/internal/atomicfile"
	"tidings/internal/db"
	"tidings/internal/parallel"
)

// Folder is the publish folder. It remembers in the database which files it put there, what they were made of and what is in them: so
// it makes only those anew that are made of something else, writes only those whose bytes differ, and takes away no others.
type Folder struct {
	DB  *db.DB
	Dir string

	records records
	swept   sync.Once
}

// Report is what a publication did.
type Report struct {
	Written []string  // paths that are new or changed, in the order of the documents
	Removed []string  // paths that went, sorted
	Same    int       // files that were right already
	Refused []Invalid // documents that would not be valid as a whole: a part of them is there, or what was there before stays
}

// Changed tells whether anything did.
func (r Report) Changed() bool { return len(r.Written)+len(r.Removed) > 0 }

// Replace makes the folder hold the given documents and nothing else that an earlier call put there. Files no longer wanted go first,
// so that what is taken back is gone even if the disk is full; then the others are written stage by stage, each only if its bytes
// differ, by rename. The report tells as much as was done even when there is an error.
//
// Files named in keep stay if an earlier call wrote them: mails that went out lead to them.
func (f *Folder) Replace(ctx context.Context, docs []Document, keep []string) (Report, error) {
	var r Report
	known, err := f.records.load(ctx, f.DB)
	if err != nil {
		return r, err
	}
	f.swept.Do(func() { err = atomicfile.Sweep(f.places(slices.Collect(maps.Keys(known)))...) })
	wanted := make(map[string]bool, len(docs))
	var due []Document
	var left []string
	for i := range docs {
		d := &docs[i]
		files := d.paths()
		switch {
		case d.Stays && f.stays(d, known):
			left = append(left, files...)
		case d.Make == nil:
		case d.changed(known):
			due = append(due, *d)
		}
		for _, p := range files {
			wanted[p] = true
		}
	}
	for _, p := range keep {
		wanted[p] = true
	}
	// What cannot be taken away must not keep the rest from being replaced, nor what cannot be written the rest from going.
	failed := errors.Join(err, f.remove(ctx, known, wanted, &r), f.adopt(ctx, left, known))
	return r, errors.Join(failed, f.write(ctx, due, known, &r, len(docs)))
}

// Add makes the folder hold the given documents besides what is there. Like any others they go with the next Replace that does not want them.
func (f *Folder) Add(ctx context.Context, docs []Document) error {
	known, err := f.records.load(ctx, f.DB)
	if err != nil {
		return err
	}
	due := slices.DeleteFunc(slices.Clone(docs), func(d Document) bool { return !d.changed(known) })
	return f.write(ctx, due, known, &Report{}, len(docs))
}

// changed tells whether a document is made of something else than what is known to be in the folder.
func (d *Document) changed(known map[string]record) bool {
	return slices.ContainsFunc(d.paths(), func(p string) bool { return known[p].print != d.Print })
}

// stays tells whether a document that is to stay as it was published last can do so.
func (f *Folder) stays(d *Document, known map[string]record) bool {
	if k, noted := known[d.Path]; noted && k.print == "" { // it is gone, or a process died while it wrote it
		return false
	}
	return f.any(d.Path, func(last []byte) bool { return d.Spoilt == nil || !d.Spoilt(last) })
}

// write makes documents and puts them in place.
func (f *Folder) write(ctx context.Context, due []Document, known map[string]record, r *Report, all int) error {
	if len(due) == 0 {
		r.Same = all
		return nil
	}
	// Noted before they are written: a file that nobody remembers would stay for ever, and of one that may have been replaced nothing is
	// known.
	if err := f.records.note(ctx, f.DB, paths(due)); err != nil {
		return err
	}
	var done map[string]record
	var err error
	var flushed sync.WaitGroup
	defer flushed.Wait()
	for i, stage := range stages(due) {
		if i > 0 { // the disk may begin; what fails here fails at the end, too
			flushed.Go(func() { _ = flush(f.Dir, nil) })
		}
		if err != nil { // no feed may name a page that is not there, but to name none that was taken back comes first
			stage = slices.DeleteFunc(stage, func(d Document) bool { return d.Spoilt == nil || !f.any(d.Path, d.Spoilt) })
		}
		made, failed := f.writeStage(ctx, stage, known, r)
		done = merge(done, made)
		err = errors.Join(err, failed)
	}
	r.Same = all - len(r.Written)
	if err == nil || len(r.Written) > 0 {
		err = errors.Join(err, flush(f.Dir, f.places(r.Written)), f.records.save(context.WithoutCancel(ctx), f.DB, done))
	}
	return err
}

func merge(a, b map[string]record) map[string]record {
	if a == nil {
		return b
	}
	maps.Copy(a, b)
	return a
}

// paths are those of all files of documents.
func paths(docs []Document) (all []string) {
	for _, d := range docs {
		all = append(all, d.paths()...)
	}
	return all
}

// stages parts documents by their stage, the first one first.
func stages(docs []Document) (out [][]Document) {
	for _, stage := range []Stage{Notices, Pages, Feeds} {
		var of []Document
		for _, d := range docs {
			if d.Stage == stage {
				of = append(of, d)
			}
		}
		if len(of) > 0 {
			out = append(out, of)
		}
	}
	return out
}

// outcome is what became of a document.
type outcome struct {
	records []record // of its files, in the order of its paths; nil if it was not made
	written bool
	spoilt  bool // it could not be made, and what was there before must go
	err     error
}

// writeStage makes documents on all cores, and gives the records of those that are in place.
func (f *Folder) writeStage(ctx context.Context, docs []Document, known map[string]record, r *Report) (map[string]record, error) {
	outcomes := make([]outcome, len(docs))
	var failed atomic.Bool
	parallel.Do(len(docs), func(i int) {
		if failed.Load() && docs[i].Spoilt == nil || ctx.Err() != nil {
			return // one reason is enough, for all that is not made
		}
		outcomes[i] = f.put(docs[i], known)
		var wrong Invalid
		if err := outcomes[i].err; err != nil && !errors.As(err, &wrong) {
			failed.Store(true)
		}
	})
	done := map[string]record{}
	var errs []error
	for i, o := range outcomes {
		var wrong Invalid
		switch {
		case errors.As(o.err, &wrong):
			r.Refused = append(r.Refused, wrong)
		case o.err != nil:
			errs = append(errs, fmt.Errorf("publish %s: %w", docs[i].Path, o.err))
		}
		if o.spoilt {
			errs = append(errs, f.takeAway(ctx, docs[i].paths(), r))
		}
		if o.records != nil {
			for j, p := range docs[i].paths() {
				done[p] = o.records[j]
			}
			if o.written {
				r.Written = append(r.Written, docs[i].Path)
			}
		}
	}
	return done, errors.Join(append(errs, ctx.Err())...)
}

// put makes a document and writes it if its bytes are others than those that are there.
func (f *Folder) put(d Document, known map[string]record) outcome {
	data, wrong := d.Make()
	if wrong != nil && data == nil {
		return f.failed(d, wrong)
	}
	if wrong != nil {
		d.Print += " in part" // so that it is made, and complained of, again
	}
	now := record{print: d.Print, hash: sha256.Sum256(data), size: int64(len(data))}
	written, err := f.bring(d.Path, data, now, known[d.Path])
	if err != nil {
		return f.failed(d, err)
	}
	records, err := f.compress(d, data, known, written)
	if err != nil {
		return f.failed(d, err)
	}
	return outcome{records: append([]record{now}, records...), written: written, err: wrong}
}

// bring makes a file have these bytes, and tells whether it had others. The page of a folder that was not there is small, and nobody looks
// for it yet; of a picture or a document a part might be kept by caches for ever.
func (f *Folder) bring(p string, data []byte, now, last record) (written bool, err error) {
	to := f.path(p)
	fresh, err := makeFolder(filepath.Dir(to))
	switch {
	case err != nil:
		return false, err
	case fresh && path.Base(p) == "index.html":
		return true, atomicfile.Create(to, data, 0o644)
	case f.has(p, now, last, data):
		return false, nil
	}
	return true, atomicfile.Place(to, data, 0o644)
}

// failed is the outcome for a document that cannot be made or written.
func (f *Folder) failed(d Document, err error) outcome {
	return outcome{err: err, spoilt: d.Spoilt != nil && f.any(d.Path, d.Spoilt)}
}

// any tells whether a file is there of which it is true.
func (f *Folder) any(p string, is func([]byte) bool) bool {
	data, err := os.ReadFile(f.path(p))
	return err == nil && is(data)
}

// has tells whether a file is there already. Nothing is known of its bytes if the database was lost.
func (f *Folder) has(p string, now, last record, data []byte) bool {
	return f.holds(p, now.size) && (last.hash == now.hash || last.hash == [sha256.Size]byte{} && sameBytes(f.path(p), data))
}

// compress puts the siblings of a document beside it, unless they are there and it was not written anew. They come after it: a server
// takes none that is older. It gives their records.
func (f *Folder) compress(d Document, data []byte, known map[string]record, written bool) ([]record, error) {
	var records []record
	for _, p := range d.paths()[1:] {
		if k := known[p]; !written && k.print == d.Print && f.holds(p, k.size) {
			records = append(records, k)
			continue
		}
		small, err := compressed(p, data)
		if err == nil {
			err = atomicfile.Place(f.path(p), small, 0o644)
		}
		if err != nil {
			return nil, err
		}
		records = append(records, record{print: d.Print, hash: sha256.Sum256(small), size: int64(len(small))})
	}
	return records, nil
}

// makeFolder is os.MkdirAll, in one step where only the last folder is missing, as that of a new page is: then it is fresh.
func makeFolder(dir string) (fresh bool, err error) {
	err = os.Mkdir(dir, 0o755)
	if errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrNotExist) {
		return false, os.MkdirAll(dir, 0o755)
	}
	return err == nil, err
}

// sameBytes tells whether a file of which nothing is known, since the database was lost, has these bytes.
func sameBytes(name string, data []byte) bool {
	have, err := os.ReadFile(name)
	return err == nil && bytes.Equal(have, data)
}

func (f *Folder) places(paths []string) []string {
	out := make([]string, len(paths))
	for i, p := range paths {
		out[i] = f.path(p)
	}
	return out
}

// Distrust forgets what is in the files, so that the next Replace makes and writes them all anew.
func (f *Folder) Distrust(ctx context.Context) error {
	known, err := f.records.load(ctx, f.DB)
	if err != nil {
		return err
	}
	return f.records.note(ctx, f.DB, slices.Collect(maps.Keys(known)))
}

// holds tells whether a file of this size is at a path.
func (f *Folder) holds(p string, size int64) bool {
	info, err := os.Lstat(f.path(p))
	return err == nil && info.Mode().IsRegular() && info.Size() == size
}

// Verify looks whether the files that Replace put there are there still and of the right size, forgets what it knew of those that are
// not, so that the next Replace makes them anew, and gives their number.
func (f *Folder) Verify(ctx context.Context) (int, error) {
	known, err := f.records.load(ctx, f.DB)
	if err != nil {
		return 0, err
	}
	paths := slices.Sorted(maps.Keys(known))
	var mu sync.Mutex
	lost := map[string]record{}
	parallel.Do(len(paths), func(i int) {
		if k := known[paths[i]]; k.print != "" && !f.holds(paths[i], k.size) {
			mu.Lock()
			defer mu.Unlock()
			lost[paths[i]] = record{}
		}
	})
	if len(lost) == 0 {
		return 0, nil
	}
	return len(lost), f.records.save(ctx, f.DB, lost)
}

// remove takes away what it can of the known files that are not wanted, and gives the errors of all others.
func (f *Folder) remove(ctx context.Context, known map[string]record, wanted map[string]bool, r *Report) error {
	var paths []string
	for p := range known {
		if !wanted[p] {
			paths = append(paths, p)
		}
	}
	slices.Sort(paths)
	return f.takeAway(ctx, paths, r)
}

// takeAway takes away what it can of some files, and gives the errors of all others.
func (f *Folder) takeAway(ctx context.Context, paths []string, r *Report) error {
	failed := []error{atomicfile.Sweep(f.places(paths)...)} // a process that died may have left a part of what is to go
	var gone []string
	for _, p := range paths {
		if err := os.Remove(f.path(p)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			failed = append(failed, err)
			continue
		}
		// The folder of a page that went is empty now; one that is not, is somebody's, and so is a symbolic link, which os.Remove
		// would take for a file.
		for d := path.Dir(p); d != "." && syscall.Rmdir(f.path(d)) == nil; d = path.Dir(d) {
		}
		gone = append(gone, p)
	}
	r.Removed = append(r.Removed, gone...)
	return errors.Join(append(failed, f.records.forget(ctx, f.DB, gone))...)
}

func (f *Folder) path(p string) string { return filepath.Join(f.Dir, filepath.FromSlash(p)) }

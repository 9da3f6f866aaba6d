package items

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"tidings/internal/parallel"
	"tidings/internal/problem"
)

// Folder is staff's folder of item files, with its subfolders. A Folder remembers what it read, so that looking again costs
// little; it is not safe for concurrent use.
type Folder struct {
	// Grace is how long at most TakeSettled lets an item wait for a file beside it.
	Grace time.Duration

	dir    string
	label  string // what stands before a path in problems: "items/"
	parser Parser
	taken  map[string]*taken
}

type taken struct {
	stamp
	since time.Time // when this stamp was first seen
	gone  time.Time // when the file was first missed; zero while it is there
	file  File

	ready   *Item               // the last for which nothing had to be waited for
	beside  string              // as it was then
	besides map[string]sighting // of the files beside it, by path, those that may not be complete

	lender, borrower, whole *Item // of a version: whole is borrower with what it has from lender, and wholeRefs are its
	wholeRefs               []localRef
}

// settle is how long a file must have stayed as it is before TakeSettled takes it.
const settle = time.Second

// stamp tells two versions of a file apart without reading them.
type stamp struct {
	size int64
	mod  time.Time
}

// File is an item file as it was found.
type File struct {
	Path     string    // slash-separated, under the folder
	Name     string    // what problems call it: Path behind the folder's own name
	Hash     string    // SHA-256 of its bytes, in hex; "" when it could not be read
	Item     *Item     // nil when the file has an error, or is still being written
	Status   Status    // what a file with an error says of its status, as far as it can be told
	Pending  bool      // it changed since the last look, or a file beside it did: it may still be being written
	Gone     bool      // it was there at the last look, and may come back in a moment
	Beside   string    // changes whenever a picture or attachment of the item does
	Lacks    []string  // the files beside it that it waits for, as it names them; meanwhile it stays as it was, or Item is nil, but for Check
	Until    time.Time // when it waits no more; zero where it does not, or only for files that are being written
	Refs     []string  // the files beside it, and other items' files, that the item shows, offers or leads to, as it names them
	Problems problem.List
	Of       string // the path of the story's own file, of which this one is a version; "" where it is none, or there is no such file

	awaited      []awaited    // of Lacks, what is waited for until a certain time
	refs         []localRef   // as Refs
	named        string       // the language in its name
	waits        bool         // for the story's own file, which has an error
	work         string       // the same for all versions of a story; "" where it has but one
	alone, among problem.List // what more is wrong with it where it is the only version of its story, and where it is not
	stray        problem.List // that it seems to be a version of a story, unless it is known to be one
	past         []pastWhen
}

// Waits tells whether the file was left for later: it, or a file beside it, may not be complete.
func (f File) Waits() bool { return f.Pending || !f.Until.IsZero() }

// shows tells whether the item is to be seen at now, as far as the file itself says.
func (f File) shows(now time.Time) bool {
	return f.Item != nil && f.Item.Status == Published && !now.Before(f.Item.Due())
}

// Scan is what a look at the folder found: all item files by path, and problems with files that are no items.
type Scan struct {
	Files    []File
	Problems problem.List // of the folder; those of the files are with them
}

// Same tells whether both found the same versions of the same files, in the same state.
func (s Scan) Same(other Scan) bool {
	return slices.Equal(s.Problems, other.Problems) && slices.EqualFunc(s.Files, other.Files, func(a, b File) bool {
		return a.Path == b.Path && a.Hash == b.Hash && a.Item == b.Item && a.Pending == b.Pending && a.Beside == b.Beside && a.Until.Equal(b.Until) && slices.Equal(a.Problems, b.Problems)
	})
}

// AllProblems gives the problems of the folder and of all files, by file and line. A version that waits for the story's own file comes after
// that.
func (s Scan) AllProblems() problem.List {
	all := slices.Clone(s.Problems)
	behind := map[string]string{} // by the name of a version that waits, the name of the file that it waits for
	for _, f := range s.Files {
		all = append(all, f.Problems...)
		if f.waits {
			behind[f.Name] = strings.TrimSuffix(f.Name, f.Path) + f.Of
		}
	}
	all = all.Sorted()
	slices.SortStableFunc(all, func(a, b problem.Problem) int {
		return cmp.Or(strings.Compare(cmp.Or(behind[a.File], a.File), cmp.Or(behind[b.File], b.File)), strings.Compare(behind[a.File], behind[b.File]))
	})
	return all
}

// Pending tells whether any file was left for a later look.
func (s Scan) Pending() bool {
	return slices.ContainsFunc(s.Files, func(f File) bool { return f.Pending })
}

// NewFolder gives the folder at dir, which label names in problems ("items").
func NewFolder(dir, label string, p Parser) *Folder {
	return &Folder{dir: dir, label: label, parser: p, taken: map[string]*taken{}}
}

// visit is one look at the folder.
type visit struct {
	root  *os.Root
	now   time.Time     // zero where files are taken as they are
	grace time.Duration // for files beside items
	holds bool          // what may not be complete is left for later
}

// ErrFolder says that the items folder is not there, or not to be read.
var ErrFolder = errors.New("the items folder cannot be read")

// Take looks at the folder and takes every file as it is.
func (f *Folder) Take(ctx context.Context) (Scan, error) { return f.look(ctx, visit{}) }

// TakeSettled looks at the folder and takes the files that were seen unchanged for a second before now: so a file that is
// being written slowly is not taken by half. The others stay as they were last taken, and are marked Pending. An item that names a
// file beside it which is not there, or not wholly, stays as it was, too, for at most Grace after the last change of that.
func (f *Folder) TakeSettled(ctx context.Context, now time.Time) (Scan, error) {
	return f.look(ctx, visit{now: now, grace: f.Grace, holds: true})
}

// Check takes every file as it is, as Take does, but tells of files beside items for which TakeSettled would wait. It goes by the times of
// change of the item files.
func (f *Folder) Check(ctx context.Context, now time.Time) (Scan, error) {
	return f.look(ctx, visit{now: now, grace: f.Grace})
}

func (f *Folder) look(ctx context.Context, v visit) (Scan, error) {
	var err error
	if v.root, err = os.OpenRoot(f.dir); err != nil {
		return Scan{}, fmt.Errorf("%w: %w", ErrFolder, err)
	}
	defer v.root.Close()
	found, others, err := f.walk(ctx)
	if err != nil {
		return Scan{}, fmt.Errorf("%w: %w", ErrFolder, err)
	}
	scan := Scan{Files: make([]File, len(found))}
	all := make([]*taken, len(found))
	parallel.Do(len(found), func(i int) {
		all[i] = f.takeOne(found[i], v)
		scan.Files[i] = all[i].file
	})
	keep := make(map[string]*taken, len(found))
	for i, e := range found {
		keep[e.path] = all[i]
	}
	scan.Files = append(scan.Files, f.missed(keep, v)...)
	slices.SortFunc(scan.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	f.taken = keep
	f.parser.relate(scan.Files, keep)
	parallel.Do(len(scan.Files), func(i int) {
		file := &scan.Files[i]
		*file = keep[file.Path].lookBeside(*file, v, f.parser.Location)
	})
	await(scan.Files)
	scan.Problems = slices.Concat(f.strangers(scan.Files, others), twins(scan.Files))
	return scan, nil
}

// missed gives the files that were there at the last look and are not at this one, until they have been missing for as long as
// a new file must be there: a file that is being renamed or replaced is not gone for the moment in between.
func (f *Folder) missed(keep map[string]*taken, v visit) (files []File) {
	for p, t := range f.taken {
		if keep[p] != nil || !v.holds || t.file.Hash == "" {
			continue
		}
		if t.gone.IsZero() {
			t.gone = v.now
		}
		if v.now.Sub(t.gone) < settle {
			keep[p] = t
			file := t.file
			file.Pending, file.Gone = true, true
			files = append(files, file)
		}
	}
	return files
}

type entry struct {
	path string
	fs.DirEntry
}

// walk lists the item files and, apart, the other files that are not to be ignored, both by path. It goes through no symbolic link.
func (f *Folder) walk(ctx context.Context) (found []entry, others []string, err error) {
	err = fs.WalkDir(os.DirFS(f.dir), ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist) && p != ".":
			return nil // it went while we looked
		case err != nil:
			return err // what cannot be seen must not be taken for deleted
		case ctx.Err() != nil:
			return ctx.Err()
		case p != "." && ignored(d.Name()):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			return nil
		case !isItem(p):
			others = append(others, p)
			return nil
		}
		found = append(found, entry{p, d})
		return nil
	})
	return found, others, err
}

// stamp is that of what the path leads to.
func (e entry) stamp(root *os.Root) stamp {
	info, err := e.Info()
	if err == nil && !info.Mode().IsRegular() {
		info, err = root.Stat(e.path)
	}
	if err != nil {
		return stamp{}
	}
	return stamp{info.Size(), info.ModTime()}
}

func isItem(p string) bool {
	return slices.Contains(Extensions, strings.ToLower(path.Ext(p))) && !isConflict(path.Base(p))
}

// takeOne gives what the folder knows of a file after this look.
func (f *Folder) takeOne(e entry, v visit) *taken {
	last, found := f.taken[e.path], e.stamp(v.root)
	same := last != nil && last.stamp == found
	if last != nil {
		last.gone = time.Time{}
	}
	if same && !last.file.Pending && last.file.Hash != "" {
		return last
	}
	t := &taken{stamp: found, since: v.firstSeen(found), file: File{Path: e.path, Name: f.Name(e.path)}}
	if last != nil {
		t.besides = last.besides
	}
	if same {
		t.since = last.since
	}
	if !v.holds || v.now.Sub(t.since) >= settle {
		t.file = f.read(v.root, e.path)
		if t.file.Item != nil {
			t.file.refs = t.file.Item.localRefs()
			t.file.Refs = sources(t.file.refs)
		}
		return t
	}
	if last != nil {
		was := *last
		was.stamp, was.since = t.stamp, t.since
		t = &was
	}
	t.file.Pending = true
	return t
}

// firstSeen is when a file that was not seen before counts as first seen.
func (v visit) firstSeen(found stamp) time.Time {
	if !v.holds && found.mod.Before(v.now) {
		return found.mod
	}
	return v.now
}

// Name is what problems call the file at a path under the folder.
func (f *Folder) Name(p string) string { return f.label + "/" + p }

func (f *Folder) read(root *os.Root, p string) File {
	file := File{Path: p, Name: f.Name(p)}
	data, err := readFile(root, p)
	if err != nil {
		err = plainError(err)
		file.Problems.Errorf(file.Name, 0, unreadableHint(err), "the file cannot be read: %v", err)
		return file
	}
	file = f.parser.read(file.Name, data)
	sum := sha256.Sum256(data)
	file.Path, file.Hash = p, hex.EncodeToString(sum[:])
	return file
}

// readFile reads at most a little more than an item may have.
func readFile(root *os.Root, p string) ([]byte, error) {
	in, err := root.OpenFile(p, os.O_RDONLY|syscall.O_NONBLOCK, 0) // opening a pipe would wait for its other end
	if err != nil {
		return nil, err
	}
	defer in.Close()
	info, err := in.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errNoFile
	}
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.Grow(int(min(info.Size(), MaxSize)) + bytes.MinRead)
	_, err = b.ReadFrom(io.LimitReader(in, MaxSize+1))
	return b.Bytes(), err
}

func unreadableHint(err error) string {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return "give the user that Tidings runs as the right to read it"
	case errors.Is(err, errOutside):
		return "put the file itself there, not a link to it"
	}
	return "put an ordinary file there, or none"
}

// errOutside says that a path, or a symbolic link, leads out of the items folder.
var errOutside = errors.New("it leads out of the items folder")

// plainError is an error of a file without the file's name, in words that people know.
func plainError(err error) error {
	var pe *fs.PathError
	if !errors.As(err, &pe) {
		return err
	}
	if errno := syscall.Errno(0); !errors.As(pe.Err, &errno) { // os.Root itself says no, for one reason only
		return errOutside
	}
	return pe.Err
}

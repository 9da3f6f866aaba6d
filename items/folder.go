package items

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"tidings/internal/markup"
	"tidings/internal/parallel"
	"tidings/internal/problem"
)

// Folder is staff's folder of item files, with its subfolders. A Folder remembers what it read, so that looking again costs
// little; it is not safe for concurrent use.
type Folder struct {
	dir    string
	label  string // what stands before a path in problems: "items/"
	parser Parser
	taken  map[string]*taken
	looked time.Time // the time of the last look; zero if it took files as they were
}

type taken struct {
	stamp
	since time.Time // when this stamp was first seen
	gone  time.Time // when the file was first missed; zero while it is there
	file  File

	beside   string // as it was when the files beside the item were complete
	complete bool   // they have been

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
	Path     string   // slash-separated, under the folder
	Name     string   // what problems call it: Path behind the folder's own name
	Hash     string   // SHA-256 of its bytes, in hex; "" when it could not be read
	Item     *Item    // nil when the file has an error, or is still being written
	Status   Status   // what a file with an error says of its status, as far as it can be told
	Pending  bool     // it changed since the last look: it may still be being written
	Gone     bool     // it was there at the last look, and may come back in a moment
	Beside   string   // changes whenever a picture or attachment of the item does
	Refs     []string // the files beside it, and other items' files, that the item shows, offers or leads to, as it names them
	Problems problem.List
	Of       string // the path of the story's own file, of which this one is a version; "" where it is none, or there is no such file

	refs         []localRef   // as Refs
	named        string       // the language in its name
	work         string       // the same for all versions of a story; "" where it has but one
	alone, among problem.List // what more is wrong with it where it is the only version of its story, and where it is not
	past         []pastWhen
}

// Scan is what a look at the folder found: all item files by path, and problems with files that are no items.
type Scan struct {
	Files    []File
	Problems problem.List // of the folder; those of the files are with them
}

// Same tells whether both found the same versions of the same files, in the same state.
func (s Scan) Same(other Scan) bool {
	return slices.Equal(s.Problems, other.Problems) && slices.EqualFunc(s.Files, other.Files, func(a, b File) bool {
		return a.Path == b.Path && a.Hash == b.Hash && a.Item == b.Item && a.Pending == b.Pending && a.Beside == b.Beside && len(a.Problems) == len(b.Problems)
	})
}

// AllProblems gives the problems of the folder and of all files, by file and line.
func (s Scan) AllProblems() problem.List {
	all := slices.Clone(s.Problems)
	for _, f := range s.Files {
		all = append(all, f.Problems...)
	}
	return all.Sorted()
}

// Pending tells whether any file was left for a later look.
func (s Scan) Pending() bool {
	return slices.ContainsFunc(s.Files, func(f File) bool { return f.Pending })
}

// NewFolder gives the folder at dir, which label names in problems ("items").
func NewFolder(dir, label string, p Parser) *Folder {
	return &Folder{dir: dir, label: label, parser: p, taken: map[string]*taken{}}
}

// Take looks at the folder and takes every file as it is.
func (f *Folder) Take(ctx context.Context) (Scan, error) { return f.look(ctx, time.Time{}) }

// TakeSettled looks at the folder and takes the files that were seen unchanged for a second before now: so a file that is
// being written slowly is not taken by half. The others stay as they were last taken, and are marked Pending.
func (f *Folder) TakeSettled(ctx context.Context, now time.Time) (Scan, error) {
	return f.look(ctx, now)
}

// look takes the files that have settled by now, or all of them when now is zero.
func (f *Folder) look(ctx context.Context, now time.Time) (Scan, error) {
	f.looked = now
	root, err := os.OpenRoot(f.dir)
	if err != nil {
		return Scan{}, fmt.Errorf("the items folder cannot be read: %w", err)
	}
	defer root.Close()
	found, others, err := f.walk(ctx, root)
	if err != nil {
		return Scan{}, fmt.Errorf("the items folder cannot be read: %w", err)
	}
	scan := Scan{Files: make([]File, len(found))}
	all := make([]*taken, len(found))
	parallel.Do(len(found), func(i int) {
		all[i] = f.takeOne(root, found[i], now)
		scan.Files[i] = all[i].file
	})
	keep := make(map[string]*taken, len(found))
	for i, e := range found {
		keep[e.path] = all[i]
	}
	scan.Files = append(scan.Files, f.missed(keep, now)...)
	slices.SortFunc(scan.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	f.taken = keep
	scan.Problems = f.parser.relate(scan.Files, keep)
	parallel.Do(len(scan.Files), func(i int) {
		file := &scan.Files[i]
		*file = keep[file.Path].lookBeside(*file, root, now)
	})
	await(scan.Files)
	scan.Problems = slices.Concat(scan.Problems, f.strangers(scan.Files, others), twins(scan.Files))
	return scan, nil
}

// missed gives the files that were there at the last look and are not at this one, until they have been missing for as long as
// a new file must be there: a file that is being renamed or replaced is not gone for the moment in between.
func (f *Folder) missed(keep map[string]*taken, now time.Time) (files []File) {
	for p, t := range f.taken {
		if keep[p] != nil || now.IsZero() || t.file.Hash == "" {
			continue
		}
		if t.gone.IsZero() {
			t.gone = now
		}
		if now.Sub(t.gone) < settle {
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
	stamp
}

// walk lists the item files and, apart, the other files that are not to be ignored, both by path.
func (f *Folder) walk(ctx context.Context, root *os.Root) (found []entry, others []string, err error) {
	err = fs.WalkDir(root.FS(), ".", func(p string, d fs.DirEntry, err error) error {
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
		found = append(found, entry{p, stampOf(root, p, d)})
		return nil
	})
	return found, others, err
}

// stampOf is the stamp of what a path leads to. Of an ordinary file the folder's listing has it already.
func stampOf(root *os.Root, p string, d fs.DirEntry) stamp {
	info, err := d.Info()
	if err == nil && !info.Mode().IsRegular() {
		info, err = root.Stat(p)
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
func (f *Folder) takeOne(root *os.Root, e entry, now time.Time) *taken {
	last := f.taken[e.path]
	t := &taken{stamp: e.stamp, since: now, file: File{Path: e.path, Name: f.Name(e.path)}}
	if last != nil && last.stamp == e.stamp {
		if !last.file.Pending && last.file.Hash != "" {
			return last
		}
		t.since = last.since
	}
	if now.Sub(t.since) >= settle || now.IsZero() {
		t.file = f.read(root, e.path)
		if t.file.Item != nil {
			t.file.refs = t.file.Item.localRefs()
			t.file.Refs = sources(t.file.refs)
		}
		return t
	}
	if last != nil {
		t.file, t.beside, t.complete = last.file, last.beside, last.complete
	}
	t.file.Pending = true
	return t
}

// Name is what problems call the file at a path under the folder.
func (f *Folder) Name(p string) string { return f.label + "/" + p }

func (f *Folder) read(root *os.Root, p string) File {
	file := File{Path: p, Name: f.Name(p)}
	data, err := readFile(root, p)
	if err != nil {
		file.Problems.Errorf(file.Name, 0, unreadableHint(err), "the file cannot be read: %v", plainError(err))
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
		err = errors.New("it is no ordinary file")
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
	if errors.Is(err, fs.ErrPermission) {
		return "give the user that Tidings runs as the right to read it"
	}
	return "links must not lead out of the items folder"
}

func plainError(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// lookBeside gives the file with what is to be said of the pictures and attachments that its item names. While one of them is
// still being written the file is Pending, and stays as it was.
func (t *taken) lookBeside(file File, root *os.Root, now time.Time) File {
	if file.Pending {
		return file
	}
	if file.writing(root, now) {
		file.Pending, file.Beside = true, t.beside
		if !t.complete {
			file.Item = nil
		}
		return file
	}
	file.Problems = slices.Clone(file.Problems)
	for _, ref := range file.refs {
		if p, err := LocalPath(file.Path, ref.src); ref.link && err == nil && isItem(p) {
			continue // to another story
		}
		switch m, err := media(root, file.Path, ref.src); {
		case err == nil:
			file.Beside += fmt.Sprintf("%s %d %d\n", m.Path, m.Size, m.Mod.UnixNano())
		case ref.link && mediaTypes[strings.ToLower(path.Ext(ref.src))] != "":
			file.Problems.Warnf(file.Name, 0, "put the file beside the item; capital and small letters count",
				"%s is not there: the link to it leads nowhere", shorten(ref.src))
		case !ref.link:
			file.Problems.Warnf(file.Name, 0, "put the file beside the item; capital and small letters count",
				"%s is not there: the story is published without it", shorten(ref.src))
		}
	}
	t.beside, t.complete = file.Beside, true
	return file
}

// writing tells whether a file beside the item was changed so shortly before now that it may not be complete.
func (f *File) writing(root *os.Root, now time.Time) bool {
	return slices.ContainsFunc(f.refs, func(ref localRef) bool {
		m, err := media(root, f.Path, ref.src)
		return err == nil && m.settling(now)
	})
}

// settling tells whether the file was changed so shortly before now that it may not be complete; never when now is zero.
func (m Media) settling(now time.Time) bool {
	age := now.Sub(m.Mod)
	return !now.IsZero() && age >= 0 && age < settle
}

// localRef is a file beside an item, as the item names it. What the text merely links to may also be a page of the site.
type localRef struct {
	src  string
	link bool
}

// Refs are the files beside the item, and other items' files, that it shows, offers or leads to, as it names them.
func (it *Item) Refs() []string { return sources(it.localRefs()) }

func sources(refs []localRef) (out []string) {
	for _, r := range refs {
		out = append(out, r.src)
	}
	return out
}

// localRefs lists the files that the item shows or offers.
func (it *Item) localRefs() []localRef {
	var out []localRef
	add := func(src string, link bool) {
		if schemeOf(src) == "" && src != "" && !strings.HasPrefix(src, "//") && !strings.HasPrefix(src, "#") {
			out = append(out, localRef{src, link})
		}
	}
	if it.Image != nil {
		add(it.Image.Src, false)
	}
	for _, img := range it.Images {
		add(img.Src, false)
	}
	for _, a := range it.Attachments {
		add(a.Src, false)
	}
	if !markup.Relative(it.Body) {
		return out
	}
	for _, r := range markup.Refs(it.Body) {
		add(r.URL, !r.Image)
	}
	return out
}

// Media is a file beside an item: a picture or an attachment.
type Media struct {
	Path string // under the items folder
	Type string // media type, by its ending
	Size int64  // bytes
	Mod  time.Time
}

// Media finds the file that an item names src; both paths are slash-separated, item's under the folder. It gives an error for
// what is not there, is no ordinary file, or lies outside the folder, be it by way of a symbolic link.
func (f *Folder) Media(item, src string) (Media, error) {
	root, err := os.OpenRoot(f.dir)
	if err != nil {
		return Media{}, err
	}
	defer root.Close()
	return media(root, item, src)
}

func media(root *os.Root, item, src string) (Media, error) {
	p, err := LocalPath(item, src)
	if err != nil {
		return Media{}, err
	}
	if isItem(p) || slices.ContainsFunc(strings.Split(p, "/"), ignored) {
		return Media{}, fmt.Errorf("%s is not for publication", p)
	}
	info, err := root.Stat(p)
	if err != nil {
		return Media{}, err
	}
	if !info.Mode().IsRegular() {
		return Media{}, fmt.Errorf("%s is no ordinary file", p)
	}
	return Media{Path: p, Type: mediaType(p), Size: info.Size(), Mod: info.ModTime()}, nil
}

// Settling tells whether a file that Media found may not be complete: it was changed less than a second before the last look,
// and that was one of TakeSettled.
func (f *Folder) Settling(m Media) bool { return m.settling(f.looked) }

// Open opens a file that Media found.
func (f *Folder) Open(m Media) (io.ReadCloser, error) {
	root, err := os.OpenRoot(f.dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return root.Open(m.Path)
}

// LocalPath is where under the folder the file lies that an item names src, which may be written as in an address (%20).
func LocalPath(item, src string) (string, error) {
	src, _, _ = strings.Cut(src, "#")
	if plain, err := url.PathUnescape(src); err == nil {
		src = plain
	}
	p := path.Join(path.Dir(item), src)
	if strings.HasPrefix(src, "/") {
		p = path.Clean(strings.TrimPrefix(src, "/"))
	}
	if !filepath.IsLocal(filepath.FromSlash(p)) {
		return "", fmt.Errorf("%s lies outside the items folder", src)
	}
	return p, nil
}

// mediaType goes by the ending, and does not depend on what the machine happens to know.
func mediaType(p string) string {
	ext := strings.ToLower(path.Ext(p))
	if t, ok := mediaTypes[ext]; ok {
		return t
	}
	return "application/octet-stream"
}

var mediaTypes = map[string]string{
	".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".jpe": "image/jpeg", ".jfif": "image/jpeg", ".png": "image/png", ".apng": "image/apng",
	".gif": "image/gif", ".webp": "image/webp", ".avif": "image/avif", ".svg": "image/svg+xml", ".heic": "image/heic", ".heif": "image/heif",
	".tif": "image/tiff", ".tiff": "image/tiff", ".dng": "image/x-adobe-dng", ".bmp": "image/bmp", ".jxl": "image/jxl", ".jp2": "image/jp2",
	".mp3": "audio/mpeg", ".m4a": "audio/mp4", ".ogg": "audio/ogg", ".oga": "audio/ogg", ".opus": "audio/ogg", ".wav": "audio/wav",
	".flac": "audio/flac", ".aac": "audio/aac", ".mp4": "video/mp4", ".m4v": "video/mp4", ".webm": "video/webm", ".ogv": "video/ogg",
	".mov": "video/quicktime", ".pdf": "application/pdf", ".zip": "application/zip", ".gz": "application/gzip", ".7z": "application/x-7z-compressed",
	".epub": "application/epub+zip", ".csv": "text/csv", ".txt": "text/plain", ".ics": "text/calendar", ".vcf": "text/vcard", ".rtf": "application/rtf",
	".doc": "application/msword", ".xls": "application/vnd.ms-excel", ".ppt": "application/vnd.ms-powerpoint",
	".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
	".odt":  "application/vnd.oasis.opendocument.text", ".ods": "application/vnd.oasis.opendocument.spreadsheet",
	".odp": "application/vnd.oasis.opendocument.presentation",
}

package items

import (
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
	"time"

	"tidings/internal/markup"
	"tidings/internal/picture"
	"tidings/internal/problem"
	"tidings/internal/strict"
)

// An item and the files beside it are copied one after the other, and in any order. So an item waits for what it names.
const (
	settleBeside = 2 * time.Second  // how long a file whose end nobody can tell must have been seen as it is
	recent       = 10 * time.Minute // after that the time of change is trusted, be it by another machine's clock
)

// sighting is a file beside an item that may not be complete, as it was found at a look.
type sighting struct {
	stamp                // zero while it is not there
	since      time.Time // of the first look that found it so
	looked     bool      // at its bytes:
	whole, cut bool      // it is a picture to its end; it ends too early
}

// lookBeside gives the file with what is to be said of the pictures and attachments that its item names. While it waits for one of them it
// stays as it was. Times are told in a zone, which may be nil.
func (t *taken) lookBeside(file File, v visit, zone *time.Location) File {
	if file.Pending {
		return t.asItWas(file)
	}
	b := beside{visit: v, taken: t, zone: zone, file: file}
	b.file.Problems = slices.Clone(file.Problems)
	if file.Item != nil && file.Item.Status != Withdrawn && file.Item.Status != Erased { // nothing is shown of those
		for _, ref := range file.refs {
			b.look(ref)
		}
	}
	if file.Item != nil { // a file with an error tells nothing of what it names
		t.besides = b.seen
	}
	if v.holds && len(b.file.Lacks) > 0 {
		return t.asItWas(b.file)
	}
	if t.ready, t.beside = b.file.Item, b.file.Beside; b.early {
		t.ready = nil
	}
	return b.file
}

// asItWas gives a file that must wait with its item as it was when nothing had to be waited for. A new item is nil: its story stays as it was.
func (t *taken) asItWas(file File) File {
	file.Beside = t.beside
	if file.Item != t.ready {
		file.Item = nil
	}
	return file
}

// beside is a look at the files beside an item.
type beside struct {
	visit
	*taken
	zone *time.Location
	file File // with what was found
	seen map[string]sighting

	early bool // it would have to wait if it were due
}

// look looks at one of the files.
func (b *beside) look(ref localRef) {
	p, err := LocalPath(b.file.Path, ref.src)
	if ref.link && err == nil && isItem(p) {
		return // to another story
	}
	var m Media
	if err == nil {
		m, err = media(b.root, p)
	}
	if soon, until := b.wait(ref, p, m, err); soon || !until.IsZero() {
		b.lacks(ref, p, soon, until, err)
		if b.holds {
			return
		}
	} else if err != nil {
		b.missing(ref, p, err)
	}
	if err == nil {
		b.file.Beside += fmt.Sprintf("%s %d %d\n", m.Path, m.Size, m.Mod.UnixNano())
	}
}

// wait tells whether the item must wait for a file: for a moment, since it may be being written, or until a certain time.
func (b *beside) wait(ref localRef, p string, m Media, err error) (soon bool, until time.Time) {
	absent := errors.Is(err, fs.ErrNotExist)
	switch {
	case b.now.IsZero(), b.file.Item.Status != Published, err != nil && !absent:
		return
	case absent && !ref.promised():
		return
	case err == nil && b.now.Sub(m.Mod) >= max(recent, b.grace):
		return
	}
	s := b.sight(m, p)
	if absent {
		until = s.since.Add(b.grace)
	} else {
		soon, until = s.arrives(b.visit, m)
	}
	b.remember(p, s)
	if !until.After(b.now) {
		until = time.Time{}
	}
	if b.now.Before(b.file.Item.Due()) { // nothing of it is shown yet
		b.early = b.early || soon || !until.IsZero()
		return false, time.Time{}
	}
	return soon && b.holds, until
}

// sight gives how a file was seen last, or that it is seen so for the first time. A file that a new item names is missed from the moment
// at which the item came.
func (b *beside) sight(m Media, p string) sighting {
	now := stamp{m.Size, m.Mod}
	s, known := b.besides[p]
	switch {
	case known && s.stamp == now:
		return s
	case !known && b.ready == nil && now == (stamp{}):
		return sighting{since: b.since}
	}
	return sighting{stamp: now, since: b.now}
}

func (b *beside) remember(p string, s sighting) {
	if b.seen == nil {
		b.seen = map[string]sighting{}
	}
	b.seen[p] = s
}

// arrives tells whether a file that is there may still be being written, or until when the rest of it is waited for.
func (s *sighting) arrives(v visit, m Media) (soon bool, until time.Time) {
	if age := v.now.Sub(m.Mod); age >= 0 && age < settle {
		return true, until
	}
	if s.examine(v.root, m); s.cut {
		return false, earlier(m.Mod, s.since).Add(v.grace)
	}
	return !s.whole && v.now.Sub(s.since) < settleBeside, until
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// examine looks once at what is in the file.
func (s *sighting) examine(root *os.Root, m Media) {
	if s.looked {
		return
	}
	s.looked, s.cut = true, m.Size == 0
	in, err := root.Open(m.Path)
	if err != nil || s.cut {
		return // who publishes it will tell
	}
	defer in.Close()
	data, err := io.ReadAll(io.LimitReader(in, picture.Sniff))
	if err == nil && (picture.Is(data) || strings.HasPrefix(m.Type, "image/")) {
		var more []byte
		more, err = io.ReadAll(io.LimitReader(in, picture.MaxBytes))
		data = append(data, more...)
		s.cut = err == nil && len(data) <= picture.MaxBytes && picture.CutOff(data)
		s.whole = err == nil && !s.cut && picture.Is(data)
	}
}

// lacks notes that the item waits for a file.
func (b *beside) lacks(ref localRef, p string, soon bool, until time.Time, err error) {
	b.file.Lacks = append(b.file.Lacks, ref.src)
	if b.holds {
		b.file.Pending = b.file.Pending || soon
	}
	if until.IsZero() {
		return
	}
	if until.After(b.file.Until) && b.holds {
		b.file.Until = until
	}
	part, hint := ", of which only a part is there,", "copy it again, unless it is still being copied"
	var without problem.List
	if err != nil {
		part, hint = "", b.hintMissing(ref, p)
		b.warnMissing(&without, ref, p, err)
	} else {
		without.Warnf(b.file.Name, 0, hint, "only a part of %s is there: %s", shorten(ref.src), ref.without())
	}
	b.file.awaited = append(b.file.awaited, awaited{ref.src, len(b.file.Problems), without[0]})
	b.file.Problems.Warnf(b.file.Name, 0, hint, "it waits for %s%s until %s; then %s", shorten(ref.src), part, b.clock(until), ref.without())
}

// awaited is a file that an item waits for.
type awaited struct {
	src     string
	at      int             // of the problem that says so, among those of the item's file
	without problem.Problem // what is true where the story is published without it already
}

// Unawaited gives the files with what is true of those whose stories are published already as they are now, though they wait for files beside
// them: who publishes once does not wait. Shows tells whether the story of an item still shows such a file, as it was before.
func (k Known) Unawaited(files []File, shows func(item, src string) bool) []File {
	if !slices.ContainsFunc(files, func(f File) bool { return len(f.awaited) > 0 }) {
		return files
	}
	published := map[string]string{}
	for _, s := range k.Stories {
		if s.Status == Published && !s.FirstPublished.IsZero() && s.Gone.IsZero() {
			published[s.Path] = s.Hash
		}
	}
	files = slices.Clone(files)
	for i := range files {
		f := &files[i]
		if len(f.awaited) == 0 || published[f.Path] != f.Hash {
			continue
		}
		f.Problems = slices.Clone(f.Problems)
		for _, a := range f.awaited {
			if !shows(f.Path, a.src) {
				f.Problems[a.at] = a.without
			}
		}
	}
	return files
}

// clock is a time for people who wait for it.
func (b *beside) clock(t time.Time) string {
	if b.zone != nil {
		t = t.In(b.zone)
	}
	if t.Sub(b.now) < 12*time.Hour {
		return t.Format("15:04")
	}
	return t.Format("2006-01-02 15:04")
}

// missing warns of a file that the item goes without. What a text merely links to may be a page of the site.
func (b *beside) missing(ref localRef, p string, err error) {
	if ref.link && !ref.offers() {
		return
	}
	b.warnMissing(&b.file.Problems, ref, p, err)
}

func (b *beside) warnMissing(probs *problem.List, ref localRef, p string, err error) {
	why, hint := "is not there", b.hintMissing(ref, p)
	if !errors.Is(err, fs.ErrNotExist) {
		why, hint = fault(err)
	}
	probs.Warnf(b.file.Name, 0, hint, "%s %s: %s", shorten(ref.src), why, ref.without())
}

// hintMissing says what to do about a file that is not at the path p.
func (b *beside) hintMissing(ref localRef, p string) string {
	hint := "put the file beside the item"
	if strings.HasPrefix(ref.src, "/") {
		hint = fmt.Sprintf("put the file at %s, since what begins with / begins at the items folder", strings.TrimSuffix(b.file.Name, b.file.Path)+p)
	}
	if near := b.near(p); near != "" {
		hint += fmt.Sprintf(", or did you mean %s?", near)
	} else {
		hint += ";"
	}
	return hint + " capital and small letters count"
}

// near is the name of a file in the folder of p that may be meant by the name of p: one of the same kind and number, much like it, that
// the item does not name itself. "" if there is none.
func (b *beside) near(p string) string {
	entries, err := fs.ReadDir(b.root.FS(), path.Dir(p))
	if err != nil {
		return ""
	}
	var names []string
	for _, e := range entries {
		name := e.Name()
		if e.Type().IsRegular() && !isItem(name) && !ignored(name) && !slices.Contains(b.file.Refs, name) &&
			strings.EqualFold(path.Ext(name), path.Ext(p)) && digits(name) == digits(path.Base(p)) {
			names = append(names, name)
		}
	}
	return strict.Nearest(path.Base(p), names)
}

// digits are those in s: photo-1.jpg is never meant by photo-2.jpg.
func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return r
		}
		return -1
	}, s)
}

// What Media finds at a path that cannot be published.
var (
	errPrivate = errors.New("it is not for publication")
	errNoFile  = errors.New("it is no ordinary file")
)

// fault says what is wrong with a file beside an item, to be set behind its name, and what to do about it.
func fault(err error) (why, hint string) {
	switch {
	case errors.Is(err, errOutside):
		return "leads out of the items folder", "put the file itself beside the item, not a link to it"
	case errors.Is(err, errPrivate):
		return "is not for publication", "give it a name that begins with neither . nor ~, and does not end like that of an item or of what programs leave behind"
	case errors.Is(err, errNoFile):
		return "is no ordinary file", "name a file, not a folder"
	}
	return fmt.Sprintf("cannot be read: %v", err), unreadableHint(err)
}

// localRef is a file beside an item, as the item names it. What the text merely links to may also be a page of the site.
type localRef struct {
	src  string
	link bool
}

// without says what becomes of the story if the file does not come.
func (r localRef) without() string {
	if r.link {
		return "the link to it leads nowhere"
	}
	return "the story is published without it"
}

// offers tells whether what the text links to is a file by its name, and not a page of the site.
func (r localRef) offers() bool { return mediaTypes[r.ext()] != "" }

func (r localRef) ext() string {
	file, _, _ := strings.Cut(r.src, "#")
	return strings.ToLower(path.Ext(file))
}

// promised tells whether the file is one that somebody will put there. Links from the top of the site, and those to calendars, may be meant
// for what the site has itself.
func (r localRef) promised() bool {
	return !r.link || r.offers() && r.ext() != ".ics" && !strings.HasPrefix(r.src, "/")
}

// Refs are the files beside the item, and other items' files, that it shows, offers or leads to, as it names them.
func (it *Item) Refs() []string { return sources(it.localRefs()) }

func sources(refs []localRef) (out []string) {
	for _, r := range refs {
		out = append(out, r.src)
	}
	return out
}

// localRefs lists the files that the item shows, offers or links to, each once.
func (it *Item) localRefs() []localRef {
	var out []localRef
	at := map[string]int{}
	add := func(src string, link bool) {
		if schemeOf(src) != "" || src == "" || strings.HasPrefix(src, "//") || strings.HasPrefix(src, "#") {
			return
		}
		if i, known := at[src]; known {
			out[i].link = out[i].link && link
			return
		}
		at[src] = len(out)
		out = append(out, localRef{src, link})
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
	p, err := LocalPath(item, src)
	if err != nil {
		return Media{}, err
	}
	return media(root, p)
}

// media finds the file at a path under the folder.
func media(root *os.Root, p string) (Media, error) {
	if isItem(p) || slices.ContainsFunc(strings.Split(p, "/"), ignored) {
		return Media{}, errPrivate
	}
	info, err := root.Stat(p)
	if err != nil {
		return Media{}, plainError(err)
	}
	if !info.Mode().IsRegular() {
		return Media{}, errNoFile
	}
	return Media{Path: p, Type: mediaType(p), Size: info.Size(), Mod: info.ModTime()}, nil
}

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
		return "", errOutside
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

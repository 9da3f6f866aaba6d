package publish

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"tidings/feed"
	"tidings/internal/db"
	"tidings/internal/picture"
	"tidings/internal/problem"
	"tidings/items"
)

// Assets publishes the pictures and attachments that stories show, each under a name of its content, so that a file that
// changes gets a new address. Pictures are made fit for pages and for mails, and lose what tells where they were taken. What was
// made of a file is remembered in the database, so that it is read once. It may be used by several goroutines at once.
type Assets struct {
	folder *items.Folder
	url    string // of public/, ends in a slash

	mu      sync.Mutex
	ctx     context.Context  // of Begin
	known   map[string]asset // by path under the items folder
	stored  map[string]asset // likewise, as the database has it; nil before it was read
	used    map[string]asset
	gone    map[string]asset   // likewise, of which there is but what was published
	bad     map[string]refusal // likewise
	refused map[string]problem.Problem

	prepared prepared
}

// asset is what was made of a file.
type asset struct {
	Media items.Media `json:"media"`
	Maker int         `json:"maker"` // the picture.Version of the program that made it
	items.Asset
	Sum   string    `json:"sum"` // SHA-256 of the file, in hex
	Files []version `json:"files"`
}

// of tells whether it is what this program makes of the file as it is now.
func (a asset) of(m items.Media) bool {
	return a.Media == m && a.Maker == picture.Version
}

// version is a file that is published.
type version struct {
	Path string `json:"path"`
	Kind string `json:"kind"` // web, mail, full, or "" for the file as it is
}

// print stands for all that the file is made of: its name for its content.
func (v version) print(of asset) string {
	if v.Kind == "" {
		return v.Path
	}
	return fmt.Sprintf("%s %d", v.Path, of.Maker)
}

// NewAssets gives the assets of the items in folder on the site at url, which ends in a slash.
func NewAssets(folder *items.Folder, url string) *Assets {
	return &Assets{folder: folder, url: url, known: map[string]asset{}, bad: map[string]refusal{}}
}

// Begin forgets which files are used: those asked for from now on are. Once ctx has ended no file is read any more: of those that are not
// known there is none then.
func (a *Assets) Begin(ctx context.Context) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ctx = ctx
	a.used, a.gone, a.refused = map[string]asset{}, map[string]asset{}, map[string]problem.Problem{}
}

// Asset is a file that an item shows, as items.Presenter asks for it. ok is false where there is no such file, or none that can be
// published.
func (a *Assets) Asset(item, src string) (items.Asset, bool) {
	m, err := a.folder.Media(item, src)
	if err != nil {
		return items.Asset{}, false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	known, ok := a.known[m.Path]
	if !ok || !known.of(m) {
		if known, err = a.readOnce(m); err != nil {
			a.refuse(item, m, err)
			return items.Asset{}, false
		}
		a.known[m.Path] = known
	}
	a.used[m.Path] = known
	return known.Asset, true
}

// Shows tells whether a file that an item names was published last.
func (a *Assets) Shows(item, src string) bool {
	p, err := items.LocalPath(item, src)
	a.mu.Lock()
	defer a.mu.Unlock()
	_, known := a.known[p]
	return err == nil && known
}

// Last is a file that an item showed, whether it is there still or not: for stories that stay as they were. If it is not, or is another
// one now, what was published of it Stays.
func (a *Assets) Last(item, src string) (items.Asset, bool) {
	p, err := items.LocalPath(item, src)
	if err != nil {
		return items.Asset{}, false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	known, ok := a.known[p]
	if !ok {
		return items.Asset{}, false
	}
	if m, err := a.folder.Media(item, src); err != nil || !known.of(m) {
		a.gone[p] = known
	} else {
		a.used[p] = known
	}
	return known.Asset, true
}

// Stays are the paths of the published files that stay as they are, since what they were made of is gone.
func (a *Assets) Stays() (paths []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, g := range a.gone {
		for _, v := range g.Files {
			paths = append(paths, v.Path)
		}
	}
	return paths
}

// refuse notes that a file cannot be published, and why.
func (a *Assets) refuse(item string, m items.Media, err error) {
	why, hint := fmt.Sprintf("it cannot be read: %v", plain(err)), "give the user that Tidings runs as the right to read it"
	var r *picture.Refusal
	switch {
	case errors.As(err, &r):
		why, hint = r.Why, r.Hint
	case errors.Is(err, fs.ErrNotExist):
		hint = "put it back beside the item"
	case !errors.Is(err, fs.ErrPermission):
		hint = "copy it again from where it came from"
	}
	name := a.folder.Name(item)
	a.refused[name+m.Path] = problem.Problem{File: name, Severity: problem.Warning, Hint: hint,
		What: fmt.Sprintf("%s: %s; the story is published without it", path.Base(m.Path), why)}
}

// plain is an error of a file without the file's name.
func plain(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// Problems tells which files that were asked for since Begin cannot be published.
func (a *Assets) Problems() problem.List {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out problem.List
	for _, key := range slices.Sorted(maps.Keys(a.refused)) {
		out = append(out, a.refused[key])
	}
	return out
}

// Documents are the files that were asked for since Begin.
func (a *Assets) Documents() []Document {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.documents(a.used)
}

// Prepared are those of Documents that are made and in memory: they only have to be written.
func (a *Assets) Prepared() []Document {
	a.mu.Lock()
	defer a.mu.Unlock()
	ready := maps.Clone(a.used)
	maps.DeleteFunc(ready, func(_ string, u asset) bool { return !a.prepared.has(u.Sum) })
	return a.documents(ready)
}

func (a *Assets) documents(of map[string]asset) []Document {
	var docs []Document
	seen := map[string]bool{}
	for _, p := range slices.Sorted(maps.Keys(of)) {
		known := of[p]
		made := shared(len(known.Files), func() (picture.Versions, error) {
			return a.prepared.make(known.Sum, func() ([]byte, error) { return a.content(known) })
		})
		for _, v := range known.Files {
			if seen[v.Path] {
				continue
			}
			seen[v.Path] = true
			docs = append(docs, Document{Path: v.Path, Print: v.print(known), Make: func() ([]byte, error) {
				data, err := a.bytes(known, v.Kind, made)
				if err != nil { // the rest must not wait for it
					return nil, Invalid{Path: v.Path, Violations: []feed.Violation{{What: fmt.Sprintf("%s cannot be read: %v", p, err)}}}
				}
				return data, nil
			}})
		}
	}
	return docs
}

// bytes gives a version of a file.
func (a *Assets) bytes(of asset, kind string, made func() (picture.Versions, error)) ([]byte, error) {
	if kind == "" {
		return a.content(of)
	}
	v, err := made()
	return map[string]picture.Picture{"web": v.Web, "mail": v.Mail, "full": v.Full}[kind].Data, err
}

// content reads a file as it was when the asset was made of it.
func (a *Assets) content(of asset) ([]byte, error) {
	in, err := a.folder.Open(of.Media)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	data, err := io.ReadAll(io.LimitReader(in, maxAttachment))
	if sum := sha256.Sum256(data); err == nil && hex.EncodeToString(sum[:]) != of.Sum {
		err = errors.New("it has changed meanwhile")
	}
	return data, err
}

// readOnce reads a file, but none again that was refused and has not changed: to find a picture damaged may take long.
func (a *Assets) readOnce(m items.Media) (asset, error) {
	if err := a.ctx.Err(); err != nil {
		return asset{}, err
	}
	if b, ok := a.bad[m.Path]; ok && b.media == m {
		return asset{}, b.why
	}
	delete(a.bad, m.Path)
	read, err := a.read(m)
	var r *picture.Refusal
	if errors.As(err, &r) {
		a.bad[m.Path] = refusal{m, r}
	}
	return read, err
}

// refusal is why a file cannot be published as it is.
type refusal struct {
	media items.Media
	why   *picture.Refusal
}

// maxAttachment is how large a file may be that is no picture, in bytes: it is in memory while it is published.
const maxAttachment = 100 << 20

// opened is a file that is read.
type opened struct {
	io.Reader
	io.Closer
	picture bool
}

// open opens a file. Whether it is a picture is told by its bytes, not by its name alone: no picture may be published with what tells where
// it was taken.
func (a *Assets) open(m items.Media) (opened, error) {
	in, err := a.folder.Open(m)
	if err != nil {
		return opened{}, err
	}
	head := bufio.NewReaderSize(in, picture.Sniff)
	start, err := head.Peek(picture.Sniff)
	o := opened{head, in, strings.HasPrefix(m.Type, "image/") || picture.Is(start)}
	switch {
	case errors.Is(err, io.EOF):
		err = nil
	case err == nil && !o.picture && m.Size > maxAttachment:
		err = &picture.Refusal{Why: fmt.Sprintf("the file has more than %d MB", maxAttachment>>20), Hint: "put it on a server of its own and link to it"}
	}
	if err != nil {
		return opened{}, errors.Join(err, in.Close())
	}
	return o, nil
}

// read makes the versions of a file and gives what is to be known of them.
func (a *Assets) read(m items.Media) (asset, error) {
	in, err := a.open(m)
	if err != nil {
		return asset{}, err
	}
	defer in.Close()
	if in.picture {
		return a.readPicture(m, in)
	}
	return a.readDocument(m, io.LimitReader(in, maxAttachment))
}

// Check notes for Problems that a file which an item shows cannot be published, as far as that can be told without a look at the pixels of a
// picture. What is known to be published already is not read again.
func (a *Assets) Check(item, src string) {
	m, err := a.folder.Media(item, src)
	if err != nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if known, ok := a.known[m.Path]; ok && known.of(m) {
		return
	}
	if err := a.examine(m); err != nil {
		a.refuse(item, m, err)
	}
}

func (a *Assets) examine(m items.Media) error {
	in, err := a.open(m)
	if err != nil {
		return err
	}
	defer in.Close()
	if !in.picture {
		return nil
	}
	data, err := readWhole(in)
	if err != nil {
		return err
	}
	return picture.Check(data)
}

// readWhole reads a picture, or of one that is too large enough to tell that.
func readWhole(in io.Reader) ([]byte, error) {
	return io.ReadAll(io.LimitReader(in, picture.MaxBytes+1))
}

func (a *Assets) readDocument(m items.Media, in io.Reader) (asset, error) {
	sum := sha256.New()
	size, err := io.Copy(sum, in)
	if err != nil {
		return asset{}, err
	}
	name := mediaName(m, sum.Sum(nil))
	if ext := items.Slugify(path.Ext(m.Path)); ext != "" { // "pdf (1)" would break addresses
		name += "." + ext
	}
	return asset{Media: m, Maker: picture.Version, Asset: items.Asset{URL: a.url + name, Type: m.Type, Size: size}, Sum: hex.EncodeToString(sum.Sum(nil)), Files: []version{{Path: name}}}, nil
}

func (a *Assets) readPicture(m items.Media, in io.Reader) (asset, error) {
	data, err := readWhole(in)
	if err != nil {
		return asset{}, err
	}
	made, err := picture.Prepare(data)
	if err != nil {
		return asset{}, err
	}
	sum := sha256.Sum256(data)
	out := asset{Media: m, Maker: picture.Version, Sum: hex.EncodeToString(sum[:])}
	a.pictures(&out, sum, made)
	a.prepared.keep(out.Sum, made)
	return out, nil
}

// mediaName is the path of a file that is made of content with this sum, without an ending.
func mediaName(m items.Media, sum []byte) string {
	name := "media/" + hex.EncodeToString(sum[:6])
	if slug := items.Slugify(strings.TrimSuffix(path.Base(m.Path), path.Ext(m.Path))); slug != "" {
		name += "-" + slug
	}
	return name
}

// pictures names the versions of a picture with this sum; those that are alike are one file.
func (a *Assets) pictures(out *asset, sum [sha256.Size]byte, made picture.Versions) {
	web := mediaName(out.Media, sum[:]) + made.Web.Ext()
	out.Files = []version{{web, "web"}}
	out.URL, out.Type, out.Size, out.Width, out.Height = a.url+web, made.Web.Type, int64(len(made.Web.Data)), made.Web.Width, made.Web.Height
	// The others have a hash of their own: else photo.jpg in full size would be called like photo-full.jpg for pages.
	rendition := func(kind, suffix string, p picture.Picture) *items.Rendition {
		own := sha256.Sum256(append(sum[:], kind...))
		name := mediaName(out.Media, own[:]) + suffix + p.Ext()
		out.Files = append(out.Files, version{name, kind})
		return &items.Rendition{URL: a.url + name, Type: p.Type, Size: int64(len(p.Data)), Width: p.Width, Height: p.Height}
	}
	if made.Mail.Data != nil && !bytes.Equal(made.Mail.Data, made.Web.Data) {
		out.Small = rendition("mail", "-600", made.Mail)
	}
	if !bytes.Equal(made.Full.Data, made.Web.Data) {
		out.Full = rendition("full", "-full", made.Full)
	}
}

// Recall reads what the database remembers, once.
func (a *Assets) Recall(ctx context.Context, d *db.DB) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stored != nil {
		return nil
	}
	rows, err := d.QueryContext(ctx, `SELECT path, asset FROM media`)
	if err != nil {
		return err
	}
	defer rows.Close()
	stored := map[string]asset{}
	for rows.Next() {
		var p, text string
		var known asset
		if err := rows.Scan(&p, &text); err != nil {
			return err
		}
		if json.Unmarshal([]byte(text), &known) == nil && known.at(a.url) {
			known.Media.Mod = known.Media.Mod.Local() // as the file system gives it
			stored[p] = known
		}
	}
	a.stored = stored
	maps.Copy(a.known, stored)
	return rows.Err()
}

// at tells whether the asset's addresses are those of the site at url: it may have moved.
func (a asset) at(url string) bool { return strings.HasPrefix(a.URL, url) }

// Remember keeps in the database what is known of the files that were asked for since Begin, and of no others.
func (a *Assets) Remember(ctx context.Context, d *db.DB) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.prepared.clear()
	return a.store(ctx, d, map[string]asset{})
}

// RememberMore does the same for a publication that did not come about: not all was asked for then, so what the database knows besides stays.
func (a *Assets) RememberMore(ctx context.Context, d *db.DB) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stored == nil { // not even that could be read
		return nil
	}
	return a.store(ctx, d, maps.Clone(a.stored))
}

// store has the database know these files and those that were asked for since Begin.
func (a *Assets) store(ctx context.Context, d *db.DB, shown map[string]asset) error {
	maps.Copy(shown, a.gone)
	maps.Copy(shown, a.used)
	var put, drop []string
	for p, u := range shown {
		if old, ok := a.stored[p]; !ok || old.Media != u.Media || old.Maker != u.Maker || old.URL != u.URL {
			put = append(put, p)
		}
	}
	for p := range a.stored {
		if _, ok := shown[p]; !ok {
			drop = append(drop, p)
		}
	}
	if len(put)+len(drop) == 0 {
		return nil
	}
	err := d.Write(ctx, func(tx *sql.Tx) error {
		for _, p := range drop {
			if _, err := tx.ExecContext(ctx, `DELETE FROM media WHERE path = $1`, p); err != nil {
				return err
			}
		}
		for _, p := range put {
			text, err := json.Marshal(shown[p])
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `INSERT INTO media (path, asset) VALUES ($1, $2) ON CONFLICT (path) DO UPDATE SET asset = excluded.asset`, p, string(text)); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		a.stored, a.known = shown, maps.Clone(shown)
	}
	return err
}

// Prune forgets in the database all files that were not asked for since Begin, those of which other processes know, too.
func (a *Assets) Prune(ctx context.Context, d *db.DB) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	paths, err := json.Marshal(slices.AppendSeq([]string{}, maps.Keys(a.used)))
	if err != nil {
		return err
	}
	return d.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM media WHERE path NOT IN (SELECT value FROM json_each($1))`, string(paths))
		return err
	})
}

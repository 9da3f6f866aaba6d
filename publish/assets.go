package publish

import (
	"crypto/sha256"
	"encoding/hex"
	"image"
	_ "image/gif" // so that the size in pixels is known
	_ "image/jpeg"
	_ "image/png"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"tidings/items"
)

// Assets publishes the pictures and attachments that stories show, each under a name of its content, so that a file that
// changes gets a new address. It remembers what it read. It may be used by several goroutines at
// once.
type Assets struct {
	mu     sync.Mutex
	folder *items.Folder
	url    string // of public/, ends in a slash
	known  map[items.Media]asset
	last   map[reference]items.Media
	used   map[string]items.Media // by path under public/
}

// reference is a file as an item names it.
type reference struct{ item, src string }

type asset struct {
	items.Asset
	path string
}

// NewAssets gives the assets of the items in folder on the site at url, which ends in a slash.
func NewAssets(folder *items.Folder, url string) *Assets {
	return &Assets{folder: folder, url: url, known: map[items.Media]asset{}, last: map[reference]items.Media{}}
}

// Begin forgets which files are used: those asked for from now on are.
func (a *Assets) Begin() { a.used = map[string]items.Media{} }

// Asset is a file that an item shows, as items.Presenter asks for it. ok is false where there is no such file. While a new
// version of it is being written it is the one that was given last.
func (a *Assets) Asset(item, src string) (items.Asset, bool) {
	m, err := a.folder.Media(item, src)
	if err != nil {
		return items.Asset{}, false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	ref := reference{item, src}
	if last, ok := a.last[ref]; ok && a.folder.Settling(m) {
		m = last
	}
	known, ok := a.known[m]
	if !ok {
		if known, err = a.read(m); err != nil {
			return items.Asset{}, false
		}
		a.known[m] = known
	}
	a.used[known.path], a.last[ref] = m, m
	return known.Asset, true
}

// Files lists the files that were asked for since Begin.
func (a *Assets) Files() []Document {
	var files []Document
	for _, p := range slices.Sorted(maps.Keys(a.used)) {
		files = append(files, Document{Path: p, Print: p, Asset: a.used[p]})
	}
	return files
}

func (a *Assets) read(m items.Media) (asset, error) {
	in, err := a.folder.Open(m)
	if err != nil {
		return asset{}, err
	}
	defer in.Close()
	h := sha256.New()
	both := io.TeeReader(in, h)
	cfg, _, imgErr := image.DecodeConfig(both)
	if _, err := io.Copy(io.Discard, both); err != nil {
		return asset{}, err
	}
	out := asset{Asset: items.Asset{Type: m.Type, Size: m.Size}}
	if imgErr == nil {
		out.Width, out.Height = cfg.Width, cfg.Height
	}
	out.path = "media/" + hex.EncodeToString(h.Sum(nil)[:6])
	ext := path.Ext(m.Path)
	if name := items.Slugify(strings.TrimSuffix(path.Base(m.Path), ext)); name != "" {
		out.path += "-" + name
	}
	if ext = items.Slugify(ext); ext != "" { // "pdf (1)" would break addresses
		out.path += "." + ext
	}
	out.URL = a.url + out.path
	return out, nil
}

package main

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"github.com/fsnotify/fsnotify"
)

// watcher leaves a hint whenever something changes under a folder. Hints only make us look sooner: where the system gives none, as on
// network shares, the regular looks find the changes.
type watcher struct {
	dir   string // may be a link to the folder
	log   *slog.Logger
	hints chan struct{}
	of    *fsnotify.Watcher // nil: the system gives no hints
	root  os.FileInfo       // the folder that is watched; nil while there is none
}

// watch watches dir until ctx ends.
func watch(ctx context.Context, dir string, log *slog.Logger) *watcher {
	w := &watcher{dir: dir, log: log, hints: make(chan struct{}, 1)}
	of, err := fsnotify.NewWatcher()
	if err != nil {
		log.Warn("changes are found by looking only", "error", err)
		return w
	}
	w.of = of
	w.renew()
	go w.listen(ctx)
	return w
}

// listen leaves the hints until ctx ends.
func (w *watcher) listen(ctx context.Context) {
	defer w.of.Close()
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-w.of.Events:
			if e.Has(fsnotify.Create) {
				addTree(w.of, e.Name, w.log) // a new folder has to be watched too
			}
			hint(w.hints)
		case err := <-w.of.Errors:
			if !errors.Is(err, fsnotify.ErrEventOverflow) {
				w.log.Warn("watching the items folder", "error", err)
			}
			hint(w.hints)
		}
	}
}

// renew watches the folder that is there now, if it is another one than before, or was away: somebody mounted it, moved it and put it
// back, or had a link lead to another. The system watches a folder, whatever stands at its path later.
func (w *watcher) renew() {
	if w.of == nil {
		return
	}
	dir, err := filepath.EvalSymlinks(w.dir) // a walk does not follow a link
	var root os.FileInfo
	if err == nil {
		root, err = os.Stat(dir)
	}
	if err != nil {
		w.root = nil
		return
	}
	watched := w.of.WatchList()
	if w.root != nil && os.SameFile(root, w.root) && slices.Contains(watched, dir) {
		return
	}
	for _, p := range watched {
		w.of.Remove(p) //nolint:errcheck // it may be gone, and with it its watch
	}
	w.root = root
	addTree(w.of, dir, w.log)
}

// hint leaves one hint; one is as good as many.
func hint(hints chan<- struct{}) {
	select {
	case hints <- struct{}{}:
	default:
	}
}

// addTree watches a folder and those under it; editors replace files, so files themselves are not watched.
func addTree(w *fsnotify.Watcher, dir string, log *slog.Logger) {
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // it went again, or cannot be read: the looks will tell
		}
		if d.IsDir() {
			return w.Add(p)
		}
		return nil
	})
	if err != nil {
		log.Warn("changes in a folder are found by looking only", "folder", dir, "error", err)
	}
}

package main

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"path/filepath"

	"github.com/fsnotify/fsnotify"
)

// watch sends a hint whenever something changes under dir, until ctx ends. Hints only make us look sooner: where the system
// gives none, as on network shares, the regular looks find the changes.
func watch(ctx context.Context, dir string, log *slog.Logger) <-chan struct{} {
	hints := make(chan struct{}, 1)
	w, err := fsnotify.NewWatcher()
	if err != nil {
		log.Warn("changes are found by looking only", "error", err)
		return hints
	}
	addTree(w, dir, log)
	go func() {
		defer w.Close()
		for {
			select {
			case <-ctx.Done():
				return
			case e := <-w.Events:
				if e.Has(fsnotify.Create) {
					addTree(w, e.Name, log) // a new folder has to be watched too
				}
				hint(hints)
			case err := <-w.Errors:
				if !errors.Is(err, fsnotify.ErrEventOverflow) {
					log.Warn("watching the items folder", "error", err)
				}
				hint(hints)
			}
		}
	}()
	return hints
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

package newsroom

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"tidings/internal/lock"
)

// The files of a state folder are exchanged together or not at all, also when the power fails in between. The new ones are
// made ready in a folder beside them, which then gets the name readyFolder: from that moment on they count. The old ones are
// moved into it, and the new ones into place, one after the other. If that is cut short, whoever opens the newsroom next
// goes on with it.
const (
	readyFolder = ".restored"
	freshFolder = "new" // in it: the files that are not in place yet
	oldFolder   = "old" // in it: those that were in their place
)

// newStage makes a folder beside the database for files that are being readied. The caller holds all locks: what a restore that was
// killed left behind is taken away.
func newStage(state string) (string, error) {
	const pattern = ".restore-*"
	old, err := filepath.Glob(filepath.Join(state, pattern))
	for _, dir := range old {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	if err != nil {
		return "", err
	}
	return os.MkdirTemp(state, pattern)
}

// handOver makes files, by the names that they get in the state folder, count from now on. The caller holds the turn.
func handOver(state, stage string, files map[string]string) error {
	ready := filepath.Join(stage, readyFolder)
	for _, folder := range []string{ready, filepath.Join(ready, freshFolder), filepath.Join(ready, oldFolder)} {
		if err := os.Mkdir(folder, 0o750); err != nil {
			return err
		}
	}
	for name, path := range files {
		if err := os.Rename(path, filepath.Join(ready, freshFolder, name)); err != nil {
			return err
		}
	}
	if err := syncFolder(filepath.Join(ready, freshFolder)); err != nil {
		return err
	}
	if err := os.Rename(ready, filepath.Join(state, readyFolder)); err != nil {
		return err
	}
	return syncFolder(state)
}

// takeOver puts what handOver has made ready in place, if anything, and gives the folder with what was there before; "" if nothing was. It may
// have been cut short before. The caller holds the turn.
func takeOver(state string, now time.Time) (before string, err error) {
	ready := filepath.Join(state, readyFolder)
	fresh, old := filepath.Join(ready, freshFolder), filepath.Join(ready, oldFolder)
	files, err := os.ReadDir(fresh)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	for _, f := range files {
		path := filepath.Join(state, f.Name())
		for _, suffix := range []string{"-wal", "-shm", ""} { // SQLite would take these for the new database's
			if err := moveOnce(path+suffix, filepath.Join(old, f.Name()+suffix)); err != nil {
				return "", err
			}
		}
		if err := os.Rename(filepath.Join(fresh, f.Name()), path); err != nil {
			return "", err
		}
	}
	if err := removeEmpty(fresh); err != nil {
		return "", err
	}
	if err := removeEmpty(old); err != nil { // it is not empty
		before = unused(filepath.Join(state, "before-"+now.Format("2006-01-02-150405")))
		if err := os.Rename(old, before); err != nil {
			return "", err
		}
	}
	return before, errors.Join(removeEmpty(ready), syncFolder(state))
}

// removeEmpty removes a folder, which may be missing, unless there is something in it.
func removeEmpty(dir string) error {
	if err := os.Remove(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// moveOnce moves a file, if it is there and was not moved before.
func moveOnce(from, to string) error {
	if _, err := os.Lstat(to); err == nil {
		return nil
	}
	if err := os.Rename(from, to); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// unused gives the path, with a number behind it if something has that name already.
func unused(path string) string {
	name := path
	for i := 2; ; i++ {
		if _, err := os.Lstat(name); err != nil {
			return name
		}
		name = path + "-" + strconv.Itoa(i)
	}
}

// syncFolder makes the names in a folder durable.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// finishRestore goes on with a restore that was cut short, if there was one.
func finishRestore(ctx context.Context, state string, now time.Time) error {
	if _, err := os.Stat(filepath.Join(state, readyFolder)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	release, err := lock.Take(ctx, state, "turn")
	if err != nil {
		return err
	}
	defer release()
	_, err = takeOver(state, now)
	return err
}

// Package atomicfile puts files in place as a whole: whoever reads one sees the old bytes or the new, never a part.
package atomicfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Write replaces the file at path by data: it is written beside it under a dotted temporary name, flushed to disk,
// given mode perm, and renamed over it. The folder must exist. After an error the old file is still there.
func Write(path string, data []byte, perm os.FileMode) error {
	return Fill(path, perm, whole(data))
}

func whole(data []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	}
}

// Place is Write without flushing: for many files, which the caller flushes together. When the machine dies before that, the file
// may be empty or gone.
func Place(path string, data []byte, perm os.FileMode) error {
	return write(path, perm, whole(data), func(*os.File) error { return nil })
}

// Create makes a file where there is none, without flushing. Unlike the others it can be seen in part: it is for files that nobody knows of
// yet. After an error it is not there; when the machine dies, any part of it may be.
func Create(path string, data []byte, perm os.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	if _, err = f.Write(data); err == nil {
		err = f.Chmod(perm) // whatever the umask
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		os.Remove(path)
	}
	return err
}

// Fill is Write for what fill writes. An error of fill is returned as it is. Until the end nobody else can read the file.
func Fill(path string, perm os.FileMode, fill func(w io.Writer) error) error {
	return write(path, perm, fill, (*os.File).Sync)
}

// mark begins the names of temporary files; digits follow.
const mark = ".tmp-"

// Sweep takes away the temporary files that processes which died left beside these files, which need not be there themselves. Nobody may be
// writing files there meanwhile. Other files stay, whatever they are.
func Sweep(paths ...string) error {
	var failed []error
	swept := map[string]bool{}
	for _, p := range paths {
		if dir := filepath.Dir(p); !swept[dir] {
			swept[dir] = true
			failed = append(failed, sweep(dir))
		}
	}
	return errors.Join(failed...)
}

func sweep(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	failed := []error{err}
	for _, e := range entries {
		if number, ours := strings.CutPrefix(e.Name(), mark); ours && number != "" && strings.Trim(number, "0123456789") == "" && e.Type().IsRegular() {
			failed = append(failed, os.Remove(filepath.Join(dir, e.Name())))
		}
	}
	return errors.Join(failed...)
}

func write(path string, perm os.FileMode, fill func(w io.Writer) error, flush func(*os.File) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), mark+"*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	if err = fill(f); err == nil {
		err = f.Chmod(perm)
	}
	if err == nil {
		err = flush(f)
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	return err
}

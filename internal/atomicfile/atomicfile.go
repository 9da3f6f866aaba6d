// Package atomicfile puts files in place as a whole: whoever reads one sees the old bytes or the new, never a part.
package atomicfile

import (
	"io"
	"os"
	"path/filepath"
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

// Fill is Write for what fill writes. An error of fill is returned as it is. Until the end nobody else can read the file.
func Fill(path string, perm os.FileMode, fill func(w io.Writer) error) error {
	return write(path, perm, fill, (*os.File).Sync)
}

func write(path string, perm os.FileMode, fill func(w io.Writer) error, flush func(*os.File) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".tmp-*")
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

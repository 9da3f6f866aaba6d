package atomicfile_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"tidings/internal/atomicfile"
)

func TestWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	for i, tt := range []struct {
		data string
		perm os.FileMode
	}{
		{"new", 0o644},
		{"another", 0o600},
		{"", 0o666}, // whatever the umask
	} {
		if err := atomicfile.Write(path, []byte(tt.data), tt.perm); err != nil {
			t.Fatal(i+1, err)
		}
		got, err := os.ReadFile(path)
		info, serr := os.Stat(path)
		if err != nil || serr != nil || string(got) != tt.data || info.Mode() != tt.perm {
			t.Errorf("%d holds %q with mode %v; %v %v", i+1, got, info.Mode(), err, serr)
		}
	}
	onlyFile(t, filepath.Dir(path), "f")
}

// onlyFile wants nothing but the one file in a folder: no temporary file may be left.
func onlyFile(t *testing.T, dir, name string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 || files[0].Name() != name {
		t.Errorf("the folder holds %v; %v", files, err)
	}
}

// TestError: what cannot be replaced stays as it was, and nothing is left beside it.
func TestError(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	if err := os.MkdirAll(filepath.Join(path, "full"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := atomicfile.Write(path, []byte("x"), 0o644); err == nil {
		t.Error("a folder was replaced by a file")
	}
	onlyFile(t, dir, "f")
	onlyFile(t, path, "full")
	if err := atomicfile.Write(filepath.Join(dir, "missing", "f"), nil, 0o644); err == nil {
		t.Error("a file was written into a folder that is not there")
	}
}

// TestSweep: what a process that died left goes, and nothing else does.
func TestSweep(t *testing.T) {
	dir := t.TempDir()
	if err := atomicfile.Sweep(filepath.Join(dir, "missing", "f")); err != nil {
		t.Error(err)
	}
	var died any
	func() {
		defer func() { died = recover() }()
		_ = atomicfile.Fill(filepath.Join(dir, "f"), 0o644, func(io.Writer) error { panic("it dies") })
	}()
	others := []string{".tmp-", ".tmp-12x", ".tmp-folder", ".tmp.1", "tmp-12"}
	for _, name := range others {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, ".tmp-12"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(atomicfile.Sweep(filepath.Join(dir, "f"), filepath.Join(dir, "g")), os.Remove(filepath.Join(dir, ".tmp-12"))); err != nil {
		t.Error(err)
	}
	files, err := os.ReadDir(dir)
	var left []string
	for _, f := range files {
		left = append(left, f.Name())
	}
	if err != nil || died == nil || !slices.Equal(left, others) {
		t.Errorf("the folder holds %q, want %q; %v", left, others, err)
	}
}

// TestReaders: whoever reads while the file is being replaced sees all of one version.
func TestReaders(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	versions := [][]byte{bytes.Repeat([]byte("a"), 1<<16), bytes.Repeat([]byte("b"), 1<<17)}
	if err := atomicfile.Write(path, versions[0], 0o644); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var readers sync.WaitGroup
	readers.Go(func() {
		for {
			got, err := os.ReadFile(path)
			if err != nil || !bytes.Equal(got, versions[0]) && !bytes.Equal(got, versions[1]) {
				t.Errorf("%d bytes were read; %v", len(got), err)
				return
			}
			select {
			case <-done:
				return
			default:
			}
		}
	})
	for i := range 30 {
		if err := atomicfile.Write(path, versions[i%2], 0o644); err != nil {
			t.Error(err)
		}
	}
	close(done)
	readers.Wait()
}

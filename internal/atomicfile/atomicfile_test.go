package atomicfile_test

import (
	"bytes"
	"os"
	"path/filepath"
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

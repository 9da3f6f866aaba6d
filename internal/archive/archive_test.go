package archive_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tidings/internal/archive"
	"tidings/internal/testtool"
)

var noon = time.Date(2026, 7, 26, 12, 0, 0, 0, time.UTC)

// write makes a file, also in a folder that is missing.
func write(t testing.TB, path, text string, perm fs.FileMode) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), perm); err != nil {
		t.Fatal(err)
	}
	return path
}

var texts = map[string]string{"keys": "1 secret\n", "newsroom/tidings.yaml": "title: News\n", "big.db": strings.Repeat("bytes ", 50_000), "empty": ""}

// pack makes an archive of these texts.
func pack(t testing.TB, names ...string) []byte {
	t.Helper()
	dir := t.TempDir()
	var files []archive.File
	for i, name := range names {
		files = append(files, archive.File{Name: name, Path: write(t, filepath.Join(dir, string(rune('a'+i))), texts[name], 0o600)})
	}
	var b bytes.Buffer
	if err := archive.Write(&b, archive.Manifest{Tidings: "1.2", Made: noon, Title: "News", URL: "https://news.example.org/", Tables: 3}, files); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// file puts an archive where it can be opened.
func file(t testing.TB, data []byte) string {
	t.Helper()
	return write(t, filepath.Join(t.TempDir(), "a.tar.gz"), string(data), 0o600)
}

// TestRoundTrip: what goes in comes out, with its mode; the manifest tells what it is; a single file can be read by itself.
func TestRoundTrip(t *testing.T) {
	path := file(t, pack(t, "newsroom/tidings.yaml", "big.db", "keys", "empty"))
	a, err := archive.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if a.Title != "News" || a.URL != "https://news.example.org/" || a.Tables != 3 || !a.Made.Equal(noon) || a.Tidings != "1.2" || a.Format != archive.Format || len(a.Members) != 4 {
		t.Errorf("the manifest says %+v", a.Manifest)
	}
	dir := t.TempDir()
	if err := a.Unpack(dir); err != nil {
		t.Fatal(err)
	}
	for name, want := range texts {
		got, err := os.ReadFile(filepath.Join(dir, name))
		info, serr := os.Stat(filepath.Join(dir, name))
		if err != nil || serr != nil || string(got) != want || info.Mode() != 0o600 {
			t.Errorf("%s: %d bytes, %v, %v", name, len(got), err, serr)
		}
		one, err := a.Read(name)
		if err != nil || string(one) != want || !a.Has(name) {
			t.Errorf("%s by itself: %d bytes, %v", name, len(one), err)
		}
	}
	if _, err := a.Read("other"); !errors.Is(err, fs.ErrNotExist) || a.Has("other") {
		t.Errorf("a file that is not in it: %v", err)
	}
	if err := a.Unpack(dir); !errors.Is(err, fs.ErrExist) {
		t.Errorf("it wrote over files: %v", err)
	}
}

// TestOtherPrograms: tar opens an archive, and gzip and Python find nothing wrong with it.
func TestOtherPrograms(t *testing.T) {
	path := file(t, pack(t, "newsroom/tidings.yaml", "big.db"))
	dir := t.TempDir()
	for _, command := range [][]string{
		{"tar", "-xzf", path, "-C", dir}, {"gzip", "-t", path},
		{"/usr/bin/python3", "-W", "error", "-c", "import sys, tarfile; sys.exit(tarfile.open(sys.argv[1]).getnames()[2] != 'big.db')", path},
	} {
		if _, err := exec.LookPath(command[0]); err != nil {
			testtool.Missing(t, command[0])
			continue
		}
		if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: %v\n%s", command[0], err, out)
		}
	}
	if got, err := os.ReadFile(filepath.Join(dir, "big.db")); err != nil || string(got) != texts["big.db"] {
		t.Errorf("tar unpacked %d bytes, %v", len(got), err)
	}
}

// TestEveryByteCounts: no byte of an archive can be changed, cut off or added without being noticed.
func TestEveryByteCounts(t *testing.T) {
	good := pack(t, "newsroom/tidings.yaml", "keys", "empty")
	path := file(t, good)
	refused := func(what string, i int, data []byte) {
		t.Helper()
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Open(path); !errors.Is(err, archive.ErrDamaged) && !errors.Is(err, archive.ErrForeign) {
			t.Errorf("%s %d: %v", what, i, err)
		}
	}
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1 << (i % 8)
		refused("with another byte", i, bad)
		refused("cut off at", i, good[:i])
	}
	refused("with a byte more", 0, append(bytes.Clone(good), 0))
	refused("twice", 0, append(bytes.Clone(good), good...))
}

// entry is a member of an archive that somebody made by hand.
type entry struct {
	name, text string
	kind       byte
}

// forge makes a sealed archive of these members; the manifest is the first.
func forge(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	zip := gzip.NewWriter(&b)
	w := tar.NewWriter(zip)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Typeflag: e.kind, Mode: 0o600, Size: int64(len(e.text))}
		if e.kind != tar.TypeReg {
			h.Size, h.Linkname = 0, "/etc/passwd"
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			if _, err := io.WriteString(w, e.text); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := errors.Join(w.Close(), zip.Close()); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(b.Bytes())
	b.WriteString("\x1f\x8b\x08\x10\x00\x00\x00\x00\x00\xff" + hex.EncodeToString(sum[:]) + "\x00\x03\x00" + strings.Repeat("\x00", 8))
	return b.Bytes()
}

// manifest makes a manifest that tells of these members: name, text, name, text.
func manifest(t testing.TB, format int, pairs ...string) entry {
	t.Helper()
	m := archive.Manifest{Format: format, Made: noon}
	for i := 0; i < len(pairs); i += 2 {
		sum := sha256.Sum256([]byte(pairs[i+1]))
		m.Members = append(m.Members, archive.Member{Name: pairs[i], Size: int64(len(pairs[i+1])), SHA256: hex.EncodeToString(sum[:])})
	}
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return entry{"manifest.json", string(text), tar.TypeReg}
}

// TestRefused: archives that are whole, and still not what they should be, are refused, and nothing is written out of the folder.
func TestRefused(t *testing.T) {
	reg := func(name, text string) entry { return entry{name, text, tar.TypeReg} }
	for _, test := range []struct {
		name string // number and why
		data []byte
		want error
	}{
		{"1 as it should be", forge(t, manifest(t, 1, "keys", "k"), reg("keys", "k")), nil},
		{"2 something else", []byte("title: News\n"), archive.ErrForeign},
		{"3 nothing", nil, archive.ErrForeign},
		{"4 a tar file without a manifest", forge(t, reg("keys", "k")), archive.ErrForeign},
		{"5 a manifest of something else", forge(t, reg("manifest.json", `{"name": "an app"}`)), archive.ErrForeign},
		{"6 a manifest that is no JSON", forge(t, reg("manifest.json", "{")), archive.ErrDamaged},
		{"7 the form of a later version", forge(t, manifest(t, 2, "keys", "k"), reg("keys", "k")), archive.ErrNewer},
		{"8 a member that the manifest does not tell of", forge(t, manifest(t, 1, "keys", "k"), reg("keys", "k"), reg("more", "m")), archive.ErrDamaged},
		{"9 one instead of another", forge(t, manifest(t, 1, "keys", "k"), reg("more", "k")), archive.ErrDamaged},
		{"10 one is missing", forge(t, manifest(t, 1, "keys", "k", "more", "m"), reg("keys", "k")), archive.ErrDamaged},
		{"11 one twice", forge(t, manifest(t, 1, "keys", "k", "keys", "k"), reg("keys", "k"), reg("keys", "k")), archive.ErrDamaged},
		{"12 out of the folder", forge(t, manifest(t, 1, "../keys", "k"), reg("../keys", "k")), archive.ErrDamaged},
		{"13 out of the folder, later", forge(t, manifest(t, 1, "a/../../keys", "k"), reg("a/../../keys", "k")), archive.ErrDamaged},
		{"14 from the root", forge(t, manifest(t, 1, "/tmp/keys", "k"), reg("/tmp/keys", "k")), archive.ErrDamaged},
		{"15 the folder itself", forge(t, manifest(t, 1, ".", "k"), reg(".", "k")), archive.ErrDamaged},
		{"16 a link", forge(t, manifest(t, 1, "keys", ""), entry{"keys", "", tar.TypeSymlink}), archive.ErrDamaged},
		{"17 a folder", forge(t, manifest(t, 1, "keys", ""), entry{"keys/", "", tar.TypeDir}), archive.ErrDamaged},
		{"18 other bytes", forge(t, manifest(t, 1, "keys", "k"), reg("keys", "x")), archive.ErrDamaged},
		{"19 more bytes", forge(t, manifest(t, 1, "keys", "k"), reg("keys", "kk")), archive.ErrDamaged},
		{"20 a manifest inside", forge(t, manifest(t, 1, "manifest.json", "k"), reg("manifest.json", "k")), archive.ErrDamaged},
	} {
		outer := t.TempDir()
		dir := filepath.Join(outer, "dir")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		a, err := archive.Open(file(t, test.data))
		if err == nil {
			err = a.Unpack(dir)
		}
		if !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
		if entries, err := os.ReadDir(outer); err != nil || len(entries) != 1 {
			t.Errorf("%s: beside the folder there is %v; %v", test.name, entries, err)
		}
	}
}

// TestChangedMeanwhile: a file that does not stay as it is while it is packed is an error, not a bad archive.
func TestChangedMeanwhile(t *testing.T) {
	for i, change := range []string{"other", "it is longer now", ""} {
		path := write(t, filepath.Join(t.TempDir(), "keys"), "as it", 0o600)
		w := writerFunc(func(p []byte) (int, error) { return len(p), os.WriteFile(path, []byte(change), 0o600) })
		files := []archive.File{{Name: "big", Path: write(t, filepath.Join(t.TempDir(), "big"), random(300_000), 0o600)}, {Name: "keys", Path: path}}
		if err := archive.Write(w, archive.Manifest{}, files); err == nil || !strings.Contains(err.Error(), "try again") {
			t.Errorf("%d: %v", i+1, err)
		}
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// random is text that gzip cannot make much smaller, so that it writes while there is more to come.
func random(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		sum := sha256.Sum256([]byte{byte(i), byte(i >> 8), byte(i >> 16)})
		b.Write(sum[:])
	}
	return b.String()
}

// TestWriteRefuses: names that could not be unpacked are refused when an archive is made, and so is a file that is missing.
func TestWriteRefuses(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "f"), "x", 0o600)
	for i, files := range [][]archive.File{
		{{Name: "../f", Path: path}}, {{Name: "/f", Path: path}}, {{Name: "", Path: path}}, {{Name: "manifest.json", Path: path}},
		{{Name: "f", Path: path}, {Name: "f", Path: path}}, {{Name: "f", Path: path + "?"}},
	} {
		var b bytes.Buffer
		if err := archive.Write(&b, archive.Manifest{}, files); err == nil || b.Len() > 0 {
			t.Errorf("%d: %v, %d bytes", i+1, err, b.Len())
		}
	}
	if err := archive.Write(writerFunc(func([]byte) (int, error) { return 0, io.ErrShortWrite }), archive.Manifest{}, nil); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("a full disk: %v", err)
	}
}

// FuzzOpen: whatever a file holds, it is opened or refused, and what is unpacked is what its manifest tells of.
func FuzzOpen(f *testing.F) {
	f.Add(pack(f, "newsroom/tidings.yaml", "keys"))
	f.Add(forge(f, manifest(f, 1, "../keys", "k"), entry{"../keys", "k", tar.TypeReg}))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 98 { // else nothing would ever pass the seal
			sum := sha256.Sum256(data[:len(data)-85])
			data = append(append(bytes.Clone(data[:len(data)-85]), "\x1f\x8b\x08\x10\x00\x00\x00\x00\x00\xff"...), hex.EncodeToString(sum[:])+"\x00\x03\x00"+strings.Repeat("\x00", 8)...)
		}
		a, err := archive.Open(file(t, data))
		if err != nil {
			return
		}
		dir := t.TempDir()
		if a.Unpack(dir) != nil {
			return
		}
		for _, m := range a.Members {
			if info, err := os.Stat(filepath.Join(dir, m.Name)); err != nil || info.Size() != m.Size {
				t.Errorf("%+v: %v", m, err)
			}
		}
	})
}

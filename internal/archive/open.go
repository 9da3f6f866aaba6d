package archive

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// What can be wrong with an archive.
var (
	ErrForeign = errors.New("it is no backup made by Tidings")
	ErrDamaged = errors.New("it is damaged: a part is missing, or was changed")
	ErrNewer   = errors.New("it was made by a newer version of Tidings")
)

// Archive is an archive that is whole.
type Archive struct {
	Manifest
	path string
}

// Open reads the archive at path to its end, to see whether it is whole; ErrForeign, ErrDamaged and ErrNewer say why it
// cannot be used.
func Open(path string) (*Archive, error) {
	a := &Archive{path: path}
	err := a.sealed()
	if err == nil {
		err = a.readManifest()
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return a, nil
}

// sealed holds the file against its seal.
func (a *Archive) sealed() error {
	f, err := os.Open(a.path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	magic := make([]byte, 2)
	if n, err := f.ReadAt(magic, 0); n < 2 && err != io.EOF {
		return err
	} else if !bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		return ErrForeign
	}
	sum := sha256.New()
	if _, err := io.CopyN(sum, f, max(info.Size()-int64(sealSize), 0)); err != nil {
		return err
	}
	end, err := io.ReadAll(f)
	if err == nil && !bytes.Equal(end, seal(sum.Sum(nil))) {
		err = ErrDamaged
	}
	return err
}

// maxManifest is how large a manifest may be, in bytes.
const maxManifest = 1 << 20

func (a *Archive) readManifest() error {
	err := a.walk(func(_ int, h *tar.Header, r io.Reader) error {
		if h.Name != manifestName || h.Size > maxManifest {
			return ErrForeign
		}
		if err := json.NewDecoder(r).Decode(&a.Manifest); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrDamaged, manifestName, err)
		}
		return errEnough
	})
	switch {
	case err != nil:
		return err
	case a.Format == 0:
		return ErrForeign
	case a.Format > Format:
		return fmt.Errorf("%w (format %d, this version knows %d)", ErrNewer, a.Format, Format)
	}
	return a.check()
}

// check wants names that cannot lead out of a folder, each of them once.
func (m Manifest) check() error {
	seen := map[string]bool{manifestName: true}
	for _, member := range m.Members {
		if !fs.ValidPath(member.Name) || !filepath.IsLocal(filepath.FromSlash(member.Name)) || member.Name == "." {
			return fmt.Errorf("%w: %q is no name for a file in it", ErrDamaged, member.Name)
		}
		if seen[member.Name] {
			return fmt.Errorf("%w: it holds %q twice", ErrDamaged, member.Name)
		}
		seen[member.Name] = true
	}
	return nil
}

// errEnough ends a walk before the archive's end.
var errEnough = errors.New("enough")

// walk goes through the members of the tar file, the manifest being number 0, until visit has enough.
func (a *Archive) walk(visit func(i int, h *tar.Header, r io.Reader) error) error {
	if err := a.visitAll(visit); !errors.Is(err, errEnough) {
		return err
	}
	return nil
}

func (a *Archive) visitAll(visit func(i int, h *tar.Header, r io.Reader) error) error {
	f, err := os.Open(a.path)
	if err != nil {
		return err
	}
	defer f.Close()
	zip, err := gzip.NewReader(f)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	t := tar.NewReader(zip)
	for i := 0; ; i++ {
		h, err := t.Next()
		switch {
		case err == io.EOF && i == len(a.Members)+1:
			return nil
		case err != nil:
			return fmt.Errorf("%w: %w", ErrDamaged, err)
		case h.Typeflag != tar.TypeReg:
			return fmt.Errorf("%w: %q is no file", ErrDamaged, h.Name)
		}
		if err := visit(i, h, t); err != nil {
			return err
		}
	}
}

// members goes through the members behind the manifest, which have to be those that it lists.
func (a *Archive) members(visit func(m Member, perm fs.FileMode, r io.Reader) error) error {
	return a.walk(func(i int, h *tar.Header, r io.Reader) error {
		switch {
		case i == 0:
			return nil
		case i > len(a.Members) || h.Name != a.Members[i-1].Name || h.Size != a.Members[i-1].Size:
			return fmt.Errorf("%w: its manifest does not tell of %q", ErrDamaged, h.Name)
		}
		err := visit(a.Members[i-1], fs.FileMode(h.Mode).Perm(), r)
		if errors.Is(err, errChanged) {
			err = fmt.Errorf("%w: %s", ErrDamaged, h.Name)
		}
		return err
	})
}

// Has tells whether the archive holds a file of this name.
func (a *Archive) Has(name string) bool {
	return slices.ContainsFunc(a.Members, func(m Member) bool { return m.Name == name })
}

// Read gives a file that the archive holds; fs.ErrNotExist if it holds none of that name.
func (a *Archive) Read(name string) ([]byte, error) {
	if !a.Has(name) {
		return nil, fmt.Errorf("%s: %q: %w", a.path, name, fs.ErrNotExist)
	}
	var b bytes.Buffer
	err := a.members(func(m Member, _ fs.FileMode, r io.Reader) error {
		if m.Name != name {
			return nil
		}
		if err := m.copy(&b, r); err != nil {
			return err
		}
		return errEnough
	})
	return b.Bytes(), err
}

// Unpack writes all files of the archive, with their modes, below the folder dir, which has to be empty and for its owner alone. After an error some may
// be there.
func (a *Archive) Unpack(dir string) error {
	err := a.members(func(m Member, perm fs.FileMode, r io.Reader) error {
		path := filepath.Join(dir, filepath.FromSlash(m.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		return m.unpack(path, perm, r)
	})
	if err != nil {
		err = fmt.Errorf("%s: %w", a.path, err)
	}
	return err
}

// unpack writes a new file, and flushes it to disk.
func (m Member) unpack(path string, perm fs.FileMode, r io.Reader) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	err = m.copy(f, r)
	return errors.Join(err, f.Sync(), f.Close())
}

// Package archive puts files into one file and gives them back exactly as they were, or not at all.
//
// An archive is a tar file compressed by gzip (RFC 1952), which any tar program opens, and a seal behind it. Its first member is
// manifest.json, a Manifest; the others follow in the order in which that lists them, each of them a regular file. The seal
// is an empty gzip member, which gzip and tar pass over. Its comment is the SHA-256, in hex, of all bytes before it, so
// that no byte can be changed, added or cut off without being noticed.
//
// It assumes that archives are made and kept by those who read them: the seal tells of accidents, not of forgers.
package archive

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// Format is the number of the form described above.
const Format = 1

// Manifest tells what an archive holds.
type Manifest struct {
	Format  int       `json:"format"`
	Tidings string    `json:"tidings"` // the version that made it
	Made    time.Time `json:"made"`
	Title   string    `json:"title"` // of the newsroom
	URL     string    `json:"url"`
	Tables  int64     `json:"tables"` // the last migration of the database in it
	Members []Member  `json:"members"`
}

// Member is one of the files in an archive.
type Member struct {
	Name   string `json:"name"` // slash-separated, as fs.ValidPath wants it
	Size   int64  `json:"size"` // bytes
	SHA256 string `json:"sha256"`
}

const manifestName = "manifest.json"

// File is a file to pack: the name that it gets, and where it lies.
type File struct{ Name, Path string }

// Write writes an archive of the files with their modes. It fills in the manifest's Format and Members; the caller gives the rest. A file
// that changes meanwhile is an error.
func Write(w io.Writer, m Manifest, files []File) error {
	m.Format, m.Members = Format, nil
	for _, f := range files {
		member, err := describe(f)
		if err != nil {
			return err
		}
		m.Members = append(m.Members, member)
	}
	if err := m.check(); err != nil {
		return err
	}
	sum := sha256.New()
	zip := gzip.NewWriter(io.MultiWriter(w, sum))
	if err := pack(zip, m, files); err != nil {
		return err
	}
	if err := zip.Close(); err != nil {
		return err
	}
	_, err := w.Write(seal(sum.Sum(nil)))
	return err
}

// describe reads a file to say what it is.
func describe(f File) (Member, error) {
	file, err := os.Open(f.Path)
	if err != nil {
		return Member{}, err
	}
	defer file.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, file)
	return Member{f.Name, n, hex.EncodeToString(sum.Sum(nil))}, err
}

func pack(w io.Writer, m Manifest, files []File) error {
	t := tar.NewWriter(w)
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	if err := t.WriteHeader(header(manifestName, int64(len(text)), 0o600, m.Made)); err != nil {
		return err
	}
	if _, err := t.Write(text); err != nil {
		return err
	}
	for i, f := range files {
		if err := add(t, f, m.Members[i], m.Made); err != nil {
			return err
		}
	}
	return t.Close()
}

func header(name string, size int64, perm fs.FileMode, at time.Time) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: int64(perm), ModTime: at.Truncate(time.Second)}
}

// add packs a file, which must still be as it was described.
func add(t *tar.Writer, f File, m Member, at time.Time) error {
	file, err := os.Open(f.Path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if err := t.WriteHeader(header(m.Name, m.Size, info.Mode().Perm(), at)); err != nil {
		return err
	}
	if err := m.copy(t, io.LimitReader(file, m.Size)); err != nil {
		return fmt.Errorf("%s: %w", f.Path, err)
	}
	return nil
}

// errChanged says that bytes are not those that the manifest describes.
var errChanged = errors.New("it changes while it is read: try again")

// copy copies the member's bytes from r, which must be the ones that were described.
func (m Member) copy(w io.Writer, r io.Reader) error {
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(w, sum), r)
	if err == nil && (n != m.Size || hex.EncodeToString(sum.Sum(nil)) != m.SHA256) {
		err = errChanged
	}
	return err
}

// sealSize is the length of a seal in bytes.
var sealSize = len(seal(make([]byte, sha256.Size)))

// seal is an empty gzip member (RFC 1952 §2.3) with the checksum as its comment. It is not left to a library how it is
// written: archives must be known for whole for ever.
func seal(sum []byte) []byte {
	const comment = 1 << 4
	b := []byte{0x1f, 0x8b, 8, comment, 0, 0, 0, 0, 0, 255}
	b = append(b, hex.EncodeToString(sum)...)
	b = append(b, 0)
	b = append(b, 3, 0)                      // an empty last block (RFC 1951 §3.2.6)
	return append(b, 0, 0, 0, 0, 0, 0, 0, 0) // CRC-32 and length of nothing
}

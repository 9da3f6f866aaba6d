package newsroom

import (
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
)

// programPrint is of what every document depends on besides its own content: the program, with the templates in it, and the
// newsroom's own templates in dir. A new program makes all documents anew, and writes those that came out different.
func programPrint(dir string) string {
	h := sha256.New()
	if name, err := os.Executable(); err == nil {
		if info, err := os.Stat(name); err == nil {
			fmt.Fprintln(h, info.Size(), info.ModTime().UnixNano())
		}
		_, _ = h.Write(buildID(name))
	}
	names, _ := os.ReadDir(dir) // templates.Load has told of what cannot be read
	for _, name := range names {
		text, _ := os.ReadFile(filepath.Join(dir, name.Name()))
		fmt.Fprintf(h, "%s %d %s\n", name.Name(), len(text), text)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// buildID is what the linker made of all that is in a program; nil if it is not in ELF. Some packagers give every version the same time.
func buildID(name string) []byte {
	f, err := elf.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	s := f.Section(".note.go.buildid")
	if s == nil {
		return nil
	}
	id, _ := s.Data()
	return id
}

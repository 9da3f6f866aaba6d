package newsroom

import (
	"crypto/sha256"
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
	}
	names, _ := filepath.Glob(filepath.Join(dir, "*")) // the pattern is a good one
	for _, name := range names {
		text, _ := os.ReadFile(name) // templates.Load has told of what cannot be read
		fmt.Fprintf(h, "%s %d %s\n", filepath.Base(name), len(text), text)
	}
	return hex.EncodeToString(h.Sum(nil))
}

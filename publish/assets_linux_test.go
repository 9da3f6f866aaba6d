package publish_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// TestUnreadable: a picture or document that may not be read is not left out without a word, and is taken once it may.
func TestUnreadable(t *testing.T) {
	dir, a, _ := newAssets(t)
	for _, parent := range []string{filepath.Dir(dir), filepath.Dir(filepath.Dir(dir))} {
		if err := os.Chmod(parent, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"a.png", "a.pdf"} {
		file := filepath.Join(dir, name)
		put(t, file, picture(t, 30, 20))
		if err := os.Chmod(file, 0); err != nil {
			t.Fatal(err)
		}
		a.Begin(t.Context())
		ok := false
		asNobody(t, func() { _, ok = a.Asset("x.md", name) })
		probs := a.Problems()
		if ok || len(probs) != 1 || probs[0].File != "items/x.md" || !strings.Contains(probs[0].What, name+": it cannot be read: permission denied") || !strings.Contains(probs[0].Hint, "right to read") {
			t.Errorf("%s: %t, %v", name, ok, probs)
		}
		if err := os.Chmod(file, 0o644); err != nil {
			t.Fatal(err)
		}
		a.Begin(t.Context())
		if _, ok := a.Asset("x.md", name); !ok || len(a.Problems()) > 0 {
			t.Errorf("%s: %v", name, a.Problems())
		}
	}
}

// asNobody does something without the right of root to read every file.
func asNobody(t *testing.T, do func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		do()
		return
	}
	set := func(uid uintptr) { _, _, _ = syscall.RawSyscall(syscall.SYS_SETFSUID, uid, 0, 0) } // it gives the last one, and no error
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	set(65534)
	defer set(0)
	do()
}

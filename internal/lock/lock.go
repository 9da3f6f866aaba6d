// Package lock keeps two processes from doing the same work on one newsroom. A lock is a file that the system holds for the
// process (flock): it is free again when the process ends, however it ends. The file stays.
package lock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// ErrHeld says that another process has the lock.
var ErrHeld = errors.New("another process has the lock")

// Try takes the lock called name in the folder dir, which is made if it is missing, and returns what gives it back;
// ErrHeld if another process, or another part of this one, has it.
func Try(dir, name string) (release func(), err error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, err
	}
	l := flock.New(filepath.Join(dir, name))
	ok, err := l.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", name, err)
	}
	if !ok {
		return nil, ErrHeld
	}
	return func() { l.Unlock() }, nil
}

// Take waits for the lock instead, until ctx ends.
func Take(ctx context.Context, dir, name string) (release func(), err error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, err
	}
	l := flock.New(filepath.Join(dir, name))
	if _, err := l.TryLockContext(ctx, 20*time.Millisecond); err != nil {
		return nil, fmt.Errorf("lock %s: %w", name, err)
	}
	return func() { l.Unlock() }, nil
}

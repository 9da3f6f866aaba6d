package lock_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"

	"tidings/internal/lock"
)

// TestMain makes this binary also the other process: it holds the lock until its standard input ends.
func TestMain(m *testing.M) {
	dir := os.Getenv("LOCK_TEST_DIR")
	if dir == "" {
		os.Exit(m.Run())
	}
	if _, err := lock.Try(dir, "send"); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("held")
	_, _ = io.Copy(io.Discard, os.Stdin) // then it dies without giving anything back
}

// other starts another process that holds the lock; end lets it die.
func other(t *testing.T, dir string) (said string, end func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "LOCK_TEST_DIR="+dir, "GORACE=atexit_sleep_ms=0") // it need not linger
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said, err = bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return said, func() {
		in.Close()
		_ = cmd.Wait() // its exit status is what it said
	}
}

func try(t *testing.T, dir, name string, want error) func() {
	t.Helper()
	release, err := lock.Try(dir, name)
	if !errors.Is(err, want) {
		t.Fatalf("%s: %v, want %v", name, err, want)
	}
	return release
}

// TestTry: one holder at a time, also within a process; the folder is made; locks of other names are free.
func TestTry(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	release := try(t, dir, "send", nil)
	for range 3 { // who tries often must not break it
		try(t, dir, "send", lock.ErrHeld)
	}
	try(t, dir, "publish", nil)()
	try(t, t.TempDir(), "send", nil)()
	release()
	try(t, dir, "send", nil)()
}

// TestProcesses: a lock keeps other processes out, and is free once its holder is dead.
func TestProcesses(t *testing.T) {
	dir := t.TempDir()
	release := try(t, dir, "send", nil)
	said, end := other(t, dir)
	if end(); said != lock.ErrHeld.Error()+"\n" {
		t.Errorf("the other process said %q", said)
	}
	release()
	said, end = other(t, dir)
	if said != "held\n" {
		t.Errorf("the other process said %q", said)
	}
	try(t, dir, "send", lock.ErrHeld)
	end()
	try(t, dir, "send", nil)()
}

// TestTake: who waits gets the lock once it is given back, by a living process or a dead one, and not before.
func TestTake(t *testing.T) {
	dir := t.TempDir()
	_, end := other(t, dir)
	got := make(chan error)
	var free atomic.Bool
	go func() {
		release, err := lock.Take(t.Context(), dir, "send")
		if err == nil && !free.Load() {
			err = errors.New("it was taken while it was held")
		}
		if err == nil {
			release()
		}
		got <- err
	}()
	try(t, dir, "send", lock.ErrHeld)
	free.Store(true)
	end()
	if err := <-got; err != nil {
		t.Error(err)
	}
}

// TestErrors: where no lock can be, that is an error, not a lock that is held.
func TestErrors(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, dir := range map[string]string{"1 the folder is a file": file, "2 the folder cannot be": filepath.Join(file, "state")} {
		for _, f := range []func(dir, name string) (func(), error){lock.Try, func(dir, name string) (func(), error) { return lock.Take(t.Context(), dir, name) }} {
			if release, err := f(dir, "send"); err == nil || errors.Is(err, lock.ErrHeld) || release != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if err := os.Mkdir(filepath.Join(filepath.Dir(file), "send"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := lock.Try(filepath.Dir(file), "send"); err == nil || errors.Is(err, lock.ErrHeld) {
		t.Errorf("3 the lock is a folder: %v", err)
	}
}

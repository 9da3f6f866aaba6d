//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"tidings/newsroom"
)

// publication is what one publication took in a running newsroom, as one process tells it to another.
type publication struct {
	What      string
	Wall, CPU time.Duration
	Written   int
}

// changes has another process open a newsroom that was published, as the daemon does, and measure what is published after a change.
func (b bench) changes(ctx context.Context, dir string) ([]took, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, "-inside", dir)
	var out, wrong bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &wrong
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("measuring changes: %w: %s", err, wrong.Bytes())
	}
	var results []took
	for d := json.NewDecoder(&out); ; {
		var p publication
		if err := d.Decode(&p); err == io.EOF {
			return results, nil
		} else if err != nil {
			return nil, err
		}
		results = append(results, took{what: "Tidings, " + p.What, wall: p.Wall, cpu: p.CPU, files: p.Written})
	}
}

// measure publishes a newsroom once, and then after each kind of change, and says what that took.
func measure(ctx context.Context, dir string, out io.Writer) error {
	n, err := newsroom.Open(ctx, dir, newsroom.Outside{})
	if err != nil {
		return err
	}
	defer n.Close()
	if _, err := n.Publish(ctx); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(dir, "items", "*", "*.md"))
	if err != nil {
		return err
	}
	slices.Sort(files)
	say := json.NewEncoder(out)
	for _, step := range []struct {
		what   string
		change func() error
	}{
		{"nothing changed", func() error { return nil }},
		{"the text of an old story", func() error { return edit(files[len(files)/2], "\n---\n", "\n---\nMore. ") }},
		{"the text of the newest", func() error { return edit(files[len(files)-1], "\n---\n", "\n---\nMore. ") }},
		{"the title of the newest", func() error { return edit(files[len(files)-1], "title: ", "title: New ") }},
	} {
		for range 3 {
			if err := step.change(); err != nil {
				return err
			}
			p, err := publish(ctx, n)
			if err != nil {
				return err
			}
			p.What = step.what
			if err := say.Encode(p); err != nil {
				return err
			}
		}
	}
	return nil
}

// publish publishes once and measures it, from the start of the look at the items folder.
func publish(ctx context.Context, n *newsroom.Newsroom) (publication, error) {
	start, before := time.Now(), processor()
	pub, err := n.Publish(ctx)
	return publication{Wall: time.Since(start), CPU: processor() - before, Written: len(pub.Written)}, err
}

// processor is the processor time of this process so far.
func processor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// edit changes one place in a file.
func edit(path, from, to string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, bytes.Replace(text, []byte(from), []byte(to), 1), 0o644)
}

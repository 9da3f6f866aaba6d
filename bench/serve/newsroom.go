//go:build linux

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"tidings/bench/prose"
)

// A feed of 50 stories of 400 words has about 150 kB.
const (
	stories = 50
	length  = 400 // words of a story
)

const config = `title: News
url: https://news.example.org/
postal_address: 1 Example Street
web: {listen: "%s"}
`

func (b bench) newsroom() string { return filepath.Join(b.dir, "newsroom") }

func (b bench) program() string { return filepath.Join(b.dir, "tidings") }

// address is where the newsroom's own server listens, as prepare has written it down.
func (b bench) address() string {
	text, _ := os.ReadFile(filepath.Join(b.newsroom(), "address"))
	return string(text)
}

// prepare builds the program and a newsroom with one full feed, and publishes it.
func (b bench) prepare(ctx context.Context) error {
	if err := succeed(exec.CommandContext(ctx, "go", "build", "-o", b.program(), "./cmd/tidings")); err != nil {
		return err
	}
	address, err := freeAddress()
	if err != nil {
		return err
	}
	if err := b.write("address", address); err != nil {
		return err
	}
	if err := b.write("tidings.yaml", fmt.Sprintf(config, address)); err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(1, 2)) // the same stories each time
	today := time.Now()
	for i := range stories {
		story := fmt.Sprintf("---\ntitle: Story number %d\ndate: %s\ntopics: [resettlement]\n---\n%s", i+1,
			today.AddDate(0, 0, -i-1).Format(time.DateOnly), prose.Paragraphs(random, length))
		if err := b.write(fmt.Sprintf("items/story-%d.md", i+1), story); err != nil {
			return err
		}
	}
	return succeed(exec.CommandContext(ctx, b.program(), "-C", b.newsroom(), "build"))
}

// write writes a file of the newsroom.
func (b bench) write(name, text string) error {
	path := filepath.Join(b.newsroom(), name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o644)
}

// succeed runs a command; what it said is in the error.
func succeed(cmd *exec.Cmd) error {
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", filepath.Base(cmd.Path), err, out)
	}
	return nil
}

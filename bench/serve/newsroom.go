//go:build linux

package main

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
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
			today.AddDate(0, 0, -i-1).Format(time.DateOnly), prose(random))
		if err := b.write(fmt.Sprintf("items/story-%d.md", i+1), story); err != nil {
			return err
		}
	}
	if err := succeed(exec.CommandContext(ctx, b.program(), "-C", b.newsroom(), "build")); err != nil {
		return err
	}
	return b.compress()
}

// write writes a file of the newsroom.
func (b bench) write(name, text string) error {
	path := filepath.Join(b.newsroom(), name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o644)
}

// compress makes the feed's compressed sibling, unless publishing has.
func (b bench) compress() error {
	path := filepath.Join(b.newsroom(), "public", filepath.FromSlash(feed))
	if _, err := os.Stat(path + ".gz"); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	plain, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var out strings.Builder
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := w.Write(plain); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return b.write("public"+feed+".gz", out.String())
}

// prose makes paragraphs that compress about as well as English does: few words are frequent, many are rare.
func prose(random *rand.Rand) string {
	frequent := rand.NewZipf(random, 1.3, 4, 3000)
	var text strings.Builder
	for i := range length {
		switch {
		case i > 0 && i%80 == 0:
			text.WriteString(".\n\n")
		case i > 0:
			text.WriteByte(' ')
		}
		text.WriteString(word(frequent.Uint64()))
	}
	return text.String() + ".\n"
}

// word spells a number.
func word(n uint64) string {
	const syllables = "the of and to in is that for on with as was at by it from are be an "
	parts := strings.Fields(syllables)
	word := ""
	for n++; n > 0; n /= uint64(len(parts)) {
		word += parts[n%uint64(len(parts))]
	}
	return word
}

// succeed runs a command; what it said is in the error.
func succeed(cmd *exec.Cmd) error {
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", filepath.Base(cmd.Path), err, out)
	}
	return nil
}

//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// stories is how many stories an issue has.
const stories = 30

const config = `title: News
url: https://news.example.org/
postal_address: 1 Example Street
mail: {from: News <news@example.org>, connections: %d, relays: [{url: "smtp://%s", tls: none}]%s}
newsletters:
  weekly: {title: Weekly, schedule: "0 9 * * MON", max_items: %d}
`

// newsroom is the folder of the newsroom that every round copies.
func (b bench) newsroom() string { return filepath.Join(b.dir, "newsroom") }

// prepare builds the program, and makes a newsroom with all subscribers and with stories for a message of the right size. It
// gives that size, in bytes.
func (b bench) prepare(ctx context.Context) (size int, err error) {
	if err := succeed(exec.CommandContext(ctx, "go", "build", "-o", b.program(), "./cmd/tidings")); err != nil {
		return 0, err
	}
	if err := os.MkdirAll(filepath.Join(b.newsroom(), "items"), 0o755); err != nil {
		return 0, err
	}
	if err := b.configure(ctx); err != nil {
		return 0, err
	}
	if size, err = b.fit(ctx); err != nil {
		return 0, err
	}
	if err := b.put("list.csv", b.list()); err != nil {
		return 0, err
	}
	err = succeed(b.tidings(ctx, b.newsroom(), "subscribers", "import", filepath.Join(b.newsroom(), "list.csv"), "--confirmed", "bench"))
	return size, err
}

// configure writes tidings.yaml, and has a key made if messages are to be signed.
func (b bench) configure(ctx context.Context) error {
	text := func(more string) string {
		return fmt.Sprintf(config, b.connections, b.server.address, more, stories)
	}
	if err := b.put("tidings.yaml", text("")); err != nil || !b.sign {
		return err
	}
	if err := succeed(b.tidings(ctx, b.newsroom(), "dkim", "new", "--selector", "bench")); err != nil {
		return err
	}
	return b.put("tidings.yaml", text(", dkim: {selector: bench, key_file: state/dkim-bench.pem}"))
}

// program is where the program is built.
func (b bench) program() string { return filepath.Join(b.dir, "tidings") }

func (b bench) tidings(ctx context.Context, dir string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, b.program(), append([]string{"-C", dir}, args...)...)
}

func (b bench) put(name, text string) error {
	return os.WriteFile(filepath.Join(b.newsroom(), name), []byte(text), 0o644)
}

func (b bench) list() string {
	var list strings.Builder
	list.WriteString("email,name\n")
	for i := range b.mails {
		fmt.Fprintf(&list, "reader%d@example.com,Reader %d\n", i, i)
	}
	return list.String()
}

// fit writes stories with summaries so long that a message has the size that is asked for, but for 500 bytes.
func (b bench) fit(ctx context.Context) (size int, err error) {
	length := 200
	for range 20 {
		if err := b.writeStories(length); err != nil {
			return 0, err
		}
		if size, err = b.messageSize(ctx); err != nil {
			return 0, err
		}
		missing := b.size - size
		if missing >= -500 && missing <= 500 {
			return size, nil
		}
		if length += missing / stories / 2; length < 10 { // a summary is in the text and in the HTML
			break
		}
	}
	return 0, fmt.Errorf("no message of %d bytes can be made; the nearest has %d", b.size, size)
}

const words = "Where the road ends the work begins, and people from many places have a hand in it. "

func (b bench) writeStories(summary int) error {
	date := time.Now().Format(time.DateOnly)
	for i := range stories {
		text := strings.TrimSpace(strings.Repeat(words, summary/len(words)+1)[:summary])
		story := fmt.Sprintf("---\ntitle: Story number %d of this week\ndate: %s\nsummary: %s\n---\n%s\n", i+1, date, text, strings.Repeat(words, 20))
		if err := b.put(filepath.Join("items", fmt.Sprintf("story-%d.md", i+1)), story); err != nil {
			return err
		}
	}
	return nil
}

// messageSize is the size of the next issue's message, in bytes.
func (b bench) messageSize(ctx context.Context) (int, error) {
	out := filepath.Join(b.dir, "preview")
	if err := succeed(b.tidings(ctx, b.newsroom(), "preview", "weekly", "--out", out)); err != nil {
		return 0, err
	}
	info, err := os.Stat(filepath.Join(out, "weekly.eml"))
	if err != nil {
		return 0, err
	}
	return int(info.Size()), nil
}

// succeed runs a command; what it said is in the error.
func succeed(cmd *exec.Cmd) error {
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", filepath.Base(cmd.Path), err, out)
	}
	return nil
}

//go:build linux

// Command build measures how long a newsroom takes to publish: from nothing, after one changed file, and when nothing has changed; and
// beside it, on the same stories, how long Hugo takes, where it is in PATH or named. Hugo makes the pages, a page for each topic, and one
// RSS feed with summaries; Tidings makes all of its pages and feeds.
//
// Each side runs in a process of its own, by turns, and writes into a folder that nobody used before: a file system such as ext4 is slow to
// create files for minutes after others were removed. It assumes that it is run in the module's folder, and that nothing else keeps the
// machine busy. What it makes is in a temporary folder, which it removes at the end.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"text/tabwriter"
	"time"
)

// bench is what is measured.
type bench struct {
	items, rounds int
	hugo          string // the program; "" where there is none
	dir           string // everything made is in it
}

func main() {
	var b bench
	flag.IntVar(&b.items, "n", 10_000, "`number` of items")
	flag.IntVar(&b.rounds, "rounds", 3, "`number` of rounds, of which the medians are printed")
	flag.StringVar(&b.hugo, "hugo", "hugo", "the `program` to compare with; left out where it is not found")
	flag.StringVar(&b.dir, "dir", os.TempDir(), "`folder` to work in")
	inside := flag.String("inside", "", "measure the changes in the newsroom of this `folder`; for this program's own use")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	var err error
	if *inside != "" {
		err = measure(ctx, *inside, os.Stdout)
	} else {
		err = b.run(ctx, os.Stdout)
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// took is what a run took.
type took struct {
	what   string
	wall   time.Duration
	cpu    time.Duration
	memory int64 // bytes at the most; 0 where it was not measured
	files  int   // that were written
}

// run makes the sites and has each built by turns.
func (b bench) run(ctx context.Context, out io.Writer) (err error) {
	if b.dir, err = os.MkdirTemp(b.dir, "bench-build-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	if path, err := exec.LookPath(b.hugo); err == nil {
		b.hugo = path
	} else {
		fmt.Fprintln(out, "there is no Hugo here to compare with")
		b.hugo = ""
	}
	if err := succeed(exec.CommandContext(ctx, "go", "build", "-o", b.program(), "./cmd/tidings")); err != nil {
		return err
	}
	size, err := b.prepare()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d items of %d bytes, %d rounds\n", b.items, size/b.items, b.rounds)
	all := map[string][]took{}
	var order []string
	for round := range b.rounds {
		results, err := b.round(ctx, round)
		if err != nil {
			return err
		}
		for _, t := range results {
			if all[t.what] == nil {
				order = append(order, t.what)
			}
			all[t.what] = append(all[t.what], t)
		}
	}
	return table(out, order, all)
}

// round runs each side once.
func (b bench) round(ctx context.Context, round int) (results []took, err error) {
	if b.hugo != "" {
		t, err := b.buildHugo(ctx, round)
		if err != nil {
			return nil, err
		}
		results = append(results, t)
	}
	dir, err := b.copyNewsroom(round)
	if err != nil {
		return nil, err
	}
	first, err := b.buildTidings(ctx, dir)
	if err != nil {
		return nil, err
	}
	more, err := b.changes(ctx, dir)
	return append(append(results, first), more...), err
}

// timed runs a command and tells what it took.
func timed(what string, cmd *exec.Cmd) (took, error) {
	syscall.Sync() // what others have left to write is not this one's
	start := time.Now()
	err := succeed(cmd)
	t := took{what: what, wall: time.Since(start)}
	if cmd.ProcessState != nil {
		t.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
			t.memory = u.Maxrss * 1024
		}
	}
	return t, err
}

// succeed runs a command; what it said is in the error.
func succeed(cmd *exec.Cmd) error {
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", filepath.Base(cmd.Path), err, out)
	}
	return nil
}

// table prints the median of each kind, and the range of its times.
func table(out io.Writer, order []string, all map[string][]took) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\ttime\tfrom\tto\tprocessor\tmemory\tfiles written")
	for _, what := range order {
		ts := all[what]
		slices.SortFunc(ts, func(a, b took) int { return int(a.wall - b.wall) })
		mid := ts[len(ts)/2]
		memory := ""
		if mid.memory > 0 {
			memory = fmt.Sprintf("%d MB", mid.memory>>20)
		}
		fmt.Fprintf(w, "%s\t%v\t%v\t%v\t%v\t%s\t%d\n", what, brief(mid.wall), brief(ts[0].wall), brief(ts[len(ts)-1].wall), brief(mid.cpu), memory, mid.files)
	}
	return w.Flush()
}

func brief(d time.Duration) time.Duration { return d.Round(time.Millisecond) }

//go:build linux

// Command send measures how fast tidings sends an issue: against smtp-source, Postfix's own load generator, which keeps no
// ledger, to the same server, Postfix's smtp-sink, on the loopback interface. Both run by turns, each as a process of its own
// whose whole life is measured: for tidings that includes publishing, composing and writing the audience into the ledger.
//
// The server is one thread, and no client can make it faster: so its processor time is measured too, and the greatest rate
// that it comes to.
//
// It assumes that it is run in the module's folder, that Postfix's two programs are in PATH, and that nothing else keeps
// the machine busy. What it makes is in a temporary folder, which it removes.
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
	"strings"
	"syscall"
	"time"
)

// bench is what is measured.
type bench struct {
	mails, size, connections, rounds int

	alone bool          // smtp-source is left out
	sign  bool          // with DKIM
	pause time.Duration // from one write to the database beside the sending to the next; 0: there are none

	dir    string // everything made is in it
	server server
}

func main() {
	var b bench
	flag.IntVar(&b.mails, "n", 20000, "`messages` a round")
	flag.IntVar(&b.size, "size", 47000, "`bytes` of a message")
	flag.IntVar(&b.connections, "connections", 8, "`number` of connections at a time")
	flag.IntVar(&b.rounds, "rounds", 3, "`number` of rounds, of which the medians are printed")
	flag.BoolVar(&b.alone, "alone", false, "leave smtp-source out")
	flag.BoolVar(&b.sign, "dkim", false, "sign each message with an RSA key of 2048 bits, and measure how fast this machine can sign")
	flag.DurationVar(&b.pause, "write", 0, "also write to the newsroom's database from another process, once in this `time`, such as 20ms")
	folder := flag.String("dir", os.TempDir(), "make the newsroom in a new folder in `DIR`: on the disk to be measured")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := b.run(ctx, *folder, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run makes a newsroom and a server, has both sides send by turns, and prints what came of it.
func (b bench) run(ctx context.Context, folder string, out io.Writer) (err error) {
	if b.dir, err = os.MkdirTemp(folder, "bench-send-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	if b.server.address, err = freeAddress(); err != nil {
		return err
	}
	size, err := b.prepare(ctx)
	if err != nil {
		return err
	}
	disk, err := fdatasync(filepath.Join(b.newsroom(), "state", "bench"))
	if err != nil {
		return err
	}
	stop, err := b.server.start(ctx)
	if err != nil {
		return err
	}
	defer stop()
	fmt.Fprintf(out, "%d messages a round, %d connections, %d rounds; a message of tidings has %d bytes, one of smtp-source %d; fdatasync %v\n\n",
		b.mails, b.connections, b.rounds, size, b.size, disk.Round(time.Microsecond))
	tidings, source := &side{name: "tidings", send: b.runTidings}, &side{name: "smtp-source", send: b.runSource}
	sides := []*side{source, tidings}
	if b.alone {
		sides = sides[1:]
	}
	if err := b.measure(ctx, sides, out); err != nil {
		return err
	}
	b.sum(out, tidings, source)
	if b.sign {
		return compareSigning(ctx, out, tidings.median(rate))
	}
	return nil
}

// sum prints what the rounds come to.
func (b bench) sum(out io.Writer, tidings, source *side) {
	if !b.alone {
		ratios := make([]float64, b.rounds)
		for i := range ratios {
			ratios[i] = tidings.rounds[i].rate / source.rounds[i].rate
		}
		fmt.Fprintf(out, "\nratio of the medians %.2f, by rounds %.2f to %.2f\n", tidings.median(rate)/source.median(rate), slices.Min(ratios), slices.Max(ratios))
	}
	var waits []time.Duration
	for _, r := range tidings.rounds {
		waits = append(waits, r.waits...)
	}
	if slices.Sort(waits); len(waits) > 0 {
		fmt.Fprintf(out, "\n%d writes of another process meanwhile: median %v, 99th percentile %v, longest %v\n", len(waits),
			median(waits), waits[len(waits)*99/100], waits[len(waits)-1])
	}
}

func (b bench) runSource(ctx context.Context, _ int) (result, error) {
	_, r, err := b.timed(exec.CommandContext(ctx, "smtp-source", "-s", fmt.Sprint(b.connections), "-m", fmt.Sprint(b.mails),
		"-l", fmt.Sprint(b.size), b.server.address))
	return r, err
}

// runTidings sends the first issue of a fresh copy of the newsroom. The ledger must have all of it as accepted.
func (b bench) runTidings(ctx context.Context, round int) (r result, err error) {
	dir := filepath.Join(b.dir, fmt.Sprint("round-", round))
	if err := succeed(exec.CommandContext(ctx, "cp", "-a", b.newsroom(), dir)); err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	stop, err := b.write(ctx, filepath.Join(dir, "state", "tidings.db"))
	if err != nil {
		return r, err
	}
	text, r, err := b.timed(b.tidings(ctx, dir, "send", "weekly", "--yes"))
	var writeErr error
	if r.waits, writeErr = stop(); err != nil || writeErr != nil {
		return r, errors.Join(err, writeErr)
	}
	want := fmt.Sprintf("%d recipients = %[1]d accepted + 0 rejected + 0 suppressed + 0 unknown\n", b.mails)
	if !strings.Contains(text, want) {
		err = fmt.Errorf("not all were accepted: %s", text)
	}
	return r, err
}

// timed runs a command to its end.
func (b bench) timed(cmd *exec.Cmd) (output string, r result, err error) {
	syscall.Sync() // what went before is not to be paid for now
	before, err := b.server.spent()
	if err != nil {
		return "", r, err
	}
	began := time.Now()
	out, err := cmd.CombinedOutput()
	took := time.Since(began)
	if err != nil {
		return "", r, fmt.Errorf("%s: %w: %s", filepath.Base(cmd.Path), err, out)
	}
	after, err := b.server.spent()
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	each := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 / float64(b.mails) }
	return string(out), result{
		rate:   float64(b.mails) / took.Seconds(),
		memory: float64(usage.Maxrss) / 1024,
		own:    each(cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()),
		server: each(after - before),
	}, err
}

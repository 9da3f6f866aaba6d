//go:build linux

// Command send measures how fast tidings sends an issue: against smtp-source, Postfix's own load generator, which keeps no
// ledger, to the same server, Postfix's smtp-sink, on the loopback interface. Both run by turns, each as a process of its own
// whose whole life is measured: for tidings that includes publishing, composing and writing the audience into the ledger.
//
// It assumes that it is run in the module's folder, that Postfix's two programs are in PATH, and that nothing else keeps
// the machine busy. What it makes is in a temporary folder, which it removes.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"
)

// bench is what is measured.
type bench struct {
	mails, size, connections, rounds int
	dir                              string // everything made is in it
	sink                             string // the server's address
}

func main() {
	var b bench
	flag.IntVar(&b.mails, "n", 20000, "`messages` a round")
	flag.IntVar(&b.size, "size", 47000, "`bytes` of a message")
	flag.IntVar(&b.connections, "connections", 8, "`number` of connections at a time")
	flag.IntVar(&b.rounds, "rounds", 3, "`number` of rounds, of which the medians are printed")
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
	if b.sink, err = freeAddress(); err != nil {
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
	stop, err := b.startSink(ctx)
	if err != nil {
		return err
	}
	defer stop()
	fmt.Fprintf(out, "%d messages a round, %d connections, %d rounds; a message of tidings has %d bytes, one of smtp-source %d; fdatasync %v\n\n",
		b.mails, b.connections, b.rounds, size, b.size, disk.Round(time.Microsecond))
	source, tidings, err := b.measure(ctx, out)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\nratio %.2f: tidings %.0f messages/s, smtp-source %.0f messages/s; peak memory of tidings %.0f MB\n",
		tidings.rate/source.rate, tidings.rate, source.rate, tidings.memory)
	return nil
}

// result is what one side needed in a round.
type result struct {
	rate   float64 // messages a second
	memory float64 // at its peak, MB of 1024 kB
	cpu    float64 // microseconds a message, in user and system mode
}

// measure has the sides send by turns. It prints a line a round and gives each side's medians.
func (b bench) measure(ctx context.Context, out io.Writer) (source, tidings result, err error) {
	var sources, all []result
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "round\tsmtp-source/s\ttidings/s\tratio\tsmtp-source µs\ttidings µs\ttidings MB\t")
	for round := 1; round <= b.rounds; round++ {
		s, err := b.runSource(ctx)
		if err != nil {
			return s, tidings, err
		}
		t, err := b.runTidings(ctx, round)
		if err != nil {
			return s, t, err
		}
		sources, all = append(sources, s), append(all, t)
		fmt.Fprintf(w, "%d\t%.0f\t%.0f\t%.2f\t%.0f\t%.0f\t%.0f\t\n", round, s.rate, t.rate, t.rate/s.rate, s.cpu, t.cpu, t.memory)
	}
	source, tidings = medians(sources), medians(all)
	fmt.Fprintf(w, "median\t%.0f\t%.0f\t%.2f\t%.0f\t%.0f\t%.0f\t\n", source.rate, tidings.rate, tidings.rate/source.rate, source.cpu, tidings.cpu, tidings.memory)
	return source, tidings, w.Flush()
}

func (b bench) runSource(ctx context.Context) (result, error) {
	_, r, err := b.timed(exec.CommandContext(ctx, "smtp-source", "-s", fmt.Sprint(b.connections), "-m", fmt.Sprint(b.mails),
		"-l", fmt.Sprint(b.size), b.sink))
	return r, err
}

// runTidings sends the first issue of a fresh copy of the newsroom. The ledger must have all of it as accepted.
func (b bench) runTidings(ctx context.Context, round int) (r result, err error) {
	dir := filepath.Join(b.dir, fmt.Sprint("round-", round))
	if err := os.CopyFS(dir, os.DirFS(b.newsroom())); err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := os.Chmod(filepath.Join(dir, "state", "keys"), 0o600); err != nil && !errors.Is(err, os.ErrNotExist) {
		return r, err
	}
	text, r, err := b.timed(b.tidings(ctx, dir, "send", "weekly", "--yes"))
	want := fmt.Sprintf("%d recipients = %[1]d accepted + 0 rejected + 0 suppressed + 0 unknown\n", b.mails)
	if err == nil && !strings.Contains(text, want) {
		err = fmt.Errorf("not all were accepted: %s", text)
	}
	return r, err
}

// timed runs a command to its end.
func (b bench) timed(cmd *exec.Cmd) (output string, r result, err error) {
	syscall.Sync() // what went before is not to be paid for now
	began := time.Now()
	out, err := cmd.CombinedOutput()
	took := time.Since(began)
	if err != nil {
		return "", r, fmt.Errorf("%s: %w: %s", filepath.Base(cmd.Path), err, out)
	}
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return string(out), result{
		rate:   float64(b.mails) / took.Seconds(),
		memory: float64(usage.Maxrss) / 1024,
		cpu:    float64(cpu.Microseconds()) / float64(b.mails),
	}, nil
}

func medians(all []result) result {
	of := func(get func(result) float64) float64 {
		values := make([]float64, len(all))
		for i, r := range all {
			values[i] = get(r)
		}
		return median(values)
	}
	return result{
		rate:   of(func(r result) float64 { return r.rate }),
		memory: of(func(r result) float64 { return r.memory }),
		cpu:    of(func(r result) float64 { return r.cpu }),
	}
}

// median is the middle one of the values, the upper one of two.
func median[T cmp.Ordered](values []T) T { return slices.Sorted(slices.Values(values))[len(values)/2] }

// fdatasync gives the median time that it takes to make a page of 4 kB durable at the end of a file, and removes the file.
func fdatasync(name string) (time.Duration, error) {
	f, err := os.Create(name)
	if err != nil {
		return 0, err
	}
	defer os.Remove(name)
	defer f.Close()
	page, took := make([]byte, 4096), make([]time.Duration, 200)
	for i := range took {
		if _, err := f.Write(page); err != nil {
			return 0, err
		}
		began := time.Now()
		if err := syscall.Fdatasync(int(f.Fd())); err != nil {
			return 0, err
		}
		took[i] = time.Since(began)
	}
	return median(took), nil
}

// startSink starts the server and waits until it answers; stop ends it.
func (b bench) startSink(ctx context.Context) (stop func(), err error) {
	args := []string{b.sink, "1000"}
	if os.Getuid() == 0 { // it insists on being told whom to run as
		args = append([]string{"-u", "nobody"}, args...)
	}
	sink := exec.Command("smtp-sink", args...)
	sink.Stderr = os.Stderr
	if err := sink.Start(); err != nil {
		return nil, err
	}
	stop = func() {
		_ = sink.Process.Kill() // it ends in no other way
		_ = sink.Wait()
	}
	for range 100 {
		if conn, err := net.Dial("tcp", b.sink); err == nil {
			return stop, conn.Close()
		}
		select {
		case <-ctx.Done():
			stop()
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	stop()
	return nil, errors.New("smtp-sink does not answer")
}

// freeAddress gives an address that nothing listens at.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

//go:build linux

// Command serve measures how many requests a second the built-in server answers, against nginx on the same machine, with the
// same folder and the headers of docs/serving/nginx.conf. The requests are those of feed readers, for the feed of all news:
// compressed, and whether it has changed.
//
// Both run the whole time, and wrk asks them by turns. It assumes that it is run in the module's folder, that nginx and wrk are in
// PATH, and that nothing else keeps the machine busy. What it makes is in a temporary folder, which it removes.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"slices"
	"strconv"
	"syscall"
	"text/tabwriter"
	"time"
)

// bench is what is measured.
type bench struct {
	connections, threads, rounds int
	duration                     time.Duration
	dir                          string // everything made is in it
}

func main() {
	var b bench
	flag.IntVar(&b.connections, "connections", 32, "`number` of connections at a time")
	flag.IntVar(&b.threads, "threads", 2, "`number` of threads of wrk: as many as it takes by itself")
	flag.IntVar(&b.rounds, "rounds", 5, "`number` of rounds, of which the medians are printed")
	flag.DurationVar(&b.duration, "duration", 5*time.Second, "`time` that each server is asked for in a round")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := b.run(ctx, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run makes a newsroom, starts both servers, and has each kind of request asked of both.
func (b bench) run(ctx context.Context, out io.Writer) (err error) {
	if b.dir, err = os.MkdirTemp("", "bench-serve-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	if err := b.prepare(ctx); err != nil {
		return err
	}
	nginx, err := b.startNginx(ctx)
	if err != nil {
		return err
	}
	defer nginx.stop()
	tidings, err := b.startTidings(ctx)
	if err != nil {
		return err
	}
	defer tidings.stop()
	fmt.Fprintf(out, "%d connections, %d rounds of %v\n", b.connections, b.rounds, b.duration)
	for _, k := range kinds {
		if err := b.compare(ctx, out, k, nginx, tidings); err != nil {
			return err
		}
	}
	return nil
}

// kind is a kind of request for the feed.
type kind struct {
	name      string
	status    int
	encoding  string // of the request and the answer
	unchanged bool   // the request has the ETag of the answer before
}

var kinds = []kind{
	{name: "gzip", status: http.StatusOK, encoding: "gzip"},
	{name: "304", status: http.StatusNotModified, encoding: "gzip", unchanged: true},
	{name: "identity", status: http.StatusOK, encoding: "identity"},
}

// header is what a request of this kind has, for wrk and for anyone else.
func (k kind) header(tag string) http.Header {
	h := http.Header{"Accept-Encoding": {k.encoding}}
	if k.unchanged {
		h.Set("If-None-Match", tag)
	}
	return h
}

// result is what one server did in a round.
type result struct {
	rate float64 // answers a second
	cpu  float64 // microseconds an answer, in user and system mode
}

// compare asks both servers by turns. It prints a line a round, and the medians.
func (b bench) compare(ctx context.Context, out io.Writer, k kind, nginx, tidings *server) error {
	size, err := agree(ctx, k, nginx, tidings)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%s: %d bytes\n", k.name, size)
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "round\tnginx/s\ttidings/s\tratio\tnginx µs\ttidings µs\t")
	var all [2][]result
	var ratios []float64 // of two runs that follow one another: the machine's speed may change in between two rounds
	for round := 1; round <= b.rounds; round++ {
		for i, s := range []*server{nginx, tidings} {
			r, err := b.ask(ctx, k, s)
			if err != nil {
				return err
			}
			all[i] = append(all[i], r)
		}
		n, t := all[0][round-1], all[1][round-1]
		ratios = append(ratios, t.rate/n.rate)
		line(w, strconv.Itoa(round), n, t, t.rate/n.rate)
	}
	line(w, "median", medians(all[0]), medians(all[1]), median(ratios))
	return w.Flush()
}

func line(w io.Writer, name string, nginx, tidings result, ratio float64) {
	fmt.Fprintf(w, "%s\t%.0f\t%.0f\t%.2f\t%.1f\t%.1f\t\n", name, nginx.rate, tidings.rate, ratio, nginx.cpu, tidings.cpu)
}

// agree makes sure that both servers give the same answer to a request of this kind, and gives its size in bytes.
func agree(ctx context.Context, k kind, nginx, tidings *server) (size int, err error) {
	var sizes [2]int
	for i, s := range []*server{nginx, tidings} {
		var status int
		if status, sizes[i], err = s.get(ctx, k); err != nil {
			return 0, err
		}
		if status != k.status {
			return 0, fmt.Errorf("%s: %s answers %d", k.name, s.name, status)
		}
	}
	if sizes[0] != sizes[1] {
		return 0, fmt.Errorf("%s: nginx sends %d bytes, tidings %d", k.name, sizes[0], sizes[1])
	}
	return sizes[0], nil
}

var (
	wrkCount = regexp.MustCompile(`(\d+) requests in `)
	wrkRate  = regexp.MustCompile(`Requests/sec: +([\d.]+)`)
	wrkError = regexp.MustCompile(`(?m)^ *(Socket errors|Non-2xx or 3xx responses).*$`)
)

// ask has wrk ask one server.
func (b bench) ask(ctx context.Context, k kind, s *server) (result, error) {
	args := []string{"-t", strconv.Itoa(b.threads), "-c", strconv.Itoa(b.connections), "-d", fmt.Sprint(int(b.duration.Seconds()), "s")}
	for key, values := range k.header(s.tag) {
		args = append(args, "-H", key+": "+values[0])
	}
	before, err := s.cpu()
	if err != nil {
		return result{}, err
	}
	out, err := exec.CommandContext(ctx, "wrk", append(args, s.url+feed)...).CombinedOutput()
	if err != nil {
		return result{}, fmt.Errorf("wrk: %w: %s", err, out)
	}
	after, err := s.cpu()
	if err != nil {
		return result{}, err
	}
	count, rate := wrkCount.FindSubmatch(out), wrkRate.FindSubmatch(out)
	if count == nil || rate == nil || wrkError.Match(out) {
		return result{}, fmt.Errorf("wrk did not get what it asked of %s: %s", s.name, out)
	}
	n, _ := strconv.ParseFloat(string(count[1]), 64)
	each, _ := strconv.ParseFloat(string(rate[1]), 64)
	return result{rate: each, cpu: float64((after - before).Microseconds()) / n}, nil
}

func medians(all []result) result {
	of := func(get func(result) float64) float64 {
		values := make([]float64, len(all))
		for i, r := range all {
			values[i] = get(r)
		}
		return median(values)
	}
	return result{rate: of(func(r result) float64 { return r.rate }), cpu: of(func(r result) float64 { return r.cpu })}
}

// median is the middle one of the values, the upper one of two.
func median[T cmp.Ordered](values []T) T { return slices.Sorted(slices.Values(values))[len(values)/2] }

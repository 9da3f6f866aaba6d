//go:build linux

package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// result is what one side needed in a round.
type result struct {
	rate        float64         // messages a second
	memory      float64         // at its peak, MB of 1024 kB
	own, server float64         // processor time of the side itself and of the server, microseconds a message, in user and system mode
	waits       []time.Duration // of the writes beside it
}

// What the medians are taken of.
func rate(r result) float64   { return r.rate }
func memory(r result) float64 { return r.memory }
func own(r result) float64    { return r.own }
func served(r result) float64 { return r.server }

// side is one of those compared.
type side struct {
	name   string
	send   func(ctx context.Context, round int) (result, error)
	rounds []result
}

// median is that of a value over the rounds.
func (s *side) median(of func(result) float64) float64 {
	values := make([]float64, len(s.rounds))
	for i, r := range s.rounds {
		values[i] = of(r)
	}
	slices.Sort(values)
	return median(values)
}

// median is the middle one of sorted values, the upper one of two.
func median[T cmp.Ordered](sorted []T) T { return sorted[len(sorted)/2] }

// measure has the sides send by turns. It prints a line for each side and round, and one of each side's medians.
func (b bench) measure(ctx context.Context, sides []*side, out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "round\tside\tmessages/s\town µs\tserver µs\tserver's limit/s\tof it\tMB\t")
	for round := range b.rounds {
		for _, s := range sides {
			r, err := s.send(ctx, round)
			if err != nil {
				return err
			}
			s.rounds = append(s.rounds, r)
			printLine(w, fmt.Sprint(round+1), s.name, r)
		}
	}
	for _, s := range sides {
		printLine(w, "median", s.name, result{rate: s.median(rate), memory: s.median(memory), own: s.median(own), server: s.median(served)})
	}
	return w.Flush()
}

func printLine(w io.Writer, round, name string, r result) {
	limit := 1e6 / r.server // the server is one thread
	fmt.Fprintf(w, "%s\t%s\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f %%\t%.0f\t\n", round, name, r.rate, r.own, r.server, limit, 100*r.rate/limit, r.memory)
}

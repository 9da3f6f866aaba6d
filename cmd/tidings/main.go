// Command tidings publishes the news of an organisation: item files that staff drop into a folder become feeds and pages, and
// a digest for the people who subscribed.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() { os.Exit(runUntilSignal(time.Now)) }

// runUntilSignal runs the program for its process. The first signal asks for a clean end; a second one, after stop, ends it
// at once.
func runUntilSignal(now func() time.Time) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return run(ctx, os.Args[1:], stdio{os.Stdin, os.Stdout, os.Stderr}, now)
}

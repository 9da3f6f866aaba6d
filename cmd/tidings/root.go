package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/lmittmann/tint"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"tidings/internal/problem"
	"tidings/items"
	"tidings/mailer/ledger"
	"tidings/mailer/relay"
	"tidings/newsroom"
	"tidings/publish"
)

// stdio is what the program reads and writes besides files.
type stdio struct {
	in       io.Reader
	out, err io.Writer
}

// The exit statuses.
const (
	statusDone   = 0 // the work is done; warnings are on standard error
	statusFailed = 1 // it failed, or check found an error
	statusUsage  = 2 // the command line is wrong
)

// app is one run of the program.
type app struct {
	stdio
	now     func() time.Time
	dir     string // of the newsroom
	started bool   // the command line was right
	force   bool   // guards are off
}

// run runs the program with these arguments, the program's name not among them, and gives its exit status.
func run(ctx context.Context, args []string, std stdio, now func() time.Time) int {
	a := &app{stdio: std, now: now}
	root := a.root()
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	switch {
	case err == nil:
		return statusDone
	case !a.started:
		fmt.Fprintf(std.err, "tidings: %v\nhint: %s; %s --help tells more\n", strings.TrimSpace(err.Error()), cmd.UseLine(), cmd.CommandPath())
		return statusUsage
	case ctx.Err() != nil:
		fmt.Fprintf(std.err, "tidings: %v\nhint: what was done stays; run the command again for the rest\n", context.Cause(ctx))
		err = besides(err, context.Canceled)
	}
	if err != nil && !errors.Is(err, errSaid) {
		a.complain(err)
	}
	return statusFailed
}

// besides gives what an error says besides this one: nil if nothing else is joined in it.
func besides(err, this error) error {
	if !errors.Is(err, this) {
		return err
	}
	switch e := err.(type) { //nolint:errorlint // it is looked into, one wrapping at a time
	case interface{ Unwrap() []error }:
		var rest []error
		for _, one := range e.Unwrap() {
			rest = append(rest, besides(one, this))
		}
		return errors.Join(rest...)
	case interface{ Unwrap() error }:
		if besides(e.Unwrap(), this) != nil {
			return err
		}
	}
	return nil
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "tidings",
		Short: "Publish an organisation's news from a folder",
		Long: `Tidings publishes the news of an organisation. Staff drop item files into a folder; Tidings makes feeds (RSS,
Atom, JSON Feed) and pages of them, and mails a digest to the people who subscribed.`,
		Example: `  tidings demo                        # see it work, with a sample newsroom
  tidings init mynews                 # a newsroom of your own
  tidings -C mynews new "We moved"    # an item, ready to fill in
  tidings -C mynews run               # publish, serve and send from now on`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		PersistentPreRunE: a.start,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: false},
	}
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.PersistentFlags().StringVarP(&a.dir, "newsroom", "C", ".", "the newsroom's `DIR`, which holds tidings.yaml")
	root.AddCommand(a.backup(), a.build(), a.check(), a.demo(), a.dkim(), a.initVerb(), a.issues(), a.items(), a.newItem(), a.preview(), a.restore(), a.runVerb(),
		a.schema(), a.send(), a.subscribers(), a.version())
	root.InitDefaultCompletionCmd()
	for _, group := range root.Commands() {
		if group.HasSubCommands() && group.RunE == nil { // else cobra would take a word that is none of them for a call for help
			group.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		}
	}
	return root
}

// start notes that the command line is right. Cobra looks for required flags, and those that go together, only later.
func (a *app) start(cmd *cobra.Command, _ []string) error {
	err := errors.Join(cmd.ValidateRequiredFlags(), cmd.ValidateFlagGroups())
	a.started = err == nil
	return err
}

// errSaid ends a command that failed and has told why already.
var errSaid = errors.New("said already")

// complain prints an error with its hint.
func (a *app) complain(err error) {
	var probs problem.List
	if errors.As(err, &probs) {
		a.report(probs.Sorted())
		return
	}
	fmt.Fprintf(a.err, "tidings: %v\n", err)
	for _, h := range hintsOn(err) {
		fmt.Fprintf(a.err, "hint: %s\n", h)
	}
}

// hintsOn tells what to do about an error.
func hintsOn(err error) (found []string) {
	for _, h := range hints {
		if errors.Is(err, h.of) {
			found = append(found, h.hint)
		}
	}
	return found
}

var hints = []struct {
	of   error
	hint string
}{
	{newsroom.ErrNone, "tidings init DIR makes a newsroom; tidings -C DIR names one"},
	{items.ErrFolder, "mount the folder, or put it back; until then all stays as it was published"},
	{newsroom.ErrTooSoon, "add --again if another issue is meant to go out now"},
	{newsroom.ErrForgotten, "restore the newest database, or look at the issue with tidings preview and send it with --again"},
	{newsroom.ErrRestored, "look at the issue with tidings preview; if it is new to its readers, send it with --again"},
	{newsroom.ErrInUse, "stop tidings run, and whatever else works on the newsroom, and try again"},
	{errThere, "add --force to replace it; or did you mean tidings restore?"},
	{newsroom.ErrStopped, "delete the file STOP in the newsroom's folder to go on"},
	{newsroom.ErrHours, "send within these hours, or change mail.hours in tidings.yaml; tidings run goes on by itself then"},
	{ledger.ErrStopped, "go on with it first: tidings send NEWSLETTER"},
	{newsroom.ErrHalted, "tidings send NEWSLETTER goes on with it"},
	{newsroom.ErrRefused, "mend the cause, usually a DNS record or the login; tidings send NEWSLETTER tries again at once, tidings run after the pause"},
	{relay.ErrNoTLS, "write smtps://HOST:465 if it has TLS there, or add tls: none to the relay if it is on this machine or in your own network"},
	{newsroom.ErrNoNews, "tidings preview NEWSLETTER tells why"},
	{newsroom.ErrNoIssue, "tidings issues lists them"},
	{newsroom.ErrNoNewsletter, "newsletters are described under newsletters: in tidings.yaml"},
	{newsroom.ErrFlood, "if their files were put there by mistake, delete them; if it is meant, tidings build --force publishes them"},
	{newsroom.ErrChangedIDs, "put the database back, or give the files their old names; tidings build --force publishes them, to readers as new stories"},
	{newsroom.ErrEmptied, newsroom.EmptiedHint},
	{publish.ErrNoBucket, "make the bucket, or mend publish: in tidings.yaml; s3: says where it is unless it is Amazon's"},
	{publish.ErrNoKeys, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment of tidings"},
	{publish.ErrKeys, "look at AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, and whether they are for the storage that s3: in tidings.yaml names"},
	{publish.ErrDenied, "give the key the right to put and delete objects there: docs/serving/README.md"},
	{publish.ErrClock, "set the clock, best by NTP"},
	{newsroom.ErrBucket, "the publish folder is up to date; the next tidings build goes on with the bucket, and tidings run does by itself"},
	{errInUse, "stop the other one first, or leave it to its work"},
	{syscall.EADDRINUSE, "another program listens there: stop it, or set another web.listen in tidings.yaml"},
	{fs.ErrPermission, "give the user that runs tidings the right to do so"},
}

// report prints problems to standard error, in their order.
func (a *app) report(probs problem.List) {
	for _, p := range probs {
		fmt.Fprintf(a.err, "tidings: %s\n", p)
	}
}

// with opens the newsroom that -C names for one piece of work and closes it afterwards.
func (a *app) with(ctx context.Context, work func(n *newsroom.Newsroom) error) error {
	return a.within(ctx, newsroom.Outside{}, work)
}

// view does the same for work that changes nothing.
func (a *app) view(ctx context.Context, work func(n *newsroom.Newsroom) error) error {
	return a.within(ctx, newsroom.Outside{View: true}, work)
}

func (a *app) within(ctx context.Context, o newsroom.Outside, work func(n *newsroom.Newsroom) error) error {
	o.Now, o.Log, o.Progress, o.Force = a.now, a.logger(), a.progress(), a.force
	n, err := newsroom.Open(ctx, a.dir, o)
	if err != nil {
		return err
	}
	return errors.Join(work(n), n.Close())
}

// logger writes to standard error: in colours on a terminal, else one line of key=value an event.
func (a *app) logger() *slog.Logger {
	if f, ok := a.err.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return slog.New(tint.NewTextHandler(f, &tint.Options{TimeFormat: time.TimeOnly}))
	}
	return slog.New(slog.NewTextHandler(a.err, nil))
}

// isTerminal tells whether a person is there to answer.
func (a *app) isTerminal() bool {
	f, ok := a.in.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// input is standard input, which ends with the error of ctx when that has ended: a read from a terminal or a pipe may last for ever.
func (a *app) input(ctx context.Context) io.ReadCloser {
	r, w := io.Pipe()
	context.AfterFunc(ctx, func() { _ = w.CloseWithError(ctx.Err()) }) // it gives none
	go func() {
		_, err := io.Copy(w, a.in)
		_ = w.CloseWithError(err)
	}()
	return r
}

// count writes a number with its noun: 1 story, 2 stories.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func (a *app) say(format string, args ...any) {
	fmt.Fprintf(a.out, strings.TrimSuffix(format, "\n")+"\n", args...)
}

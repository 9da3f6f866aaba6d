package main

import (
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"tidings"
	"tidings/internal/testtool"
)

// clockVariable holds the time, in RFC 3339, at which a tidings process of these tests begins; from then on its clock
// ticks as usual. The program itself does not know it.
const clockVariable = "TIDINGS_TEST_NOW"

// raceVariable holds the settings of the race detector.
const raceVariable = "GORACE"

// TestMain makes the test binary the program too: sessions and tests run it as tidings, in processes of its own.
func TestMain(m *testing.M) {
	// With -race every process would otherwise wait a second before it ends.
	if err := os.Setenv(raceVariable, "atexit_sleep_ms=0"); err != nil {
		panic(err)
	}
	testscript.Main(m, map[string]func(){"tidings": func() { os.Exit(runUntilSignal(testClock())) }})
}

func testClock() func() time.Time {
	text := os.Getenv(clockVariable)
	if text == "" {
		return time.Now
	}
	base, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	start := time.Now()
	return func() time.Time { return base.Add(time.Since(start)) }
}

var update = flag.Bool("update", false, "write what cmp compares with in testdata/script anew")

// TestScript runs the sessions in testdata/script. Besides testscript's own commands they know those below, and $ADDRESS,
// which is free to listen at. The clock begins at the time of the sample newsroom's digest.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                "testdata/script",
		UpdateScripts:      *update,
		RequireUniqueNames: true,
		Setup: func(e *testscript.Env) error {
			address, err := testtool.FreeAddress()
			e.Setenv("ADDRESS", address)
			e.Setenv(raceVariable, os.Getenv(raceVariable))
			e.Setenv(clockVariable, "2016-12-19T09:00:00Z")
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"now": setClock, "status": wantStatus, "sample": makeSample, "mails": wantMails, "mail": printMail, "await": await,
		},
	})
}

// setClock (now TIME) sets the clock of the processes that follow.
func setClock(ts *testscript.TestScript, _ bool, args []string) { ts.Setenv(clockVariable, args[0]) }

// wantStatus (status N COMMAND...) runs a command that has to exit with exactly this status.
func wantStatus(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// makeSample (sample DIR) copies the sample newsroom to DIR, with web.listen at $ADDRESS.
func makeSample(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(copyNewsroom(ts.MkAbs(args[0]), ts.Getenv("ADDRESS")))
}

// copyNewsroom copies the sample newsroom as it is, but for web.listen.
func copyNewsroom(dir, address string) error {
	return copyTree(tidings.Sample, "testdata/newsroom", dir, func(path string, data []byte) (string, []byte) {
		if path == "tidings.yaml" {
			data = webLine.ReplaceAll(data, []byte(`web: {listen: "`+address+`"}`))
		}
		return path, data
	})
}

// wantMails (mails DIR N) counts the mails in a newsroom's outbox.
func wantMails(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	mails, err := outbox(ts.MkAbs(args[0]))
	ts.Check(err)
	if len(mails) != want {
		ts.Fatalf("%d mails in the outbox, want %d", len(mails), want)
	}
}

// printMail (mail DIR ADDRESS) prints the last mail in a newsroom's outbox to an address: its header, decoded, and its text.
func printMail(ts *testscript.TestScript, _ bool, args []string) {
	mails, err := outbox(ts.MkAbs(args[0]))
	ts.Check(err)
	var last *delivered
	for _, m := range mails {
		if m.To == args[1] {
			last = m
		}
	}
	if last == nil {
		ts.Fatalf("no mail to %s", args[1])
	}
	last.print(ts.Stdout())
}

// await (await URL) waits until the address answers with success.
func await(ts *testscript.TestScript, _ bool, args []string) {
	if !poll(3*time.Minute, func() bool { status, _ := get(args[0]); return status == 200 }) {
		ts.Fatalf("%s does not answer", args[0])
	}
}

// outbox reads the mails in a newsroom's outbox, oldest first.
func outbox(dir string) ([]*delivered, error) {
	files, err := filepath.Glob(filepath.Join(dir, "outbox", "new", "*"))
	if err != nil {
		return nil, err
	}
	return readMails(files)
}

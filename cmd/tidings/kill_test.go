package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"net"
	"net/mail"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"tidings/internal/testtool"
	"tidings/mailer/ledger"
	"tidings/newsroom"
)

var seed = flag.Uint64("seed", 0, "of the random moments at which processes are killed; 0: another one each time")

// The tests in this file run senders as processes of their own, against a server that notes every mail that it has received to
// the end, and do to them what happens to processes. Each time the ledger has to agree with what the server saw.

// TestKilled kills senders with SIGKILL at random moments, and lets the next one go on: nobody is lost, nobody gets an issue twice, and who
// may have got it without our knowing is at most one for each connection and kill.
func TestKilled(t *testing.T) {
	kills, audience := 20, 5000
	switch {
	case testing.Short():
		kills, audience = 6, 500
	case withRace(): // a mail costs ten times as much
		audience = 1000
	}
	if *seed == 0 {
		*seed = uint64(time.Now().UnixNano())
	}
	t.Logf("-seed %d", *seed)
	rnd := rand.New(rand.NewPCG(*seed, 0))
	r := newSending(t, audience, 0)
	for kills > 0 {
		r.nextIssue(t)
		mine := 0
		for mine < 5 && mine < kills && r.killed(t, rnd) {
			mine++
		}
		kills -= mine
		printed := ""
		if !r.finished(t) {
			p := r.start(t)
			p.want(t, 2*time.Minute, statusDone)
			printed = p.account()
		}
		a := r.audit(t, printed)
		t.Logf("%d kills: %s", mine, a)
		if a[ledger.Accepted]+a[ledger.Unknown] != audience || a[ledger.Unknown] > mine*connections {
			t.Errorf("after %d kills: %s", mine, a)
		}
	}
}

// withRace tells whether the race detector is at work in this program.
func withRace() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// killed starts a sender and kills it at a random moment: of its start, or after a random number of mails. It tells whether that
// came before its end.
func (r *sendingRoom) killed(t *testing.T, rnd *rand.Rand) bool {
	t.Helper()
	p := r.start(t)
	before := r.server.count()
	if mails := rnd.IntN(r.audience / 3); rnd.IntN(5) > 0 {
		p.await(t, time.Minute, "mails", func() bool { return p.hasEnded() || r.server.count() >= before+mails })
	} else {
		p.pause(rnd, 800*time.Millisecond)
	}
	p.pause(rnd, 20*time.Millisecond)
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.ended
	if p.cmd.ProcessState.Exited() && p.cmd.ProcessState.ExitCode() != statusDone {
		t.Fatalf("before it was killed: %s", &p.out)
	}
	return !p.cmd.ProcessState.Exited()
}

// pause lets a random time pass, or ends with the process.
func (p *sendProcess) pause(rnd *rand.Rand, most time.Duration) {
	select {
	case <-p.ended:
	case <-time.After(time.Duration(rnd.Int64N(int64(most)))):
	}
}

// TestDisturbed runs its tests all at once, whatever the number of processors: they mostly wait.
func TestDisturbed(t *testing.T) {
	var all sync.WaitGroup
	for name, test := range map[string]func(*testing.T){
		"Terminated":      testTerminated,
		"Suspended":       testSuspended,
		"DatabaseLocked":  testDatabaseLocked,
		"DiskFull":        testDiskFull,
		"TwoSenders":      testTwoSenders,
		"StoppedMidway":   testStoppedMidway,
		"LeavingMidway":   testLeavingMidway,
		"SlowServerKills": testKilledBeforeAnswers,
	} {
		all.Go(func() { t.Run(name, test) })
	}
	all.Wait()
}

// testTerminated: SIGTERM ends a sender soon and cleanly. What is under way comes to an end, so nothing is unknown.
func testTerminated(t *testing.T) {
	r := newSending(t, 500, 10*time.Millisecond)
	r.nextIssue(t)
	p := r.startAndHold(t, 100)
	p.signal(t, syscall.SIGTERM)
	r.server.release()
	p.want(t, 10*time.Second, statusFailed)
	if !strings.HasSuffix(p.out.String(), "\ntidings: terminated signal received\nhint: what was done stays; run the command again for the rest\n") {
		t.Errorf("it says of its end:\n%s", &p.out)
	}
	if a := r.audit(t, p.account()); a[ledger.Unknown] != 0 || a[ledger.Pending] == 0 || a[ledger.Accepted]+a[ledger.Pending] != r.audience {
		t.Errorf("after SIGTERM: %s\n%s", a, &p.out)
	}
	r.finish(t, ledger.Account{ledger.Accepted: r.audience})
}

// testSuspended: a sender that is stopped for a while and continued goes on as if nothing had been.
func testSuspended(t *testing.T) {
	r := newSending(t, 300, 0)
	r.nextIssue(t)
	p := r.startAndHold(t, 50)
	p.signal(t, syscall.SIGSTOP)
	r.server.release()
	<-time.After(2 * time.Second)
	if n := r.server.count(); n > 50+connections {
		t.Errorf("%d mails went out although the sender was stopped", n-50)
	}
	p.signal(t, syscall.SIGCONT)
	p.want(t, 30*time.Second, statusDone)
	r.wantAccount(t, p.account(), ledger.Account{ledger.Accepted: r.audience})
}

// testDatabaseLocked: another process keeps the database locked, for longer than SQLite waits for it. Nothing is sent that
// is not in the ledger; then the sending goes on.
func testDatabaseLocked(t *testing.T) {
	hold := 11 * time.Second
	if testing.Short() {
		hold = 2 * time.Second
	}
	r := newSending(t, 300, 0)
	r.nextIssue(t)
	p := r.startAndHold(t, 50)
	r.open(t, func(n *newsroom.Newsroom) {
		conn, err := n.Ledger.DB.Conn(t.Context())
		check(t, err)
		_, err = conn.ExecContext(t.Context(), "BEGIN IMMEDIATE")
		check(t, err)
		before := r.server.count()
		r.server.release()
		<-time.After(hold)
		if after := r.server.count(); after > before+2*connections { // one that is claimed, and one whose outcome waits
			t.Errorf("%d mails went out while the ledger could not be written", after-before)
		}
		_, err = conn.ExecContext(t.Context(), "ROLLBACK")
		check(t, errors.Join(err, conn.Close()))
	})
	p.want(t, 30*time.Second, statusDone)
	r.wantAccount(t, p.account(), ledger.Account{ledger.Accepted: r.audience})
}

// testDiskFull: the disk becomes full in the middle of a sending. It waits, and goes on when there is room again. On a disk that
// is full from the start a sending fails without a trace.
func testDiskFull(t *testing.T) {
	disk := smallDisk(t)
	r := newSendingAt(t, filepath.Join(disk, "n"), 300, 0)
	free := fill(t, disk)
	p := r.start(t)
	p.want(t, 30*time.Second, statusFailed)
	if len(r.server.seen()) > 0 {
		t.Error("mail went out from a full disk")
	}
	free()
	r.nextIssue(t)
	p = r.startAndHold(t, 20)
	free = fill(t, disk)
	r.server.release()
	p.await(t, 20*time.Second, "word that the ledger cannot be written", func() bool { return strings.Contains(p.out.String(), "the ledger cannot be written") })
	before := r.server.count()
	<-time.After(time.Second)
	if after := r.server.count(); after > before+2*connections {
		t.Errorf("%d mails went out while the ledger could not be written", after-before)
	}
	free()
	p.want(t, 30*time.Second, statusDone)
	r.wantAccount(t, p.account(), ledger.Account{ledger.Accepted: r.audience})
}

// smallDisk gives a disk of 8 MB.
func smallDisk(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=8m", "tidings-test", dir).CombinedOutput(); err != nil {
		testtool.Missing(t, fmt.Sprintf("a small disk (mount: %v: %s)", err, out))
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	})
	return dir
}

// fill takes all room on a disk, and gives what makes it free again.
func fill(t *testing.T, disk string) (free func()) {
	t.Helper()
	name := filepath.Join(disk, "filler")
	f, err := os.Create(name)
	check(t, err)
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	check(t, f.Close())
	return func() { check(t, os.Remove(name)) }
}

// testTwoSenders: of several that are told to send at the same moment, and one more later, one does. The others say so, which is no
// failure.
func testTwoSenders(t *testing.T) {
	r := newSending(t, 300, 0)
	r.nextIssue(t)
	r.server.hold(20)
	all := []*sendProcess{r.start(t), r.start(t), r.start(t)}
	r.server.await(t, 20)
	all = append(all, r.start(t))
	if !poll(30*time.Second, func() bool { return len(running(all)) == 1 }) {
		t.Fatalf("%d processes send, or none", len(running(all)))
	}
	r.server.release()
	var accounts []string
	for _, p := range all {
		p.want(t, 30*time.Second, statusDone)
		if a := p.account(); a != "" {
			accounts = append(accounts, a)
		} else if !strings.Contains(p.out.String(), "another process is sending weekly") {
			t.Errorf("it does not say why it sends nothing: %s", &p.out)
		}
	}
	if len(accounts) != 1 {
		t.Fatalf("%d processes sent the issue: %q", len(accounts), accounts)
	}
	r.wantAccount(t, accounts[0], ledger.Account{ledger.Accepted: r.audience})
}

// testStoppedMidway: the file STOP halts a sending within two seconds; while it is there nothing goes out, and then the rest.
func testStoppedMidway(t *testing.T) {
	r := newSending(t, 800, 20*time.Millisecond)
	r.nextIssue(t)
	p := r.startAndAwait(t, 50)
	writeFile(t, filepath.Join(r.dir, "STOP"), "")
	stopped := time.Now()
	p.want(t, 10*time.Second, statusFailed)
	if late := r.server.last().Sub(stopped); late > 2*time.Second {
		t.Errorf("mail goes out until %v after STOP", late)
	}
	halted := r.audit(t, p.account())
	if halted[ledger.Unknown] != 0 || halted[ledger.Accepted]+halted[ledger.Pending] != r.audience {
		t.Errorf("halted: %s", halted)
	}
	r.start(t).want(t, 10*time.Second, statusFailed)
	if n := r.server.count(); n != halted[ledger.Accepted] || n == r.audience {
		t.Errorf("%d mails went out before STOP, and then %d", halted[ledger.Accepted], n)
	}
	check(t, os.Remove(filepath.Join(r.dir, "STOP")))
	r.server.pace.Store(0)
	r.finish(t, ledger.Account{ledger.Accepted: r.audience})
}

// testLeavingMidway: whoever leaves while an issue is being sent gets nothing after that moment, unless it is their mail that is on
// its way.
func testLeavingMidway(t *testing.T) {
	r := newSending(t, 300, 0)
	r.nextIssue(t)
	p := r.startAndHold(t, 20)
	var left []string
	for to := range r.states(t) {
		if len(r.server.seen()[to]) == 0 && len(left) < 40 {
			left = append(left, to)
			tidingsAt(t, r.now, "-C", r.dir, "subscribers", "remove", to)
		}
	}
	states := r.states(t)
	left = slices.DeleteFunc(left, func(to string) bool {
		return states[to] != ledger.Pending && states[to] != ledger.Suppressed // theirs was on its way
	})
	if len(left) < 20 {
		t.Fatalf("only %d left before their turn", len(left))
	}
	r.server.release()
	p.want(t, 30*time.Second, statusDone)
	for _, to := range left {
		if len(r.server.seen()[to]) > 0 {
			t.Errorf("%s had left and got the issue", to)
		}
	}
	r.wantAccount(t, p.account(), ledger.Account{ledger.Accepted: r.audience - len(left), ledger.Suppressed: len(left)})
}

// testKilledBeforeAnswers: the server has every mail that is under way and has answered none when the sender is killed. Exactly
// those are unknown, and they are not sent again.
func testKilledBeforeAnswers(t *testing.T) {
	r := newSending(t, 100, 0)
	r.nextIssue(t)
	r.server.hold(0)
	p := r.startAndAwait(t, connections)
	check(t, p.cmd.Process.Kill())
	<-p.ended
	r.server.release()
	held := slices.Collect(maps.Keys(r.server.seen()))
	r.finish(t, ledger.Account{ledger.Accepted: r.audience - connections, ledger.Unknown: connections})
	states := r.states(t)
	for _, to := range held {
		if states[to] != ledger.Unknown {
			t.Errorf("the server has the mail to %s without having said so, and it is %s", to, states[to])
		}
	}
}

// connections is how many connections the senders use.
const connections = 4

// sendingRoom is a newsroom whose digests are sent by processes of their own to a recorder.
type sendingRoom struct {
	dir      string
	audience int
	now      time.Time // by the senders' clocks, when they start
	issues   int
	server   *recorder
}

func newSending(t *testing.T, audience int, pace time.Duration) *sendingRoom {
	t.Helper()
	return newSendingAt(t, filepath.Join(t.TempDir(), "n"), audience, pace)
}

// newSendingAt makes a newsroom with so many subscribers and a first story.
func newSendingAt(t *testing.T, dir string, audience int, pace time.Duration) *sendingRoom {
	t.Helper()
	r := &sendingRoom{dir: dir, audience: audience, now: monday, server: startRecorder(t, pace)}
	var list strings.Builder
	list.WriteString("email\n")
	for i := range audience {
		fmt.Fprintf(&list, "reader%d@example.com\n", i)
	}
	writeFile(t, filepath.Join(dir, "list.csv"), list.String())
	writeFile(t, filepath.Join(dir, "tidings.yaml"), fmt.Sprintf("title: News\nurl: https://news.example.org/\n"+
		strings.Replace(weekly, "mail: {", "mail: {connections: %d, relays: [{url: \"smtp://%s\", tls: none}], ", 1), connections, r.server.address))
	r.story(t)
	tidingsAt(t, r.now, "-C", dir, "subscribers", "import", filepath.Join(dir, "list.csv"), "--confirmed", "sample")
	return r
}

func (r *sendingRoom) story(t *testing.T) {
	t.Helper()
	writeFile(t, filepath.Join(r.dir, "items", fmt.Sprintf("story-%d.md", r.issues+1)), item(fmt.Sprint("Story ", r.issues+1), "", "Words."))
}

// nextIssue readies the next issue to be sent, a day after the last.
func (r *sendingRoom) nextIssue(t *testing.T) {
	t.Helper()
	r.story(t)
	r.issues++
	r.now = r.now.AddDate(0, 0, 1)
	r.server.forget()
}

// sendProcess is a tidings send in a process of its own.
type sendProcess struct {
	cmd   *exec.Cmd
	out   logBuffer
	ended chan struct{}
}

// start sends the issue, or goes on with it. What is still running when the test ends is killed.
func (r *sendingRoom) start(t *testing.T) *sendProcess {
	t.Helper()
	p := &sendProcess{cmd: exec.Command("tidings", "-C", r.dir, "send", "weekly", "--yes"), ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), clockVariable+"="+r.now.Format(time.RFC3339))
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.out
	check(t, p.cmd.Start())
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // the status is in ProcessState
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.ended
	})
	return p
}

// startAndAwait starts a sender and waits until the server has so many mails.
func (r *sendingRoom) startAndAwait(t *testing.T, mails int) *sendProcess {
	t.Helper()
	p := r.start(t)
	p.await(t, 20*time.Second, fmt.Sprint(mails, " mails"), func() bool { return r.server.count() >= mails })
	return p
}

// startAndHold starts a sender and waits until the server has so many mails. It answers no more than these until it is released.
func (r *sendingRoom) startAndHold(t *testing.T, mails int) *sendProcess {
	t.Helper()
	r.server.hold(mails)
	return r.startAndAwait(t, mails)
}

func (p *sendProcess) await(t *testing.T, within time.Duration, what string, done func() bool) {
	t.Helper()
	if !poll(within, done) {
		t.Fatalf("no %s within %v\n%s", what, within, &p.out)
	}
}

func (p *sendProcess) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatalf("%v: %v\n%s", s, err, &p.out)
	}
}

// running gives those that have not ended.
func running(all []*sendProcess) []*sendProcess {
	return slices.DeleteFunc(slices.Clone(all), (*sendProcess).hasEnded)
}

func (p *sendProcess) hasEnded() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// want waits for the end of the process, which must come in time and with this status.
func (p *sendProcess) want(t *testing.T, within time.Duration, status int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	select {
	case <-p.ended:
	case <-ctx.Done():
		t.Fatalf("the sender has not ended within %v\n%s", within, &p.out)
	}
	if got := p.cmd.ProcessState.ExitCode(); got != status {
		t.Errorf("the sender ends with status %d, want %d\n%s", got, status, &p.out)
	}
}

// account is the last account that the process printed, "" if it printed none.
func (p *sendProcess) account() (last string) {
	for line := range strings.Lines(p.out.String()) {
		if strings.Contains(line, " recipients = ") && !strings.Contains(line, "msg=") {
			last = strings.TrimSpace(line)
		}
	}
	return last
}

// finish goes on with the issue until it is done.
func (r *sendingRoom) finish(t *testing.T, want ledger.Account) {
	t.Helper()
	p := r.start(t)
	p.want(t, 30*time.Second, statusDone)
	r.wantAccount(t, p.account(), want)
}

// wantAccount checks what became of the issue, which must be finished.
func (r *sendingRoom) wantAccount(t *testing.T, printed string, want ledger.Account) {
	t.Helper()
	if a := r.audit(t, printed); a.String() != want.String() {
		t.Errorf("the account is %s, want %s", a, want)
	}
	if !r.finished(t) {
		t.Error("the issue is not finished")
	}
}

// audit compares the ledger of the last issue with what a sender printed, if anything, and with what the server saw: it has each
// accepted mail once, and of the others only those that may be unknown. No sender may run.
func (r *sendingRoom) audit(t *testing.T, printed string) ledger.Account {
	t.Helper()
	if !poll(10*time.Second, func() bool { return r.server.open.Load() == 0 }) {
		t.Fatal("connections stay open though no sender runs")
	}
	seen, account := r.server.seen(), ledger.Account{}
	for to, state := range r.states(t) {
		account[state]++
		switch got := len(seen[to]); {
		case got > 1:
			t.Errorf("twice: %s got %q and is %s", to, seen[to], state)
		case got == 0 && state == ledger.Accepted:
			t.Errorf("lost: %s is accepted and the server has nothing", to)
		case got == 1 && state != ledger.Accepted && state != ledger.Unknown:
			t.Errorf("the server has the mail to %s, who is %s", to, state)
		}
		delete(seen, to)
	}
	if len(seen) > 0 || account.Audience() != r.audience {
		t.Errorf("the audience is %d, want %d; mail went to others: %v", account.Audience(), r.audience, seen)
	}
	if printed != "" && printed != account.String() {
		t.Errorf("the program says %s, its ledger %s", printed, account)
	}
	return account
}

// open opens the newsroom beside the senders.
func (r *sendingRoom) open(t *testing.T, use func(*newsroom.Newsroom)) {
	t.Helper()
	n, err := newsroom.Open(t.Context(), r.dir, newsroom.Outside{Now: func() time.Time { return r.now }})
	check(t, err)
	defer func() { check(t, n.Close()) }()
	use(n)
}

// finished tells whether this issue has been made, and is done.
func (r *sendingRoom) finished(t *testing.T) (done bool) {
	t.Helper()
	r.open(t, func(n *newsroom.Newsroom) {
		all, err := n.Ledger.Issues(t.Context(), "weekly")
		check(t, err)
		done = len(all) == r.issues && all[len(all)-1].State == ledger.Finished
	})
	return done
}

// states gives the state of each recipient of the last issue, by address.
func (r *sendingRoom) states(t *testing.T) map[string]ledger.State {
	t.Helper()
	states := map[string]ledger.State{}
	r.open(t, func(n *newsroom.Newsroom) {
		rows, err := n.Ledger.DB.QueryContext(t.Context(), `SELECT s.email, d.state FROM deliveries d
			JOIN subscribers s ON s.id = d.subscriber WHERE d.issue = (SELECT max(id) FROM issues)`)
		check(t, err)
		defer rows.Close()
		for rows.Next() {
			var to string
			var state ledger.State
			check(t, rows.Scan(&to, &state))
			states[to] = state
		}
		check(t, rows.Err())
	})
	return states
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// recorder is a mail server that notes each mail that it has received up to its final dot, and answers at its own pace.
type recorder struct {
	address string
	pace    atomic.Int64 // nanoseconds from a final dot to its answer, for each connection
	most    atomic.Int64 // mails of an issue that it answers; the others wait
	open    atomic.Int32 // connections

	mu    sync.Mutex
	mails map[string][]string // message ids by recipient
	total int
	at    time.Time // of the last mail
}

func startRecorder(t *testing.T, pace time.Duration) *recorder {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	r := &recorder{address: l.Addr().String(), mails: map[string][]string{}}
	r.pace.Store(int64(pace))
	r.release()
	var all sync.WaitGroup
	all.Go(func() {
		for conn, err := l.Accept(); err == nil; conn, err = l.Accept() {
			r.open.Add(1)
			all.Go(func() {
				defer r.open.Add(-1)
				r.serve(conn)
			})
		}
	})
	t.Cleanup(func() {
		check(t, l.Close())
		all.Wait()
	})
	return r
}

// serve talks with a client until it hangs up.
func (r *recorder) serve(conn net.Conn) {
	c := textproto.NewConn(conn)
	defer c.Close()
	to, err := "", c.PrintfLine("220 recorder")
	for err == nil {
		var line string
		if line, err = c.ReadLine(); err != nil {
			return
		}
		switch verb, _, _ := strings.Cut(strings.ToUpper(line), " "); verb {
		case "EHLO":
			err = c.PrintfLine("250-recorder\r\n250-PIPELINING\r\n250 8BITMIME")
		case "RCPT":
			to = line[strings.IndexByte(line, '<')+1 : strings.IndexByte(line, '>')]
			err = c.PrintfLine("250 OK")
		case "DATA":
			err = r.data(c, to)
		case "QUIT":
			_ = c.PrintfLine("221 Bye")
			return
		default:
			err = c.PrintfLine("250 OK")
		}
	}
}

// data receives a mail. One that breaks off counts for nothing.
func (r *recorder) data(c *textproto.Conn, to string) error {
	if err := c.PrintfLine("354 Go on"); err != nil {
		return err
	}
	text, err := c.ReadDotBytes()
	if err != nil {
		return err
	}
	m, err := mail.ReadMessage(strings.NewReader(string(text)))
	if err != nil {
		return err
	}
	r.wait(r.note(to, m.Header.Get("Message-ID")))
	return c.PrintfLine("250 Taken")
}

// hold lets the server answer so many mails of an issue and keep the others waiting, so that a test is in the middle of a sending for as
// long as it takes.
func (r *recorder) hold(mails int) { r.most.Store(int64(mails)) }

// release lets it answer all mails again.
func (r *recorder) release() { r.most.Store(math.MaxInt64) }

// wait lets the pace pass before the nth mail is answered, in steps since what is allowed may change meanwhile.
func (r *recorder) wait(nth int) {
	for began := time.Now(); ; {
		left := time.Duration(r.pace.Load()) - time.Since(began)
		if int64(nth) > r.most.Load() {
			left = time.Minute
		}
		if left <= 0 {
			return
		}
		<-time.After(min(left, 20*time.Millisecond))
	}
}

// note gives the number of the mail in its issue, from 1.
func (r *recorder) note(to, id string) (nth int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mails[to] = append(r.mails[to], id)
	r.total++
	r.at = time.Now()
	return r.total
}

// seen gives the ids of the mails of this issue by recipient.
func (r *recorder) seen() map[string][]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.mails)
}

// count is how many mails of this issue there are.
func (r *recorder) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.total
}

// last is when the last mail came.
func (r *recorder) last() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.at
}

// forget begins to count anew, for the next issue.
func (r *recorder) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mails, r.total = map[string][]string{}, 0
}

func (r *recorder) await(t *testing.T, mails int) {
	t.Helper()
	if !poll(20*time.Second, func() bool { return r.count() >= mails }) {
		t.Fatalf("the server has %d mails, want %d", r.count(), mails)
	}
}

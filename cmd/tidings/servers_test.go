package main

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/emersion/go-msgauth/dkim"

	"tidings/internal/testtool"
)

// provider is a real mail server, and what it says to our mail.
type provider struct {
	name, domain string
	relay        string   // its line in tidings.yaml, with %s for the address of the servers
	queue        []string // where it keeps what it has not handed over yet
	unknown      string   // its answer to an address that is not there, as the ledger keeps it
	suppresses   bool     // that answer says so plainly, and the address gets no more mail
	verifies     bool     // it writes what it makes of our signature into the mail
}

var providers = []provider{
	{
		name: "Postfix", domain: "example.com",
		relay:   `{url: "smtp://%s:10587", username: news, password_file: secret}`,
		queue:   []string{"queue/incoming", "queue/active", "queue/deferred"},
		unknown: "550 5.1.1 <(address)>: Recipient address rejected: User unknown", suppresses: true,
		verifies: true,
	},
	{
		name: "OpenSMTPD", domain: "example.net",
		relay:   `{url: "smtp://%s:10025", tls: none}`,
		queue:   []string{"opensmtpd/var/spool/smtpd/incoming", "opensmtpd/var/spool/smtpd/queue"},
		unknown: "550 Invalid recipient: <(address)>", // without a status code that says why
	},
}

// TestServers sends issues by real mail servers to mailboxes, and reads them there. They are described in testdata/servers/start.sh.
func TestServers(t *testing.T) {
	for _, program := range []string{"postfix", "opendkim", "dovecot", "/usr/lib/dovecot/imap", "/usr/lib/dovecot/lmtp", "smtpd", "openssl"} {
		testtool.Need(t, program)
	}
	if os.Getuid() != 0 {
		testtool.Missing(t, "root's right to start mail servers")
	}
	s := startServers(t)
	t.Setenv("SSL_CERT_FILE", filepath.Join(s.dir, "cert.pem")) // for the daemons
	var all sync.WaitGroup
	for _, p := range providers {
		all.Go(func() { t.Run(p.name, func(t *testing.T) { s.test(t, p) }) })
	}
	all.Wait()
}

// test has a daemon send an issue to two mailboxes and to one that is not there, lets a reader leave by the mail that they got, and has the
// next issue sent.
func (s *mailServers) test(t *testing.T, p provider) {
	ada, grace, nobody := "ada@"+p.domain, "grace@"+p.domain, "nobody@"+p.domain
	d := startDaemon(t, monday.Add(-3*time.Second), s.config(p), map[string]string{
		"items/one.md": item("Grüße aus London", "", ".First a dot."),
		"list.csv":     strings.Join([]string{"email", ada, grace, nobody, ""}, "\n"),
		"secret":       "secret\n",
	})
	s.await(t, p, d, "weekly-1")
	wantReport(t, d.dir, "weekly-1: 3 recipients = 2 accepted + 1 rejected + 0 suppressed + 0 unknown", map[string]string{
		ada: "accepted 250 2.0.0 ", grace: "accepted 250 2.0.0 ", nobody: "rejected " + p.unknown})
	if got := isSuppressed(t, d.dir, nobody); got != p.suppresses {
		t.Errorf("%s is suppressed: %v, want %v", nobody, got, p.suppresses)
	}
	s.wantSubjects(t, grace, "Weekly: Grüße aus London")
	mail := s.wantSubjects(t, ada, "Weekly: Grüße aus London")[0]
	s.checkMail(t, p, mail)

	link, _, _ := strings.Cut(strings.TrimPrefix(parsed(t, mail).Get("List-Unsubscribe"), "<"), ">")
	if status := oneClick(t, link); status != http.StatusOK || stateOf(t, d.dir, ada) != "left" {
		t.Errorf("the post to %s answers %d; %s is %s", link, status, ada, stateOf(t, d.dir, ada))
	}
	d = d.restart(t, monday.AddDate(0, 0, 7), func() { d.write(t, "items/two.md", item("Two", "", "More words.")) })
	s.await(t, p, d, "weekly-2")
	account, lines := "weekly-2: 1 recipient = 1 accepted + 0 rejected + 0 suppressed + 0 unknown", map[string]string{grace: "accepted 250 2.0.0 "}
	if !p.suppresses {
		account, lines[nobody] = "weekly-2: 2 recipients = 1 accepted + 1 rejected + 0 suppressed + 0 unknown", "rejected "+p.unknown
	}
	wantReport(t, d.dir, account, lines)
	s.wantSubjects(t, ada, "Weekly: Grüße aus London")
	s.wantSubjects(t, grace, "Weekly: Grüße aus London", "Weekly: Two")
}

// config is the part of tidings.yaml that startDaemon does not write.
func (s *mailServers) config(p provider) string {
	return fmt.Sprintf(`postal_address: 1 Example Street
mail:
  from: News <news@example.org>
  bounces: bounces@example.org
  dkim: {domain: example.org, selector: real, key_file: %s/signer/state/dkim-real.pem}
  relays:
    - %s
newsletters:
  weekly: {title: Weekly, schedule: "0 9 * * MON"}
`, s.dir, fmt.Sprintf(p.relay, s.address))
}

// await waits until the daemon has sent the issue, and the server has handed it over.
func (s *mailServers) await(t *testing.T, p provider, d *daemonProcess, issue string) {
	t.Helper()
	d.await(t, 30*time.Second, "end of "+issue, func() bool { return strings.Contains(d.log.String(), "msg=issue issue="+issue+" ") })
	d.await(t, 10*time.Second, "end of the queue of "+p.name, func() bool { return s.queued(p) == 0 })
}

// wantReport checks what tidings issues show tells of an issue: its account, and of each recipient the state and how the server's
// reply begins.
func wantReport(t *testing.T, dir, account string, states map[string]string) {
	t.Helper()
	issue, _, _ := strings.Cut(account, ":")
	report := tidingsAt(t, monday, "-C", dir, "issues", "show", issue)
	lines := strings.Split(strings.TrimSpace(report), "\n")
	good := lines[0] == account && len(lines) == 1+len(states)
	for _, line := range lines[1:] {
		f := strings.Split(line, "\t") // address, state, time, reply
		good = good && len(f) == 4 && states[f[0]] != "" && strings.HasPrefix(f[1]+" "+f[3], states[f[0]])
	}
	if !good {
		t.Errorf("the report is\n%swant\n%s\n%q", report, account, states)
	}
}

// isSuppressed tells whether the command line shows an address as one that gets no more mail.
func isSuppressed(t *testing.T, dir, address string) bool {
	t.Helper()
	list := tidingsAt(t, monday, "-C", dir, "subscribers", "list")
	return regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(address) + ` .* suppressed: `).MatchString(list)
}

// checkMail checks a mail that was delivered: it is as it was sent, and signed with what lets its reader leave.
func (s *mailServers) checkMail(t *testing.T, p provider, raw []byte) {
	t.Helper()
	m := parsed(t, raw)
	for _, body := range []string{m.Text, m.HTML} {
		for _, words := range []string{"Grüße aus London", ".First a dot."} {
			if !strings.Contains(body, words) {
				t.Errorf("%q is not in the mail's body\n%s", words, body)
			}
		}
	}
	if post := m.Get("List-Unsubscribe-Post"); post != "List-Unsubscribe=One-Click" {
		t.Errorf("List-Unsubscribe-Post: %s", post)
	}
	if path := m.Get("Return-Path"); !returnPath.MatchString(path) {
		t.Errorf("Return-Path: %s", path)
	}
	if results := m.Get("Authentication-Results"); p.verifies && !verified.MatchString(results) {
		t.Errorf("OpenDKIM says %q", results)
	}
	found, err := dkim.VerifyWithOptions(bytes.NewReader(raw), &dkim.VerifyOptions{LookupTXT: s.lookupKey})
	if err != nil || len(found) != 1 || found[0].Err != nil || found[0].Domain != "example.org" {
		t.Fatalf("the signatures are %v, %v", found, err)
	}
	for _, name := range []string{"list-unsubscribe", "list-unsubscribe-post", "from", "subject"} {
		if !slices.ContainsFunc(found[0].HeaderKeys, func(key string) bool { return strings.EqualFold(key, name) }) {
			t.Errorf("the signature does not cover %s, but %q", name, found[0].HeaderKeys)
		}
	}
}

// returnPath is the address to which servers report that they could not deliver a mail, with the code that names it.
var returnPath = regexp.MustCompile(`^<bounces\+[0-9a-v]{32}@example\.org>$`)

// verified is what OpenDKIM finds of a good signature.
var verified = regexp.MustCompile(`^mx\.example\.com;\s+dkim=pass \(2048-bit key[^)]*\) header\.d=example\.org `)

func parsed(t *testing.T, raw []byte) *delivered {
	t.Helper()
	m, err := parseMail(raw)
	check(t, err)
	return m
}

// mailServers are real mail servers, the processes of testdata/servers/start.sh.
type mailServers struct {
	dir, address string
	keyName, key string // the DNS record of our signature
	script       *exec.Cmd
	stdin        io.Closer
	said         logBuffer
	ended        chan struct{}
}

// startServers starts the servers at an address of their own, and waits until they answer. They end with the test.
func startServers(t *testing.T) *mailServers {
	t.Helper()
	s := &mailServers{address: fmt.Sprintf("127.%d.%d.%d", 1+rand.IntN(254), rand.IntN(256), 1+rand.IntN(254)), ended: make(chan struct{})}
	s.makeFolder(t)
	s.makeKey(t)
	s.script = exec.Command("testdata/servers/start.sh", s.dir, s.address)
	s.script.Stdout, s.script.Stderr = &s.said, &s.said
	var err error
	s.stdin, err = s.script.StdinPipe() // it is closed however this process ends, and so are the servers
	check(t, err)
	check(t, s.script.Start())
	go func() {
		defer close(s.ended)
		_ = s.script.Wait() // whether it runs is asked by its ports
	}()
	t.Cleanup(func() { s.stop(t) })
	if !poll(30*time.Second, func() bool { return s.hasEnded() || !slices.ContainsFunc(serverPorts, s.isSilent) }) || s.hasEnded() {
		t.Fatal("the mail servers do not answer")
	}
	return s
}

func (s *mailServers) hasEnded() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

var serverPorts = []string{"10587", "10025", "10143", "10024"}

func (s *mailServers) isSilent(port string) bool {
	conn, err := net.Dial("tcp", net.JoinHostPort(s.address, port))
	return err != nil || conn.Close() != nil
}

// makeFolder makes a folder that the users of the servers can enter, which those of t.TempDir are not.
func (s *mailServers) makeFolder(t *testing.T) {
	t.Helper()
	var err error
	s.dir, err = os.MkdirTemp("", "tidings-servers-")
	check(t, err)
	t.Cleanup(func() { check(t, os.RemoveAll(s.dir)) })
	check(t, os.Chmod(s.dir, 0o711))
	var people string
	for _, p := range providers {
		people += "ada@" + p.domain + "\ngrace@" + p.domain + "\n"
	}
	writeFile(t, filepath.Join(s.dir, "people"), people)
}

// makeKey makes the key that signs, and takes its DNS record from what the program prints.
func (s *mailServers) makeKey(t *testing.T) {
	t.Helper()
	dir := filepath.Join(s.dir, "signer")
	writeFile(t, filepath.Join(dir, "tidings.yaml"), "title: News\nurl: https://news.example.org/\nmail: {from: News <news@example.org>}\n")
	told := tidingsAt(t, monday, "-C", dir, "dkim", "new", "--selector", "real")
	record := regexp.MustCompile(`(?m)^name:  (.+)\nvalue: (.+)$`).FindStringSubmatch(told)
	if record == nil {
		t.Fatalf("no DNS record in\n%s", told)
	}
	s.keyName, s.key = record[1], record[2]
	writeFile(t, filepath.Join(s.dir, "keys"), s.keyName+" "+s.key+"\n")
}

func (s *mailServers) lookupKey(name string) ([]string, error) {
	if name != s.keyName {
		return nil, fmt.Errorf("no record %s", name)
	}
	return []string{s.key}, nil
}

// stop ends the servers; if the test has failed it shows what they logged.
func (s *mailServers) stop(t *testing.T) {
	_ = s.stdin.Close() // of a script that has ended it is closed
	select {
	case <-s.ended:
	case <-time.After(15 * time.Second):
		t.Error("the mail servers do not end")
		_ = s.script.Process.Signal(syscall.SIGKILL)
	}
	for _, port := range serverPorts {
		if !s.isSilent(port) {
			t.Errorf("the server at port %s has not ended", port)
		}
	}
	if !t.Failed() {
		return
	}
	t.Logf("start.sh says %s", &s.said)
	logs, _ := filepath.Glob(filepath.Join(s.dir, "*.log"))
	for _, name := range logs {
		text, err := os.ReadFile(name)
		t.Logf("%s: %v\n%s", name, err, text)
	}
}

// queued counts the files in a server's queue.
func (s *mailServers) queued(p provider) (files int) {
	for _, dir := range p.queue {
		_ = filepath.WalkDir(filepath.Join(s.dir, dir), func(_ string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() { // what is gone at this moment is no error
				files++
			}
			return nil
		})
	}
	return files
}

// wantSubjects checks which mails a mailbox holds, and gives them. Without them the test ends.
func (s *mailServers) wantSubjects(t *testing.T, address string, want ...string) (mails [][]byte) {
	t.Helper()
	mails = s.mailbox(t, address)
	var got []string
	for _, raw := range mails {
		subject, err := parsed(t, raw).Subject()
		check(t, err)
		got = append(got, subject)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Fatalf("the mailbox of %s holds %q, want %q", address, got, want)
	}
	return mails
}

// mailbox reads all mails in a mailbox by IMAP, as they are.
func (s *mailServers) mailbox(t *testing.T, address string) (mails [][]byte) {
	t.Helper()
	c, err := imapclient.DialInsecure(net.JoinHostPort(s.address, "10143"), nil)
	check(t, err)
	defer c.Close()
	check(t, c.Login(address, "secret").Wait())
	box, err := c.Select("INBOX", nil).Wait()
	check(t, err)
	if box.NumMessages > 0 {
		whole := &imap.FetchItemBodySection{Peek: true}
		all, err := c.Fetch(imap.SeqSet{{Start: 1}}, &imap.FetchOptions{BodySection: []*imap.FetchItemBodySection{whole}}).Collect()
		check(t, err)
		for _, m := range all {
			mails = append(mails, m.FindBodySection(whole))
		}
	}
	check(t, c.Logout().Wait())
	return mails
}

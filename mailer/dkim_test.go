package mailer_test

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-msgauth/dkim"

	"tidings/internal/testtool"
	"tidings/mailer"
	"tidings/templates"
)

func newKey(t testing.TB, bits int) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newSigner(t testing.TB) (*mailer.Signer, mailer.Record) {
	t.Helper()
	s, err := mailer.NewSigner("Bücher.example", "t202611", newKey(t, 2048))
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Record()
	if err != nil {
		t.Fatal(err)
	}
	return s, r
}

func sign(t testing.TB, s *mailer.Signer, msg []byte) []byte {
	t.Helper()
	signed, err := s.Sign(msg)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasSuffix(signed, msg) || !bytes.HasPrefix(signed, []byte("DKIM-Signature:")) {
		t.Fatal("the signature does not stand on top of the message as it was")
	}
	return signed
}

// copies are more than 200 mails: to each of people, of issues that are hard to sign.
func copies(t testing.TB) [][]byte {
	t.Helper()
	var all [][]byte
	for i, issue := range []struct{ subject, name, unsubscribe, text string }{
		{"Short", "News", "mailto:leave@example.org", "text"},
		{strings.Repeat("A long subject that folds ", 12) + "end", "", "", "text"},
		{"👩‍👩‍👧‍👦 " + strings.Repeat("長い件名 ", 30) + "😀", "Büro, “News” 😀", "mailto:leave@example.org?subject=weekly", "長い\n"},
		{"Spaces   and\ttabs"[:9] + "in    a row", "A  B", "mailto:" + strings.Repeat("l", 60) + "@example.org?subject=" + strings.Repeat("weekly-", 100), "x  y \t z   \n\t\n"},
		{"=?utf-8?q?not_encoded?=: and; v=1; b=", `The "News" \ <x>`, "mailto:leave@example.org?subject=a%20b", ".\n..\n.dots\n\n.\n"},
		{"Flüchtlinge", "", "", "\n\n\nlines before"},
		{"x", "", "", "lines behind\n\n\n\n\n"},
		{"From here", "", "", "From here\n>From there\n--\n-- \n"},
		{"A large one", "", "", strings.Repeat("word = ü <b> & ", 700)},
		{"One line", "", "", strings.Repeat("x", 5000)},
		{"Marks", "", "", "a\u00a0b\u200bc\u2028d\r\ne\rf \r\n\r\n"},
	} {
		body := func(d templates.Digest) string { return issue.text + "\n" + simple(d) + issue.text }
		e, v := envelope(), view()
		e.From.Name, e.ListName, e.Unsubscribe, v.Subject = issue.name, issue.name, issue.unsubscribe, issue.subject
		m, err := mailer.Compose(bodies{body, body}, v, e)
		if err != nil {
			t.Fatal(i+1, err)
		}
		for _, r := range people() {
			msg, err := m.For(r)
			if err != nil {
				t.Fatal(i+1, err)
			}
			all = append(all, msg)
		}
	}
	return all
}

// changes are what must not pass under a signature.
var changes = []struct {
	why    string
	change func(string) string
}{
	{"1 a byte of the text", replace("Dear", "Deaf")},
	{"2 a line more", func(s string) string { return s + "more\r\n" }},
	{"3 another sender", replace("\nFrom: ", "\nFrom: x")},
	{"4 another recipient", replace("\nTo: ", "\nTo: x")},
	{"5 another subject", replace("\nSubject: ", "\nSubject: x")},
	{"6 another link to unsubscribe", replace("\nList-Unsubscribe: <h", "\nList-Unsubscribe: <H")},
	{"7 no one-click", replace("List-Unsubscribe=One-Click", "List-Unsubscribe=Two-Click")},
	{"8 another date", replace("\nDate: ", "\nDate: x")},
	{"9 another id", replace("\nMessage-ID: <", "\nMessage-ID: <x")},
	{"10 other parts", replace("boundary=", "boundarx=")},
	{"11 another list", replace("\nList-Id: ", "\nList-Id: x")},
	{"12 other help", replace("\nList-Help: <", "\nList-Help: <x")},
	{"13 another reply address", replace("\nReply-To: ", "\nReply-To: x")},
	// A field that is there twice: readers show the upper one, signatures count from below.
	{"14 a second sender", func(s string) string { return "From: x@example.org\r\n" + s }},
	{"15 a second subject", func(s string) string { return "Subject: x\r\n" + s }},
	{"16 a second link to unsubscribe", func(s string) string { return "List-Unsubscribe: <https://x.example/>\r\n" + s }},
	{"17 a copy to somebody", func(s string) string { return "Cc: x@example.org\r\n" + s }},
	{"18 an encoding", func(s string) string { return "Content-Transfer-Encoding: base64\r\n" + s }},
}

func replace(old, by string) func(string) string {
	return func(s string) string { return strings.Replace(s, old, by, 1) }
}

// TestSign has mails of many kinds, signed, verified by three programs; of changed ones they let none pass.
func TestSign(t *testing.T) {
	signer, record := newSigner(t)
	good, bad := map[string][]byte{}, map[string][]byte{}
	all := copies(t)
	for i, msg := range all {
		good[fmt.Sprintf("good-%03d", i+1)] = sign(t, signer, msg)
	}
	signed := string(sign(t, signer, all[1]))
	for i, c := range changes {
		changed := c.change(signed)
		if changed == signed {
			t.Errorf("%s: nothing was changed", c.why)
		}
		bad[fmt.Sprintf("bad-%02d", i+1)] = []byte(changed)
	}
	if len(good) < 200 {
		t.Errorf("only %d mails are signed", len(good))
	}
	judge(t, record, good, bad)
}

// TestSignVaried has a thousand mails no two of which are alike, and some hundred that were changed after they were signed.
func TestSignVaried(t *testing.T) {
	signer, record := newSigner(t)
	good, bad := map[string][]byte{}, map[string][]byte{}
	rnd := mathrand.New(mathrand.NewPCG(6376, 8058))
	for i := range 1000 {
		m := varied(rnd)
		name := fmt.Sprintf("varied-%04d", i+1)
		good[name] = sign(t, signer, []byte(m.text()))
		if i%100 == 0 {
			m.top = strings.TrimSuffix(string(good[name]), m.text())
			m.spoil(rnd, func(why string, changed letter) { bad[name+"-"+why] = []byte(changed.text()) })
		}
	}
	if len(bad) < 400 {
		t.Errorf("only %d mails are changed", len(bad))
	}
	judge(t, record, good, bad)
}

// judge has each of three programs pass all the good mails and none of the bad.
func judge(t *testing.T, record mailer.Record, good, bad map[string][]byte) {
	for name, verify := range map[string]func(testing.TB, mailer.Record, map[string][]byte) []string{
		"go-msgauth": verifyMsgauth, "dkimpy": verifyDkimpy, "OpenDKIM": verifyOpenDKIM,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			passed := verify(t, record, good)
			for _, file := range slices.Sorted(maps.Keys(good)) {
				if !slices.Contains(passed, file) {
					t.Errorf("%s is refused:\n%.1500q", file, good[file])
				}
			}
			if passed := verify(t, record, bad); len(passed) > 0 {
				t.Errorf("passed although changed: %q", passed)
			}
		})
	}
}

// verifyMsgauth gives the names of those that pass.
func verifyMsgauth(t testing.TB, record mailer.Record, mails map[string][]byte) (passed []string) {
	lookup := func(name string) ([]string, error) {
		if name != record.Name {
			t.Errorf("asks DNS for %s", name)
		}
		return []string{strings.Join(record.Strings(), "")}, nil
	}
	for file, msg := range mails {
		vs, err := dkim.VerifyWithOptions(bytes.NewReader(msg), &dkim.VerifyOptions{LookupTXT: lookup})
		if err == nil && len(vs) == 1 && vs[0].Err == nil && vs[0].Domain == "xn--bcher-kva.example" {
			passed = append(passed, file)
		}
	}
	return passed
}

func verifyDkimpy(t testing.TB, record mailer.Record, mails map[string][]byte) []string {
	python := testtool.Python(t, "dkim")
	args := append([]string{"testdata/dkimpy.py", record.Name, record.Value}, files(t, mails)...)
	return passedFiles(t, exec.Command(python, args...))
}

// passedFiles runs a program that prints the path of each file that passes.
func passedFiles(t testing.TB, cmd *exec.Cmd) (passed []string) {
	t.Helper()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v", cmd.Args[0], err)
	}
	for path := range strings.FieldsSeq(string(out)) {
		passed = append(passed, filepath.Base(path))
	}
	return passed
}

// files writes the mails into files of their names.
func files(t testing.TB, mails map[string][]byte) (paths []string) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range slices.Sorted(maps.Keys(mails)) {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, mails[name], 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

// verifyOpenDKIM runs the milter in its test mode, which starts no server.
func verifyOpenDKIM(t testing.TB, record mailer.Record, mails map[string][]byte) (passed []string) {
	opendkim, dir := testtool.Need(t, "opendkim"), t.TempDir()
	keys, conf := filepath.Join(dir, "keys"), filepath.Join(dir, "conf")
	for path, text := range map[string]string{
		keys: record.Name + " " + record.Value + "\n",
		conf: "Mode v\nTestPublicKeys " + keys + "\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for batch := range slices.Chunk(files(t, mails), 200) { // one argument holds all their names
		cmd := exec.Command(opendkim, "-x", conf, "-v", "-t", strings.Join(batch, ","))
		var told strings.Builder
		cmd.Stdout = &told // apart from standard error, which would cut its lines
		if err := cmd.Run(); err != nil {
			t.Logf("opendkim: %v", err) // so it ends if it cannot read a mail
		}
		for _, m := range success.FindAllStringSubmatch(told.String(), -1) {
			passed = append(passed, filepath.Base(m[1]))
		}
		for _, path := range batch { // it says nothing of mails that nobody sent
			if !strings.Contains(told.String(), path+": ") && sender.Match(mails[filepath.Base(path)]) {
				t.Errorf("opendkim passes over %s", path)
			}
		}
	}
	return passed
}

var (
	success = regexp.MustCompile(`(?m)^opendkim: (.*): verification \(.*\) succeeded$`)
	sender  = regexp.MustCompile(`(?mi)^From:`)
)

// TestSignObsolete: blanks before the colon are none of the field's name (RFC 6376 §3.4.2). Of the three programs one reads
// such fields.
func TestSignObsolete(t *testing.T) {
	signer, record := newSigner(t)
	msg := sign(t, signer, []byte("From\t : a@example.org\r\nSubject  : x\r\nTo: b@example.org\r\n\r\ntext\r\n"))
	if len(verifyMsgauth(t, record, map[string][]byte{"obsolete": msg})) != 1 {
		t.Errorf("refused: %q", msg)
	}
}

// TestSignLines: no line of the signature is longer than 78 octets (RFC 5322 §2.1.1), and none is blank.
func TestSignLines(t *testing.T) {
	signer, _ := newSigner(t)
	msg := "From: a@example.org\r\n\r\n"
	own := strings.TrimSuffix(string(sign(t, signer, []byte(msg))), msg)
	for line := range strings.SplitSeq(strings.TrimSuffix(own, "\r\n"), "\r\n") {
		if len(line) > 78 || strings.TrimSpace(line) == "" {
			t.Errorf("a line of %d octets: %q", len(line), line)
		}
	}
}

// TestSignConcurrently: connections share one signer.
func TestSignConcurrently(t *testing.T) {
	signer, record := newSigner(t)
	m := compose(t, bodies{simple, plain})
	mails := map[string][]byte{}
	var lock sync.Mutex
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() {
			r := ada()
			r.MessageID = fmt.Sprintf("%d@news.example.org", i)
			msg, err := m.For(r)
			if err == nil {
				msg, err = signer.Sign(msg)
			}
			if err != nil {
				t.Error(err)
			}
			lock.Lock()
			defer lock.Unlock()
			mails[r.MessageID] = msg
		})
	}
	all.Wait()
	if passed := verifyMsgauth(t, record, mails); len(passed) != 40 {
		t.Errorf("%d of 40 pass", len(passed))
	}
}

// TestSignNothing: what is no message is not signed.
func TestSignNothing(t *testing.T) {
	signer, _ := newSigner(t)
	for i, text := range []string{"", "From: news@example.org\r\n", "no end", "\r\nFrom: a@example.org\r\n\r\n", "From: a@example.org\r\nno field\r\n\r\n",
		"From: a@example.org\n\nonly LF\n"} {
		if got, err := signer.Sign([]byte(text)); err == nil {
			t.Errorf("%d: %q is signed: %s", i+1, text, got)
		}
	}
}

func TestNewSigner(t *testing.T) {
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good, weak := newKey(t, 2048), newKey(t, 1024)
	for i, tt := range []struct {
		domain, selector string
		key              crypto.Signer
		record           string // "" if refused
	}{
		{"example.org", "t202611", good, "t202611._domainkey.example.org"},
		{"NEWS.Example.ORG", "Spring-1.news", good, "Spring-1.news._domainkey.news.example.org"},
		{"bücher.example", "x", good, "x._domainkey.xn--bcher-kva.example"},
		{"localhost", "x", good, "x._domainkey.localhost"},
		{"example.org", "x", weak, ""},    // RFC 8301 §3.2
		{"example.org", "x", edwards, ""}, // large receivers cannot verify it
		{"", "x", good, ""},
		{"example.org.", "x", good, ""},
		{"a b.example", "x", good, ""},
		{"example.org;s=y", "x", good, ""}, // would be a tag of its own
		{"example.org\r\nBcc: x", "x", good, ""},
		{strings.Repeat("a.", 130) + "example", "x", good, ""},
		{"example.org", "", good, ""},
		{"example.org", "..", good, ""},
		{"example.org", "../x", good, ""}, // selectors name files
		{"example.org", "x;l=0", good, ""},
		{"example.org", "x\n", good, ""},
		{"example.org", "-x", good, ""},
		{"example.org", strings.Repeat("x", 64), good, ""},
	} {
		s, err := mailer.NewSigner(tt.domain, tt.selector, tt.key)
		if (err == nil) != (tt.record != "") {
			t.Errorf("%d: %q at %q: %v", i+1, tt.selector, tt.domain, err)
		}
		if err != nil || tt.record == "" {
			continue
		}
		if r, err := s.Record(); err != nil || r.Name != tt.record {
			t.Errorf("%d: the record stands at %q, %v; want %q", i+1, r.Name, err, tt.record)
		}
	}
	if _, err := mailer.NewSigner("example.org", "x", weak); !errors.Is(err, mailer.ErrKeySize) {
		t.Errorf("a weak key gives %v", err)
	}
}

// TestRecord: no string of a TXT record is longer than 255 bytes, and together they are the value.
func TestRecord(t *testing.T) {
	for i, bits := range []int{2048, 3072} {
		s, err := mailer.NewSigner("example.org", "x", newKey(t, bits))
		if err != nil {
			t.Fatal(err)
		}
		r, err := s.Record()
		if err != nil {
			t.Fatal(err)
		}
		pieces := r.Strings()
		for _, p := range pieces {
			if len(p) == 0 || len(p) > 255 {
				t.Errorf("%d: a piece of %d bytes", i+1, len(p))
			}
		}
		if strings.Join(pieces, "") != r.Value || r.String() != `x._domainkey.example.org. IN TXT ( "`+strings.Join(pieces, `" "`)+`" )` {
			t.Errorf("%d: %s", i+1, r)
		}
	}
}

func TestAligned(t *testing.T) {
	for i, tt := range []struct {
		signature, from string
		want            bool
	}{
		{"example.org", "example.org", true},
		{"example.org", "news.example.org", true},
		{"mail.example.org", "news.example.org", true},
		{"example.org", "example.com", false},
		{"example.co.uk", "other.co.uk", false}, // co.uk is no organisation
		{"co.uk", "example.co.uk", false},
		{"a.github.io", "b.github.io", false}, // a public suffix of a company
		{"badexample.org", "example.org", false},
		{"localhost", "localhost", true},
		{"xn--bcher-kva.example", "news.xn--bcher-kva.example", true},
	} {
		if got := mailer.Aligned(tt.signature, tt.from); got != tt.want {
			t.Errorf("%d: %s for %s: %v", i+1, tt.signature, tt.from, got)
		}
	}
}

// quick is a key whose signatures take no time and are worth nothing.
type quick struct{ *rsa.PrivateKey }

func (q quick) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return make([]byte, q.Size()), nil
}

// BenchmarkSign signs a digest of 47 kB on all cores, beside the bare RSA signature that it cannot be faster than, and all
// the rest of the work.
func BenchmarkSign(b *testing.B) {
	key := newKey(b, 2048)
	signer, err := mailer.NewSigner("example.org", "x", key)
	if err != nil {
		b.Fatal(err)
	}
	long := func(d templates.Digest) string {
		return simple(d) + strings.Repeat("A line of a story, as long as most. \n", 600)
	}
	msg, err := compose(b, bodies{long, long}).For(ada())
	if err != nil {
		b.Fatal(err)
	}
	digest := sha256.Sum256(msg)
	parallel := func(work func() error) func(*testing.B) {
		return func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := work(); err != nil {
						b.Error(err)
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "signatures/s")
		}
	}
	b.Run("dkim", parallel(func() error { _, err := signer.Sign(msg); return err }))
	rest, err := mailer.NewSigner("example.org", "x", quick{key})
	if err != nil {
		b.Fatal(err)
	}
	b.Run("rest", parallel(func() error { _, err := rest.Sign(msg); return err }))
	b.Run("rsa", parallel(func() error { _, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:]); return err }))
	b.Logf("the message has %d bytes", len(msg))
}

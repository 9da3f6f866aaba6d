package main

import (
	"bytes"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"tidings/internal/testtool"
	"tidings/newsroom"
	"tidings/web"
)

// monday is when the sample newsroom's digest is sent.
var monday = time.Date(2016, 12, 19, 9, 0, 0, 0, time.UTC)

// tidingsAt runs the program in this process at a time that stands still, and gives what it prints. It has to succeed.
func tidingsAt(t *testing.T, now time.Time, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	status := run(t.Context(), args, stdio{strings.NewReader(""), &out, &errs}, func() time.Time { return now })
	if status != statusDone {
		t.Fatalf("tidings %q: status %d\n%s%s", args, status, &out, &errs)
	}
	return out.String()
}

// sampleWithRelay makes a sample newsroom with its subscribers, whose mail goes to the relay.
func sampleWithRelay(t *testing.T, relay string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "n")
	if err := copyNewsroom(dir, "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	edit(t, filepath.Join(dir, "tidings.yaml"), "\nweb:", "\n  relays: [{url: \"smtp://"+relay+"\", tls: none}]\nweb:")
	tidingsAt(t, monday, "-C", dir, "subscribers", "import", filepath.Join(dir, "subscribers.csv"), "--confirmed", "sample")
	return dir
}

// edit replaces a text in a file, in which it must be.
func edit(t *testing.T, file, old, with string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(data, []byte(old)) {
		t.Fatalf("%s has no %q", file, old)
	}
	if err := os.WriteFile(file, bytes.Replace(data, []byte(old), []byte(with), 1), 0o644); err != nil {
		t.Fatal(err)
	}
}

// servers are mail servers: start gives one's address, and what gives the mails that it has taken.
var servers = []struct {
	name  string
	start func(*testing.T) (address string, mails func() []*delivered)
}{
	{"go-smtp", startMailbox},
	{"smtp-sink", startSink},
}

// TestDelivery sends the sample newsroom's digest to real servers and reads it as its recipients do.
func TestDelivery(t *testing.T) {
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			relay, mails := s.start(t)
			dir := sampleWithRelay(t, relay)
			tidingsAt(t, monday, "-C", dir, "send", "weekly", "--yes")
			checkIssue(t, checkNotices(t, mails()))
		})
	}
}

// checkNotices wants a notice to each of the staff, and gives the other mails.
func checkNotices(t *testing.T, mails []*delivered) (others []*delivered) {
	t.Helper()
	told := map[string]int{}
	for _, m := range mails {
		if m.Get("Auto-Submitted") == "" {
			others = append(others, m)
			continue
		}
		if told[m.To]++; !strings.Contains(m.Text, "accepted: ") || m.HTML != "" {
			t.Errorf("%s was told %q", m.To, m.Text)
		}
	}
	if want := map[string]int{"editor@example.org": 1, "press@example.org": 1}; !maps.Equal(told, want) {
		t.Errorf("the staff got %v", told)
	}
	return others
}

// digestNewsroom makes a newsroom with one story and two subscribers, whose mail goes into the outbox.
func digestNewsroom(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"tidings.yaml": "title: News\nurl: https://news.example.org/\n" + weekly,
		"items/one.md": item("One", "", "Words."),
		"list.csv":     "email\nada@example.com\ngrace@example.com\n",
	} {
		writeFile(t, filepath.Join(dir, name), text)
	}
	tidingsAt(t, monday, "-C", dir, "subscribers", "import", filepath.Join(dir, "list.csv"), "--confirmed", "sample")
	return dir
}

// TestNextBesideDeferred: while one recipient of the last issue is put off the next one goes out, with all that holds for a new issue;
// the other goes on beside it.
func TestNextBesideDeferred(t *testing.T) {
	dir, mails := sentTo(t, "full@example.com")
	const (
		goesOn = "weekly-1 goes on, by way of "
		next   = "weekly-2: 1 story, by way of "
	)
	for _, step := range []struct {
		name     string // number and why
		story    string // that is new
		args     []string
		status   int
		out, err []string
		mails    int // in all
	}{
		{"1 without news there is nothing else to do", "", nil, statusDone, []string{goesOn}, nil, 2},
		{"2 to what is new somebody must agree", "Two", nil, statusDone, []string{goesOn, "1 story waits for the next issue: add --yes to send it"}, nil, 2},
		{"3 too soon is too soon", "", []string{"--yes"}, statusDone, []string{goesOn, "weekly has news, but the last issue is less than 12 hours old (--again makes another now): no new issue was sent"}, nil, 2},
		{"4 both", "", []string{"--yes", "--again"}, statusDone, []string{goesOn, "2 accepted + 0 rejected + 0 suppressed + 0 unknown + 1 deferred", next}, nil, 4},
		{"5 both go on", "", nil, statusDone, []string{goesOn, "weekly-2 goes on, by way of "}, nil, 4},
	} {
		if step.story != "" {
			writeFile(t, filepath.Join(dir, "items", "two.md"), item(step.story, "", "Other words."))
		}
		var out, errs bytes.Buffer
		args := append([]string{"-C", dir, "send", "weekly"}, step.args...)
		status := run(t.Context(), args, stdio{strings.NewReader(""), &out, &errs}, func() time.Time { return monday.Add(time.Hour) })
		if status != step.status || len(mails()) != step.mails || strings.Contains(out.String(), next) != slices.Contains(step.out, next) {
			t.Errorf("%s: status %d, %d mails", step.name, status, len(mails()))
		}
		for _, want := range step.out {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: it does not say %q, but\n%s", step.name, want, &out)
			}
		}
		for _, want := range step.err {
			if !strings.Contains(errs.String(), want) {
				t.Errorf("%s: it does not say %q, but\n%s", step.name, want, &errs)
			}
		}
	}
}

// sentTo makes a newsroom whose first issue was sent, to two who took it and to this address.
func sentTo(t *testing.T, address string) (dir string, mails func() []*delivered) {
	t.Helper()
	relay, mails := startMailbox(t)
	dir = digestNewsroom(t)
	edit(t, filepath.Join(dir, "tidings.yaml"), "<news@example.org>", "<news@example.org>, relays: [{url: \"smtp://"+relay+"\", tls: none}]")
	tidingsAt(t, monday, "-C", dir, "subscribers", "add", address, "--confirmed", "sample")
	tidingsAt(t, monday, "-C", dir, "send", "weekly", "--yes")
	return dir, mails
}

// TestResendSuppressed: who is suppressed since is sent nothing once more, and the ledger keeps what the server said, until
// the address is released.
func TestResendSuppressed(t *testing.T) {
	dir, _ := sentTo(t, "gone@example.com")
	resend := []string{"-C", dir, "issues", "resend", "weekly-1", "--state", "rejected"}
	show := []string{"-C", dir, "issues", "show", "weekly-1", "--state", "rejected"}
	before := tidingsAt(t, monday, show...)
	out := tidingsAt(t, monday, resend...)
	if !strings.Contains(out, "nothing was sent") || !strings.Contains(out, "1 recipient stays rejected, ") || !strings.Contains(out, "subscribers release") {
		t.Errorf("resend says\n%s", out)
	}
	if after := tidingsAt(t, monday, show...); after != before || !strings.Contains(after, "550 5.1.1 No such user") {
		t.Errorf("the ledger holds\n%s, before\n%s", after, before)
	}
	tidingsAt(t, monday, "-C", dir, "subscribers", "release", "gone@example.com")
	if out := tidingsAt(t, monday, resend...); !strings.Contains(out, "weekly-1 was to go once more to 1 recipient\n") {
		t.Errorf("released: resend says\n%s", out)
	}
}

// TestNoEncryption: that a mail server offers no encryption is said in plain words, with what to do about it.
func TestNoEncryption(t *testing.T) {
	relay, _ := startMailbox(t)
	dir := digestNewsroom(t)
	edit(t, filepath.Join(dir, "tidings.yaml"), "<news@example.org>", "<news@example.org>, relays: [{url: \"smtp://"+relay+"\"}]")
	var out, errs bytes.Buffer
	status := run(t.Context(), []string{"-C", dir, "send", "weekly", "--yes"}, stdio{strings.NewReader(""), &out, &errs}, func() time.Time { return monday })
	for _, want := range []string{relay + ": the server offers no encryption (STARTTLS)\n", "\nhint: write smtps://HOST:465", "tls: none"} {
		if status != statusFailed || !strings.Contains(errs.String(), want) {
			t.Errorf("status %d, and it does not say %q:\n%s", status, want, &errs)
		}
	}
}

// TestMessageIDs: another copy of the newsroom sends the same issue later, as after a restored backup. The mails have the ids
// of the first ones, so that servers can see that they are repeats; an issue of other stories has others, though it has the number.
func TestMessageIDs(t *testing.T) {
	dir, twin := digestNewsroom(t), filepath.Join(t.TempDir(), "twin")
	if err := os.CopyFS(twin, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"keys", "tidings.db"} {
		if err := os.Chmod(filepath.Join(twin, "state", name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tidingsAt(t, monday, "-C", dir, "send", "weekly", "--yes")
	tidingsAt(t, monday.Add(time.Hour), "-C", twin, "send", "weekly", "--yes")
	first, again := fieldOf(sent(t, dir), "Message-ID"), fieldOf(sent(t, twin), "Message-ID")
	if len(first) != 2 || first[0] == first[1] || !slices.Equal(first, again) {
		t.Errorf("the message ids are %q, then %q", first, again)
	}
	other := digestNewsroom(t)
	keys, err := os.ReadFile(filepath.Join(dir, "state", "keys"))
	check(t, err)
	check(t, os.WriteFile(filepath.Join(other, "state", "keys"), keys, 0o600))
	writeFile(t, filepath.Join(other, "items", "two.md"), item("Two", "", "Other words."))
	tidingsAt(t, monday, "-C", other, "send", "weekly", "--yes")
	for _, id := range fieldOf(sent(t, other), "Message-ID") {
		if slices.Contains(first, id) {
			t.Errorf("an issue of other stories has the id %s too", id)
		}
	}
}

// sent gives the mails in a newsroom's outbox.
func sent(t *testing.T, dir string) []*delivered {
	t.Helper()
	mails, err := outbox(dir)
	if err != nil {
		t.Fatal(err)
	}
	return mails
}

// writeFile writes a file, and makes its folder.
func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// fieldOf gives one field of each mail, ordered by recipient.
func fieldOf(mails []*delivered, name string) []string {
	mails = slices.SortedFunc(slices.Values(mails), func(a, b *delivered) int { return strings.Compare(a.To, b.To) })
	values := make([]string, len(mails))
	for i, m := range mails {
		values[i] = m.Get(name)
	}
	return values
}

// firstIssue is what the first issue of the sample newsroom links to: the lead, then newest first.
var firstIssue = []string{
	"https://news.example.org/news/syrian-resettlement-passes-4000-in-a-year/",
	"https://news.example.org/news/world-migration-report-2015/",
	"https://news.example.org/news/on-the-migrant-trail-in-calais/",
	"https://news.example.org/news/calais-and-the-uk/",
	"https://news.example.org/news/trafficking-in-times-of-crisis/",
	"https://news.example.org/news/cooperation-with-the-catholic-church/",
	"https://news.example.org/news/accredited-training-on-trafficking/",
	"https://news.example.org/news/brain-gain-for-somalia/",
	"https://news.example.org/news/future-of-diaspora-volunteering/",
	"https://example.org/i-am-an-immigrant", // it lives on another site
	"https://news.example.org/news/world-money-transfer-day/",
	"https://news.example.org/news/diaspora-group-in-parliament/",
}

// sampleNames are the names that stand beside the addresses of the sample's subscribers.
var sampleNames = map[string]string{
	"amina.yusuf@example.com": "Amina Yusuf", "zoe.bronte@example.com": "Zoë Brontë", "tomasz.wojcik@example.com": "Tomasz Wójcik",
	"helene.lefevre@example.com": "Hélène Lefèvre", "juergen.gross@example.com": "Jürgen Groß", "ines.munoz@example.com": "Muñoz Peña, Inés",
	"newsdesk@example.com": "", "siobhan.ofarrell@example.com": "Siobhán O’Farrell",
}

// checkIssue holds the first issue's mails against what each has to be.
func checkIssue(t *testing.T, mails []*delivered) {
	t.Helper()
	if len(mails) != len(sampleNames) {
		t.Fatalf("%d mails, want %d", len(mails), len(sampleNames))
	}
	once := map[string]bool{}
	for _, m := range mails {
		checkHeader(t, m)
		for _, body := range []string{m.Text, m.HTML} {
			if got := storyLinks(body); !slices.Equal(got, firstIssue) {
				t.Errorf("%s: the stories are %q, want %q", m.To, got, firstIssue)
			}
		}
		for _, own := range []string{m.To, m.Get("Message-ID"), m.Get("List-Unsubscribe")} {
			if once[own] {
				t.Errorf("%s: %s is in another mail too", m.To, own)
			}
			once[own] = true
		}
		if link := strings.Trim(m.Get("List-Unsubscribe"), "<>"); !strings.Contains(m.Text, link) || !strings.Contains(m.HTML, link) {
			t.Errorf("%s: the bodies lack the link to unsubscribe", m.To)
		}
	}
}

func checkHeader(t *testing.T, m *delivered) {
	t.Helper()
	for name, want := range map[string]string{
		"From":                  `"IOM UK News" <news@example.org>`,
		"Reply-To":              "<press@example.org>",
		"List-Id":               `"Weekly digest" <weekly.news.example.org>`,
		"List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
		"List-Archive":          "<https://news.example.org/>",
		"List-Help":             "<mailto:news@example.org>",
		"List-Owner":            "<mailto:news@example.org>",
		"Mime-Version":          "1.0",
	} {
		if got := m.Get(name); got != want {
			t.Errorf("%s: %s: %s, want %s", m.To, name, got, want)
		}
	}
	if subject, err := m.Subject(); err != nil || subject != "Weekly digest: Syrian resettlement to the UK passes 4,000 in a year" {
		t.Errorf("%s: subject %q, %v", m.To, subject, err)
	}
	if date, err := m.Date(); err != nil || !date.Equal(monday) {
		t.Errorf("%s: date %v, %v", m.To, date, err)
	}
	if to, err := m.AddressList("To"); err != nil || len(to) != 1 || to[0].Address != m.To || to[0].Name != sampleNames[m.To] {
		t.Errorf("to %v, %v; it was delivered to %s", to, err, m.To)
	}
	if id, err := m.MessageID(); err != nil || !strings.HasPrefix(id, "weekly.1.") || !strings.HasSuffix(id, "@example.org") {
		t.Errorf("%s: message id %q, %v", m.To, id, err)
	}
	if !strings.HasPrefix(m.Get("List-Unsubscribe"), "<https://news.example.org/-/u/") {
		t.Errorf("%s: List-Unsubscribe: %s", m.To, m.Get("List-Unsubscribe"))
	}
	if kind, _, err := m.ContentType(); err != nil || kind != "multipart/alternative" || m.Text == "" || m.HTML == "" {
		t.Errorf("%s: %s, %v, with %d characters of text and %d of HTML", m.To, kind, err, len(m.Text), len(m.HTML))
	}
}

var storyLink = regexp.MustCompile(`https://(?:news\.example\.org/news|example\.org)/[^"\s]+`)

// storyLinks gives the links to stories in their order; a story may have several links to it.
func storyLinks(body string) []string { return slices.Compact(storyLink.FindAllString(body, -1)) }

// TestLeaving unsubscribes a recipient by the link in the header of their mail, as mail programs do, at the program's own
// server. Scanners that only look change nothing.
func TestLeaving(t *testing.T) {
	dir := digestNewsroom(t)
	tidingsAt(t, monday, "-C", dir, "send", "weekly", "--yes")
	first := sent(t, dir)
	who := first[0].To
	link := serve(t, dir) + strings.TrimPrefix(strings.Trim(first[0].Get("List-Unsubscribe"), "<>"), "https://news.example.org")
	if status, page := get(link); status != http.StatusOK || !strings.Contains(page, "<form") {
		t.Errorf("the link to unsubscribe answers %d with %s", status, page)
	}
	if state := stateOf(t, dir, who); state != "active" {
		t.Errorf("to look at the link changed something: %s is %q", who, state)
	}
	if status := oneClick(t, link); status != http.StatusOK {
		t.Errorf("the post to unsubscribe answers %d", status)
	}
	if state := stateOf(t, dir, who); state != "left" {
		t.Errorf("after the post %s is %q", who, state)
	}
	writeFile(t, filepath.Join(dir, "items", "two.md"), item("Two", "", "More words."))
	tidingsAt(t, monday.AddDate(0, 0, 7), "-C", dir, "send", "weekly", "--yes")
	if next := sent(t, dir)[len(first):]; len(next) != 1 || next[0].To == who {
		t.Errorf("after %s left, the next issue goes to %d, the first of them %s", who, len(next), next[0].To)
	}
}

// serve serves a newsroom and gives the address without a slash at its end.
func serve(t *testing.T, dir string) string {
	t.Helper()
	n, err := newsroom.Open(t.Context(), dir, newsroom.Outside{Now: func() time.Time { return monday }})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer((&web.Server{Newsroom: n}).Handler())
	t.Cleanup(func() {
		server.Close()
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return server.URL
}

// oneClick posts what RFC 8058 §3.2 has mail programs post, without cookies and without following redirects.
func oneClick(t *testing.T, link string) (status int) {
	t.Helper()
	r, err := client.Post(link, "application/x-www-form-urlencoded", strings.NewReader("List-Unsubscribe=One-Click"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	return r.StatusCode
}

// stateOf tells how an address stands with its newsletter, as the command line shows it.
func stateOf(t *testing.T, dir, address string) string {
	t.Helper()
	for line := range strings.Lines(tidingsAt(t, monday, "-C", dir, "subscribers", "list")) {
		if f := strings.Fields(line); f[0] == address {
			return f[len(f)-2]
		}
	}
	return "unknown"
}

// mailbox is a mail server that takes everything, but puts off what is for full@… and knows no gone@….
type mailbox struct {
	mu    sync.Mutex
	mails []*delivered
}

func startMailbox(t *testing.T) (address string, mails func() []*delivered) {
	t.Helper()
	box := &mailbox{}
	server := smtp.NewServer(box)
	server.Domain = "mail.example.com"
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	t.Cleanup(func() {
		server.Close()
		<-done
	})
	return l.Addr().String(), box.all
}

func (b *mailbox) all() []*delivered {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.mails)
}

func (b *mailbox) NewSession(*smtp.Conn) (smtp.Session, error) { return &session{box: b}, nil }

type session struct {
	box *mailbox
	to  string
}

func (s *session) Mail(string, *smtp.MailOptions) error { return nil }
func (s *session) Reset()                               {}
func (s *session) Logout() error                        { return nil }

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	switch s.to = to; {
	case strings.HasPrefix(to, "full@"):
		return &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 2, 2}, Message: "The mailbox is full"}
	case strings.HasPrefix(to, "gone@"):
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such user"}
	}
	return nil
}

func (s *session) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	m, err := parseMail(data)
	if err != nil {
		return err
	}
	m.To = s.to
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	s.box.mails = append(s.box.mails, m)
	return nil
}

// startSink starts the test server of Postfix, a process of its own that writes each mail to a file.
func startSink(t *testing.T) (address string, mails func() []*delivered) {
	t.Helper()
	program := testtool.Need(t, "smtp-sink")
	address, err := testtool.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	args := []string{"-d", filepath.Join(dir, "%s.")}
	if os.Getuid() == 0 { // it insists on being told whom to run as
		args = append(args, "-u", "root")
	}
	sink := exec.Command(program, append(args, address, "10")...)
	sink.Stderr = os.Stderr
	if err := sink.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = sink.Process.Kill() // it ends in no other way
		_ = sink.Wait()
	})
	if !poll(5*time.Second, func() bool {
		c, err := net.Dial("tcp", address)
		return err == nil && c.Close() == nil
	}) {
		t.Fatal("smtp-sink does not answer")
	}
	return address, func() []*delivered { return sinkMails(t, dir) }
}

// sinkMails reads what smtp-sink wrote.
func sinkMails(t *testing.T, dir string) []*delivered {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	mails, err := readMails(files)
	if err != nil {
		t.Fatal(err)
	}
	return mails
}

package newsroom_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"tidings"
	"tidings/newsroom"
	"tidings/subscribers"
)

// monday is after all of the sample's stories.
var monday = time.Date(2016, 12, 19, 9, 0, 0, 0, time.UTC)

// room is the sample newsroom in a folder of its own, with its eight subscribers and a clock that the test sets.
type room struct {
	*newsroom.Newsroom
	t     testing.TB
	dir   string
	clock *atomic.Int64 // Unix seconds
	ticks *atomic.Int64 // microseconds on top: each look at the clock is a later one, as the outbox assumes
}

// newSample opens the sample newsroom.
func newSample(t testing.TB) *room {
	t.Helper()
	sample, err := fs.Sub(tidings.Sample, "testdata/newsroom")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, sample); err != nil {
		t.Fatal(err)
	}
	return openRoom(t, dir)
}

const small = `title: IOM UK News
url: https://news.example.org/
timezone: Europe/London
owner: {name: IOM UK, email: news@example.org}
postal_address: 1 Example Street, London
newsletters:
  weekly:
    title: Weekly digest
    max_item_age: 0
mail:
  from: IOM UK News <news@example.org>
`

// newRoom opens a newsroom with three stories, the sample's subscribers, and tidings.yaml changed: old, new, old, new.
func newRoom(t testing.TB, change ...string) *room {
	t.Helper()
	r := &room{t: t, dir: t.TempDir()}
	r.write("tidings.yaml", small)
	r.edit("tidings.yaml", change...)
	r.onlyItems("one.md", item("One", "date: 2016-12-01"), "two.md", item("Two", "date: 2016-12-02"),
		"three.md", item("Three", "date: 2016-12-03\nimage: {src: candle.png, alt: A candle}"), "candle.png", "a picture")
	list, err := tidings.Sample.ReadFile("testdata/newsroom/subscribers.csv")
	if err != nil {
		t.Fatal(err)
	}
	r.write("subscribers.csv", string(list))
	return openRoom(t, r.dir)
}

// openRoom opens the newsroom in dir and takes on its subscribers.
func openRoom(t testing.TB, dir string) *room {
	t.Helper()
	r := &room{t: t, dir: dir, clock: &atomic.Int64{}, ticks: &atomic.Int64{}}
	r.clock.Store(monday.Unix())
	r.Newsroom = r.openAgain(false)
	list, err := os.Open(filepath.Join(r.dir, "subscribers.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer list.Close()
	report, err := r.Subscribers.Import(t.Context(), list, "subscribers.csv",
		subscribers.ImportOptions{Source: "a test", Known: []string{"weekly"}, Now: monday})
	if err != nil || report.Added != 8 {
		t.Fatal(report, err)
	}
	return r
}

// openAgain opens the newsroom as another process would.
func (r *room) openAgain(settled bool) *newsroom.Newsroom {
	r.t.Helper()
	n, err := newsroom.Open(r.t.Context(), r.dir, newsroom.Outside{Now: r.now, Settled: settled})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		if err := n.Close(); err != nil {
			r.t.Error(err)
		}
	})
	return n
}

func (r *room) now() time.Time          { return time.Unix(r.clock.Load(), r.ticks.Add(1)*1000) }
func (r *room) pass(d time.Duration)    { r.clock.Add(int64(d / time.Second)) }
func (r *room) path(name string) string { return filepath.Join(r.dir, name) }

// edit replaces text in a file of the newsroom; text that is not there is the test's fault.
func (r *room) edit(name string, change ...string) {
	r.t.Helper()
	text := r.read(name)
	for i := 0; i < len(change); i += 2 {
		if !strings.Contains(text, change[i]) {
			r.t.Fatalf("%s has no %q", name, change[i])
		}
		text = strings.Replace(text, change[i], change[i+1], 1)
	}
	r.write(name, text)
}

func (r *room) write(name, text string) {
	r.t.Helper()
	if err := os.WriteFile(r.path(name), []byte(text), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

func (r *room) read(name string) string {
	r.t.Helper()
	b, err := os.ReadFile(r.path(name))
	if err != nil {
		r.t.Fatal(err)
	}
	return string(b)
}

func (r *room) remove(name string) {
	r.t.Helper()
	if err := os.Remove(r.path(name)); err != nil {
		r.t.Fatal(err)
	}
}

// onlyItems takes all items away and puts these in: name, text, name, text.
func (r *room) onlyItems(pairs ...string) {
	r.t.Helper()
	if err := os.RemoveAll(r.path("items")); err != nil {
		r.t.Fatal(err)
	}
	if err := os.Mkdir(r.path("items"), 0o755); err != nil {
		r.t.Fatal(err)
	}
	for i := 0; i < len(pairs); i += 2 {
		r.write("items/"+pairs[i], pairs[i+1])
	}
}

func item(title, fields string) string {
	return "---\ntitle: " + title + "\n" + fields + "\n---\nThe text of " + title + ".\n"
}

func (r *room) publish() newsroom.Publication {
	r.t.Helper()
	p, err := r.Publish(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return p
}

// send sends an issue of the weekly, and wants the error. It gives what became of the last issue that was sent on.
func (r *room) send(o newsroom.Order, want error) newsroom.Sent {
	r.t.Helper()
	o.Newsletter = "weekly"
	all, err := r.Send(r.t.Context(), o)
	if !errors.Is(err, want) {
		r.t.Fatalf("%v, want %v", err, want)
	}
	if len(all) == 0 {
		return newsroom.Sent{}
	}
	return all[len(all)-1]
}

func (r *room) account(s newsroom.Sent, want string) {
	r.t.Helper()
	if got := s.Account.String(); got != want {
		r.t.Errorf("the account of %s is %s, want %s", s.Issue.Name(), got, want)
	}
}

// letter is a mail in the outbox.
type letter struct {
	mail.Header
	body string
}

// mails gives the mails in the outbox by recipient.
func (r *room) mails() map[string][]letter {
	r.t.Helper()
	out := map[string][]letter{}
	names, err := filepath.Glob(r.path("outbox/new/*"))
	if err != nil {
		r.t.Fatal(err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			r.t.Fatal(err)
		}
		m, err := mail.ReadMessage(bytes.NewReader(b))
		if err != nil {
			r.t.Fatal(err)
		}
		to := m.Header.Get("Delivered-To")
		out[to] = append(out[to], letter{m.Header, string(b)})
	}
	return out
}

// onceEach tells of those who got another number of mails than one; people is how many should have got any.
func onceEach[T any](t testing.TB, got map[string][]T, people int) {
	t.Helper()
	if len(got) != people {
		t.Errorf("%d people got mail, want %d", len(got), people)
	}
	for to, mails := range got {
		if len(mails) != 1 {
			t.Errorf("%s got %d mails", to, len(mails))
		}
	}
}

// rows counts the rows of all tables in which work leaves traces.
func (r *room) rows() map[string]int {
	r.t.Helper()
	out := map[string]int{}
	for _, table := range []string{"settings", "stories", "story_slugs", "published", "issues", "issue_items", "deliveries", "notices", "slots"} {
		var n int
		if err := r.Ledger.DB.QueryRow("SELECT COUNT(*) FROM " + table).Scan(&n); err != nil {
			r.t.Fatal(err)
		}
		out[table] = n
	}
	return out
}

// await waits for what another goroutine is to do.
func (r *room) await(what string, done func() bool) {
	r.t.Helper()
	for until := time.Now().Add(20 * time.Second); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(until) {
			r.t.Errorf("in vain: %s", what)
			return
		}
	}
}

// server is a mail server that answers RCPT as the test says.
type server struct {
	mu   sync.Mutex
	turn sync.Mutex            // held while rcpt is asked: it may count
	rcpt func(to string) error // nil: takes all
	down bool                  // turns every connection away
	most int                   // connections at a time; 0: any number
	open int
	mail func() error        // what it says to MAIL; nil: takes all
	got  map[string][]string // by recipient
	from []string            // the return paths, in order
}

// serve starts a mail server, and gives it with a newsroom whose relay it is.
func serve(t testing.TB) (*server, *room) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{got: map[string][]string{}}
	srv := smtp.NewServer(s)
	srv.Domain, srv.ErrorLog = "relay.test", quiet{}
	done := make(chan error)
	go func() { done <- srv.Serve(l) }()
	t.Cleanup(func() {
		srv.Close()
		<-done
	})
	return s, newRoom(t, "mail:\n", "mail:\n  relays: [{url: \"smtp://"+l.Addr().String()+"\", tls: none}]\n  connections: 1\n")
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

// set changes what the server does.
func (s *server) set(down bool, rcpt func(to string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down, s.rcpt = down, rcpt
}

// mails are what the server accepted, by recipient.
func (s *server) mails() map[string][]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string][]string{}
	for to, m := range s.got {
		out[to] = slices.Clone(m)
	}
	return out
}

// returnPaths are those of the mails that the server accepted, in their order.
func (s *server) returnPaths() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.from)
}

// breakAfter takes so many mails and then none, until it is set anew.
func (s *server) breakAfter(mails int) {
	n := 0
	s.set(false, func(string) error {
		if n++; n <= mails {
			return nil
		}
		s.set(true, nil)
		return &smtp.SMTPError{Code: 421, EnhancedCode: smtp.EnhancedCode{4, 3, 2}, Message: "Going down"}
	})
}

// NewSession implements smtp.Backend.
func (s *server) NewSession(c *smtp.Conn) (smtp.Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return nil, &smtp.SMTPError{Code: 421, EnhancedCode: smtp.EnhancedCode{4, 3, 2}, Message: "Down for maintenance"}
	}
	if s.most > 0 && s.open == s.most {
		return nil, &smtp.SMTPError{Code: 421, EnhancedCode: smtp.EnhancedCode{4, 7, 0}, Message: "Too many connections"}
	}
	s.open++
	return &session{server: s, conn: c.Conn()}, nil
}

type session struct {
	*server
	conn     net.Conn
	from, to string
}

// errCut is what a server's rcpt gives to cut the line.
var errCut = errors.New("cut")

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.from = from
	if s.mail == nil {
		return nil
	}
	return s.mail()
}

func (s *session) Reset() {}

func (s *session) Logout() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open--
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.mu.Lock()
	rcpt := s.rcpt
	s.mu.Unlock()
	s.to = to
	if rcpt == nil {
		return nil
	}
	s.turn.Lock()
	err := rcpt(to)
	s.turn.Unlock()
	if errors.Is(err, errCut) {
		s.conn.Close()
	}
	return err
}

func (s *session) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil { // the client went away before the end: nothing was taken
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got[s.to] = append(s.got[s.to], string(b))
	s.server.from = append(s.server.from, s.from)
	return err
}

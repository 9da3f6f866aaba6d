package newsroom_test

import (
	"net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"tidings/mailer/ledger"
	"tidings/mailer/relay"
	"tidings/newsroom"
)

// breakOff sends an issue, of which one story, Secret, is the lead, while the server breaks down after three mails.
func (r *room) breakOff(server *server, others ...string) {
	r.t.Helper()
	r.onlyItems(append([]string{"secret.md", item("Secret", "newsletter: lead\ndate: 2016-12-01")}, others...)...)
	server.breakAfter(3)
	s := r.send(newsroom.Order{}, relay.ErrUnavailable)
	r.account(s, "8 recipients = 3 accepted + 0 rejected + 0 suppressed + 0 unknown + 4 pending + 1 deferred")
	server.set(false, nil)
	r.pass(time.Hour)
}

// goOn continues the unfinished issue as the command does, or as the daemon does, which publishes for itself.
func (r *room) goOn(daemon bool) newsroom.Sent {
	r.t.Helper()
	if !daemon {
		return r.send(newsroom.Order{}, nil)
	}
	r.publish()
	all, err := r.Continue(r.t.Context(), "weekly")
	if len(all) != 1 || err != nil {
		r.t.Fatal(all, err)
	}
	return all[0]
}

// TestTakenBackMeanwhile: a story that is taken back while an issue goes out is not told to those who wait for theirs; they
// get what else is in it, and its subject names another story.
func TestTakenBackMeanwhile(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, status string // number and why
		daemon       bool
	}{
		{"1 withdrawn, the command goes on", "withdrawn", false},
		{"2 erased, the daemon goes on", "erased", true},
	} {
		server, r := serve(t)
		r.breakOff(server, "open.md", item("Openness", "date: 2016-12-02"))
		first := server.mails()
		r.edit("items/secret.md", "date:", "status: "+test.status+"\ndate:")
		s := r.goOn(test.daemon)
		r.account(s, allTaken)
		r.finished()
		all := server.mails()
		onceEach(t, all, 8)
		for to, m := range all {
			before := len(first[to]) > 0
			if strings.Contains(m[0], "Secret") != before || !strings.Contains(m[0], "Openness") {
				t.Errorf("%s: %s, who got it before: %t, got\n%s", test.name, to, before, m[0])
			}
			if want := "Subject: Weekly digest: Openness\r\n"; strings.Contains(m[0], want) == before {
				t.Errorf("%s: %s, who got it before: %t, got another subject", test.name, to, before)
			}
		}
	}
}

// TestTakenBackWhileSending: a story that is taken back while a sender is at work stops it; those who have not got the issue yet get it
// without the story, and the account tells who got which.
func TestTakenBackWhileSending(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, status string // number and why
		daemon       bool   // publishes beside the sender
	}{
		{"1 withdrawn, and a daemon looks at the folder", "withdrawn", true},
		{"2 erased, and nobody but the sender can notice", "erased", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server, r := serve(t)
			r.edit("tidings.yaml", "mail:\n", "mail:\n  rate: 2/s\n") // so that there is time to notice
			r.Newsroom = r.openAgain(false)
			r.onlyItems("secret.md", item("Secret", "newsletter: lead\ndate: 2016-12-01"), "open.md", item("Openness", "date: 2016-12-02"))
			other, n := r.openAgain(false), 0
			server.set(false, func(string) error {
				if n++; n != 2 {
					return nil
				}
				r.edit("items/secret.md", "date:", "status: "+test.status+"\ndate:")
				if test.daemon {
					if _, err := other.Publish(t.Context()); err != nil {
						t.Error(err)
					}
				}
				r.await("the issue is revised", func() bool { return must(r.Ledger.Issues(t.Context(), "weekly"))[0].Revision == 2 })
				return nil
			})
			s := r.send(newsroom.Order{}, nil)
			r.account(s, allTaken)
			r.finished()
			mails := server.mails()
			onceEach(t, mails, 8)
			issue, deliveries, err := r.Deliveries(t.Context(), "weekly-1", "")
			if err != nil {
				t.Fatal(err)
			}
			if v := issue.Revisions; len(v) < 2 || v[0].Sent < 1 || v[0].Sent > 5 || v[0].Sent+v[len(v)-1].Sent != 8 || v[1].Stories != 1 || v[1].Created.IsZero() {
				t.Errorf("the revisions: %+v", v)
			}
			for d, err := range deliveries {
				if err != nil {
					t.Fatal(err)
				}
				if told := strings.Contains(mails[d.Email][0], "Secret"); told != (d.Revision == 1) {
					t.Errorf("%s was told the secret: %t; by the account it got revision %d", d.Email, told, d.Revision)
				}
			}
		})
	}
}

// TestReturnPaths: with mail.bounces each mail has a return path that names its issue and its recipient.
func TestReturnPaths(t *testing.T) {
	t.Parallel()
	server, r := serve(t)
	r.edit("tidings.yaml", "mail:\n", "mail:\n  bounces: reports@bounces.example.org\n")
	r.Newsroom = r.openAgain(false)
	s := r.send(newsroom.Order{}, nil)
	people := map[int64]bool{}
	for _, from := range server.returnPaths() {
		issue, subscriber, err := r.ReturnPaths().Parse(from)
		if err != nil || issue != s.Issue.ID || !strings.HasSuffix(from, "@bounces.example.org") {
			t.Errorf("%s: issue %d, %v", from, issue, err)
		}
		people[subscriber] = true
	}
	_, deliveries, err := r.Deliveries(t.Context(), "weekly-1", ledger.Accepted)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for d, err := range deliveries {
		if n++; err != nil || !people[d.Subscriber] {
			t.Errorf("no return path names %s (%v)", d.Email, err)
		}
	}
	if n != 8 || len(people) != 8 {
		t.Errorf("%d deliveries, %d return paths", n, len(people))
	}
}

// TestInternationalSender: a sender whose domain is not ASCII mails like others; everything in its mails is.
func TestInternationalSender(t *testing.T) {
	t.Parallel()
	server, r := serve(t)
	r.edit("tidings.yaml", "<news@example.org>", "<news@bücher.example>")
	r.Newsroom = r.openAgain(false)
	r.account(r.send(newsroom.Order{}, nil), allTaken)
	for to, m := range server.mails() {
		if id := header(t, m[0]).Get("Message-Id"); !strings.HasSuffix(id, "@xn--bcher-kva.example>") {
			t.Errorf("%s: the message id is %s", to, id)
		}
	}
}

// TestCalledOff: when nothing is left of an issue, those who wait for it get nothing, and it is finished.
func TestCalledOff(t *testing.T) {
	t.Parallel()
	server, r := serve(t)
	r.breakOff(server)
	r.edit("items/secret.md", "date:", "status: withdrawn\ndate:")
	r.account(r.goOn(false), "8 recipients = 3 accepted + 0 rejected + 5 suppressed + 0 unknown")
	onceEach(t, server.mails(), 3)
	r.finished()
	if n := must(r.Subscribers.Count(t.Context(), "weekly")); n != 8 {
		t.Errorf("%d of 8 are subscribers still", n)
	}
}

// moved is tidings.yaml after the newsroom got another language, address and sender.
var moved = []string{"title: IOM UK News", "title: IOM UK News\nlanguage: fr", "https://news.example.org/", "https://moved.example.net/",
	"<news@example.org>\n", "<new@example.com>\n"}

// TestMovedMeanwhile: an issue goes on as it was made, though the newsroom has another language, address and sender now.
func TestMovedMeanwhile(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name            string // number and why
		before, changed string // the language that all subscribers ask for; "" is the newsroom's
		revised         bool
		want            string // the language in which the others get it
	}{
		{"1 composed anew for a story that was taken back, and nobody is left who reads the newsroom's old language", "", "de", true, "de"},
		{"2 in a language in which it was not composed there is no message, nor a greeting", "", "fr", false, "en"},
		{"3 whoever asks for no language reads the one that was the newsroom's then", "fr", "", false, "en"},
	} {
		server, r := serve(t)
		r.everybodyReads(test.before)
		r.breakOff(server, "open.md", item("Openness", "date: 2016-12-02"))
		first := server.mails()
		r.edit("tidings.yaml", moved...)
		if test.revised {
			r.edit("items/secret.md", "date:", "status: withdrawn\ndate:")
		}
		r.everybodyReads(test.changed)
		r.Newsroom = r.openAgain(false)
		r.account(r.goOn(false), allTaken)
		onceEach(t, server.mails(), 8)
		for to, m := range server.mails() {
			if len(first[to]) == 0 && (strings.Contains(m[0], "Bonjour") || !strings.Contains(m[0], "Content-Language: "+test.want+"\r\n")) {
				t.Errorf("%s: %s got it in another language than %s:\n%s", test.name, to, test.want, m[0])
			}
			h := header(t, m[0])
			if id := h.Get("Message-Id"); !strings.HasPrefix(id, "<weekly.1.") || !strings.HasSuffix(id, "@example.org>") {
				t.Errorf("%s: %s has the message id %s", test.name, to, id)
			}
			if id := h.Get("List-Id"); !strings.HasSuffix(id, "<weekly.news.example.org>") {
				t.Errorf("%s: %s is of the list %s", test.name, to, id)
			}
		}
		if from := server.returnPaths(); len(slices.Compact(from)) != 1 || from[0] != "news@example.org" {
			t.Errorf("%s: the return paths are %q", test.name, from)
		}
	}
}

// everybodyReads gives all subscribers this language; "" is the newsroom's.
func (r *room) everybodyReads(language string) {
	r.t.Helper()
	if _, err := r.Ledger.DB.Exec(`UPDATE subscribers SET language = $1`, language); err != nil {
		r.t.Fatal(err)
	}
}

func header(t testing.TB, source string) mail.Header {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(source))
	if err != nil {
		t.Fatal(err)
	}
	return m.Header
}

// TestMoved: with a moved site people's filters still know the list, and the next issue has the new sender.
func TestMoved(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.publish()
	r.edit("tidings.yaml", moved...)
	r.Newsroom = r.openAgain(false)
	r.send(newsroom.Order{}, nil)
	for to, m := range r.mails() {
		if id := m[0].Get("List-Id"); !strings.HasSuffix(id, "<weekly.news.example.org>") {
			t.Errorf("%s is of the list %s", to, id)
		}
		if id := m[0].Get("Message-Id"); !strings.HasSuffix(id, "@example.com>") {
			t.Errorf("%s has the message id %s", to, id)
		}
	}
}

package newsroom

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/idna"

	"tidings/config"
	"tidings/digest"
	"tidings/items"
	"tidings/mailer"
	"tidings/mailer/relay"
	"tidings/templates"
)

// ErrNoNewsletter says that tidings.yaml has no newsletter of that name.
var ErrNoNewsletter = errors.New("no such newsletter")

// newsletter gives the configuration of a newsletter.
func (n *Newsroom) newsletter(name string) (config.Newsletter, error) {
	c, ok := n.Config.Newsletters[name]
	if !ok {
		var known []string
		for k := range n.Config.Newsletters {
			known = append(known, k)
		}
		slices.Sort(known)
		return c, fmt.Errorf("%w: %q; tidings.yaml has %s", ErrNoNewsletter, name, cmp.Or(strings.Join(known, ", "), "none"))
	}
	return c, nil
}

// choose gives the next issue of a newsletter, and what is left out of it and why. The caller holds the desk.
func (n *Newsroom) choose(ctx context.Context, name string, desk Desk) (digest.Issue, []digest.LeftOut, error) {
	c, err := n.newsletter(name)
	if err != nil {
		return digest.Issue{}, nil, err
	}
	told, err := n.Ledger.Told(ctx, name)
	if err != nil {
		return digest.Issue{}, nil, err
	}
	number, err := n.Ledger.Next(ctx, name)
	if err != nil {
		return digest.Issue{}, nil, err
	}
	n.assets.Begin(ctx)
	all, err := n.candidates(ctx, desk)
	if err != nil {
		return digest.Issue{}, nil, err
	}
	rules := digest.Rules{MaxItems: c.MaxItems, MaxAge: time.Duration(c.MaxItemAge), Told: told}
	chosen, left := digest.Choose(all, rules, desk.now)
	left = append(left, n.hidden(desk)...)
	from, err := mail.ParseAddress(n.Config.Mail.From)
	if err != nil {
		return digest.Issue{}, nil, fmt.Errorf("mail.from: %w", err)
	}
	d := digest.Issue{Newsletter: name, Title: c.Title, Number: number, Date: desk.now.In(n.Config.Location), Mark: digest.Mark(chosen),
		Language: n.locale("").Lang, From: from.Address}.With(chosen, all)
	if len(chosen) > 0 {
		d.Subject, err = n.subject(d)
	}
	return d, left, err
}

// hidden are the stories that nobody sees yet, and why.
func (n *Newsroom) hidden(desk Desk) (left []digest.LeftOut) {
	for _, s := range desk.Stories {
		switch {
		case s.Item == nil || s.Visible(desk.now):
		case s.Status == items.Draft:
			left = append(left, digest.LeftOut{Article: items.Article{ID: s.ID, Title: s.Item.Title}, Why: "it is a draft"})
		case s.Status == items.Published:
			left = append(left, digest.LeftOut{Article: items.Article{ID: s.ID, Title: s.Item.Title}, Why: "it is held until " + n.clock(s.Due())})
		}
	}
	return left
}

// clock writes a time for the staff, in the newsroom's time zone.
func (n *Newsroom) clock(t time.Time) string {
	return t.In(n.Config.Location).Format("2006-01-02 15:04")
}

// subject makes an issue's subject line, in the newsroom's language.
func (n *Newsroom) subject(d digest.Issue) (string, error) {
	f := digest.SubjectFields{Newsletter: d.Title, Number: d.Number, Date: n.locale("").Date(d.Date), Count: len(d.Articles), More: len(d.Articles) - 1, Lead: d.Articles[0].Title}
	return digest.Subject(cmp.Or(n.Config.Newsletters[d.Newsletter].Subject, digest.DefaultSubject), f)
}

// digestView is an issue as its templates see it.
func (n *Newsroom) digestView(d digest.Issue, l *templates.Locale) templates.Digest {
	var others []string
	for i, a := range d.Articles {
		if i > 0 && i <= 3 {
			others = append(others, a.Title)
		}
	}
	return templates.Digest{
		Site: n.View(l.Lang), Newsletter: templates.Newsletter{Name: d.Newsletter, Title: d.Title}, Number: d.Number,
		Date: d.Date.In(n.Config.Location), Articles: d.Articles, PostalAddress: n.Config.PostalAddress,
		WebURL:  fmt.Sprintf("%snewsletters/%s/%d/", n.Config.URL, d.Newsletter, d.Number),
		Subject: d.Subject, Preheader: strings.Join(others, " · "),
	}
}

// compose makes an issue into a message in one language.
func (n *Newsroom) compose(ctx context.Context, d digest.Issue, l *templates.Locale) (*mailer.Message, error) {
	from, err := mail.ParseAddress(n.Config.Mail.From)
	if err != nil {
		return nil, fmt.Errorf("mail.from: %w", err)
	}
	listHost, err := n.stories.FixedHost(ctx) // people's filters go by it, so it must not move with the site
	if err != nil {
		return nil, err
	}
	e := mailer.Envelope{
		From: from, Language: l.Lang, ListName: d.Title, Rand: n.rand,
		ListID: d.Newsletter + "." + listHost, Archive: n.Config.URL,
	}
	if n.Config.Mail.ReplyTo != "" {
		if e.ReplyTo, err = mail.ParseAddress(n.Config.Mail.ReplyTo); err != nil {
			return nil, fmt.Errorf("mail.reply_to: %w", err)
		}
	}
	if owner := n.Config.Owner.Email; owner != "" {
		to := mailto(owner)
		e.Owner, e.Help = to, to
	}
	if box := n.Config.Mail.Unsubscribe; box != "" {
		e.Unsubscribe = mailto(box) + "?subject=" + url.PathEscape("Leave "+d.Newsletter)
	}
	m, err := mailer.Compose(n.Templates, n.digestView(d, l), e)
	if err != nil {
		return nil, fmt.Errorf("compose %s %d: %w", d.Newsletter, d.Number, err)
	}
	return m, nil
}

// mailto gives the URI of an address (RFC 6068 §2), of which the configuration has seen to it that mail can be sent there.
func mailto(address string) string {
	if ascii, err := relay.Address(address); err == nil {
		address = ascii
	}
	return "mailto:" + url.PathEscape(address)
}

// messages composes an issue in each edition that its audience reads.
func (n *Newsroom) messages(ctx context.Context, d digest.Issue) (map[string]*mailer.Message, error) {
	tags, err := n.Subscribers.Languages(ctx, d.Newsletter)
	if err != nil {
		return nil, err
	}
	out := map[string]*mailer.Message{}
	for _, tag := range append(tags, "") {
		e := edition(d, tag)
		if out[e] != nil {
			continue
		}
		in := d.In(tag)
		if !in.Same(d) {
			if in.Subject, err = n.subject(in); err != nil {
				return nil, err
			}
		}
		if out[e], err = n.compose(ctx, in, templates.LocaleFor(cmp.Or(tag, d.Language))); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// edition names what those get of an issue who ask for a language; who gave none reads the issue's own. It is the language that we speak
// to them, and where stories are in theirs, that too.
func edition(d digest.Issue, tag string) string {
	speaks := templates.LocaleFor(cmp.Or(tag, d.Language)).Lang
	if d.In(tag).Same(d) {
		return speaks
	}
	return speaks + "/" + tag
}

// locale is that of a subscriber's language; who gave none reads the newsroom's.
func (n *Newsroom) locale(tag string) *templates.Locale {
	return templates.LocaleFor(cmp.Or(tag, n.Config.Language))
}

// person is who gets a copy of an issue.
type person struct {
	Subscriber            int64
	Email, Name, Language string
}

// recipient gives what in a person's copy is theirs alone.
func (n *Newsroom) recipient(p person, d digest.Issue) mailer.Recipient {
	l := templates.LocaleFor(cmp.Or(p.Language, d.Language))
	greeting := l.T("greeting")
	if p.Name != "" {
		greeting = l.T("greeting_name", p.Name)
	}
	return mailer.Recipient{
		Email: p.Email, Name: p.Name, Greeting: greeting,
		UnsubscribeURL: n.UnsubscribeURL(d.Newsletter, p.Subscriber),
		MessageID:      n.messageID(d, p.Subscriber),
	}
}

// UnsubscribeURL is the address by which a subscriber leaves a newsletter. It works for ever.
func (n *Newsroom) UnsubscribeURL(newsletter string, subscriber int64) string {
	return cmp.Or(n.Config.Web.URL, n.Config.URL) + "-/u/" + n.Keys.Unsubscribe(newsletter, subscriber)
}

// returnPath is where reports go if the mail cannot be delivered.
func (n *Newsroom) returnPath(issue, subscriber int64, d digest.Issue) string {
	if n.Config.Mail.Bounces == "" {
		return d.From
	}
	return n.ReturnPaths().For(issue, subscriber)
}

// ReturnPaths makes and reads the return paths of mails, which go to the mailbox mail.bounces.
func (n *Newsroom) ReturnPaths() mailer.ReturnPath {
	mac := func(parts ...[]byte) []byte { return n.Keys.MAC("return-path", parts...) }
	return mailer.ReturnPath{Mailbox: n.Config.Mail.Bounces, MAC: mac}
}

// messageID is the same at every try, so that servers can recognise a repeat, and tells nothing of the recipient. What the issue was
// first made of is in it: where a database was lost, numbers come again.
func (n *Newsroom) messageID(d digest.Issue, subscriber int64) string {
	mac := n.Keys.MAC("message-id", []byte(d.Newsletter), []byte(strconv.Itoa(d.Number)), []byte(d.Mark), []byte(strconv.FormatInt(subscriber, 10)))
	return fmt.Sprintf("%s.%d.%s@%s", d.Newsletter, d.Number, hex.EncodeToString(mac[:12]), domainOf(d.From))
}

// domainOf is the domain of a mail address, spelt as in the configuration: in ASCII and small letters.
func domainOf(address string) string {
	domain := address[strings.LastIndexByte(address, '@')+1:]
	if ascii, err := idna.Lookup.ToASCII(domain); err == nil {
		domain = ascii
	} // else it is none of the internet, such as that of news@[192.0.2.1]
	return strings.ToLower(domain)
}

// Preview is the next issue of a newsletter as one recipient would get it.
type Preview struct {
	digest.Issue
	Subject    string
	Left       []digest.LeftOut
	Text, HTML string
	Source     []byte // the whole mail
	Audience   int
}

// Preview makes the next issue of a newsletter and stores nothing. An issue without stories has no mail.
func (n *Newsroom) Preview(ctx context.Context, name string) (Preview, error) {
	var p Preview
	var err error
	if p.Issue, p.Left, err = n.draft(ctx, name); err != nil || len(p.Articles) == 0 {
		return p, err
	}
	if p.Audience, err = n.Subscribers.Count(ctx, name); err != nil {
		return p, err
	}
	m, err := n.compose(ctx, p.Issue, n.locale(""))
	if err != nil {
		return p, err
	}
	p.Subject = m.Subject
	r := n.recipient(n.sample(p.Issue), p.Issue)
	if p.Source, err = m.For(r); err != nil {
		return p, err
	}
	if p.Source, err = n.signed(p.Source); err != nil {
		return p, err
	}
	p.Text, p.HTML, err = m.Bodies(r)
	return p, err
}

// draft chooses the stories of the next issue from what lies in the items folder.
func (n *Newsroom) draft(ctx context.Context, name string) (digest.Issue, []digest.LeftOut, error) {
	n.desk.Lock()
	defer n.desk.Unlock()
	desk, err := n.look(ctx)
	if err != nil {
		return digest.Issue{}, nil, err
	}
	return n.choose(ctx, name, desk)
}

// sample is the recipient of previews: nobody's subscription, so the link in the mail ends nobody's either.
func (n *Newsroom) sample(d digest.Issue) person {
	email := n.Config.Owner.Email
	if len(n.Config.Staff) > 0 {
		email = n.Config.Staff[0]
	}
	return person{Email: cmp.Or(email, d.From), Subscriber: nobody}
}

// signed gives a message with its DKIM signature, or as it is where none is configured.
func (n *Newsroom) signed(msg []byte) ([]byte, error) {
	if s := n.Config.Mail.DKIM.Signer; s != nil {
		return s.Sign(msg)
	}
	return msg, nil
}

// Test is what became of a test mail.
type Test struct{ Subject, Into string }

// ErrNoNews says that there is nothing to make an issue of, and that there was none before.
var ErrNoNews = errors.New("there is no news for an issue")

// testIssue is the next issue; where there is no news for one, the last.
func (n *Newsroom) testIssue(ctx context.Context, name string) (digest.Issue, error) {
	d, _, err := n.draft(ctx, name)
	if err != nil || len(d.Articles) > 0 {
		return d, err
	}
	issues, err := n.Ledger.Issues(ctx, name)
	if err != nil {
		return d, err
	}
	for _, i := range slices.Backward(issues) {
		if err := json.Unmarshal(i.Content, &d); err != nil {
			return d, fmt.Errorf("issue %s: %w", i.Name(), err)
		}
		if len(d.Articles) > 0 {
			return d, nil
		}
	}
	return d, fmt.Errorf("%s: %w", name, ErrNoNews)
}

// SendTest mails the next issue, or the last where there is no news, to one address and stores nothing. The link to unsubscribe in it belongs to nobody.
func (n *Newsroom) SendTest(ctx context.Context, name, address string) (Test, error) {
	if n.stopped() {
		return Test{}, ErrStopped
	}
	d, err := n.testIssue(ctx, name)
	if err != nil {
		return Test{}, err
	}
	m, err := n.compose(ctx, d, n.locale(""))
	if err != nil {
		return Test{}, err
	}
	msg, err := m.For(n.recipient(person{Subscriber: nobody, Email: address}, d))
	if err != nil {
		return Test{}, err
	}
	if msg, err = n.signed(msg); err != nil {
		return Test{}, err
	}
	relays, err := n.openRelays()
	if err != nil {
		return Test{}, err
	}
	session, err := relays[0].Connect(ctx)
	if err != nil {
		return Test{}, err
	}
	reply, err := session.Deliver(ctx, relay.Mail{From: n.returnPath(0, nobody, d), To: address, Msg: msg})
	if err == nil && reply.State != relay.Accepted {
		err = fmt.Errorf("the test mail was not accepted: %s", reply)
	}
	return Test{m.Subject, relays[0].Name()}, errors.Join(err, session.Close())
}

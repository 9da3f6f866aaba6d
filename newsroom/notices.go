package newsroom

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"tidings/digest"
	"tidings/mailer"
	"tidings/mailer/ledger"
	"tidings/mailer/relay"
	"tidings/templates"
)

// What the staff are told of an issue by mail. The template of a kind is staff-KIND.txt.
const (
	noticeDone   = "done"   // it is finished, again after each resend
	noticePaused = "paused" // a relay refuses our mail and is left alone
	noticeStuck  = "stuck"  // no relay can be used
)

const (
	// stuckFor is how long an issue must be stuck before the staff are told: a mail server that is started anew is no news.
	stuckFor = 10 * time.Minute
	// tellAgain is how soon the same trouble is worth another mail: with another issue, or with one that had gone on meanwhile.
	tellAgain = 12 * time.Hour
	// tooLate is the age at which a notice that could not be sent has no more to tell.
	tooLate = 48 * time.Hour
	// postWithin bounds how long notices may keep an issue waiting.
	postWithin = 30 * time.Second
)

// tellEnd tells the staff how a sending ended: that the issue is finished, or why nothing more can be sent.
func (n *Newsroom) tellEnd(ctx context.Context, i ledger.Issue, finished bool, err error) {
	switch {
	case finished:
		n.tell(ctx, i, noticeDone, "")
	case errors.Is(err, relay.ErrUnavailable), errors.Is(err, ErrRefused) && len(n.Config.Mail.Relays) > 1:
		n.tell(ctx, i, noticeStuck, err.Error())
	case errors.Is(err, ErrRefused):
		n.tell(ctx, i, noticePaused, err.Error())
	default: // what an earlier sending left unsaid may go now
		n.post(ctx, i.Newsletter)
	}
}

// tellPaused tells the staff, beside the sending, that a relay is left alone. It is told once a sending.
func (r *sending) tellPaused(p ledger.Pause) {
	r.told.Do(func() {
		r.telling.Go(func() { r.tell(context.Background(), r.issue, noticePaused, p.Relay+": "+p.Why) })
	})
}

// tell writes a notice to each of the staff, unless they know already, and sends what is owed. Whatever goes wrong is only
// logged: a notice must not harm a sending. The caller holds the newsletter's lock.
func (n *Newsroom) tell(ctx context.Context, i ledger.Issue, kind, reason string) {
	if err := n.write(context.WithoutCancel(ctx), i, kind, reason); err != nil {
		n.log.Error("a notice to the staff cannot be written", "issue", i.Name(), "kind", kind, "error", err)
	}
	n.post(ctx, i.Newsletter)
}

// write makes a notice and has it owed to each of the staff. A trouble is known if the issue has not gone on since it was told, or if
// it was told lately, of whatever issue: it is the relays', which all issues share.
func (n *Newsroom) write(ctx context.Context, i ledger.Issue, kind, reason string) error {
	if len(n.Config.Staff) == 0 {
		return nil
	}
	n.noticing.Lock()
	defer n.noticing.Unlock()
	before, err := n.Ledger.Notices(ctx, i, kind)
	if err != nil {
		return err
	}
	account, err := n.Ledger.Account(ctx, i)
	if err != nil {
		return err
	}
	now := n.now()
	if kind != noticeDone {
		last, err := n.Ledger.LastNotice(ctx, kind)
		if err != nil || now.Sub(last) < tellAgain || slices.ContainsFunc(before, func(b ledger.Notice) bool { return b.Accepted == account[ledger.Accepted] }) {
			return err
		}
	}
	view, err := n.noticeView(i, account, now)
	if err != nil {
		return err
	}
	view.Again, view.Reason = len(before) > 0, quotable(reason)
	subject, text, err := n.noticeText(kind, view)
	if err != nil {
		return err
	}
	due := now
	if kind == noticeStuck {
		due = now.Add(stuckFor)
	}
	for _, email := range n.Config.Staff {
		o := ledger.Notice{Issue: i, Kind: kind, Email: email, Accepted: account[ledger.Accepted], Written: now, Due: due}
		if o.Message, err = n.noticeMail(o, subject, text); err != nil {
			return err
		}
		if err := n.Ledger.SaveNotice(ctx, o); err != nil {
			return err
		}
	}
	return nil
}

// noticeView is what the templates of a notice see.
func (n *Newsroom) noticeView(i ledger.Issue, a ledger.Account, now time.Time) (templates.StaffNotice, error) {
	var d digest.Issue
	if err := json.Unmarshal(i.Content, &d); err != nil {
		return templates.StaffNotice{}, fmt.Errorf("issue %s: %w", i.Name(), err)
	}
	v := n.digestView(d, n.locale(""))
	return templates.StaffNotice{
		Site: v.Site, Newsletter: v.Newsletter, Number: v.Number, Issue: i.Name(), Subject: v.Subject, WebURL: v.WebURL,
		Began: i.Created.In(n.Config.Location), Date: now.In(n.Config.Location),
		Account: templates.Account{Audience: a.Audience(), Accepted: a[ledger.Accepted], Rejected: a[ledger.Rejected],
			Suppressed: a[ledger.Suppressed], Unknown: a[ledger.Unknown], Waiting: a.Open()},
		Outbox: len(n.Config.Mail.Relays) == 0, Others: len(n.Config.Mail.Relays) > 1, Pause: int(trouble.Minutes()),
	}, nil
}

// noticeText fills the template of a notice. Its first line is the subject.
func (n *Newsroom) noticeText(kind string, view templates.StaffNotice) (subject, text string, err error) {
	var b strings.Builder
	if err := n.Templates.Execute(&b, "staff-"+kind+".txt", view); err != nil {
		return "", "", err
	}
	subject, text, _ = strings.Cut(strings.TrimSpace(b.String()), "\n")
	return strings.TrimSpace(subject), strings.TrimSpace(text) + "\n", nil
}

// noticeMail makes a notice into a mail.
func (n *Newsroom) noticeMail(o ledger.Notice, subject, text string) ([]byte, error) {
	from, err := mail.ParseAddress(n.Config.Mail.From)
	if err != nil {
		return nil, fmt.Errorf("mail.from: %w", err)
	}
	mac := n.Keys.MAC("message-id", []byte(o.Kind), []byte(o.Issue.Name()), []byte(o.Email), []byte(strconv.FormatInt(o.Written.UnixMicro(), 10)))
	return mailer.Notice{From: from, To: o.Email, Language: n.locale("").Lang, Subject: subject, Text: text, Date: o.Written.In(n.Config.Location),
		MessageID: fmt.Sprintf("%s.%s.%s@%s", o.Issue.Name(), o.Kind, hex.EncodeToString(mac[:12]), domainOf(from.Address))}.Compose()
}

// maxReason is how much of a server's words a notice quotes, in characters.
const maxReason = 600

// quotable makes foreign words fit to be quoted: valid UTF-8, without control characters and without those that turn the text around
// them, and not too long.
func quotable(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	if runes := []rune(s); len(runes) > maxReason {
		s = string(runes[:maxReason]) + "…"
	}
	return s
}

// post sends the notices that are owed about a newsletter's issues. What cannot be sent now stays owed. The caller holds the
// newsletter's lock, so that none is sent twice.
func (n *Newsroom) post(ctx context.Context, newsletter string) {
	if n.stopped() || ctx.Err() != nil {
		return
	}
	owed, err := n.Ledger.OwedNotices(ctx, newsletter, n.now())
	if err != nil {
		n.log.Error("the notices to the staff cannot be read", "newsletter", newsletter, "error", err)
		return
	}
	soon, cancel := context.WithTimeout(ctx, postWithin)
	defer cancel()
	for _, o := range owed {
		if err := n.postOne(soon, o); err != nil {
			n.log.Warn("a notice to the staff cannot be sent yet", "issue", o.Issue.Name(), "kind", o.Kind, "error", err)
			return
		}
	}
}

// postOne sends one notice, if it still has something to tell. An error says that no mail can be sent now.
func (n *Newsroom) postOne(ctx context.Context, o ledger.Notice) error {
	if n.now().Sub(o.Written) > tooLate || !slices.Contains(n.Config.Staff, o.Email) {
		o.Sent = n.now() // as good as told
		return n.Ledger.SaveNotice(ctx, o)
	}
	if o.Kind == noticeStuck {
		account, err := n.Ledger.Account(ctx, o.Issue)
		if err != nil {
			return err
		}
		if account[ledger.Accepted] > o.Accepted || account.Open() == 0 { // it went on before anybody had to be told
			return n.Ledger.DropNotice(ctx, o)
		}
	}
	reply, err := n.handOver(ctx, o)
	if err != nil {
		return err
	}
	switch {
	case reply.State == relay.Deferred || reply.Ours:
		n.log.Warn("a notice to the staff was refused for now", "issue", o.Issue.Name(), "kind", o.Kind, "reply", reply.String())
		o.Due = n.now().Add(trouble)
	case reply.State == relay.Rejected:
		n.log.Warn("a notice to the staff was refused: are the addresses under staff right?", "issue", o.Issue.Name(), "kind", o.Kind, "reply", reply.String())
		o.Sent = n.now()
	default:
		o.Sent = n.now()
	}
	return n.Ledger.SaveNotice(context.WithoutCancel(ctx), o)
}

// handOver gives a notice to the first relay that takes it, also to one that is left alone: it may well take mail for the staff.
// The reply is that of the last relay that gave one; an error says that there was none.
func (n *Newsroom) handOver(ctx context.Context, o ledger.Notice) (last relay.Reply, err error) {
	from, err := mail.ParseAddress(n.Config.Mail.From)
	if err != nil {
		return last, fmt.Errorf("mail.from: %w", err)
	}
	msg, err := n.signed(o.Message)
	if err != nil {
		return last, err
	}
	relays, err := n.openRelays()
	if err != nil {
		return last, err
	}
	var errs []error
	for _, r := range relays {
		reply, err := mailBy(ctx, r, relay.Mail{From: from.Address, To: o.Email, Msg: slices.Clone(msg)})
		switch {
		case err != nil:
			errs = append(errs, err)
		case reply.State == relay.Accepted || reply.State == relay.Unknown: // unknown: better never than twice
			return reply, nil
		default:
			last = reply
		}
	}
	if last.State == "" {
		return last, errors.Join(errs...)
	}
	return last, nil
}

// mailBy hands one mail to a relay, in a session of its own.
func mailBy(ctx context.Context, r relay.Relay, m relay.Mail) (relay.Reply, error) {
	session, err := r.Connect(ctx)
	if err != nil {
		return relay.Reply{}, err
	}
	reply, err := session.Deliver(ctx, m)
	_ = session.Close() // the reply is what counts
	return reply, err
}

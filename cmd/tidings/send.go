package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"tidings/digest"
	"tidings/newsroom"
)

// errUnasked says that nobody was there to agree to a mailing.
var errUnasked = errors.New("this would send mail, and there is no terminal to ask at: add --yes")

func (a *app) send() *cobra.Command {
	var test string
	var yes, again bool
	cmd := &cobra.Command{
		Use:   "send NEWSLETTER",
		Short: "Send the next issue, or go on with an unfinished one",
		Long: `Send goes on with the newsletter's unfinished issues. If none is left but for deferred mail, it publishes, makes the next
issue of the stories that were in none yet, and mails it to the subscribers; without such stories it makes none. A recipient
never gets an issue twice. On a terminal it asks before it sends something new; elsewhere it wants --yes. A relay that was left alone since it refused
our mail is tried at once.

With --test it mails the next issue, or the last one if there is no news, to one address, and stores nothing.`,
		Example: "  tidings -C mynews send weekly --test me@example.org\n  tidings -C mynews send weekly --yes",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(n *newsroom.Newsroom) error {
				if cmd.Flags().Changed("test") {
					return a.sendTest(cmd.Context(), n, args[0], test)
				}
				o := newsroom.Order{Newsletter: args[0], Again: again}
				if !yes {
					if agreed, err := a.agree(cmd.Context(), n, o); err != nil || !agreed {
						return err
					}
				}
				_, err := a.sendIssue(cmd.Context(), n, o)
				return err
			})
		},
	}
	cmd.Flags().StringVar(&test, "test", "", "send the next issue to this `ADDRESS` alone, and store nothing")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	cmd.Flags().BoolVar(&again, "again", false, "send a new issue although the last one is less than 12 hours old, or the database was lost")
	return cmd
}

// agree asks whether the issue is to be sent. What would send nothing new needs no asking; deferred mail is tried before the question.
func (a *app) agree(ctx context.Context, n *newsroom.Newsroom, o newsroom.Order) (bool, error) {
	p, err := n.Preview(ctx, o.Newsletter)
	if err != nil {
		return false, err
	}
	open, broken, err := n.Unfinished(ctx, o.Newsletter)
	if err != nil || broken {
		return err == nil, err
	}
	stopped, err := n.Ledger.StoppedIssues(ctx, o.Newsletter)
	if err != nil || len(stopped)+len(p.Articles) == 0 {
		return err == nil, err
	}
	if len(open) > 0 && len(stopped) == 0 {
		if went, err := a.sendIssue(ctx, n, newsroom.Order{Newsletter: o.Newsletter, Open: true}); err != nil || !went {
			return false, err
		}
	}
	question := fmt.Sprintf("Send \"%s\" (%s) to %s?", p.Subject, count(len(p.Articles), "story", "stories"), count(p.Audience, "subscriber", "subscribers"))
	if len(stopped) > 0 {
		question = fmt.Sprintf("Go on with %s, which was stopped?", stopped[0].Name())
	}
	switch {
	case !a.isTerminal() && len(open) > 0 && len(stopped) == 0:
		a.say("%s for the next issue: add --yes to send it", count(len(p.Articles), "story waits", "stories wait"))
		return false, nil
	case !a.isTerminal():
		return false, errUnasked
	}
	fmt.Fprintf(a.out, "%s [y/N] ", question)
	answer, _ := bufio.NewReader(a.input(ctx)).ReadString('\n') // no answer is a no
	if err := ctx.Err(); err != nil {
		return false, err
	}
	agreed := strings.EqualFold(strings.TrimSpace(answer), "y") || strings.EqualFold(strings.TrimSpace(answer), "yes")
	if !agreed {
		a.say("nothing was sent")
	}
	return agreed, nil
}

func (a *app) sendTest(ctx context.Context, n *newsroom.Newsroom, newsletter, address string) error {
	s, err := n.SendTest(ctx, newsletter, address)
	if err != nil {
		return err
	}
	a.say("a test of \"%s\" went to %s by way of %s", s.Subject, address, a.relative(n, s.Into))
	return nil
}

// sendIssue carries the order out, and tells whether it was this process that did.
func (a *app) sendIssue(ctx context.Context, n *newsroom.Newsroom, o newsroom.Order) (went bool, err error) {
	all, err := n.Send(ctx, o)
	if errors.Is(err, newsroom.ErrSendingElsewhere) {
		a.say("another process is sending %s: nothing to do here", o.Newsletter)
		return false, nil
	}
	for _, s := range all {
		a.saySent(n, o, s)
	}
	return true, err
}

// saySent tells what became of a sending, as far as it came.
func (a *app) saySent(n *newsroom.Newsroom, o newsroom.Order, s newsroom.Sent) {
	switch {
	case s.Nothing != "" && s.Continued:
		a.say("%s %s: no new issue was sent", o.Newsletter, s.Nothing)
		return
	case s.Nothing != "":
		a.say("%s %s: nothing was sent", o.Newsletter, s.Nothing)
		return
	case s.Continued:
		a.say("%s goes on%s", s.Issue.Name(), a.byWay(n, s.Into))
	default:
		a.say("%s: %s%s", s.Issue.Name(), count(s.Stories, "story", "stories"), a.byWay(n, s.Into))
	}
	if s.Account != nil {
		a.say("%s", s.Account)
	}
	if !s.Next.IsZero() {
		a.say("deferred mail is tried again from %s on: by tidings run, or by this command", s.Next.In(n.Config.Location).Format("2 January 15:04"))
	}
	if w := waiting(s.Left); w > 0 {
		a.say("%s for the next issue", count(w, "story waits", "stories wait"))
	}
}

func waiting(left []digest.LeftOut) int {
	w := 0
	for _, l := range left {
		if l.Waiting {
			w++
		}
	}
	return w
}

// byWay says where mail goes; nothing if it did not come so far.
func (a *app) byWay(n *newsroom.Newsroom, into string) string {
	if into == "" {
		return ""
	}
	return ", by way of " + a.relative(n, into)
}

// relative names a folder in the newsroom shortly.
func (a *app) relative(n *newsroom.Newsroom, p string) string {
	if rel, err := filepath.Rel(n.Config.Dir, p); err == nil && filepath.IsAbs(p) && !strings.HasPrefix(rel, "..") {
		return rel + "/"
	}
	return p
}

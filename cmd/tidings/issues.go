package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"tidings/mailer/ledger"
	"tidings/newsroom"
)

func (a *app) issues() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "issues",
		Short: "List the issues and their accounts; show, stop and resend one",
		Long: `Issues lists the issues, finished, unfinished and stopped, with their accounts: how many of the recipients were accepted, rejected, suppressed
(left before their turn) and unknown, and how many are still open.`,
		Example: "  tidings -C mynews issues",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.view(cmd.Context(), func(n *newsroom.Newsroom) error {
				all, err := n.Issues(cmd.Context())
				if err != nil {
					return err
				}
				w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
				fmt.Fprintln(w, "ISSUE\tDATE\tSTATE\tACCOUNT")
				for _, i := range all {
					state := string(i.State)
					if i.State == ledger.Unfinished { // whether anybody is sending it the ledger cannot know
						state = "unfinished"
					}
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", i.Name(), i.Created.In(n.Config.Location).Format("2006-01-02 15:04"), state, i.Account)
				}
				return w.Flush()
			})
		},
	}
	cmd.AddCommand(a.showIssue(), a.stopIssue(), a.resendIssue())
	return cmd
}

// states are the states of a delivery, as people may name them.
var states = []string{"pending", "sending", "accepted", "deferred", "rejected", "unknown", "suppressed"}

func parseState(s string, among []string) (ledger.State, error) {
	if s != "" && !slices.Contains(among, s) {
		return "", fmt.Errorf("--state: %q is none of %s", s, strings.Join(among, ", "))
	}
	return ledger.State(s), nil
}

func (a *app) showIssue() *cobra.Command {
	var state string
	cmd := &cobra.Command{
		Use:   "show ISSUE",
		Short: "Tell what became of each recipient's copy",
		Long: `Show prints an issue's account, and for each recipient the state, when it changed, and what the mail server said. If stories were
taken back while the issue went out, it has revisions: show tells how many recipients got which, and which each got.`,
		Example: "  tidings -C mynews issues show weekly-12 --state rejected",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.view(cmd.Context(), func(n *newsroom.Newsroom) error {
				only, err := parseState(state, states)
				if err != nil {
					return err
				}
				i, deliveries, err := n.Deliveries(cmd.Context(), args[0], only)
				if err != nil {
					return err
				}
				a.say("%s: %s", i.Name(), i.Account)
				a.sayRevisions(n, i.Revisions)
				for d, err := range deliveries {
					if err != nil {
						return err
					}
					changed := "-"
					if !d.Changed.IsZero() {
						changed = d.Changed.In(n.Config.Location).Format("2006-01-02 15:04:05")
					}
					line := fmt.Sprintf("%s\t%s\t%s\t%s", dash(d.Email), d.State, changed, dash(d.Reply))
					if len(i.Revisions) > 1 && d.Revision > 0 {
						line += fmt.Sprintf("\trevision %d", d.Revision)
					}
					a.say("%s", line)
				}
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&state, "state", "", "only recipients in this `STATE`: "+strings.Join(states, ", "))
	return cmd
}

// sayRevisions tells how many got which revision of an issue; nothing if there is one only.
func (a *app) sayRevisions(n *newsroom.Newsroom, revisions []ledger.Revision) {
	if len(revisions) < 2 {
		return
	}
	for _, r := range revisions {
		what := "as first composed"
		if r.Number > 1 {
			what = fmt.Sprintf("of %s, without %s taken back", r.Created.In(n.Config.Location).Format("2006-01-02 15:04"), count(r.Stories, "story", "stories"))
		}
		a.say("revision %d, %s: went to %s", r.Number, what, count(r.Sent, "recipient", "recipients"))
	}
}

func (a *app) stopIssue() *cobra.Command {
	return &cobra.Command{
		Use:   "stop ISSUE",
		Short: "Halt an issue that is being sent",
		Long: `Stop halts an issue: whoever is sending it, in this process or another, stops within two seconds. It goes on when its
newsletter is sent by hand again (tidings send NEWSLETTER).`,
		Example: "  tidings -C mynews issues stop weekly-12",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(n *newsroom.Newsroom) error {
				if err := n.Stop(cmd.Context(), args[0]); err != nil {
					return err
				}
				a.say("%s is stopped", args[0])
				return nil
			})
		},
	}
}

func (a *app) resendIssue() *cobra.Command {
	var state string
	cmd := &cobra.Command{
		Use:   "resend ISSUE",
		Short: "Send an issue once more to those in one state",
		Long: `Resend sends an issue once more to exactly those of its recipients who are in the state that --state names: unknown (the mail
may have arrived; a mail program that has it recognises the second by its Message-ID), rejected, or deferred. Those who left or were
suppressed since stay as they are.`,
		Example: "  tidings -C mynews issues resend weekly-12 --state unknown",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(n *newsroom.Newsroom) error {
				only, err := parseState(state, []string{"unknown", "rejected", "deferred"})
				if err != nil {
					return err
				}
				r, err := n.Resend(cmd.Context(), args[0], only)
				if errors.Is(err, newsroom.ErrSendingElsewhere) {
					a.say("another process is sending this newsletter: nothing to do here")
					return nil
				}
				if r.Again > 0 || err == nil {
					a.sayResent(args[0], state, r)
				}
				return err
			})
		},
	}
	cmd.Flags().StringVar(&state, "state", "", "to those in this `STATE`: unknown, rejected or deferred")
	if err := cmd.MarkFlagRequired("state"); err != nil {
		panic(err) // the flag is defined just above
	}
	return cmd
}

// sayResent tells to how many an issue was to go once more, and how many were passed over.
func (a *app) sayResent(issue, state string, r newsroom.Resent) {
	switch {
	case r.Again > 0:
		a.say("%s was to go once more to %s", issue, count(int(r.Again), "recipient", "recipients"))
	case r.Kept > 0:
		a.say("%s has no recipient who is %s and gets mail still: nothing was sent", issue, state)
	default:
		a.say("%s has no recipient who is %s: nothing was sent", issue, state)
	}
	if r.Kept > 0 {
		a.say("%s %s, for they left or were suppressed: tidings issues show %s --state %[2]s tells who, and tidings subscribers release EMAIL lets mail go to a suppressed address again",
			count(int(r.Kept), "recipient stays", "recipients stay"), state, issue)
	}
	if r.Account != nil {
		a.say("%s", r.Account)
	}
}

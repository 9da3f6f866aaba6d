package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"tidings/newsroom"
	"tidings/subscribers"
)

func (a *app) subscribers() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "subscribers",
		Short: "Import, export, list, add, remove and release subscribers",
		Long: `Subscribers keeps the list of those who get the newsletters. Nobody is added without a word on where their consent comes
from, and nobody who left is brought back. Whoever left by the link in a mail can subscribe again, by the button on the page
behind it.`,
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(a.importList(), a.exportList(), a.listThem(), a.addOne(), a.removeOne(), a.releaseOne())
	return cmd
}

func (a *app) releaseOne() *cobra.Command {
	return &cobra.Command{
		Use:   "release EMAIL",
		Short: "Let mail go to a suppressed address again",
		Long: `Release takes an address off the list of those that get no mail since a server called them unknown. Its subscriptions are
as they were; what someone left stays left.`,
		Example: "  tidings -C mynews subscribers release ada@example.com",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(n *newsroom.Newsroom) error {
				released, err := n.Subscribers.Release(cmd.Context(), args[0])
				switch {
				case err != nil:
				case released:
					a.say("mail goes to %s again", args[0])
				default:
					a.say("%s is not suppressed: nothing to do", args[0])
				}
				return err
			})
		},
	}
}

func (a *app) importList() *cobra.Command {
	var source, newsletter string
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Add the people in a CSV file",
		Long: `Import adds the people in a CSV file; - reads standard input. From Excel, save the list as CSV UTF-8. The file begins
with a header; its columns are email, name (or first name and last name), newsletters and language, and only email is
required. Their usual names in English, French, German and Spanish are understood, such as E-Mail or Prénom. Several
newsletters are separated by spaces. A row that cannot be used is reported with its line and the others go in. Importing
a file twice changes nothing, and nobody who left is brought back.

--confirmed says where the consent of these people comes from; it is kept with each of them.`,
		Example: `  tidings -C mynews subscribers import list.csv --confirmed "sign-up sheets, spring fair 2026"`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(n *newsroom.Newsroom) error {
				o, err := a.importOptions(n, source, newsletter)
				if err != nil {
					return err
				}
				in, err := a.openFile(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				defer in.Close()
				r, err := n.Subscribers.Import(cmd.Context(), in, args[0], o)
				a.report(r.Problems)
				if r.Rows > 0 || err == nil {
					a.say("%s: %d added, %d already in, %d left before, %d suppressed, %d not usable", count(r.Rows, "row", "rows"),
						r.Added, r.Already, r.Left, r.Suppressed, r.Bad)
				}
				return err
			})
		},
	}
	cmd.Flags().StringVar(&source, "confirmed", "", "where the consent of these people comes from, in words `SOURCE`")
	cmd.Flags().StringVar(&newsletter, "newsletter", "", "the `NEWSLETTER` of rows that name none (default: the only one there is)")
	if err := cmd.MarkFlagRequired("confirmed"); err != nil {
		panic(err) // the flag is defined just above
	}
	return cmd
}

func (a *app) importOptions(n *newsroom.Newsroom, source, newsletter string) (subscribers.ImportOptions, error) {
	known := slices.Sorted(maps.Keys(n.Config.Newsletters))
	if newsletter == "" && len(known) == 1 {
		newsletter = known[0]
	}
	if newsletter != "" && !slices.Contains(known, newsletter) {
		return subscribers.ImportOptions{}, fmt.Errorf("%w: %q", newsroom.ErrNoNewsletter, newsletter)
	}
	return subscribers.ImportOptions{Source: source, Known: known, Default: newsletter, Now: a.now()}, nil
}

// openFile opens a file that the command line names; - is standard input.
func (a *app) openFile(ctx context.Context, name string) (io.ReadCloser, error) {
	if name == "-" {
		return a.input(ctx), nil
	}
	return os.Open(name)
}

func (a *app) exportList() *cobra.Command {
	return &cobra.Command{
		Use:   "export",
		Short: "Write the subscribers to standard output as CSV",
		Long: `Export writes everybody who gets a newsletter to standard output, as a CSV file that import reads. Those who left are
not in it.`,
		Example: "  tidings -C mynews subscribers export > list.csv",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.view(cmd.Context(), func(n *newsroom.Newsroom) error { return n.Subscribers.Export(cmd.Context(), a.out) })
		},
	}
}

func (a *app) listThem() *cobra.Command {
	var newsletter string
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the subscribers and how they stand",
		Long:    "List prints every subscriber, those who left too, with how they stand with each newsletter and since when.",
		Example: "  tidings -C mynews subscribers list --newsletter weekly",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.view(cmd.Context(), func(n *newsroom.Newsroom) error {
				w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
				fmt.Fprintln(w, "EMAIL\tNAME\tNEWSLETTER\tSTATE\tSINCE")
				for s, err := range n.Subscribers.List(cmd.Context(), subscribers.Filter{Newsletter: newsletter}) {
					if err != nil {
						return err
					}
					printSubscriber(w, s, n)
				}
				return w.Flush()
			})
		},
	}
	cmd.Flags().StringVar(&newsletter, "newsletter", "", "only those of this `NEWSLETTER`")
	return cmd
}

func printSubscriber(w io.Writer, s subscribers.Subscriber, n *newsroom.Newsroom) {
	for _, p := range s.Subscriptions {
		state := string(p.State)
		if s.Suppressed != nil {
			state = "suppressed: " + s.Suppressed.Reason
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", s.Email, dash(s.Name), p.Newsletter, state, p.Since.In(n.Config.Location).Format("2006-01-02"))
	}
}

func (a *app) addOne() *cobra.Command {
	var s subscribers.Subscriber
	var source string
	cmd := &cobra.Command{
		Use:   "add EMAIL",
		Short: "Add one subscriber",
		Long: `Add subscribes one person, given as ada@example.com or "Ada Lovelace <ada@example.com>". --confirmed says where their
consent comes from. Someone who left is not brought back.`,
		Example: `  tidings -C mynews subscribers add ada@example.com --name "Ada Lovelace" --confirmed "asked by phone"`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(n *newsroom.Newsroom) error {
				display, email := subscribers.Mailbox(strings.TrimSpace(args[0]))
				s.Email, s.Name = email, cmp.Or(s.Name, display)
				if err := setNewsletters(&s, n); err != nil {
					return err
				}
				r, err := n.Subscribers.Add(cmd.Context(), s, source, a.now())
				if err != nil {
					return err
				}
				a.sayAdded(s.Email, r, n)
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&s.Name, "name", "", "the person's `NAME`")
	cmd.Flags().StringVar(&s.Language, "language", "", "their language as a BCP 47 `TAG` (default: the newsroom's)")
	cmd.Flags().StringSliceVar(&s.Newsletters, "newsletter", nil, "the `NEWSLETTER` (default: the only one there is)")
	cmd.Flags().StringVar(&source, "confirmed", "", "where their consent comes from, in words `SOURCE`")
	if err := cmd.MarkFlagRequired("confirmed"); err != nil {
		panic(err) // the flag is defined just above
	}
	return cmd
}

// setNewsletters fills in the only newsletter where none is named, and refuses those that tidings.yaml does not have.
func setNewsletters(s *subscribers.Subscriber, n *newsroom.Newsroom) error {
	known := slices.Sorted(maps.Keys(n.Config.Newsletters))
	if len(s.Newsletters) == 0 && len(known) == 1 {
		s.Newsletters = known
	}
	if len(s.Newsletters) == 0 {
		return fmt.Errorf("say which newsletter, with --newsletter: tidings.yaml has %s", dash(strings.Join(known, ", ")))
	}
	for _, want := range s.Newsletters {
		if !slices.Contains(known, want) {
			return fmt.Errorf("%w: %q", newsroom.ErrNoNewsletter, want)
		}
	}
	return nil
}

func (a *app) sayAdded(email string, r subscribers.Result, n *newsroom.Newsroom) {
	if r.Suppressed != nil {
		a.say("%s is suppressed (%s): not added; tidings subscribers release %[1]s lets mail go there again", email, r.Suppressed.Reason)
		return
	}
	for _, name := range r.Added {
		a.say("%s now gets %s", email, name)
	}
	for _, name := range r.AlreadyIn {
		a.say("%s gets %s already", email, name)
	}
	for _, l := range r.Left {
		a.say("%s left %s on %s: not added, for only they themselves can come back: by the link in a mail that they have, if they left by it", email, l.Newsletter, l.Since.In(n.Config.Location).Format("2 January 2006"))
	}
}

func (a *app) removeOne() *cobra.Command {
	var newsletters []string
	var reason string
	cmd := &cobra.Command{
		Use:   "remove EMAIL",
		Short: "End someone's subscriptions",
		Long: `Remove ends the subscriptions of an address, at once and also for mail that is being sent. Import and add do not bring
it back to what it left.`,
		Example: `  tidings -C mynews subscribers remove ada@example.com --reason "asked by mail"`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(n *newsroom.Newsroom) error {
				for _, name := range newsletters {
					if _, known := n.Config.Newsletters[name]; !known {
						return fmt.Errorf("%w: %q", newsroom.ErrNoNewsletter, name)
					}
				}
				removed, err := n.Subscribers.Remove(cmd.Context(), args[0], newsletters, reason, a.now())
				if err != nil {
					return err
				}
				if len(removed) == 0 {
					a.say("%s had left before: nothing to do", args[0])
				}
				for _, name := range removed {
					a.say("%s no longer gets %s", args[0], name)
				}
				return nil
			})
		},
	}
	cmd.Flags().StringSliceVar(&newsletters, "newsletter", nil, "only this `NEWSLETTER` (default: all)")
	cmd.Flags().StringVar(&reason, "reason", "removed by the staff", "what is noted as the `REASON`")
	return cmd
}

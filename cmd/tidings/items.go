package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"tidings/newsroom"
)

func (a *app) items() *cobra.Command {
	return &cobra.Command{
		Use:   "items",
		Short: "List the item files: state, address, language, feeds and issues of each story",
		Long: `Items lists every item file with the state of its story, the address of its page, its language, the live feeds that
hold it, as they were published last, and the issues that it was in. Of a version in another language it names the story's own file. A
story that is new has not been published yet; it may wait for its pictures, which "tidings check" tells. A file that is gone is listed as
long as its story still shows, with the time at which that is withdrawn. It changes nothing.`,
		Example: "  tidings -C mynews items",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.view(cmd.Context(), func(n *newsroom.Newsroom) error {
				lines, err := n.Inventory(cmd.Context())
				if err != nil {
					return err
				}
				w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
				fmt.Fprintln(w, "FILE\tSTATE\tADDRESS\tLANGUAGE\tFEEDS\tISSUES")
				for _, l := range lines {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", l.File, l.State, dash(l.URL), tongue(l), dash(strings.Join(l.Feeds, " ")), dash(strings.Join(l.Issues, " ")))
				}
				return w.Flush()
			})
		},
	}
}

// tongue is a story's language and, of a version, the file that it is a version of.
func tongue(l newsroom.Line) string {
	if l.Of == "" {
		return dash(l.Language)
	}
	return l.Language + " of " + l.Of
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

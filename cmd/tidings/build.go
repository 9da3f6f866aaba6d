package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"tidings/newsroom"
)

func (a *app) build() *cobra.Command {
	return &cobra.Command{
		Use:   "build",
		Short: "Publish once: feeds and pages from the items",
		Long: `Build looks at the items folder and brings the publish folder up to date: feeds, pages, pictures and attachments.
Files that are right already are not touched. An item with an error is left out and the error is printed; a story
that was published before stays as it last was.`,
		Example: "  tidings -C mynews build",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd.Context(), func(n *newsroom.Newsroom) error { return a.publish(cmd.Context(), n) })
		},
	}
}

func (a *app) publish(ctx context.Context, n *newsroom.Newsroom) error {
	p, err := n.Publish(ctx)
	if err != nil {
		return err
	}
	a.report(p.Scan.AllProblems())
	errs := ""
	if k := p.Scan.AllProblems().Errors(); k > 0 {
		errs = fmt.Sprintf("; %s, told above", count(k, "error", "errors"))
	}
	a.say("%s in %s: %d written, %d removed, %d unchanged%s", count(p.Shown(), "story", "stories"), a.relative(n, n.Config.Publish),
		len(p.Written), len(p.Removed), p.Same, errs)
	return nil
}

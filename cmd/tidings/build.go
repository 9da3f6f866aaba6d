package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"tidings/newsroom"
	"tidings/publish"
)

func (a *app) build() *cobra.Command {
	var dry, force bool
	cmd := &cobra.Command{
		Use:   "build",
		Short: "Publish once: feeds and pages from the items",
		Long: `Build looks at the items folder and brings the publish folder up to date: feeds, pages, pictures and attachments.
Files that are right already are not touched. An item with an error is left out and the error is printed; a story
that was published before stays as it last was.

Readers must not get old news as if it were new. When many old stories would come into a feed at once they are held back from
it; when stories that readers know would have other ids, the files that name them stay as they were; and when most files are gone at
once their stories stay. The status is 1 then. All else goes on: fresh stories come in, withdrawn and erased ones go.

With --force the folder is taken to be as it is meant: all that is published nevertheless, stories whose files are gone are
withdrawn at once, and every file is made anew. Add --dry-run first to see what that does.

If tidings.yaml names a bucket, that is then brought to the same state. When it cannot be, the status is 1; what is in the folder
stays, and the next build goes on.

With --dry-run it publishes nothing, and prints what readers of the feed of all news would see.`,
		Example: "  tidings -C mynews build\n  tidings -C mynews build --dry-run\n  tidings -C mynews build --dry-run --force",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a.force = force
			if dry {
				return a.view(cmd.Context(), func(n *newsroom.Newsroom) error { return a.outlook(cmd.Context(), n) })
			}
			return a.with(cmd.Context(), func(n *newsroom.Newsroom) error { return a.publish(cmd.Context(), n) })
		},
	}
	cmd.Flags().BoolVar(&dry, "dry-run", false, "publish nothing, print what readers would see")
	cmd.Flags().BoolVar(&force, "force", false, "publish what would be held back, withdraw stories whose files are gone, and make every file anew")
	return cmd
}

// outlook prints what readers would see.
func (a *app) outlook(ctx context.Context, n *newsroom.Newsroom) error {
	o, err := n.Outlook(ctx)
	if err != nil && !errors.Is(err, newsroom.ErrEmptied) {
		return err
	}
	a.say("%d new, %d updated, %d withdrawn", o.New, o.Updated, o.Withdrawn)
	if o.Missed > 0 {
		a.say("%s withdrawn in all, whose files are gone", count(o.Missed, "story is", "stories are"))
	}
	return errors.Join(err, errors.Join(o.Spared...))
}

func (a *app) publish(ctx context.Context, n *newsroom.Newsroom) error {
	p, err := n.Publish(ctx)
	if err != nil && !errors.Is(err, newsroom.ErrEmptied) {
		return err
	}
	probs := p.AllProblems()
	a.report(probs)
	errs := ""
	if k := probs.Errors(); k > 0 {
		errs = fmt.Sprintf("; %s, told above", count(k, "error", "errors"))
	}
	a.say("%s in %s: %d written, %d removed, %d unchanged%s", count(p.Shown(), "story", "stories"), a.relative(n, n.Config.Publish),
		len(p.Written), len(p.Removed), p.Same, errs)
	filled, failed := a.fillBucket(ctx, n)
	if h := hub(n, a.logger()); h != nil {
		h.Changed(n.ChangedFeeds(p.Report)...)
		h.Changed(n.ChangedFeeds(filled)...)
		if err := h.Flush(ctx); err != nil { // the next build tells it anew
			a.logger().Warn("the hub could not be told", "hub", n.Config.Feeds.Hub, "error", err)
		}
	}
	return errors.Join(err, p.Complaints(), failed)
}

// fillBucket brings the bucket, if there is one, to the state of the publish folder.
func (a *app) fillBucket(ctx context.Context, n *newsroom.Newsroom) (publish.Report, error) {
	r, err := n.FillBucket(ctx)
	if n.Config.Bucket != nil && (err == nil || r.Changed()) {
		a.say("%s: %d put, %d removed, %d unchanged", n.Config.Bucket, len(r.Written), len(r.Removed), r.Same)
	}
	return r, err
}

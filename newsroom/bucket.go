package newsroom

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tidings/internal/lock"
	"tidings/items"
	"tidings/publish"
)

// ErrBucket says that the bucket is not as the publish folder is. The folder itself is right.
var ErrBucket = errors.New("the bucket is not up to date")

// FillBucket brings the bucket to the state of the publish folder; without one it does nothing. What was taken back goes first, feeds
// come last. The error is of the kind ErrBucket; the report tells as much as was done even then, and the next call goes on from there.
// Nobody's publishing waits for it.
func (n *Newsroom) FillBucket(ctx context.Context) (publish.Report, error) {
	if n.Config.Bucket == nil {
		return publish.Report{}, nil
	}
	release, err := lock.Take(ctx, n.Config.State(), "bucket")
	if err != nil {
		return publish.Report{}, err
	}
	defer release()
	r, err := n.fillBucket(ctx)
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrBucket, err)
	}
	return r, err
}

func (n *Newsroom) fillBucket(ctx context.Context) (publish.Report, error) {
	s3 := n.Config.S3
	target, err := publish.NewS3(*n.Config.Bucket, publish.S3Options{Endpoint: s3.Endpoint, Region: s3.Region})
	if err != nil {
		return publish.Report{}, err
	}
	if n.force {
		if err := publish.DistrustTargets(ctx, n.db); err != nil {
			return publish.Report{}, err
		}
	}
	first, err := n.withdrawnPages(ctx)
	if err != nil {
		return publish.Report{}, err
	}
	m := publish.Mirror{Folder: n.public, Target: target, Name: target.String()}
	r, err := m.Update(ctx, first)
	if len(r.Removed) > 0 { // it may be of an erased story, whose name must not stay in the database
		err = errors.Join(err, n.db.Truncate(ctx))
	}
	return r, err
}

// withdrawnPages are where notices stand in the place of stories.
func (n *Newsroom) withdrawnPages(ctx context.Context) (paths []string, err error) {
	slugs, err := n.stories.Withdrawn(ctx)
	for _, slug := range slugs {
		paths = append(paths, items.Presenter{}.StoryURL(slug)+"index.html")
	}
	return paths, err
}

// mailWaits is how long a mail waits at most for the pages that it leads to.
const mailWaits = time.Minute

// fillForMail fills the bucket before an issue goes out. A bucket that is down holds no mail up for long.
func (n *Newsroom) fillForMail(ctx context.Context) {
	within, cancel := context.WithTimeout(ctx, mailWaits)
	defer cancel()
	if _, err := n.FillBucket(within); err != nil && ctx.Err() == nil {
		n.log.Warn("an issue goes out before all that it leads to is in the bucket", "error", err)
	}
}

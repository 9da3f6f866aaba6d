package main

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/spf13/cobra"

	"tidings/internal/lock"
	"tidings/newsroom"
	"tidings/web"
)

// errInUse says that the newsroom has its daemon already.
var errInUse = errors.New("another tidings run works on this newsroom")

func (a *app) runVerb() *cobra.Command {
	return &cobra.Command{
		Use:   "run",
		Short: "Watch, publish, serve and send from now on",
		Long: `Run is the daemon. It looks at the items folder every 15 seconds, and as soon as something changes there, and publishes what
changed; it keeps the bucket, if there is one, in the same state; it serves the publish folder, and the pages behind the links in
mails, at web.listen; it sends each newsletter at its times. A file named STOP in the newsroom's folder halts all sending while it is
there. The log tells what became of each story that is new, updated, withdrawn, erased or published again, or, where more than 20 became
the same at once, of how many. SIGTERM ends it cleanly.`,
		Example: "  tidings -C mynews run",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			n, err := newsroom.Open(cmd.Context(), a.dir, newsroom.Outside{Now: a.now, Log: a.logger(), Settled: true})
			if err != nil {
				return err
			}
			return errors.Join(a.daemon(cmd.Context(), n), n.Close())
		},
	}
}

// lockRun keeps a second daemon away from the newsroom.
func lockRun(n *newsroom.Newsroom) (release func(), err error) {
	release, err = lock.Try(n.Config.State(), "run")
	if errors.Is(err, lock.ErrHeld) {
		err = fmt.Errorf("%w: %s", errInUse, n.Config.Dir)
	}
	return release, err
}

// daemon runs the newsroom's daemon until ctx ends.
func (a *app) daemon(ctx context.Context, n *newsroom.Newsroom) error {
	release, err := lockRun(n)
	if err != nil {
		return err
	}
	defer release()
	listener, err := net.Listen("tcp", n.Config.Web.Listen)
	if err != nil {
		return fmt.Errorf("web.listen: %w", err)
	}
	log := a.logger()
	if len(n.Config.Newsletters) > 0 && len(n.Config.Mail.Relays) == 0 {
		log.Warn("no relay is configured: mail goes into the outbox", "outbox", n.Config.Outbox())
	}
	d := &daemon{newsroom: n, log: log, now: a.now, hub: hub(n, log)}
	server := &web.Server{Newsroom: n, Log: log, Healthy: d.healthy}
	return d.run(ctx, listener, server.NewHTTPServer())
}

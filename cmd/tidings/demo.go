package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"

	"github.com/spf13/cobra"

	"tidings"
	"tidings/config"
	"tidings/newsroom"
	"tidings/web"
)

func (a *app) demo() *cobra.Command {
	var dir, listen string
	var once bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "See it work: publish and send a sample newsroom",
		Long: `Demo copies a sample newsroom into a folder, publishes it, sends its digest into the outbox (nothing leaves this
machine), and serves all of it, the outbox too. Change an item in the folder and see the pages follow. With --once it
stops before serving.`,
		Example: "  tidings demo\n  tidings demo --once --dir /tmp/newsroom",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.runDemo(cmd.Context(), dir, listen, once)
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "the folder `DIR` that gets the newsroom (default: a new temporary folder)")
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:8080", "the `ADDRESS` to serve at; if it is taken, another port is")
	cmd.Flags().BoolVar(&once, "once", false, "stop before serving")
	return cmd
}

func (a *app) runDemo(ctx context.Context, dir, listen string, once bool) error {
	dir, err := demoDir(dir)
	if err != nil {
		return err
	}
	address := listen
	var listener net.Listener
	if !once {
		if listener, err = listenNear(listen); err != nil {
			return err
		}
		defer listener.Close() // again after the server did: harmless
		address = listener.Addr().String()
	}
	if err := copySample(dir, address); err != nil {
		return err
	}
	n, err := newsroom.Open(ctx, dir, newsroom.Outside{Now: a.now, Log: a.logger(), Settled: !once})
	if err != nil {
		return err
	}
	err = a.fillDemo(ctx, dir)
	if err == nil {
		a.sayDemo(n, once)
		if !once {
			err = a.serveDemo(ctx, n, listener)
		}
	}
	return errors.Join(err, n.Close())
}

// serveDemo is the daemon, with the outbox to look at.
func (a *app) serveDemo(ctx context.Context, n *newsroom.Newsroom, listener net.Listener) error {
	release, err := lockRun(n)
	if err != nil {
		return err
	}
	defer release()
	d := &daemon{newsroom: n, log: a.logger(), now: a.now}
	server := &web.Server{Newsroom: n, Log: d.log, Healthy: d.healthy, Outbox: n.Config.Outbox()}
	return d.run(ctx, listener, server.NewHTTPServer())
}

// demoDir gives an empty folder for the demo.
func demoDir(dir string) (string, error) {
	if dir == "" {
		return os.MkdirTemp("", "tidings-demo-")
	}
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return "", err
	case len(entries) > 0:
		return "", fmt.Errorf("%s is not empty: name a new folder", dir)
	}
	return filepath.Abs(dir)
}

// listenNear listens at the address, or at any port of its host if the port is taken.
func listenNear(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err == nil {
		return l, nil
	}
	host, _, splitErr := net.SplitHostPort(address)
	if splitErr != nil {
		return nil, fmt.Errorf("--listen: %w", err)
	}
	return net.Listen("tcp", net.JoinHostPort(host, "0"))
}

var (
	urlLine = regexp.MustCompile(`(?m)^url: *\S+`)
	webLine = regexp.MustCompile(`(?m)^web: .*$`)
)

// copySample copies the sample newsroom to dir, set up to be served at the address.
func copySample(dir, address string) error {
	return copyTree(tidings.Sample, "testdata/newsroom", dir, func(path string, data []byte) (string, []byte) {
		if path == config.File {
			data = urlLine.ReplaceAll(data, []byte("url: http://"+address+"/"))
			data = webLine.ReplaceAll(data, []byte(`web: {listen: "`+address+`"}`))
		}
		return path, data
	})
}

// fillDemo does with the sample what its staff would: they publish it, take on the subscribers, and send the digest.
func (a *app) fillDemo(ctx context.Context, dir string) error {
	n, err := newsroom.Open(ctx, dir, newsroom.Outside{Now: a.now, Log: a.logger()})
	if err != nil {
		return err
	}
	return errors.Join(a.fill(ctx, n), n.Close())
}

func (a *app) fill(ctx context.Context, n *newsroom.Newsroom) error {
	if err := a.publish(ctx, n); err != nil {
		return err
	}
	list, err := os.Open(filepath.Join(n.Config.Dir, "subscribers.csv"))
	if err != nil {
		return err
	}
	defer list.Close()
	o, err := a.importOptions(n, "sample newsroom", "")
	if err != nil {
		return err
	}
	r, err := n.Subscribers.Import(ctx, list, "subscribers.csv", o)
	if err != nil {
		return err
	}
	a.say("%s", count(r.Added, "subscriber", "subscribers"))
	_, err = a.sendIssue(ctx, n, newsroom.Order{Newsletter: o.Default})
	return err
}

func (a *app) sayDemo(n *newsroom.Newsroom, once bool) {
	c := n.Config
	if once {
		a.say("\nThe newsroom is in %s. To go on with it: tidings -C %s run", c.Dir, c.Dir)
		return
	}
	a.say("\nOpen  %-40s the pages", c.URL)
	a.say("      %-40s a feed for your feed reader", c.URL+"feeds/news.rss")
	a.say("      %-40s the mail that was sent", c.URL+"-/outbox/")
	a.say("\nThe items are in %s: change one and look again. Ctrl-C ends the demo.", c.Items)
}

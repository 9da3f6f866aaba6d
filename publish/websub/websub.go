// Package websub tells a hub that feeds have changed, so that the hub fetches them and passes them on to those who
// subscribed there (W3C WebSub, 23 January 2018).
//
// WebSub leaves open how a publisher does so (§6). Deployed hubs take a form by POST: hub.mode=publish, and the feed's
// address as hub.url (Google, Superfeedr) or hub.topic (Switchboard, WebSubHub), so both are sent. One request names one feed: hubs
// that read the last of several values would miss the others.
//
// A hub is a convenience, and readers poll in any case. So nobody waits for it, and what it does not take in an hour and a half is let go.
// Changes that wait are in memory only.
package websub

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	shortestPause = 10 * time.Second // after the first failure; each further one doubles it
	longestPause  = time.Hour
	maxTries      = 10
	answerWithin  = 15 * time.Second // of one request
	flushWithin   = 10 * time.Second
)

// Pinger tells one hub of changes. Its methods may be called from several goroutines.
type Pinger struct {
	hub    string
	client http.Client
	random func() float64
	log    *slog.Logger
	wake   chan struct{}

	mu      sync.Mutex
	waiting map[string]bool // addresses of feeds
}

// New gives a Pinger for the hub at an address. Random gives numbers from 0 up to 1, that newsrooms which share a hub
// do not all come back to it at once. The client's transport is used; redirects are followed only on the hub's own host.
func New(hub string, client *http.Client, random func() float64, log *slog.Logger) *Pinger {
	p := &Pinger{hub: hub, client: *client, random: random, log: log, wake: make(chan struct{}, 1), waiting: map[string]bool{}}
	p.client.Timeout = cmp.Or(client.Timeout, answerWithin)
	p.client.CheckRedirect = sameHost
	return p
}

// sameHost stops at a redirect that leads elsewhere, or would make a GET of the POST; the redirect is then the answer.
func sameHost(next *http.Request, before []*http.Request) error {
	if next.URL.Host != before[0].URL.Host || next.URL.Scheme != before[0].URL.Scheme || next.Method != http.MethodPost || len(before) > 3 {
		return http.ErrUseLastResponse
	}
	return nil
}

// Changed notes that the feeds at these addresses have changed. It returns at once: Run or Flush tells the hub. A feed that
// waits already is told of once.
func (p *Pinger) Changed(feeds ...string) {
	p.mu.Lock()
	for _, feed := range feeds {
		p.waiting[feed] = true
	}
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// Run tells the hub of changes until ctx ends. While the hub fails it tries again after pauses that grow from ten seconds to an
// hour, or for as long as the hub asks within that hour; after ten tries in a row the feeds that wait are let go.
func (p *Pinger) Run(ctx context.Context) {
	fails := 0
	var retry <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.wake:
			if fails > 0 {
				continue // the pause holds for new changes too
			}
		case <-retry:
		}
		retry = nil
		err := p.tell(ctx)
		if err == nil || ctx.Err() != nil {
			fails = 0
			continue
		}
		if fails++; fails == maxTries {
			p.log.Warn("the hub does not answer; the changes are let go", "hub", p.hub, "feeds", len(p.take()), "err", err)
			fails = 0
			continue
		}
		d := p.pause(fails, err)
		p.log.Warn("the hub was not reached; trying again later", "hub", p.hub, "pause", d.Round(time.Second), "err", err)
		retry = time.After(d)
	}
}

// Flush tells the hub of the changes that wait, once, and takes ten seconds at most. It is for a command that ends. Its error
// tells which feeds the hub does not know of; those that it refuses are logged.
func (p *Pinger) Flush(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, flushWithin)
	defer cancel()
	err := p.tell(ctx)
	p.take()
	return err
}

// pause gives the time until the next try: of a random length from half to the whole of what doubling gives.
func (p *Pinger) pause(fails int, err error) time.Duration {
	d := min(shortestPause<<(fails-1), longestPause)
	d = d/2 + time.Duration(p.random()*float64(d/2))
	if a := (*answer)(nil); errors.As(err, &a) {
		d = max(d, min(a.after, longestPause))
	}
	return d
}

// take empties the list of what waits.
func (p *Pinger) take() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	feeds := slices.Sorted(maps.Keys(p.waiting))
	clear(p.waiting)
	return feeds
}

// putBack makes feeds wait again.
func (p *Pinger) putBack(feeds []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, feed := range feeds {
		p.waiting[feed] = true
	}
}

// tell pings for everything that waits. What failed for now waits again; the error is of these. A hub that gives no answer at all
// is not asked for the others.
func (p *Pinger) tell(ctx context.Context) error {
	var failed []string
	var errs []error
	defer func() { p.putBack(failed) }()
	feeds := p.take()
	for i, feed := range feeds {
		err := p.ping(ctx, feed)
		a := (*answer)(nil)
		switch {
		case err == nil:
			p.log.Debug("the hub knows of a change", "hub", p.hub, "feed", feed)
		case !errors.As(err, &a):
			failed = append(failed, feeds[i:]...)
			return errors.Join(append(errs, err)...)
		case a.passing():
			failed, errs = append(failed, feed), append(errs, fmt.Errorf("%s: %w", feed, err))
		default:
			p.log.Warn("the hub refuses a change; it is not tried again", "hub", p.hub, "feed", feed, "err", err)
		}
	}
	return errors.Join(errs...)
}

// ping makes one request. An answer other than success is an *answer.
func (p *Pinger) ping(ctx context.Context, feed string) error {
	form := url.Values{"hub.mode": {"publish"}, "hub.url": {feed}, "hub.topic": {feed}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.hub, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("User-Agent", "Tidings")
	resp, err := p.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	// What little it says is read, so that the connection can serve the next request.
	said, _ := io.ReadAll(io.LimitReader(resp.Body, 2000))
	if resp.StatusCode/100 == 2 {
		return nil
	}
	seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After")) // RFC 9110 §10.2.3; a date is not worth the trouble
	return &answer{resp.StatusCode, resp.Header.Get("Location"), string(said), time.Duration(seconds) * time.Second}
}

// answer is a hub's answer that is no success.
type answer struct {
	status   int
	location string
	said     string
	after    time.Duration // how long it asks to wait
}

// passing tells whether a later try may do better.
func (a *answer) passing() bool {
	return a.status >= 500 || a.status == http.StatusTooManyRequests || a.status == http.StatusRequestTimeout
}

// Error tells what the hub answered, with its status.
func (a *answer) Error() string {
	if a.status/100 == 3 {
		return fmt.Sprintf("the hub has moved to %q (%d)", a.location, a.status)
	}
	said := strings.Join(strings.Fields(strings.ToValidUTF8(a.said, "")), " ")
	return strings.TrimSpace(fmt.Sprintf("%d %s %.200s", a.status, http.StatusText(a.status), said))
}

package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"tidings/internal/db"
)

// Clerk writes the ledger for all connections of one sender, with one commit for what several of them bring: so the cost of a
// durable commit is shared.
type Clerk struct {
	issue                Issue
	sender               string
	now                  func() time.Time
	log                  *slog.Logger
	writer               *db.Writer
	claim, suppress, end *sql.Stmt
	entries              chan *Receipt
	done                 chan struct{}
	out                  int           // deliveries under way: claims that were granted and have not ended
	pause                time.Duration // between two tries
	patience, grace      time.Duration // for tries, and for those after ctx has ended
}

// Entry is what a connection has to say: how its last delivery ended, whom it wants to send to next, or both.
type Entry struct {
	Ended *Ended
	Claim int64 // a subscriber; 0: nobody
}

// Ended is how the delivery to a subscriber, claimed before, came out.
type Ended struct {
	Subscriber int64
	Outcome
}

// Receipt stands for an entry on its way into the ledger.
type Receipt struct {
	entry   Entry
	granted bool
	err     error
	written chan struct{}
}

// Wait waits until the entry is durable. granted tells whether the claim was: it is not if the person has left meanwhile,
// or someone else has the delivery.
func (r *Receipt) Wait() (granted bool, err error) {
	<-r.written
	return r.granted, r.err
}

// group is the greatest number of entries that share a commit.
const group = 256

// What a clerk writes. A claim looks itself whether the person has left or was suppressed since the issue was opened.
const (
	claimQuery = `UPDATE deliveries SET state = 'sending', sender = $1, tries = tries + 1, changed = $2, revision = $6,
		first_try = CASE WHEN tries = 0 THEN $2 ELSE first_try END
		WHERE issue = $3 AND subscriber = $4 AND state IN ('pending', 'deferred')
		AND EXISTS (SELECT 1 FROM audience WHERE newsletter = $5 AND subscriber = $4)`
	suppressQuery = `UPDATE deliveries SET state = 'suppressed', reply = 'left or suppressed before their turn', changed = $1
		WHERE issue = $2 AND subscriber = $3 AND state IN ('pending', 'deferred')
		AND NOT EXISTS (SELECT 1 FROM audience WHERE newsletter = $4 AND subscriber = $3)`
	endQuery = `UPDATE deliveries SET state = $1, sender = '', reply = $2, next_at = $3, changed = $4, tries = tries - $5
		WHERE issue = $6 AND subscriber = $7 AND state = 'sending' AND sender = $8`
)

// NewClerk starts a clerk for a sender of this name, which no other has or had. It must be closed. It works on when ctx has
// ended, but then it gives a database that cannot be written up within five seconds.
func (l Ledger) NewClerk(ctx context.Context, issue Issue, sender string, now func() time.Time, log *slog.Logger) (*Clerk, error) {
	w, err := l.DB.Writer(ctx)
	if err != nil {
		return nil, err
	}
	c := &Clerk{issue: issue, sender: sender, now: now, log: log, writer: w, entries: make(chan *Receipt, group),
		done: make(chan struct{}), pause: time.Second, patience: time.Minute, grace: time.Second} // a try itself may take two seconds
	for query, s := range map[string]**sql.Stmt{claimQuery: &c.claim, suppressQuery: &c.suppress, endQuery: &c.end} {
		if *s, err = w.Prepare(ctx, query); err != nil {
			return nil, errors.Join(err, w.Close())
		}
	}
	go c.work(ctx)
	return c, nil
}

// Write hands an entry over. It must not be called after Close.
func (c *Clerk) Write(e Entry) *Receipt {
	r := &Receipt{entry: e, written: make(chan struct{})}
	c.entries <- r
	return r
}

// Close waits until all entries are written.
func (c *Clerk) Close() error {
	close(c.entries)
	<-c.done
	return c.writer.Close()
}

func (c *Clerk) work(ctx context.Context) {
	defer close(c.done)
	trying, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(c.grace, stop) })()
	for first := range c.entries {
		c.commit(trying, c.gather(first))
	}
}

// linger is how long an entry waits for those of other connections. A commit costs as much for many as for one, most disks take
// longer for it, and meanwhile the server reads what comes before the message.
const linger = time.Millisecond

// gather gives the entries of the next commit: the first, and those that come until linger is over if others are under way.
func (c *Clerk) gather(first *Receipt) []*Receipt {
	batch := c.add(nil, first)
	if c.out > 0 {
		time.Sleep(linger)
	}
	for len(batch) < group {
		select {
		case r, ok := <-c.entries:
			if !ok {
				return batch
			}
			batch = c.add(batch, r)
		default:
			return batch
		}
	}
	return batch
}

func (c *Clerk) add(batch []*Receipt, r *Receipt) []*Receipt {
	if r.entry.Ended != nil {
		c.out--
	}
	return append(batch, r)
}

// commit tries with patience: a full disk may be cleared, a lock be released. What cannot be written after that stays as it
// is in the ledger, where it is found as unknown.
func (c *Clerk) commit(ctx context.Context, batch []*Receipt) {
	write := func() error {
		return c.writer.Write(ctx, func(ctx context.Context) error { return c.enter(ctx, batch) })
	}
	err := write()
	if err != nil {
		c.log.Error("the ledger cannot be written; sending waits", "issue", c.issue.Name(), "error", err)
	}
	for until := time.Now().Add(c.patience); err != nil && ctx.Err() == nil && time.Now().Before(until); {
		select {
		case <-ctx.Done():
		case <-time.After(c.pause):
			err = write()
		}
	}
	for _, r := range batch {
		if err != nil {
			r.granted, r.err = false, fmt.Errorf("the ledger cannot be written: %w", err)
		}
		if r.granted {
			c.out++
		}
		close(r.written)
	}
}

func (c *Clerk) enter(ctx context.Context, batch []*Receipt) (err error) {
	now := db.Micros(c.now())
	for _, r := range batch {
		if e := r.entry.Ended; e != nil {
			if err := c.enterEnd(ctx, e, now); err != nil {
				return err
			}
		}
		if r.entry.Claim == 0 {
			continue
		}
		if r.granted, err = c.enterClaim(ctx, r.entry.Claim, now); err != nil {
			return err
		}
	}
	return nil
}

func (c *Clerk) enterEnd(ctx context.Context, e *Ended, now int64) error {
	ok, err := changed(c.end.ExecContext(ctx, string(e.State), e.Reply, db.Micros(e.Next), now, untried(e.Outcome), c.issue.ID, e.Subscriber, c.sender))
	if err == nil && !ok {
		c.log.Error("an outcome has no delivery in the ledger", "issue", c.issue.Name(), "subscriber", e.Subscriber, "state", e.State)
	}
	return err
}

func (c *Clerk) enterClaim(ctx context.Context, subscriber, now int64) (granted bool, err error) {
	granted, err = changed(c.claim.ExecContext(ctx, c.sender, now, c.issue.ID, subscriber, c.issue.Newsletter, c.issue.Revision))
	if err == nil && !granted {
		_, err = c.suppress.ExecContext(ctx, now, c.issue.ID, subscriber, c.issue.Newsletter)
	}
	return granted, err
}

// changed tells whether a statement has changed a delivery.
func changed(res sql.Result, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// untried is 1 for an attempt that does not count: nothing was tried after all.
func untried(o Outcome) int {
	if o.State == Pending {
		return 1
	}
	return 0
}

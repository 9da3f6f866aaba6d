package relay

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
)

// Outbox keeps mail in a Maildir instead of sending it: for trying things out and for newsrooms without a relay.
// Any mail program can read it. It may be used from several goroutines and processes at once.
type Outbox struct {
	dir  string
	now  func() time.Time
	host string
}

// delivered counts the deliveries of this process, to any outbox: it is in the file names.
var delivered atomic.Int64

// NewOutbox opens the Maildir at dir, which is made if it is not there, for its owner only. now gives the time that
// becomes part of the file names, by which mail programs sort.
func NewOutbox(dir string, now func() time.Time) (*Outbox, error) {
	for _, sub := range []string{"tmp", "new", "cur"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return nil, err
		}
	}
	host, err := os.Hostname()
	if err != nil {
		return nil, err
	}
	// Both characters have a meaning in a Maildir (https://cr.yp.to/proto/maildir.html).
	host = strings.NewReplacer("/", `\057`, ":", `\072`).Replace(host)
	return &Outbox{dir: dir, now: now, host: host}, nil
}

// Name is the folder.
func (o *Outbox) Name() string { return o.dir }

// Connect gives the outbox itself: there is nothing to connect to.
func (o *Outbox) Connect(ctx context.Context) (Session, error) { return o, ctx.Err() }

// Usable is always true.
func (o *Outbox) Usable() bool { return true }

// Deliver stores the mail in new/, whole or not at all, with the fields Return-Path and Delivered-To on top and the
// line ends of a local file, as a mail server does at final delivery (RFC 5321 §4.4). When the disk fails the mail is
// Deferred.
func (o *Outbox) Deliver(ctx context.Context, m Mail) (Reply, error) {
	if err := ctx.Err(); err != nil {
		return Reply{}, err
	}
	e, refused := seal(m)
	if refused != nil {
		return *refused, nil
	}
	if m.Ready != nil {
		if err := m.Ready(); err != nil {
			return Reply{}, err
		}
	}
	head := fmt.Sprintf("Return-Path: <%s>\nDelivered-To: %s\n", e.from, e.to)
	name := o.name()
	if err := o.store(name, head, bytes.ReplaceAll(m.Msg, []byte("\r\n"), []byte("\n"))); err != nil {
		return Reply{State: Deferred, Text: oneLine(err.Error())}, nil
	}
	return Reply{State: Accepted, Text: "stored as " + name}, nil
}

// Close has nothing to close.
func (o *Outbox) Close() error { return nil }

func (o *Outbox) name() string {
	t := o.now()
	return fmt.Sprintf("%d.M%06dP%dQ%d.%s", t.Unix(), t.Nanosecond()/1000, os.Getpid(), delivered.Add(1), o.host)
}

func (o *Outbox) store(name, head string, body []byte) (err error) {
	tmp := filepath.Join(o.dir, "tmp", name)
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append([]byte(head), body...))
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(tmp, filepath.Join(o.dir, "new", name))
	}
	if err != nil {
		_ = os.Remove(tmp) // the first error says what went wrong
	}
	return err
}

package newsroom

import (
	"context"
	"fmt"
	"slices"

	"tidings/subscribers"
)

// Parted is how someone stands with a newsletter, as the page behind the link in their mail shows it.
type Parted struct {
	// State is "ask": gets it; "done": has left it just now; "left": had left it before; "back": has subscribed again just now; "test":
	// the link of a preview.
	State      string
	Returnable bool   // has left it by such a link, and may come back by it
	Newsletter string // title
	Address    string // masked
	Language   string // the subscriber's
}

// nobody is the subscriber of previews and test mails; real ones have positive ids.
const nobody = 0

// What is noted of the consent of those who leave by the link in a mail, and come back by it.
const (
	leftByLink = "link in a mail"
	backByLink = "link in a mail, after leaving by it"
)

// Parting is Standing, Leave or Return.
type Parting func(ctx context.Context, token string) (Parted, error)

// Standing tells who a link is for, and changes nothing. Errors: subscribers.ErrToken, subscribers.ErrUnknown.
func (n *Newsroom) Standing(ctx context.Context, token string) (Parted, error) {
	c, p, err := n.parting(ctx, token)
	if err != nil {
		return p, err
	}
	if p.State == "test" {
		return p, nil
	}
	s, err := n.Subscribers.ByID(ctx, c.Subscriber)
	if err != nil || slices.Contains(s.Newsletters, c.Newsletter) {
		return p, err
	}
	p.State = "left"
	p.Returnable, err = n.mayReturn(ctx, c)
	return p, err
}

// Leave ends the subscription that a link is for; doing it again changes nothing. Errors: subscribers.ErrToken,
// subscribers.ErrUnknown.
func (n *Newsroom) Leave(ctx context.Context, token string) (Parted, error) {
	c, p, err := n.parting(ctx, token)
	if err != nil {
		return p, err
	}
	if p.State == "test" {
		return p, nil
	}
	d, err := n.Subscribers.Leave(ctx, c.Subscriber, c.Newsletter, leftByLink, n.now())
	if err != nil {
		return p, err
	}
	if p.State = "done"; d.Already {
		p.State = "left"
	} else {
		n.log.Info("unsubscribed", "newsletter", c.Newsletter, "subscriber", c.Subscriber)
	}
	p.Returnable, err = n.mayReturn(ctx, c)
	return p, err
}

// Return takes up the subscription that a link is for, if it was ended by such a link; doing it again changes nothing. Errors:
// subscribers.ErrToken, subscribers.ErrUnknown.
func (n *Newsroom) Return(ctx context.Context, token string) (Parted, error) {
	p, err := n.Standing(ctx, token)
	if p.State == "ask" { // they are back already
		p.State = "back"
	}
	if err != nil || !p.Returnable {
		return p, err
	}
	p.Returnable = false
	c, err := n.Keys.Parse(token)
	if err != nil {
		return p, err
	}
	back, err := n.Subscribers.Return(ctx, c.Subscriber, c.Newsletter, leftByLink, backByLink, n.now())
	if back {
		p.State = "back"
		n.log.Info("subscribed again", "newsletter", c.Newsletter, "subscriber", c.Subscriber)
	}
	return p, err
}

// mayReturn tells whether a link may take up again what it ended: the newsletter is still there, and the address takes mail.
func (n *Newsroom) mayReturn(ctx context.Context, c subscribers.Claim) (bool, error) {
	if _, err := n.newsletter(c.Newsletter); err != nil {
		return false, nil //nolint:nilerr // there is nothing to return to
	}
	return n.Subscribers.MayReturn(ctx, c.Subscriber, c.Newsletter, leftByLink)
}

func (n *Newsroom) parting(ctx context.Context, token string) (subscribers.Claim, Parted, error) {
	c, err := n.Keys.Parse(token)
	if err != nil {
		return c, Parted{}, err
	}
	if c.Subscriber == nobody {
		return c, Parted{State: "test", Language: n.Config.Language}, nil
	}
	s, err := n.Subscribers.ByID(ctx, c.Subscriber)
	if err != nil {
		return c, Parted{}, fmt.Errorf("subscriber %d: %w", c.Subscriber, err)
	}
	p := Parted{State: "ask", Newsletter: c.Newsletter, Address: subscribers.Mask(s.Email), Language: n.locale(s.Language).Lang}
	if nl, ok := n.Config.Newsletters[c.Newsletter]; ok {
		p.Newsletter = nl.Title
	}
	return c, p, nil
}

package newsroom

import (
	"context"
	"fmt"
	"slices"

	"tidings/subscribers"
)

// Parted is how someone stands with a newsletter, as the page behind the link in their mail shows it.
type Parted struct {
	State      string // "ask": gets it; "done": has left it just now; "left": had left it before; "test": the link of a preview
	Newsletter string // title
	Address    string // masked
	Language   string // the subscriber's
}

// nobody is the subscriber of previews and test mails; real ones have positive ids.
const nobody = 0

// Parting is Standing or Leave.
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
	if err == nil && !slices.Contains(s.Newsletters, c.Newsletter) {
		p.State = "left"
	}
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
	d, err := n.Subscribers.Leave(ctx, c.Subscriber, c.Newsletter, "link in a mail", n.now())
	if err != nil {
		return p, err
	}
	if p.State = "done"; d.Already {
		p.State = "left"
	} else {
		n.log.Info("unsubscribed", "newsletter", c.Newsletter, "subscriber", c.Subscriber)
	}
	return p, nil
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

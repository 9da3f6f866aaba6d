// Package subscribers keeps who gets which newsletter, how we know that they want it, and the keys of the links by which
// they leave. It is the only package that sees addresses besides the mailer, which reads the view audience.
//
// # What it promises
//
// Nobody who left a newsletter, and nobody whose address is suppressed, is brought back by Add or Import, only by Return; every
// subscription has a line in consents that says where it came from, and every departure one that says when. Privacy:
// errors and tokens hold no address, and callers log the subscriber's id, never the address. Only the problems of an
// import quote what stands in the file, to the person whose file it is.
//
// # The list as a file
//
// Import reads and Export writes CSV (RFC 4180) in UTF-8 with a header:
//
//	email,name,newsletters,language
//	ada@example.com,Ada Lovelace,weekly events,en
//
// The columns may stand in any order; only email is required, unknown ones are ignored with a warning. Their usual names
// in English, French, German and Spanish will do, whatever their case, hyphens and spaces: E-Mail, Courriel, Sprache. A
// first and a last name are joined where there is no column name. Fields are separated by comma, semicolon or tab,
// whichever the header uses; those missing at the end of a row are empty. The email may be Ada <ada@example.com>, whose
// name counts where the row has no other. Newsletters are separated by space, semicolon, bar or, in a quoted field,
// comma; those that do not exist are left out with a warning, as long as one does. A byte order mark and line ends of any
// system are accepted. Only columns that are ignored may hold line breaks: so an unclosed quotation mark costs its own
// row and no other. A line has at most 64 KiB.
//
// The export holds those who get at least one newsletter, by address. People who left every newsletter and suppressed
// addresses are not in it, and neither are the consents: it is a list to carry elsewhere, not a backup.
//
// It is assumed that newsletters are named by slugs, without the separators above, and that the tables are those of
// package db, where Write gives one writer at a time.
package subscribers

import (
	"errors"
	"time"
)

// ErrUnknown is returned for a subscriber, or a subscription, that does not exist.
var ErrUnknown = errors.New("no such subscriber")

// Subscriber is a person who gets, or got, newsletters. Text is UTF-8 without control characters.
type Subscriber struct {
	ID            int64 // random and positive; chosen by Add
	Email         string
	Name          string         // plain text, at most 200 characters; may be empty
	Language      string         // BCP 47 tag; empty: the newsroom's
	Newsletters   []string       // those wanted; from List and ByID: those that are active
	Created       time.Time      // UTC; set by List and ByID
	Subscriptions []Subscription // by newsletter; set by List and ByID
	Suppressed    *Suppression   // nil: mail may be sent; set by List and ByID
}

// State is that of a subscription.
type State string

// The states of a subscription.
const (
	Active State = "active"
	Left   State = "left"
)

// Subscription is a person's standing with one newsletter, and since when (UTC) it is so.
type Subscription struct {
	Newsletter string
	State      State
	Since      time.Time
}

// Suppression says why, and since when (UTC), no mail goes to an address.
type Suppression struct {
	Reason string
	At     time.Time
}

// Result is what came of a wish to subscribe: every newsletter that was asked for is in one of the lists, unless the
// address is suppressed: then nothing was done.
type Result struct {
	ID         int64 // the subscriber's; 0 for a suppressed address that never subscribed
	Added      []string
	AlreadyIn  []string
	Left       []Subscription // left before, and therefore not added
	Suppressed *Suppression   // nil: not suppressed

	repeated bool // all of AlreadyIn was added at this very moment: by an earlier row of the same import
}

// Departure is what came of leaving a newsletter.
type Departure struct {
	Email   string
	At      time.Time // when they left, UTC
	Already bool      // they had left before; nothing was changed
}

package ledger

import "time"

// The queries that run for every delivery or page, so that a test can ask the database how it runs them.
const (
	ClaimQuery    = claimQuery
	SuppressQuery = suppressQuery
	EndQuery      = endQuery
	TurnsQuery    = turnsQuery
	PeopleQuery   = peopleQuery
	NextTry       = nextTry
	HasWork       = hasWork
)

// Hurry sets a clerk's pause between tries, and for how long it tries in all and after its context has ended. It must be
// called before the first Write.
func (c *Clerk) Hurry(pause, patience, grace time.Duration) {
	c.pause, c.patience, c.grace = pause, patience, grace
}

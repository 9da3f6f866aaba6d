package ledger

// The queries of Claim, so that a test can ask the database how it runs them.
const (
	NextPending  = nextPending
	NextDeferred = nextDeferred
)

package ledger

import (
	"context"
	"time"

	"tidings/internal/db"
)

// Recipient is whose turn it is, as they are at this moment.
type Recipient struct {
	Subscriber int64
	Email      string
	Name       string
	Language   string
	Tries      int       // this one included
	First      time.Time // when the first one was; zero if this is it
}

// Turn is a delivery whose turn has come.
type Turn struct {
	Recipient
	Wanted bool // false: the person has left or was suppressed; a claim settles it
}

// OnlyReopened is the time at which it is nobody's turn but theirs whom Reopen has set back.
var OnlyReopened = time.UnixMicro(-1)

// Turns lists deliveries of an issue whose turn has come, in order of subscribers, at most limit of them behind the one after:
// those in state Pending, or in state Deferred those whose pause is over by now. At the time OnlyReopened it is those alone that Reopen
// has made pending again.
func (l Ledger) Turns(ctx context.Context, issue Issue, state State, after int64, now time.Time, limit int) ([]Turn, error) {
	turns, err := l.page(ctx, turnsQuery, issue.ID, state, after, db.Micros(now), limit)
	if err != nil || len(turns) == 0 {
		return nil, err
	}
	// Not as one outer join: SQLite would make the whole audience anew for each page.
	people, err := l.people(ctx, issue, state, turns[0].Subscriber, turns[len(turns)-1].Subscriber, now)
	if err != nil {
		return nil, err
	}
	for i := range turns {
		if p, ok := people[turns[i].Subscriber]; ok {
			p.Tries, p.First = turns[i].Tries, turns[i].First
			turns[i] = Turn{Recipient: p, Wanted: true}
		}
	}
	return turns, nil
}

const (
	turnsQuery = `SELECT subscriber, tries + 1, CASE WHEN tries = 0 THEN 0 ELSE first_try END FROM ` + openDeliveries + `
		WHERE issue = $1 AND state = $2 AND subscriber > $3 AND next_at <= $4 AND ` + open + ` ORDER BY subscriber LIMIT $5`
	peopleQuery = `SELECT subscriber, email, name, language FROM audience WHERE newsletter = $1 AND subscriber IN
		(SELECT subscriber FROM ` + openDeliveries + ` WHERE issue = $2 AND subscriber BETWEEN $3 AND $4 AND state = $5 AND next_at <= $6 AND ` + open + `)`
)

func (l Ledger) page(ctx context.Context, query string, args ...any) ([]Turn, error) {
	rows, err := l.DB.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var turns []Turn
	for rows.Next() {
		var t Turn
		var first int64
		if err := rows.Scan(&t.Subscriber, &t.Tries, &first); err != nil {
			return nil, err
		}
		t.First = db.Time(first)
		turns = append(turns, t)
	}
	return turns, rows.Err()
}

// people are those whose turn it is, from first to last, who would get the newsletter now.
func (l Ledger) people(ctx context.Context, issue Issue, state State, first, last int64, now time.Time) (map[int64]Recipient, error) {
	rows, err := l.DB.QueryContext(ctx, peopleQuery, issue.Newsletter, issue.ID, first, last, state, db.Micros(now))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	people := map[int64]Recipient{}
	for rows.Next() {
		var r Recipient
		if err := rows.Scan(&r.Subscriber, &r.Email, &r.Name, &r.Language); err != nil {
			return nil, err
		}
		people[r.Subscriber] = r
	}
	return people, rows.Err()
}

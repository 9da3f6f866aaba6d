package subscribers

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"tidings/internal/db"
)

// entry is a wish to subscribe, checked.
type entry struct {
	line        int // in the file it comes from
	addr        Address
	name        string
	language    string
	newsletters []string
}

// atOnce is how many rows share one statement: enough that the cost of a call no longer shows, and no more, for SQLite
// finds a placeholder by going through all those before it.
const atOnce = 25

// admit subscribes the entries within tx and returns a result for each.
func (s *Store) admit(ctx context.Context, tx *sql.Tx, entries []entry, source string, now time.Time) ([]Result, error) {
	results := make([]Result, 0, len(entries))
	st := statements{tx, map[string]*sql.Stmt{}}
	ids, err := newIDs(ctx, st, s.Random, len(entries))
	if err != nil {
		return nil, err
	}
	for part := range slices.Chunk(entries, atOnce) {
		a := admission{members: map[string]*member{}, at: db.Micros(now)}
		if err := a.load(ctx, st, part); err != nil {
			return nil, err
		}
		for _, e := range part {
			results = append(results, a.decide(e))
		}
		if err := a.store(ctx, st, ids[len(results)-len(part):], source); err != nil {
			return nil, err
		}
		for i, e := range part {
			results[len(results)-len(part)+i].ID = a.members[e.addr.Folded].id
		}
	}
	return results, nil
}

// admission is the work on the entries of one statement.
type admission struct {
	members map[string]*member // by folded address
	at      int64
	fresh   []*member // not yet in the database
	joins   []join
}

// member is what the database, and the entries up to now, say of an address.
type member struct {
	id            int64 // 0: not in the database
	subscriptions []Subscription
	suppressed    *Suppression
	entry         entry
}

type join struct {
	member     *member
	newsletter string
}

func (a *admission) load(ctx context.Context, st statements, entries []entry) error {
	addresses := make([]any, len(entries))
	for i, e := range entries {
		addresses[i] = e.addr.Folded
		a.members[e.addr.Folded] = &member{}
	}
	if err := a.loadSubscriptions(ctx, st, addresses); err != nil {
		return err
	}
	return a.loadSuppressions(ctx, st, addresses)
}

func (a *admission) loadSubscriptions(ctx context.Context, st statements, addresses []any) error {
	rows, err := st.query(ctx, `SELECT s.address, s.id, COALESCE(p.newsletter, ''), COALESCE(p.state, ''), COALESCE(p.changed, 0)
		FROM subscribers s LEFT JOIN subscriptions p ON p.subscriber = s.id WHERE s.address IN `+tuples(1, len(addresses)), addresses...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var address string
		var id, changed int64
		var p Subscription
		if err := rows.Scan(&address, &id, &p.Newsletter, &p.State, &changed); err != nil {
			return err
		}
		p.Since = db.Time(changed)
		m := a.members[address]
		m.id, m.subscriptions = id, append(m.subscriptions, p)
	}
	return rows.Err()
}

func (a *admission) loadSuppressions(ctx context.Context, st statements, addresses []any) error {
	rows, err := st.query(ctx, `SELECT address, reason, at FROM suppressions WHERE address IN `+tuples(1, len(addresses)), addresses...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var address, reason string
		var at int64
		if err := rows.Scan(&address, &reason, &at); err != nil {
			return err
		}
		a.members[address].suppressed = &Suppression{reason, db.Time(at)}
	}
	return rows.Err()
}

// decide notes what is to be added for e. An address that comes again finds what an entry before it did.
func (a *admission) decide(e entry) Result {
	m := a.members[e.addr.Folded]
	if m.suppressed != nil {
		return Result{Suppressed: m.suppressed}
	}
	if m.id == 0 && len(m.subscriptions) == 0 {
		m.entry = e
		a.fresh = append(a.fresh, m)
	}
	r := Result{repeated: true}
	for _, n := range e.newsletters {
		i := slices.IndexFunc(m.subscriptions, func(p Subscription) bool { return p.Newsletter == n })
		switch {
		case i < 0:
			m.subscriptions = append(m.subscriptions, Subscription{n, Active, db.Time(a.at)})
			a.joins = append(a.joins, join{m, n})
			r.Added = append(r.Added, n)
		case m.subscriptions[i].State == Left:
			r.Left = append(r.Left, m.subscriptions[i])
		default:
			r.AlreadyIn = append(r.AlreadyIn, n)
			r.repeated = r.repeated && db.Micros(m.subscriptions[i].Since) == a.at
		}
	}
	return r
}

func (a *admission) store(ctx context.Context, st statements, ids []int64, source string) error {
	var people, subscriptions, consents []any
	for i, m := range a.fresh {
		m.id = ids[i]
		people = append(people, m.id, m.entry.addr.Email, m.entry.addr.Folded, m.entry.name, m.entry.language, a.at)
	}
	for _, j := range a.joins {
		subscriptions = append(subscriptions, j.member.id, j.newsletter, string(Active), a.at)
		consents = append(consents, j.member.id, j.newsletter, "given", source, a.at)
	}
	return errors.Join(
		insert(ctx, st, "subscribers (id, email, address, name, language, created)", 6, people),
		insert(ctx, st, "subscriptions (subscriber, newsletter, state, changed)", 4, subscriptions),
		insert(ctx, st, "consents (subscriber, newsletter, action, source, at)", 5, consents),
	)
}

// insert adds rows of the given width, atOnce of them a statement; values are those of all rows, one after the other.
func insert(ctx context.Context, st statements, table string, width int, values []any) error {
	for part := range slices.Chunk(values, width*atOnce) {
		stmt, err := st.prepare(ctx, "INSERT INTO "+table+" VALUES "+tuples(len(part)/width, width))
		if err != nil {
			return err
		}
		if _, err := stmt.ExecContext(ctx, part...); err != nil {
			return err
		}
	}
	return nil
}

// statements are the prepared ones of a transaction, which closes them when it ends.
type statements struct {
	tx   *sql.Tx
	made map[string]*sql.Stmt
}

func (st statements) prepare(ctx context.Context, text string) (*sql.Stmt, error) {
	if s, ok := st.made[text]; ok {
		return s, nil
	}
	s, err := st.tx.PrepareContext(ctx, text)
	if err == nil {
		st.made[text] = s
	}
	return s, err
}

func (st statements) query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	s, err := st.prepare(ctx, text)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}

// tuples gives n tuples of placeholders: ($1, $2), ($3, $4).
func tuples(n, width int) string {
	var b strings.Builder
	for i := range n * width {
		switch {
		case i == 0:
			b.WriteString("(")
		case i%width == 0:
			b.WriteString("), (")
		default:
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "$%d", i+1)
	}
	b.WriteString(")")
	return b.String()
}

// newIDs makes n ids that no subscriber has: positive, of 63 random bits, so that none that was ever mailed comes again.
// They are sorted, for rows that go into an index in its order touch each of its pages once (twice as fast at 100,000
// rows, together with the sorting of addresses in Import).
func newIDs(ctx context.Context, st statements, random io.Reader, n int) ([]int64, error) {
	var ids []int64
	for try := 0; len(ids) < n; try++ {
		if try == 10 {
			return nil, errors.New("the source of random numbers repeats itself")
		}
		more, err := randomIDs(random, n-len(ids))
		if err != nil {
			return nil, err
		}
		taken, err := takenIDs(ctx, st, more)
		if err != nil {
			return nil, err
		}
		ids = append(ids, slices.DeleteFunc(more, func(id int64) bool { return id == 0 || slices.Contains(taken, id) })...)
		slices.Sort(ids)
		ids = slices.Compact(ids)
	}
	return ids, nil
}

func randomIDs(random io.Reader, n int) ([]int64, error) {
	b := make([]byte, 8*n)
	if _, err := io.ReadFull(random, b); err != nil {
		return nil, fmt.Errorf("random numbers: %w", err)
	}
	ids := make([]int64, n)
	for i := range ids {
		ids[i] = int64(binary.BigEndian.Uint64(b[8*i:]) & math.MaxInt64)
	}
	return ids, nil
}

func takenIDs(ctx context.Context, st statements, ids []int64) ([]int64, error) {
	var taken []int64
	for part := range slices.Chunk(ids, atOnce) {
		args := make([]any, len(part))
		for i, id := range part {
			args[i] = id
		}
		rows, err := st.query(ctx, `SELECT id FROM subscribers WHERE id IN `+tuples(1, len(part)), args...)
		if err != nil {
			return nil, err
		}
		for rows.Next() {
			var id int64
			err = errors.Join(err, rows.Scan(&id))
			taken = append(taken, id)
		}
		if err := errors.Join(err, rows.Err(), rows.Close()); err != nil {
			return nil, err
		}
	}
	return taken, nil
}

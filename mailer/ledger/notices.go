package ledger

import (
	"context"
	"database/sql"
	"time"

	"tidings/internal/db"
)

// Notice is a mail that tells one of the staff about an issue. There is one of each kind for an issue and an address; it is owed
// until it was sent, and kept then, so that nothing is told twice.
type Notice struct {
	Issue    Issue // its ID, Newsletter and Number alone
	Kind     string
	Email    string
	Message  []byte    // as composed, without a signature
	Accepted int       // how many of the issue's recipients were accepted when it was written
	Written  time.Time // when what it tells happened
	Due      time.Time // not to be sent before
	Sent     time.Time // zero while it is owed
}

// SaveNotice keeps a notice, in the place of one of the same issue, kind and address.
func (l Ledger) SaveNotice(ctx context.Context, n Notice) error {
	return l.DB.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO notices (issue, kind, email, message, accepted, written, due, sent)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (issue, kind, email) DO UPDATE SET message = excluded.message,
			accepted = excluded.accepted, written = excluded.written, due = excluded.due, sent = excluded.sent`,
			n.Issue.ID, n.Kind, n.Email, n.Message, n.Accepted, db.Micros(n.Written), db.Micros(n.Due), db.Micros(n.Sent))
		return err
	})
}

// DropNotice forgets a notice, as if it had never been written.
func (l Ledger) DropNotice(ctx context.Context, n Notice) error {
	return l.DB.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM notices WHERE issue = $1 AND kind = $2 AND email = $3`, n.Issue.ID, n.Kind, n.Email)
		return err
	})
}

// Notices gives an issue's notices of a kind, owed and sent.
func (l Ledger) Notices(ctx context.Context, i Issue, kind string) ([]Notice, error) {
	return l.notices(ctx, `WHERE n.issue = $1 AND n.kind = $2`, i.ID, kind)
}

// LastNotice is when the last notice of a kind was written, of any issue; zero if none was.
func (l Ledger) LastNotice(ctx context.Context, kind string) (time.Time, error) {
	var at int64
	err := l.DB.QueryRowContext(ctx, `SELECT COALESCE(MAX(written), 0) FROM notices WHERE kind = $1`, kind).Scan(&at)
	return db.Time(at), err
}

// OwedNotices gives the notices about a newsletter's issues that are owed and due, oldest first.
func (l Ledger) OwedNotices(ctx context.Context, newsletter string, now time.Time) ([]Notice, error) {
	return l.notices(ctx, `WHERE i.newsletter = $1 AND n.sent = 0 AND n.due <= $2`, newsletter, db.Micros(now))
}

func (l Ledger) notices(ctx context.Context, where string, args ...any) ([]Notice, error) {
	rows, err := l.DB.QueryContext(ctx, `SELECT i.id, i.newsletter, i.number, n.kind, n.email, n.message, n.accepted, n.written, n.due, n.sent
		FROM notices n JOIN issues i ON i.id = n.issue `+where+` ORDER BY n.written, n.issue, n.kind, n.email`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Notice
	for rows.Next() {
		var n Notice
		var written, due, sent int64
		if err := rows.Scan(&n.Issue.ID, &n.Issue.Newsletter, &n.Issue.Number, &n.Kind, &n.Email, &n.Message, &n.Accepted, &written, &due, &sent); err != nil {
			return nil, err
		}
		n.Written, n.Due, n.Sent = db.Time(written), db.Time(due), db.Time(sent)
		out = append(out, n)
	}
	return out, rows.Err()
}

package ledger

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"tidings/internal/db"
)

// Revise replaces what an issue shows, and its composed messages, for those who have not been sent it yet: stories, so many of
// them, were taken out. It gives the issue with its new revision.
func (l Ledger) Revise(ctx context.Context, i Issue, messages []byte, stories int, now time.Time) (Issue, error) {
	err := l.DB.Write(ctx, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, `UPDATE issues SET content = $1, messages = $2, revision = revision + 1 WHERE id = $3 RETURNING revision`,
			i.Content, messages, i.ID).Scan(&i.Revision)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO revisions (issue, number, stories, created) VALUES ($1, $2, $3, $4)`,
			i.ID, i.Revision, stories, db.Micros(now))
		return err
	})
	return i, err
}

// CallOff moves those who have not been sent the issue yet to Suppressed, for a reason.
func (l Ledger) CallOff(ctx context.Context, i Issue, reason string, now time.Time) error {
	return l.DB.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE `+openDeliveries+` SET state = 'suppressed', reply = $1, changed = $2
			WHERE issue = $3 AND state IN ('pending', 'deferred') AND `+open, reason, db.Micros(now), i.ID)
		return err
	})
}

// Revision is one state of an issue's content, and how many have got it.
type Revision struct {
	Number  int       // 1 is the issue as it was first composed
	Created time.Time // zero for the first
	Stories int       // how many were taken out of the one before
	Sent    int       // recipients to whom it went: accepted and unknown
}

// Revisions gives the revisions of an issue, the first one first.
func (l Ledger) Revisions(ctx context.Context, i Issue) ([]Revision, error) {
	rows, err := l.DB.QueryContext(ctx, `SELECT r.number, r.stories, r.created, COUNT(d.subscriber)
		FROM (SELECT 1 AS number, 0 AS stories, 0 AS created UNION ALL SELECT number, stories, created FROM revisions WHERE issue = $1) r
		LEFT JOIN deliveries d ON d.issue = $1 AND d.revision = r.number AND d.state IN ('accepted', 'unknown')
		GROUP BY r.number, r.stories, r.created ORDER BY r.number`, i.ID)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Revision
	for rows.Next() {
		var r Revision
		var created int64
		if err := rows.Scan(&r.Number, &r.Stories, &created, &r.Sent); err != nil {
			return nil, err
		}
		r.Created = db.Time(created)
		out = append(out, r)
	}
	return out, rows.Err()
}

// IssuesWith gives the issues that hold any of these stories, oldest first.
func (l Ledger) IssuesWith(ctx context.Context, stories []string) ([]Issue, error) {
	all, err := l.Issues(ctx, "")
	if err != nil {
		return nil, err
	}
	has := map[int64]bool{}
	for _, story := range stories {
		rows, err := l.DB.QueryContext(ctx, `SELECT issue FROM issue_items WHERE story = $1`, story)
		if err != nil {
			return nil, err
		}
		for rows.Next() {
			var id int64
			if err := rows.Scan(&id); err != nil {
				return nil, errors.Join(err, rows.Close())
			}
			has[id] = true
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc(all, func(i Issue) bool { return !has[i.ID] }), nil
}

// Scrub replaces what is kept of an issue's content and messages, for a story that was erased, and forgets the notices about it, which may
// name the story. Without messages the content stays as it is.
func (l Ledger) Scrub(ctx context.Context, i Issue, messages []byte) error {
	return l.DB.Write(ctx, func(tx *sql.Tx) error {
		if messages != nil {
			if _, err := tx.ExecContext(ctx, `UPDATE issues SET content = $1, messages = $2 WHERE id = $3`, i.Content, messages, i.ID); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM notices WHERE issue = $1`, i.ID)
		return err
	})
}

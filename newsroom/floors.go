package newsroom

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"tidings/publish"
)

// The floors of the feeds are one setting: they are read and written as a whole.

// floors gives what has left the window of each feed.
func (n *Newsroom) floors(ctx context.Context) (map[string]publish.Floor, error) {
	var text string
	err := n.db.QueryRowContext(ctx, `SELECT value FROM settings WHERE name = 'floors'`).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	var floors map[string]publish.Floor
	if err := json.Unmarshal([]byte(text), &floors); err != nil {
		return nil, fmt.Errorf("the feeds' floors in the database: %w", err)
	}
	return floors, nil
}

// saveFloors remembers what has left the window of each feed by now.
func (n *Newsroom) saveFloors(ctx context.Context, site publish.Site) error {
	floors := site.Floors()
	text, err := json.Marshal(floors)
	if err != nil {
		return err
	}
	if last, err := json.Marshal(site.Feeds.Floors); err != nil || string(last) == string(text) || len(floors) == 0 {
		return err
	}
	return n.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO settings (name, value) VALUES ('floors', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, string(text))
		return err
	})
}

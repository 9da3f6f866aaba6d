package newsroom

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"tidings/publish"
)

// memory is what the guards must know of earlier publications. Each field is a setting in the database, which is read and written as a
// whole.
type memory struct {
	floors  map[string]publish.Floor // what has left the window of each feed, by its name
	unseen  []string                 // ids of the stories that the feed of all news held back, and has not shown since; sorted
	changed map[string]string        // ids of stories, and those by which readers know them
}

func (m *memory) settings() map[string]any {
	return map[string]any{"floors": &m.floors, "unseen": &m.unseen, "changed": &m.changed}
}

// memory reads what is remembered.
func (n *Newsroom) memory(ctx context.Context) (m memory, err error) {
	rows, err := n.db.QueryContext(ctx, `SELECT name, value FROM settings WHERE name IN ('floors', 'unseen', 'changed')`)
	if err != nil {
		return m, err
	}
	defer rows.Close()
	settings := m.settings()
	for rows.Next() {
		var name, value string
		if err := rows.Scan(&name, &value); err != nil {
			return m, err
		}
		if err := json.Unmarshal([]byte(value), settings[name]); err != nil {
			return m, fmt.Errorf("the setting %s in the database: %w", name, err)
		}
	}
	return m, rows.Err()
}

// saveMemory remembers what has left the windows of the feeds by now, and what they never showed.
func (n *Newsroom) saveMemory(ctx context.Context, site publish.Site) error {
	last, err := n.memory(ctx)
	if err != nil {
		return err
	}
	now := memory{site.Floors(), slices.Sorted(maps.Keys(site.Feeds.Unseen)), site.Feeds.Changed}
	values := map[string]string{}
	were := last.settings()
	for name, field := range now.settings() {
		text, err := json.Marshal(field)
		if err != nil {
			return err
		}
		was, err := json.Marshal(were[name])
		if err != nil {
			return err
		}
		if string(text) != string(was) {
			values[name] = string(text)
		}
	}
	if len(values) == 0 {
		return nil
	}
	return n.db.Write(ctx, func(tx *sql.Tx) error {
		for _, name := range slices.Sorted(maps.Keys(values)) {
			if _, err := tx.ExecContext(ctx, `INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, values[name]); err != nil {
				return err
			}
		}
		return nil
	})
}

package items

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"tidings/internal/db"
)

// Store keeps the stories in the database. It remembers what it read and wrote, so that loading again costs little as long as no
// other process has changed them. It may be used by several goroutines at once.
type Store struct {
	DB       *db.DB
	Host     string         // of the newsroom's url; used until one is fixed in the database
	Location *time.Location // of whole days

	mu    sync.Mutex
	known Known  // as it is at version
	at    string // "" when nothing is remembered
}

// Load reads all that is known. The result must not be changed.
func (s *Store) Load(ctx context.Context) (Known, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	version, err := s.version(ctx)
	if err != nil || version != "" && version == s.at {
		return s.known, err
	}
	k, err := s.load(ctx)
	if err == nil {
		k.version = version
		s.known, s.at = k, version
	}
	return k, err
}

// version changes with every change of the stories; it is "" before the first.
func (s *Store) version(ctx context.Context) (v string, err error) {
	err = s.DB.QueryRowContext(ctx, `SELECT value FROM settings WHERE name = 'stories'`).Scan(&v)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return v, err
}

func (s *Store) load(ctx context.Context) (Known, error) {
	k := Known{Slugs: map[string]string{}}
	var err error
	if k.Host, err = s.FixedHost(ctx); err != nil {
		return k, err
	}
	if err := s.loadSlugs(ctx, k.Slugs); err != nil {
		return k, err
	}
	rows, err := s.DB.QueryContext(ctx, `SELECT id, slug, path, hash, version_of, item, status, first_published, updated, gone FROM stories ORDER BY id`)
	if err != nil {
		return k, err
	}
	defer rows.Close()
	for rows.Next() {
		story, err := s.scan(rows)
		if err != nil {
			return k, err
		}
		k.Stories = append(k.Stories, story)
	}
	return k, rows.Err()
}

// TakenBack gives those of these stories that are withdrawn or erased.
func (s *Store) TakenBack(ctx context.Context, among []string) (map[string]bool, error) {
	args, marks := make([]any, len(among)), make([]string, len(among))
	for i, id := range among {
		args[i], marks[i] = id, "$"+strconv.Itoa(i+1)
	}
	rows, err := s.DB.QueryContext(ctx, `SELECT id FROM stories WHERE status IN ('withdrawn', 'erased') AND id IN (`+strings.Join(marks, ", ")+`)`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	ids := map[string]bool{}
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids[id] = true
	}
	return ids, rows.Err()
}

// Withdrawn gives the slugs of the stories that are withdrawn.
func (s *Store) Withdrawn(ctx context.Context) (slugs []string, err error) {
	rows, err := s.DB.QueryContext(ctx, `SELECT slug FROM stories WHERE status = 'withdrawn' ORDER BY slug`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var slug string
		if err := rows.Scan(&slug); err != nil {
			return nil, err
		}
		slugs = append(slugs, slug)
	}
	return slugs, rows.Err()
}

// FixedHost is the host in every id: that of the newsroom's url when it was first used.
func (s *Store) FixedHost(ctx context.Context) (string, error) {
	host := s.Host
	err := s.DB.QueryRowContext(ctx, `SELECT value FROM settings WHERE name = 'host'`).Scan(&host)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return host, err
}

func (s *Store) loadSlugs(ctx context.Context, slugs map[string]string) error {
	rows, err := s.DB.QueryContext(ctx, `SELECT slug, story FROM story_slugs`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var slug, story string
		if err := rows.Scan(&slug, &story); err != nil {
			return err
		}
		slugs[slug] = story
	}
	return rows.Err()
}

func (s *Store) scan(rows *sql.Rows) (Story, error) {
	var st Story
	var item string
	var first, updated, gone int64
	if err := rows.Scan(&st.ID, &st.Slug, &st.Path, &st.Hash, &st.Of, &item, &st.Status, &first, &updated, &gone); err != nil {
		return st, err
	}
	st.FirstPublished, st.Updated, st.Gone = db.Time(first), db.Time(updated), db.Time(gone)
	if item == "" {
		return st, nil
	}
	st.Item = &Item{}
	if err := json.Unmarshal([]byte(item), st.Item); err != nil {
		return st, fmt.Errorf("story %s: %w", st.ID, err)
	}
	for _, t := range st.Item.whens() {
		if err := t.when.resolve(s.Location); err != nil {
			return st, fmt.Errorf("story %s: %s", st.ID, err.what)
		}
	}
	return st, nil
}

// Save remembers, of the stories that a Match with k gave, those that show at now or were known before, so that they are
// the same ones for ever, and notes which known ones have no file any more. It fixes the host at the first time. Stories
// that nobody has seen yet need no memory. What others keep of a story that was erased goes later: Unscrubbed tells of it. It gives what
// became of the stories, by the paths of their files.
func (s *Store) Save(ctx context.Context, k Known, stories []Story, now time.Time) ([]Change, error) {
	changed := changes(k, stories, now)
	if len(changed) == 0 {
		return nil, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var version string
	err := s.DB.Write(ctx, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, `INSERT INTO settings (name, value) VALUES ('stories', '1')
			ON CONFLICT (name) DO UPDATE SET value = CAST(settings.value AS BIGINT) + 1 RETURNING value`).Scan(&version)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO settings (name, value) VALUES ('host', $1) ON CONFLICT DO NOTHING`, k.Host); err != nil {
			return err
		}
		if err := owe(ctx, tx, k.newlyErased(changed)); err != nil {
			return err
		}
		return save(ctx, tx, changed)
	})
	if err != nil {
		return nil, err
	}
	s.known, s.at = k.with(changed), version
	s.known.version = version
	return k.changesOf(changed, now), nil
}

// find gives the index of the story with this id.
func (k Known) find(id string) (i int, found bool) {
	return slices.BinarySearchFunc(k.Stories, id, func(s Story, id string) int { return cmp.Compare(s.ID, id) })
}

// with is what is known once the changed stories are.
func (k Known) with(changed []Story) Known {
	now := Known{Host: k.Host, Stories: slices.Clone(k.Stories), Slugs: maps.Clone(k.Slugs)}
	if now.Slugs == nil {
		now.Slugs = map[string]string{}
	}
	for _, st := range changed {
		if st.Status == Erased {
			for slug, id := range now.Slugs {
				if id == st.ID {
					delete(now.Slugs, slug)
					now.Slugs[Veil(slug)] = id
				}
			}
		}
		now.Slugs[st.Slug] = st.ID
		if i, known := k.find(st.ID); known {
			now.Stories[i] = st
		} else {
			now.Stories = append(now.Stories, st)
		}
	}
	slices.SortFunc(now.Stories, byID)
	return now
}

// changes are the stories that are not in the database as they are now, by id.
func changes(k Known, stories []Story, now time.Time) []Story {
	there := make([]bool, len(k.Stories))
	var changed []Story
	for i, at := range k.places(stories) {
		st := &stories[i]
		if at >= 0 {
			there[at] = true
		}
		if at >= 0 && !st.same(&k.Stories[at]) || at < 0 && st.Visible(now) {
			changed = append(changed, *st)
		}
	}
	for i := range k.Stories {
		if st := k.Stories[i]; !there[i] && st.Gone.IsZero() {
			st.Gone = now.Truncate(time.Microsecond).UTC()
			changed = append(changed, st)
		}
	}
	slices.SortFunc(changed, byID) // an index grows faster in its own order
	return changed
}

func byID(a, b Story) int { return cmp.Compare(a.ID, b.ID) }

func (s *Story) same(t *Story) bool {
	return s.Slug == t.Slug && s.Path == t.Path && s.Hash == t.Hash && s.Of == t.Of && s.Status == t.Status && s.version() == t.version() &&
		s.FirstPublished.Equal(t.FirstPublished) && s.Gone.IsZero() == t.Gone.IsZero()
}

func save(ctx context.Context, tx *sql.Tx, stories []Story) error {
	put, err := tx.PrepareContext(ctx, `INSERT INTO stories (id, slug, path, hash, version_of, item, status, first_published, updated, gone)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (id) DO UPDATE SET slug = excluded.slug, path = excluded.path,
		hash = excluded.hash, version_of = excluded.version_of, item = excluded.item, status = excluded.status, first_published = excluded.first_published,
		updated = excluded.updated, gone = excluded.gone`)
	if err != nil {
		return err
	}
	defer put.Close()
	slug, err := tx.PrepareContext(ctx, `INSERT INTO story_slugs (slug, story) VALUES ($1, $2) ON CONFLICT DO NOTHING`)
	if err != nil {
		return err
	}
	defer slug.Close()
	for _, st := range stories {
		text, err := st.itemText()
		if err != nil {
			return err
		}
		if _, err := put.ExecContext(ctx, st.ID, st.Slug, st.Path, st.Hash, st.Of, text, st.Status, db.Micros(st.FirstPublished), db.Micros(st.Updated), db.Micros(st.Gone)); err != nil {
			return fmt.Errorf("story %s: %w", st.ID, err)
		}
		if _, err := slug.ExecContext(ctx, st.Slug, st.ID); err != nil {
			return err
		}
		if st.Status == Erased {
			if err := forget(ctx, tx, st); err != nil {
				return err
			}
		}
	}
	return nil
}

// itemText is the story's item as JSON; "" if it has none.
func (s *Story) itemText() (string, error) {
	if s.Item == nil {
		return "", nil
	}
	text, err := json.Marshal(s.Item)
	if err != nil {
		return "", fmt.Errorf("story %s: %w", s.ID, err)
	}
	return string(text), nil
}

// forget takes the slugs that an erased story had out of the database; their hashes stay, so that no other story gets them.
func forget(ctx context.Context, tx *sql.Tx, st Story) error {
	rows, err := tx.QueryContext(ctx, `DELETE FROM story_slugs WHERE story = $1 RETURNING slug`, st.ID)
	if err != nil {
		return err
	}
	defer rows.Close()
	slugs := []string{st.Slug}
	for rows.Next() {
		var slug string
		if err := rows.Scan(&slug); err != nil {
			return err
		}
		slugs = append(slugs, Veil(slug))
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, slug := range slugs {
		if _, err := tx.ExecContext(ctx, `INSERT INTO story_slugs (slug, story) VALUES ($1, $2) ON CONFLICT DO NOTHING`, slug, st.ID); err != nil {
			return err
		}
	}
	return nil
}

// WasErased tells whether a story had this slug when it was erased, be it published again since, at another one.
func (s *Store) WasErased(ctx context.Context, slug string) (bool, error) {
	var n int
	err := s.DB.QueryRowContext(ctx, `SELECT COUNT(*) FROM story_slugs WHERE slug = $1`, Veil(slug)).Scan(&n)
	return n > 0, err
}

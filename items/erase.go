package items

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
)

// Of an erased story nothing is kept that has a word of it, but the newsroom must know it again: its file may still be there, its
// slug must not go to another story, and its old address is answered with 410. So names are kept as their hashes, and its file is known by one. An id is kept as it is,
// since issues and feeds refer to it: one that was made here has no word of the story, and one that the file pinned is the staff's choice.

const veilMark = "sha256:"

// Veil is what is kept of a name of an erased story: the path of its file, its slug, the hash of its bytes. What has no name has no veil.
func Veil(name string) string {
	if name == "" || veiled(name) {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return veilMark + hex.EncodeToString(sum[:16])
}

func veiled(name string) bool { return strings.HasPrefix(name, veilMark) }

// minted matches ids that were made here: they hold no word of the story.
var minted = regexp.MustCompile(`^tag:[^,]+,\d+:[a-z2-7]{16}(-\d+)?$`)

// Minted tells whether the story's id was made here, and so holds no word of the story.
func (s Story) Minted() bool { return minted.MatchString(s.ID) }

// erase takes every word of the story out of it.
func (s *Story) erase() {
	s.Item = nil
	s.Path, s.Slug, s.Hash = Veil(s.Path), Veil(s.Slug), Veil(s.Hash)
}

// unveil makes erased stories known by the paths and the content of the files that are theirs still, and by the names of their versions.
func (m *matcher) unveil(erased []*Story) {
	if len(erased) == 0 {
		return
	}
	atPath, ofHash := map[string]*Story{}, map[string]*Story{}
	for _, s := range erased {
		addMeant(atPath, s.Path, s)
		addMeant(ofHash, s.Hash, s)
	}
	for i := range m.files {
		f := &m.files[i]
		if s := m.atPath[f.Path]; s != nil && s.Hash == f.Hash {
			continue // it is another story's
		}
		for _, p := range f.ownPaths() {
			if s := atPath[Veil(p)]; s != nil {
				s.Path = p
			}
		}
		if s := ofHash[Veil(f.Hash)]; s != nil {
			s.Hash = f.Hash
		}
	}
	for _, s := range erased {
		addMeant(m.atPath, s.Path, s)
	}
}

// ownPaths are the path of the file and, where it seems to be a version and the story's own file is not beside it, those that this may have had.
func (f *File) ownPaths() []string {
	paths := []string{f.Path}
	if f.named != "" && f.Of == "" {
		for _, ext := range Extensions {
			paths = append(paths, f.name()+ext)
		}
	}
	return paths
}

// What others than the store keep of an erased story goes after it was saved, and the program may die in between. So it is a setting
// what is still to be done: a list of ids, which is empty once only the database's log may have words of them.

// newlyErased are the ids of those of the stories that were known and not erased.
func (k Known) newlyErased(stories []Story) (ids []string) {
	before := make(map[string]Status, len(k.Stories))
	for _, s := range k.Stories {
		before[s.ID] = s.Status
	}
	for _, s := range stories {
		if was, known := before[s.ID]; known && s.Status == Erased && was != Erased {
			ids = append(ids, s.ID)
		}
	}
	return ids
}

// owe notes that stories are to be scrubbed.
func owe(ctx context.Context, tx *sql.Tx, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	owed, _, err := unscrubbed(ctx, tx)
	if err != nil {
		return err
	}
	text, err := json.Marshal(slices.Concat(owed, ids))
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO settings (name, value) VALUES ('erased', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, string(text))
	return err
}

// Unscrubbed gives the ids of erased stories of which others than the store may keep words. more tells that the database's log or its
// free pages may, even if there are none.
func (s *Store) Unscrubbed(ctx context.Context) (ids []string, more bool, err error) {
	return unscrubbed(ctx, s.DB)
}

func unscrubbed(ctx context.Context, d interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}) (ids []string, more bool, err error) {
	var text string
	err = d.QueryRowContext(ctx, `SELECT value FROM settings WHERE name = 'erased'`).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	} else if err == nil {
		err = json.Unmarshal([]byte(text), &ids)
	}
	return ids, true, err
}

// Scrubbed notes that nobody keeps words of the stories that Unscrubbed gave; the database's log may.
func (s *Store) Scrubbed(ctx context.Context) error {
	return s.note(ctx, `UPDATE settings SET value = '[]' WHERE name = 'erased'`)
}

// Cleared notes that no word is left of any erased story.
func (s *Store) Cleared(ctx context.Context) error {
	return s.note(ctx, `DELETE FROM settings WHERE name = 'erased'`)
}

func (s *Store) note(ctx context.Context, statement string) error {
	return s.DB.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, statement)
		return err
	})
}

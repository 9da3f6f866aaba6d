package items

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
)

// Of an erased story nothing is kept that has a word of it, but the newsroom must know it again: its file may still be there, its
// slug must not go to another story, and its old address is answered with 410. So names are kept as their hashes.

const veilMark = "sha256:"

// veil is what is kept of a name.
func veil(name string) string {
	if veiled(name) {
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
	s.Item, s.Hash = nil, ""
	s.Path, s.Slug = veil(s.Path), veil(s.Slug)
}

// Package prose makes text for benchmarks. It assumes that nobody reads it: only its length, and how well it compresses, are those of news.
package prose

import (
	"math/rand/v2"
	"strings"
)

// Paragraphs makes so many words, in Markdown, that compress about as well as English does: few are frequent, many are rare.
func Paragraphs(random *rand.Rand, words int) string {
	frequent := rand.NewZipf(random, 1.3, 4, 3000)
	var text strings.Builder
	for i := range words {
		switch {
		case i > 0 && i%80 == 0:
			text.WriteString(".\n\n")
		case i > 0:
			text.WriteByte(' ')
		}
		text.WriteString(word(frequent.Uint64()))
	}
	return text.String() + ".\n"
}

// word spells a number.
func word(n uint64) string {
	const syllables = "the of and to in is that for on with as was at by it from are be an "
	parts := strings.Fields(syllables)
	word := ""
	for n++; n > 0; n /= uint64(len(parts)) {
		word += parts[n%uint64(len(parts))]
	}
	return word
}

package publish

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"tidings/items"
)

// printOf is the print of what a document is made of, in short texts such as other prints.
func printOf(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d %s\n", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// ArticlePrint is the print of all that an article shows, and of what more is said of it.
func ArticlePrint(a items.Article, more ...string) string {
	text, err := json.Marshal(a)
	if err != nil { // an article is read from JSON, too: it cannot happen
		text = fmt.Appendf(nil, "%+v", a)
	}
	return printOf(append(more, string(text))...)
}

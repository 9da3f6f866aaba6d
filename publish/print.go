package publish

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"

	"tidings/items"
)

// PrintOf is the print of what a document is made of, in short texts such as other prints.
func PrintOf(parts ...string) string {
	all := make([]byte, 0, 256)
	for _, p := range parts {
		all = strconv.AppendInt(all, int64(len(p)), 10)
		all = append(all, ' ')
		all = append(all, p...)
	}
	sum := sha256.Sum256(all)
	return hex.EncodeToString(sum[:16])
}

// ArticlePrint is the print of all that an article shows.
func ArticlePrint(a items.Article) string {
	text, err := json.Marshal(a)
	if err != nil { // an article is read from JSON, too: it cannot happen
		text = fmt.Appendf(nil, "%+v", a)
	}
	return PrintOf(string(text))
}

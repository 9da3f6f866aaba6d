package markup

import (
	"strings"
	"unicode"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// FirstParagraph is the first paragraph of a Markdown text that says something, as plain text on one line; headings,
// pictures, lists, quotes, tables and the marks of footnotes are passed over. It is empty if there is none.
func FirstParagraph(markdownText string) string { return firstParagraph(tree(markdownText, Options{})) }

func firstParagraph(n *html.Node) string {
	for c := range n.ChildNodes() {
		text := ""
		switch c.DataAtom {
		case atom.P:
			var b strings.Builder
			addWords(&b, c)
			text = strings.Join(strings.Fields(b.String()), " ")
		case atom.Div, atom.Section, atom.Article:
			text = firstParagraph(c)
		}
		if text != "" {
			return text
		}
	}
	return ""
}

// addWords adds the text of what stands within a line to b, without the marks of footnotes.
func addWords(b *strings.Builder, n *html.Node) {
	switch {
	case n.Type == html.TextNode:
		b.WriteString(n.Data)
	case n.DataAtom == atom.Br:
		b.WriteByte(' ')
	case n.DataAtom == atom.Sup && strings.Contains(attr(n, "id"), "fnref"), n.DataAtom == atom.A && strings.Contains(attr(n, "href"), "fnref"):
	default:
		for c := range n.ChildNodes() {
			addWords(b, c)
		}
	}
}

// Excerpt is the start of a plain text on one line: all of it if it has at most limit characters, else as many whole
// words as fit with "…" after them. A word that is longer than half of the limit is cut, but not between a letter and
// its marks nor within a composed emoji. Below 1 character it is empty.
func Excerpt(text string, limit int) string {
	runes := []rune(strings.Join(strings.Fields(text), " "))
	if len(runes) <= limit {
		return string(runes)
	}
	if limit < 1 {
		return ""
	}
	kept := strings.TrimRightFunc(string(runes[:cut(runes, limit-1)]), func(r rune) bool {
		return unicode.IsSpace(r) || strings.ContainsRune(",;:–—-…", r)
	})
	return kept + "…"
}

// cut is where to cut runes so that at most n are left.
func cut(runes []rune, n int) int {
	for i := n; i > n/2; i-- {
		if runes[i] == ' ' {
			return i
		}
	}
	for n > 0 && joined(runes, n) {
		n--
	}
	return n
}

// joined tells whether runes[i] belongs to the character before it. It knows the usual cases of UAX 29: marks, joiners,
// skin tones and flags.
func joined(runes []rune, i int) bool {
	const joiner = '\u200d'
	r, before := runes[i], runes[i-1]
	switch {
	case unicode.Is(unicode.M, r), r == joiner, before == joiner, r >= 0x1F3FB && r <= 0x1F3FF:
		return true
	case !isFlag(r):
		return false
	}
	halves := 0
	for ; halves < i && isFlag(runes[i-1-halves]); halves++ {
	}
	return halves%2 == 1
}

// isFlag tells whether r is a regional indicator, two of which make a flag.
func isFlag(r rune) bool { return r >= 0x1F1E6 && r <= 0x1F1FF }

package markup

import (
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Text is the readable plain text of a fragment of HTML: a blank line between paragraphs, "- " or "1. " before the
// items of lists, "> " before quotes, " | " between the cells of a table, "[1]" where a footnote is referred to.
// Addresses and pictures are left out. It ends without a line feed.
func Text(fragment string) string {
	w := textWriter{notes: true}
	w.children(parse(fragment))
	return w.String()
}

// FirstParagraph is the first paragraph of a Markdown text that says something, as plain text on one line; headings,
// pictures, lists, quotes, tables and the marks of footnotes are passed over. It is empty if there is none.
func FirstParagraph(markdownText string) string { return firstParagraph(tree(markdownText, Options{})) }

func firstParagraph(n *html.Node) string {
	for c := range n.ChildNodes() {
		text := ""
		switch c.DataAtom {
		case atom.P:
			w := textWriter{}
			w.children(c)
			text = strings.Join(strings.Fields(w.String()), " ")
		case atom.Div, atom.Section, atom.Article:
			text = firstParagraph(c)
		}
		if text != "" {
			return text
		}
	}
	return ""
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

// textWriter lays out HTML as lines of text. What is between two words is not written before the second one is, so
// that nothing trails.
type textWriter struct {
	strings.Builder
	notes  bool   // show where footnotes are referred to
	feeds  int    // line feeds that are due before the next word
	space  bool   // a space is due before the next word
	prefix string // of every line
	lead   string // of the next line, in place of prefix
	gap    string // of empty lines: the shortest prefix since the last word
	number int    // of the next item, in a numbered list
	pre    bool   // keep white space as it is
}

func (w *textWriter) children(n *html.Node) {
	for c := range n.ChildNodes() {
		w.node(c)
	}
}

func (w *textWriter) node(n *html.Node) {
	if n.Type == html.TextNode {
		w.text(n.Data)
		return
	}
	switch n.DataAtom {
	case atom.Script, atom.Style, atom.Template, atom.Head: // no words of the text
	case atom.Br:
		w.feeds++
	case atom.Hr:
		w.block(2, func() { w.word("* * *") })
	case atom.Sup:
		w.sup(n)
	case atom.A:
		if !strings.Contains(attr(n, "href"), "fnref") { // the way back from a footnote
			w.children(n)
		}
	case atom.Ol, atom.Ul:
		w.list(n)
	case atom.Li:
		w.item(n)
	case atom.Blockquote:
		w.nest("> ", func() { w.block(2, func() { w.children(n) }) })
	case atom.Pre:
		w.pre = true
		w.block(2, func() { w.children(n) })
		w.pre = false
	case atom.Td, atom.Th:
		w.cell(n)
	default:
		w.block(margin(n), func() { w.children(n) })
	}
}

// margin is how many line feeds part an element from its neighbours; 0 is for what stands within a line.
func margin(n *html.Node) int {
	switch n.DataAtom {
	case atom.Ul, atom.Ol:
		if n.Parent != nil && n.Parent.DataAtom == atom.Li {
			return 1
		}
		return 2
	case atom.P, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Dl, atom.Table, atom.Figure, atom.Details:
		return 2
	case atom.Div, atom.Section, atom.Article, atom.Aside, atom.Tr, atom.Dt, atom.Dd, atom.Figcaption, atom.Caption, atom.Summary:
		return 1
	}
	return 0
}

func (w *textWriter) block(margin int, content func()) {
	w.feeds = max(w.feeds, margin)
	content()
	w.feeds = max(w.feeds, margin)
}

// nest puts more before every line of content. It bounds how far, or nested quotes would make a short text a huge one.
func (w *textWriter) nest(more string, content func()) {
	outer := w.prefix
	if len(outer)+len(more) <= 32 {
		w.prefix += more
	}
	content()
	w.prefix = outer
	if len(outer) < len(w.gap) {
		w.gap = outer
	}
}

func (w *textWriter) list(n *html.Node) {
	outer := w.number
	w.number = 0
	if n.DataAtom == atom.Ol {
		w.number = 1
		if start, err := strconv.Atoi(attr(n, "start")); err == nil {
			w.number = start
		}
	}
	w.block(margin(n), func() { w.children(n) })
	w.number = outer
}

func (w *textWriter) item(n *html.Node) {
	bullet := "- "
	if n.Parent != nil && n.Parent.DataAtom == atom.Ol {
		bullet = strconv.Itoa(w.number) + ". "
		w.number++
	}
	w.lead = w.prefix + bullet
	w.nest(strings.Repeat(" ", len(bullet)), func() { w.block(1, func() { w.children(n) }) })
	w.lead = ""
}

func (w *textWriter) sup(n *html.Node) {
	if !strings.Contains(attr(n, "id"), "fnref") {
		w.children(n)
		return
	}
	if w.notes {
		w.word("[")
		w.children(n)
		w.word("]")
	}
}

func (w *textWriter) cell(n *html.Node) {
	for c := n.PrevSibling; c != nil; c = c.PrevSibling {
		if c.Type == html.ElementNode {
			w.text(" | ")
			break
		}
	}
	w.children(n)
}

func (w *textWriter) text(s string) {
	s, _ = CleanText(s)
	if w.pre {
		for i, line := range strings.Split(s, "\n") {
			if i > 0 {
				w.feeds++
			}
			if line != "" {
				w.word(line)
			}
		}
		return
	}
	isSpace := func(r rune) bool { return strings.ContainsRune(" \t\n\r\f", r) } // a no-break space is a character
	words := strings.FieldsFunc(s, isSpace)
	w.space = w.space || strings.TrimLeftFunc(s, isSpace) != s
	for i, word := range words {
		w.space = w.space || i > 0
		w.word(word)
	}
	w.space = w.space || strings.TrimRightFunc(s, isSpace) != s
}

// word writes s with all that is due before it.
func (w *textWriter) word(s string) {
	switch {
	case w.Len() == 0:
		w.WriteString(w.margin())
	case w.feeds > 0:
		w.WriteString(strings.Repeat("\n"+strings.TrimRight(w.gap, " "), w.feeds-1))
		w.WriteString("\n" + w.margin())
	case w.space:
		w.WriteByte(' ')
	}
	w.feeds, w.space, w.gap = 0, false, w.prefix
	w.WriteString(s)
}

func (w *textWriter) margin() string {
	margin := w.prefix
	if w.lead != "" {
		margin, w.lead = w.lead, ""
	}
	return margin
}

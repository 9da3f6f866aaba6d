package markup

import (
	"net/url"
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Ref is an address that a text refers to.
type Ref struct {
	URL   string // a URL reference, in the form in which Resolve gets it; not one if it cannot be parsed
	Line  int    // counts from 1
	Image bool   // it is shown in place: a picture, audio or video
	Alt   bool   // it needs no text in its stead, or has one; in HTML, alt="" says that it is mere decoration
}

// Refs lists the links, pictures and media of a Markdown text, those in HTML within it too, by line.
func Refs(markdownText string) []Ref {
	markdownText, _ = CleanText(markdownText)
	if !mayRefer(markdownText) {
		return nil
	}
	source, added := tame(markdownText)
	f := finder{source: source, added: added, feeds: lineFeeds(source)}
	// The visitor returns no error.
	_ = ast.Walk(reader(markdownText).Parser().Parse(text.NewReader(source)), f.visit)
	slices.SortStableFunc(f.refs, func(a, b Ref) int { return a.Line - b.Line })
	return f.refs
}

// mayRefer is false for texts, most of them, in which there is nothing to be found.
func mayRefer(text string) bool {
	return strings.ContainsAny(text, "<@") || strings.Contains(text, "](") || strings.Contains(text, "]:") ||
		strings.Contains(text, "://") || strings.Contains(text, "www.")
}

// Ordinary tells whether all that a text refers to are links that begin with http:, https:, mailto: or tel:. It may be false where that is
// so: for most texts it saves parsing them.
func Ordinary(text string) bool {
	text, _ = CleanText(text)
	if strings.Contains(text, "![") || Relative(text) {
		return false
	}
	for before, rest, found := strings.Cut(text, "://"); found; before, rest, found = strings.Cut(rest, "://") {
		if !strings.HasSuffix(before, "http") && !strings.HasSuffix(before, "https") { // bare links may begin with ftp:, too
			return false
		}
	}
	return true
}

// Relative tells whether the text may hold an address that is not absolute. Most texts hold none, and are not worth parsing for it.
func Relative(text string) bool {
	if strings.Contains(text, "<") || strings.Contains(text, "]:") {
		return true
	}
	for rest := text; ; {
		_, after, found := strings.Cut(rest, "](")
		if !found {
			return false
		}
		if !absolute.MatchString(after) {
			return true
		}
		rest = after
	}
}

var absolute = regexp.MustCompile(`^(https?://|mailto:|tel:)`)

type finder struct {
	source       []byte
	added, feeds []int // offsets of the line feeds that tame added, and of all
	refs         []Ref
}

func lineFeeds(source []byte) []int {
	var at []int
	for i, c := range source {
		if c == '\n' {
			at = append(at, i)
		}
	}
	return at
}

func (f *finder) line(offset int) int {
	return 1 + sort.SearchInts(f.feeds, offset) - sort.SearchInts(f.added, offset)
}

func (f *finder) visit(n ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	switch n := n.(type) {
	case *ast.Link:
		f.add(n, util.URLEscape(n.Destination, true), false, true)
	case *ast.Image:
		f.add(n, util.URLEscape(n.Destination, true), true, f.hasText(n))
	case *ast.AutoLink:
		f.add(n, []byte(bareTarget(n, f.source)), false, true)
	case *ast.RawHTML:
		f.addHTML(n.Segments.Value(f.source), f.line(n.Segments.At(0).Start))
	case *ast.HTMLBlock:
		f.addHTML(n.Lines().Value(f.source), f.line(n.Lines().At(0).Start))
	}
	return ast.WalkContinue, nil
}

// bareTarget is where a bare link leads.
func bareTarget(n *ast.AutoLink, source []byte) string {
	dest := string(util.URLEscape(n.URL(source), false))
	if n.AutoLinkType == ast.AutoLinkEmail && !strings.HasPrefix(strings.ToLower(dest), "mailto:") {
		return "mailto:" + dest
	}
	return dest
}

func (f *finder) add(n ast.Node, dest []byte, image, alt bool) {
	f.refs = append(f.refs, Ref{URL: normal(string(dest)), Line: f.line(n.Pos()), Image: image, Alt: alt})
}

// normal is the form that the allow-list gives to a URL reference.
func normal(ref string) string {
	if u, err := url.Parse(strings.TrimSpace(ref)); err == nil {
		return u.String()
	}
	return ref
}

func (f *finder) hasText(n ast.Node) bool {
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		switch c := c.(type) {
		case *ast.Text:
			if !util.IsBlank(c.Value(f.source)) {
				return true
			}
		case *ast.String:
			return true
		}
		if f.hasText(c) {
			return true
		}
	}
	return false
}

// addHTML adds what the tags of a piece of HTML refer to, which starts on the given line.
func (f *finder) addHTML(piece []byte, line int) {
	z := html.NewTokenizer(strings.NewReader(string(piece)))
	for z.Next() != html.ErrorToken {
		raw := string(z.Raw())
		if t := z.Token(); t.Type == html.StartTagToken || t.Type == html.SelfClosingTagToken {
			f.addTag(t, line)
		}
		line += strings.Count(raw, "\n")
	}
}

func (f *finder) addTag(t html.Token, line int) {
	alt := t.DataAtom != atom.Img || slices.ContainsFunc(t.Attr, func(a html.Attribute) bool { return a.Key == "alt" })
	for _, a := range t.Attr {
		switch {
		case t.DataAtom == atom.A && a.Key == "href":
			f.refs = append(f.refs, Ref{URL: normal(a.Val), Line: line, Alt: true})
		case !slices.Contains([]atom.Atom{atom.Img, atom.Source, atom.Audio, atom.Video}, t.DataAtom):
		case a.Key == "src" || a.Key == "poster":
			f.refs = append(f.refs, Ref{URL: normal(a.Val), Line: line, Image: true, Alt: alt})
		case a.Key == "srcset":
			for _, c := range candidates(a.Val) {
				f.refs = append(f.refs, Ref{URL: normal(c.url), Line: line, Image: true, Alt: true})
			}
		}
	}
}

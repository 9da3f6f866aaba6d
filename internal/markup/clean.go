package markup

import (
	"regexp"
	"slices"
	"strings"

	"github.com/microcosm-cc/bluemonday"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// noteID is an id that goldmark gives to a footnote or to a place that refers to one.
var noteID = regexp.MustCompile(`^fn(ref[0-9]*)?:[0-9]+$`)

var policy = newPolicy()

// newPolicy is the allow-list. Style, class and id are not on it, but for the ids of footnotes. Language and direction
// are not allowed on b, i and their like: the HTML parser repeats open ones in every later paragraph, at most three
// that are equal, so that differing ones could make a short text a huge one.
func newPolicy() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.RequireParseableURLs(true)
	p.AllowRelativeURLs(true)
	p.AllowURLSchemes("http", "https", "mailto", "tel")
	p.AllowElements("h1", "h2", "h3", "h4", "h5", "h6", "p", "div", "section", "article", "aside", "blockquote", "pre",
		"figure", "figcaption", "details", "summary", "hr", "br", "wbr", "ul", "ol", "li", "dl", "dt", "dd",
		"table", "caption", "colgroup", "col", "thead", "tbody", "tfoot", "tr", "td", "th", "picture",
		"abbr", "b", "bdi", "bdo", "cite", "code", "del", "dfn", "em", "i", "ins", "kbd", "mark", "q", "rp", "rt", "ruby",
		"s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var")
	p.AllowAttrs("dir").Matching(regexp.MustCompile(`^(?i:ltr|rtl|auto)$`)).OnElements("p", "div", "blockquote", "ul", "ol", "li",
		"table", "td", "th", "span", "bdi", "bdo", "q", "h1", "h2", "h3", "h4", "h5", "h6")
	p.AllowAttrs("lang").Matching(regexp.MustCompile(`^[a-zA-Z]{2,8}(-[a-zA-Z0-9]{1,8})*$`)).OnElements("p", "div",
		"blockquote", "ul", "ol", "li", "span", "q", "cite")
	p.AllowAttrs("id").Matching(noteID).OnElements("sup", "li")
	p.AllowAttrs("title").OnElements("a", "abbr", "dfn", "img")
	p.AllowAttrs("href").OnElements("a")
	p.AllowAttrs("open").Matching(regexp.MustCompile(`^(open)?$`)).OnElements("details")
	p.AllowAttrs("start").Matching(bluemonday.Integer).OnElements("ol")
	p.AllowAttrs("value").Matching(bluemonday.Integer).OnElements("li")
	p.AllowAttrs("datetime").Matching(bluemonday.ISO8601).OnElements("time", "del", "ins")
	p.AllowAttrs("align").Matching(bluemonday.CellAlign).OnElements("td", "th")
	p.AllowAttrs("colspan", "rowspan").Matching(regexp.MustCompile(`^[0-9]{1,3}$`)).OnElements("td", "th")
	p.AllowAttrs("scope").Matching(regexp.MustCompile(`^(row|col)(group)?$`)).OnElements("th")
	allowMedia(p)
	return p
}

func allowMedia(p *bluemonday.Policy) {
	p.AllowAttrs("src", "alt", "srcset", "sizes").OnElements("img")
	p.AllowAttrs("src", "srcset", "sizes", "media", "type").OnElements("source")
	p.AllowAttrs("src", "controls").OnElements("audio", "video")
	p.AllowAttrs("poster").OnElements("video")
	p.AllowAttrs("width", "height").Matching(bluemonday.Integer).OnElements("img", "video")
}

// clean is what the allow-list leaves of dirty, fitted in as o says.
func clean(dirty string, o Options) *html.Node {
	root := parse(policy.Sanitize(dirty))
	o.mendChildren(root)
	shiftHeadings(root)
	return root
}

// mendChildren goes from the leaves up, so that a paragraph whose only image was dropped is seen to be empty.
// The parser bounds the depth.
func (o Options) mendChildren(n *html.Node) {
	for c := n.FirstChild; c != nil; {
		next := c.NextSibling
		o.mendChildren(c)
		o.mend(c)
		c = next
	}
}

func (o Options) mend(n *html.Node) {
	if n.Type == html.TextNode {
		n.Data, _ = CleanText(n.Data)
		return
	}
	// Here too: a reference such as &#1; shows its character only once it is parsed.
	for i := range n.Attr {
		n.Attr[i].Val, _ = CleanText(n.Attr[i].Val)
	}
	if id := attr(n, "id"); id != "" {
		setAttr(n, "id", o.Prefix+id)
	}
	switch n.DataAtom {
	case atom.A:
		o.mendLink(n)
	case atom.Img, atom.Source, atom.Audio, atom.Video:
		o.mendMedia(n)
	}
	if n.Parent != nil && hollow(n) {
		n.Parent.RemoveChild(n)
	}
}

func (o Options) mendLink(a *html.Node) {
	ref := attr(a, "href")
	if id, ok := strings.CutPrefix(ref, "#"); ok && noteID.MatchString(id) {
		ref = "#" + o.Prefix + id
		if abs, ok := o.absolute(ref, false); ok {
			ref = abs
		}
		setAttr(a, "href", ref)
		return
	}
	abs, ok := o.absolute(ref, false)
	if !ok || strings.HasPrefix(ref, "#") { // no other ids are left that "#" could lead to
		unwrap(a)
		return
	}
	setAttr(a, "href", abs)
}

func (o Options) mendMedia(n *html.Node) {
	for _, key := range []string{"src", "poster"} {
		abs, _ := o.absolute(attr(n, key), true)
		setAttr(n, key, abs)
	}
	setAttr(n, "srcset", o.srcset(attr(n, "srcset")))
}

// hollow tells whether n says nothing (any more).
func hollow(n *html.Node) bool {
	has := func(child atom.Atom) bool {
		return slices.ContainsFunc(slices.Collect(n.ChildNodes()), func(c *html.Node) bool { return c.DataAtom == child })
	}
	switch n.DataAtom {
	case atom.Img:
		return attr(n, "src") == ""
	case atom.Source:
		return attr(n, "src") == "" && attr(n, "srcset") == ""
	case atom.Audio, atom.Video:
		return attr(n, "src") == "" && !has(atom.Source)
	case atom.Picture:
		return !has(atom.Img)
	case atom.P, atom.A, atom.Figure:
		return blank(n)
	}
	return false
}

func blank(n *html.Node) bool {
	for c := range n.ChildNodes() {
		if c.Type != html.TextNode || strings.TrimSpace(c.Data) != "" {
			return false
		}
	}
	return true
}

// unwrap puts the children of n in its place.
func unwrap(n *html.Node) {
	for c := n.FirstChild; c != nil; c = n.FirstChild {
		n.RemoveChild(c)
		n.Parent.InsertBefore(c, n)
	}
	n.Parent.RemoveChild(n)
}

var headings = []atom.Atom{atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6}

// shiftHeadings makes the highest level of heading h2 and keeps the steps between the levels: h1 is the page's title.
func shiftHeadings(root *html.Node) {
	top := len(headings)
	for n := range root.Descendants() {
		if level := slices.Index(headings, n.DataAtom); level >= 0 {
			top = min(top, level)
		}
	}
	for n := range root.Descendants() {
		if level := slices.Index(headings, n.DataAtom); level >= 0 {
			n.DataAtom = headings[min(level-top+1, len(headings)-1)]
			n.Data = n.DataAtom.String()
		}
	}
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// setAttr changes an attribute that n has; an empty value takes it away.
func setAttr(n *html.Node, key, val string) {
	i := slices.IndexFunc(n.Attr, func(a html.Attribute) bool { return a.Key == key })
	switch {
	case i < 0:
	case val == "":
		n.Attr = slices.Delete(n.Attr, i, i+1)
	default:
		n.Attr[i].Val = val
	}
}

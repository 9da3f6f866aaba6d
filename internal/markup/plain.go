package markup

import (
	"bufio"
	"bytes"
	"strings"
	"sync"

	"github.com/yuin/goldmark/ast"
	gmtext "github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// isPlain tells whether a text has nothing in it that gives HTML which is not on the allow-list: no HTML, no fenced code, no footnotes. Nor
// may it hold characters written as references, which are looked at once they are read.
func isPlain(text string) bool { return !strings.ContainsAny(text, "<`~^&") }

// plain is HTML of a text that is plain: what else is done to the HTML is done to the Markdown here, in a third of the time.
func plain(text string, o Options) string {
	source, _ := tame(text)
	md := reader(text)
	root := md.Parser().Parse(gmtext.NewReader(source))
	o.fit(root, source)
	shiftLevels(root)
	out := outputs.Get().(*output)
	defer outputs.Put(out)
	out.text.Reset()
	out.Reset(&out.text)
	if err := md.Renderer().Render(out.Writer, source, root); err != nil { // a buffer takes everything: cannot happen
		return render(paragraph(text))
	}
	return out.text.String()
}

// output is what HTML is written to. It is used again: the renderer would take one for each text, and there may be thousands.
type output struct {
	*bufio.Writer
	text bytes.Buffer
}

var outputs = sync.Pool{New: func() any { return &output{Writer: bufio.NewWriter(nil)} }}

// fit makes links and pictures absolute, as mendChildren does, from the leaves up.
func (o Options) fit(n ast.Node, source []byte) {
	for c := n.FirstChild(); c != nil; {
		next := c.NextSibling()
		o.fit(c, source)
		if !o.fitOne(c, source) {
			n.RemoveChild(n, c)
		}
		if a, ok := c.(*ast.AutoLink); ok {
			o.fitBare(n, a, source)
		}
		c = next
	}
}

// fitBare makes a link of a bare one, or text if it leads nowhere.
func (o Options) fitBare(parent ast.Node, n *ast.AutoLink, source []byte) {
	label := ast.NewString(n.Label(source))
	label.SetRaw(true)
	abs, ok := o.absolute(normal(bareTarget(n, source)), false)
	if !ok {
		parent.ReplaceChild(parent, n, label)
		return
	}
	link := ast.NewLink()
	link.Destination = []byte(abs)
	link.AppendChild(link, label)
	parent.ReplaceChild(parent, n, link)
}

// fitOne tells whether there is anything left of a node.
func (o Options) fitOne(n ast.Node, source []byte) bool {
	switch n := n.(type) {
	case *ast.Link:
		ref := normal(string(util.URLEscape(n.Destination, true)))
		abs, ok := o.absolute(ref, false)
		if !ok || strings.HasPrefix(ref, "#") { // the text stays
			for c := n.FirstChild(); c != nil; c = n.FirstChild() {
				n.Parent().InsertBefore(n.Parent(), n, c)
			}
			return false
		}
		n.Destination = []byte(abs)
		return !isBlank(n, source)
	case *ast.Image:
		abs, ok := o.absolute(normal(string(util.URLEscape(n.Destination, true))), true)
		n.Destination = []byte(abs)
		return ok
	case *ast.Paragraph:
		return !isBlank(n, source)
	}
	return true
}

// isBlank tells whether there is nothing but blank text in a node.
func isBlank(n ast.Node, source []byte) bool {
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if text, ok := c.(*ast.Text); !ok || !util.IsBlank(text.Value(source)) {
			return false
		}
	}
	return true
}

// shiftLevels is shiftHeadings for Markdown.
func shiftLevels(root ast.Node) {
	var all []*ast.Heading
	top := len(headings)
	_ = ast.Walk(root, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // the visitor returns no error
		if h, ok := n.(*ast.Heading); ok && entering {
			all, top = append(all, h), min(top, h.Level)
		}
		return ast.WalkContinue, nil
	})
	for _, h := range all {
		h.Level = min(h.Level-top+2, len(headings))
	}
}

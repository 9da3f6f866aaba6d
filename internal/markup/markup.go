// Package markup turns the Markdown that staff write into clean HTML for feeds and pages, and takes summaries out of it as
// plain text.
//
// It assumes nothing about its input: whatever the Markdown or the HTML within it says, what comes out is well-formed
// HTML of an allow-list of elements and attributes, holds no script, style, form or frame, and no character that
// XML 1.0 forbids. The same input gives the same output. All functions may be called by several goroutines at once.
package markup

import (
	"bytes"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	renderer "github.com/yuin/goldmark/renderer/html"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// markdown reads CommonMark with GitHub's tables, strikethrough and bare links, and with footnotes. Authors' characters
// stay as they are: no typographer. HTML within the Markdown is passed on, since it is cleaned afterwards.
var markdown = newMarkdown(extension.Linkify)

// linkless is the same without bare links, which cost a third of the time: for texts that can hold none.
var linkless = newMarkdown()

func newMarkdown(more ...goldmark.Extender) goldmark.Markdown {
	return goldmark.New(
		goldmark.WithExtensions(extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute)),
			extension.Strikethrough, extension.Footnote),
		goldmark.WithExtensions(more...),
		goldmark.WithRendererOptions(renderer.WithUnsafe()),
	)
}

// reader is what reads a Markdown text.
func reader(text string) goldmark.Markdown {
	if strings.Contains(text, "://") || strings.Contains(text, "@") || strings.Contains(text, "www.") {
		return markdown
	}
	return linkless
}

// Options say how one text is fitted into its surroundings.
type Options struct {
	// Prefix is put before the ids of footnotes, so that several texts fit on one page.
	Prefix string

	// Resolve makes ref, a URL reference as it stands in the HTML (RFC 3986 §4.1), absolute. image is true for all
	// that is shown in place (pictures, audio, video). It is asked for relative and absolute references alike, and for
	// a footnote's own "#…". A link for which ok is false is unwrapped: its text stays. An image is dropped. Whatever
	// Resolve says, only http, https, mailto and tel survive, and only http and https for images. Without Resolve,
	// what is absolute stays.
	Resolve func(ref string, image bool) (abs string, ok bool)
}

// HTML is the Markdown as a clean fragment of HTML. Its highest heading is an h2, whatever it was in the Markdown.
// Every address in it is absolute; only a footnote's link that Resolve does not know stays "#…".
func HTML(text string, o Options) string {
	text, _ = CleanText(text)
	if isPlain(text) {
		return plain(text, o)
	}
	return render(tree(text, o))
}

// tree is HTML before it is written out: the children of the node.
func tree(text string, o Options) *html.Node {
	text, _ = CleanText(text)
	source, _ := tame(text)
	var dirty bytes.Buffer
	if err := reader(text).Convert(source, &dirty); err != nil { // a buffer takes everything: cannot happen
		return paragraph(text)
	}
	return clean(dirty.String(), o)
}

// parse reads a fragment of HTML. What is nested deeper than the parser bears becomes one paragraph of its text.
func parse(fragment string) *html.Node {
	nodes, err := html.ParseFragment(strings.NewReader(fragment), element(atom.Body))
	if err != nil {
		return paragraph(bare(fragment))
	}
	root := &html.Node{Type: html.DocumentNode}
	for _, n := range nodes {
		root.AppendChild(n)
	}
	return root
}

// bare is the text between the tags of a fragment, without its layout.
func bare(fragment string) string {
	var b strings.Builder
	for z := html.NewTokenizer(strings.NewReader(fragment)); z.Next() != html.ErrorToken; {
		if t := z.Token(); t.Type == html.TextToken {
			b.WriteString(t.Data)
		}
	}
	text, _ := CleanText(b.String())
	return strings.Join(strings.Fields(text), " ")
}

func render(root *html.Node) string {
	var b strings.Builder
	for n := range root.ChildNodes() {
		if err := html.Render(&b, n); err != nil { // a builder takes everything, and no node is of a strange kind
			return ""
		}
	}
	return b.String()
}

func element(a atom.Atom) *html.Node {
	return &html.Node{Type: html.ElementNode, DataAtom: a, Data: a.String()}
}

func paragraph(text string) *html.Node {
	root, p := &html.Node{Type: html.DocumentNode}, element(atom.P)
	p.AppendChild(&html.Node{Type: html.TextNode, Data: text})
	root.AppendChild(p)
	return root
}

package markup_test

import (
	"encoding/xml"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"golang.org/x/net/html"
	"tidings/internal/markup"
)

// site resolves as the newsroom does: against the story's page; the file "gone.jpg" is missing.
func site(ref string, _ bool) (string, bool) {
	base, _ := url.Parse("https://news.example.org/news/story/")
	u, err := base.Parse(ref)
	if err != nil || strings.Contains(ref, "gone.jpg") {
		return "", false
	}
	return u.String(), true
}

const home = "https://news.example.org/news/story/"

func TestHTML(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"1 plain paragraph", "Hello *you*.", "<p>Hello <em>you</em>.</p>\n"},
		{"2 the page has the h1", "# A\n## B", "<h2>A</h2>\n<h3>B</h3>\n"},
		{"3 no h2 is skipped", "### A\n#### B", "<h2>A</h2>\n<h3>B</h3>\n"},
		{"4 h6 is the lowest there is", "# A\n###### B", "<h2>A</h2>\n<h6>B</h6>\n"},
		{"5 relative link", "[a](b%20c.pdf)", `<p><a href="` + home + `b%20c.pdf">a</a></p>` + "\n"},
		{"6 relative image", `![x "y"](i.jpg)`, `<p><img src="` + home + `i.jpg" alt="x &quot;y&quot;"></p>` + "\n"},
		{"7 a missing image goes, and the paragraph it leaves empty", "![x](gone.jpg)\n\nb", "<p>b</p>\n"},
		{"8 an unknown link leaves its text", "[*a* b](gone.jpg)", "<p><em>a</em> b</p>\n"},
		{"9 a link around a missing image goes", "[![x](gone.jpg)](https://a.example/)", ""},
		{"10 mail and telephone", "[m](mailto:a@b.example) [t](tel:+44)", `<p><a href="mailto:a@b.example">m</a> <a href="tel:+44">t</a></p>` + "\n"},
		{"11 other schemes", "[a](javascript:alert%281%29) [b](ftp://x.example/) ![c](data:image/png;base64,AAAA)", "<p>a b </p>\n"},
		{"12 no picture by mail", "![x](mailto:a@b.example)", ""},
		{"13 script with its content", "a <script>alert(1)</script>\n\n<script>x</script>\n\nb", "<p>a </p>\n\n<p>b</p>\n"},
		{"14 handlers, style, class, id", `<p onclick="x" style="color:red" class="c" id="i">a</p>`, "<p>a</p>"},
		{"15 frames and forms", `<iframe src="https://a.example/"></iframe><form action="/"><input name="a">b</form>`, "b"},
		{"16 what is left open is closed", "<div><p>a <b>b", "<div><p>a <b>b</b></p></div>"},
		{"17 what was never open is not closed", "</div></section>a", "a"},
		{"18 figure", `<figure><img src="i.jpg" alt="x"><figcaption>c</figcaption></figure>`, `<figure><img src="` + home + `i.jpg" alt="x"/><figcaption>c</figcaption></figure>`},
		{"19 srcset, one part missing", `<img alt="" src="i.jpg" srcset="i.jpg 1x, gone.jpg 2x, https://a.example/j,k.jpg 3x">`,
			`<img alt="" src="` + home + `i.jpg" srcset="` + home + `i.jpg 1x, https://a.example/j%2Ck.jpg 3x"/>`},
		{"20 srcset without descriptors", `<img alt="" src="i.jpg" srcset="a.jpg, b.jpg 20w">`, `<img alt="" src="` + home + `i.jpg" srcset="` + home + `a.jpg, ` + home + `b.jpg 20w"/>`},
		{"21 video", `<video src="v.mp4" poster="gone.jpg" controls autoplay></video>`, `<p><video src="` + home + `v.mp4" controls=""></video></p>` + "\n"},
		{"22 picture without its image", `<picture><source srcset="i.webp"><img src="gone.jpg"></picture>`, "\n"},
		{"23 table", "|a|b|\n|-|:-:|\n|1|2|", "<table>\n<thead>\n<tr>\n<th>a</th>\n<th align=\"center\">b</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td>1</td>\n<td align=\"center\">2</td>\n</tr>\n</tbody>\n</table>\n"},
		{"24 strikethrough, bare link", "~~a~~ https://a.example/?b=1&c=2", `<p><del>a</del> <a href="https://a.example/?b=1&amp;c=2">https://a.example/?b=1&amp;c=2</a></p>` + "\n"},
		{"25 authors' characters stay", `"a" -- 'b'...`, "<p>&quot;a&quot; -- 'b'...</p>\n"},
		{"26 control characters, plain and as references", "a\x00\x01b&#1;&#xFFFF;c\xffd", "<p>abcd</p>\n"},
		{"27 a reference hides a scheme", `<a href="java&#1;script:x">a</a> <a href="&#x6a;avascript:x">b</a>`, "<p>a b</p>\n"},
		{"28 the end of CDATA", "a ]]> b", "<p>a ]]&gt; b</p>\n"},
		{"29 right to left", `<p dir="rtl" lang="ar">مرحبا</p>`, `<p dir="rtl" lang="ar">مرحبا</p>`},
		{"30 a place that is not there", "[a](#top)", "<p>a</p>\n"},
		{"31 comments", "<!-- a -->b<!-- c", "b"},
		{"32 the list's first number", "3. a\n4. b", "<ol start=\"3\">\n<li>a</li>\n<li>b</li>\n</ol>\n"},
		{"33 details", "<details open><summary>a</summary>b</details>", `<details open=""><summary>a</summary>b</details>`},
		{"34 an address without a host", "[a](https:///x)", "<p>a</p>\n"},
		{"35 foreign content", `<svg><style><img src=x onerror=alert(1)></style></svg><math><mi>x`, "<p>x</p>\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := markup.HTML(tt.in, markup.Options{Resolve: site})
			if got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestHTMLWithoutResolve(t *testing.T) {
	got := markup.HTML("[a](https://a.example/) [b](b.pdf)", markup.Options{})
	if want := "<p><a href=\"https://a.example/\">a</a> b</p>\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Two items on one page: no id is there twice, and each link leads to its own item's note.
func TestFootnotes(t *testing.T) {
	const note = "Fact[^a].\n\n[^a]: Source.\n"
	one := markup.HTML(note, markup.Options{Prefix: "one-"})
	two := markup.HTML(note, markup.Options{Prefix: "two-", Resolve: site})
	ids := idsIn(t, one+two)
	if want := []string{"one-fn:1", "one-fnref:1", "two-fn:1", "two-fnref:1"}; !slices.Equal(ids, want) {
		t.Errorf("ids %q, want %q", ids, want)
	}
	for in, want := range map[string]string{one: `href="#one-fn:1"`, two: `href="` + home + `#two-fnref:1"`} {
		if !strings.Contains(in, want) {
			t.Errorf("no %s in %s", want, in)
		}
	}
}

func idsIn(t *testing.T, page string) []string {
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for n := range root.Descendants() {
		for _, a := range n.Attr {
			if a.Key == "id" {
				ids = append(ids, a.Val)
			}
		}
	}
	slices.Sort(ids)
	return ids
}

func TestRefs(t *testing.T) {
	const in = "# [t](https://t.example/)\n\nA [b](b c.pdf) [d](<b c.pdf>)\nand ![](i.jpg) ![alt *x*](j.jpg).\n\n" +
		"> quoted [r][ref], https://bare.example/ and me@a.example\n\n" +
		"<p>\n<img src=\"k.jpg\">\n<a href=\"l.pdf\">x</a></p>\n\ninline <img src=m.jpg alt=\"\">\n\n" +
		"Note[^1], [bad](javascript:x)\n\n[^1]: See [n](n.html).\n\n[ref]: r.html\n"
	want := []markup.Ref{
		{"https://t.example/", 1, false, true},
		{"b%20c.pdf", 3, false, true},
		{"i.jpg", 4, true, false},
		{"j.jpg", 4, true, true},
		{"r.html", 6, false, true},
		{"https://bare.example/", 6, false, true},
		{"mailto:me@a.example", 6, false, true},
		{"k.jpg", 9, true, false},
		{"l.pdf", 10, false, true},
		{"m.jpg", 12, true, true},
		{"javascript:x", 14, false, true},
		{"n.html", 16, false, true},
	}
	if got := markup.Refs(in); !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

// What the checker is told of must be what HTML asks for, or a file would be reported that is not missing.
func TestRefsAreWhatResolveGets(t *testing.T) {
	const in = "[a](ä%20b.pdf) ![x](<y z.jpg>) <img src='q r.png'> [c](HTTPS://X.example/é?q=ü) [d](a&amp;b)"
	var asked []string
	markup.HTML(in, markup.Options{Resolve: func(ref string, _ bool) (string, bool) {
		asked = append(asked, ref)
		return "", false
	}})
	var listed []string
	for _, r := range markup.Refs(in) {
		listed = append(listed, r.URL)
	}
	listed = slices.DeleteFunc(listed, func(ref string) bool { return ref == "q%20r.png" }) // spaces in HTML: dropped before
	if !slices.Equal(asked, listed) {
		t.Errorf("asked  %q\nlisted %q", asked, listed)
	}
}

// A line number holds also after a place where a long text was parted.
func TestRefsAfterLongRun(t *testing.T) {
	in := strings.Repeat("- item\n", 10_000) + strings.Repeat("x", 50_000) + "\n- [a](b)\n"
	got := markup.Refs(in)
	if len(got) != 1 || got[0].Line != 10_002 {
		t.Errorf("got %v, want one at line 10002", got)
	}
}

func TestFirstParagraph(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"1 past heading, image, list, quote", "# A\n\n![x](i.jpg)\n\n- b\n\n> c\n\nThe *first*\none[^1] & only.\n\nD\n\n[^1]: n", "The first one & only."},
		{"2 none", "# A\n\n- b", ""},
		{"3 within HTML", "<div>\n<p>a</p>\n</div>", "a"},
		{"4 a line break parts words, and emphasis does not", "a<br>b*c*d\\\ne", "a bcd e"},
		{"5 images, addresses and references", "a ![y](x) [b](https://a.example/) &amp; c", "a b & c"},
		{"6 what leads back from a footnote", "[^1]: a\n\nb[^1]", "b"},
	}
	for _, tt := range tests {
		if got := markup.FirstParagraph(tt.in); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestExcerpt(t *testing.T) {
	tests := []struct {
		name, in string
		limit    int
		want     string
	}{
		{"1 fits", "one two", 7, "one two"},
		{"2 whole words", "one two three", 10, "one two…"},
		{"3 the word just fits", "one two three", 8, "one two…"},
		{"4 no comma before the dots", "one, two", 5, "one…"},
		{"5 one long word", "abcdefghij", 5, "abcd…"},
		{"6 a letter and its marks", "abc\u0301\u0302def", 5, "ab…"},
		{"7 a family is one character", "a👩\u200d👩\u200d👧bcd", 6, "a…"},
		{"8 two flags", "🇬🇧🇫🇷🇩🇪", 4, "🇬🇧…"},
		{"9 lines become one", "a\n\nb", 5, "a b"},
		{"10 no room", "abc", 0, ""},
	}
	for _, tt := range tests {
		got := markup.Excerpt(tt.in, tt.limit)
		if got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
		if utf8.RuneCountInString(got) > tt.limit {
			t.Errorf("%s: %q has more than %d characters", tt.name, got, tt.limit)
		}
	}
}

func TestCleanText(t *testing.T) {
	tests := []struct {
		name, in, want string
		done           markup.Cleaning
	}{
		{"1 nothing to do", "a\t\r\n\u00a0\uFFFD😀", "a\t\r\n\u00a0\uFFFD😀", markup.Cleaning{}},
		{"2 controls", "a\x00\x08\x0b\x1f\x7fb", "ab", markup.Cleaning{Removed: 5}},
		{"3 non-characters", "\uFFFEa\uFFFF", "a", markup.Cleaning{Removed: 2}},
		{"4 invalid UTF-8, an encoded surrogate", "a\xffb\xed\xa0\x80c", "abc", markup.Cleaning{Removed: 4}},
		{"5 what programs of Windows mean by them", "\u0093Council\u0092s\u0085\u0094 \u0080\u009f", "“Council’s…” €Ÿ", markup.Cleaning{Mended: 6}},
		{"6 what they do not have either", "\u0081\u008d\u008f\u0090\u009d\u0099", "™", markup.Cleaning{Removed: 5, Mended: 1}},
	}
	for _, tt := range tests {
		if got, done := markup.CleanText(tt.in); got != tt.want || done != tt.done {
			t.Errorf("%s: got %q, %v; want %q, %v", tt.name, got, done, tt.want, tt.done)
		}
	}
}

// Texts that would take the parsers a time that grows with a power of their length, or make them fill memory. What
// bounds them is seen in what comes out.
func TestBounds(t *testing.T) {
	const n = 200_000
	fill := func(s string, n int) string { return strings.Repeat(s, n/len(s)) }
	tests := []struct {
		name, in string
		tag      string // is counted in the output
		min, max int
	}{
		{"1 quotes within quotes", fill(">", n), "<blockquote", 1, 50 * (n/16_384 + 1)},
		{"2 the same on many lines", fill(strings.Repeat("> ", 60)+"a\n\n", n/10), "<blockquote", 1, 50 * n / 1000},
		{"3 lists within lists", fill("+ ", n) + "a", "<ul", 1, 50 * (n/16_384 + 1)},
		{"4 a table of many columns", "|" + fill("a|", n/8) + "\n|" + fill("-|", n/8) + "\n" + fill("x|\n", n/2), "<table", 0, 0},
		{"5 a long line", fill("a", n), "<p>", 10, 20},
		{"6 a long line of words", fill("*a_ ", n/10), "<p>", 2, 3},
		{"7 a long paragraph", fill("a\n", n), "<p>", 10, 20},
		{"8 elements within elements", fill("<div>", n), "<p>", 0, 1},
		{"9 formatting that is never ended", strings.Repeat("<b><i><u>", 9) + fill("<p>a", n/10), "<b>", 1, 3 * n / 10 / 4},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out := markup.HTML(tt.in, markup.Options{})
			if got := strings.Count(out, tt.tag); got < tt.min || got > tt.max {
				t.Errorf("%d times %s, want %d to %d", got, tt.tag, tt.min, tt.max)
			}
			if len(out) > 50*n {
				t.Errorf("%d bytes became %d", len(tt.in), len(out))
			}
		})
	}
}

// A long story is all there.
func TestLongStory(t *testing.T) {
	const part = "A paragraph with a [link](a.html), said *Amanda Nero*.\n- an item\n\n"
	out := markup.HTML(strings.Repeat(part, 200_000/len(part)), markup.Options{Resolve: site})
	if got := strings.Count(out, `<a href="`+home+`a.html">link</a>, said <em>Amanda Nero</em>`); got != 200_000/len(part) {
		t.Errorf("%d paragraphs of %d", got, 200_000/len(part))
	}
}

func TestConcurrent(t *testing.T) {
	want := markup.HTML(sample, markup.Options{Resolve: site})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if got := markup.HTML(sample, markup.Options{Resolve: site}); got != want {
				t.Error("another result")
			}
		})
	}
	wg.Wait()
}

func FuzzHTML(f *testing.F) {
	for _, seed := range []string{sample, "<script>", "<a href=javascript:x>", "a\x00]]>", "[^1]\n\n[^1]: a", "<table><a><td><p><a>",
		"<img src=x srcset='a 1x,b,,c 2w' onerror=x>", "<a href='&#1;javascript:x'>", "<math><mtext><table><mglyph><style><!--</style>",
		"<b><p><i></b>x", "`\r`&#13;", "<pre>\n\na</pre>", "<select><option>", "[a](//b) [c](?d e)", "<p><table><form><p>"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		out := markup.HTML(in, markup.Options{Resolve: site})
		if again := markup.Sanitize(out); again != out {
			t.Errorf("the allow-list finds more:\n%q\n%q", out, again)
		}
		if _, done := markup.CleanText(out + markup.FirstParagraph(in)); done != (markup.Cleaning{}) {
			t.Errorf("%q: %v", out, done)
		}
		checkTree(t, out)
		if err := wellFormed(out); err != nil {
			t.Errorf("%v in %q", err, out)
		}
		markup.Refs(in)
	})
}

func checkTree(t *testing.T, out string) {
	root, err := html.Parse(strings.NewReader(out))
	if err != nil {
		t.Errorf("%v in %q", err, out)
		return
	}
	for n := range root.Descendants() {
		if slices.Contains([]string{"script", "style", "iframe", "form", "object", "svg", "math", "h1"}, n.Data) && n.Type == html.ElementNode {
			t.Errorf("%s in %q", n.Data, out)
		}
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || strings.HasPrefix(strings.ToLower(strings.TrimSpace(a.Val)), "javascript:") && a.Key != "alt" && a.Key != "title" {
				t.Errorf("%s=%q in %q", a.Key, a.Val, out)
			}
		}
	}
}

// wellFormed tells whether out is balanced, which XML's decoder shows once it knows HTML's entities.
func wellFormed(out string) error {
	d := xml.NewDecoder(strings.NewReader("<x>" + out + "</x>"))
	d.Entity = xml.HTMLEntity
	for depth := 0; ; {
		tok, err := d.Token()
		if err != nil {
			return fmt.Errorf("not well-formed: %w", err)
		}
		switch tok.(type) {
		case xml.StartElement:
			depth++
		case xml.EndElement:
			if depth--; depth == 0 {
				return nil
			}
		}
	}
}

const sample = "The response plan was [updated](plan.pdf) on **Monday**, said *Amanda Nero*[^1].\n\n## Figures\n\n" +
	"| Country | People |\n|---|--:|\n| Greece | 800,000 |\n| Italy | 150,000 |\n\n![A boat](boat.jpg)\n\n" +
	"- one\n- two with https://a.example/\n\n> Quoted.\n\n[^1]: See the [report](https://b.example/r).\n"

func BenchmarkHTML(b *testing.B) {
	in := sample + strings.Repeat("A paragraph of a story that goes on with [links](https://a.example/x) and *emphasis*, as stories do.\n\n", 18)
	in = in[:2048]
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		markup.HTML(in, markup.Options{Prefix: "a-", Resolve: site})
	}
}

// oneLine is HTML without line ends.
func oneLine(html string) string { return strings.ReplaceAll(html, "\n", "") }

// FuzzPlain: what goes the short way comes out as by the long way, which holds everything against the allow-list.
func FuzzPlain(f *testing.F) {
	for _, s := range []string{"# A\n\n### B\n\ntext *x* **y** [a](b.pdf \"t\") [c](https://a.example/?x=1) ![p \"q\"](i.jpg)", "1. a\n2. b\n\n> q\n\n| a | b |\n|---|:-:|\n| 1 | 2 |",
		"[![x](gone.jpg)](https://a.example/)", "a\n\n![x](gone.jpg)\n\nb", "[](b.pdf) x [*a* b](gone.jpg)", "a\\\nb  \nc", "    code\n\n***\n", "[a]: b.pdf\n\n[a] [b][a] ![c][a]", "- [ ](gone.jpg)\n- b\n\n  c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		o := markup.Options{Resolve: site}
		whole, plain := markup.Whole(s, o)
		if !plain || strings.ContainsAny(s, "\u00a0\u2000\u3000\r\f\v") { // what is blank to whom differs
			return
		}
		if got, want := oneLine(markup.Parsed(markup.HTML(s, o))), oneLine(markup.Parsed(whole)); got != want {
			t.Errorf("%q\ngot  %q\nwant %q", s, got, want)
		}
	})
}

// FuzzOrdinary: whatever Ordinary is true of holds no picture, and no link that staff need to be warned of.
func FuzzOrdinary(f *testing.F) {
	texts := []string{"plain words", "a [link](https://a.example/) and [mail](mailto:a@b.example), www.a.example, a@b.example and http://a.example"}
	for i, s := range texts {
		if !markup.Ordinary(s) {
			f.Errorf("%d %q is not ordinary", i+1, s)
		}
	}
	texts = append(texts, "[a](b.pdf)", "![p](https://a.example/i.jpg)", "ftp://a.example/", "[a][b]\n\n[b]: javascript:x", "<a href=x>", "[a]( javascript:x )", "[a](https://b.example)[c](ftp://d.example)")
	for i, s := range texts[2:] {
		if markup.Ordinary(s) {
			f.Errorf("%d %q is ordinary", i+3, s)
		}
		f.Add(s)
	}
	ordinary := regexp.MustCompile(`^(https?|mailto|tel):`)
	f.Fuzz(func(t *testing.T, s string) {
		if !markup.Ordinary(s) {
			return
		}
		for _, r := range markup.Refs(s) {
			if r.Image || !ordinary.MatchString(r.URL) {
				t.Errorf("%q refers to %+v", s, r)
			}
		}
	})
}

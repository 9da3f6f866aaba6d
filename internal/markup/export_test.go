package markup

import "strings"

// Whole is HTML by the long way, for texts that have a short one, too.
func Whole(text string, o Options) (html string, plain bool) {
	text, _ = CleanText(text)
	return render(tree(text, o)), isPlain(text)
}

// Parsed is HTML as it is once it was read and written.
func Parsed(html string) string { return strings.TrimSpace(render(parse(html))) }

// Sanitize is the allow-list alone, to show that it finds nothing in what HTML gives.
var Sanitize = policy.Sanitize

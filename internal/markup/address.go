package markup

import (
	"net/url"
	"regexp"
	"strings"
	"unicode"
)

// absolute is what Resolve makes of ref, if it is an address that may stand in the HTML.
func (o Options) absolute(ref string, image bool) (string, bool) {
	if ref == "" {
		return "", false
	}
	abs, ok := ref, true
	if o.Resolve != nil {
		abs, ok = o.Resolve(ref, image)
	}
	u, err := url.Parse(abs)
	if !ok || err != nil || strings.ContainsFunc(u.String(), unicode.IsSpace) {
		return "", false
	}
	web := (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
	if !web && (image || u.Scheme != "mailto" && u.Scheme != "tel") {
		return "", false
	}
	return u.String(), true
}

var descriptor = regexp.MustCompile(`^([0-9]+w|[0-9]+(\.[0-9]+)?x)?$`)

// candidate is one picture of a srcset attribute.
type candidate struct{ url, descriptor string }

// srcset is the value of a srcset attribute with each of its addresses made absolute, without those that are not ok.
func (o Options) srcset(value string) string {
	var kept []string
	for _, c := range candidates(value) {
		abs, ok := o.absolute(c.url, true)
		if !ok || !descriptor.MatchString(c.descriptor) {
			continue
		}
		// A comma at the end of an address would end the candidate.
		kept = append(kept, strings.TrimSpace(strings.ReplaceAll(abs, ",", "%2C")+" "+c.descriptor))
	}
	return strings.Join(kept, ", ")
}

// candidates splits a srcset attribute (HTML Standard §4.8.4.2.1): an address may hold commas, but not end in one.
func candidates(value string) []candidate {
	var list []candidate
	for {
		value = strings.TrimLeft(value, ", \t\n\r\f")
		if value == "" {
			return list
		}
		ref, rest := cutAny(value, " \t\n\r\f")
		if bare := strings.TrimRight(ref, ","); bare != ref {
			list, value = append(list, candidate{url: bare}), rest
			continue
		}
		var desc string
		desc, value = cutAny(rest, ",")
		list = append(list, candidate{ref, strings.TrimSpace(desc)})
	}
}

func cutAny(s, chars string) (before, after string) {
	if i := strings.IndexAny(s, chars); i >= 0 {
		return s[:i], s[i+1:]
	}
	return s, ""
}

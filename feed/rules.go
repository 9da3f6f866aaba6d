package feed

// The rules of the XML formats, as tables: what may stand in what, how often, and how it looks.

// known are the namespaces whose elements may stand only where a table has them.
var known = map[string]bool{"": true, atomNS: true, contentNS: true, dcNS: true, mediaNS: true, historyNS: true, tombstoneNS: true}

func rss(local string) name  { return name{"", local} }
func atom(local string) name { return name{atomNS, local} }
func dc(local string) name   { return name{dcNS, local} }
func mrss(local string) name { return name{mediaNS, local} }

// linkRules are those of Atom links (RFC 4287 §4.2.7), which RSS feeds have too.
var linkRules = []attributeRule{{"href", true, absolute}, {"rel", false, filled}, {"type", false, mediaType},
	{"hreflang", false, language}, {"title", false, nil}, {"length", false, digits}}

// mediaRules are those of Media RSS (https://www.rssboard.org/media-rss).
var mediaRules = []element{
	{name: mrss("content"), attrs: []attributeRule{{"url", true, absolute}, {"type", false, mediaType}, {"fileSize", false, digits},
		{"medium", false, oneOf("image", "audio", "video", "document", "executable")}, {"width", false, digits}, {"height", false, digits}},
		children: []element{
			{name: mrss("description"), max: 1, text: filled, attrs: []attributeRule{{"type", false, oneOf("plain", "html")}}},
			{name: mrss("credit"), text: filled},
		}},
	{name: mrss("thumbnail"), attrs: []attributeRule{{"url", true, absolute}, {"width", false, digits}, {"height", false, digits}}},
}

var archiveMark = element{name: name{historyNS, "archive"}, max: 1}

// rssDocument is RSS 2.0 (https://www.rssboard.org/rss-specification) with the profile's recommendations
// (https://www.rssboard.org/rss-profile).
var rssDocument = element{name: rss("rss"), min: 1, max: 1, attrs: []attributeRule{{"version", true, oneOf("2.0")}},
	children: []element{{name: rss("channel"), min: 1, max: 1, after: isLinked, children: append([]element{
		{name: rss("title"), min: 1, max: 1, text: filled},
		{name: rss("link"), min: 1, max: 1, text: absolute},
		{name: rss("description"), min: 1, max: 1, text: filled},
		{name: rss("language"), max: 1, text: language},
		{name: rss("copyright"), max: 1},
		{name: rss("managingEditor"), max: 1, text: mailbox},
		{name: rss("lastBuildDate"), min: 1, max: 1, text: rfc822},
		{name: rss("generator"), max: 1},
		{name: rss("docs"), max: 1, text: absolute},
		{name: atom("link"), min: 1, attrs: linkRules},
		archiveMark,
	}, rssItemRules)}}}

var rssItemRules = element{name: rss("item"), entry: true, children: append([]element{
	{name: rss("title"), min: 1, max: 1, text: filled},
	{name: rss("link"), min: 1, max: 1, text: absolute},
	{name: rss("guid"), min: 1, max: 1, text: filled, key: true, attrs: []attributeRule{{"isPermaLink", true, oneOf("false")}}},
	{name: rss("pubDate"), min: 1, max: 1, text: rfc822},
	{name: rss("description"), max: 1},
	{name: rss("category"), text: filled},
	{name: rss("enclosure"), max: 1, attrs: []attributeRule{{"url", true, absolute}, {"length", true, digits}, {"type", true, mediaType}}},
	{name: rss("source"), max: 1, text: filled, attrs: []attributeRule{{"url", true, absolute}}},
	{name: name{contentNS, "encoded"}, max: 1},
	{name: dc("creator"), text: filled},
	{name: dc("language"), max: 1, text: language},
	{name: dc("rights"), max: 1},
	{name: dc("source"), max: 1, text: filled},
	{name: atom("updated"), max: 1, text: rfc3339},
}, mediaRules...)}

// atomText are the attributes of a text construct (RFC 4287 §3.1).
var atomText = []attributeRule{{"type", false, oneOf("text", "html")}}

// atomPerson is a person construct (RFC 4287 §3.2).
var atomPerson = []element{
	{name: atom("name"), min: 1, max: 1, text: filled},
	{name: atom("uri"), max: 1, text: personal},
	{name: atom("email"), max: 1, text: email},
}

// atomDocument is a feed (RFC 4287 §4.1.1) with its history (RFC 5005) and tombstones (RFC 6721).
var atomDocument = element{name: atom("feed"), min: 1, max: 1, after: isLinked, children: []element{
	{name: atom("id"), min: 1, max: 1, text: uri},
	{name: atom("title"), min: 1, max: 1, text: filled, attrs: atomText},
	{name: atom("updated"), min: 1, max: 1, text: rfc3339},
	{name: atom("subtitle"), max: 1, attrs: atomText},
	{name: atom("rights"), max: 1, attrs: atomText},
	{name: atom("generator"), max: 1},
	{name: atom("author"), min: 1, children: atomPerson}, // so that entries need none
	{name: atom("link"), min: 1, attrs: linkRules},
	archiveMark,
	{name: name{tombstoneNS, "deleted-entry"}, attrs: []attributeRule{{"ref", true, uri}, {"when", true, rfc3339}}},
	atomEntryRules,
}}

// atomEntryRules are RFC 4287 §4.1.2.
var atomEntryRules = element{name: atom("entry"), entry: true, after: hasAlternate, children: append([]element{
	{name: atom("id"), min: 1, max: 1, text: uri, key: true},
	{name: atom("title"), min: 1, max: 1, text: filled, attrs: atomText},
	{name: atom("updated"), min: 1, max: 1, text: rfc3339},
	{name: atom("published"), min: 1, max: 1, text: rfc3339},
	{name: atom("summary"), max: 1, attrs: atomText},
	{name: atom("content"), max: 1, attrs: atomText},
	{name: atom("rights"), max: 1, attrs: atomText},
	{name: atom("author"), children: atomPerson},
	{name: atom("category"), attrs: []attributeRule{{"term", true, filled}, {"label", false, nil}, {"scheme", false, uri}}},
	{name: atom("link"), min: 1, attrs: linkRules},
}, mediaRules...)}

// isLinked wants one link from a feed to itself, as readers that move with it must not be moved elsewhere, and its history without
// forks: an archive document leads to the live one, and what has a document after it is marked as an archive (RFC 5005 §4).
func isLinked(f *frame) string {
	archive := f.counts[f.child(archiveMark.name)] > 0
	switch {
	case f.rel("self") != 1:
		return `a feed needs one link with rel="self"`
	case f.rel("prev-archive") > 1, f.rel("next-archive") > 1, f.rel("current") > 1:
		return "its history forks: of prev-archive, next-archive and current one link each is allowed"
	case archive && f.rel("current") == 0:
		return `an archive document needs a link with rel="current"`
	case !archive && f.rel("next-archive") > 0:
		return "an archive document needs <archive>"
	}
	return ""
}

// hasAlternate wants one page of a story (RFC 4287 §4.1.2: more must differ in type or language).
func hasAlternate(f *frame) string {
	if f.rel("alternate") != 1 {
		return `an entry needs one link with rel="alternate"`
	}
	return ""
}

// rel is how many links of this relation stand in an element.
func (f *frame) rel(relation string) (n int) {
	for _, r := range f.rels {
		if r == relation {
			n++
		}
	}
	return n
}

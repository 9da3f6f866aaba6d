package publish

import (
	"mime"
	"path"
	"regexp"
	"slices"
	"strings"

	"tidings/feed"
)

// Headers are what a server says of a file besides its bytes (RFC 9110 §8, RFC 9111 §5.2). The files of docs/serving say the same.
type Headers struct {
	Type  string // Content-Type
	Cache string // Cache-Control
}

// How long others may keep what they got without asking again.
const (
	CachePage    = "max-age=60"                  // pages and the stylesheet
	CacheFeed    = "max-age=60, must-revalidate" // a withdrawal must reach readers soon, in the archive too: its last month is open besides
	CacheForEver = "max-age=31536000, immutable" // the name says what is in it
	CacheNothing = "no-cache"                    // in the place of what is not there now, and may be there in a minute
)

// The pages that are shown in the place of what is not there, and of what was erased.
const (
	MissingPage = "404.html"
	GonePage    = "gone.html"
)

// ofContent matches what lies under a name of its content.
var ofContent = regexp.MustCompile(`^media/[0-9a-f]{12}-`)

// types do not depend on what the machine happens to know: its table is asked last.
var types = map[string]string{
	".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".txt": "text/plain; charset=utf-8",
	".csv": "text/csv; charset=utf-8", feed.CalendarExt: feed.CalendarType, ".opml": feed.OPMLType,
	".xml": "application/xml", ".json": "application/json", ".svg": "image/svg+xml",
	".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".gif": "image/gif", ".webp": "image/webp", ".avif": "image/avif",
	".ico": "image/x-icon", ".mp3": "audio/mpeg", ".m4a": "audio/mp4", ".ogg": "audio/ogg", ".mp4": "video/mp4", ".webm": "video/webm",
	".pdf": "application/pdf", ".zip": "application/zip", ".epub": "application/epub+zip", ".gz": "application/gzip",
}

// OfFeeds tells of a path whether it belongs to the feeds: to what is public and the same for everyone, so that other sites' scripts
// may read it.
func OfFeeds(name string) bool { return strings.HasPrefix(name, "feeds/") || name == "feeds.opml" }

// IsFeed tells of a feed in one of the formats, live or archived.
func IsFeed(name string) bool {
	return strings.HasPrefix(name, "feeds/") && slices.ContainsFunc(feed.Formats, func(f feed.Format) bool { return path.Ext(name) == f.Ext })
}

// Archived tells of the documents of months (RFC 5005 §4). A topic may be called archive too: the page of its feed is none.
func Archived(name string) bool { return IsFeed(name) && path.Base(path.Dir(name)) == "archive" }

// HeadersOf gives the headers of a file of the site by its path.
func HeadersOf(name string) Headers { return Headers{Type: contentType(name), Cache: cache(name)} }

// contentType gives the type of a file. One that nobody knows is never guessed from its bytes: it could pass for a page.
func contentType(name string) string {
	ext := strings.ToLower(path.Ext(name))
	for _, f := range feed.Formats {
		if ext == f.Ext && OfFeeds(name) {
			return f.Type
		}
	}
	if t, ok := types[ext]; ok {
		return t
	}
	if t := mime.TypeByExtension(ext); t != "" && !strings.HasPrefix(t, "text/html") {
		return t
	}
	return "application/octet-stream"
}

func cache(name string) string {
	switch {
	case ofContent.MatchString(name):
		return CacheForEver
	case OfFeeds(name) && path.Ext(name) != ".html":
		return CacheFeed
	case name == MissingPage, name == GonePage:
		return CacheNothing
	}
	return CachePage
}

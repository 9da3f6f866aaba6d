package publish

import (
	"mime"
	"path"
	"regexp"
	"strings"

	"tidings/feed"
)

// Headers are what a server says of a file besides its bytes (RFC 9110 §8, RFC 9111 §5.2).
type Headers struct {
	Type     string // Content-Type
	Cache    string // Cache-Control
	Encoding string // Content-Encoding; "" for none
}

// How long others may keep what they got without asking again.
const (
	cachePage    = "max-age=60"
	cacheFeed    = "max-age=60, must-revalidate" // a withdrawal must reach readers soon
	cacheArchive = "max-age=86400"               // sealed: it changes only when a story in it does
	cacheForEver = "max-age=31536000, immutable" // the name says what is in it
)

var (
	ofContent = regexp.MustCompile(`^media/[0-9a-f]{12}-`)
	ofArchive = regexp.MustCompile(`^feeds/(.+/)?archive/[^/]+$`)
)

// fileTypes do not depend on what the machine happens to know: its table is asked last.
var fileTypes = map[string]string{
	".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".txt": "text/plain; charset=utf-8",
	".csv": "text/csv; charset=utf-8", ".ics": "text/calendar; charset=utf-8", ".opml": "text/x-opml; charset=utf-8",
	".xml": "application/xml", ".json": "application/json", ".svg": "image/svg+xml",
	".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".gif": "image/gif", ".webp": "image/webp", ".avif": "image/avif",
	".ico": "image/x-icon", ".mp3": "audio/mpeg", ".m4a": "audio/mp4", ".ogg": "audio/ogg", ".mp4": "video/mp4", ".webm": "video/webm",
	".pdf": "application/pdf", ".zip": "application/zip", ".epub": "application/epub+zip", ".gz": "application/gzip",
}

// HeadersOf gives the headers of a file of the site by its path. The compressed sibling of a file is that file, encoded.
func HeadersOf(name string) Headers {
	h := Headers{Cache: cachePage}
	isFeed := strings.HasPrefix(name, "feeds/") || strings.HasPrefix(name, "feeds.opml")
	switch base := strings.TrimSuffix(strings.TrimSuffix(name, gzipExt), brotliExt); {
	case !isFeed || base == name:
	case strings.HasSuffix(name, gzipExt):
		name, h.Encoding = base, "gzip"
	default:
		name, h.Encoding = base, "br"
	}
	h.Type = fileType(name, isFeed)
	switch {
	case ofContent.MatchString(name):
		h.Cache = cacheForEver
	case ofArchive.MatchString(name):
		h.Cache = cacheArchive
	case isFeed && path.Ext(name) != ".html":
		h.Cache = cacheFeed
	}
	return h
}

// fileType gives the type of a file. One that nobody knows must not pass for a page.
func fileType(name string, isFeed bool) string {
	ext := strings.ToLower(path.Ext(name))
	for _, f := range feed.Formats {
		if isFeed && ext == f.Ext {
			return f.Type
		}
	}
	if t, ok := fileTypes[ext]; ok {
		return t
	}
	if t := mime.TypeByExtension(ext); t != "" && !strings.HasPrefix(t, "text/html") {
		return t
	}
	return "application/octet-stream"
}

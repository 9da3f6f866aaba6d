package web

import (
	"mime"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"tidings/feed"
)

// How long others may keep what they got without asking again.
const (
	keepShort   = "max-age=60"                  // pages and the stylesheet
	keepFeed    = "max-age=60, must-revalidate" // a withdrawal must reach readers soon
	keepArchive = "max-age=86400"               // sealed: it changes only when a story in it does
	keepForEver = "max-age=31536000, immutable" // the name says what is in it
	keepNothing = "no-cache"                    // what is not there now may be there in a minute
)

// types do not depend on what the machine happens to know: its table is asked last.
var types = map[string]string{
	".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".txt": "text/plain; charset=utf-8",
	".csv": "text/csv; charset=utf-8", ".ics": "text/calendar; charset=utf-8", ".opml": "text/x-opml; charset=utf-8",
	".xml": "application/xml", ".json": "application/json", ".svg": "image/svg+xml",
	".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".gif": "image/gif", ".webp": "image/webp", ".avif": "image/avif",
	".ico": "image/x-icon", ".mp3": "audio/mpeg", ".m4a": "audio/mp4", ".ogg": "audio/ogg", ".mp4": "video/mp4", ".webm": "video/webm",
	".pdf": "application/pdf", ".zip": "application/zip", ".epub": "application/epub+zip", ".gz": "application/gzip",
}

// texts compress well; pictures, sound and documents are compressed as they are.
var texts = []string{".html", ".css", ".txt", ".csv", ".ics", ".opml", ".xml", ".json", ".svg", ".rss", ".atom"}

func packable(name string) bool { return slices.Contains(texts, path.Ext(name)) }

// media matches what lies under a name of its content.
var media = regexp.MustCompile(`^media/[0-9a-f]{12}-`)

// contentType gives the type of a file. One that nobody knows is never guessed from its bytes: it could pass for a page.
func contentType(name string) string {
	ext := strings.ToLower(path.Ext(name))
	for _, f := range feed.Formats {
		if ext == f.Ext && ofFeeds(name) {
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

// ofFeeds tells of what other sites' scripts may read, being public and the same for everyone.
func ofFeeds(name string) bool { return strings.HasPrefix(name, "feeds/") || name == "feeds.opml" }

// isFeed tells of a feed in one of the formats that people should not have to look at.
func isFeed(name string) bool {
	return strings.HasPrefix(name, "feeds/") && slices.Contains([]string{feed.RSS.Ext, feed.Atom.Ext, feed.JSON.Ext}, path.Ext(name))
}

// sealed tells of the documents of past months (RFC 5005 §4).
func sealed(name string) bool {
	return strings.HasPrefix(name, "feeds/") && path.Base(path.Dir(name)) == "archive"
}

// inParts tells of the feeds of which a client may ask for the new entries only.
func inParts(name string) bool {
	ext := path.Ext(name)
	return isFeed(name) && !sealed(name) && (ext == feed.RSS.Ext || ext == feed.Atom.Ext)
}

func keep(name string) string {
	switch {
	case media.MatchString(name):
		return keepForEver
	case sealed(name):
		return keepArchive
	case ofFeeds(name) && path.Ext(name) != ".html":
		return keepFeed
	}
	return keepShort
}

// vary names the request headers that decide what is at this address (RFC 9110 §12.5.5).
func vary(name string) string {
	var fields []string
	if packable(name) {
		fields = append(fields, "Accept-Encoding")
	}
	if isFeed(name) {
		fields = append(fields, "Sec-Fetch-Dest")
	}
	if inParts(name) {
		fields = append(fields, "A-IM")
	}
	return strings.Join(fields, ", ")
}

// headers are those of an answer that shows a file in this form. They are shared by many answers: none may change the slices.
func headers(name string, f form) http.Header {
	h := http.Header{"Content-Type": {contentType(name)}, "Cache-Control": {keep(name)}, "Etag": {quoted(f.tag)}}
	if v := vary(name); v != "" {
		h["Vary"] = []string{v}
	}
	if f.coding != "" { // http.ServeContent sets the length only of what is not encoded
		h["Content-Encoding"], h["Content-Length"] = []string{f.coding}, []string{strconv.Itoa(len(f.body))}
	}
	return h
}

// sharing lets readers that run in a browser see the answer, be it an error.
var sharing = http.Header{"Access-Control-Allow-Origin": {"*"}, "Access-Control-Expose-Headers": {"ETag, Last-Modified, Vary, IM, Delta-Base"}}

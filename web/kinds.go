package web

import (
	"maps"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"tidings/feed"
	"tidings/publish"
)

// texts compress well; pictures, sound and documents are compressed as they are.
var texts = []string{".html", ".css", ".txt", ".csv", ".ics", ".opml", ".xml", ".json", ".svg", ".rss", ".atom"}

func packable(name string) bool { return slices.Contains(texts, path.Ext(name)) }

// isLive tells of a feed that changes as there is news: not of the documents of months.
func isLive(name string) bool { return publish.IsFeed(name) && !publish.Archived(name) }

// inParts tells of the feeds of which a client may ask for the new entries only.
func inParts(name string) bool { return isLive(name) && path.Ext(name) != feed.JSON.Ext }

// vary names the request headers that decide what is at this address (RFC 9110 §12.5.5).
func vary(name string) string {
	var fields []string
	if packable(name) {
		fields = append(fields, "Accept-Encoding")
	}
	if publish.IsFeed(name) {
		fields = append(fields, "Sec-Fetch-Dest")
	}
	if inParts(name) {
		fields = append(fields, "A-IM")
	}
	return strings.Join(fields, ", ")
}

// headers are those of an answer that shows a file in this form, and those of one that says that it is unchanged, which
// are as few as RFC 9110 §15.4.5 asks for. They are shared by many answers: none may change the slices.
func headers(name string, modified time.Time, f form) (whole, unchanged http.Header) {
	of := publish.HeadersOf(name)
	unchanged = http.Header{"Cache-Control": {of.Cache}, "Etag": {quoted(f.tag)}}
	if v := vary(name); v != "" {
		unchanged["Vary"] = []string{v}
	}
	whole = maps.Clone(unchanged)
	whole["Content-Type"], whole["Accept-Ranges"] = []string{of.Type}, []string{"bytes"}
	whole["Last-Modified"] = []string{modified.UTC().Format(http.TimeFormat)}
	if f.body != nil {
		whole["Content-Length"] = []string{strconv.Itoa(len(f.body))}
	}
	if f.coding != "" {
		whole["Content-Encoding"] = []string{f.coding}
	}
	return whole, unchanged
}

// sharing lets readers that run in a browser see the answer, be it an error.
var sharing = http.Header{"Access-Control-Allow-Origin": {"*"}, "Access-Control-Expose-Headers": {"ETag, Last-Modified, Link, Vary, IM, Delta-Base"}}

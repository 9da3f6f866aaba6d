package publish_test

import (
	"testing"

	"tidings/publish"
)

func TestHeadersOf(t *testing.T) {
	const page, feed, forEver = "max-age=60", "max-age=60, must-revalidate", "max-age=31536000, immutable"
	for _, test := range []struct {
		path string
		want publish.Headers
	}{
		{"index.html", publish.Headers{Type: "text/html; charset=utf-8", Cache: page}},
		{"style.css", publish.Headers{Type: "text/css; charset=utf-8", Cache: page}},
		{"feeds/news.rss", publish.Headers{Type: "application/rss+xml; charset=utf-8", Cache: feed}},
		{"feeds/topics/a.atom", publish.Headers{Type: "application/atom+xml; charset=utf-8", Cache: feed}},
		{"feeds/news.json", publish.Headers{Type: "application/feed+json; charset=utf-8", Cache: feed}},
		{"feeds/events.ics", publish.Headers{Type: "text/calendar; charset=utf-8", Cache: feed}},
		{"feeds/news/index.html", publish.Headers{Type: "text/html; charset=utf-8", Cache: page}},
		{"feeds/news/archive/2016-12.rss", publish.Headers{Type: "application/rss+xml; charset=utf-8", Cache: feed}},
		{"feeds/topics/archive/index.html", publish.Headers{Type: "text/html; charset=utf-8", Cache: page}},
		{"feeds/topics/archive.rss", publish.Headers{Type: "application/rss+xml; charset=utf-8", Cache: feed}},
		{"feeds.opml", publish.Headers{Type: "text/x-opml; charset=utf-8", Cache: feed}},
		{"media/0123456789ab-a.webp", publish.Headers{Type: "image/webp", Cache: forEver}},
		{"media/0123456789ab-a.tar.gz", publish.Headers{Type: "application/gzip", Cache: forEver}},
		{"media/0123456789ab-a.unknown", publish.Headers{Type: "application/octet-stream", Cache: forEver}},
		{"media/a.jpg", publish.Headers{Type: "image/jpeg", Cache: page}},
		{"404.html", publish.Headers{Type: "text/html; charset=utf-8", Cache: "no-cache"}},
		{"news/404.html", publish.Headers{Type: "text/html; charset=utf-8", Cache: page}},
		{"news/x/data.json", publish.Headers{Type: "application/json", Cache: page}},
	} {
		if got := publish.HeadersOf(test.path); got != test.want {
			t.Errorf("%s: %+v, not %+v", test.path, got, test.want)
		}
	}
}

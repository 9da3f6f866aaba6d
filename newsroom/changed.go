package newsroom

import (
	"path"
	"strings"

	"tidings/feed"
	"tidings/publish"
)

// ChangedFeeds are the addresses of the live feeds among the files that were written, for a WebSub hub.
func (n *Newsroom) ChangedFeeds(r publish.Report) (urls []string) {
	for _, file := range r.Written {
		if publish.Archived(file) || !strings.HasPrefix(file, "feeds/") {
			continue
		}
		for _, f := range feed.Formats {
			if path.Ext(file) == f.Ext {
				urls = append(urls, n.Config.URL+file)
			}
		}
	}
	return urls
}

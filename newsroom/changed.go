package newsroom

import (
	"path"
	"strings"

	"tidings/feed"
)

// ChangedFeeds are the addresses of the live feeds that a publication changed, for a WebSub hub.
func (n *Newsroom) ChangedFeeds(p Publication) (urls []string) {
	for _, file := range p.Written {
		if strings.HasPrefix(file, "feeds/news/archive/") || !strings.HasPrefix(file, "feeds/") {
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

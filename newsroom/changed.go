package newsroom

import "tidings/publish"

// ChangedFeeds are the addresses of the live feeds among the files that were written, for a WebSub hub.
func (n *Newsroom) ChangedFeeds(r publish.Report) (urls []string) {
	for _, file := range r.Written {
		if publish.IsFeed(file) && !publish.Archived(file) {
			urls = append(urls, n.Config.URL+file)
		}
	}
	return urls
}

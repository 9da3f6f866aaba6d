package feed

import (
	"slices"

	"tidings/items"
)

// Select returns the articles that a feed shows: those that keep approves of (all, if keep is nil), newest first by
// Published, those of one moment by ID, at most limit of them (all, if limit is 0). The argument stays as it is.
// Withdrawn stories count like others: if they left the window, an older story would slide back in as if it were new.
func Select(articles []items.Article, limit int, keep func(items.Article) bool) []items.Article {
	var chosen []items.Article
	for _, a := range articles {
		if keep == nil || keep(a) {
			chosen = append(chosen, a)
		}
	}
	slices.SortStableFunc(chosen, func(a, b items.Article) int { return items.NewestFirst(&a, &b) })
	if limit > 0 && len(chosen) > limit {
		chosen = slices.Clip(chosen[:limit])
	}
	return chosen
}

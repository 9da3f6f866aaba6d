package newsroom

import (
	"context"
	"fmt"
	"html/template"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"tidings/digest"
	"tidings/items"
	"tidings/publish"
)

// shelf remembers how stories were shown, so that one that did not change is not made ready again.
type shelf map[string]*shelved

// shelved is a story as it was shown, and what that depended on.
type shelved struct {
	of     condition
	others string // what related stories, and those that it leads to, were called
	assets string // the addresses of the files beside the item that it shows
	story  *publish.Story
}

// condition is all of a story's own that decides on how it is shown.
type condition struct {
	hash, slug, path, beside string
	status                   items.Status
	first, updated, changed  int64
	expired                  bool
	version                  items.Version
}

// showing makes the stories of a desk ready to be shown.
type showing struct {
	*Newsroom
	desk   Desk
	maker  items.Presenter
	files  map[string]*items.File   // by path
	titles func() map[string]string // of the stories that show, by slug
	slugs  func() map[string]string // likewise, by path of the file

	versions map[string][]items.Article // of the stories that show, by Work; only what tells them apart
}

func (n *Newsroom) newShowing(desk Desk) *showing {
	s := &showing{Newsroom: n, desk: desk, files: make(map[string]*items.File, len(desk.Scan.Files)), versions: map[string][]items.Article{}}
	for i := range desk.Scan.Files {
		s.files[desk.Scan.Files[i].Path] = &desk.Scan.Files[i]
	}
	s.titles = sync.OnceValue(desk.titles)
	s.slugs = sync.OnceValue(desk.slugs)
	for x := range desk.published() {
		if work := x.Item.Version.Work; work != "" {
			s.versions[work] = append(s.versions[work], items.Article{ID: x.ID, Work: work, URL: items.Presenter{URL: n.Config.URL}.StoryURL(x.Slug),
				Language: x.Item.Language, Title: x.Item.Title, First: x.FirstPublished})
		}
	}
	s.maker = items.Presenter{URL: n.Config.URL, Topics: n.Config.Topics, Asset: s.asset,
		Story: func(slug string) (string, bool) { t, ok := s.titles()[slug]; return t, ok },
		Page:  func(path string) (string, bool) { slug, ok := s.slugs()[path]; return slug, ok }}
	return s
}

// published are the stories that show now, notices apart.
func (d Desk) published() iter.Seq[*items.Story] {
	return func(yield func(*items.Story) bool) {
		for i := range d.Stories {
			if x := &d.Stories[i]; x.Status == items.Published && x.Visible(d.now) && !yield(x) {
				return
			}
		}
	}
}

func (d Desk) titles() map[string]string {
	titles := make(map[string]string, len(d.Stories))
	for x := range d.published() {
		titles[x.Slug] = x.Item.Title
	}
	return titles
}

func (d Desk) slugs() map[string]string {
	slugs := make(map[string]string, len(d.Stories))
	for x := range d.published() {
		if x.Gone.IsZero() {
			slugs[x.Path] = x.Slug
		}
	}
	return slugs
}

// asset is a file that an item shows. Where the item's own file is gone, has an error, or waits, so that its story stays as it was, it is
// the one that was shown last, which may be gone, too.
func (s *showing) asset(item, src string) (items.Asset, bool) {
	if f := s.files[item]; f == nil || f.Item == nil || f.Waits() {
		if a, ok := s.assets.Last(item, src); ok || f != nil && slices.Contains(f.Lacks, src) {
			return a, ok
		}
	}
	return s.assets.Asset(item, src)
}

// showStories gives those that show, newest first. The files that they show are read for it, which may take long.
func (n *Newsroom) showStories(ctx context.Context, desk Desk) ([]*publish.Story, error) {
	s := n.newShowing(desk)
	shown := make(shelf, len(desk.Stories))
	out := make([]*publish.Story, 0, len(desk.Stories))
	for i := range desk.Stories {
		if !desk.Stories[i].Visible(desk.now) {
			continue
		}
		x := desk.Stories[i]
		x.Item = x.Item.AsOf(desk.now)
		now := s.shelve(x, n.shelf[x.ID])
		if err := ctx.Err(); err != nil { // it may lack a file, which was not read any more
			return nil, err
		}
		shown[x.ID] = now
		now.story.Body = s.body(x)
		out = append(out, now.story)
	}
	n.shelf = shown
	slices.SortFunc(out, func(a, b *publish.Story) int { return items.NewestFirst(&a.Article, &b.Article) })
	return out, nil
}

// shelve gives a story as it is shown: as it was last if nothing that it depends on has changed.
func (s *showing) shelve(x items.Story, last *shelved) *shelved {
	if last == nil {
		last = &shelved{}
	}
	var refs []string
	beside := last.of.beside
	if file := s.files[x.Path]; file != nil && file.Item != nil {
		refs, beside = file.Refs, file.Beside
	} else { // it is gone, or has an error: the story stays as it was
		refs = x.Item.Refs()
	}
	if x.Status == items.Withdrawn { // a notice shows nothing of the story
		refs = nil
	}
	now := shelved{of: condition{hash: x.Hash, slug: x.Slug, path: x.Path, beside: beside, status: x.Status,
		first: x.FirstPublished.UnixMicro(), updated: x.Updated.UnixMicro(), changed: x.Item.Changed().UnixMicro(), expired: x.Item.Expired(s.desk.now), version: x.Item.Version}}
	var links []string
	for _, ref := range refs {
		if a, ok := s.asset(x.Path, ref); ok {
			now.assets += a.URL + "\n"
		} else {
			links = append(links, ref)
		}
	}
	now.others = s.others(x, links)
	if last.story != nil && last.of == now.of && last.others == now.others && last.assets == now.assets {
		return last
	}
	article := s.maker.Article(x)
	article.Translations = s.translations(x)
	listed := publish.ArticlePrint(article)
	now.story = &publish.Story{Article: article, Expired: now.of.expired, Revised: revised(x),
		Listed: listed, Print: publish.PrintOf(listed, x.Item.Body, now.others, now.assets)}
	made := now // few of thousands are, and only they need memory of their own
	return &made
}

// revised is when a story last changed since it first showed; zero if it never did, so that the same files give the same bytes whenever
// they are first published.
func revised(x items.Story) time.Time {
	if !x.Updated.After(x.FirstPublished) {
		return time.Time{}
	}
	return x.Updated
}

func (s *showing) body(x items.Story) func() template.HTML {
	return func() template.HTML { return s.maker.Body(x) }
}

// translations are the story's versions in other languages. A withdrawn one leads to none.
func (s *showing) translations(x items.Story) []items.Translation {
	if x.Status != items.Published {
		return nil
	}
	return items.Translations(items.Article{ID: x.ID}, s.versions[x.Item.Version.Work], s.Config.Language)
}

// others is what the stories are called that a story relates to, and where those are that it leads to, its translations too.
func (s *showing) others(x items.Story, links []string) string {
	if len(links) == 0 && len(x.Item.Related) == 0 && x.Item.Version.Work == "" {
		return ""
	}
	var b strings.Builder
	for _, t := range s.translations(x) {
		fmt.Fprintf(&b, "%+v\n", t)
	}
	for _, r := range x.Item.Related {
		b.WriteString(r.Slug + " " + s.titles()[r.Slug] + "\n")
	}
	for _, l := range links {
		b.WriteString(l + " " + s.maker.Target(x.Path, l) + "\n")
	}
	return b.String()
}

// candidates are the stories that show, as a digest chooses from them: each once, with its versions in other languages.
func (n *Newsroom) candidates(ctx context.Context, desk Desk) ([]digest.Candidate, error) {
	stories, err := n.showStories(ctx, desk)
	if err != nil {
		return nil, err
	}
	by, ids := map[string]items.Story{}, map[string][]string{}
	for _, x := range desk.Stories {
		by[x.ID] = x
		if x.Item != nil && x.Item.Version.Work != "" {
			ids[x.Item.Version.Work] = append(ids[x.Item.Version.Work], x.ID)
		}
	}
	var all []digest.Candidate
	for _, s := range stories {
		x := by[s.ID]
		if !x.Gone.IsZero() {
			continue
		}
		since := x.FirstPublished
		if since.IsZero() {
			since = desk.now
		}
		all = append(all, digest.Candidate{Article: s.Article, Placement: x.Item.Newsletter, Expired: s.Expired, Since: since, Same: ids[s.Work]})
	}
	return digest.Versions(all, n.Config.Language), nil
}

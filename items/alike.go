package items

import (
	"path"
	"slices"
	"strings"
	"time"

	"tidings/internal/problem"
)

// looks are what readers know a story by.
type looks struct {
	title, language string
	date            int64
}

func (it *Item) looks() looks {
	return looks{fold(it.Title), it.Language, it.Date.Time.UnixMicro()}
}

// recognise finds stories whose file got another name and another text at once: one file of the same title, language and date is gone, and
// one is new. One that pins an id is meant to be another story. A draft, or what is not due, has lain there before it is seen: it takes no
// story from readers.
func (m *matcher) recognise(now time.Time) {
	fresh := map[looks][]int{}
	for i := range m.files {
		if f := &m.files[i]; m.found[i] == nil && f.Item != nil && f.Item.ID == "" && (f.shows(now) || strictness[f.Item.Status] > strictness[Draft]) {
			fresh[f.Item.looks()] = append(fresh[f.Item.looks()], i)
		}
	}
	if len(fresh) == 0 {
		return
	}
	gone := map[looks][]*Story{}
	for _, s := range m.byID() {
		if m.justGone(s) {
			gone[s.Item.looks()] = append(gone[s.Item.looks()], s)
		}
	}
	for l, stories := range gone {
		if at := fresh[l]; len(at) == 1 && len(stories) == 1 {
			m.found[at[0]], m.used[stories[0]] = stories[0], true
		}
	}
}

// justGone tells whether no file has the story, and one had it at the last publication, or it has not been withdrawn for that yet.
func (m *matcher) justGone(s *Story) bool {
	return !m.used[s] && s.Item != nil && (s.Gone.IsZero() || s.Status == Published)
}

// Alike warns of new stories that are likely to be old ones whose files got another name and another text at once: with the title of one that is
// gone, or the first new one after the first one that went, in one folder and of one date, or, published no longer than grace before, in the
// file of one that is gone: somebody renamed it and wrote it anew, and then gave it its old name. Stories are those that Match gave, absent those
// that Absent did, with the same grace; times are told in zone. The files are in the order of their paths.
func Alike(files []File, stories, absent []Story, grace time.Duration, zone *time.Location) (probs problem.List) {
	gone := filter(absent, func(s *Story) bool { return s.Status == Published && !s.Gone.IsZero() })
	if len(gone) == 0 {
		return nil
	}
	first := slices.MinFunc(gone, func(a, b *Story) int { return a.Gone.Compare(b.Gone) }).Gone
	recent := filter(stories, func(s *Story) bool { return s.Status == Published && !s.FirstPublished.Before(first.Add(-grace)) })
	l := newLost(gone, slices.DeleteFunc(slices.Clone(recent), func(s *Story) bool { return s.FirstPublished.Before(first) }))
	for _, s := range recent {
		old := l.like(s)
		f, there := fileAt(files, s.Path)
		if old == nil || !there {
			continue
		}
		was := strings.TrimSuffix(f.Name, f.Path) + old.Path + ", which is gone"
		if s.Path == old.Path {
			was = "the story that this file held before"
		}
		probs.Warnf(f.Name, 0, "if it is the same story, add a line to it, which withdraws the new one instead: id: "+old.ID,
			"it looks like %s: it is published as a new story, so readers see both, and the old one is withdrawn at %s", was, old.Gone.Add(grace).In(zone).Format("2006-01-02 15:04"))
	}
	return probs
}

func fileAt(files []File, path string) (File, bool) {
	i, there := slices.BinarySearchFunc(files, path, func(f File, path string) int { return strings.Compare(f.Path, path) })
	if !there {
		return File{}, false
	}
	return files[i], true
}

// Overwritten warns of published stories whose files were changed so much that they are likely to be other ones: another title, another date, and
// hardly a phrase of the text is left. One that pins its id is meant to be the same. Files and stories are as for Alike.
func Overwritten(files []File, stories []Story) (probs problem.List) {
	for i := range stories {
		s := &stories[i]
		if s.was == nil || s.Status != Published || s.Item.ID != "" || !s.Item.another(s.was) {
			continue
		}
		if f, there := fileAt(files, s.Path); there {
			probs.Warnf(f.Name, 0, "if it is another story, give it a file of its own, and put the old one back into this one",
				"title, date and text are all others than those of %q, which this file held: readers get a change of that story, and no news", s.was.Title)
		}
	}
	return probs
}

// another tells whether an item has nothing of what it was.
func (it *Item) another(was *Item) bool {
	return fold(it.Title) != fold(was.Title) && !it.Date.Time.Equal(was.Date.Time) && !resembles(it.Body, was.Body)
}

// resembles tells whether at least a quarter of the phrases of a text are still there.
func resembles(text, was string) bool {
	now, before, kept := phrases(text), phrases(was), 0
	for p := range before {
		if now[p] {
			kept++
		}
	}
	return 4*kept >= len(before)
}

// phrases are the runs of three words in a text; one of fewer is a phrase itself.
func phrases(text string) map[string]bool {
	const length = 3
	words := strings.Fields(fold(text))
	all := map[string]bool{}
	for i := range max(len(words)-length+1, 1) {
		all[strings.Join(words[i:min(i+length, len(words))], " ")] = true
	}
	return all
}

// lost are the stories whose files are gone: there may be thousands, and as many new ones.
type lost struct {
	titled map[string][]*Story // by folded title
	at     map[string]*Story   // by path
	first  *Story              // of all; nil if several went at once
	new    *Story              // that which came first since then, before another one went; nil for none
}

// newLost gives all that are gone. Fresh are those that came since the first of them went.
func newLost(all, fresh []*Story) lost {
	l := lost{titled: map[string][]*Story{}, at: map[string]*Story{}}
	var next time.Time
	if l.first, next = earliest(all, func(s *Story) time.Time { return s.Gone }); l.first != nil {
		l.new, _ = earliest(fresh, func(s *Story) time.Time { return s.FirstPublished })
	}
	if l.new != nil && !next.IsZero() && !l.new.FirstPublished.Before(next) {
		l.new = nil
	}
	for _, s := range all {
		title := fold(s.Item.Title)
		l.titled[title], l.at[s.Path] = append(l.titled[title], s), s
	}
	return l
}

// earliest gives the story whose time comes first, nil if there are several, and the time of the one after it; zero for none.
func earliest(stories []*Story, at func(*Story) time.Time) (first *Story, next time.Time) {
	sorted := slices.SortedFunc(slices.Values(stories), func(a, b *Story) int { return at(a).Compare(at(b)) })
	switch {
	case len(sorted) == 0:
		return nil, next
	case len(sorted) > 1:
		next = at(sorted[1])
	}
	if next.Equal(at(sorted[0])) {
		return nil, next
	}
	return sorted[0], next
}

// like is the one that a new story is likely to be; nil for none.
func (l lost) like(s *Story) *Story {
	if old := l.at[s.Path]; old != nil && s.Item.ID == "" {
		return old
	}
	among := l.titled[fold(s.Item.Title)]
	if i := slices.IndexFunc(among, func(old *Story) bool { return !s.FirstPublished.Before(old.Gone) && s.speaks(old) }); i >= 0 {
		return among[i]
	}
	if s == l.new && s.speaks(l.first) && s.Item.Date.Time.Equal(l.first.Item.Date.Time) && path.Dir(s.Path) == path.Dir(l.first.Path) {
		return l.first
	}
	return nil
}

func filter(stories []Story, wanted func(s *Story) bool) (out []*Story) {
	for i := range stories {
		if wanted(&stories[i]) {
			out = append(out, &stories[i])
		}
	}
	return out
}

// speaks tells whether two stories are in one language.
func (s *Story) speaks(old *Story) bool { return s.Item.Language == old.Item.Language }

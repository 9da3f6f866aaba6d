package items

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"tidings/internal/problem"
	"tidings/internal/strict"
)

// Story is one piece of news with its identity, which outlives new titles, renamed files and moved sites.
type Story struct {
	ID             string // tag:HOST,YEAR:HASH, or what the item pinned
	Slug           string // the last part of its page's address
	Path           string // of its file, under the items folder
	Hash           string // of the file's bytes when it was last good
	Of             string // the id of the story whose own file this one's is, or was last, a version of; "" for none
	Item           *Item  // as it was last good; nil once erased
	Status         Status
	FirstPublished time.Time // zero: never yet, and then nothing of it is remembered
	Updated        time.Time // when the item or its status last changed here
	Gone           time.Time // when its file was first missed; zero while it is there

	was  *Item     // what the file held before, where that was published and is changed now
	held time.Time // until when the story that it is a version of holds it back; zero if that does not
}

// Visible tells whether the story, or the notice that it was withdrawn, may show at now.
func (s Story) Visible(now time.Time) bool {
	switch s.Status {
	case Published:
		return s.Item != nil && !now.Before(s.Due())
	case Withdrawn:
		return s.Item != nil && !s.FirstPublished.IsZero()
	}
	return false
}

// Known is what the newsroom remembers of its stories.
type Known struct {
	Host    string            // in every id; fixed at first use
	Stories []Story           // by id
	Slugs   map[string]string // every slug ever given: the id of its story

	version string // of the database that it was loaded from; "" if that says nothing
}

// Same tells whether both were loaded from the same state of the same database.
func (k Known) Same(other Known) bool { return k.version != "" && k.version == other.version }

// Match says which story each file is, and returns the stories that have a file, by path. A file is the story of the id it
// pins, else of its content, else of its path (but for that of a withdrawn story which is gone and has another date), else of the title and
// date that a file had which is gone; else it is a new one. So a
// renamed file keeps its story, and two files whose names were exchanged keep theirs. The same files give the same new ids, whatever the
// time and the order.
func (k Known) Match(files []File, now time.Time) ([]Story, problem.List) {
	if byPath := func(a, b File) int { return cmp.Compare(a.Path, b.Path) }; !slices.IsSortedFunc(files, byPath) {
		files = slices.SortedFunc(slices.Values(files), byPath)
	}
	m := newMatcher(k, files)
	for _, rule := range []func(i int) *Story{m.byPin, m.byPathAndHash, m.byHash, m.byPath, m.byStem} {
		m.apply(rule)
	}
	m.recognise(now)
	var probs problem.List
	stories := make([]Story, len(files))
	for _, i := range mintingOrder(files, now) {
		if s, ok := m.story(i, now, &probs); ok {
			stories[i] = s
		}
	}
	m.update(stories, now.Truncate(time.Microsecond).UTC(), &probs) // as the database keeps it
	m.join(stories)
	return slices.DeleteFunc(stories, func(s Story) bool { return s.ID == "" }), probs
}

// Left gives the files without those that are gone and known to be: another process has published without them.
func (k Known) Left(files []File) []File {
	if !slices.ContainsFunc(files, func(f File) bool { return f.Gone }) {
		return files
	}
	gone := map[string]bool{}
	for _, s := range k.Stories { // several may have been at one path in turn
		earlier, more := gone[s.Path]
		gone[s.Path] = !s.Gone.IsZero() && (earlier || !more)
	}
	return slices.DeleteFunc(slices.Clone(files), func(f File) bool { return f.Gone && gone[f.Path] })
}

// Absent gives the stories that readers know and that no file has any more; stories are those that Match gave. A story whose
// file is missed stays for a period of grace, since a file may be deleted by mistake or its folder not be mounted; then it counts as
// withdrawn. A version of a story that was withdrawn or erased has no grace: it goes with that. The order depends on k alone.
func (k Known) Absent(stories []Story, now time.Time, grace time.Duration) []Story {
	there := make([]bool, len(k.Stories))
	for _, at := range k.places(stories) {
		if at >= 0 {
			there[at] = true
		}
	}
	status := sync.OnceValue(func() map[string]Status { return k.takenBack(stories) })
	now = now.Truncate(time.Microsecond).UTC()
	var absent []Story
	for i := range k.Stories {
		if there[i] || k.Stories[i].FirstPublished.IsZero() {
			continue
		}
		s := k.Stories[i]
		if s.Gone.IsZero() {
			s.Gone = now
		}
		s.goWith(status(), now)
		if s.Status == Draft {
			continue
		}
		if s.Status == Published && now.Sub(s.Gone) >= grace {
			s.Status, s.Updated = Withdrawn, s.Gone.Add(grace)
		}
		absent = append(absent, s)
	}
	return absent
}

// places gives of each story where it is among the known ones; -1 for a new one.
func (k Known) places(stories []Story) []int {
	index := make(map[string]int, len(k.Stories))
	for i := range k.Stories {
		index[k.Stories[i].ID] = i
	}
	places := make([]int, len(stories))
	for i := range stories {
		at, known := index[stories[i].ID]
		if !known {
			at = -1
		}
		places[i] = at
	}
	return places
}

// takenBack gives takenBack of the known stories by their ids, and of the given ones, which are newer.
func (k Known) takenBack(stories []Story) map[string]Status {
	status := make(map[string]Status, len(k.Stories))
	for _, all := range [][]Story{k.Stories, stories} {
		for i := range all {
			status[all[i].ID] = all[i].takenBack()
		}
	}
	return status
}

// mintingOrder puts the files whose stories show now before the others, so that a draft never takes a slug from them.
func mintingOrder(files []File, now time.Time) []int {
	var shown, others []int
	for i := range files {
		if files[i].shows(now) {
			shown = append(shown, i)
		} else {
			others = append(others, i)
		}
	}
	if own := func(a, b int) int { return strings.Compare(files[a].Of, files[b].Of) }; !slices.IsSortedFunc(shown, own) {
		slices.SortStableFunc(shown, own) // a draft may hold a version back
	}
	return append(shown, others...)
}

type matcher struct {
	Known
	files  []File
	atPath map[string]*Story // the known stories by the paths of their files; as those below, of several the one that is meant
	found  []*Story          // for each file
	used   map[*Story]bool
	pinned map[string]int // id: the file that has it by right, of those that ask for it

	// What is needed only where a file is not as it was is made only then.
	byID    func() map[string]*Story
	atStem  func() map[string]*Story
	ofHash  func() map[string][]*Story
	present func() map[string]int    // path: index of the file
	slugs   func() map[string]string // Slugs, which may be added to
}

func newMatcher(k Known, files []File) *matcher {
	all := make([]*Story, len(k.Stories))
	m := &matcher{Known: k, files: files, atPath: make(map[string]*Story, len(all)), found: make([]*Story, len(files)),
		used: make(map[*Story]bool, len(all)), pinned: map[string]int{}}
	var erased []*Story
	for i := range k.Stories {
		all[i] = &k.Stories[i]
		if all[i].Status == Erased {
			own := k.Stories[i] // it will be changed
			all[i] = &own
			erased = append(erased, &own)
		} else {
			addMeant(m.atPath, all[i].Path, all[i])
		}
	}
	m.unveil(erased)
	m.byID = sync.OnceValue(func() map[string]*Story { return by(all, func(s *Story) string { return s.ID }) })
	m.atStem = sync.OnceValue(func() map[string]*Story { return by(all, func(s *Story) string { return stem(s.Path) }) })
	m.ofHash = sync.OnceValue(func() map[string][]*Story { return byHash(all) })
	m.present = sync.OnceValue(func() map[string]int { return byPath(files) })
	m.slugs = sync.OnceValue(func() map[string]string {
		slugs := make(map[string]string, len(k.Slugs))
		maps.Copy(slugs, k.Slugs)
		return slugs
	})
	for i := range files {
		if it := files[i].Item; it != nil && it.ID != "" {
			m.pin(i, it.ID)
		}
	}
	return m
}

// by gives stories by a key, of several with the same one that which is meant.
func by(stories []*Story, key func(*Story) string) map[string]*Story {
	all := make(map[string]*Story, len(stories))
	for _, s := range stories {
		addMeant(all, key(s), s)
	}
	return all
}

func addMeant(m map[string]*Story, key string, s *Story) {
	if other := m[key]; other == nil || meant(s, other) < 0 {
		m[key] = s
	}
}

// byHash gives the stories of each content, that which is meant first.
func byHash(stories []*Story) map[string][]*Story {
	all := make(map[string][]*Story, len(stories))
	for _, s := range stories {
		all[s.Hash] = append(all[s.Hash], s)
	}
	for _, same := range all {
		slices.SortFunc(same, meant)
	}
	return all
}

func byPath(files []File) map[string]int {
	all := make(map[string]int, len(files))
	for i := range files {
		all[files[i].Path] = i
	}
	return all
}

// meant orders stories that were at one path in turn, or have the same content: the one is meant whose file was there at the last look,
// then the one that was there last, but any other rather than one that was erased.
func meant(a, b *Story) int {
	switch {
	case a.Status == Erased && b.Status != Erased:
		return 1
	case a.Status != Erased && b.Status == Erased:
		return -1
	}
	return cmp.Or(compareGone(a, b), b.Updated.Compare(a.Updated), cmp.Compare(a.ID, b.ID))
}

// pin gives the id to file i, unless another file has a better right to it: the one whose story it is, then the first. So a copy
// never takes the story of what it was copied from.
func (m *matcher) pin(i int, id string) {
	owner, taken := m.pinned[id]
	if s := m.byID()[id]; s != nil {
		if at, there := m.present()[s.Path]; there {
			m.pinned[id] = at
			return
		}
	}
	if !taken || i < owner {
		m.pinned[id] = i
	}
}

// compareGone puts stories whose file is there before the others, and those before the ones that went earlier.
func compareGone(a, b *Story) int {
	switch {
	case a.Gone.IsZero() == b.Gone.IsZero():
		return b.Gone.Compare(a.Gone)
	case a.Gone.IsZero():
		return -1
	}
	return 1
}

func (m *matcher) apply(rule func(i int) *Story) {
	for i := range m.files {
		if m.found[i] != nil {
			continue
		}
		if s := rule(i); s != nil && !m.used[s] {
			m.found[i], m.used[s] = s, true
		}
	}
}

func (m *matcher) byPin(i int) *Story {
	it := m.files[i].Item
	if it == nil || it.ID == "" || m.pinned[it.ID] != i {
		return nil
	}
	return m.byID()[it.ID]
}

func (m *matcher) byPathAndHash(i int) *Story {
	if s := m.atPath[m.files[i].Path]; s != nil && s.Hash == m.files[i].Hash {
		return s
	}
	return nil
}

// byHash finds a story whose file was renamed: its old path is gone, or taken over by another known story's content.
func (m *matcher) byHash(i int) *Story {
	hash := m.files[i].Hash
	for _, s := range m.ofHash()[hash] {
		old, there := m.present()[s.Path]
		if hash != "" && !m.used[s] && (!there || len(m.ofHash()[m.files[old].Hash]) > 0) {
			return s
		}
	}
	return nil
}

func (m *matcher) byPath(i int) *Story { return m.atPath[m.files[i].Path].claimedBy(m.files[i]) }

// claimedBy gives the story, or nil where it was withdrawn, its file went, and file is another's that has the name now: one of another date,
// such as the next of a column. A file that has an error or waits may yet be either: it claims the story only to take it back.
func (s *Story) claimedBy(file File) *Story {
	if s == nil || s.Status != Withdrawn || s.Gone.IsZero() || s.Item == nil {
		return s
	}
	if file.Item == nil && strictness[file.Status] <= strictness[Draft] || file.Item != nil && !file.Item.Date.Time.Equal(s.Item.Date.Time) {
		return nil
	}
	return s
}

// byStem finds a story whose file changed its format: story.md became story.yaml.
func (m *matcher) byStem(i int) *Story {
	s := m.atStem()[stem(m.files[i].Path)]
	if s == nil {
		return nil
	}
	if _, there := m.present()[s.Path]; there {
		return nil
	}
	return s.claimedBy(m.files[i])
}

// story gives file i's story: the one that was found, or a new one if the file is good.
func (m *matcher) story(i int, now time.Time, probs *problem.List) (Story, bool) {
	f, s := m.files[i], m.found[i]
	if f.Item != nil && f.Item.ID != "" && m.pinned[f.Item.ID] != i {
		probs.Errorf(f.Name, 0, "delete the id: line of the file that was copied", "id: %s has the same id, and had it first", m.files[m.pinned[f.Item.ID]].Name)
		if s == nil {
			return Story{}, false
		}
		return *s, true
	}
	switch {
	case s == nil && f.Item == nil:
		return Story{}, false
	case s == nil:
		return m.mint(f, now), true
	case f.Item != nil && f.Item.ID != "" && f.Item.ID != s.ID:
		probs.Warnf(f.Name, 0, "take the id: line out", "id: it comes too late: the story is published as %s and stays so", s.ID)
	}
	return *s, true
}

func (m *matcher) mint(f File, now time.Time) Story {
	base := fmt.Sprintf("tag:%s,%d:%s", m.Host, f.Item.Date.Time.Year(), pathHash(stem(f.Path)))
	id := f.Item.ID
	for n := 1; id == ""; n++ {
		try := base
		if n > 1 {
			try = fmt.Sprintf("%s-%d", base, n)
		}
		if _, pinned := m.pinned[try]; m.byID()[try] == nil && !pinned {
			id = try
		}
	}
	s := Story{ID: id, Path: f.Path, Updated: now}
	m.byID()[id] = &s
	s.Slug = m.slug(f, id)
	return s
}

// slug gives a free slug for a file's story and keeps it from others.
func (m *matcher) slug(f File, id string) string {
	base := slugOf(f.Path, strings.TrimPrefix(id[strings.LastIndexByte(id, ':')+1:], "/"))
	slug := base
	slugs := m.slugs()
	taken := func(slug string) bool { return slugs[slug] != "" && slugs[slug] != id || slugs[Veil(slug)] != "" }
	for n := 2; taken(slug); n++ {
		slug = fmt.Sprintf("%s-%d", base, n)
	}
	slugs[slug] = id
	return slug
}

// update brings the stories up to date with their files, versions after what they are versions of.
func (m *matcher) update(stories []Story, now time.Time, probs *problem.List) {
	for _, rank := range []rank{alone, left, version} {
		for i := range stories {
			s := &stories[i]
			if s.ID == "" || m.rank(i) != rank {
				continue
			}
			own := m.lead(i, stories)
			s.Of = m.of(i, own)
			s.update(&m.files[i], own, now)
			if rank != left || !m.warnOfLeft(m.files[i], own, now, probs) {
				*probs = append(*probs, m.files[i].stray...)
			}
			if s.Status != Erased && veiled(s.Slug) { // it is published again after all
				s.Slug = m.slug(m.files[i], s.ID)
			}
		}
	}
}

// update brings the story up to date with its file. A file with an error changes nothing, unless it takes the story back. own is the
// story that it is a version of; the zero one stands for none.
func (s *Story) update(f *File, own Story, now time.Time) {
	before := *s
	s.was = nil
	switch {
	case f.Item != nil:
		s.Item, s.Status, s.Hash, s.Path = f.Item, f.Item.Status, f.Hash, f.Path
	case f.Status == Withdrawn || f.Status == Erased:
		s.Status = f.Status
		s.say(f.Status)
	}
	if own.ID != "" {
		s.follow(own, now)
	}
	if s.Status == Erased {
		s.erase()
	}
	if s.Status != before.Status || s.Status != Erased && (s.Hash != before.Hash || s.version().Borrowed != before.version().Borrowed) {
		s.Updated = now // of one that was erased nothing changes any more
	}
	if s.Hash != before.Hash && before.Status == Published && !before.FirstPublished.IsZero() {
		s.was = before.Item
	}
	if s.FirstPublished.IsZero() && s.Visible(now) {
		s.FirstPublished = now
	}
	s.Gone = time.Time{}
}

// say puts the status into the item.
func (s *Story) say(status Status) {
	if s.Item != nil {
		it := *s.Item
		it.Status = status
		s.Item = &it
	}
}

// takenBack is Erased or Withdrawn where the story's file says or said so, else "": a story whose file was merely deleted leaves the others of
// its versions alone.
func (s Story) takenBack() Status {
	if s.Status == Erased || s.Status == Withdrawn && (s.Item == nil || s.Item.Status == Withdrawn) {
		return s.Status
	}
	return ""
}

// Unrelated warns of related: slugs that no story has.
func Unrelated(files []File, stories []Story) (probs problem.List) {
	slugs := sync.OnceValue(func() map[string]bool { return slugsOf(stories) })
	known := sync.OnceValue(func() []string { return slices.Sorted(maps.Keys(slugs())) })
	for _, f := range files {
		if f.Item == nil {
			continue
		}
		for _, r := range f.Item.Related {
			if r.Slug != "" && !slugs()[r.Slug] {
				hint := `a slug is the file's name without date and ending; "tidings items" lists the addresses that end in them`
				if n := strict.Nearest(r.Slug, known()); n != "" {
					hint = fmt.Sprintf("did you mean %s?", n)
				}
				probs.Warnf(f.Name, 0, hint, "related: no story is called %q: the link is left out", r.Slug)
			}
		}
	}
	return probs
}

func slugsOf(stories []Story) map[string]bool {
	slugs := make(map[string]bool, len(stories))
	for _, s := range stories {
		slugs[s.Slug] = true
	}
	return slugs
}

package items

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"tidings/internal/problem"
	"tidings/internal/strict"
)

// A story may be told in several languages, each in a file of its own: story.fr.md beside story.md is its French version, and
// story.en.md and story.fr.md are two versions of one story. Each version is a story with an id and a page of its own. What the names
// of the files say is found out here, at each look at the folder; Known.Match remembers it.

// Version is what makes an item one of several versions of a story. Of an item which is none it is zero.
type Version struct {
	Work     string `json:"work,omitempty"`     // the same for all versions of the story: the id that its own file's story has
	Borrowed string `json:"borrowed,omitempty"` // changes whenever what the item has from the story's own file does
}

// splitLanguage takes the language out of the path of an item file: a/story.fr.md is a/story in fr. The tag is in its usual form, "" where
// there is none. Words such as new and old are codes of languages, too: sure tells whether it can be nothing but a language, since it
// has two letters or we know what it calls itself.
func splitLanguage(p string) (name, tag string, sure bool) {
	name = stem(p)
	code := strings.TrimPrefix(path.Ext(name), ".")
	t, err := language.Parse(code)
	if err != nil || code == "" {
		return name, "", false
	}
	first, _, _ := strings.Cut(strings.ReplaceAll(strings.ToLower(code), "_", "-"), "-")
	base, _ := t.Base()
	sure = len(first) == 2 || first == base.String() && display.Self.Name(t) != ""
	return stem(name), t.String(), sure
}

// VersionName is the name of a Markdown file for the story of an item file in another language, and that language's tag in its usual form.
func VersionName(file, language string) (name, tag string, err error) {
	t, err := parseTag(language)
	switch {
	case err != nil:
		return "", "", fmt.Errorf("%q is no language: write a language tag such as en, fr or pt-BR", language)
	case !isItem(file):
		return "", "", fmt.Errorf("%s is no item file", file)
	}
	name, _, sure := splitLanguage(file)
	if !sure {
		name = stem(file)
	}
	return name + "." + t + Extensions[0], t, nil
}

// parseTag brings a BCP 47 tag into its usual form.
func parseTag(s string) (string, error) {
	t, err := language.Parse(s)
	return t.String(), err
}

// languageOfName is the language in the name of a file whose front matter says that it is in the language given, which may be "".
func languageOfName(file, given string) string {
	_, tag, sure := splitLanguage(file)
	if t, err := parseTag(given); sure || err == nil && t == tag {
		return tag
	}
	return ""
}

// name is the path of the file without ending and language: what the versions of a story have in common.
func (f *File) name() string {
	if f.named == "" {
		return stem(f.Path)
	}
	name, _, _ := splitLanguage(f.Path)
	return name
}

// language is what the file is written in, "" where that cannot be told.
func (f *File) language() string {
	if f.named == "" && f.Item != nil {
		return f.Item.Language
	}
	return f.named
}

// spoil leaves out a file of which more is wrong than was found when it was read.
func (f *File) spoil(more problem.List) {
	if f.Item != nil && len(more) > 0 {
		f.Problems, f.Item = slices.Concat(f.Problems, more), nil
	}
}

// relate makes those of the files that are so by their names versions of one story, and notes of the others what is to be said of those that
// seem to be. The files are in the order of their paths; taken remembers what was made of them.
func (p Parser) relate(files []File, taken map[string]*taken) {
	if !slices.ContainsFunc(files, func(f File) bool { return f.named != "" }) {
		return
	}
	works := make(map[string][]*File, len(files))
	for i := range files {
		name := files[i].name()
		works[name] = append(works[name], &files[i])
	}
	for i := range files {
		name := files[i].name()
		all := works[name]
		delete(works, name)
		switch {
		case !slices.ContainsFunc(all, func(f *File) bool { return f.named != "" }):
		case len(all) > 1:
			p.join(name, all, taken)
		default:
			all[0].stray = all[0].astray(name, files)
			all[0].spoil(all[0].alone)
		}
	}
}

// join makes files the versions of one story. Of two in one language the latter is left out.
func (p Parser) join(name string, all []*File, taken map[string]*taken) {
	own := p.own(all)
	if own != nil {
		all = append([]*File{own}, slices.DeleteFunc(all, func(f *File) bool { return f == own })...)
	}
	in := map[string]*File{}
	for _, f := range all {
		l := f.language()
		if twin := in[l]; twin != nil && l != "" {
			f.spoil(problem.List{{File: f.Name, Severity: problem.Error, What: fmt.Sprintf("%s is the same story in the same language, %s", twin.Name, l),
				Hint: "put all into one of the two and delete the other, or rename this one if it is another story"}})
			continue
		}
		in[l], f.work = f, name
		if f.named != "" {
			f.spoil(f.among)
		}
		switch {
		case f.named == "":
		case own == nil || f == own:
			f.spoil(f.alone)
		default:
			f.Of = own.Path
			f.borrow(own, taken[f.Path])
		}
	}
}

// own is the story's own file, which the others are versions of: the one without a language in its name, else the one in the newsroom's
// language. nil if there is neither.
func (p Parser) own(all []*File) *File {
	for _, ext := range Extensions {
		for _, f := range all {
			if f.named == "" && strings.EqualFold(path.Ext(f.Path), ext) {
				return f
			}
		}
	}
	for _, f := range all {
		if f.named == p.Language {
			return f
		}
	}
	return nil
}

// astray warns of a file that seems to be a version of a story that has no other file, where other stories have files without a
// language in their names.
func (f *File) astray(name string, files []File) (probs problem.List) {
	if f.Item == nil || f.Item.Language != f.named {
		return nil
	}
	var near []string
	plain := false
	for i := range files {
		if g := &files[i]; g.named == "" {
			plain = true
			if other := stem(g.Path); path.Dir(other) == path.Dir(name) && max(len(other), len(name))-min(len(other), len(name)) <= 2 {
				near = append(near, path.Base(other))
			}
		}
	}
	if !plain {
		return nil
	}
	hint := fmt.Sprintf("call it as that story's file is called, or leave .%s out of its name and write language: %s", f.Path[len(name)+1:len(stem(f.Path))], f.named)
	if n := strict.Nearest(path.Base(name), near); n != "" {
		hint = fmt.Sprintf("did you mean %s%s?", n, f.Path[len(name):])
	}
	probs.Warnf(f.Name, 0, hint, "by its name it is a story in %s that has no file in another language: it stands alone", f.named)
	return probs
}

// borrow gives a version what it does not say itself from the story's own file. While that has an error, or is being written, the
// version stays as it was.
func (f *File) borrow(own *File, t *taken) {
	switch {
	case f.Item == nil:
	case own.Item == nil && own.Pending:
		f.Item, f.Pending = nil, true
	case own.Item == nil:
		f.waits = true
		f.spoil(problem.List{{File: f.Name, Severity: problem.Error, What: fmt.Sprintf("it waits for %s, whose story it is a version of and which has an error", own.Name), Hint: "mend " + own.Name}})
	default:
		if t.lender != own.Item || t.borrower != f.Item {
			t.lender, t.borrower = own.Item, f.Item
			t.whole = f.Item.borrow(own.Item)
			t.wholeRefs = t.whole.localRefs()
		}
		f.Item, f.refs, f.Refs = t.whole, t.wholeRefs, sources(t.wholeRefs)
	}
}

// borrow gives the item with what is the same in every language, where it does not say it itself, from the story's own: when it is
// published and expires, what it belongs to, whom it is by, its pictures, the event. What is written in a language is its own.
func (it *Item) borrow(own *Item) *Item {
	whole, lent := *it, Item{}
	take(it.Date.IsZero() && it.PublishAt.IsZero(), own.PublishAt, &whole.PublishAt, &lent.PublishAt)
	take(it.Date.IsZero(), own.Date, &whole.Date, &lent.Date)
	take(it.Expires.IsZero(), own.Expires, &whole.Expires, &lent.Expires)
	take(it.Topics == nil, own.Topics, &whole.Topics, &lent.Topics)
	take(it.Authors == nil, own.Authors, &whole.Authors, &lent.Authors)
	take(it.Contacts == nil, own.Contacts, &whole.Contacts, &lent.Contacts)
	take(it.Image == nil, own.Image, &whole.Image, &lent.Image)
	take(it.Images == nil, own.Images, &whole.Images, &lent.Images)
	take(it.Event == nil, own.Event, &whole.Event, &lent.Event)
	take(it.Newsletter == "", own.Newsletter, &whole.Newsletter, &lent.Newsletter)
	take(it.Rights == "", own.Rights, &whole.Rights, &lent.Rights)
	if text, err := json.Marshal(lent); err == nil { // an item is kept as JSON, too: there is no error
		sum := sha256.Sum256(text)
		whole.Version.Borrowed = hex.EncodeToString(sum[:8])
	}
	return &whole
}

// await keeps versions waiting for the story's own file while that is still being written, or waits itself: readers know a story by the
// version that came first. The files are in the order of their paths.
func await(files []File) {
	for i := range files {
		f := &files[i]
		if f.Of == "" || f.Item != nil && f.Item.Status != Published {
			continue
		}
		at, _ := slices.BinarySearchFunc(files, f.Of, func(g File, path string) int { return strings.Compare(g.Path, path) })
		if own := files[at]; own.Waits() && own.Item == nil {
			f.Item, f.Pending, f.Until = nil, own.Pending, own.Until
		}
	}
}

// take puts a value to each of these places if it is wanted.
func take[T any](wanted bool, value T, places ...*T) {
	if wanted {
		for _, p := range places {
			*p = value
		}
	}
}

// Due is the moment from which the story may show: that of its item, or later, of the story that it is a version of.
func (s Story) Due() time.Time {
	if s.held.After(s.Item.Due()) {
		return s.held
	}
	return s.Item.Due()
}

// version is what is kept of the item besides its file's bytes.
func (s Story) version() (v struct {
	Version
	none bool
}) {
	if v.none = s.Item == nil; !v.none {
		v.Version = s.Item.Version
	}
	return v
}

// strictness is how much a status takes away.
var strictness = map[Status]int{Draft: 1, Withdrawn: 2, Erased: 3}

// follow holds a version to what its story's own file says: it is a draft, withdrawn or erased as that is, and shows no earlier. A draft
// or an embargo does not take away what readers had before the story's own file was fit to be seen.
func (s *Story) follow(own Story, now time.Time) {
	ahead := !s.FirstPublished.IsZero() && own.FirstPublished.IsZero()
	if strictness[own.Status] > strictness[s.Status] && (!ahead || own.Status != Draft) {
		s.Status = own.Status
	}
	if own.Item != nil && own.Item.Due().After(now) && !ahead {
		s.held = own.Item.Due()
	}
}

// goWith takes a version back whose file is gone when the story that it is a version of was taken back; status tells of which that is so.
func (s *Story) goWith(status map[string]Status, now time.Time) {
	own := status[s.Of]
	if strictness[own] <= strictness[s.Status] {
		return
	}
	if s.Status, s.Updated = own, now; own == Erased {
		s.erase()
	}
}

// own is the index of the story's own file that file i is a version of, else -1.
func (m *matcher) own(i int) int {
	if of := m.files[i].Of; of != "" {
		if at, there := m.present()[of]; there {
			return at
		}
	}
	return -1
}

// rank tells which stories must be up to date before others are.
type rank int

const (
	alone   rank = iota // no version, or the story's own file
	left                // a version, and the story's own file is not beside it any more
	version             // a version of a story whose own file is beside it
)

func (m *matcher) rank(i int) rank {
	switch {
	case m.own(i) >= 0:
		return version
	case m.left(i) != nil:
		return left
	}
	return alone
}

// left is the known story that file i is a version of though that story's own file is not beside it; nil for none. A new file shows by its
// name which story that is.
func (m *matcher) left(i int) *Story {
	if s := m.found[i]; s != nil {
		if s.Of == "" {
			return nil
		}
		return m.byID()[s.Of]
	}
	f := &m.files[i]
	if f.named == "" {
		return nil
	}
	for _, p := range f.ownPaths() {
		if s := m.atPath[p]; s != nil && !m.used[s] {
			return s
		}
	}
	return nil
}

// lead is the story that decides on that of file i: the one whose version it is. Where the own file of that one is not beside it, it
// decides as long as it is taken back: what was withdrawn or erased in all languages does not come back because a file is deleted or
// renamed. The zero story stands for none.
func (m *matcher) lead(i int, stories []Story) Story {
	if own := m.own(i); own >= 0 {
		return stories[own]
	}
	s := m.left(i)
	if s == nil {
		return Story{}
	}
	lead := *s
	if m.used[s] {
		lead = stories[slices.Index(m.found, s)]
	}
	if lead.takenBack() == "" {
		return Story{}
	}
	return lead
}

// of is the id of the story that file i is a version of, whether that leads it or its file is gone; a version that was given a name of its own while
// the story's own file stays is none any more.
func (m *matcher) of(i int, lead Story) string {
	switch s := m.left(i); {
	case m.own(i) >= 0:
		return cmp.Or(lead.Of, lead.ID)
	case s != nil && (lead.ID != "" || !m.used[s]):
		return s.ID
	}
	return ""
}

// warnOfLeft says why a version is not published whose story's own file cannot tell it any more. One that had its date from that file has
// an error by now, but that is not why.
func (m *matcher) warnOfLeft(f File, lead Story, now time.Time, probs *problem.List) (told bool) {
	status, year := f.Status, now.Year()
	if f.Item != nil {
		status, year = f.Item.Status, f.Item.Date.Time.Year()
	}
	if f.Item == nil && f.Waits() || strictness[lead.Status] <= strictness[status] {
		return false
	}
	hint := fmt.Sprintf("put that story's own file back without its status to publish both; if this is a story of its own, rename the file and add a line to it: id: tag:%s,%d:some-words",
		m.Host, year)
	probs.Warnf(f.Name, 0, hint, "it is a version of a story that was %s: it is not published", lead.Status)
	return true
}

// join remembers which stories are versions of one, by the names of their files. A version whose file has no sister any more stays one,
// since readers know the story already; where the others' files are still there, somebody took them apart.
func (m *matcher) join(stories []Story) {
	works := m.kept()
	for i := range m.files {
		f := &m.files[i]
		if _, known := works[f.work]; !known && f.work != "" && f.Of == "" && stories[i].ID != "" {
			works[f.work] = stories[i].ID
		}
	}
	for i := range stories {
		if s := &stories[i]; s.Item != nil && s.Item.Version.Work != works[m.group(i)] {
			it := *s.Item
			it.Version.Work = works[m.group(i)]
			s.Item = &it
		}
	}
}

// group is the same for the files of one story's versions.
func (m *matcher) group(i int) string { return cmp.Or(m.files[i].work, m.files[i].Path) }

// kept gives, by group, the Work that the stories of its files had, unless those of other groups had it too.
func (m *matcher) kept() map[string]string {
	holder := map[string]string{} // the group that had a Work; "" for several
	for i, s := range m.found {
		if s == nil || s.Item == nil || s.Item.Version.Work == "" {
			continue
		}
		work := s.Item.Version.Work
		if other, had := holder[work]; had && other != m.group(i) {
			holder[work] = ""
		} else {
			holder[work] = m.group(i)
		}
	}
	works := map[string]string{}
	for _, work := range slices.Sorted(maps.Keys(holder)) {
		if group := holder[work]; group != "" && works[group] == "" {
			works[group] = work
		}
	}
	return works
}

// ByLanguage orders the versions of one story for readers of a language: the one in it first, then that in another form of it (pt-BR for
// pt), then the one that readers knew first.
func ByLanguage(tag string) func(a, b Article) int {
	return func(a, b Article) int {
		return cmp.Or(cmp.Compare(Distance(a.Language, tag), Distance(b.Language, tag)), a.First.Compare(b.First), original(a, b), cmp.Compare(a.ID, b.ID))
	}
}

// ByAge orders the versions of one story for feeds that hold it once, in a newsroom of this language: the one that readers knew first comes
// first, so that a version which is added later takes no other's place.
func ByAge(tag string) func(a, b Article) int {
	return func(a, b Article) int { return cmp.Or(a.First.Compare(b.First), ByLanguage(tag)(a, b)) }
}

// Distance is 0 for a language and itself, 1 for two forms of one language, else 2. Languages are BCP 47 tags.
func Distance(a, b string) int {
	if a == b {
		return 0
	}
	x, _ := language.Make(a).Base()
	if y, _ := language.Make(b).Base(); x == y {
		return 1
	}
	return 2
}

// original puts the version that stands in the story's own file first.
func original(a, b Article) int {
	switch {
	case a.Original() == b.Original():
		return 0
	case a.Original():
		return -1
	}
	return 1
}

// Original tells whether this is the version that the others were made of, as far as that is known.
func (a Article) Original() bool { return a.Work == a.ID }

// Once leaves of the versions of each story only that which comes first by compare. The order stays.
func Once[T any](all []T, article func(*T) *Article, compare func(a, b Article) int) []T {
	first := map[string]*Article{}
	for i := range all {
		a := article(&all[i])
		if best := first[a.Work]; a.Work != "" && (best == nil || compare(*a, *best) < 0) {
			first[a.Work] = a
		}
	}
	if len(first) == 0 {
		return all
	}
	var out []T
	for i := range all {
		if a := article(&all[i]); a.Work == "" || first[a.Work].ID == a.ID {
			out = append(out, all[i])
		}
	}
	return out
}

// Translations are the other ones of a story's versions, by language; tag is the newsroom's language.
func Translations(of Article, versions []Article, tag string) (out []Translation) {
	versions = slices.SortedFunc(slices.Values(versions), ByLanguage(tag))
	origin := slices.IndexFunc(versions, Article.Original)
	for i, v := range versions {
		if v.ID != of.ID {
			out = append(out, Translation{v.Language, v.Title, v.URL, i == max(origin, 0), i == 0})
		}
	}
	slices.SortFunc(out, func(a, b Translation) int { return cmp.Compare(a.Language, b.Language) })
	return out
}

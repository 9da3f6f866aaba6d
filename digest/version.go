package digest

import (
	"slices"

	"tidings/items"
)

// Versions makes one candidate of the versions of each story: the one for readers of the newsroom's language, which holds the others that
// are fit to be told. One that is not fit gives way.
func Versions(all []Candidate, language string) (out []Candidate) {
	works := map[string][]Candidate{}
	for _, c := range all {
		if c.Work == "" {
			out = append(out, c)
		} else {
			works[c.Work] = append(works[c.Work], c)
		}
	}
	for _, c := range all {
		if versions := works[c.Work]; c.Work != "" && versions != nil {
			out = append(out, joined(versions, language))
			delete(works, c.Work)
		}
	}
	return out
}

// joined is the one candidate that the versions of a story make.
func joined(versions []Candidate, language string) Candidate {
	first := items.ByLanguage(language)
	slices.SortFunc(versions, func(a, b Candidate) int {
		if a.tellable() != b.tellable() {
			return compareBool(b.tellable(), a.tellable())
		}
		return first(a.Article, b.Article)
	})
	c := versions[0]
	for _, v := range versions[1:] {
		if v.tellable() {
			c.Versions = append(c.Versions, v.Article)
		}
		if v.Since.Before(c.Since) {
			c.Since = v.Since
		}
	}
	return c
}

// tellable tells whether the story itself allows that it is told.
func (c Candidate) tellable() bool { return !c.Withdrawn && !c.Expired && c.Placement != items.Skip }

// In gives the issue as those get it who ask for a language, as a BCP 47 tag: of each story the version in it or, failing that, in another
// form of it, if there is one. For "" it is the issue as it is.
func (i Issue) In(tag string) Issue {
	if tag == "" || len(i.Versions) == 0 {
		return i
	}
	i.Articles = slices.Clone(i.Articles)
	for k, a := range i.Articles {
		for _, v := range i.Versions[a.ID] {
			if items.Distance(v.Language, tag) < items.Distance(i.Articles[k].Language, tag) {
				i.Articles[k] = v
			}
		}
	}
	return i
}

// Same tells whether two issues tell the same stories in the same languages.
func (i Issue) Same(other Issue) bool {
	return slices.EqualFunc(i.Articles, other.Articles, func(a, b items.Article) bool { return a.ID == b.ID })
}

// All are the articles of the issue, in all languages.
func (i Issue) All() (all []items.Article) {
	for _, a := range i.Articles {
		all = append(append(all, a), i.Versions[a.ID]...)
	}
	return all
}

// Without gives the issue without what was taken back, and how much of it was. Where only one version of a story was, another takes its
// place.
func (i Issue) Without(gone func(id string) bool) (rest Issue, taken int) {
	rest = i
	rest.Articles, rest.Versions = nil, nil
	for _, a := range i.Articles {
		var left []items.Article
		for _, v := range append([]items.Article{a}, i.Versions[a.ID]...) {
			if gone(v.ID) {
				taken++
			} else {
				left = append(left, v)
			}
		}
		if len(left) > 0 {
			rest.add(left[0], left[1:])
		}
	}
	return rest, taken
}

// With gives the issue with these stories, as Choose chose them of the candidates.
func (i Issue) With(chosen []items.Article, of []Candidate) Issue {
	versions := map[string][]items.Article{}
	for _, c := range of {
		versions[c.ID] = c.Versions
	}
	i.Articles, i.Versions = nil, nil
	for _, a := range chosen {
		i.add(a, versions[a.ID])
	}
	return i
}

// add adds a story. What its versions are called is not kept with each of them: any may be erased.
func (i *Issue) add(a items.Article, versions []items.Article) {
	a.Translations = nil
	i.Articles = append(i.Articles, a)
	if len(versions) == 0 {
		return
	}
	if i.Versions == nil {
		i.Versions = map[string][]items.Article{}
	}
	for _, v := range versions {
		v.Translations = nil
		i.Versions[a.ID] = append(i.Versions[a.ID], v)
	}
}

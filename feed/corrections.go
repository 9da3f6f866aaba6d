package feed

import (
	"fmt"
	"html"
	"slices"
	"strconv"
	"time"

	"tidings/items"
)

// CorrectionWords gives the title and the text, both plain, of the entry that tells of a correction of the story a or,
// where c is nil, of its withdrawal. They are in a's language. A withdrawal must not name what the story said.
type CorrectionWords func(a items.Article, c *items.Correction) (title, text string)

// Corrections returns an entry for each correction of the articles and for each withdrawn one, newest first, all leading
// to the stories' pages. Many readers do not show an entry again that changed: here a change is an entry of its own.
//
// A correction's id is the story's with its date and, should a story have several of a date, their number among
// them: the wording may be mended, and others may be added, before or after. A list that begins with the newest is
// counted from its end, where the first one stands.
func Corrections(articles []items.Article, words CorrectionWords) []Entry {
	var entries []Entry
	for _, a := range articles {
		if a.Withdrawn {
			entries = append(entries, newWithdrawal(a, words))
			continue
		}
		marks := correctionMarks(a.Corrections)
		for i := range a.Corrections {
			entries = append(entries, newCorrection(a, i, marks[i], words))
		}
	}
	slices.SortStableFunc(entries, func(a, b Entry) int { return items.NewestFirst(&a.Article, &b.Article) })
	return entries
}

func newCorrection(a items.Article, i int, mark string, words CorrectionWords) Entry {
	c := a.Corrections[i]
	title, text := words(a, &c)
	e := newChange(a, a.ID+"/correction/"+mark, c.Date.Time, title, text, a.Title)
	e.Topics = a.Topics
	return e
}

func newWithdrawal(a items.Article, words CorrectionWords) Entry {
	title, text := words(a, nil)
	return newChange(a, a.ID+"/withdrawal", a.Updated, title, text, title)
}

// newChange tells of a change of the story a, to which it leads by a link of the given text. It is no earlier than the
// story: on the day of publication a correction is dated by the first moment of that day.
func newChange(a items.Article, id string, at time.Time, title, text, link string) Entry {
	if at.Before(a.Published) {
		at = a.Published
	}
	return Entry{
		Article: items.Article{ID: id, Slug: a.Slug, URL: a.URL, Language: a.Language, Dir: a.Dir,
			Title: title, Summary: text, Published: at, Updated: at, First: a.First},
		Content: fmt.Sprintf("<p>%s</p>\n<p><a href=\"%s\">%s</a></p>",
			html.EscapeString(text), html.EscapeString(a.URL), html.EscapeString(link)),
	}
}

// correctionMarks gives each of a story's corrections what tells it from the others: 2015-11-04, 2015-11-04-2.
func correctionMarks(corrections []items.Correction) []string {
	marks := make([]string, len(corrections))
	seen := map[string]int{}
	for n := range corrections {
		i := n
		if newestFirst(corrections) {
			i = len(corrections) - 1 - n
		}
		day := corrections[i].Date.Time.Format(time.DateOnly)
		seen[day]++
		marks[i] = day
		if seen[day] > 1 {
			marks[i] += "-" + strconv.Itoa(seen[day])
		}
	}
	return marks
}

func newestFirst(corrections []items.Correction) bool {
	return len(corrections) > 1 && corrections[0].Date.Time.After(corrections[len(corrections)-1].Date.Time)
}

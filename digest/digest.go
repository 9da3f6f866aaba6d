// Package digest decides which stories go into the next issue of a newsletter and in what order. It does no I/O and
// reads no clock: the same candidates and rules give the same issue.
package digest

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"tidings/items"
)

// Issue is one digest, frozen: what it shows never changes again, whatever happens to the files.
type Issue struct {
	Newsletter string          `json:"newsletter"` // its name in tidings.yaml
	Title      string          `json:"title"`      // of the newsletter
	Number     int             `json:"number"`     // counts from 1 in each newsletter
	Slot       time.Time       `json:"slot"`       // the scheduled time it answers to; zero when sent by hand
	Date       time.Time       `json:"date"`       // when it was composed, in the newsroom's time zone
	Language   string          `json:"language"`   // of the newsroom at that time: for recipients who asked for none
	From       string          `json:"from"`       // the sender's bare address at that time
	Subject    string          `json:"subject"`
	Articles   []items.Article `json:"articles"` // as shown: the lead first, then newest first
	Mark       string          `json:"mark"`     // of the stories it was first made of; it stays when some are taken back

	Versions map[string][]items.Article `json:"versions,omitempty"` // by an article's id, the same story in other languages
}

// Mark tells issues of other stories apart, should they ever have the same number.
func Mark(articles []items.Article) string {
	h := sha256.New()
	for _, a := range articles {
		fmt.Fprintf(h, "%q\n", a.ID)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// Rules say which stories an issue takes.
type Rules struct {
	MaxItems int            // at most so many; the rest waits for the next issue
	MaxAge   time.Duration  // not older than that, by their date; 0 is no limit
	Told     map[string]int // stories that were in an issue of this newsletter, by id, with its number
}

// Candidate is a story that may go into an issue.
type Candidate struct {
	items.Article
	Placement items.Placement
	Expired   bool
	Since     time.Time       // when it first showed: who has waited longest goes first
	Same      []string        // the ids of all versions of the story, where it has several: told is who was told in any of them
	Versions  []items.Article // in other languages, for their readers
}

// LeftOut is a story that is not in the issue, and why in plain words. Waiting stories come in a later issue.
type LeftOut struct {
	items.Article
	Why     string
	Waiting bool
}

// Choose gives the stories of the next issue as they are to be shown, the lead first, then newest first, and those that
// are left out. Stories count, not dates: what has not been in an issue yet goes in, the lead first, then who has waited
// longest, up to the limit.
func Choose(all []Candidate, r Rules, now time.Time) (chosen []items.Article, left []LeftOut) {
	var fit []Candidate
	for _, c := range all {
		if why := unfit(c, r, now); why != "" {
			left = append(left, LeftOut{Article: c.Article, Why: why})
		} else {
			fit = append(fit, c)
		}
	}
	slices.SortStableFunc(fit, func(a, b Candidate) int {
		return cmp.Or(-compareBool(isLead(a), isLead(b)), a.Since.Compare(b.Since), a.Published.Compare(b.Published), cmp.Compare(a.ID, b.ID))
	})
	for i, c := range fit[min(len(fit), r.MaxItems):] {
		left = append(left, LeftOut{c.Article, fmt.Sprintf("the issue is full: number %d in the queue for the next one", i+1), true})
	}
	fit = fit[:min(len(fit), r.MaxItems)]
	slices.SortStableFunc(fit, func(a, b Candidate) int {
		return cmp.Or(-compareBool(isLead(a), isLead(b)), b.Published.Compare(a.Published), cmp.Compare(a.ID, b.ID))
	})
	for _, c := range fit {
		chosen = append(chosen, c.Article)
	}
	return chosen, left
}

// unfit says why a story cannot go into the issue, "" if it can.
func unfit(c Candidate, r Rules, now time.Time) string {
	number := r.Told[c.ID]
	for _, id := range c.Same {
		number = max(number, r.Told[id])
	}
	switch {
	case number > 0:
		return fmt.Sprintf("it was in issue %d", number)
	case c.Withdrawn:
		return "it is withdrawn"
	case c.Placement == items.Skip:
		return "it says newsletter: skip"
	case c.Expired:
		return "it has expired"
	case r.MaxAge > 0 && now.Sub(c.Published) > r.MaxAge:
		return fmt.Sprintf("it is older than %s", days(r.MaxAge))
	}
	return ""
}

func isLead(c Candidate) bool { return c.Placement == items.Lead }

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

func days(d time.Duration) string {
	if n := d / (24 * time.Hour); n > 1 && d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%d days", n)
	}
	return d.String()
}

package feed

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tidings/items"
)

// The times of events are written as wall-clock time with the name of the time zone, which the calendar describes as it
// is in the years of the events: programs then show "12:45, London time" to those who are elsewhere, and an event far
// ahead stays at 12:45 should the law change meanwhile. Only times in a zone without an IANA name, UTC among them, those
// that the wall clock shows twice and those of old, off by seconds from all others, are written in UTC.

const (
	wallClock = "20060102T150405"
	wholeDay  = "20060102"
)

func utc(t time.Time) string { return t.UTC().Format(wallClock) + "Z" }

// addTimes says when an event is. The end is exclusive (RFC 5545 §3.6.1): that of whole days is the day after the last.
// One that is not after the start is left out, as is one of another kind.
func (l *contentLines) addTimes(e *items.Event) {
	start, end := e.Start, e.End
	if end.Whole != start.Whole || end.Time.Before(start.Time) {
		end = items.When{}
	}
	if start.Whole {
		last := cmp.Or(end, start).Time
		l.add("DTSTART;VALUE=DATE", start.Time.Format(wholeDay))
		l.add("DTEND;VALUE=DATE", last.AddDate(0, 0, 1).Format(wholeDay))
		return
	}
	l.addTime("DTSTART", start.Time)
	if end.Time.After(start.Time) {
		l.addTime("DTEND", end.Time)
	}
}

func (l *contentLines) addTime(name string, t time.Time) {
	if zone := zoneName(t); zone != "" {
		l.add(name+";TZID="+zone, t.Format(wallClock))
		return
	}
	l.add(name, utc(t))
}

// zoneName is the IANA name of the time zone in which to write t, "" for UTC.
func zoneName(t time.Time) string {
	name := t.Location().String()
	odd := strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && (r < '0' || r > '9') && !strings.ContainsRune("/_+-", r)
	})
	if odd || !strings.Contains(name, "/") || repeated(t) || offset(t)%60 != 0 {
		return ""
	}
	return name
}

// repeated tells whether the wall clock shows t twice, the clocks being turned back. Without more such a time means the
// first (RFC 5545 §3.3.5), but many programs take it for the second.
func repeated(t time.Time) bool {
	start, _ := t.ZoneBounds()
	end := nextBound(t)
	return !start.IsZero() && t.Sub(start) < turnedBack(start) || !end.IsZero() && end.Sub(t) <= turnedBack(end)
}

// turnedBack is by how much the clocks are turned back at t, negative if they are turned forward.
func turnedBack(t time.Time) time.Duration {
	return time.Duration(offset(t.Add(-1))-offset(t)) * time.Second
}

// offset is that of t's zone at t from UTC, in seconds.
func offset(t time.Time) int {
	_, seconds := t.Zone()
	return seconds
}

// zone is a time zone and the time for which a calendar needs it.
type zone struct {
	name        string
	first, last time.Time
}

// zones are those that the entries' events are in, by name; where there are none, the calendar's own.
func (c Calendar) zones(f *Feed, entries []Entry) []zone {
	used := map[string]zone{}
	for _, e := range entries {
		for _, w := range []items.When{e.Event.Start, e.Event.End} {
			name := zoneName(w.Time)
			if w.IsZero() || w.Whole || name == "" {
				continue
			}
			z, ok := used[name]
			if !ok || w.Time.Before(z.first) {
				z.first = w.Time
			}
			if !ok || w.Time.After(z.last) {
				z.last = w.Time
			}
			z.name = name
			used[name] = z
		}
	}
	if len(entries) == 0 && c.Zone != nil {
		used[""] = zone{cmp.Or(zoneName(f.Updated.In(c.Zone)), "UTC"), f.Updated.In(c.Zone), f.Updated.In(c.Zone)}
	}
	return slices.SortedFunc(maps.Values(used), func(a, b zone) int { return cmp.Compare(a.name, b.name) })
}

// observance is a change of the clocks that was, or will be, made in the same manner once a year.
type observance struct {
	times    []time.Time // one a year, without a gap
	from, to int         // seconds from UTC
	rule     string      // RFC 5545 §3.3.10
}

// addTo describes a zone from the year before its first event to that after its last (RFC 5545 §3.6.5). Changes by a
// rule that holds to the end are one observance with the rule, which Outlook wants; each change by a rule before that is
// an observance of its own, as some programs cannot read the end of a rule, and ical.js reads one date of a list of them
// (RDATE), and then not the first onset. So Europe/London has two rules and no more.
func (z zone) addTo(l *contentLines) {
	l.add("BEGIN", "VTIMEZONE")
	l.add("TZID", z.name)
	from := time.Date(z.first.Year()-1, 1, 1, 0, 0, 0, 0, z.first.Location())
	to := time.Date(z.last.Year()+2, 1, 1, 0, 0, 0, 0, z.first.Location())
	found := observances(from, to)
	if len(found) == 0 || found[0].times[0].After(z.first) { // what was in force before
		found = append([]observance{{times: []time.Time{from}, from: offset(from), to: offset(from)}}, found...)
	}
	for _, o := range found {
		o.addTo(l, to.Year()-1)
	}
	l.add("END", "VTIMEZONE")
}

// observances are the changes of the clocks between two times of one zone, in the order of their first ones.
func observances(from, to time.Time) []observance {
	var found []observance
	for at := nextBound(from); !at.IsZero() && at.Before(to); at = nextBound(at) {
		if offset(at.Add(-1)) == offset(at) { // a change of the zone's name only
			continue
		}
		o := observance{times: []time.Time{at}, from: offset(at.Add(-1)), to: offset(at)}
		o.rule = yearlyRule(o.wallClock(at))
		if i := slices.IndexFunc(found, o.continues); i >= 0 {
			found[i].times = append(found[i].times, at)
		} else {
			found = append(found, o)
		}
	}
	return found
}

// nextBound is the end of t's zone, zero if it has none. On the last day of a leap year beyond the table of zones
// ZoneBounds gives a bound that is not after t; no clocks are changed that day.
func nextBound(t time.Time) time.Time {
	_, end := t.ZoneBounds()
	if !end.IsZero() && !end.After(t) {
		return t.AddDate(0, 0, 1)
	}
	return end
}

// continues tells whether o is what p was a year before.
func (o observance) continues(p observance) bool {
	at, before := o.wallClock(o.times[0]), o.wallClock(p.times[len(p.times)-1])
	return p.rule == o.rule && p.from == o.from && p.to == o.to &&
		before.Year() == at.Year()-1 && before.Format("150405") == at.Format("150405")
}

// wallClock is what the clocks showed at t, just before they were changed.
func (o observance) wallClock(t time.Time) time.Time {
	return t.In(time.FixedZone("", o.from))
}

// yearlyRule is a rule by which there is one change a year: on the n-th such weekday of the month, or the last.
func yearlyRule(t time.Time) string {
	n := (t.Day()-1)/7 + 1
	if t.AddDate(0, 0, 7).Month() != t.Month() {
		n = -1
	}
	day := strings.ToUpper(t.Weekday().String()[:2])
	return fmt.Sprintf("FREQ=YEARLY;BYMONTH=%d;BYDAY=%d%s", t.Month(), n, day)
}

// addTo writes an observance of a zone that is described up to and including the year end.
func (o observance) addTo(l *contentLines, end int) {
	if last := o.times[len(o.times)-1]; len(o.times) > 1 && last.Year() == end {
		o.addOnset(l, o.times[0], o.rule)
		return
	}
	for _, t := range o.times {
		o.addOnset(l, t, "")
	}
}

// addOnset writes the change at t, which is repeated by the rule, if there is one.
func (o observance) addOnset(l *contentLines, t time.Time, rule string) {
	kind := "STANDARD"
	if t.IsDST() {
		kind = "DAYLIGHT"
	}
	name, _ := t.Zone()
	l.add("BEGIN", kind)
	l.add("DTSTART", o.wallClock(t).Format(wallClock))
	if rule != "" {
		l.add("RRULE", rule)
	}
	l.add("TZOFFSETFROM", utcOffset(o.from))
	l.add("TZOFFSETTO", utcOffset(o.to))
	l.add("TZNAME", calendarText(name))
	l.add("END", kind)
}

// utcOffset is an offset as RFC 5545 §3.3.14 writes it, with seconds only where there are any.
func utcOffset(seconds int) string {
	sign := "+"
	if seconds < 0 {
		sign, seconds = "-", -seconds
	}
	s := fmt.Sprintf("%s%02d%02d", sign, seconds/3600, seconds/60%60)
	if seconds%60 != 0 {
		s += fmt.Sprintf("%02d", seconds%60)
	}
	return s
}

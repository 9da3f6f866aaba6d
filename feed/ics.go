package feed

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"tidings/items"
)

// CalendarType is the media type that a web server must send with calendars (RFC 5545 §8.1).
const CalendarType = "text/calendar; charset=utf-8"

// CalendarExt ends the names of calendar files.
const CalendarExt = ".ics"

// Calendar says how events are written for calendar programs.
type Calendar struct {
	Zone      *time.Location // described in a calendar without events too: it must hold something (RFC 5545 §3.6)
	Refresh   time.Duration  // how long a program may wait before it asks again; 0 leaves it to the program
	Organizer Owner          // named where it has an address

	Words func(language string) EventWords // language is an entry's, BCP 47
}

// EventWords are the words of one language that calendars show, plain text.
type EventWords struct {
	Cancelled string // stands before the title and in the description, such as "Cancelled"
	Postponed string
	Moved     string
	Withdrawn string // stands in place of the title: "Story withdrawn"
	Register  string // leads to the registration: "Register"
}

// WriteCalendar writes those entries of f that have an Event as a calendar to subscribe to, at f.Base with CalendarExt
// (RFC 5545, RFC 7986). Its errors are those of Format.Write, and that of an event outside the years 1 to 9999.
func WriteCalendar(w io.Writer, f Feed, c Calendar) error {
	ready := f.ready()
	ready.Entries = slices.DeleteFunc(ready.Entries, func(e Entry) bool { return e.Event == nil })
	if err := ready.check(); err != nil {
		return fmt.Errorf("calendar %s: %w", f.Name, err)
	}
	if err := c.write(w, &ready, ready.Entries); err != nil {
		return fmt.Errorf("calendar %s: %w", f.Name, err)
	}
	return nil
}

// WriteEvent writes the event of e alone, to download. Its errors are those of WriteCalendar, and that of an entry
// without an Event.
func WriteEvent(w io.Writer, e Entry, c Calendar) error {
	e = cleaned(e)
	e.ready()
	err := e.check()
	switch {
	case e.Event == nil:
		err = errors.New("no event")
	case err == nil:
		err = c.write(w, nil, []Entry{e})
	}
	if err != nil {
		return fmt.Errorf("calendar of %s: %w", e.label(), err)
	}
	return nil
}

// write writes a calendar; f is nil where there is nothing to subscribe to. It has no METHOD: that would make it a message of RFC 5546, with
// a parameter to its media type (RFC 5545 §3.7.2) and an organizer in each event.
func (c Calendar) write(w io.Writer, f *Feed, entries []Entry) error {
	for _, e := range entries {
		if outOfRange(e.Event.Start.Time) || !e.Event.End.IsZero() && outOfRange(e.Event.End.Time) {
			return fmt.Errorf("%s: an event without a start, or outside the years 1 to 9999", e.label())
		}
	}
	c.Organizer = cleaned(c.Organizer)
	var l contentLines
	l.add("BEGIN", "VCALENDAR")
	l.add("VERSION", "2.0")
	l.add("PRODID", "-//"+generator+"//"+generator+"//EN")
	if f != nil {
		c.addHead(&l, f)
	}
	for _, z := range c.zones(f, entries) {
		z.addTo(&l)
	}
	for _, e := range entries {
		c.addEvent(&l, e)
	}
	l.add("END", "VCALENDAR")
	_, err := w.Write(l.bytes)
	return err
}

// addHead describes the calendar as RFC 7986 §5 does and, for older programs, by the names that were in use before it.
func (c Calendar) addHead(l *contentLines, f *Feed) {
	l.addText("NAME", f.Title)
	l.addText("X-WR-CALNAME", f.Title)
	l.addText("DESCRIPTION", f.Description)
	l.addText("X-WR-CALDESC", f.Description)
	l.addURI("URL", f.Home)
	l.addURI("SOURCE;VALUE=URI", f.Base+CalendarExt)
	if c.Refresh >= time.Second {
		wait := "PT" + strconv.Itoa(int(c.Refresh.Seconds())) + "S"
		l.add("REFRESH-INTERVAL;VALUE=DURATION", wait)
		l.add("X-PUBLISHED-TTL", wait)
	}
}

func (c Calendar) addEvent(l *contentLines, e Entry) {
	l.add("BEGIN", "VEVENT")
	l.addText("UID", e.ID)
	// Without a METHOD the stamp is that of the last change too (RFC 5545 §3.8.7.2).
	l.add("DTSTAMP", utc(e.Revised))
	l.add("LAST-MODIFIED", utc(e.Revised))
	l.add("SEQUENCE", sequence(e.Revised))
	l.add("CREATED", utc(e.Published))
	l.addTimes(e.Event)
	l.add("STATUS", eventStatus(e))
	c.addTexts(l, e)
	l.addURI("URL", e.alternate())
	if o := c.Organizer; o.Email != "" {
		l.addURI("ORGANIZER;CN="+parameter(cmp.Or(o.Name, o.Email)), mailto(o.Email))
	}
	l.add("END", "VEVENT")
}

// mailto is an email address as a URI (RFC 6068 §2).
func mailto(email string) string { return "mailto:" + mailtoPlain.Replace(url.QueryEscape(email)) }

// mailtoPlain undoes what is done to a form only.
var mailtoPlain = strings.NewReplacer("%40", "@", "%2B", "+", "+", "%20")

// addTexts says what an event is. Of a withdrawn one nothing may be said.
func (c Calendar) addTexts(l *contentLines, e Entry) {
	var words EventWords
	if c.Words != nil {
		words = cleaned(c.Words(e.Language))
	}
	language := ""
	if isLanguage(e.Language) {
		language = ";LANGUAGE=" + e.Language
	}
	if e.Withdrawn {
		l.addText("SUMMARY"+language, cmp.Or(words.Withdrawn, e.Title))
		return
	}
	state, summary := words.state(e.Event.Status), e.Title
	if state != "" {
		summary = state + " – " + e.Title
	}
	l.addText("SUMMARY"+language, summary)
	l.addText("DESCRIPTION"+language, joined("\n\n", state, e.Summary, registration(e.Event.Register, words), e.alternate()))
	l.addText("LOCATION"+language, joined(", ", e.Event.Venue, e.Event.Room, e.Event.Address))
	var topics []string
	for _, t := range e.categories() {
		if !blank(t) {
			topics = append(topics, calendarText(t))
		}
	}
	if len(topics) > 0 {
		l.add("CATEGORIES"+language, strings.Join(topics, ",")) // the commas between are not escaped (RFC 5545 §3.8.1.2)
	}
}

func (w EventWords) state(s items.EventStatus) string {
	return map[items.EventStatus]string{items.Cancelled: w.Cancelled, items.Postponed: w.Postponed, items.Moved: w.Moved}[s]
}

// eventStatus is one of RFC 5545 §3.8.1.11. An event that moved takes place, one without a new date may not.
func eventStatus(e Entry) string {
	switch {
	case e.Withdrawn, e.Event.Status == items.Cancelled:
		return "CANCELLED"
	case e.Event.Status == items.Postponed:
		return "TENTATIVE"
	}
	return "CONFIRMED"
}

func registration(r *items.Register, words EventWords) string {
	if r == nil {
		return ""
	}
	return joined(": ", cmp.Or(r.Label, words.Register), r.URL)
}

func joined(separator string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, blank), separator)
}

// sequence numbers an event's versions (RFC 5545 §3.8.7.4): the seconds since 2020, so that it grows also where nothing
// is known of the versions before, and stays below 2³¹ until 2088.
func sequence(revised time.Time) string {
	const epoch = 1577836800 // 2020-01-01T00:00:00Z
	return strconv.FormatInt(min(max(revised.Unix()-epoch, 0), 1<<31-1), 10)
}

// contentLines are the lines of a calendar (RFC 5545 §3.1): CRLF after each, none of more than 75 bytes.
type contentLines struct{ bytes []byte }

// add writes a line as it is. A line too long goes on in the next, after a space; no character is cut.
func (l *contentLines) add(name, value string) {
	line := name + ":" + value
	for limit := 75; len(line) > limit; limit = 74 {
		cut := limit
		for !utf8.RuneStart(line[cut]) {
			cut--
		}
		l.bytes = append(append(l.bytes, line[:cut]...), "\r\n "...)
		line = line[cut:]
	}
	l.bytes = append(append(l.bytes, line...), "\r\n"...)
}

// addText writes plain text, if there is any (RFC 5545 §3.3.11).
func (l *contentLines) addText(name, text string) {
	if !blank(text) {
		l.add(name, calendarText(text))
	}
}

// addURI writes an address, which is not escaped but has no room for white space.
func (l *contentLines) addURI(name, uri string) {
	l.add(name, strings.Map(func(r rune) rune {
		if r <= ' ' || r == 0x7f {
			return -1
		}
		return r
	}, uri))
}

// calendarText escapes a text and writes each kind of line end as the one that there is. Some programs take U+2028 and
// its like for an end of the whole line.
var calendarText = strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\r\n", `\n`, "\n", `\n`, "\r", `\n`,
	"\u2028", `\n`, "\u2029", `\n`).Replace

// parameter quotes a parameter's value. It has no way to hold quotes (RFC 5545 §3.2): they become single ones, as few
// programs know the escapes of RFC 6868.
func parameter(s string) string {
	return `"` + parameterText(s) + `"`
}

var parameterText = strings.NewReplacer(`"`, "'", "\r", " ", "\n", " ", "\t", " ",
	"\u0085", " ", "\u2028", " ", "\u2029", " ", "\x7f", "").Replace

package testtool

import (
	"bytes"
	_ "embed"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/emersion/go-ical"
)

// Event is what a calendar program says of an event. Times are in UTC as RFC 3339 has them, days bare.
type Event struct {
	UID, Summary, Description, Location, URL, Status, Start, End, Organizer string

	Sequence   int
	Categories []string
}

// Calendars are programs that read calendars. The first two know time zones only by what a calendar says of them, the others know those
// of the machine.
var Calendars = []struct {
	Name string

	// Read gives the events of each calendar, in its order. It starts the program once.
	Read func(t testing.TB, calendars ...[]byte) [][]Event
}{
	{"python3-icalendar", func(t testing.TB, calendars ...[]byte) [][]Event {
		t.Helper()
		return events(t, exec.Command(Python(t, "icalendar"), "-c", icalendarScript), calendars)
	}},
	{"ical.js", func(t testing.TB, calendars ...[]byte) [][]Event {
		t.Helper()
		return events(t, Node(t, icalJSScript, "ical.js"), calendars)
	}},
	{"go-ical", func(t testing.TB, calendars ...[]byte) (all [][]Event) {
		t.Helper()
		for _, c := range calendars {
			all = append(all, GoICal(t, c))
		}
		return all
	}},
	{"lines", func(t testing.TB, calendars ...[]byte) (all [][]Event) {
		t.Helper()
		for _, c := range calendars {
			all = append(all, StrictEvents(t, c))
		}
		return all
	}},
}

//go:embed events.py
var icalendarScript string

//go:embed events.mjs
var icalJSScript string

func events(t testing.TB, cmd *exec.Cmd, calendars [][]byte) (events [][]Event) {
	t.Helper()
	ask(t, cmd, calendars, &events)
	return events
}

// GoICal reads the events of a calendar with emersion/go-ical.
func GoICal(t testing.TB, calendar []byte) (events []Event) {
	t.Helper()
	c, err := ical.NewDecoder(bytes.NewReader(calendar)).Decode()
	if err != nil {
		t.Fatalf("go-ical: %v in\n%s", err, calendar)
	}
	for _, e := range c.Events() {
		events = append(events, goEvent(t, e.Props))
	}
	return events
}

func goEvent(t testing.TB, props ical.Props) Event {
	t.Helper()
	text := func(name string) string {
		s, err := props.Text(name)
		if err != nil {
			t.Fatalf("go-ical: %s: %v", name, err)
		}
		return s
	}
	e := Event{UID: text("UID"), Summary: text("SUMMARY"), Description: text("DESCRIPTION"), Location: text("LOCATION"), Status: text("STATUS"),
		URL: props.Get("URL").Value, Start: goMoment(t, props.Get("DTSTART")), End: goMoment(t, props.Get("DTEND"))}
	if o := props.Get("ORGANIZER"); o != nil {
		e.Organizer = o.Params.Get("CN") + " <" + o.Value + ">"
	}
	var err error
	if e.Sequence, err = props.Get("SEQUENCE").Int(); err != nil {
		t.Fatalf("go-ical: %v", err)
	}
	if c := props.Get("CATEGORIES"); c != nil {
		if e.Categories, err = c.TextList(); err != nil {
			t.Fatalf("go-ical: %v", err)
		}
	}
	return e
}

func goMoment(t testing.TB, p *ical.Prop) string {
	t.Helper()
	if p == nil {
		return ""
	}
	at, err := p.DateTime(time.UTC)
	if err != nil {
		t.Fatalf("go-ical: %v", err)
	}
	if p.ValueType() == ical.ValueDate {
		return at.Format(time.DateOnly)
	}
	return at.UTC().Format(time.RFC3339)
}

// contentLine is a line of a calendar (RFC 5545 §3.1).
var contentLine = regexp.MustCompile(`^([A-Z-]+)((?:;[A-Z-]+=(?:"[^"\x00-\x1f\x7f]*"|[^";:,\x00-\x1f\x7f]*))*):([^\x00-\x08\x0a-\x1f\x7f]*)$`)

type property struct{ name, parameters, value string }

// strictLines reads a calendar as the RFC has it, forgiving nothing.
func strictLines(t testing.TB, data []byte) (properties []property) {
	t.Helper()
	text, ok := strings.CutSuffix(string(data), "\r\n")
	if !ok || !utf8.ValidString(text) {
		t.Fatalf("no line end at the end, or no UTF-8: %q", data)
	}
	for line := range strings.SplitSeq(text, "\r\n") {
		if len(line) > 75 || !utf8.ValidString(line) || strings.ContainsAny(line, "\r\n\u0085\u2028\u2029") {
			t.Fatalf("a line of %d bytes: %q", len(line), line)
		}
	}
	var open []string
	for line := range strings.SplitSeq(strings.ReplaceAll(text, "\r\n ", ""), "\r\n") {
		m := contentLine.FindStringSubmatch(line)
		if m == nil {
			t.Fatalf("no content line: %q", line)
		}
		switch p := (property{m[1], m[2], m[3]}); {
		case p.name == "BEGIN":
			open = append(open, p.value)
		case p.name == "END" && (len(open) == 0 || open[len(open)-1] != p.value):
			t.Fatalf("%s ends among %q", p.value, open)
		case p.name == "END":
			open = open[:len(open)-1]
		}
		properties = append(properties, property{m[1], m[2], m[3]})
	}
	if len(open) > 0 || properties[0].value != "VCALENDAR" {
		t.Fatalf("open at the end: %q", open)
	}
	return properties
}

// StrictEvents reads the events of a calendar as RFC 5545 has it, forgiving nothing.
func StrictEvents(t testing.TB, data []byte) (events []Event) {
	t.Helper()
	inside := false
	for _, p := range strictLines(t, data) {
		if p.name == "BEGIN" || p.name == "END" {
			if inside = p.name == "BEGIN" && p.value == "VEVENT"; inside {
				events = append(events, Event{})
			}
			continue
		}
		if inside {
			events[len(events)-1].set(t, p)
		}
	}
	return events
}

func (e *Event) set(t testing.TB, p property) {
	t.Helper()
	switch p.name {
	case "UID":
		e.UID = plain(t, p.value)
	case "SUMMARY":
		e.Summary = plain(t, p.value)
	case "DESCRIPTION":
		e.Description = plain(t, p.value)
	case "LOCATION":
		e.Location = plain(t, p.value)
	case "URL":
		e.URL = p.value
	case "STATUS":
		e.Status = p.value
	case "DTSTART":
		e.Start = eventMoment(t, p)
	case "DTEND":
		e.End = eventMoment(t, p)
	case "ORGANIZER":
		e.Organizer = strings.Trim(p.parameters[len(";CN="):], `"`) + " <" + p.value + ">"
	case "SEQUENCE":
		if _, err := fmt.Sscan(p.value, &e.Sequence); err != nil {
			t.Fatal(err)
		}
	case "CATEGORIES":
		for _, c := range regexp.MustCompile(`(?:\\.|[^\\,])+`).FindAllString(p.value, -1) {
			e.Categories = append(e.Categories, plain(t, c))
		}
	}
}

func eventMoment(t testing.TB, p property) string {
	t.Helper()
	loc, layout := time.UTC, "20060102T150405"
	if p.parameters == ";VALUE=DATE" {
		day, err := time.Parse("20060102", p.value)
		if err != nil {
			t.Fatal(err)
		}
		return day.Format(time.DateOnly)
	}
	if zone, ok := strings.CutPrefix(p.parameters, ";TZID="); ok {
		named, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		loc = named
	} else {
		layout += "Z"
	}
	instant, err := time.ParseInLocation(layout, p.value, loc)
	if err != nil {
		t.Fatal(err)
	}
	return instant.UTC().Format(time.RFC3339)
}

// plain reads a TEXT (RFC 5545 §3.3.11).
func plain(t testing.TB, value string) string {
	t.Helper()
	escapes := regexp.MustCompile(`\\.?|[;,]`)
	if bad := slices.DeleteFunc(escapes.FindAllString(value, -1), func(s string) bool { return len(s) == 2 && strings.ContainsAny(s[1:], `\;,n`) }); len(bad) > 0 {
		t.Fatalf("%q in the text %q", bad, value)
	}
	return escapes.ReplaceAllStringFunc(value, func(s string) string { return strings.Replace(s[1:], "n", "\n", 1) })
}

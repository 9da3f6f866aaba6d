package feed_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tidings/feed"
	"tidings/internal/testtool"
	"tidings/items"
)

func location(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// at reads a wall-clock time, "2015-12-14T12:45", or a whole day, "2015-12-14".
func at(t testing.TB, text string, loc *time.Location) items.When {
	t.Helper()
	if day, err := time.ParseInLocation(time.DateOnly, text, loc); err == nil {
		return items.When{Time: day, Whole: true}
	}
	instant, err := time.ParseInLocation("2006-01-02T15:04", text, loc)
	if err != nil {
		t.Fatal(err)
	}
	return items.When{Time: instant}
}

var calendar = feed.Calendar{
	Refresh:   time.Hour,
	Organizer: feed.Owner{Name: `IOM "UK"; London`, Email: "news@example.org"},
	Words: func(language string) feed.EventWords {
		if language == "fr" {
			return feed.EventWords{Cancelled: "Annulé", Postponed: "Reporté", Moved: "Déplacé", Withdrawn: "Article retiré", Register: "S’inscrire"}
		}
		return feed.EventWords{Cancelled: "Cancelled", Postponed: "Postponed", Moved: "Moved", Withdrawn: "Story withdrawn", Register: "Register"}
	},
}

// eventEntry returns an event in London from start to end, which may be "".
func eventEntry(t testing.TB, id, title, start, end string) feed.Entry {
	london := location(t, "Europe/London")
	e := plainEntry("tag:news.example.org,2015:"+id, title)
	e.URL = "https://news.example.org/news/" + id + "/"
	e.Published = e.Published.In(london)
	e.Event = &items.Event{Start: at(t, start, london)}
	if end != "" {
		e.Event.End = at(t, end, london)
	}
	e.Revised = time.Date(2016, 1, 2, 3, 4, 5, 0, time.UTC)
	return e
}

// eventsFeed returns events of each kind, and a story that is none.
func eventsFeed(t testing.TB) feed.Feed {
	full := eventEntry(t, "1", `Migration; "today", 2015 \ 2016`, "2015-12-14T12:45", "2015-12-14T17:00")
	full.Summary = "Two lines,\nof which this, with its zażółć gęślą jaźń and 👩‍👩‍👧, is the longer; it has to be folded more than once."
	full.Event.Venue, full.Event.Room, full.Event.Address = "Royal Society", "Kohn Centre", "6–9 Carlton House Terrace, London"
	full.Event.Register = &items.Register{Label: "Eventbrite", URL: "https://eventbrite.example/e/1;a,b"}
	full.Topics = []items.Topic{{Slug: "r-and-d", Title: "R, D"}, {Slug: "plans"}}

	open := eventEntry(t, "2", "Open end", "2016-07-01T09:00", "")
	whole := eventEntry(t, "3", "A whole day", "2016-03-27", "") // clocks change on it
	days := eventEntry(t, "4", "Three days", "2015-12-30", "2016-01-01")
	cancelled := eventEntry(t, "5", "Journée", "2016-02-01T10:00", "2016-02-01T11:00")
	cancelled.Language, cancelled.Event.Status = "fr", items.Cancelled
	postponed := eventEntry(t, "6", "Launch", "2016-02-02T10:00", "")
	postponed.Event.Status, postponed.Event.Register = items.Postponed, &items.Register{URL: "https://example.org/r"}
	moved := eventEntry(t, "7", "Talk", "2016-02-03T10:00", "")
	moved.Event.Status = items.Moved
	moved.Link = "https://elsewhere.example/talk"
	withdrawn := eventEntry(t, "8", "A secret", "2016-02-04T10:00", "2016-02-04T11:00")
	withdrawn.Withdrawn, withdrawn.Summary, withdrawn.Event.Venue = true, "A secret", "A secret place"
	withdrawn.Event.Register = &items.Register{URL: "https://example.org/secret"}
	withdrawn.Revised = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

	f := newsFeed(full, open, whole, days, cancelled, postponed, moved, withdrawn, plainEntry("9", "No event"))
	f.Title = "IOM UK, events"
	f.Base = "https://news.example.org/feeds/events"
	return f
}

func writeCalendar(t testing.TB, f feed.Feed) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := feed.WriteCalendar(&b, f, calendar); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestCalendarGolden compares whole calendars; go test -update rewrites them after a wanted change.
func TestCalendarGolden(t *testing.T) {
	empty := calendar
	empty.Zone = location(t, "Europe/London")
	var none, one bytes.Buffer
	f := eventsFeed(t)
	if err := feed.WriteCalendar(&none, newsFeed(), empty); err != nil {
		t.Fatal(err)
	}
	if err := feed.WriteEvent(&one, f.Entries[0], feed.Calendar{}); err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string][]byte{
		"1-events": writeCalendar(t, f), // every kind of event
		"2-empty":  none.Bytes(),        // a calendar must hold a component: the time zone
		"3-one":    one.Bytes(),         // to download, without words or organizer
	} {
		golden := filepath.Join("testdata", "golden", name+feed.CalendarExt)
		if *update {
			if err := os.WriteFile(golden, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("differs from %s:\n%s", golden, got)
		}
	}
}

// TestCalendarPrograms: every program sees the events as they were meant, at their times.
func TestCalendarPrograms(t *testing.T) {
	const description = "Two lines,\nof which this, with its zażółć gęślą jaźń and 👩‍👩‍👧, is the longer; it has to be folded more than once.\n\n" +
		"Eventbrite: https://eventbrite.example/e/1;a,b\n\nhttps://news.example.org/news/1/"
	page := func(id string) string { return "https://news.example.org/news/" + id + "/" }
	want := []testtool.Event{
		{UID: "1", Summary: `Migration; "today", 2015 \ 2016`, Description: description, Location: "Royal Society, Kohn Centre, 6–9 Carlton House Terrace, London",
			Status: "CONFIRMED", Start: "2015-12-14T12:45:00Z", End: "2015-12-14T17:00:00Z", Categories: []string{"R, D", "plans"}},
		{UID: "2", Summary: "Open end", Description: page("2"), Status: "CONFIRMED", Start: "2016-07-01T08:00:00Z"}, // summer time
		{UID: "3", Summary: "A whole day", Description: page("3"), Status: "CONFIRMED", Start: "2016-03-27", End: "2016-03-28"},
		{UID: "4", Summary: "Three days", Description: page("4"), Status: "CONFIRMED", Start: "2015-12-30", End: "2016-01-02"},
		{UID: "5", Summary: "Annulé – Journée", Description: "Annulé\n\n" + page("5"), Status: "CANCELLED", Start: "2016-02-01T10:00:00Z", End: "2016-02-01T11:00:00Z"},
		{UID: "6", Summary: "Postponed – Launch", Description: "Postponed\n\nRegister: https://example.org/r\n\n" + page("6"), Status: "TENTATIVE", Start: "2016-02-02T10:00:00Z"},
		{UID: "7", Summary: "Moved – Talk", Description: "Moved\n\nhttps://elsewhere.example/talk", URL: "https://elsewhere.example/talk", Status: "CONFIRMED", Start: "2016-02-03T10:00:00Z"},
		{UID: "8", Summary: "Story withdrawn", Status: "CANCELLED", Start: "2016-02-04T10:00:00Z", End: "2016-02-04T11:00:00Z", Sequence: 199800000},
	}
	for i := range want {
		w := &want[i]
		if w.URL == "" {
			w.URL = page(w.UID)
		}
		w.UID = "tag:news.example.org,2015:" + w.UID
		w.Organizer = "IOM 'UK'; London <mailto:news@example.org>"
	}
	data := writeCalendar(t, eventsFeed(t))
	for _, program := range testtool.Calendars {
		t.Run(program.Name, func(t *testing.T) {
			got := program.Read(t, data)[0]
			if program.Name == "python3-icalendar" { // it takes the escaped comma in a category for one between two
				got[0].Categories = want[0].Categories
			}
			if len(got) != len(want) {
				t.Fatalf("%d events, want %d", len(got), len(want))
			}
			for i := range want {
				if fmt.Sprintf("%+v", got[i]) != fmt.Sprintf("%+v", want[i]) {
					t.Errorf("got\n%+v\nwant\n%+v", got[i], want[i])
				}
			}
		})
	}
}

// TestCalendarOfWithdrawn: nothing of a withdrawn event is left but when it was to be.
func TestCalendarOfWithdrawn(t *testing.T) {
	if data := writeCalendar(t, eventsFeed(t)); bytes.Contains(bytes.ToLower(data), []byte("secret")) {
		t.Errorf("a secret in\n%s", data)
	}
}

// TestSequence: it grows with every change, also where the changes before are not known, and is an integer of 31 bits.
func TestSequence(t *testing.T) {
	tests := []struct {
		name    string
		revised time.Time
		want    string
	}{
		{"1 before the count begins", time.Date(2019, 1, 1, 0, 0, 0, 0, time.UTC), "0"},
		{"2 where it begins", time.Date(2020, 1, 1, 0, 0, 1, 0, time.UTC), "1"},
		{"3 a second later", time.Date(2020, 1, 1, 0, 0, 2, 0, time.UTC), "2"},
		{"4 beyond its end", time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC), "2147483647"},
	}
	for _, test := range tests {
		e := eventEntry(t, "1", "One", "2016-01-01T10:00", "")
		e.Revised = test.revised
		data := writeCalendar(t, newsFeed(e))
		for _, line := range []string{"SEQUENCE:" + test.want, "DTSTAMP:" + test.revised.Format("20060102T150405Z"), "LAST-MODIFIED:" + test.revised.Format("20060102T150405Z")} {
			if !bytes.Contains(data, []byte("\r\n"+line+"\r\n")) {
				t.Errorf("%s: no %s in\n%s", test.name, line, data)
			}
		}
	}
	e := eventEntry(t, "1", "One", "2016-01-01T10:00", "") // never revised: as old as its last change
	e.Revised, e.Updated = time.Time{}, time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC)
	if data := writeCalendar(t, newsFeed(e)); !bytes.Contains(data, []byte("\r\nDTSTAMP:20210101T000000Z\r\n")) {
		t.Errorf("in\n%s", data)
	}
}

// TestZones: programs that know nothing of a time zone but what the calendar says of it get every time right.
func TestZones(t *testing.T) {
	tests := []struct {
		zone   string
		rules  []string // that go on; nil where it does not matter
		events []string
	}{
		{"Europe/London", []string{"FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU", "FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU"}, // summer and winter, over years
			[]string{"2015-01-01T00:00", "2015-03-29T00:59", "2015-03-29T02:01", "2015-10-25T00:30", "2015-10-25T01:30", "2015-10-25T02:30", "2019-07-01T12:00", "2026-12-31T23:59"}},
		{"America/New_York", []string{"FREQ=YEARLY;BYMONTH=3;BYDAY=2SU", "FREQ=YEARLY;BYMONTH=11;BYDAY=1SU"}, // the law of 2007
			[]string{"2005-03-20T12:00", "2006-03-20T12:00", "2006-10-30T12:00", "2007-03-20T12:00", "2007-10-30T12:00", "2008-11-01T23:00"}},
		{"Asia/Jerusalem", nil, []string{"2013-03-28T12:00", "2013-03-29T12:00", "2018-03-22T12:00", "2018-03-23T12:00", "2022-10-29T12:00", "2022-10-30T12:00"}}, // a rule that no weekday of the month gives
		{"Africa/Casablanca", nil, []string{"2019-05-04T12:00", "2019-05-05T12:00", "2019-06-10T12:00", "2023-04-22T12:00", "2023-04-24T12:00"}},                  // follows the moon
		{"Australia/Sydney", nil, []string{"2016-01-15T12:00", "2016-07-15T12:00", "2017-01-15T12:00"}},                                                           // summer over the new year
		{"Asia/Kolkata", nil, []string{"2016-01-15T12:00", "2020-07-15T12:00"}},                                                                                   // never changes
		{"Asia/Pyongyang", nil, []string{"2015-08-14T12:00", "2015-08-15T12:00", "2018-05-04T12:00", "2018-05-05T12:00"}},                                         // changes of standard time
		{"Pacific/Apia", nil, []string{"2011-12-29T12:00", "2011-12-31T12:00"}},                                                                                   // a day left out
		{"Europe/Dublin", nil, []string{"2016-01-15T12:00", "2016-07-15T12:00"}},                                                                                  // winter is the exception
		{"Australia/Lord_Howe", nil, []string{"2016-04-03T01:29", "2016-04-03T01:45", "2016-04-03T02:01", "2016-10-02T02:31"}},                                    // half an hour
		{"Africa/Monrovia", nil, []string{"1971-12-31T12:00", "1972-01-08T12:00"}},                                                                                // off by seconds until 1972
		{"UTC", nil, []string{"2016-01-15T12:00"}},
	}
	var all []feed.Entry
	for _, test := range tests {
		loc := location(t, test.zone)
		var entries []feed.Entry
		for _, start := range test.events {
			e := plainEntry("tag:example.org,2015:"+test.zone+start, test.zone+" "+start)
			e.Event = &items.Event{Start: at(t, start, loc)}
			entries = append(entries, e)
		}
		all = append(all, entries...)
		data := writeCalendar(t, newsFeed(entries...))
		for _, rule := range test.rules {
			if !bytes.Contains(data, []byte("\r\nRRULE:"+rule+"\r\n")) {
				t.Errorf("%s: no rule %s in\n%s", test.zone, rule, data)
			}
		}
		if n := bytes.Count(data, []byte("RRULE")); test.rules != nil && n != len(test.rules) {
			t.Errorf("%s: %d rules in\n%s", test.zone, n, data)
		}
	}
	for _, program := range testtool.Calendars {
		t.Run(program.Name, func(t *testing.T) {
			got := program.Read(t, writeCalendar(t, newsFeed(all...)))[0]
			if len(got) != len(all) {
				t.Fatalf("%d events, want %d", len(got), len(all))
			}
			for i, e := range got {
				if want := all[i].Event.Start.Time.UTC().Format(time.RFC3339); e.Start != want {
					t.Errorf("%s: %s, want %s", e.Summary, e.Start, want)
				}
			}
		})
	}
}

// TestTimes: how a time is written depends on its time zone.
func TestTimes(t *testing.T) {
	london := location(t, "Europe/London")
	twice := time.Date(2015, 10, 25, 0, 30, 0, 0, time.UTC).In(london) // 01:30, and again an hour later
	tests := []struct {
		name       string
		start, end items.When
		want       string // the lines of start and end
	}{
		{"1 by the wall clock of the time zone", at(t, "2016-07-01T12:45", london), at(t, "2016-07-01T13:00", london),
			"DTSTART;TZID=Europe/London:20160701T124500\r\nDTEND;TZID=Europe/London:20160701T130000\r\n"},
		{"2 a nameless zone has no description", items.When{Time: november}, items.When{}, "DTSTART:20151102T083000Z\r\n"},
		{"3 the first 01:30 of two, which programs take for the second", items.When{Time: twice}, items.When{}, "DTSTART:20151025T003000Z\r\n"},
		{"4 the second, which cannot be told by the wall clock", items.When{Time: twice.Add(time.Hour)}, items.When{}, "DTSTART:20151025T013000Z\r\n"},
		{"5 an end must be after the start", at(t, "2016-07-01T12:45", london), at(t, "2016-07-01T12:45", london), "DTSTART;TZID=Europe/London:20160701T124500\r\n"},
		{"6 the end of days is the day after", at(t, "2016-02-28", london), at(t, "2016-02-29", london), "DTSTART;VALUE=DATE:20160228\r\nDTEND;VALUE=DATE:20160301\r\n"},
		{"7 an end before the start, of days", at(t, "2016-02-28", london), at(t, "2016-02-01", london), "DTSTART;VALUE=DATE:20160228\r\nDTEND;VALUE=DATE:20160229\r\n"},
		{"9 a leap year for which Go has a rule but no table", at(t, "2040-12-31T12:00", london), items.When{}, "DTSTART;TZID=Europe/London:20401231T120000\r\n"},
		{"8 an end of another kind", at(t, "2016-02-28", london), at(t, "2016-02-28T12:00", london), "DTSTART;VALUE=DATE:20160228\r\nDTEND;VALUE=DATE:20160229\r\n"},
	}
	for _, test := range tests {
		e := plainEntry("1", "One")
		e.Event = &items.Event{Start: test.start, End: test.end}
		if data := writeCalendar(t, newsFeed(e)); !bytes.Contains(data, []byte("\r\n"+test.want+"STATUS")) {
			t.Errorf("%s: want %q in\n%s", test.name, test.want, data)
		}
	}
}

func TestCalendarRefuses(t *testing.T) {
	undated, ancient := eventEntry(t, "1", "One", "2016-01-01", ""), eventEntry(t, "1", "One", "2016-01-01", "")
	undated.Event.Start = items.When{}
	ancient.Event.Start.Time = time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC)
	twin := eventEntry(t, "1", "Two", "2016-01-01", "")
	tests := []struct {
		name  string
		write func(io.Writer) error
		want  string
	}{
		{"1 an event without a start", func(w io.Writer) error { return feed.WriteCalendar(w, newsFeed(undated), calendar) }, `"One"`},
		{"2 a year that no calendar can write", func(w io.Writer) error { return feed.WriteEvent(w, ancient, calendar) }, `"One"`},
		{"3 an entry without an event", func(w io.Writer) error { return feed.WriteEvent(w, plainEntry("1", "One"), calendar) }, "no event"},
		{"4 two events of one id", func(w io.Writer) error {
			return feed.WriteCalendar(w, newsFeed(twin, eventEntry(t, "1", "One", "2016-01-01", "")), calendar)
		}, "same id"},
		{"5 an entry without an id", func(w io.Writer) error {
			e := eventEntry(t, "1", "One", "2016-01-01", "")
			e.ID = ""
			return feed.WriteEvent(w, e, calendar)
		}, "no id"},
	}
	for _, test := range tests {
		var b bytes.Buffer
		if err := test.write(&b); err == nil || !strings.Contains(err.Error(), test.want) || b.Len() > 0 {
			t.Errorf("%s: error %v after %d bytes, want %s", test.name, err, b.Len(), test.want)
		}
	}
	if err := feed.WriteCalendar(brokenWriter{io.ErrClosedPipe}, eventsFeed(t), calendar); err == nil {
		t.Error("6 the writer's error is lost")
	}
}

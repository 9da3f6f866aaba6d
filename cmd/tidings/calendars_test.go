package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tidings/internal/testtool"
)

// event is what calendar programs are to see of the event of a page. The link to the story ends its description.
func event(page, summary, description, location, start, end, status string) testtool.Event {
	url := site + "news/" + page + "/"
	return testtool.Event{UID: page, Summary: summary, Description: strings.TrimSpace(description + "\n\n" + url), Location: location, URL: url,
		Start: start, End: end, Status: status}
}

// nastyEvents are those of testdata/nasty, the last story first.
func nastyEvents() []testtool.Event {
	moved := event("moved", "Moved – A talk", "Moved\n\nMoved.", "", "2017-03-26T08:00:00Z", "", "CONFIRMED") // an hour after the clocks went forward
	moved.Description = strings.ReplaceAll(moved.Description, moved.URL, "https://xn--mller-kva.example/a%20talk?a=%221%22&b=%C3%A4")
	moved.URL = "https://xn--mller-kva.example/a%20talk?a=%221%22&b=%C3%A4"
	withdrawn := event("event-withdrawn", "Story withdrawn", "", "", "2017-06-01T09:00:00Z", "2017-06-01T11:00:00Z", "CANCELLED")
	withdrawn.Description = ""
	return []testtool.Event{
		event("days", `Three days; whole, and \ folded`, "Days.", `Hall; "A", 2nd, 1, Street`, "2016-12-30", "2017-01-02", "CONFIRMED"),
		event("kathmandu", "In Kathmandu", "Far.\n\nSign; up: https://elsewhere.example/r?a=1,2;3", "", "2017-02-01T04:15:00Z", "2017-02-01T05:45:00Z", "CONFIRMED"),
		event("summer", "In summer, till the clocks change", "Late.", "", "2017-10-28T21:00:00Z", "2017-10-29T01:30:00Z", "CONFIRMED"), // the second 01:30 of two
		moved,
		event("postponed", "Reporté – A launch", "Reporté\n\nRemis.", "", "2017-04-01T09:00:00Z", "", "TENTATIVE"),
		event("cancelled", "Cancelled – A march", "Cancelled\n\nOff.", "", "2017-05-01", "2017-05-02", "CANCELLED"),
		withdrawn,
	}
}

// sampleEvents are those of the sample newsroom.
func sampleEvents() []testtool.Event {
	symposium := event("migration-symposium", "Symposium: Migration and the Sustainable Development Goals",
		"Experts meet at the Royal Society on 14 December to discuss how the migration targets of the new global goals can be put into effect.\n\n"+
			"Eventbrite: https://example.org/register/migration-symposium",
		"Royal Society, Kohn Centre, 6–9 Carlton House Terrace, London SW1Y 5AG", "2015-12-14T12:45:00Z", "2015-12-14T17:00:00Z", "CONFIRMED")
	symposium.Categories = []string{"Migration and development"}
	brains := event("brain-gain-for-somalia", "Brain Gain: Somali professionals in the UK hear how to help institutions at home",
		"Over 100 Somali professionals came to University College London to learn about short assignments in Somalia's public institutions.",
		"University College London, Gower Street, London WC1E 6BT", "2015-06-06", "2015-06-07", "CONFIRMED")
	volunteers := event("future-of-diaspora-volunteering", "Diaspora groups plan the future of volunteering",
		"A conference in London asked how volunteers from diaspora communities can do more for development, and what stands in their way.",
		"Amnesty Human Rights Centre, 17–25 New Inn Yard, London EC2A 3EA", "2015-06-01", "2015-06-02", "CONFIRMED")
	brains.Categories = []string{"Diaspora", "Migration and development"}
	volunteers.Categories = brains.Categories
	money := event("world-money-transfer-day", "First World Money Transfer Day will cut fees to zero",
		"On Sunday 15 March, money transfer companies will waive fees and commission. The aim is to make sending money home cheaper for good.",
		"", "2015-03-15", "2015-03-16", "CONFIRMED")
	money.Categories = []string{"Remittances", "Diaspora"}
	return []testtool.Event{symposium, brains, volunteers, money}
}

// readCalendars has every program read the calendar of all events, and that of each page: both say the same.
func (s shown) readCalendars(t *testing.T, organizer string, want []testtool.Event) {
	ids := map[string]string{} // by page
	for _, x := range s.stories {
		ids[x.page] = x.ID
	}
	calendars := [][]byte{contents(t, feedFile(s.dir, "events", ".ics"))}
	for i := range want {
		page := want[i].UID
		want[i].UID, want[i].Organizer = ids[page], organizer+" <mailto:news@example.org>"
		calendars = append(calendars, contents(t, filepath.Join(s.dir, "public", "news", page, "event.ics")))
	}
	for _, program := range testtool.Calendars {
		t.Run(program.Name, func(t *testing.T) {
			t.Parallel()
			got := program.Read(t, calendars...)
			sameEvents(t, "all events", got[0], want)
			for i, e := range want {
				sameEvents(t, e.URL, got[i+1], []testtool.Event{e})
			}
		})
	}
}

func sameEvents(t *testing.T, where string, got, want []testtool.Event) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) {
			t.Fatalf("%s: %d events, want %d", where, len(got), len(want))
		}
		if fmt.Sprintf("%+v", got[i]) != fmt.Sprintf("%+v", want[i]) {
			t.Errorf("%s\ngot  %+v\nwant %+v", where, got[i], want[i])
		}
	}
}

// TestCalendarFollows lives through what can happen to an event: programs that are subscribed to the calendar see each change as a newer
// version of the same event, and no change where there was none.
func TestCalendarFollows(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	item := filepath.Join(dir, "items", "talk.md")
	writeFile(t, filepath.Join(dir, "tidings.yaml"), "title: News\nurl: https://news.example.org/\ntimezone: Europe/London\n")
	writeFile(t, item, "---\ntitle: A talk\ndate: 2026-05-01\nupdated: 2031-01-01\nevent: {start: 2026-07-01T10:00}\n---\nCome.\n") // a typing error for 2026
	steps := []struct {
		name, old, with string // what staff change in the file
		summary, start  string
		status          string
	}{
		{"1 new", "", "", "A talk", "2026-07-01T09:00:00Z", "CONFIRMED"},
		{"2 another title", "title: A talk", "title: Two talks", "Two talks", "2026-07-01T09:00:00Z", "CONFIRMED"},
		{"3 another date", "start: 2026-07-01T10:00", "start: 2026-12-01T10:00, status: moved", "Moved – Two talks", "2026-12-01T10:00:00Z", "CONFIRMED"},
		{"4 corrected", "updated: 2031-01-01", "corrections: [{date: 2026-06-01, text: The hall.}]", "Moved – Two talks", "2026-12-01T10:00:00Z", "CONFIRMED"},
		{"5 put off", "status: moved", "status: postponed", "Postponed – Two talks", "2026-12-01T10:00:00Z", "TENTATIVE"},
		{"6 called off", "status: postponed", "status: cancelled", "Cancelled – Two talks", "2026-12-01T10:00:00Z", "CANCELLED"},
		{"7 takes place after all", "status: cancelled", "status: scheduled", "Two talks", "2026-12-01T10:00:00Z", "CONFIRMED"},
		{"8 withdrawn", "date: 2026-05-01", "status: withdrawn\ndate: 2026-05-01", "Story withdrawn", "2026-12-01T10:00:00Z", "CANCELLED"},
		{"9 back again", "status: withdrawn\n", "", "Two talks", "2026-12-01T10:00:00Z", "CONFIRMED"},
	}
	now := time.Date(2026, 6, 1, 9, 0, 0, 0, time.UTC)
	var versions [][]byte
	build := func() []byte {
		now = now.Add(time.Minute)
		tidingsAt(t, now, "-C", dir, "build")
		return contents(t, feedFile(dir, "events", ".ics"))
	}
	for _, step := range steps {
		edit(t, item, step.old, step.with)
		version := build()
		if again := build(); !bytes.Equal(again, version) {
			t.Errorf("%s: without a change\n%s\nbecame\n%s", step.name, version, again)
		}
		versions = append(versions, version)
	}
	for _, program := range testtool.Calendars {
		t.Run(program.Name, func(t *testing.T) {
			t.Parallel()
			id, sequence := "", -1
			for i, events := range program.Read(t, versions...) {
				if len(events) != 1 {
					t.Fatalf("%s: %+v", steps[i].name, events)
				}
				e := events[0]
				if e.Summary != steps[i].summary || e.Start != steps[i].start || e.Status != steps[i].status {
					t.Errorf("%s: got %+v", steps[i].name, e)
				}
				if i > 0 && e.UID != id || e.UID == "" || e.Sequence <= sequence {
					t.Errorf("%s: it is version %d of %s, after %d of %s", steps[i].name, e.Sequence, e.UID, sequence, id)
				}
				id, sequence = e.UID, e.Sequence
			}
		})
	}
}

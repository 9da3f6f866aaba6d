package publish

import (
	"fmt"
	"io"
	"strings"
	"time"

	"tidings/feed"
	"tidings/templates"
)

// The feed of all news has an archive (RFC 5005 §4): a document for each month that has stories, so that a reader which follows
// them from the live feed gets every story, in the one language in which that feed has it. A month is sealed by the first story of a later one; from then on its document changes
// only when a story in it does. The last month is open: it is there so that the one before it knows what comes next.

// months are the stories of each month that has any, the newest month first.
func (s Site) months() (months [][]*Story) {
	for _, x := range s.once() {
		if last := len(months) - 1; last >= 0 && sameMonth(months[last][0], x) {
			months[last] = append(months[last], x)
		} else {
			months = append(months, []*Story{x})
		}
	}
	return months
}

func month(s *Story) string { return s.Published.Format("2006-01") }

func sameMonth(a, b *Story) bool {
	y, m, _ := a.Published.Date()
	year, month, _ := b.Published.Date()
	return y == year && m == month
}

// archiveBase is the address of a month's document without extension.
func (s Site) archiveBase(of []*Story) string { return s.View.URL + archivePath(of) }

func archivePath(of []*Story) string { return archiveFolder + month(of[0]) }

const archiveFolder = "feeds/news/archive/"

// archives are the documents of all months.
func (s Site) archives() []Document {
	var docs []Document
	months := s.months()
	for i, of := range months {
		f := s.feed("news", s.View.Title)
		f.Current, f.Base = f.Base, s.archiveBase(of)
		f.Archive = i > 0
		if i > 0 {
			f.NextArchive = s.archiveBase(months[i-1])
		}
		if i+1 < len(months) {
			f.PrevArchive = s.archiveBase(months[i+1])
		}
		f.Hubs = nil
		docs = append(docs, s.formats(archivePath(of), f, of, s.entry)...)
	}
	return docs
}

// calendars are the calendar of all events, each in one language, and the file of each.
func (s Site) calendars() []Document {
	all := newest(s.once(), 0, announces)
	events := s.sure(all)
	entries := func() []feed.Entry {
		out := make([]feed.Entry, len(events))
		for i, x := range events {
			out[i] = s.eventEntry(x)
		}
		return out
	}
	c := feed.Calendar{Zone: s.Zone, Refresh: calendarRefresh, Organizer: feed.Owner(s.View.Owner), Words: eventWords}
	docs := []Document{{Path: "feeds/events" + feed.CalendarExt, Stage: Feeds, Compress: true,
		Print: PrintOf(s.print, "calendar", s.Zone.String(), revisions(events), prints(events)), Stays: len(events) < len(all),
		Spoilt: func(last []byte) bool { return s.showsTakenBack([]byte(calendarText.Replace(string(last)))) },
		Make: written(func(w io.Writer) error {
			f := s.feed("events", s.View.Feed("events").Title)
			f.Entries = entries()
			return feed.WriteCalendar(w, f, c)
		})}}
	return append(docs, s.eventFiles(c)...)
}

// eventFile is the name of an event's calendar, beside its page.
const eventFile = "event" + feed.CalendarExt

// eventFiles are the calendars of single events, beside their pages. That of a withdrawn story says that the event is cancelled.
func (s Site) eventFiles(c feed.Calendar) (docs []Document) {
	for _, x := range newest(s.Stories, 0, announces) {
		path, changed := "news/"+x.Slug+"/"+eventFile, s.Feeds.Changed[x.ID] != ""
		switch {
		case changed && x.Withdrawn:
			continue
		case changed:
			docs = append(docs, Document{Path: path, Stays: true})
			continue
		}
		d := Document{Path: path, Print: PrintOf(s.print, "event", s.Zone.String(), revisions([]*Story{x}), x.Print),
			Make: written(func(w io.Writer) error { return feed.WriteEvent(w, s.eventEntry(x), c) })}
		if x.Withdrawn {
			d.Stage, d.Spoilt = Notices, always
		}
		docs = append(docs, d)
	}
	return docs
}

func announces(x *Story) bool { return x.Event != nil }

// calendarText takes the folds and the escapes out of a calendar (RFC 5545 §3.1 and §3.3.11), so that ids are found in it.
var calendarText = strings.NewReplacer("\r\n ", "", `\\`, `\`, `\,`, ",", `\;`, ";")

// revisions are when events last changed, which calendars number them by.
func revisions(events []*Story) string {
	var b strings.Builder
	for _, x := range events {
		fmt.Fprintln(&b, x.Revised.UnixMicro())
	}
	return b.String()
}

// calendarRefresh is how long a calendar program may wait before it looks again.
const calendarRefresh = 6 * time.Hour

func (s Site) eventEntry(x *Story) feed.Entry {
	return feed.Entry{Article: x.Article, Revised: x.Revised}
}

func eventWords(language string) feed.EventWords {
	l := templates.LocaleFor(language)
	return feed.EventWords{Cancelled: l.T("cancelled"), Postponed: l.T("postponed"), Moved: l.T("moved"), Withdrawn: l.T("withdrawn_title"), Register: l.T("register")}
}

package schedule_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // for machines without a time zone database

	"tidings/internal/db"
	"tidings/schedule"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func parse(t testing.TB, expr string) schedule.Schedule {
	t.Helper()
	s, err := schedule.Parse(expr)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestParseRefuses(t *testing.T) {
	tests := []struct{ name, in, what, hint string }{
		{"1 empty", "  ", "empty", "0 9 * * MON"},
		{"2 robfig/cron panics on this", "CRON_TZ=Europe/London", "time zone", "newsroom's"},
		{"3 a zone of its own", "TZ=UTC 0 9 * * *", "time zone", "newsroom's"},
		{"4 no time on the clock", "@every 1h", "no time on the clock", "0 9 * * *"},
		{"5 no time at all", "@reboot", "no time on the clock", "0 9 * * *"},
		{"6 a slip", "@dayly", "unknown", "@daily"},
		{"7 seconds", "0 0 9 * * MON", "6 fields", "seconds"},
		{"8 too few", "9 * *", "3 fields", "minute, hour"},
		{"9 no such minute", "60 9 * * *", `minute: "60"`, "0 to 59"},
		{"10 no such hour", "0 24 * * *", `hour: "24"`, "0 to 23"},
		{"11 no such day", "0 9 0 * *", `day of the month: "0"`, "1 to 31"},
		{"12 no such month", "0 9 * 13 *", `month: "13"`, "JAN"},
		{"13 Sunday as 7", "0 9 * * 7", `weekday: "7"`, "SUN"},
		{"14 a range to Sunday as 7", "0 9 * * 5-7", `weekday: "5-7"`, "5,6,0"},
		{"15 a range that goes down", "0 9 * * FRI-MON", `weekday: "FRI-MON"`, "ascending"},
		{"16 words", "at 9 * * *", `minute: "at"`, "0 to 59"},
		{"17 no such date", "0 0 31 2 *", "never comes", "month has"},
		{"18 nor in any of these months", "0 0 31 4,6,9,11 *", "never comes", "month has"},
		{"19 no step", "*/0 * * * *", `minute: "*/0"`, "*/2"},
	}
	for _, tt := range tests {
		_, err := schedule.Parse(tt.in)
		var e *schedule.Error
		if !errors.As(err, &e) || !strings.Contains(e.What, tt.what) || !strings.Contains(e.Hint, tt.hint) {
			t.Errorf("%s: got %v, want %q and %q", tt.name, err, tt.what, tt.hint)
		}
	}
}

func TestNext(t *testing.T) {
	tests := []struct{ name, expr, zone, after, want string }{
		{"1 the next Monday", "0 9 * * MON", "Europe/London", "2018-06-01T00:00:00+01:00", "2018-06-04T09:00:00+01:00"},
		{"2 later than after, never equal", "0 9 * * *", "Europe/London", "2018-06-01T09:00:00+01:00", "2018-06-02T09:00:00+01:00"},
		{"3 a moment before", "0 9 * * *", "Europe/London", "2018-06-01T08:59:59.999999999+01:00", "2018-06-01T09:00:00+01:00"},
		{"4 jumped over: at the jump", "30 1 * * *", "Europe/London", "2018-03-25T00:00:00Z", "2018-03-25T02:00:00+01:00"},
		{"5 the day after it is as ever", "30 1 * * *", "Europe/London", "2018-03-25T02:00:00+01:00", "2018-03-26T01:30:00+01:00"},
		{"6 shown twice: the first time", "30 1 * * *", "Europe/London", "2018-10-28T00:00:00+01:00", "2018-10-28T01:30:00+01:00"},
		{"7 not the second time", "30 1 * * *", "Europe/London", "2018-10-28T01:30:00+01:00", "2018-10-29T01:30:00Z"},
		{"8 asked in the second pass", "45 1 * * *", "Europe/London", "2018-10-28T01:30:00Z", "2018-10-29T01:45:00Z"},
		{"9 every quarter pauses in the second pass", "*/15 * * * *", "Europe/London", "2018-10-28T01:45:00+01:00", "2018-10-28T02:00:00Z"},
		{"10 every quarter goes on after the jump", "*/15 * * * *", "Europe/London", "2018-03-25T00:45:00Z", "2018-03-25T02:00:00+01:00"},
		{"11 and is not doubled by it", "*/15 * * * *", "Europe/London", "2018-03-25T02:00:00+01:00", "2018-03-25T02:15:00+01:00"},
		{"12 midnight jumped over", "@daily", "America/Sao_Paulo", "2018-11-03T12:00:00-03:00", "2018-11-04T01:00:00-02:00"},
		{"13 half an hour jumped over", "10 2 * * *", "Australia/Lord_Howe", "2018-10-07T00:00:00+10:30", "2018-10-07T02:30:00+11:00"},
		{"14 a date that Samoa left out", "0 9 * * *", "Pacific/Apia", "2011-12-29T09:00:00-10:00", "2011-12-31T09:00:00+14:00"},
		{"15 leap days eight years apart", "0 9 29 2 *", "UTC", "2096-03-01T00:00:00Z", "2104-02-29T09:00:00Z"},
		{"16 after is in another zone", "0 9 * * *", "Asia/Tokyo", "2018-06-01T23:00:00-01:00", "2018-06-03T09:00:00+09:00"},
		{"17 robfig/cron's own names", "0 9 1 jan ?", "UTC", "2018-06-01T00:00:00Z", "2019-01-01T09:00:00Z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			after, err := time.Parse(time.RFC3339Nano, tt.after)
			if err != nil {
				t.Fatal(err)
			}
			loc := zone(t, tt.zone)
			got := parse(t, tt.expr).Next(after, loc)
			if got.Format(time.RFC3339Nano) != tt.want || got.Location() != loc {
				t.Errorf("got %v in %v, want %s", got, got.Location(), tt.want)
			}
		})
	}
}

// Each half hour of the day, in zones that change their clocks in all manners.
var zones = []struct {
	name  string
	years [2]int
}{
	{"Europe/London", [2]int{2018, 2020}},
	{"America/New_York", [2]int{2018, 2020}},
	{"America/Sao_Paulo", [2]int{2018, 2020}},   // at midnight
	{"Australia/Lord_Howe", [2]int{2018, 2020}}, // by half an hour
	{"Africa/Casablanca", [2]int{2018, 2020}},   // four times a year, around Ramadan
	{"Asia/Tehran", [2]int{2018, 2020}},         // at midnight
	{"Asia/Tehran", [2]int{2022, 2023}},         // for the last time
	{"America/Havana", [2]int{2018, 2020}},      // at midnight, and back to midnight
	{"Pacific/Apia", [2]int{2011, 2012}},        // without 30 December 2011
	{"Europe/London", [2]int{2050, 2051}},       // by rule, past the end of the table
}

func TestDailyTimesComeOnceADate(t *testing.T) {
	for _, z := range zones {
		t.Run(fmt.Sprint(z.name, z.years[0]), func(t *testing.T) {
			t.Parallel()
			loc := zone(t, z.name)
			from, to := time.Date(z.years[0], 1, 1, 0, 0, 0, 0, loc), time.Date(z.years[1], 1, 1, 0, 0, 0, 0, loc)
			for half := range 48 {
				checkDaily(t, from, to, half/2, half%2*30)
			}
		})
	}
}

func checkDaily(t *testing.T, from, to time.Time, hour, minute int) {
	t.Helper()
	s := parse(t, fmt.Sprintf("%d %d * * *", minute, hour))
	at := from.Add(-1)
	for noon := from.Add(12 * time.Hour); noon.Before(to); noon = nextNoon(noon) {
		next := s.Next(at, from.Location())
		if !next.After(at) {
			t.Fatalf("%02d:%02d: %v does not come after %v", hour, minute, next, at)
		}
		at = next
		if date := shown(at).Truncate(24 * time.Hour); !date.Equal(shown(noon).Truncate(24 * time.Hour)) {
			t.Fatalf("%02d:%02d: slot %v on the date of %v", hour, minute, at, noon)
		}
		if at.Hour()*60+at.Minute() != hour*60+minute {
			checkJumpedOver(t, at, hour*60+minute)
		}
		for _, pass := range []time.Duration{time.Hour, time.Hour / 2} {
			if shown(at.Add(-pass)).Equal(shown(at)) {
				t.Errorf("%v is not the first time the clock shows this", at)
			}
		}
	}
}

// nextNoon is at the next date that exists.
func nextNoon(noon time.Time) time.Time {
	next := noon.Add(24 * time.Hour)
	return time.Date(next.Year(), next.Month(), next.Day(), 12, 0, 0, 0, next.Location())
}

// checkJumpedOver sees to it that the clock jumps at at, from before the minute of the day to after it.
func checkJumpedOver(t *testing.T, at time.Time, minute int) {
	t.Helper()
	before := at.Add(-time.Minute)
	_, old := before.Zone()
	_, now := at.Zone()
	to := at.Hour()*60 + at.Minute()
	if skipped := (now - old) / 60; minute >= to || minute < to-skipped {
		t.Errorf("%v for %02d:%02d, though the clock did not jump over it", at, minute/60, minute%60)
	}
}

func TestNoWeekIsLost(t *testing.T) {
	loc := zone(t, "America/New_York")
	s := parse(t, "30 2 * * 0")
	at := time.Date(2018, 1, 1, 0, 0, 0, 0, loc)
	for week := range 104 {
		at = s.Next(at, loc)
		if want := time.Date(2018, 1, 7+7*week, 12, 0, 0, 0, loc); at.Format(time.DateOnly) != want.Format(time.DateOnly) {
			t.Fatalf("week %d: slot %v, want %s", week, at, want.Format(time.DateOnly))
		}
	}
}

// Frequent schedules go on over every change, and the clock on the wall never goes back from slot to slot.
func TestFrequentSlots(t *testing.T) {
	for _, expr := range []string{"*/30 * * * *", "7 */2 * * *"} {
		for _, z := range zones {
			loc, s := zone(t, z.name), parse(t, expr)
			at := time.Date(z.years[0], 1, 1, 0, 0, 0, 0, loc)
			for end := at.AddDate(1, 0, 0); at.Before(end); {
				next := s.Next(at, loc)
				if pause := next.Sub(at); pause <= 0 || pause > 4*time.Hour || !shown(next).After(shown(at)) {
					t.Fatalf("%s in %s: %v after %v", expr, z.name, next, at)
				}
				at = next
			}
		}
	}
}

func shown(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), 0, 0, time.UTC)
}

func TestWarning(t *testing.T) {
	for expr, want := range map[string]bool{"0 9 1 * MON": true, "0 9 1 * *": false, "0 9 * * MON": false, "0 9 ? * MON": false, "@weekly": false} {
		if got := parse(t, expr).Warning() != ""; got != want {
			t.Errorf("%s: warning %v, want %v", expr, got, want)
		}
	}
}

func TestDue(t *testing.T) {
	const none = "0001-01-01 00:00"
	tests := []struct {
		name, expr, last, now string
		late                  time.Duration
		want                  string
		run                   bool
	}{
		{"1 not yet", "0 9 * * MON", "2018-06-04 09:00", "2018-06-11 08:59", 0, none, false},
		{"2 on the minute", "0 9 * * MON", "2018-06-04 09:00", "2018-06-11 09:00", 0, "2018-06-11 09:00", true},
		{"3 a little later", "0 9 * * MON", "2018-06-04 09:00", "2018-06-11 09:10", 0, "2018-06-11 09:00", true},
		{"4 dealt with", "0 9 * * MON", "2018-06-11 09:00", "2018-06-11 09:10", 0, none, false},
		{"5 three weeks down: one slot, the latest", "0 9 * * MON", "2018-06-04 09:00", "2018-06-26 12:00", 0, "2018-06-25 09:00", true},
		{"6 just not too late", "0 9 * * MON", "2018-06-04 09:00", "2018-06-11 15:00", 6 * time.Hour, "2018-06-11 09:00", true},
		{"7 too late: passed over", "0 9 * * MON", "2018-06-04 09:00", "2018-06-11 15:01", 6 * time.Hour, "2018-06-11 09:00", false},
		{"8 the clock was set back", "0 9 * * MON", "2018-06-11 09:00", "2018-06-01 09:00", 0, none, false},
		{"9 started between two slots", "0 9 * * MON", "2018-06-06 10:00", "2018-06-10 09:00", 0, none, false},
		{"10 every minute, ten years down", "* * * * *", "2008-06-04 09:00", "2018-06-11 09:10", 0, "2018-06-11 09:10", true},
		{"11 every minute of January, asked in June", "* * * 1 *", "1990-06-04 09:00", "2018-06-11 09:10", 0, "2018-01-31 23:59", true},
		{"12 in the repeated hour", "30 1 * * *", "2018-10-28 00:00", "2018-10-28 02:00", 0, "2018-10-28 01:30", true},
		{"13 never started: nothing for the past", "* * * * *", none, "2018-10-28 02:00", 0, none, false},
	}
	loc := zone(t, "Europe/London")
	const layout = "2006-01-02 15:04"
	read := func(s string) time.Time {
		at, err := time.ParseInLocation(layout, s, loc)
		if err != nil {
			t.Fatal(err)
		}
		if s == none {
			return time.Time{}
		}
		return at
	}
	for _, tt := range tests {
		slot, run := schedule.Due(parse(t, tt.expr), read(tt.last), read(tt.now), loc, tt.late)
		if slot.Format(layout) != tt.want || run != tt.run {
			t.Errorf("%s: got %v, %v; want %s, %v", tt.name, slot, run, tt.want, tt.run)
		}
	}
}

func TestZeroSchedule(t *testing.T) {
	now := time.Date(2018, 1, 1, 0, 0, 0, 0, time.UTC)
	if next := (schedule.Schedule{}).Next(now, time.UTC); !next.IsZero() {
		t.Errorf("a slot at %v", next)
	}
	if slot, run := schedule.Due(schedule.Schedule{}, now, now.AddDate(1, 0, 0), time.UTC, 0); run || !slot.IsZero() {
		t.Errorf("due at %v", slot)
	}
}

func TestStore(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "tidings.db")
	d, err := db.Open(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { d.Close() }()
	noon := time.Date(2018, 6, 4, 12, 0, 0, 123_000, time.UTC)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	last := func(want time.Time) {
		t.Helper()
		got, err := schedule.Store{DB: d}.Last(ctx, "weekly")
		if err != nil || !got.Equal(want) {
			t.Fatalf("last %v, %v; want %v", got, err, want)
		}
	}
	s := schedule.Store{DB: d}
	last(time.Time{})
	must(s.Start(ctx, "weekly", "@weekly", noon))
	must(s.Start(ctx, "daily", "@daily", noon.Add(time.Minute)))
	last(noon)
	must(s.Start(ctx, "weekly", "@weekly", noon.Add(time.Hour))) // a later start: what was missed since is still due
	last(noon)
	must(s.Done(ctx, "weekly", noon.Add(2*time.Hour)))
	must(s.Done(ctx, "weekly", noon.Add(time.Hour))) // never back
	last(noon.Add(2 * time.Hour))
	must(d.Close())
	d, err = db.Open(ctx, path)
	must(err)
	last(noon.Add(2 * time.Hour))
	must(schedule.Store{DB: d}.Start(ctx, "weekly", "@daily", noon.Add(5*time.Hour))) // the schedule was changed: nothing is due for its past
	last(noon.Add(5 * time.Hour))
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"0 9 * * MON", "@daily", "CRON_TZ=x", "*/5 1-3,7 ? JAN-MAR 0", "0 0 29 2 *", "1/ - , * *", "@every 1h"} {
		f.Add(seed)
	}
	now := time.Date(2018, 10, 28, 0, 30, 0, 0, time.UTC)
	loc := zone(f, "Europe/London")
	f.Fuzz(func(t *testing.T, expr string) {
		s, err := schedule.Parse(expr)
		if err != nil {
			return
		}
		if next := s.Next(now, loc); !next.After(now) {
			t.Errorf("%q: %v is not after %v", expr, next, now)
		}
	})
}

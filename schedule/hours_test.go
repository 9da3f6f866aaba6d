package schedule_test

import (
	"errors"
	"testing"
	"time"

	"tidings/schedule"
)

func TestHours(t *testing.T) {
	t.Parallel()
	london, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, hours, at string // number and why; the time is in UTC
		want            bool
	}{
		{"1 within", "08:00-20:00", "2026-01-05T12:00:00Z", true},
		{"2 the begin belongs to it", "08:00-20:00", "2026-01-05T08:00:00Z", true},
		{"3 not a second earlier", "08:00-20:00", "2026-01-05T07:59:59Z", false},
		{"4 the last second", "08:00-20:00", "2026-01-05T19:59:59Z", true},
		{"5 the end does not belong to it", "08:00-20:00", "2026-01-05T20:00:00Z", false},
		{"6 by the clock in summer", "08:00-20:00", "2026-07-06T07:00:00Z", true},
		{"7 over midnight, before it", "22:00-06:00", "2026-01-05T23:00:00Z", true},
		{"8 over midnight, behind it", "22:00-06:00", "2026-01-05T05:59:00Z", true},
		{"9 over midnight, at noon", "22:00-06:00", "2026-01-05T12:00:00Z", false},
		{"10 until the end of the day", "8:30-24:00", "2026-01-05T23:59:59Z", true},
		{"11 the whole day", "00:00-24:00", "2026-01-05T03:00:00Z", true},
	} {
		h, err := schedule.ParseHours(test.hours)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		at, err := time.Parse(time.RFC3339, test.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := h.Has(at, london); got != test.want {
			t.Errorf("%s: %s at %s: %t", test.name, h, test.at, got)
		}
		if again, err := schedule.ParseHours(h.String()); err != nil || again != h {
			t.Errorf("%s: %s is read back as %s, %v", test.name, h, again, err)
		}
	}
	if !(schedule.Hours{}).Has(time.Now(), london) {
		t.Error("where no hours are given, it is not the whole day")
	}
}

func TestHoursRefused(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "8-20", "08:00", "08:00-25:00", "08:00-24:01", "08:60-09:00", "08:00-08:00", "08:00 - 20:00", "8am-8pm", "-08:00-20:00"} {
		_, err := schedule.ParseHours(s)
		var wrong *schedule.Error
		if !errors.As(err, &wrong) || wrong.What == "" || wrong.Hint == "" {
			t.Errorf("%q: %v", s, err)
		}
	}
}

package schedule

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// Hours is a stretch of every day on the wall clock, such as 08:00-20:00 or, over midnight, 22:00-06:00. Its begin belongs to
// it, its end does not. The zero Hours is the whole day.
type Hours struct{ from, to int } // minutes since midnight

var hoursPattern = regexp.MustCompile(`^([01]?\d|2[0-3]):([0-5]\d)-([01]?\d|2[0-4]):([0-5]\d)$`)

// ParseHours reads 08:00-20:00; 24:00 is the end of the day. Every error is an *Error.
func ParseHours(s string) (Hours, error) {
	m := hoursPattern.FindStringSubmatch(s)
	if m == nil {
		return Hours{}, wrong("write the first and the last time of the day, such as 08:00-20:00", "%q is no part of a day", s)
	}
	h := Hours{minutes(m[1], m[2]), minutes(m[3], m[4])}
	switch {
	case h.to > wholeDay:
		return Hours{}, wrong("a day ends at 24:00", "%q is no part of a day", s)
	case h.from == h.to:
		return Hours{}, wrong("leave it out for the whole day", "%q begins where it ends", s)
	case h.from == 0 && h.to == wholeDay:
		return Hours{}, nil
	}
	return h, nil
}

const wholeDay = 24 * 60

// minutes since midnight; the pattern has seen to it that these are numbers.
func minutes(hour, minute string) int {
	h, _ := strconv.Atoi(hour)
	m, _ := strconv.Atoi(minute)
	return 60*h + m
}

// String writes the hours as ParseHours reads them.
func (h Hours) String() string {
	if h == (Hours{}) {
		h.to = wholeDay
	}
	return fmt.Sprintf("%02d:%02d-%02d:%02d", h.from/60, h.from%60, h.to/60, h.to%60)
}

// Has tells whether the clock in loc shows a time within the hours at t.
func (h Hours) Has(t time.Time, loc *time.Location) bool {
	at := t.In(loc).Hour()*60 + t.In(loc).Minute()
	switch {
	case h == Hours{}:
		return true
	case h.from < h.to:
		return h.from <= at && at < h.to
	}
	return at >= h.from || at < h.to
}

package items

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// When is a point in time as staff write it: a whole day or an instant. The zero When is "not given".
type When struct {
	Time  time.Time // in the newsroom's time zone where the file gave no offset
	Whole bool      // a mere date: Time is the first moment of that day in the newsroom's time zone

	raw string // as written, until resolve has read it
}

// IsZero tells whether no time was given.
func (w When) IsZero() bool { return w.Time.IsZero() && w.raw == "" }

// MarshalText gives a whole day as 2006-01-02, an instant in RFC 3339.
func (w When) MarshalText() ([]byte, error) {
	if w.Whole {
		return w.Time.AppendFormat(nil, time.DateOnly), nil
	}
	return w.Time.AppendFormat(nil, time.RFC3339Nano), nil
}

// UnmarshalText keeps the text until the time zone is known.
func (w *When) UnmarshalText(text []byte) error {
	*w = When{raw: string(text)}
	return nil
}

// UnmarshalYAML does the same with the text of a YAML scalar.
func (w *When) UnmarshalYAML(n *yaml.Node) error { return w.UnmarshalText([]byte(n.Value)) }

// instants are the layouts of a date-time, with and without an offset.
var instants = []string{
	"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04",
	"2006-01-02 15:04:05Z07:00", "2006-01-02 15:04Z07:00", "2006-01-02 15:04:05 Z07:00", "2006-01-02 15:04 Z07:00",
	"2006-01-02 15:04:05", "2006-01-02 15:04",
}

// resolve reads what was written, in loc where it has no offset. The error says what is wrong and how to write it.
func (w *When) resolve(loc *time.Location) *whenError {
	s := strings.TrimSpace(w.raw)
	w.raw = ""
	if s == "" {
		return nil
	}
	if t, err := time.ParseInLocation(time.DateOnly, s, loc); err == nil {
		if t.Format(time.DateOnly) != s { // the clocks leapt over midnight, and t is before it
			t = t.Add(time.Hour)
		}
		*w = When{Time: t, Whole: true}
		return plausible(s, t)
	}
	for _, layout := range instants {
		if t, err := time.ParseInLocation(layout, s, loc); err == nil {
			*w = When{Time: t.In(loc)}
			return plausible(s, t)
		}
	}
	return explainDate(s)
}

type whenError struct{ what, hint string }

// plausible refuses years that are typing errors and that RFC 3339 or a feed could not carry.
func plausible(s string, t time.Time) *whenError {
	if t.Year() < 1000 || t.Year() > 2999 {
		return &whenError{fmt.Sprintf("the year of %q cannot be right", s), "write the year with four digits: 2015-12-21"}
	}
	return nil
}

var (
	isoLike   = regexp.MustCompile(`^(\d{4})-(\d{1,2})-(\d{1,2})(.*)$`)
	slashDate = regexp.MustCompile(`^(\d{1,4})[/.](\d{1,2})[/.](\d{1,4})$`)
)

// explainDate says why s is no date, and how the date that was probably meant is written.
func explainDate(s string) *whenError {
	if m := isoLike.FindStringSubmatch(s); m != nil {
		year, month, day := atoi(m[1]), atoi(m[2]), atoi(m[3])
		if !exists(year, month, day) {
			return &whenError{fmt.Sprintf("%q is no date: the calendar has no such day", s), "write year-month-day, such as 2015-12-21"}
		}
		iso := fmt.Sprintf("%04d-%02d-%02d", year, month, day)
		if m[4] == "" {
			return &whenError{fmt.Sprintf("%q is no date that can be read", s), "write " + iso}
		}
		return &whenError{fmt.Sprintf("%q is no time that can be read", s), "write " + iso + "T09:30, with an offset such as +01:00 if it is not the newsroom's time"}
	}
	if m := slashDate.FindStringSubmatch(s); m != nil {
		if iso, ok := fromSlashes(m[1], m[2], m[3]); ok {
			if d, mo := atoi(m[1]), atoi(m[2]); len(m[1]) < 4 && d <= 12 && mo <= 12 && d != mo {
				other := iso[:4] + iso[7:] + iso[4:7]
				return &whenError{fmt.Sprintf("%q is no date that can be read", s), fmt.Sprintf("write %s if the day stands first in it, %s if the month does", iso, other)}
			}
			return &whenError{fmt.Sprintf("%q is no date that can be read", s), "write " + iso}
		}
		return &whenError{fmt.Sprintf("%q is no date", s), "write year-month-day, such as 2015-12-21"}
	}
	for _, layout := range []string{"2 January 2006", "2 Jan 2006", "January 2, 2006", "Jan 2, 2006", "2 January, 2006"} {
		if t, err := time.Parse(layout, s); err == nil {
			return &whenError{fmt.Sprintf("%q is no date that can be read", s), "write " + t.Format(time.DateOnly)}
		}
	}
	return &whenError{fmt.Sprintf("%q is no date", s), "write 2015-12-21, or 2015-12-21T09:30 for a time of day"}
}

// fromSlashes reads 21/12/15 and 21.12.2015 the European way, and 2015/12/21.
func fromSlashes(a, b, c string) (string, bool) {
	year, month, day := atoi(c), atoi(b), atoi(a)
	if len(a) == 4 {
		year, day = atoi(a), atoi(c)
	} else if len(c) <= 2 {
		year += 2000
	}
	if month > 12 && day <= 12 { // 12/21/2015, the American way
		month, day = day, month
	}
	return fmt.Sprintf("%04d-%02d-%02d", year, month, day), exists(year, month, day)
}

func exists(year, month, day int) bool {
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	return year > 0 && t.Year() == year && int(t.Month()) == month && t.Day() == day
}

func atoi(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

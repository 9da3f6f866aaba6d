package schedule

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// Schedule says at which times of the wall clock its slots are. It knows no time zone. The zero Schedule has no slots.
type Schedule struct{ spec *cron.SpecSchedule }

// Error is what is wrong with an expression. Both parts are one line of plain words.
type Error struct {
	What string
	Hint string // what to write in its stead
}

// Error gives both parts in one line.
func (e *Error) Error() string { return e.What + ": " + e.Hint }

func wrong(hint, format string, args ...any) error {
	return &Error{What: fmt.Sprintf(format, args...), Hint: hint}
}

// field is one of the five parts of an expression, in their order.
type field struct {
	name   string
	option cron.ParseOption
	values string
}

var fields = []field{
	{"minute", cron.Minute, "0 to 59"},
	{"hour", cron.Hour, "0 to 23"},
	{"day of the month", cron.Dom, "1 to 31"},
	{"month", cron.Month, "1 to 12 or JAN to DEC"},
	{"weekday", cron.Dow, "0 to 6 or SUN to SAT"},
}

var descriptors = []string{"@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually"}

// Parse reads a cron expression: minute, hour, day of the month, month and weekday as robfig/cron reads them, or one of
// @hourly, @daily, @midnight, @weekly, @monthly, @yearly and @annually. What has no time of the wall clock (@every,
// @reboot), names a time zone of its own, or asks for a date that never comes is refused. Every error is an *Error.
func Parse(expr string) (Schedule, error) {
	expr = strings.TrimSpace(expr)
	if err := check(expr); err != nil {
		return Schedule{}, err
	}
	parsed, err := cron.ParseStandard(expr)
	spec, ok := parsed.(*cron.SpecSchedule)
	if err != nil || !ok { // check lets nothing pass that the parser refuses
		return Schedule{}, wrong("write it as \"0 9 * * MON\"", "%q is no schedule", expr)
	}
	spec.Location = time.UTC // see wall
	s := Schedule{spec}
	if s.step(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return Schedule{}, wrong("choose a day that this month has", "%q is a date that never comes", expr)
	}
	return s, nil
}

func check(expr string) error {
	switch {
	case expr == "":
		return wrong("write it as \"0 9 * * MON\", Mondays at 9:00", "the schedule is empty")
	case strings.Contains(expr, "TZ="):
		return wrong("leave it out; the newsroom's time zone is used", "%q names a time zone", expr)
	case strings.HasPrefix(expr, "@every"), expr == "@reboot":
		return wrong("write a time of the day, such as \"0 9 * * *\"", "%q has no time on the clock", expr)
	case strings.HasPrefix(expr, "@"):
		if !slices.Contains(descriptors, expr) {
			return wrong("there are "+strings.Join(descriptors, " "), "%q is unknown", expr)
		}
		return nil
	}
	parts := strings.Fields(expr)
	if len(parts) != len(fields) {
		return wrong(countHint(len(parts)), "%q has %d fields instead of %d", expr, len(parts), len(fields))
	}
	for i, f := range fields {
		if err := f.check(parts[i]); err != nil {
			return err
		}
	}
	return nil
}

func countHint(n int) string {
	if n == len(fields)+1 {
		return "leave out the seconds: minute, hour, day of the month, month, weekday"
	}
	return "write minute, hour, day of the month, month and weekday, with * for any"
}

var seven = regexp.MustCompile(`\b7\b`)

func (f field) check(part string) error {
	if _, err := cron.NewParser(f.option).Parse(part); err == nil {
		return nil
	}
	hint := fmt.Sprintf("write %s, a list 1,2, an ascending range 1-5, a step */2, or *", f.values)
	if f.option == cron.Dow && seven.MatchString(part) {
		hint = "Sunday is 0 or SUN, and stands alone or at the start of a range: 5,6,0 for 5-7"
	}
	return wrong(hint, "%s: %q is not understood", f.name, part)
}

// Warning says in plain words what is legal but seldom meant; it is empty if there is nothing of the kind.
func (s Schedule) Warning() string {
	const star = 1 << 63 // robfig/cron's mark of a field that is not restricted
	if s.spec == nil || s.spec.Dom&star != 0 || s.spec.Dow&star != 0 {
		return ""
	}
	return "day of the month and weekday are both given: a day that matches either of them has a slot"
}

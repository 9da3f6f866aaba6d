// Package schedule tells when a newsletter is due: cron expressions on the wall clock, and slots that are remembered,
// so that none is lost while the program is down and none is served twice.
//
// A slot is a time that the clock on the wall shows. What that means when clocks are changed:
//   - A time that the clocks jump over comes at the moment of the jump, once: at 03:00 for 02:30. Several such times,
//     as of */15, come as one slot.
//   - A time that the clocks show twice comes the first time only. So a schedule of every few minutes pauses while the
//     hour is repeated.
//   - A date that a zone leaves out altogether, as Samoa did with 30 December 2011, has no slots.
//
// So each daily time comes exactly once a date, in every time zone.
package schedule

import "time"

// Next is the first slot after the given instant, in loc. It is always later than after; it is zero only for the zero
// Schedule.
func (s Schedule) Next(after time.Time, loc *time.Location) time.Time {
	// While an hour is repeated, the slots that follow on the wall clock may lie in its first pass, before after.
	for n := s.step(wall(after.In(loc))); !n.IsZero(); n = s.step(n) {
		if slot, ok := instant(n, loc); ok && slot.After(after) {
			return slot
		}
	}
	return time.Time{}
}

// step is the first slot after n on a clock that is never changed. robfig/cron looks five years ahead, while leap days
// can be eight years apart.
func (s Schedule) step(n time.Time) time.Time {
	if s.spec == nil {
		return time.Time{}
	}
	for range 3 {
		if next := s.spec.Next(n); !next.IsZero() {
			return next
		}
		n = time.Date(n.Year()+5, 1, 1, 0, 0, 0, 0, time.UTC).Add(-time.Second)
	}
	return time.Time{}
}

// wall is what the clock shows at t, as a time in UTC, where no hour is skipped or repeated.
func wall(t time.Time) time.Time { return in(t, time.UTC) }

// in is the instant at which the clock in loc shows what it shows at t in t's own zone.
func in(t time.Time, loc *time.Location) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), loc)
}

// instant is when the clock in loc first shows n, or jumps over it. It is not ok if loc leaves out n's whole date.
// time.Date gives any of the possible instants, so that the change of the clocks has to be found.
func instant(n time.Time, loc *time.Location) (at time.Time, ok bool) {
	t := in(n, loc)
	start, end := t.ZoneBounds()
	switch shown := wall(t); {
	case shown.Equal(n):
		return first(t, start), true
	case shown.After(n):
		at = start
	default:
		at = end
	}
	return at, at.Day() == n.Day() || at.Add(-1).Day() == n.Day()
}

// first is the earlier instant at which the clock shows what it shows at t, if the clock was put back to it at start.
func first(t, start time.Time) time.Time {
	if start.IsZero() {
		return t
	}
	_, before := start.Add(-1).Zone()
	_, now := t.Zone()
	if earlier := t.Add(time.Duration(now-before) * time.Second); earlier.Before(start) {
		return earlier
	}
	return t
}

// Due is the latest slot after last and not after now, zero if there is none: slots that were missed come as one. Last
// is the last slot that was dealt with, or when the schedule was first known; if it is zero, nothing is due. A slot
// that lies more than late before now is not to be run any more, so run is false; late 0 is no limit. In both cases the
// slot is dealt with afterwards. The work does not grow with the number of missed slots.
func Due(s Schedule, last, now time.Time, loc *time.Location, late time.Duration) (slot time.Time, run bool) {
	if last.IsZero() {
		return time.Time{}, false
	}
	due := func(after time.Time) bool {
		next := s.Next(after, loc)
		return !next.IsZero() && !next.After(now)
	}
	if !due(last) {
		return time.Time{}, false
	}
	// From every instant before the latest slot there is a slot to come by now, and from none after it: bisect.
	lo, hi := last, now
	for hi.Sub(lo) > time.Second {
		if mid := lo.Add(hi.Sub(lo) / 2); due(mid) {
			lo = mid
		} else {
			hi = mid
		}
	}
	slot = s.Next(lo, loc)
	return slot, late == 0 || now.Sub(slot) <= late
}

package items_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"tidings/items"
)

func date(t *testing.T, zone, text string) (items.When, string) {
	t.Helper()
	p := items.Parser{Location: mustLoad(zone), Language: "en"}
	it, probs := p.Parse("x.yaml", []byte("title: A\nbody: x\ndate: "+text+"\n"))
	if len(probs) > 0 {
		return items.When{}, probs[0].Hint
	}
	return it.Date, ""
}

func TestWhen(t *testing.T) {
	for i, tt := range []struct{ zone, text, want string }{
		{"UTC", "2015-12-21", "2015-12-21T00:00:00Z day"},
		{"Europe/London", "2015-07-01", "2015-07-01T00:00:00+01:00 day"}, // summer time
		{"Europe/London", "2015-12-21T09:30", "2015-12-21T09:30:00Z"},
		{"Europe/London", "2015-07-01T09:30:15", "2015-07-01T09:30:15+01:00"},
		{"Europe/London", "2015-07-01 09:30", "2015-07-01T09:30:00+01:00"},
		{"Europe/London", "2015-07-01 09:30:15", "2015-07-01T09:30:15+01:00"},
		{"Europe/London", "2015-07-01T09:30+05:30", "2015-07-01T05:00:00+01:00"}, // shown in the newsroom's zone
		{"Europe/London", "2015-07-01T09:30:00Z", "2015-07-01T10:30:00+01:00"},
		{"Europe/London", "2015-07-01 09:30 -04:00", "2015-07-01T14:30:00+01:00"},
		{"Europe/London", "2015-07-01 09:30:00Z", "2015-07-01T10:30:00+01:00"},
		{"Europe/London", "2015-07-01T09:30:00.25Z", "2015-07-01T10:30:00.25+01:00"},
		{"Europe/London", `"2015-12-21"`, "2015-12-21T00:00:00Z day"},
		{"Europe/London", "2015-10-25T01:30", "2015-10-25T01:30:00Z"},        // twice on the clock: the second
		{"Europe/London", "2015-03-29T01:30", "2015-03-29T02:30:00+01:00"},   // never on the clock
		{"America/Sao_Paulo", "2015-10-18", "2015-10-18T01:00:00-02:00 day"}, // a day that begins at one
		{"Asia/Beirut", "2015-03-29", "2015-03-29T01:00:00+03:00 day"},
		{"Pacific/Kiritimati", "2015-12-21", "2015-12-21T00:00:00+14:00 day"},
	} {
		w, hint := date(t, tt.zone, tt.text)
		got := w.Time.Format(time.RFC3339Nano)
		if w.Whole {
			got += " day"
		}
		if got != tt.want {
			t.Errorf("%d %s in %s: got %s, want %s; %s", i+1, tt.text, tt.zone, got, tt.want, hint)
		}
	}
}

// TestWhenHints: what cannot be read is answered with what was probably meant.
func TestWhenHints(t *testing.T) {
	for i, tt := range []struct{ text, want string }{
		{"21/12/15", "write 2015-12-21"},
		{"21.12.2015", "write 2015-12-21"},
		{"12/21/2015", "write 2015-12-21"}, // there is no month 21
		{"2015/12/21", "write 2015-12-21"},
		{"2015-7-1", "write 2015-07-01"},
		{"1 Jul 2015", "write 2015-07-01"},
		{"July 1, 2015", "write 2015-07-01"},
		{"2015-12-21T9:30am", "write 2015-12-21T09:30, with"},
		{"2015-13-01", "write year-month-day"},
		{"31/02/2015", "write year-month-day"},
		{"2015-12-21T25:00", "write 2015-12-21T09:30"},
		{"yesterday", "write 2015-12-21, or"},
		{"2015", "write 2015-12-21, or"},
		{"0999-01-01", "write the year with four digits"},
		{"3015-12-21", "write the year with four digits"},
	} {
		if _, hint := date(t, "UTC", tt.text); !strings.HasPrefix(hint, tt.want) {
			t.Errorf("%d %s: got %q, want %q", i+1, tt.text, hint, tt.want)
		}
	}
}

// TestWhenText: what is written is read back as the same.
func TestWhenText(t *testing.T) {
	for i, tt := range []struct{ text, want string }{
		{"2015-12-21", `"2015-12-21"`},
		{"2015-07-01T09:30:00.25Z", `"2015-07-01T10:30:00.25+01:00"`},
	} {
		w, _ := date(t, "Europe/London", tt.text)
		got, err := json.Marshal(w)
		if err != nil || string(got) != tt.want {
			t.Errorf("%d: got %s, want %s; %v", i+1, got, tt.want, err)
		}
		var back items.When
		if err := json.Unmarshal(got, &back); err != nil || back.IsZero() {
			t.Errorf("%d: %v", i+1, err)
		}
	}
	if !(items.When{}).IsZero() {
		t.Error("the zero When is not given")
	}
}

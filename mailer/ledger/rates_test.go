package ledger_test

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"testing"
	"time"

	"tidings/mailer/ledger"
)

func TestRates(t *testing.T) {
	l := newList(t, 1)
	rate := func(name string, rate float64) ledger.Rate {
		return ledger.Rate{Name: name, Rate: rate, Tokens: 0.5, At: monday}
	}
	for _, step := range []struct {
		why   string // number and why
		saved []ledger.Rate
		want  []ledger.Rate
	}{
		{"1 one that holds nothing back is not kept", []ledger.Rate{rate("domain:b", 2), rate("domain:a", 0), rate("relay:r", 5)},
			[]ledger.Rate{rate("domain:b", 2), rate("relay:r", 5)}},
		{"2 what another sender did not use stays", []ledger.Rate{rate("domain:a", 3)},
			[]ledger.Rate{rate("domain:a", 3), rate("domain:b", 2), rate("relay:r", 5)}},
		{"3 the last one counts", []ledger.Rate{rate("relay:r", 2.5), rate("domain:a", 3)},
			[]ledger.Rate{rate("domain:a", 3), rate("domain:b", 2), rate("relay:r", 2.5)}},
		{"4 one that holds nothing back any more is forgotten", []ledger.Rate{rate("domain:a", 0), rate("domain:c", 0)},
			[]ledger.Rate{rate("domain:b", 2), rate("relay:r", 2.5)}},
		{"5 nothing", nil, []ledger.Rate{rate("domain:b", 2), rate("relay:r", 2.5)}},
	} {
		given := slices.Clone(step.saved)
		if err := l.SaveRates(t.Context(), step.saved); err != nil || !slices.Equal(step.saved, given) {
			t.Fatalf("%s: %v, %v", step.why, err, step.saved)
		}
		got, err := l.Rates(t.Context())
		for i := range got {
			got[i].At = got[i].At.In(monday.Location())
		}
		if err != nil || !slices.Equal(got, step.want) {
			t.Errorf("%s: %v, %v, want %v", step.why, err, got, step.want)
		}
	}
}

// TestRatesWithoutLimit: while another process writes, rates that hold nothing back do not wait for it.
func TestRatesWithoutLimit(t *testing.T) {
	l := newList(t, 1)
	var rates []ledger.Rate
	for i := range 1000 {
		rates = append(rates, ledger.Rate{Name: fmt.Sprintf("domain:%d.example", i), Tokens: 1, At: monday})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	err := openList(t, l.path).Ledger.DB.Write(t.Context(), func(*sql.Tx) error { return l.SaveRates(ctx, rates) })
	if err != nil {
		t.Error(err)
	}
}

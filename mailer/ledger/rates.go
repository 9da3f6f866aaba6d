package ledger

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"tidings/internal/db"
)

// Rate is how fast mail may go somewhere, kept so that a restart does not forget it.
type Rate struct {
	Name   string
	Rate   float64 // messages a second
	Tokens float64 // that may go out at once
	At     time.Time
}

// Pause is a relay that is left alone for a while, kept so that a restart does not forget it.
type Pause struct {
	Relay string
	Until time.Time
	Why   string // what the relay said
}

// Pauses gives the relays that are left alone at a time.
func (l Ledger) Pauses(ctx context.Context, now time.Time) ([]Pause, error) {
	rows, err := l.DB.QueryContext(ctx, `SELECT relay, until, why FROM pauses WHERE until > $1 ORDER BY relay`, db.Micros(now))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Pause
	for rows.Next() {
		var p Pause
		var until int64
		if err := rows.Scan(&p.Relay, &until, &p.Why); err != nil {
			return nil, err
		}
		p.Until = db.Time(until)
		out = append(out, p)
	}
	return out, rows.Err()
}

// LiftPauses forgets all pauses.
func (l Ledger) LiftPauses(ctx context.Context) error {
	return l.DB.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM pauses`)
		return err
	})
}

// SavePause keeps a pause; a relay's last one counts.
func (l Ledger) SavePause(ctx context.Context, p Pause) error {
	return l.DB.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO pauses (relay, until, why) VALUES ($1, $2, $3)
			ON CONFLICT (relay) DO UPDATE SET until = excluded.until, why = excluded.why`, p.Relay, db.Micros(p.Until), p.Why)
		return err
	})
}

// Rates gives what SaveRates kept.
func (l Ledger) Rates(ctx context.Context) ([]Rate, error) {
	rows, err := l.DB.QueryContext(ctx, `SELECT name, rate, tokens, at FROM rates ORDER BY name`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Rate
	for rows.Next() {
		var r Rate
		var at int64
		if err := rows.Scan(&r.Name, &r.Rate, &r.Tokens, &at); err != nil {
			return nil, err
		}
		r.At = db.Time(at)
		out = append(out, r)
	}
	return out, rows.Err()
}

// SaveRates keeps these rates beside those of other names; one of 0 holds nothing back and is forgotten. Most are 0 and were never kept:
// they cost no write, for which others would wait.
func (l Ledger) SaveRates(ctx context.Context, rates []Rate) error {
	kept, err := l.Rates(ctx)
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, r := range kept {
		known[r.Name] = true
	}
	rates = slices.DeleteFunc(slices.Clone(rates), func(r Rate) bool { return r.Rate == 0 && !known[r.Name] })
	if len(rates) == 0 {
		return nil
	}
	return l.DB.Write(ctx, func(tx *sql.Tx) error {
		for _, r := range rates {
			if err := saveRate(ctx, tx, r); err != nil {
				return err
			}
		}
		return nil
	})
}

func saveRate(ctx context.Context, tx *sql.Tx, r Rate) error {
	if r.Rate == 0 {
		_, err := tx.ExecContext(ctx, `DELETE FROM rates WHERE name = $1`, r.Name)
		return err
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO rates (name, rate, tokens, at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (name) DO UPDATE SET rate = excluded.rate, tokens = excluded.tokens, at = excluded.at`, r.Name, r.Rate, r.Tokens, db.Micros(r.At))
	return err
}

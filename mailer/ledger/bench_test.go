package ledger_test

import (
	"database/sql"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tidings/mailer/ledger"
)

// many makes a list of n subscribers of "weekly" under random ids, in no order.
const many = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < $1)
	INSERT INTO subscribers (id, email, address, name, language, created)
	SELECT random() & 0x7fffffffffffffff, 'p'||i||'@example.com', 'p'||i||'@example.com', 'Person '||i, 'en', 0 FROM n`

func bigList(b *testing.B, n int) list {
	b.Helper()
	l := openList(b, filepath.Join(b.TempDir(), "tidings.db"))
	err := l.Ledger.DB.Write(b.Context(), func(tx *sql.Tx) error {
		if _, err := tx.Exec(many, n); err != nil {
			return err
		}
		_, err := tx.Exec(`INSERT INTO subscriptions (subscriber, newsletter, state, changed) SELECT id, 'weekly', 'active', 0 FROM subscribers`)
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return l
}

func (l list) everyone(b *testing.B, i ledger.Issue) []int64 {
	var all []int64
	for after := int64(0); ; after = all[len(all)-1] {
		page, err := l.Turns(b.Context(), i, ledger.Pending, after, monday, 1000)
		if err != nil {
			b.Fatal(err)
		}
		for _, t := range page {
			all = append(all, t.Subscriber)
		}
		if len(page) == 0 {
			return all
		}
	}
}

var sizes = []int{20_000, 1_000_000}

// BenchmarkClerk has 8 connections that bring the outcome of their last delivery with the claim of the next one.
func BenchmarkClerk(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			l := bigList(b, n)
			i := l.open(b, 1, monday)
			all := l.everyone(b, i)
			clerk, err := l.NewClerk(b.Context(), i, "me", time.Now, slog.New(slog.DiscardHandler))
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.ResetTimer()
			var next atomic.Int64
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					var last *ledger.Ended
					for k := next.Add(1) - 1; k < int64(min(b.N, len(all))); k = next.Add(1) - 1 {
						granted, err := clerk.Write(ledger.Entry{Ended: last, Claim: all[k]}).Wait()
						if err != nil || !granted {
							b.Error(granted, err)
							return
						}
						last = &ledger.Ended{Subscriber: all[k], Outcome: accepted}
					}
					if last != nil {
						clerk.Write(ledger.Entry{Ended: last}).Wait()
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			b.ReportMetric(float64(min(b.N, len(all)))/b.Elapsed().Seconds(), "deliveries/s")
			if err := clerk.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// BenchmarkOpen expands the audience.
func BenchmarkOpen(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			l := bigList(b, n)
			for k := 1; b.Loop(); k++ {
				l.open(b, k, time.Time{})
			}
		})
	}
}

// BenchmarkTurns reads the list.
func BenchmarkTurns(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			l := bigList(b, n)
			i := l.open(b, 1, monday)
			for b.Loop() {
				l.everyone(b, i)
			}
		})
	}
}

//go:build linux

package main

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"slices"
	"syscall"
	"time"

	"tidings/internal/db"
)

// fdatasync gives the median time that it takes to make a page of 4 kB durable at the end of a file, and removes the file.
func fdatasync(name string) (time.Duration, error) {
	f, err := os.Create(name)
	if err != nil {
		return 0, err
	}
	defer os.Remove(name)
	defer f.Close()
	page, took := make([]byte, 4096), make([]time.Duration, 200)
	for i := range took {
		if _, err := f.Write(page); err != nil {
			return 0, err
		}
		began := time.Now()
		if err := syscall.Fdatasync(int(f.Fd())); err != nil {
			return 0, err
		}
		took[i] = time.Since(began)
	}
	slices.Sort(took)
	return median(took), nil
}

// write writes a row into the database every b.pause until stop is called, as another process than tidings. stop tells how long each
// write took.
func (b bench) write(ctx context.Context, path string) (stop func() ([]time.Duration, error), err error) {
	if b.pause <= 0 {
		return func() ([]time.Duration, error) { return nil, nil }, nil
	}
	d, err := db.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	var waits []time.Duration
	end, done := make(chan struct{}), make(chan error, 1)
	go func() {
		var err error
		for tick := time.Tick(b.pause); err == nil; {
			select {
			case <-end:
				done <- d.Close()
				return
			case <-tick:
			}
			began := time.Now()
			err = d.Write(ctx, writeRow)
			waits = append(waits, time.Since(began))
		}
		done <- errors.Join(err, d.Close())
	}()
	return func() ([]time.Duration, error) {
		close(end)
		err := <-done
		return waits, err
	}, nil
}

func writeRow(tx *sql.Tx) error {
	_, err := tx.Exec(`INSERT INTO settings (name, value) VALUES ('bench', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, time.Now().String())
	return err
}

//go:build linux

package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"sync"
	"time"
)

// signingTime is for how long the machine signs to be measured.
const signingTime = 3 * time.Second

// compareSigning prints how fast the machine can sign with RSA keys of 2048 bits when it does nothing else, and what share of it a
// rate is, in messages a second.
func compareSigning(ctx context.Context, out io.Writer, rate float64) error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	limit := signingRate(key)
	fmt.Fprintf(out, "\nRSA-2048 on all %d cores: %.0f signatures/s with crypto/rsa; tidings reaches %.0f %% of it\n", runtime.NumCPU(), limit, 100*rate/limit)
	if _, err := exec.LookPath("openssl"); err != nil {
		return nil //nolint:nilerr // it is only for comparison
	}
	text, err := exec.CommandContext(ctx, "openssl", "speed", "-seconds", fmt.Sprint(int(signingTime.Seconds())), "-multi",
		fmt.Sprint(runtime.NumCPU()), "rsa2048").Output()
	if err != nil {
		return fmt.Errorf("openssl: %w", err)
	}
	fmt.Fprintf(out, "openssl speed:\n")
	for line := range bytes.Lines(text) {
		if bytes.Contains(line, []byte("sign/s")) || bytes.HasPrefix(line, []byte("rsa ")) {
			fmt.Fprintf(out, "%s", line)
		}
	}
	return nil
}

// signingRate is how many signatures a second all cores together make.
func signingRate(key *rsa.PrivateKey) float64 {
	digest := sha256.Sum256([]byte("a message"))
	counts := make([]int, runtime.NumCPU())
	began := time.Now()
	var cores sync.WaitGroup
	for i := range counts {
		cores.Go(func() {
			for time.Since(began) < signingTime {
				if _, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:]); err == nil {
					counts[i]++
				}
			}
		})
	}
	cores.Wait()
	took, all := time.Since(began), 0
	for _, n := range counts {
		all += n
	}
	return float64(all) / took.Seconds()
}

package parallel_test

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"tidings/internal/parallel"
)

func TestDo(t *testing.T) {
	for _, n := range []int{0, 1, 15, 16, 17, 1000} {
		done := make([]atomic.Int32, n)
		parallel.Do(n, func(i int) { done[i].Add(1) })
		for i := range done {
			if times := done[i].Load(); times != 1 {
				t.Errorf("of %d pieces, number %d was done %d times", n, i, times)
			}
		}
	}
}

// A few pieces may take long each: no core has several while another has none.
func TestFew(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	for _, n := range []int{2, 15, 16, 63} {
		var begun atomic.Int32
		both := make(chan struct{})
		parallel.Do(n, func(int) {
			if begun.Add(1) == 2 {
				close(both)
			}
			select {
			case <-both:
			case <-time.After(10 * time.Second):
				t.Errorf("of %d pieces, only one was begun while it went on", n)
			}
		})
	}
}

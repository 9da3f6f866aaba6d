package parallel_test

import (
	"sync/atomic"
	"testing"

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

// Package parallel spreads work that needs no more than the processor over all of its cores. It assumes pieces of work that do not
// depend on each other.
package parallel

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// chunk is how many of n pieces a goroutine takes at a time. Of thousands it takes some: one may be done in a microsecond, and taking it must
// not cost more. Of a few it takes one: they may take milliseconds each, and no core is to wait at the end while another has several.
func chunk(n, goroutines int) int { return min(max(1, n/(32*goroutines)), 16) }

// Do calls do with every number from 0 to n-1, in no order, from as many goroutines as there are cores, and returns when all
// have returned.
func Do(n int, do func(i int)) {
	goroutines := max(1, min(runtime.GOMAXPROCS(0), n))
	some := chunk(n, goroutines)
	var next atomic.Int64
	work := func() {
		for {
			end := int(next.Add(int64(some)))
			for i := end - some; i < min(end, n); i++ {
				do(i)
			}
			if end >= n {
				return
			}
		}
	}
	var others sync.WaitGroup
	for range goroutines - 1 {
		others.Go(work)
	}
	work()
	others.Wait()
}

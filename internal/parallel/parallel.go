// Package parallel spreads work that needs no more than the processor over all of its cores. It assumes pieces of work that do not
// depend on each other.
package parallel

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// chunk is how many pieces a goroutine takes at a time: some are done in a microsecond, and taking one must not cost more.
const chunk = 16

// Do calls do with every number from 0 to n-1, in no order, from as many goroutines as there are cores, and returns when all
// have returned.
func Do(n int, do func(i int)) {
	var next atomic.Int64
	work := func() {
		for {
			end := int(next.Add(chunk))
			for i := end - chunk; i < min(end, n); i++ {
				do(i)
			}
			if end >= n {
				return
			}
		}
	}
	var others sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), (n+chunk-1)/chunk) - 1 {
		others.Go(work)
	}
	work()
	others.Wait()
}

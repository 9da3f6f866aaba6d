package testtool

import (
	"os"
	"runtime"
	"strings"
	"testing"
)

// verdict records how a test ends, instead of ending it.
type verdict struct {
	testing.TB
	skipped, failed bool
	said            string
}

func (v *verdict) Helper()                   {}
func (v *verdict) Skipf(f string, a ...any)  { v.skipped = true; v.end(f, a) }
func (v *verdict) Fatalf(f string, a ...any) { v.failed = true; v.end(f, a) }
func (v *verdict) end(f string, args []any) {
	v.said = f
	for _, a := range args {
		v.said += " " + a.(string)
	}
	runtime.Goexit()
}

func judge(call func(testing.TB)) *verdict {
	v, done := &verdict{}, make(chan struct{})
	go func() {
		defer close(done)
		call(v)
	}()
	<-done
	return v
}

// TestMissing: without a program a test is skipped, but fails where all programs are required.
func TestMissing(t *testing.T) {
	tests := []struct {
		name, require string
		call          func(testing.TB)
		fails         bool
	}{
		{"1 a program, on any machine", "", func(t testing.TB) { Need(t, "no-such-program") }, false},
		{"2 a program, on the build server", "all", func(t testing.TB) { Need(t, "no-such-program") }, true},
		{"3 a module, on any machine", "", func(t testing.TB) { Python(t, "no_such_module") }, false},
		{"4 a module, on the build server", "all", func(t testing.TB) { Python(t, "no_such_module") }, true},
	}
	for _, test := range tests {
		t.Setenv("TIDINGS_TEST_REQUIRE", test.require)
		v := judge(test.call)
		if v.failed != test.fails || v.skipped == test.fails || !strings.Contains(v.said, "no") {
			t.Errorf("%s: failed %v, skipped %v, said %q", test.name, v.failed, v.skipped, v.said)
		}
	}
}

func TestNeedFinds(t *testing.T) {
	path := Need(t, "go")
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

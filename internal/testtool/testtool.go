// Package testtool lets tests use real programs: it finds those that are installed, and reads feeds with them as
// their users would. A test whose program is missing is skipped with a message, so that the tests pass on a machine
// with nothing but Go; where TIDINGS_TEST_REQUIRE is "all", as on the build server, it fails instead.
package testtool

import (
	"os"
	"os/exec"
	"sync"
	"testing"
)

// Need returns the path of the program called name. Without the program the test ends here.
func Need(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		Missing(t, name)
	}
	return path
}

// Python returns the path of a python3 that can import the module. A machine may have several, and the first in PATH
// is often not the one that the system's packages install modules for. Without one the test ends here.
func Python(t testing.TB, module string) string {
	t.Helper()
	path, _ := pythons.LoadOrStore(module, sync.OnceValue(func() string { return findPython(module) }))
	if found := path.(func() string)(); found != "" {
		return found
	}
	Missing(t, "python3 with "+module)
	return ""
}

// pythons holds for each module a func() string that finds its python3 once: asking takes a third of a second.
var pythons sync.Map

func findPython(module string) string {
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		path, err := exec.LookPath(python)
		if err == nil && exec.Command(path, "-c", "import "+module).Run() == nil {
			return path
		}
	}
	return ""
}

// Missing ends a test that lacks what it needs of the machine: it is skipped, or fails where nothing may be skipped.
func Missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("TIDINGS_TEST_REQUIRE") == "all" {
		t.Fatalf("%s is missing, and TIDINGS_TEST_REQUIRE=all", what)
	}
	t.Skipf("%s is missing", what)
}

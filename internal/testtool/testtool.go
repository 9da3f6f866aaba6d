// Package testtool lets tests use real programs: it finds those that are installed, and reads feeds with them as
// their users would. A test whose program is missing is skipped with a message, so that the tests pass on a machine
// with nothing but Go; where TIDINGS_TEST_REQUIRE is "all", as on the build server, it fails instead.
package testtool

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
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

// Node returns a command that runs an ES module with npm packages, which were installed in the folder TIDINGS_NPM. Without them
// the test ends here.
func Node(t testing.TB, script string, packages ...string) *exec.Cmd {
	t.Helper()
	path, dir := Need(t, "node"), os.Getenv("TIDINGS_NPM")
	for _, p := range packages {
		if _, err := os.Stat(filepath.Join(dir, "node_modules", p, "package.json")); dir == "" || err != nil {
			Missing(t, "the npm package "+p+" in TIDINGS_NPM")
		}
	}
	cmd := exec.Command(path, "--input-type=module", "--eval", script)
	cmd.Dir = dir // where the names of packages are looked up
	return cmd
}

// ask runs a program with documents on its standard input, a JSON list of them in base64, and reads its answer, which is JSON.
func ask(t testing.TB, cmd *exec.Cmd, documents [][]byte, answer any) {
	t.Helper()
	input, err := json.Marshal(documents)
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd.Path, err, stderr.String())
	}
	if err := json.Unmarshal(out, answer); err != nil {
		t.Fatalf("%s: %v", cmd.Path, err)
	}
}

// Missing ends a test that lacks what it needs of the machine: it is skipped, or fails where nothing may be skipped.
func Missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("TIDINGS_TEST_REQUIRE") == "all" {
		t.Fatalf("%s is missing, and TIDINGS_TEST_REQUIRE=all", what)
	}
	t.Skipf("%s is missing", what)
}

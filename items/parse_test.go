package items_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tidings/items"
)

var update = flag.Bool("update", false, "write the .want files anew")

var london = mustLoad("Europe/London")

func mustLoad(name string) *time.Location {
	loc, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return loc
}

var parser = items.Parser{Location: london, Language: "en", Topics: map[string]string{
	"calais": "Calais", "diaspora": "Diaspora", "trafficking": "Human trafficking",
}}

// TestBroken reads each file of testdata/broken. Its .want tells why the case is there, then what is said of the file:
// every problem as the command line prints it, and the status that can be told of a file that is left out.
func TestBroken(t *testing.T) {
	for _, file := range cases(t, "testdata/broken") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			it, probs := parser.Parse("items/"+filepath.Base(file), data)
			got := "fine\n"
			if len(probs) > 0 {
				got = probs.Error() + "\n"
			}
			if probs.HasErrors() && it.Status != "" {
				got += "status: " + string(it.Status) + "\n"
			}
			compare(t, strings.TrimSuffix(file, filepath.Ext(file))+".want", got)
		})
	}
}

// cases lists the files of a folder that have a .want beside them; finding none is a failure.
func cases(t testing.TB, folder string) []string {
	t.Helper()
	all, err := filepath.Glob(folder + "/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, f := range all {
		if filepath.Ext(f) != ".want" {
			files = append(files, f)
		}
	}
	if len(files) == 0 || len(all) != 2*len(files) {
		t.Fatalf("%s holds %d files with cases, and %d files in all", folder, len(files), len(all))
	}
	return files
}

// compare holds got against a .want file, whose first line says why the case is there.
func compare(t *testing.T, file, got string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	why, want, _ := strings.Cut(string(data), "\n")
	if !strings.HasPrefix(why, "# ") {
		t.Errorf("%s: its first line does not say why the case is there", file)
	}
	if *update {
		if err := os.WriteFile(file, []byte(why+"\n"+got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != want {
		t.Errorf("%s\ngot:\n%swant:\n%s", why, got, want)
	}
}

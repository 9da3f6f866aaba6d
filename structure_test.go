package tidings_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// imports says which packages of this module each package may import. Imports go one way: commands use the newsroom and
// the web, these the packages of one subject each, and these the internal ones. What needs two subjects is joined in
// newsroom. Only the commands and the newsroom know the configuration; the others are handed values.
//
// "internal" stands for all packages under internal/. A package that is not here may import none.
var imports = map[string][]string{
	"cmd/tidings": {"", "config", "digest", "feed", "internal", "items", "mailer", "mailer/ledger", "mailer/relay", "newsroom", "publish", "publish/websub", "schedule", "subscribers", "templates", "web"},
	"newsroom":    {"config", "digest", "feed", "internal", "items", "mailer", "mailer/ledger", "mailer/relay", "publish", "schedule", "subscribers", "templates"},
	"web":         {"feed", "internal", "items", "newsroom", "publish", "subscribers", "templates"},

	"config":         {"digest", "internal", "mailer", "mailer/relay", "publish", "schedule"}, // which subjects, keys, addresses and schedules can be meant
	"digest":         {"internal", "items"},
	"feed":           {"internal", "items"},
	"items":          {"internal"},
	"mailer":         {"digest", "internal", "items", "mailer/relay", "templates"},
	"mailer/ledger":  {"internal"},
	"mailer/relay":   {"internal"},
	"publish":        {"feed", "internal", "items", "templates"},
	"publish/websub": {},
	"schedule":       {"internal"},
	"subscribers":    {"internal"},
	"templates":      {"internal", "items"},

	"bench/build": {"bench/prose", "newsroom"}, // it measures publications of a newsroom that stays open
	"bench/prose": {},
	"bench/send":  {"internal"}, // it measures how long others wait for the database
	"bench/serve": {"bench/prose"},

	"internal": {"internal"},
}

// TestImports reads what every package imports, tests left out.
func TestImports(t *testing.T) {
	seen := map[string]bool{}
	for file, paths := range moduleImports(t) {
		pkg := subject(filepath.ToSlash(filepath.Dir(file)))
		seen[pkg] = true
		for _, path := range paths {
			if !slices.Contains(imports[pkg], path) {
				t.Errorf("%s imports %q, which %q must not", file, path, pkg)
			}
		}
	}
	for pkg := range imports {
		if !seen[pkg] {
			t.Errorf("there is no package %s", pkg)
		}
	}
}

// moduleImports gives for each Go file the packages of this module that it imports, as subjects.
func moduleImports(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		found[path] = nil
		for _, spec := range file.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if name == "tidings" || strings.HasPrefix(name, "tidings/") {
				found[path] = append(found[path], subject(strings.TrimPrefix(strings.TrimPrefix(name, "tidings"), "/")))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// subject is a package's folder, one name for all internal ones.
func subject(pkg string) string {
	if strings.HasPrefix(pkg, "internal/") {
		return "internal"
	}
	return strings.TrimPrefix(pkg, ".")
}

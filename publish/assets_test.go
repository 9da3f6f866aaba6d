package publish_test

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tidings/items"
	"tidings/publish"
)

func picture(t testing.TB, width, height int) string {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, width, height))); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// newAssets gives an items folder and its assets, on a site below a path.
func newAssets(t testing.TB) (string, *publish.Assets, *publish.Folder) {
	t.Helper()
	f := newFolder(t)
	dir := filepath.Join(filepath.Dir(f.Dir), "items")
	a := publish.NewAssets(items.NewFolder(dir, "items", items.Parser{}), "https://example.org/news/")
	a.Begin()
	return dir, a, f
}

func TestAsset(t *testing.T) {
	dir, a, _ := newAssets(t)
	for name, content := range map[string]string{
		"2016/Boat No 1.PNG": picture(t, 30, 20), "top.png": picture(t, 5, 5), "plan.pdf": "%PDF-1.4", "plan.pdf (1)": "%PDF-1.5",
		"图.png": "no picture at all", "图.pdf": "%PDF-1.6", "../secret.png": "x", "bare": "y",
	} {
		put(t, filepath.Join(dir, name), content)
	}
	if err := os.Symlink("../secret.png", filepath.Join(dir, "link.png")); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, item, src string      // number and why
		end             string      // of the address, behind the content's twelve digits; "": no such asset
		want            items.Asset // but for the URL
	}{
		{"1 a picture beside the item, its size in pixels", "2016/boats.md", "Boat No 1.PNG", "-boat-no-1.png", items.Asset{Type: "image/png", Width: 30, Height: 20}},
		{"2 written as in an address", "2016/boats.md", "Boat%20No%201.PNG", "-boat-no-1.png", items.Asset{Type: "image/png", Width: 30, Height: 20}},
		{"3 in the folder above, under items", "2016/boats.md", "../top.png", "-top.png", items.Asset{Type: "image/png", Width: 5, Height: 5}},
		{"4 a document has no pixels", "x.md", "plan.pdf", "-plan.pdf", items.Asset{Type: "application/pdf", Size: 8}},
		{"5 an ending that would break an address", "x.md", "plan.pdf (1)", "-plan.pdf-1", items.Asset{Type: "application/octet-stream", Size: 8}},
		{"6 a name of which no letter fits an address", "x.md", "图.pdf", ".pdf", items.Asset{Type: "application/pdf", Size: 8}},
		{"13 no picture, whatever it is called", "x.md", "图.png", "", items.Asset{}},
		{"7 no ending", "x.md", "bare", "-bare", items.Asset{Type: "application/octet-stream", Size: 1}},
		{"8 it is not there", "x.md", "none.png", "", items.Asset{}},
		{"9 small and capital letters count", "x.md", "Top.png", "", items.Asset{}},
		{"10 outside of the items folder is nothing for the public", "x.md", "../secret.png", "", items.Asset{}},
		{"11 nor by way of a link", "x.md", "link.png", "", items.Asset{}},
		{"12 a folder is no file", "x.md", "2016", "", items.Asset{}},
	}
	for _, test := range tests {
		got, ok := a.Asset(test.item, test.src)
		if ok != (test.end != "") {
			t.Errorf("%s: %+v, %t", test.name, got, ok)
		}
		if !ok {
			continue
		}
		const start = "https://example.org/news/media/"
		if !strings.HasPrefix(got.URL, start) || len(got.URL) != len(start)+12+len(test.end) || !strings.HasSuffix(got.URL, test.end) {
			t.Errorf("%s: its address is %s, want %s…%s", test.name, got.URL, start, test.end)
		}
		got.URL = ""
		if test.want.Size == 0 { // that of an encoded picture is not ours to know
			got.Size = 0
		}
		if got != test.want {
			t.Errorf("%s: %+v, want %+v", test.name, got, test.want)
		}
	}
}

// TestAssetContent: the address is the content's: other bytes, other address; the same bytes, the same, whatever the time.
func TestAssetContent(t *testing.T) {
	dir, a, _ := newAssets(t)
	p := filepath.Join(dir, "p.pdf")
	at := func(content string, mod time.Time) string {
		put(t, p, content)
		if err := os.Chtimes(p, mod, mod); err != nil {
			t.Fatal(err)
		}
		got, ok := a.Asset("x.md", "p.pdf")
		if !ok {
			t.Fatal("it is not there")
		}
		return got.URL
	}
	monday := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	first := at("one", monday)
	if touched := at("one", monday.Add(time.Hour)); touched != first {
		t.Errorf("a touched file moved from %s to %s", first, touched)
	}
	if changed := at("two", monday.Add(2*time.Hour)); changed == first {
		t.Error("a changed file kept its address: browsers would show the old one")
	}
}

// TestAssetFiles: what stories show is published; what none shows any more goes.
func TestAssetFiles(t *testing.T) {
	dir, a, f := newAssets(t)
	put(t, filepath.Join(dir, "p.pdf"), "one")
	put(t, filepath.Join(dir, "unused.pdf"), "three")
	put(t, filepath.Join(dir, "q.pdf"), "two")
	use := func(names ...string) string {
		a.Begin()
		for _, n := range names {
			if _, ok := a.Asset("x.md", n); !ok {
				t.Fatal(n)
			}
		}
		replace(t, f, a.Documents())
		return tree(t, f.Dir)
	}
	const p, q = "media/7692c3ad3540-p.pdf=one", "media/3fc4ccfe7458-q.pdf=two" // by sha256sum
	if got := use("p.pdf", "q.pdf", "p.pdf"); got != q+" "+p {
		t.Errorf("published: %q", got)
	}
	if got := use("p.pdf"); got != p {
		t.Errorf("then: %q", got)
	}
	old := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	there := filepath.Join(f.Dir, "media/7692c3ad3540-p.pdf")
	if err := os.Chtimes(there, old, old); err != nil {
		t.Fatal(err)
	}
	use("p.pdf", "q.pdf")
	if info, err := os.Stat(there); err != nil || !info.ModTime().Equal(old) {
		t.Errorf("it was written again: %v, %v", info, err)
	}
	put(t, there, "on") // somebody cut it short
	if n, err := f.Verify(t.Context()); n != 1 || err != nil {
		t.Errorf("%d files are not as they were, %v", n, err)
	}
	if got := use("p.pdf"); got != p {
		t.Errorf("then: %q", got)
	}
}

package publish_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/jpeg"
	"image/png"
	"io/fs"
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
	a.Begin(t.Context())
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
		a.Begin(t.Context())
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

// located is a photograph with a note of where it was taken.
func located(t testing.TB) string {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 30, 20)), nil); err != nil {
		t.Fatal(err)
	}
	note := "Exif\x00\x00" + place
	return b.String()[:2] + "\xff\xe1\x00" + string(rune(2+len(note))) + note + b.String()[2:]
}

const place = "51.4934 N 0.0098 E"

// TestPicturesByContent: what is a picture loses the note of where it was taken, whatever it is called, or is not published at all.
func TestPicturesByContent(t *testing.T) {
	const webp = "RIFF\x04\x00\x00\x00WEBP"
	for _, test := range []struct {
		name, file, content string // number and why
		kind                string // media type of what is published; "" if it must not be
		problem             string
	}{
		{"1 a JPEG as usual", "a.jpg", located(t), "image/jpeg", ""},
		{"2 called HEIC", "a.heic", located(t), "image/jpeg", ""},
		{"3 a rare ending", "a.jpe", located(t), "image/jpeg", ""},
		{"4 a raw file by its name", "a.dng", located(t), "image/jpeg", ""},
		{"5 no ending", "a", located(t), "image/jpeg", ""},
		{"6 an ending that nobody knows", "a.backup", located(t), "image/jpeg", ""},
		{"7 said to be a document", "a.pdf", located(t), "image/jpeg", ""},
		{"8 a drawing without an ending", "a", "<?xml version='1.0'?><svg/>", "image/svg+xml", ""},
		{"9 a HEIC", "a.heic", "\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + place, "", "HEIC"},
		{"10 without an ending", "a", "\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + place, "", "HEIC"},
		{"11 a HEIF", "a.heif", "\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1heic" + place, "", "HEIC"},
		{"12 a TIFF", "a.tiff", "II*\x00" + place, "", "TIFF"},
		{"13 the other kind", "a.tif", "MM\x00*" + place, "", "TIFF"},
		{"14 a raw file", "a.dng", "II*\x00" + place, "", "TIFF"},
		{"15 a raw file by its bytes", "a.bin", "II*\x00" + place, "", "TIFF"},
		{"16 a picture by its name, though nobody knows what it is", "a.dng", place, "", "no picture"},
		{"17 a broken one", "a", webp, "", "damaged"},
		{"18 a film is none", "a.mp4", "\x00\x00\x00\x18ftypisom\x00\x00\x00\x00isommp42", "video/mp4", ""},
		{"19 nor is other XML", "a.xml", "<?xml version='1.0'?><list/>", "application/octet-stream", ""},
	} {
		dir, a, f := newAssets(t)
		put(t, filepath.Join(dir, test.file), test.content)
		got, ok := a.Asset("x.md", test.file)
		if got.Type != test.kind || ok != (test.kind != "") {
			t.Errorf("%s: %+v, %t", test.name, got, ok)
		}
		probs := a.Problems()
		if said := probs.Error(); (len(probs) > 0) != (test.problem != "") || !strings.Contains(said, test.problem) || test.problem != "" && probs[0].Hint == "" {
			t.Errorf("%s: the problems are %q", test.name, probs)
		}
		replace(t, f, a.Documents())
		if ok && strings.Contains(tree(t, f.Dir), place) {
			t.Errorf("%s: it tells where it was taken", test.name)
		}
	}
}

// TestNamesOfVersions: no two pictures share a name with other bytes, though they are alike and one is called like a version of the other.
func TestNamesOfVersions(t *testing.T) {
	dir, a, f := newAssets(t)
	for _, name := range []string{"photo.png", "photo-600.png", "photo-full.png"} {
		put(t, filepath.Join(dir, name), picture(t, 1700, 20))
		if _, ok := a.Asset("x.md", name); !ok {
			t.Fatal(name)
		}
	}
	r := replace(t, f, a.Documents())
	if len(r.Written) != 9 {
		t.Errorf("three pictures in three sizes are %q", r.Written)
	}
	first := map[string]string{}
	for _, name := range []string{"photo.png", "photo-600.png", "photo-full.png"} {
		got, _ := a.Asset("x.md", name)
		for url, width := range map[string]int{got.URL: 1600, got.Small.URL: 600, got.Full.URL: 1700} {
			content, err := os.ReadFile(filepath.Join(f.Dir, strings.TrimPrefix(url, "https://example.org/news/")))
			if err != nil {
				t.Fatal(err)
			}
			if config, err := png.DecodeConfig(bytes.NewReader(content)); err != nil || config.Width != width || first[url] != "" {
				t.Errorf("%s of %s is %d wide, %v; it is also of %q", url, name, config.Width, err, first[url])
			}
			first[url] = name
		}
	}
}

// TestNewRelease: what an older release made of a picture is made anew, and what is known of it is right.
func TestNewRelease(t *testing.T) {
	dir, a, f := newAssets(t)
	put(t, filepath.Join(dir, "a.png"), picture(t, 30, 20))
	want, _ := a.Asset("x.md", "a.png")
	replace(t, f, a.Documents())
	if err := a.Remember(t.Context(), f.DB); err != nil {
		t.Fatal(err)
	}
	published := tree(t, f.Dir)
	for _, change := range []string{
		`UPDATE media SET asset = json_set(REPLACE(asset, '"Width":30', '"Width":31'), '$.maker', 0)`,
		`UPDATE published SET print = path || ' 0', hash = zeroblob(32)`,
		`UPDATE settings SET value = '77' WHERE name = 'published'`,
	} {
		if _, err := f.DB.Exec(change); err != nil {
			t.Fatal(err)
		}
	}
	old := strings.TrimPrefix(want.URL, "https://example.org/news/")
	put(t, filepath.Join(f.Dir, old), "as it was made before")
	again := publish.NewAssets(items.NewFolder(dir, "items", items.Parser{}), "https://example.org/news/")
	if err := again.Recall(t.Context(), f.DB); err != nil {
		t.Fatal(err)
	}
	again.Begin(t.Context())
	if got, ok := again.Asset("x.md", "a.png"); !ok || got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if replace(t, f, again.Documents()); tree(t, f.Dir) != published {
		t.Error("it was not made anew")
	}
}

// TestCalledOff: once a publication is called off no more pictures are read. What was made until then is put in place and known to the next
// process, and nothing is forgotten that this one had not come to.
func TestCalledOff(t *testing.T) {
	dir, a, f := newAssets(t)
	for i, name := range []string{"a.png", "b.png", "c.png"} {
		put(t, filepath.Join(dir, name), picture(t, 700, 20+i))
	}
	asset := func(name string, want bool) {
		t.Helper()
		if _, ok := a.Asset("x.md", name); ok != want {
			t.Errorf("%s: %t", name, ok)
		}
	}
	asset("a.png", true)
	replace(t, f, a.Documents())
	if err := errors.Join(a.Recall(t.Context(), f.DB), a.Remember(t.Context(), f.DB)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	a.Begin(ctx)
	asset("b.png", true)
	cancel()
	asset("b.png", true)
	asset("c.png", false)
	for range 2 {
		if err := errors.Join(f.Add(t.Context(), a.Prepared()), a.RememberMore(t.Context(), f.DB)); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Count(tree(t, f.Dir), "media/"); got != 4 {
		t.Errorf("%d files are there, want two sizes of a and b", got)
	}
	for _, name := range []string{"a.png", "b.png"} { // as they were for those who do not look inside
		file := filepath.Join(dir, name)
		info, err := os.Stat(file)
		if err := errors.Join(err, os.Truncate(file, 0), os.Truncate(file, info.Size()), os.Chtimes(file, info.ModTime(), info.ModTime())); err != nil {
			t.Fatal(err)
		}
	}
	a = publish.NewAssets(items.NewFolder(dir, "items", items.Parser{}), "https://example.org/news/")
	if err := a.Recall(t.Context(), f.DB); err != nil {
		t.Fatal(err)
	}
	a.Begin(t.Context())
	for _, name := range []string{"a.png", "b.png", "c.png"} {
		asset(name, true)
	}
	if r := replace(t, f, a.Documents()); len(r.Written) != 2 || len(r.Refused)+len(r.Removed) > 0 {
		t.Errorf("then %q are written, want two sizes of c", r.Written)
	}
}

// TestSourceGone: what cannot be made holds up nothing else. A picture that was looked at needs no second look to be published.
func TestSourceGone(t *testing.T) {
	dir, a, f := newAssets(t)
	for name, content := range map[string]string{"a.pdf": "a", "b.pdf": "b", "c.pdf": "c", "d.png": picture(t, 700, 20)} {
		put(t, filepath.Join(dir, name), content)
		if _, ok := a.Asset("x.md", name); !ok {
			t.Fatal(name)
		}
	}
	put(t, filepath.Join(dir, "a.pdf"), "another")
	for _, name := range []string{"b.pdf", "d.png"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	r := replace(t, f, a.Documents())
	if got := strings.Join(r.Written, " "); len(r.Written) != 3 || !strings.Contains(got, "-c.pdf") || !strings.Contains(got, "-d.png") || !strings.Contains(got, "-d-600.png") {
		t.Errorf("published: %s", got)
	}
	var said []string
	for _, i := range r.Refused {
		said = append(said, i.Error())
	}
	if len(said) != 2 || !strings.Contains(said[0], "a.pdf cannot be read: it has changed meanwhile") || !strings.Contains(said[1], "b.pdf cannot be read") {
		t.Errorf("said: %q", said)
	}
}

// TestLast: of what a story showed, and is gone or another one now, the published file stays, also for the next process.
func TestLast(t *testing.T) {
	for _, test := range []struct {
		name   string // number and why
		change func(file string) error
	}{
		{"1 gone", os.Remove},
		{"2 another", func(file string) error { return os.WriteFile(file, []byte("another one"), 0o644) }},
	} {
		dir, a, f := newAssets(t)
		put(t, filepath.Join(dir, "a.pdf"), "one")
		want, _ := a.Asset("x.md", "a.pdf")
		for range 3 {
			if r, err := f.Replace(t.Context(), a.Documents(), a.Stays()); err != nil || len(r.Refused)+len(r.Removed) > 0 {
				t.Fatal(test.name, r, err)
			}
			if err := a.Remember(t.Context(), f.DB); err != nil {
				t.Fatal(err)
			}
			if got := tree(t, f.Dir); got != "media/7692c3ad3540-a.pdf=one" {
				t.Errorf("%s: published is %q", test.name, got)
			}
			if err := test.change(filepath.Join(dir, "a.pdf")); err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
			if err := f.Distrust(t.Context()); err != nil {
				t.Fatal(err)
			}
			a = publish.NewAssets(items.NewFolder(dir, "items", items.Parser{}), "https://example.org/news/")
			if err := a.Recall(t.Context(), f.DB); err != nil {
				t.Fatal(err)
			}
			a.Begin(t.Context())
			if got, ok := a.Last("x.md", "a.pdf"); !ok || got != want {
				t.Errorf("%s: it is %+v, want %+v", test.name, got, want)
			}
		}
	}
}

// TestAttachmentTooLarge: a file that would not fit into memory is not read, and its story goes without it.
func TestAttachmentTooLarge(t *testing.T) {
	dir, a, _ := newAssets(t)
	for _, test := range []struct {
		name string // number and why
		size int64
		ok   bool
	}{
		{"1 as large as may be", 100 << 20, true},
		{"2 larger", 100<<20 + 1, false},
	} {
		put(t, filepath.Join(dir, "film.zip"), "PK")
		if err := os.Truncate(filepath.Join(dir, "film.zip"), test.size); err != nil {
			t.Fatal(err)
		}
		a.Begin(t.Context())
		_, ok := a.Asset("x.md", "film.zip")
		if probs := a.Problems(); ok != test.ok || !ok && (!strings.Contains(probs.Error(), "film.zip: the file has more than 100 MB") || !strings.Contains(probs[0].Hint, "link to it")) {
			t.Errorf("%s: %t, %v", test.name, ok, probs)
		}
	}
}

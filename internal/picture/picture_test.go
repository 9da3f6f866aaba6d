package picture_test

import (
	"bytes"
	"cmp"
	"compress/zlib"
	"encoding/base64"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"regexp"
	"slices"
	"strings"
	"testing"

	_ "golang.org/x/image/webp"

	"tidings/internal/picture"
)

func prepare(t testing.TB, data []byte) picture.Versions {
	t.Helper()
	v, err := picture.Prepare(data)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func all(v picture.Versions) map[string]picture.Picture {
	return map[string]picture.Picture{"full": v.Full, "web": v.Web, "mail": v.Mail}
}

// TestNotesGo takes files that tell where they were made, in every way that their format has.
func TestNotesGo(t *testing.T) {
	for i, test := range []struct {
		why  string
		data []byte
	}{
		{"01: a photograph as a camera leaves it", cameraJPEG(t, quarters(40, 30), 1)},
		{"02: one that is turned, and made smaller", cameraJPEG(t, quarters(1700, 40), 6)},
		{"03: a PNG has chunks for EXIF and XMP", notedPNG(t, quarters(40, 30), 1)},
		{"04: and is turned by them", notedPNG(t, quarters(1700, 40), 8)},
		{"05: a WebP that stays one", readSample(t, "wide.webp")},
		{"06: a transparent WebP", readSample(t, "alpha.webp")},
	} {
		if found := notes(t, test.data); len(found) < 3 || found["GPSLatitude"].Value == nil {
			t.Fatalf("%s: the sample tells no place, but %v", test.why, found)
		}
		for name, p := range all(prepare(t, test.data)) {
			if p.Type == "image/gif" {
				continue
			}
			if found := notes(t, p.Data); len(found) > 0 {
				t.Errorf("%d %s: the %s version tells %v", i, test.why, name, found)
			}
			if bytes.Contains(p.Data, []byte("safe")) || bytes.Contains(p.Data, []byte("Tripoli")) {
				t.Errorf("%s: the %s version holds the secret", test.why, name)
			}
		}
	}
	for name, p := range all(prepare(t, gifOf(t, image.Rect(0, 0, 40, 30), 2, nil))) {
		if bytes.Contains(p.Data, []byte(secret)) {
			t.Errorf("a GIF's %s version holds the secret", name)
		}
	}
}

// TestPixelsStay: what need not become smaller nor be turned keeps its very bytes, but for the notes.
func TestPixelsStay(t *testing.T) {
	img := photo(300, 200)
	plainGIF := gifOf(t, image.Rect(0, 0, 40, 30), 3, nil)
	for _, test := range []struct {
		why         string
		data, plain []byte
	}{
		{"01: JPEG", cameraJPEG(t, img, 1), jpegOf(t, img)},
		{"02: PNG", notedPNG(t, img, 1), pngOf(t, img)},
		{"03: a profile is no note", jpegOf(t, img, rgbSegment), jpegOf(t, img, rgbSegment)},
		{"04: chunks that say how to draw", pngOf(t, img, chunk("pHYs", "\x00\x00\x0b\x13\x00\x00\x0b\x13\x01")), pngOf(t, img, chunk("pHYs", "\x00\x00\x0b\x13\x00\x00\x0b\x13\x01"))},
		{"05: a progressive JPEG has several scans", readSample(t, "progressive.jpg"), nil},
	} {
		v := prepare(t, test.data)
		if test.plain != nil && !bytes.Equal(v.Full.Data, test.plain) {
			t.Errorf("%s: not the bytes without the notes", test.why)
		}
		if w, h := v.Full.Width, v.Full.Height; w <= picture.MailWidth && (!bytes.Equal(v.Web.Data, v.Full.Data) || !bytes.Equal(v.Mail.Data, v.Full.Data)) {
			t.Errorf("%s: %d × %d was encoded anew", test.why, w, h)
		}
		if !samePixels(t, v.Full.Data, test.data) {
			t.Errorf("%s: other pixels", test.why)
		}
	}
	was, err := gif.DecodeAll(bytes.NewReader(plainGIF))
	if err != nil {
		t.Fatal(err)
	}
	is, err := gif.DecodeAll(bytes.NewReader(prepare(t, plainGIF).Mail.Data))
	if err != nil || len(is.Image) != 3 || is.LoopCount != was.LoopCount || !slices.Equal(is.Delay, was.Delay) {
		t.Errorf("the animation is another: %v %+v", err, is)
	}
}

func samePixels(t *testing.T, a, b []byte) bool {
	t.Helper()
	x, y := decode(t, a), decode(t, b)
	if x.Bounds() != y.Bounds() {
		return false
	}
	for py := range x.Bounds().Dy() {
		for px := range x.Bounds().Dx() {
			if x.At(px, py) != y.At(px, py) {
				return false
			}
		}
	}
	return true
}

func decode(t testing.TB, data []byte) image.Image {
	t.Helper()
	img, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// TestUpright stores a picture in the eight ways in which a camera may be held, by the words of EXIF 2.32 §4.6.5.1.6: which
// side of what one sees the first row is, and the first column.
func TestUpright(t *testing.T) {
	sides := []struct{ row, column string }{
		{"top", "left"}, {"top", "right"}, {"bottom", "right"}, {"bottom", "left"},
		{"left", "top"}, {"right", "top"}, {"right", "bottom"}, {"left", "bottom"},
	}
	for _, size := range []image.Point{{64, 48}, {1700, 40}} {
		seen := quarters(size.X, size.Y)
		for i, side := range sides {
			if size.X > picture.WebSize && i != 5 { // that it is turned when made smaller is seen from one
				continue
			}
			stored := lying(seen, side.row, side.column)
			for kind, data := range map[string][]byte{"JPEG": cameraJPEG(t, stored, i+1), "PNG": notedPNG(t, stored, i+1)} {
				for name, p := range all(prepare(t, data)) {
					if got := upright(t, p.Data); got != "" {
						t.Errorf("%d, %v, %s, %s: %s", i+1, size, kind, name, got)
					}
					if (p.Width > p.Height) != (size.X > size.Y) {
						t.Errorf("%d, %v, %s, %s: %d × %d", i+1, size, kind, name, p.Width, p.Height)
					}
				}
			}
		}
	}
}

func lying(seen *image.RGBA, row, column string) image.Image {
	size := seen.Rect.Size()
	at := func(side string, n int, p *image.Point) {
		switch side {
		case "top":
			p.Y = n
		case "bottom":
			p.Y = size.Y - 1 - n
		case "left":
			p.X = n
		case "right":
			p.X = size.X - 1 - n
		}
	}
	if row == "left" || row == "right" {
		size.X, size.Y = size.Y, size.X
	}
	out := image.NewRGBA(image.Rectangle{Max: size})
	size = seen.Rect.Size()
	for y := range out.Rect.Dy() {
		for x := range out.Rect.Dx() {
			var p image.Point
			at(row, y, &p)
			at(column, x, &p)
			out.SetRGBA(x, y, seen.RGBAAt(p.X, p.Y))
		}
	}
	return out
}

// upright tells what is wrong with the picture that quarters makes; "" is nothing.
func upright(t *testing.T, data []byte) string {
	t.Helper()
	img := decode(t, data)
	b := img.Bounds()
	for i, want := range quarterColours {
		got := color.RGBAModel.Convert(img.At(b.Dx()/4+i%2*b.Dx()/2, b.Dy()/4+i/2*b.Dy()/2)).(color.RGBA)
		if far(got.R, want.R) || far(got.G, want.G) || far(got.B, want.B) {
			return fmt.Sprintf("quarter %d is %v, not %v", i, got, want)
		}
	}
	return ""
}

func far(a, b uint8) bool { return max(a, b)-min(a, b) > 12 }

func TestSizes(t *testing.T) {
	clear := image.NewNRGBA(image.Rect(0, 0, 2000, 100))
	for i := range clear.Pix {
		clear.Pix[i] = 90
	}
	gray := image.NewGray(image.Rect(0, 0, 2000, 100))
	for _, test := range []struct {
		why  string
		data []byte
		want string
	}{
		{"01: small stays", jpegOf(t, quarters(60, 1600)), "jpeg 60×1600, jpeg 60×1600, jpeg 60×1600"},
		{"02: for mails only", jpegOf(t, quarters(1600, 160)), "jpeg 1600×160, jpeg 1600×160, jpeg 600×60"},
		{"03: wide", jpegOf(t, quarters(4000, 80)), "jpeg 4000×80, jpeg 1600×32, jpeg 600×12"},
		{"04: tall", jpegOf(t, quarters(100, 3200)), "jpeg 100×3200, jpeg 50×1600, jpeg 50×1600"},
		{"05: a line has one pixel at least", jpegOf(t, quarters(5000, 2)), "jpeg 5000×2, jpeg 1600×1, jpeg 600×1"},
		{"06: one pixel too many", jpegOf(t, quarters(1601, 80)), "jpeg 1601×80, jpeg 1600×80, jpeg 600×30"},
		{"07: a drawing stays PNG", pngOf(t, quarters(2000, 100)), "png 2000×100, png 1600×80, png 600×30"},
		{"08: transparent too", pngOf(t, clear), "png 2000×100, png 1600×80, png 600×30"},
		{"09: a photograph saved as PNG becomes JPEG where it must be made anew", pngOf(t, photo(2000, 100)), "png 2000×100, jpeg 1600×80, jpeg 600×30"},
		{"10: grey stays grey", jpegOf(t, gray), "jpeg 2000×100, jpeg 1600×80, jpeg 600×30"},
		{"11: CMYK", readSample(t, "cmyk.jpg"), "jpeg 1700×20, jpeg 1600×19, jpeg 600×7"},
		{"12: progressive", readSample(t, "progressive.jpg"), "jpeg 1700×34, jpeg 1600×32, jpeg 600×12"},
		{"13: mails know no WebP; this one lies on its side", readSample(t, "wide.webp"), "jpeg 34×1700, jpeg 32×1600, jpeg 32×1600"},
		{"14: nor transparent WebP", readSample(t, "alpha.webp"), "png 30×40, png 30×40, png 30×40"},
		{"15: an animated WebP", readSample(t, "animated.webp"), "webp 40×30, webp 40×30, none"},
		{"16: AVIF", readSample(t, "plain.avif"), "avif 40×30, avif 40×30, none"},
		{"17: SVG", []byte(drawing), "svg+xml 0×0, svg+xml 0×0, none"},
		{"18: a GIF that stands still", gifOf(t, image.Rect(0, 0, 2000, 100), 1, nil), "gif 2000×100, png 1600×80, png 600×30"},
		{"19: one that moves stays in pages; mails get its first frame", gifOf(t, image.Rect(0, 0, 2000, 100), 2, nil), "gif 2000×100, gif 2000×100, png 600×30"},
		{"20: a small one moves in mails too", gifOf(t, image.Rect(0, 0, 200, 100), 2, nil), "gif 200×100, gif 200×100, gif 200×100"},
		{"21: one that is too heavy stands still in pages", heavyGIF(t), "gif 500×500, png 500×500, png 500×500"},
	} {
		v := prepare(t, test.data)
		if got := describe(v.Full) + ", " + describe(v.Web) + ", " + describe(v.Mail); got != test.want {
			t.Errorf("%s: %s, not %s", test.why, got, test.want)
		}
		for name, p := range all(v) {
			if c, kind, err := image.DecodeConfig(bytes.NewReader(p.Data)); p.Width > 0 && p.Type != "image/avif" && (err != nil || c.Width != p.Width || c.Height != p.Height || "image/"+kind != p.Type) {
				t.Errorf("%s, %s: it is %s %d×%d: %v", test.why, name, kind, c.Width, c.Height, err)
			}
		}
	}
}

// heavyGIF has the same frame 300 times: 9 MB.
func heavyGIF(t *testing.T) []byte {
	one := gifOf(t, image.Rect(0, 0, 500, 500), 1, noise)
	const header = 13 // the table of colours is with the frame
	frame := one[header:bytes.Index(one, []byte("!\xfe\x0a"+secret))]
	return slices.Concat(one[:header], bytes.Repeat(frame, 300), []byte(";"))
}

func noise(p *image.Paletted) {
	for i, x := 0, uint32(7); i < len(p.Pix); i++ {
		x = x*1664525 + 1013904223
		p.Pix[i] = byte(x >> 31)
	}
}

func describe(p picture.Picture) string {
	if p.Data == nil {
		return "none"
	}
	return fmt.Sprintf("%s %d×%d", strings.TrimPrefix(p.Type, "image/"), p.Width, p.Height)
}

// TestColours: transparency, grey, the first frame, and pixels between two colours.
func TestColours(t *testing.T) {
	half := image.NewNRGBA(image.Rect(0, 0, 1800, 90))
	for i := 0; i < len(half.Pix); i += 4 {
		copy(half.Pix[i:], []byte{200, 100, 50, 128})
	}
	if got := color.NRGBAModel.Convert(decode(t, prepare(t, pngOf(t, half)).Mail.Data).At(300, 15)).(color.NRGBA); far(got.R, 200) || far(got.G, 100) || far(got.B, 50) || got.A != 128 {
		t.Errorf("half transparent became %v", got)
	}
	grey := image.NewGray(image.Rect(0, 0, 1800, 90))
	if got := decode(t, prepare(t, jpegOf(t, grey)).Web.Data); got.ColorModel() != color.GrayModel {
		t.Errorf("grey became %T", got)
	}
	offset := gifOf(t, image.Rect(0, 0, 1800, 90), 1, func(p *image.Paletted) {
		p.Rect = image.Rect(900, 0, 1800, 90)
		p.Stride = 900
		p.Pix = bytes.Repeat([]byte{1}, 900*90)
	})
	web := decode(t, prepare(t, offset).Web.Data)
	if r, _, b, _ := web.At(1200, 40).RGBA(); r>>8 != 200 || b != 0 {
		t.Errorf("a frame that is smaller than its picture is in the wrong place: %v", web.At(1200, 40))
	}
	if _, _, _, a := web.At(100, 40).RGBA(); a != 0 {
		t.Error("where the frame is not, there is something")
	}
}

// rgbSegment is a colour profile, as far as we read it.
var (
	rgbProfile = append(append(make([]byte, 16), "RGB XYZ "...), bytes.Repeat([]byte("profile."), 10000)...)
	rgbSegment = append(segment(0xe2, "ICC_PROFILE\x00\x01\x02"+string(rgbProfile[:60000])), segment(0xe2, "ICC_PROFILE\x00\x02\x02"+string(rgbProfile[60000:]))...)
)

// TestProfiles: a phone's photograph has more colours than sRGB, and looks faded without its profile.
func TestProfiles(t *testing.T) {
	data := jpegOf(t, photo(2000, 50), rgbSegment)
	for name, p := range all(prepare(t, data)) {
		if got := profileOf(t, p); !bytes.Equal(got, rgbProfile) {
			t.Errorf("JPEG, %s: a profile of %d bytes, not %d", name, len(got), len(rgbProfile))
		}
	}
	turned := jpegOf(t, photo(2000, 50), rgbSegment, segment(0xe1, "Exif\x00\x00"+string(exif(3))))
	if got := profileOf(t, prepare(t, turned).Full); !bytes.Equal(got, rgbProfile) {
		t.Errorf("the profile is not kept through turning: %d bytes", len(got))
	}
	cmyk := readSample(t, "cmyk.jpg")
	alien := slices.Concat(cmyk[:2], segment(0xe2, "ICC_PROFILE\x00\x01\x01"+strings.Repeat("\x00", 16)+"CMYKLab "+strings.Repeat("x", 200)), cmyk[2:])
	v := prepare(t, alien)
	if len(profileOf(t, v.Full)) == 0 || len(profileOf(t, v.Web)) != 0 {
		t.Error("a profile for four inks was put on a picture of three colours")
	}
}

// TestProfilesOfPNG: they are packed there, and come out as they went in.
func TestProfilesOfPNG(t *testing.T) {
	for name, p := range all(prepare(t, profiledPNG(t, quarters(2000, 50)))) {
		if p.Type != "image/png" || !bytes.Contains(p.Data[:60], []byte("iCCP")) {
			t.Errorf("%s: %s, no profile", name, p.Type)
		}
		if _, err := png.Decode(bytes.NewReader(p.Data)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	small := prepare(t, profiledPNG(t, photo(1700, 60))).Web
	if got := profileOf(t, small); !bytes.Equal(got, rgbProfile) {
		t.Errorf("a profile of %d bytes came out of a PNG", len(got))
	}
}

func profiledPNG(t *testing.T, img image.Image) []byte {
	var packed bytes.Buffer
	w := zlib.NewWriter(&packed)
	w.Write(rgbProfile)
	w.Close()
	return pngOf(t, img, chunk("iCCP", "Display P3\x00\x00"+packed.String()))
}

// profileOf puts the parts of a JPEG's profile together.
func profileOf(t *testing.T, p picture.Picture) []byte {
	t.Helper()
	if _, err := jpeg.Decode(bytes.NewReader(p.Data)); err != nil {
		t.Fatal(err)
	}
	var profile []byte
	for rest := p.Data[2:]; rest[1] != 0xda; {
		n := 2 + int(rest[2])<<8 + int(rest[3])
		if rest[1] == 0xe2 {
			profile = append(profile, rest[18:n]...)
		}
		rest = rest[n:]
	}
	return profile
}

func TestAlike(t *testing.T) {
	for _, data := range [][]byte{cameraJPEG(t, photo(1800, 100), 6), notedPNG(t, quarters(1800, 100), 3)} {
		before := bytes.Clone(data)
		a, b := prepare(t, data), prepare(t, data)
		if !bytes.Equal(a.Full.Data, b.Full.Data) || !bytes.Equal(a.Web.Data, b.Web.Data) || !bytes.Equal(a.Mail.Data, b.Mail.Data) {
			t.Error("the same bytes gave others")
		}
		if !bytes.Equal(data, before) {
			t.Error("what was given was changed")
		}
	}
}

func TestExt(t *testing.T) {
	if got := prepare(t, readSample(t, "alpha.webp")).Mail.Ext(); got != ".png" {
		t.Errorf("a PNG ends in %q", got)
	}
}

const drawing = `<?xml version="1.0"?><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><style>path{fill:red}</style><path d="M0 0h9"/><a href="https://example.org/"><image href="data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="/></a></svg>`

func TestRefusals(t *testing.T) {
	svg := func(inside string) []byte {
		return []byte(`<svg xmlns="http://www.w3.org/2000/svg">` + inside + `</svg>`)
	}
	small := jpegOf(t, quarters(40, 30))
	passes := slices.Concat(small[:len(small)-2], bytes.Repeat([]byte("\xff\xda\x00\x02"), 100), []byte("\xff\xd9"))
	hugePNG := bytes.Clone(pngOf(t, quarters(4, 4)))
	copy(hugePNG[16:], "\x00\x00\x4e\x20\x00\x00\x4e\x20") // 20,000 × 20,000
	copy(hugePNG[29:], chunk("IHDR", string(hugePNG[16:29]))[21:])
	hugeGIF := gifOf(t, image.Rect(0, 0, 4, 4), 1, nil)
	copy(hugeGIF[6:], "\xff\xff\xff\xff")
	for _, test := range []struct {
		why, want string
		data      []byte
	}{
		{"01: nothing", "no picture", nil},
		{"02: a web page", "no picture", []byte("<html><svg/></html>")},
		{"03: a TIFF, as agencies send", "TIFF", exif(1)},
		{"04: HEIC from a phone, whatever its name", "HEIC", []byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic")},
		{"05: a bomb: 400 megapixels in some bytes", "20000 × 20000", hugePNG},
		{"06: likewise", "65535 × 65535", hugeGIF},
		{"07: a bomb in time: each pass walks over all pixels", "passes", passes},
		{"08: more bytes than any picture needs", "64 MB", make([]byte, picture.MaxBytes+1)},
		{"09: half a photograph", "cut off", small[:len(small)/2]},
		{"10: a photograph whose pixels are rubbish", "damaged", brokenJPEG(t)},
		{"11: an AVIF that tells a place", "EXIF", readSample(t, "located.avif")},
		{"12: half an AVIF", "cut off", readSample(t, "plain.avif")[:60]},
		{"13: a script", "scripts", svg(`<script>alert(1)</script>`)},
		{"14: by another name space", "scripts", svg(`<h:SCRIPT xmlns:h="http://www.w3.org/1999/xhtml">alert(1)</h:SCRIPT>`)},
		{"15: an event", "scripts", svg(`<g><path onClick="alert(1)"/></g>`)},
		{"16: a link that runs", "scripts", svg(`<a href=" java&#9;script:alert(1)">x</a>`)},
		{"17: set while it moves", "scripts", svg(`<a><animate attributeName="href" values="javascript:alert(1)"/></a>`)},
		{"18: hidden in an entity", "scripts", append([]byte(`<!DOCTYPE svg [<!ENTITY x "<script/>">]>`), svg("&x;")...)},
		{"19: brought in by a style sheet", "scripts", append([]byte(`<?xml-stylesheet type="text/xsl" href="x.xsl"?>`), svg("")...)},
		{"20: a page within", "scripts", svg(`<foreignObject/>`)},
		{"21: no XML", "damaged", []byte(`<svg><path></svg>`)},
		{"22: an event by default", "scripts", append([]byte(`<!DOCTYPE svg [<!ATTLIST svg onload CDATA "alert(1)">]>`), svg("")...)},
		{"23: declarations of which none is known to act", "scripts", append([]byte(`<!DOCTYPE svg [<!ELEMENT svg ANY>]>`), svg("")...)},
		{"24: a link that is set while it moves", "scripts", svg(`<a><set attributeName="xlink:href" to="java"/></a>`)},
		{"25: an event that is", "scripts", svg(`<set attributeName="onclick" to="alert(1)"/>`)},
		{"26: an element of web pages", "scripts", svg(`<h:link xmlns:h="http://www.w3.org/1999/xhtml" rel="stylesheet" href="#"/>`)},
		{"27: the root is one", "scripts", []byte(`<svg xmlns="http://www.w3.org/1999/xhtml"/>`)},
		{"28: another file is put in", "scripts", svg(`<i:include xmlns:i="http://www.w3.org/2001/XInclude" href="#"/>`)},
		{"29: a page in a link", "scripts", svg(`<a href="data:text/html;base64,data:image/png;base64,AAAA">x</a>`)},
		{"30: a drawing that cannot be looked into", "scripts", svg(`<image href="data:image/svg+xml,%3Csvg/%3E"/>`)},
		{"31: a script in a drawing in a drawing", "scripts", svg(`<use href="` + dataURL("image/svg+xml", svg(`<script/>`)) + `#x"/>`)},
		{"32: a style sheet of elsewhere", "from elsewhere", svg(`<style>@import "https://fonts.example/css";</style>`)},
		{"33: a font of elsewhere", "from elsewhere", svg(`<style><![CDATA[@font-face{src:url( 'https://fonts.example/a.woff2')}]]></style>`)},
		{"34: a pattern of elsewhere", "from elsewhere", svg(`<path style="fill:URL(&quot;//a.example/p.svg#p&quot;)"/>`)},
		{"35: a picture of elsewhere", "from elsewhere", svg(`<image xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="https://a.example/p.png"/>`)},
		{"36: a picture beside the drawing, which is not published with it", "from elsewhere", svg(`<image href="photo.jpg"/>`)},
		{"37: all of it is elsewhere", "from elsewhere", svg(`<g xml:base="https://a.example/"><use href="#x"/></g>`)},
		{"40: a style sheet of elsewhere, with a letter by its number", "from elsewhere", svg(`<style>@\69mport "https://fonts.example/css";</style>`)},
		{"41: a pattern of elsewhere, likewise", "from elsewhere", svg(`<path style="fill:u\72 l(//a.example/p.svg#p)"/>`)},
		{"42: one with a comment in the word", "from elsewhere", svg(`<style>@imp<!-- -->ort "https://fonts.example/css";</style>`)},
		{"43: a set of pictures of elsewhere", "from elsewhere", svg(`<style>a{background:image-set("https://a.example/p.png" 1x)}</style>`)},
		{"38: half a photograph in a drawing", "the drawing holds a picture", svg(`<image href="` + dataURL("image/jpeg", small[:len(small)/2]) + `"/>`)},
		{"39: rubbish in place of one", "the drawing holds a picture", svg(`<image href="data:image/png;base64,!"/>`)},
	} {
		_, err := picture.Prepare(test.data)
		var refusal *picture.Refusal
		if !errors.As(err, &refusal) || !strings.Contains(err.Error(), test.want) || refusal.Hint == "" {
			t.Errorf("%s: %v", test.why, err)
		}
	}
}

// dataURL is the address of data that it holds itself.
func dataURL(mediaType string, data []byte) string {
	return "data:" + mediaType + ";base64," + base64.StdEncoding.EncodeToString(data)
}

// TestDrawings: what a drawing may hold. Photographs in it lose their notes as others do, and nothing else of it is touched.
func TestDrawings(t *testing.T) {
	photograph, turned := cameraJPEG(t, quarters(40, 30), 1), cameraJPEG(t, quarters(40, 30), 6)
	bare := prepare(t, photograph).Full.Data
	lines := regexp.MustCompile(`.{76}`)
	for _, test := range []struct{ why, in, want string }{
		{"00: what Inkscape notes for itself", `<i:path-effect xmlns:i="http://www.inkscape.org/namespaces/inkscape" only_selected="false"/>`, ""},
		{"01: parts of its own, and links to anywhere", `<use href="#a"/><path fill="url(#b)"/><a href="https://a.example/">x</a>`, ""},
		{"09: words that only look like a style", `<title>@important people</title><text>see url(https://a.example)</text><style>a::before{content:"\201C"}</style>`, ""},
		{"02: a font within", `<style>@font-face{src:url("data:font/woff2;base64,AAAA")}</style>`, ""},
		{"03: a picture without notes", `<image href="` + dataURL("image/jpeg", bare) + `"/>`, ""},
		{"04: a photograph", `<image href="` + dataURL("image/jpeg", photograph) + `"/>`, `<image href="` + dataURL("image/jpeg", bare) + `"/>`},
		{"05: two, in lines as Illustrator and Inkscape write them",
			`<image href="` + lines.ReplaceAllString(dataURL("image/jpeg", photograph), "$0&#xa;") + `"/><image href='` + lines.ReplaceAllString(dataURL("image/jpg", photograph), "$0\n ") + `'/>`,
			`<image href="` + dataURL("image/jpeg", bare) + `"/><image href='` + dataURL("image/jpeg", bare) + `'/>`},
		{"06: in a style", `<rect style="fill:url(&quot;` + dataURL("image/jpeg", photograph) + `&quot;)"/>`, `<rect style="fill:url(&quot;` + dataURL("image/jpeg", bare) + `&quot;)"/>`},
		{"07: one that lies on its side is turned upright, for nothing says so any more", `<image href="` + dataURL("image/jpeg", turned) + `"/>`,
			`<image href="` + dataURL("image/jpeg", prepare(t, turned).Full.Data) + `"/>`},
		{"08: in a drawing in a drawing", `<image href="` + dataURL("image/svg+xml", []byte(`<svg><image href="`+dataURL("image/jpeg", photograph)+`"/></svg>`)) + `"/>`,
			`<image href="` + dataURL("image/svg+xml", []byte(`<svg><image href="`+dataURL("image/jpeg", bare)+`"/></svg>`)) + `"/>`},
	} {
		given := []byte(`<svg>` + test.in + `</svg>`)
		v, err := picture.Prepare(given)
		if want := `<svg>` + cmp.Or(test.want, test.in) + `</svg>`; err != nil || string(v.Full.Data) != want || string(v.Web.Data) != want {
			t.Errorf("%s: %v, %s", test.why, err, v.Full.Data)
		}
		if string(given) != `<svg>`+test.in+`</svg>` {
			t.Errorf("%s: what was given was changed", test.why)
		}
	}
}

// brokenJPEG must be decoded to be turned, and cannot be.
func brokenJPEG(t *testing.T) []byte {
	data := cameraJPEG(t, quarters(40, 30), 6)
	at := bytes.Index(data, []byte("\xff\xc4")) // Huffman tables
	copy(data[at+5:], bytes.Repeat([]byte{0xfe}, 16))
	return data
}

// TestCutOff cuts each kind off at every place: a file that is still being copied must not be taken for a picture.
func TestCutOff(t *testing.T) {
	for kind, whole := range map[string][]byte{
		"JPEG": jpegOf(t, quarters(16, 8)), "PNG": pngOf(t, quarters(16, 8)), "GIF": gifOf(t, image.Rect(0, 0, 16, 8), 2, nil),
		"WebP": readSample(t, "animated.webp"), "AVIF": readSample(t, "plain.avif"), "SVG": []byte(drawing),
	} {
		end, known := len(bytes.TrimSuffix(whole, []byte(secret))), 16 // bytes by which it is known what it is
		if kind == "SVG" {
			known = strings.Index(drawing, "<style")
		}
		for n := range end {
			if _, err := picture.Prepare(whole[:n]); err == nil {
				t.Errorf("%s: %d of %d bytes are taken for a picture", kind, n, end)
			}
			if n >= known && !picture.CutOff(whole[:n]) {
				t.Errorf("%s: %d of %d bytes are taken for all of it", kind, n, end)
			}
		}
		if picture.CutOff(whole) {
			t.Errorf("%s: all of it is taken for a part", kind)
		}
	}
	for _, test := range []struct {
		why  string // number and why
		data string
		cut  bool
	}{
		{"1 nothing is there yet", "", true},
		{"2 nor here, but the place for it is taken", strings.Repeat("\x00", 4096), true},
		{"3 a photograph before which its place was taken", string(jpegOf(t, quarters(16, 8))[:100]) + strings.Repeat("\x00", 4096), true},
		{"4 no picture, whatever is still to come", "a text", false},
		{"5 half a HEIC, which is refused anyhow", "\x00\x00\x00\x18ftypheic\x00\x00", false},
		{"6 rubbish in XML", "<svg><path></svg>", false},
	} {
		if got := picture.CutOff([]byte(test.data)); got != test.cut {
			t.Errorf("%s: cut off: %t", test.why, got)
		}
	}
}

// FuzzPrepare: whatever comes in, either it is refused, or what comes out is within bounds and tells nothing.
func FuzzPrepare(f *testing.F) {
	f.Add(cameraJPEG(f, quarters(20, 10), 6))
	f.Add(notedPNG(f, quarters(20, 10), 3))
	f.Add(gifOf(f, image.Rect(0, 0, 16, 8), 2, nil))
	f.Add([]byte(drawing))
	f.Add([]byte(`<svg><image href="` + dataURL("image/jpeg", cameraJPEG(f, quarters(20, 10), 6)) + `"/></svg>`))
	for _, name := range []string{"wide.webp", "alpha.webp", "animated.webp", "plain.avif", "located.avif", "progressive.jpg"} {
		f.Add(readSample(f, name))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := picture.Prepare(data)
		var refusal *picture.Refusal
		if err != nil {
			if !errors.As(err, &refusal) || refusal.Hint == "" {
				t.Fatalf("%T %v", err, err)
			}
			return
		}
		if v.Mail.Width > picture.MailWidth || v.Mail.Type == "image/webp" || v.Web.Data == nil || v.Full.Data == nil {
			t.Errorf("%s, %s, %s", describe(v.Full), describe(v.Web), describe(v.Mail))
		}
		for name, p := range all(v) {
			if (p.Type == "image/jpeg" || p.Type == "image/png") && len(notes(t, p.Data)) > 0 {
				t.Errorf("%s tells %v", name, notes(t, p.Data))
			}
		}
	})
}

// BenchmarkPrepare takes a photograph of 12 megapixels, as phones make them, upright and lying on its side.
func BenchmarkPrepare(b *testing.B) {
	img := photo(4000, 3000)
	for name, data := range map[string][]byte{"upright": cameraJPEG(b, img, 1), "turned": cameraJPEG(b, img, 6), "small": cameraJPEG(b, quarters(600, 400), 1)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				prepare(b, data)
			}
		})
	}
}

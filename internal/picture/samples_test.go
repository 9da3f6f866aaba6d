package picture_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/bep/imagemeta"
)

// Words that the samples carry in every place for metadata. None may be published.
const secret = "safe house"

// exif is TIFF data as cameras write it: an orientation, a place in the north of Libya, and a remark.
func exif(orientation int) []byte {
	const gps, values = 8 + 2 + 3*12 + 4, 8 + 2 + 3*12 + 4 + 2 + 4*12 + 4
	e := binary.LittleEndian
	b := []byte("II*\x00\x08\x00\x00\x00")
	field := func(tag, kind uint16, count, value uint32) {
		b = e.AppendUint32(e.AppendUint32(e.AppendUint16(e.AppendUint16(b, tag), kind), count), value)
	}
	b = e.AppendUint16(b, 3)
	field(0x010e, 2, uint32(len(secret)), values+48)
	field(0x0112, 3, 1, uint32(orientation))
	field(0x8825, 4, 1, gps)
	b = e.AppendUint32(b, 0)
	b = e.AppendUint16(b, 4)
	field(1, 2, 2, 'N')
	field(2, 5, 3, values)
	field(3, 2, 2, 'E')
	field(4, 5, 3, values+24)
	b = e.AppendUint32(b, 0)
	for _, n := range []uint32{33, 1, 30, 1, 0, 1, 13, 1, 12, 1, 0, 1} {
		b = e.AppendUint32(b, n)
	}
	return append(b, secret...)
}

const xmp = `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description xmlns:exif="http://ns.adobe.com/exif/1.0/" exif:GPSLatitude="33,30N" exif:UserComment="` + secret + `"/></rdf:RDF></x:xmpmeta>`

func segment(marker byte, body string) []byte {
	return append(binary.BigEndian.AppendUint16([]byte{0xff, marker}, uint16(2+len(body))), body...)
}

// jpegOf encodes the picture and puts segments behind the start.
func jpegOf(t testing.TB, img image.Image, segments ...[]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return slices.Concat(b.Bytes()[:2], slices.Concat(segments...), b.Bytes()[2:])
}

// cameraJPEG has all that cameras, editors and agencies leave in a file.
func cameraJPEG(t testing.TB, img image.Image, orientation int) []byte {
	return append(jpegOf(t, img,
		segment(0xe0, "JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x01\x01"+secret[:3]),
		segment(0xe1, "Exif\x00\x00"+string(exif(orientation))),
		segment(0xe1, "http://ns.adobe.com/xap/1.0/\x00"+xmp),
		segment(0xed, "Photoshop 3.0\x008BIM\x04\x04\x00\x00\x00\x00\x00\x0f\x1c\x02\x6e\x00\x0a"+secret),
		segment(0xe2, "MPF\x00"+secret),
		segment(0xfe, secret),
	), secret...) // where phones put a film
}

func chunk(name, body string) []byte {
	b := append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), name...)
	b = append(b, body...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

// pngOf encodes the picture and puts chunks behind the header.
func pngOf(t testing.TB, img image.Image, chunks ...[]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return slices.Concat(b.Bytes()[:33], slices.Concat(chunks...), b.Bytes()[33:])
}

func notedPNG(t testing.TB, img image.Image, orientation int) []byte {
	return append(pngOf(t, img,
		chunk("eXIf", string(exif(orientation))),
		chunk("tEXt", "Comment\x00"+secret),
		chunk("iTXt", "XML:com.adobe.xmp\x00\x00\x00\x00\x00"+xmp),
		chunk("tIME", "\x07\xdf\x0b\x02\x00\x00\x00"),
		chunk("prVt", secret),
	), secret...)
}

// gifOf has as many frames as asked for, a comment, and XMP as Adobe writes it.
func gifOf(t testing.TB, size image.Rectangle, frames int, paint func(*image.Paletted)) []byte {
	t.Helper()
	g := &gif.GIF{Config: image.Config{Width: size.Dx(), Height: size.Dy()}, LoopCount: 3}
	for range frames {
		p := image.NewPaletted(size, color.Palette{color.White, color.RGBA{200, 0, 0, 255}})
		if paint != nil {
			paint(p)
		}
		g.Image, g.Delay = append(g.Image, p), append(g.Delay, 10)
	}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, g); err != nil {
		t.Fatal(err)
	}
	notes := "!\xfe\x0a" + secret + "\x00" + "!\xff\x0bXMP DataXMP\x0a" + secret + "\x00"
	data := b.Bytes()
	return slices.Concat(data[:len(data)-1], []byte(notes), data[len(data)-1:], []byte(secret))
}

// quarters is a picture whose quarters are red, green, blue and white, as one reads.
func quarters(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.SetRGBA(x, y, quarterColours[2*(2*y/h)+2*x/w])
		}
	}
	return img
}

var quarterColours = []color.RGBA{{255, 0, 0, 255}, {0, 255, 0, 255}, {0, 0, 255, 255}, {255, 255, 255, 255}}

// photo looks like one to encoders: soft shapes and noise.
func photo(w, h int) *image.RGBA {
	img, r := image.NewRGBA(image.Rect(0, 0, w, h)), rand.New(rand.NewPCG(1, 2))
	for i := 0; i < len(img.Pix); i += 4 {
		x, y := i/4%w, i/4/w
		n := r.IntN(16)
		img.Pix[i], img.Pix[i+1], img.Pix[i+2], img.Pix[i+3] = byte(x*200/w+n), byte(y*200/h+n), byte((x+y)/8%200+n), 255
	}
	return img
}

func readSample(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// notes reads what a file tells of its making, with the library that photo sites use.
func notes(t testing.TB, data []byte) map[string]imagemeta.TagInfo {
	t.Helper()
	var tags imagemeta.Tags
	format := imagemeta.JPEG
	switch {
	case bytes.HasPrefix(data, []byte("\x89PNG")):
		format = imagemeta.PNG
	case bytes.HasPrefix(data, []byte("RIFF")):
		format = imagemeta.WebP
	}
	_, err := imagemeta.Decode(imagemeta.Options{
		R: bytes.NewReader(data), ImageFormat: format, Sources: imagemeta.EXIF | imagemeta.XMP | imagemeta.IPTC,
		ShouldHandleTag: func(imagemeta.TagInfo) bool { return true },
		HandleTag:       func(info imagemeta.TagInfo) error { tags.Add(info); return nil },
	})
	if err != nil {
		t.Fatalf("the notes cannot be read: %v", err)
	}
	return tags.All()
}

package picture

import (
	"bytes"
	"image"
	"image/jpeg"
	"image/png"

	"golang.org/x/image/draw"
	"golang.org/x/image/math/f64"
	_ "golang.org/x/image/webp" // so that image.Decode reads it
)

// JPEG qualities, as image/jpeg counts. The full size is only encoded anew when it must be turned.
const (
	fullQuality = 92
	webQuality  = 85
	mailQuality = 80
)

// forWeb tells whether pages can show the picture as it is.
func (p Picture) forWeb() bool {
	if p.animated {
		return len(p.Data) <= maxWebAnimation
	}
	return p.Width <= WebSize && p.Height <= WebSize
}

// forMail tells whether mail programs can show the picture as it is. They know no WebP.
func (p Picture) forMail() bool {
	return p.Type != "image/webp" && p.Width <= MailWidth && (!p.animated || len(p.Data) <= maxMailAnimation)
}

// maker makes the versions of one picture of pixels.
type maker struct {
	full    Picture // as it was read, not yet turned
	profile []byte  // ICC

	// These are known when it is decoded.
	gray  bool
	lossy bool
}

// versions makes those that are needed, the smaller ones from the larger.
func (m *maker) versions(orientation int) (Versions, error) {
	v := Versions{Full: m.full, Web: m.full, Mail: m.full}
	turned := orientation > 1 && !m.full.animated
	if !turned && m.full.forWeb() && m.full.forMail() {
		return v, nil
	}
	if m.full.animated && m.full.Type == "image/webp" {
		v.Mail = Picture{} // golang.org/x/image/webp reads no frames
		return v, nil
	}
	img, err := m.decode()
	if err != nil {
		return Versions{}, damaged(err)
	}
	if turned {
		img = turn(img, orientation)
		v.Full = m.encode(img, fullQuality)
		v.Web = v.Full
	}
	if !v.Web.forWeb() {
		img = shrink(img, WebSize, WebSize)
		v.Web = m.encode(img, webQuality)
	}
	if v.Mail = v.Web; !v.Mail.forMail() {
		v.Mail = m.encode(shrink(img, MailWidth, WebSize), mailQuality)
	}
	return v, nil
}

// decode gives the picture, of an animation the first frame.
func (m *maker) decode() (image.Image, error) {
	img, _, err := image.Decode(bytes.NewReader(m.full.Data))
	if err != nil {
		return nil, err
	}
	switch i := img.(type) {
	case *image.YCbCr, *image.CMYK, *image.NYCbCrA:
		m.lossy = true
	case *image.Gray:
		m.gray, m.lossy = true, m.full.Type == "image/jpeg"
	case *image.Paletted: // a frame of a GIF may be smaller than the picture
		canvas := image.NewRGBA(image.Rect(0, 0, m.full.Width, m.full.Height))
		draw.Draw(canvas, i.Rect, i, i.Rect.Min, draw.Src)
		return canvas, nil
	}
	return img, nil
}

// shrink gives the picture in a size that fits into width × height. It is halved with a quick scaler as long as that can be done:
// where four pixels become one, that one is exact, and the good one has less to do.
func shrink(img image.Image, width, height int) image.Image {
	to := fit(img.Bounds().Size(), width, height)
	for s := img.Bounds().Size(); s.X >= 2*to.X && s.Y >= 2*to.Y; s = img.Bounds().Size() {
		img = scale(draw.ApproxBiLinear, img, s.Div(2))
	}
	return scale(draw.CatmullRom, img, to)
}

// fit gives the largest size of the same shape within width × height, but none larger than s.
func fit(s image.Point, width, height int) image.Point {
	switch {
	case s.X <= width && s.Y <= height:
		return s
	case s.X*height > s.Y*width:
		return image.Pt(width, max(1, (s.Y*width+s.X/2)/s.X))
	default:
		return image.Pt(max(1, (s.X*height+s.Y/2)/s.Y), height)
	}
}

func scale(how draw.Scaler, img image.Image, to image.Point) image.Image {
	if to == img.Bounds().Size() {
		return img
	}
	out := image.NewRGBA(image.Rectangle{Max: to})
	how.Scale(out, out.Rect, img, img.Bounds(), draw.Src, nil)
	return out
}

// turn gives the picture upright that a camera marked with an orientation (EXIF 2.32 §4.6.5.1.6).
func turn(img image.Image, orientation int) image.Image {
	w, h := float64(img.Bounds().Dx()), float64(img.Bounds().Dy())
	to := map[int]f64.Aff3{
		2: {-1, 0, w, 0, 1, 0},
		3: {-1, 0, w, 0, -1, h},
		4: {1, 0, 0, 0, -1, h},
		5: {0, 1, 0, 1, 0, 0},
		6: {0, -1, h, 1, 0, 0},
		7: {0, -1, h, -1, 0, w},
		8: {0, 1, 0, -1, 0, w},
	}[orientation]
	size := img.Bounds().Size()
	if orientation >= 5 {
		size.X, size.Y = size.Y, size.X
	}
	out := image.NewRGBA(image.Rectangle{Max: size})
	draw.NearestNeighbor.Transform(out, to, img, img.Bounds(), draw.Src, nil)
	return out
}

// encode writes photographs as JPEG, and what is transparent or was drawn as PNG; but a photograph that came as PNG, which would
// be large, as JPEG too.
func (m *maker) encode(img image.Image, quality int) Picture {
	if m.gray {
		img = gray(img)
	}
	if o, ok := img.(interface{ Opaque() bool }); !ok || !o.Opaque() {
		return m.png(img, encodePNG(img))
	}
	if m.lossy {
		return m.jpeg(img, encodeJPEG(img, quality))
	}
	p, j := encodePNG(img), encodeJPEG(img, quality)
	if len(p) > 4*len(j) {
		return m.jpeg(img, j)
	}
	return m.png(img, p)
}

func gray(img image.Image) image.Image {
	out := image.NewGray(image.Rectangle{Max: img.Bounds().Size()})
	draw.Draw(out, out.Rect, img, img.Bounds().Min, draw.Src)
	return out
}

// Neither encoder fails: writing to memory does not, and the size is within what was read.

func encodeJPEG(img image.Image, quality int) []byte {
	var b bytes.Buffer
	_ = jpeg.Encode(&b, img, &jpeg.Options{Quality: quality})
	return b.Bytes()
}

func encodePNG(img image.Image) []byte {
	var b bytes.Buffer
	_ = png.Encode(&b, img)
	return b.Bytes()
}

func (m *maker) jpeg(img image.Image, data []byte) Picture {
	return Picture{Data: profileIntoJPEG(data, m.usable()), Type: "image/jpeg", Width: img.Bounds().Dx(), Height: img.Bounds().Dy()}
}

func (m *maker) png(img image.Image, data []byte) Picture {
	return Picture{Data: profileIntoPNG(data, m.usable()), Type: "image/png", Width: img.Bounds().Dx(), Height: img.Bounds().Dy()}
}

// usable is the profile, if it is for the colours that we encode (ICC.1:2022 §7.2.8): that of a CMYK picture is not.
func (m *maker) usable() []byte {
	space := "RGB "
	if m.gray {
		space = "GRAY"
	}
	if len(m.profile) < 128 || string(m.profile[16:20]) != space {
		return nil
	}
	return m.profile
}

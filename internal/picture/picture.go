// Package picture makes the pictures that staff put beside their items fit for publication: small enough for pages and
// mails, and without what a camera notes about where and when a picture was taken.
//
// JPEG, PNG, GIF and WebP lose all metadata but the colour profile: EXIF, XMP, IPTC, comments, thumbnails, and anything
// behind the end of the picture. That takes credits noted inside the file away too; the item names the credit. A picture
// that a camera marked as lying on its side is turned upright. Otherwise a file keeps its very pixels unless it must
// become smaller, and nothing is ever enlarged.
//
// Animations (GIF, PNG, WebP) stay as they are, in pages as long as they are not heavy. AVIF is passed on as it is, and refused where
// it tells a place. So is SVG, but for the pictures in it, which are made fit like others; one that holds scripts is refused, since not
// every server forbids them, and one that loads anything from elsewhere.
//
// What a file is, is told by its bytes, not its name. The same bytes give the same bytes. A picture in work takes
// 4 to 15 bytes of memory a pixel, so at most 1.5 GB: whoever has many should make one at a time.
package picture

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"slices"
)

// Version is raised whenever the same file would give other versions than before, be refused, or be refused no more: then all are made anew.
const Version = 2

// The sizes that pictures are made in, and the limits of what is read.
const (
	WebSize   = 1600        // pixels of the longer side
	MailWidth = 600         // pixels
	MaxBytes  = 64 << 20    // of a file
	MaxPixels = 100_000_000 // of a picture: more than nearly all cameras make
)

// An animation of more bytes is shown by its first frame, in pages and in mails.
const (
	maxWebAnimation  = 8 << 20
	maxMailAnimation = 1 << 20
)

// Picture is a file to publish.
type Picture struct {
	Data          []byte
	Type          string // media type
	Width, Height int    // pixels, as it is seen; 0 for SVG
	animated      bool
}

// Ext is the usual ending of a file of the picture's type: ".jpg".
func (p Picture) Ext() string { return extensions[p.Type] }

var extensions = map[string]string{
	"image/jpeg": ".jpg", "image/png": ".png", "image/gif": ".gif", "image/webp": ".webp", "image/svg+xml": ".svg", "image/avif": ".avif",
}

// Versions are the files that one picture gives. Those that would be alike share their bytes.
type Versions struct {
	Full Picture // for the press: the picture in full size
	Web  Picture // for pages and feeds: at most WebSize on either side
	Mail Picture // for mail programs: JPEG, PNG or GIF, at most MailWidth wide; zero where none can be made (SVG, AVIF, animated WebP)
}

// Refusal is the error for a picture that cannot be published.
type Refusal struct {
	Why  string // a plain phrase to set behind the file's name and a colon
	Hint string // what to do about it

	cut bool // the file ends before the picture does
}

// Error is Why.
func (r *Refusal) Error() string { return r.Why }

func refuse(hint, why string, args ...any) error {
	return &Refusal{Why: fmt.Sprintf(why, args...), Hint: hint}
}

func cutOff() error {
	return &Refusal{Why: "the picture is cut off or damaged", Hint: "copy it again from where it came from", cut: true}
}

const saveAgain = "save it again as JPEG or PNG"

// Prepare makes the versions of the picture that data holds. Every error is a *Refusal: the file is no picture that browsers
// show, it is damaged or cut off, or it is over a limit. The data is not changed, but the versions may share its memory.
func Prepare(data []byte) (Versions, error) {
	f, err := formatOf(data)
	if err != nil {
		return Versions{}, err
	}
	return f.prepare(data)
}

// Check gives the *Refusal that Prepare would give, as far as that can be told without a look at the pixels; nil if there is none.
func Check(data []byte) error {
	f, err := formatOf(data)
	if err != nil {
		return err
	}
	return f.walk(data)
}

func formatOf(data []byte) (format, error) {
	if len(data) > MaxBytes {
		return format{}, refuse("make it smaller", "the picture has more than %d MB", MaxBytes>>20)
	}
	all := formats()
	if i := slices.IndexFunc(all, func(f format) bool { return f.is(data) }); i >= 0 {
		return all[i], nil
	}
	return format{}, refuse(saveAgain, "it is no picture that browsers show")
}

// Sniff is how many bytes of a file Is looks at.
const Sniff = 64 << 10

// Is tells by the first Sniff bytes of a file whether it is a picture, which can hold what tells a place: one that Prepare makes ready,
// or a HEIC or TIFF, which it refuses. A film is none.
func Is(head []byte) bool {
	return slices.ContainsFunc(formats(), func(f format) bool { return f.is(head) })
}

// CutOff tells whether data may be but the beginning of a picture whose rest is still being copied: the picture does not end, or nothing
// but zeros is there yet, with which some programs fill a file before they copy. That needs no look at the pixels, so a picture that is
// not cut off may still be damaged. What is no picture, or would be refused anyhow, is not cut off.
func CutOff(data []byte) bool {
	if len(bytes.TrimLeft(data, "\x00")) == 0 {
		return true
	}
	for _, f := range formats() {
		if f.is(data) {
			var r *Refusal
			return errors.As(f.walk(data), &r) && r.cut
		}
	}
	return false
}

// format is a kind of picture.
type format struct {
	is      func([]byte) bool
	prepare func([]byte) (Versions, error)
	walk    func([]byte) error // looks at all but the pixels
}

// formats is a function since that of drawings, which hold pictures, asks for all.
func formats() []format {
	return []format{
		raster(prefix("\xff\xd8"), "image/jpeg", cleanJPEG),
		raster(prefix(pngHeader), "image/png", cleanPNG),
		raster(prefix("GIF8"), "image/gif", cleanGIF),
		raster(isWebP, "image/webp", cleanWebP),
		{isHEIF, prepareHEIF, walk(prepareHEIF)},
		{isTIFF, refuseTIFF, walk(refuseTIFF)},
		{isSVG, prepareSVG, inspect},
	}
}

func walk[T any](read func([]byte) (T, error)) func([]byte) error {
	return func(data []byte) error {
		_, err := read(data)
		return err
	}
}

func prefix(magic string) func([]byte) bool {
	return func(data []byte) bool { return bytes.HasPrefix(data, []byte(magic)) }
}

// cleaned is a file without its metadata.
type cleaned struct {
	data     []byte
	profile  []byte // the ICC colour profile, where there is one
	animated bool
}

// raster is the format of pictures that are made of pixels, of a type whose files clean cleans.
func raster(is func([]byte) bool, mediaType string, clean func([]byte) (cleaned, error)) format {
	open := func(data []byte) (*maker, error) {
		c, err := clean(data)
		if err != nil {
			return nil, err
		}
		config, _, err := image.DecodeConfig(bytes.NewReader(c.data))
		if err != nil {
			return nil, damaged(err)
		}
		if config.Width*config.Height > MaxPixels {
			return nil, refuse("make it smaller", "the picture has %d × %d pixels, and at most %d million can be read",
				config.Width, config.Height, MaxPixels/1_000_000)
		}
		return &maker{full: Picture{c.data, mediaType, config.Width, config.Height, c.animated}, profile: c.profile}, nil
	}
	prepare := func(data []byte) (Versions, error) {
		m, err := open(data)
		if err != nil {
			return Versions{}, err
		}
		return m.versions(orientation(data, mediaType))
	}
	return format{is, prepare, walk(open)}
}

func damaged(err error) error {
	return refuse(saveAgain, "the picture is damaged: %v", err)
}

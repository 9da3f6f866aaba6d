package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"

	"github.com/bep/imagemeta"
)

// heifBrands are those of pictures, and of raw files of cameras, among the many kinds of files that consist of boxes
// (ISO/IEC 23008-12 §10.2, AVIF §6). Films have others.
var heifBrands = []string{"avif", "avis", "heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1", "mif2", "crx "}

// isHEIF tells whether the file is a picture by its major brand (ISO/IEC 14496-12 §4.3).
func isHEIF(data []byte) bool {
	return len(data) >= 12 && string(data[4:8]) == "ftyp" && slices.Contains(heifBrands, string(data[8:12]))
}

// prepareHEIF passes an AVIF on. Its metadata cannot be taken out without moving everything else, so it must have none. HEIC
// is shown by one family of browsers alone.
func prepareHEIF(data []byte) (Versions, error) {
	if brand := string(data[8:12]); brand != "avif" && brand != "avis" {
		return Versions{}, refuse(saveAgain, "it is no picture that all browsers show, but a HEIC")
	}
	if !wholeBoxes(data) {
		return Versions{}, cutOff()
	}
	notes := errors.New("it has notes")
	result, err := imagemeta.Decode(imagemeta.Options{
		R: bytes.NewReader(data), ImageFormat: imagemeta.AVIF, Sources: imagemeta.EXIF | imagemeta.XMP | imagemeta.CONFIG,
		ShouldHandleTag: func(imagemeta.TagInfo) bool { return true },
		HandleTag:       func(imagemeta.TagInfo) error { return notes },
		HandleXMP:       func(io.Reader) error { return notes },
	})
	switch {
	case errors.Is(err, notes):
		return Versions{}, refuse("save it again without metadata, or as JPEG",
			"the picture holds notes of a camera or a program (EXIF or XMP), which may tell a place; they cannot be taken out of an AVIF")
	case err != nil:
		return Versions{}, damaged(err)
	}
	p := Picture{Data: data, Type: "image/avif", Width: result.ImageConfig.Width, Height: result.ImageConfig.Height}
	return Versions{Full: p, Web: p}, nil
}

// wholeBoxes tells whether the file ends where its last box does (ISO/IEC 14496-12 §4.2), and has both description and pixels.
func wholeBoxes(data []byte) bool {
	seen := map[string]bool{}
	for len(data) >= 8 {
		seen[string(data[4:8])] = true
		size := uint64(binary.BigEndian.Uint32(data))
		switch {
		case size == 0: // up to the end of the file, wherever that should be
			size = uint64(len(data))
		case size == 1 && len(data) >= 16:
			size = binary.BigEndian.Uint64(data[8:])
		}
		if size < 8 || size > uint64(len(data)) {
			return false
		}
		data = data[size:]
	}
	return len(data) == 0 && seen["meta"] && seen["mdat"]
}

// isTIFF also tells of most raw files of cameras (TIFF 6.0 §2).
func isTIFF(data []byte) bool {
	return bytes.HasPrefix(data, []byte("II*\x00")) || bytes.HasPrefix(data, []byte("MM\x00*"))
}

func refuseTIFF([]byte) (Versions, error) {
	return Versions{}, refuse(saveAgain, "it is no picture that browsers show, but a TIFF or a camera's raw file")
}

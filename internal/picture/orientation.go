package picture

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/bep/imagemeta"
)

var exifFormats = map[string]imagemeta.ImageFormat{
	"image/jpeg": imagemeta.JPEG, "image/png": imagemeta.PNG, "image/webp": imagemeta.WebP,
}

// orientation is what the EXIF data of the picture says of how it is to be turned: 1 to 8, and 1 where it says nothing sensible.
func orientation(data []byte, mediaType string) int {
	found := 1
	format, ok := exifFormats[mediaType]
	if !ok {
		return found
	}
	// Broken metadata is no reason to refuse a picture: it goes anyway.
	_, _ = imagemeta.Decode(imagemeta.Options{
		R: bytes.NewReader(data), ImageFormat: format, Sources: imagemeta.EXIF,
		ShouldHandleTag: func(t imagemeta.TagInfo) bool { return t.Tag == "Orientation" && t.Namespace == "IFD0" },
		HandleTag: func(t imagemeta.TagInfo) error {
			if n, err := strconv.Atoi(fmt.Sprint(t.Value)); err == nil && n >= 1 && n <= 8 {
				found = n
			}
			return nil
		},
	})
	return found
}

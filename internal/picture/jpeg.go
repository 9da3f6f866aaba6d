package picture

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// maxScans bounds the passes of a progressive JPEG. Each may cost a walk over all pixels and take a few bytes only.
const maxScans = 100

const iccMarker = "ICC_PROFILE\x00" // ICC.1:2022 annex B.4

// cleanJPEG keeps what is needed to draw the picture (ITU-T T.81 annex B): of the application segments JFIF without its
// thumbnail, the colour profile, and Adobe's note on colours. What follows the end of the picture goes: phones put second pictures
// and films there, with metadata of their own.
func cleanJPEG(data []byte) (cleaned, error) {
	c := cleaned{data: slices.Clone(data[:2])}
	rest, scans := data[2:], 0
	for {
		// Any number of FF may stand before a marker (T.81 §B.1.1.2).
		for len(rest) > 1 && rest[0] == 0xff && rest[1] == 0xff {
			rest = rest[1:]
		}
		if len(rest) < 2 || rest[0] != 0xff {
			return c, cutOff()
		}
		marker := rest[1]
		if marker == 0xd9 { // EOI
			c.data = append(c.data, rest[:2]...)
			return c, nil
		}
		n := segmentLength(rest)
		if n == 0 {
			return c, cutOff()
		}
		if marker == 0xda { // SOS
			if scans++; scans > maxScans {
				return c, refuse(saveAgain, "the picture has more than %d passes", maxScans)
			}
			n += scanLength(rest[n:])
		}
		if keepSegment(marker, rest[4:n]) {
			c.data = append(c.data, rest[:n]...)
		}
		if marker == 0xe2 && bytes.HasPrefix(rest[4:n], []byte(iccMarker)) && n > 18 {
			c.profile = append(c.profile, rest[18:n]...) // behind the number of this part and that of all parts
		}
		rest = rest[n:]
	}
}

// segmentLength is that of the segment that data begins with, its marker counted; 0 when it is not whole.
func segmentLength(data []byte) int {
	if len(data) < 4 {
		return 0
	}
	n := int(binary.BigEndian.Uint16(data[2:]))
	if n < 2 || 2+n > len(data) {
		return 0
	}
	return 2 + n
}

func keepSegment(marker byte, body []byte) bool {
	switch marker {
	case 0xe0:
		return bytes.HasPrefix(body, []byte("JFIF\x00")) && len(body) == 14 // more is a thumbnail
	case 0xe2:
		return bytes.HasPrefix(body, []byte(iccMarker))
	case 0xee:
		return bytes.HasPrefix(body, []byte("Adobe"))
	}
	return (marker < 0xe0 || marker > 0xef) && marker != 0xfe // no other application's, and no comment
}

// scanLength is the number of bytes before the next marker, those that only start the decoder anew not counted.
func scanLength(data []byte) int {
	for i := 0; i+1 < len(data); i++ {
		if m := data[i+1]; data[i] == 0xff && m != 0 && m != 0xff && (m < 0xd0 || m > 0xd7) {
			return i
		}
	}
	return len(data)
}

// profileIntoJPEG puts a colour profile into a JPEG that has none.
func profileIntoJPEG(data, profile []byte) []byte {
	const most = 65519 // bytes of a profile in one segment
	parts := slices.Collect(slices.Chunk(profile, most))
	if len(parts) == 0 || len(parts) > 255 {
		return data
	}
	out := slices.Clone(data[:2])
	for i, part := range parts {
		out = append(out, 0xff, 0xe2)
		out = binary.BigEndian.AppendUint16(out, uint16(2+len(iccMarker)+2+len(part)))
		out = append(out, iccMarker...)
		out = append(out, byte(i+1), byte(len(parts)))
		out = append(out, part...)
	}
	return append(out, data[2:]...)
}

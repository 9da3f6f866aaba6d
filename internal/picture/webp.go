package picture

import (
	"encoding/binary"
	"slices"
)

// webpChunks are the chunks that say how the picture is drawn (RFC 9649 §2.7).
var webpChunks = []string{"VP8X", "ICCP", "ANIM", "ANMF", "ALPH", "VP8 ", "VP8L"}

// Bits of the flags in a VP8X chunk (RFC 9649 §2.7.1).
const (
	webpAnimated = 0x02
	webpXMP      = 0x04
	webpEXIF     = 0x08
)

func isWebP(data []byte) bool {
	return len(data) >= 12 && string(data[:4]) == "RIFF" && string(data[8:12]) == "WEBP"
}

func cleanWebP(data []byte) (cleaned, error) {
	size := uint64(binary.LittleEndian.Uint32(data[4:])) + 8
	if size < 12 || size > uint64(len(data)) {
		return cleaned{}, cutOff()
	}
	c := cleaned{data: slices.Clone(data[:12])}
	for rest := data[12:size]; len(rest) > 0; {
		if len(rest) < 8 {
			return c, cutOff()
		}
		length := uint64(binary.LittleEndian.Uint32(rest[4:]))
		n := 8 + length + length&1 // chunks begin at even places
		if n > uint64(len(rest)) {
			return c, cutOff()
		}
		c.addWebP(rest[:n], rest[8:8+length])
		rest = rest[n:]
	}
	binary.LittleEndian.PutUint32(c.data[4:], uint32(len(c.data)-8))
	return c, nil
}

// addWebP takes over a chunk, if it is one to keep.
func (c *cleaned) addWebP(chunk, body []byte) {
	name := string(chunk[:4])
	if !slices.Contains(webpChunks, name) {
		return
	}
	at := len(c.data) + 8
	c.data = append(c.data, chunk...)
	switch {
	case name == "ICCP":
		c.profile = body
	case name == "VP8X" && len(body) > 0:
		c.animated = body[0]&webpAnimated != 0
		c.data[at] = body[0] &^ (webpXMP | webpEXIF)
	}
}

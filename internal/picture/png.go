package picture

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"io"
	"slices"
)

const pngHeader = "\x89PNG\r\n\x1a\n"

// maxProfile bounds a compressed colour profile, in bytes.
const maxProfile = 4 << 20

// pngChunks are the chunks that say how the picture is drawn (PNG, third edition, §11). The others tell of its making.
var pngChunks = []string{
	"IHDR", "PLTE", "IDAT", "IEND", "tRNS", "gAMA", "cHRM", "sRGB", "iCCP", "cICP", "mDCV", "cLLI", "sBIT", "bKGD", "pHYs",
	"acTL", "fcTL", "fdAT",
}

func cleanPNG(data []byte) (cleaned, error) {
	c := cleaned{data: []byte(pngHeader)}
	rest := data[len(pngHeader):]
	for {
		if len(rest) < 12 || uint64(len(rest)) < 12+uint64(binary.BigEndian.Uint32(rest)) {
			return c, cutOff()
		}
		n := 12 + int(binary.BigEndian.Uint32(rest))
		name := string(rest[4:8])
		if slices.Contains(pngChunks, name) {
			c.data = append(c.data, rest[:n]...)
		}
		switch name {
		case "iCCP":
			c.profile = pngProfile(rest[8 : n-4])
		case "acTL":
			c.animated = true
		case "IEND":
			return c, nil
		}
		rest = rest[n:]
	}
}

// pngProfile unpacks an iCCP chunk: a name, a zero, the method 0, and the profile compressed.
func pngProfile(body []byte) []byte {
	_, packed, _ := bytes.Cut(body, []byte{0})
	if len(packed) < 1 {
		return nil
	}
	r, err := zlib.NewReader(bytes.NewReader(packed[1:]))
	if err != nil {
		return nil
	}
	profile, err := io.ReadAll(io.LimitReader(r, maxProfile+1))
	if err != nil || len(profile) > maxProfile {
		return nil
	}
	return profile
}

// profileIntoPNG puts a colour profile into a PNG that has none, behind its IHDR chunk.
func profileIntoPNG(data, profile []byte) []byte {
	const head = len(pngHeader) + 12 + 13
	if len(profile) == 0 {
		return data
	}
	var body bytes.Buffer
	body.WriteString("iCCPicc\x00\x00")
	w := zlib.NewWriter(&body)
	_, _ = w.Write(profile) // into memory
	_ = w.Close()
	out := slices.Clone(data[:head])
	out = binary.BigEndian.AppendUint32(out, uint32(body.Len()-4))
	out = append(out, body.Bytes()...)
	out = binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(body.Bytes()))
	return append(out, data[head:]...)
}

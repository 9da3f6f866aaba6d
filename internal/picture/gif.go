package picture

import (
	_ "image/gif" // so that image.Decode reads it
	"strings"
)

// cleanGIF keeps the pictures and how they follow each other (GIF89a §§17–27), and leaves out comments and the data of
// applications, such as XMP, but for the two names under which the number of repetitions is known.
func cleanGIF(data []byte) (cleaned, error) {
	if len(data) < 13 {
		return cleaned{}, cutOff()
	}
	n := 13 + colourTable(data[10])
	if len(data) < n {
		return cleaned{}, cutOff()
	}
	c := cleaned{data: append([]byte(nil), data[:n]...)}
	for rest, images := data[n:], 0; ; {
		n, keep := gifBlock(rest)
		if n == 0 {
			return c, cutOff()
		}
		if keep {
			c.data = append(c.data, rest[:n]...)
		}
		switch rest[0] {
		case 0x3b: // the trailer
			return c, nil
		case 0x2c:
			images++
			c.animated = images > 1
		}
		rest = rest[n:]
	}
}

// gifBlock gives the length of the block that data begins with, 0 when it is not whole, and whether to keep it.
func gifBlock(data []byte) (n int, keep bool) {
	switch {
	case len(data) > 0 && data[0] == 0x3b:
		return 1, true
	case len(data) > 10 && data[0] == 0x2c: // an image: its place, colours, code size, and the data
		return subBlocks(data, 10+colourTable(data[9])+1), true
	case len(data) > 2 && data[0] == 0x21:
		n = subBlocks(data, 2)
		return n, n > 0 && keepExtension(data[1], string(data[3:n]))
	}
	return 0, false
}

func keepExtension(label byte, body string) bool {
	const repetitions = len("NETSCAPE2.0") + 5
	return label == 0xf9 || label == 0xff && len(body) <= repetitions && (strings.HasPrefix(body, "NETSCAPE2.0") || strings.HasPrefix(body, "ANIMEXTS1.0"))
}

// subBlocks gives where the chain of blocks ends that begins at n: each has its length before it, the last has length 0.
func subBlocks(data []byte, n int) int {
	for n < len(data) {
		length := int(data[n])
		n += 1 + length
		if length == 0 {
			return n
		}
	}
	return 0
}

// colourTable is the length in bytes of the table that the packed field announces.
func colourTable(packed byte) int {
	if packed&0x80 == 0 {
		return 0
	}
	return 3 << (packed&7 + 1)
}

package markup

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// Bounds on what the Markdown parser is given. Its time grows with the square of the length of a paragraph and of the
// depth of nesting, and a row of a table is filled up to the width of its head. No story comes near them.
const (
	maxRun     = 16 << 10 // bytes without a blank line between them
	maxMarkers = 50       // of quotes and lists at the start of one line
	maxColumns = 32       // of a table
)

// tame returns the text as Markdown that is parsed in bounded time: what is longer than maxRun is parted by blank
// lines, deeper nesting and wider tables are taken literally. added holds the offsets in source of the line feeds that
// text does not have, in ascending order.
func tame(text string) (source []byte, added []int) {
	var b bytes.Buffer
	b.Grow(len(text))
	feed := func() {
		added = append(added, b.Len())
		b.WriteByte('\n')
	}
	run := 0
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) == "" {
			run = 0
		}
		if run += len(line); run > maxRun && run > len(line) {
			feed()
			run = len(line)
		}
		for len(line) > maxRun {
			n := breakpoint(line)
			b.WriteString(literal(line[:n]))
			feed()
			feed()
			line = line[n:]
			run = len(line)
		}
		b.WriteString(literal(line))
	}
	return b.Bytes(), added
}

// breakpoint is where a line that is longer than maxRun is parted: after a space if there is one not too far back.
func breakpoint(line string) int {
	if i := strings.LastIndexByte(line[:maxRun], ' '); i > maxRun/2 {
		return i + 1
	}
	n := maxRun
	for n > maxRun-utf8.UTFMax && !utf8.RuneStart(line[n]) {
		n--
	}
	return n
}

// literal disarms a line that nests too deeply or starts too wide a table.
func literal(line string) string {
	if i := markers(line); i >= 0 {
		return line[:i] + `\` + line[i:]
	}
	if strings.Count(line, "|") > maxColumns && strings.Trim(line, "|:- \t\r\n") == "" {
		return strings.Replace(line, "|", `\|`, 1)
	}
	return line
}

// markers is the offset of the first marker of a quote or list that is one too many, or -1.
func markers(line string) int {
	count := 0
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == ' ', c == '\t', c >= '0' && c <= '9':
		case strings.IndexByte(">-+*.)", c) >= 0:
			if count++; count > maxMarkers {
				return i
			}
		default:
			return -1
		}
	}
	return -1
}

package subscribers

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxLine is the greatest length, in bytes, of a line and of a record over several lines.
const maxLine = 64 << 10

// fault says what is wrong with a record, and what to do; the empty fault is none.
type fault struct{ what, hint string }

var (
	faultQuote = fault{"a quotation mark is not closed, or stands within a field without being doubled", `write "Ada ""The Countess"" Lovelace", with quotation marks around the field and those in it doubled`}
	faultLong  = fault{"the line is longer than 64 KiB", "is this a list of addresses?"}
	faultUTF8  = fault{"the line is not in UTF-8", "save the file as UTF-8; in Excel: Save as, CSV UTF-8"}
)

// record is one row of the file. Its fields are trimmed; they are empty where there is a fault.
type record struct {
	line   int // of its beginning, from 1
	size   int // bytes
	fields []string
	fault  fault
}

// records reads CSV record by record. It stands before encoding/csv, for which an unclosed quotation mark takes in all
// rows up to the next one, or to the end: here a record that ends up broken costs its first line, and reading goes on
// with the second.
type records struct {
	r     *bufio.Reader
	line  int      // number of the line that is ahead[0], or would be
	ahead []string // lines that were read and not used yet
	comma rune
	used  []int // columns that are read, that of the address first: a line break in one comes from a broken quotation mark
	width int   // columns; 0: not known yet
}

// next gives the next record that is not empty. io.EOF: there is none; other errors are the reader's.
func (rs *records) next() (record, error) {
	for {
		first, err := rs.peek(0)
		if err != nil {
			return record{}, err
		}
		rec := record{line: rs.line, size: len(first)}
		switch {
		case len(first) > maxLine:
			rec.fault = faultLong
			rs.take(1)
		case !strings.Contains(first, `"`):
			rec.fields = strings.Split(first, string(rs.comma))
			rs.take(1)
		default:
			if err := rs.quoted(&rec); err != nil {
				return record{}, err
			}
		}
		if rec.fault == (fault{}) && slices.ContainsFunc(rec.fields, func(f string) bool { return !utf8.ValidString(f) }) {
			rec.fault = faultUTF8
		}
		for i, f := range rec.fields {
			rec.fields[i] = strings.TrimSpace(f)
		}
		if rec.fault != (fault{}) || strings.Join(rec.fields, "") != "" {
			return rec, nil
		}
	}
}

// quoted reads a record that has quotation marks: as many lines as it takes to close them.
func (rs *records) quoted(rec *record) error {
	n, size := 0, 0
	for open := true; open && size <= maxLine; n++ {
		line, err := rs.peek(n)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		size += len(line) + 1
		open = (n > 0) != (strings.Count(line, `"`)%2 == 1) // an odd number opens in the first line, closes in a later one
	}
	text := strings.Join(rs.ahead[:n], "\n")
	fields, ok := rs.parse(text)
	if !ok || n > 1 && (rs.breaks(fields) || rs.swallowed(n)) {
		rec.fault = faultQuote
		rs.take(1)
		return nil
	}
	rec.fields, rec.size = fields, len(text)
	rs.take(n)
	return nil
}

// parse reads a text that should be a single record.
func (rs *records) parse(text string) ([]string, bool) {
	if len(text) > maxLine {
		return nil, false
	}
	r := csv.NewReader(strings.NewReader(text))
	r.Comma = rs.comma
	r.FieldsPerRecord = -1
	r.TrimLeadingSpace = rs.comma != '\t' // which is space too, and would take empty fields along
	fields, err := r.Read()
	return fields, err == nil && r.InputOffset() == int64(len(text))
}

func (rs *records) breaks(fields []string) bool {
	return slices.ContainsFunc(rs.used, func(i int) bool { return i < len(fields) && strings.Contains(fields[i], "\n") })
}

// swallowed tells whether one of the lines that a field runs on over is a row itself: then the quotation mark that the
// field begins with was never closed, and the next one closed it.
func (rs *records) swallowed(n int) bool {
	return slices.ContainsFunc(rs.ahead[1:n], func(line string) bool {
		fields, ok := rs.parse(line)
		if !ok || rs.width == 0 || len(fields) != rs.width {
			return false
		}
		_, address := Mailbox(fields[rs.used[0]])
		_, err := Fold(address)
		return err == nil
	})
}

// peek gives the line that is i lines ahead.
func (rs *records) peek(i int) (string, error) {
	for len(rs.ahead) <= i {
		line, err := rs.read()
		if err != nil {
			return "", err
		}
		rs.ahead = append(rs.ahead, line)
	}
	return rs.ahead[i], nil
}

func (rs *records) take(n int) {
	rs.ahead = rs.ahead[n:]
	rs.line += n
}

// read gives the next line of the file without its end, which is LF, CRLF or CR. Of a line that is too long it gives a
// little more than what is allowed.
func (rs *records) read() (string, error) {
	var line []byte
	for {
		_, err := rs.r.Peek(1)
		if err == io.EOF && len(line) > 0 {
			return string(line), nil
		}
		if err != nil {
			return "", err
		}
		part, _ := rs.r.Peek(rs.r.Buffered())
		end := bytes.IndexAny(part, "\r\n")
		if end >= 0 {
			part = part[:end]
		}
		line = append(line, part[:min(len(part), maxLine+1-len(line))]...)
		rs.r.Discard(len(part))
		if end >= 0 {
			rs.endLine()
			return string(line), nil
		}
	}
}

// endLine reads LF, CRLF or CR.
func (rs *records) endLine() {
	if b, _ := rs.r.ReadByte(); b == '\n' {
		return
	}
	if next, _ := rs.r.Peek(1); string(next) == "\n" {
		rs.r.Discard(1)
	}
}

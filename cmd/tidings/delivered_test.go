package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/emersion/go-message/mail"
)

// delivered is a mail as its recipient's program reads it.
type delivered struct {
	mail.Header
	To         string // the envelope's recipient, by the field that the last server adds
	Text, HTML string
	sequence   [2]int // what it is sorted by: time and count of its file
}

// readMails reads mails from their files, in the order in which they were delivered.
func readMails(files []string) ([]*delivered, error) {
	var mails []*delivered
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		m, err := parseMail(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		m.sequence = maildirSequence(file)
		mails = append(mails, m)
	}
	slices.SortStableFunc(mails, func(a, b *delivered) int { return slices.Compare(a.sequence[:], b.sequence[:]) })
	return mails, nil
}

// maildirSequence takes microseconds and count out of a Maildir name, such as 1482138000.M000123P77Q8.host.
func maildirSequence(file string) (s [2]int) {
	name := file[strings.LastIndexByte(file, '/')+1:]
	var seconds, micros, pid, count int
	if _, err := fmt.Sscanf(name, "%d.M%dP%dQ%d", &seconds, &micros, &pid, &count); err == nil {
		s = [2]int{seconds*1e6 + micros, count}
	}
	return s
}

// parseMail reads a mail with both of its bodies.
func parseMail(data []byte) (*delivered, error) {
	r, err := mail.CreateReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	m := &delivered{Header: r.Header, To: strings.Trim(r.Header.Get("Delivered-To")+r.Header.Get("X-Rcpt-Args"), "<>")}
	for {
		part, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			return m, nil
		} else if err != nil {
			return nil, err
		}
		body, err := io.ReadAll(part.Body)
		if err != nil {
			return nil, err
		}
		switch kind := part.Header.Get("Content-Type"); {
		case strings.HasPrefix(kind, "text/plain"):
			m.Text += string(body)
		case strings.HasPrefix(kind, "text/html"):
			m.HTML += string(body)
		default:
			return nil, errors.New("a part of type " + strconv.Quote(kind))
		}
	}
}

// print writes the header, decoded, and the text.
func (m *delivered) print(w io.Writer) {
	for f := m.Fields(); f.Next(); {
		text, err := f.Text()
		if err != nil {
			text = f.Value()
		}
		fmt.Fprintf(w, "%s: %s\n", f.Key(), text)
	}
	fmt.Fprintf(w, "\n%s", m.Text)
}

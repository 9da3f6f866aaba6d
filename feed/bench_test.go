package feed_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"tidings/feed"
)

// manyEntries returns a feed of n full stories of about 2 kB each.
func manyEntries(n int) feed.Feed {
	f := newsFeed()
	body := strings.Repeat(`<p>The International Organization for Migration said that "more than 1,000" people &amp; their families <a href="https://news.example.org/">arrived</a>.</p>`+"\n", 13)
	for i := range n {
		e := fullEntry()
		e.ID = fmt.Sprintf("tag:news.example.org,2015:%08x", i)
		e.URL = fmt.Sprintf("https://news.example.org/news/%08x/", i)
		e.Content = body
		f.Entries = append(f.Entries, e)
	}
	return f
}

// BenchmarkWrite writes a live feed of 50 entries of 2 kB.
func BenchmarkWrite(b *testing.B) {
	f := manyEntries(50)
	for _, m := range feed.Formats {
		b.Run(m.Name, func(b *testing.B) {
			b.SetBytes(int64(len(write(b, m, f))))
			b.ReportAllocs()
			for b.Loop() {
				if err := m.Write(io.Discard, f); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkCheck checks the same.
func BenchmarkCheck(b *testing.B) {
	f := manyEntries(50)
	for _, m := range feed.Formats {
		b.Run(m.Name, func(b *testing.B) {
			data := write(b, m, f)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if found := feed.Check(m, data); len(found) > 0 {
					b.Fatal(found)
				}
			}
		})
	}
}

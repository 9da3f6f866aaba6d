package feed_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tidings/feed"
	"tidings/items"
)

// TestCheckGolden: what is written is valid.
func TestCheckGolden(t *testing.T) {
	checked := 0
	for _, m := range feed.Formats {
		files, err := filepath.Glob(filepath.Join("testdata", "golden", "*"+m.Ext))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if found := feed.Check(m, data); len(found) > 0 {
				t.Errorf("%s: %v", file, found)
			}
			checked++
		}
		if found := feed.Check(m, write(t, m, hostileFeed())); len(found) > 0 {
			t.Errorf("%s: %v", m.Name, found)
		}
	}
	if checked < 18 {
		t.Errorf("only %d files checked", checked)
	}
}

// TestCheck breaks a valid feed in one place, each time in another.
func TestCheck(t *testing.T) {
	const (
		page   = "https://news.example.org/news/plan/"
		first  = "tag:news.example.org,2015:1f2e"
		second = "tag:news.example.org,2015:3c4d"
	)
	tests := []struct {
		name     string
		format   feed.Format
		old, new string // new takes the place of the first old
		entry    string
		want     string // part of the violation
	}{
		// Well-formed XML (XML 1.0, Namespaces in XML).
		{"1 a control character", feed.RSS, "enfin", "en\x01fin", first, "control character"},
		{"2 a reference to one", feed.Atom, "enfin", "en&#1;fin", first, "&#1;"},
		{"3 no UTF-8", feed.RSS, "enfin", "en\xfffin", first, "not UTF-8"},
		{"4 a character that is none", feed.RSS, "enfin", "en\uFFFEfin", first, "U+FFFE"},
		{"5 an end that ends nothing", feed.RSS, "</guid>", "</giud>", "", "</giud>"},
		{"6 a bare ampersand", feed.Atom, "L&#39;OIM &amp; ses", "L'OIM & ses", first, "reference"},
		{"7 an entity that only HTML has", feed.Atom, "&amp; ses", "&nbsp; ses", first, "&nbsp;"},
		{"8 ]]> in a text", feed.Atom, "enfin", "]]>", first, "]]>"},
		{"9 < in an attribute", feed.Atom, `title="IOM Blog"`, `title="<"`, first, "<"},
		{"10 an attribute twice", feed.Atom, `rel="via"`, `rel="via" rel="via"`, first, "twice"},
		{"11 a prefix that is not declared", feed.RSS, "xmlns:dc=", "xmlns:cd=", first, "dc:creator"},
		{"12 one of an attribute", feed.RSS, "<guid ", `<guid x:y="z" `, "", "x:y"},
		{"13 it ends too early", feed.Atom, "</feed>", "", "", "ends before"},
		{"14 more after its end", feed.Atom, "</feed>", "</feed>x", "", "outside the root"},
		{"15 a second root", feed.Atom, "</feed>", "</feed><feed/>", "", "after the root"},
		{"16 entities of its own", feed.RSS, "<rss ", "<!DOCTYPE rss><rss ", "", "document type"},
		{"17 another encoding", feed.RSS, `encoding="UTF-8"`, `encoding="latin1"`, "", "first line"},
		{"18 an attribute without quotes", feed.Atom, `rel="via"`, `rel=via`, first, "quotes"},
		{"19 an attribute without a value", feed.Atom, `rel="via"`, `rel`, first, "no value"},
		{"20 a tag without an end", feed.Atom, "</feed>", "</feed", "", "no end"},
		{"21 a CDATA section without an end", feed.RSS, "withdrawn.</p>]]>", "withdrawn.</p>", "tag:news.example.org,2015:3c4d", "CDATA"},

		// RSS 2.0 and the profile.
		{"30 no title", feed.RSS, "<title>IOM UK &amp; partners</title>", "", "", "<channel> has no <title>"},
		{"31 a second one", feed.RSS, "<docs>", "<title>T</title><docs>", "", "<title> 2 times"},
		{"32 another version", feed.RSS, `version="2.0"`, `version="0.92"`, "", "2.0"},
		{"33 a name where an address belongs", feed.RSS, "news@example.org (IOM UK)", "IOM UK", "", "managingEditor"},
		{"34 a date of another format", feed.RSS, "Mon, 02 Nov 2015 09:30:00 +0100", "2015-11-02T09:30:00+01:00", first, "RFC 822"},
		{"35 the wrong day of the week", feed.RSS, "Mon, 02 Nov", "Tue, 02 Nov", first, "RFC 822"},
		{"36 no guid", feed.RSS, `<guid isPermaLink="false">` + first + "</guid>", "", "", "no <guid>"},
		{"37 the guid of another", feed.RSS, second, first, first, "same id"},
		{"38 a guid that is taken for a link", feed.RSS, ` isPermaLink="false"`, "", first, "isPermaLink"},
		{"39 an enclosure without a length", feed.RSS, ` length="3221225472"`, "", first, "length"},
		{"40 one without a type", feed.RSS, ` type="application/pdf"`, "", first, "type"},
		{"41 two enclosures", feed.RSS, "<guid ", `<enclosure url="https://a.example/" length="1" type="a/b"/><enclosure url="https://a.example/" length="1" type="a/b"/><guid `, first, "<enclosure>"},
		{"42 a relative link", feed.RSS, "<link>" + page, "<link>/news/plan/", first, "<link>"},
		{"43 no self link", feed.RSS, `rel="self"`, `rel="related"`, "", `rel="self"`},
		{"44 two", feed.RSS, `rel="current"`, `rel="self"`, "", `rel="self"`},
		{"45 an element of Atom", feed.RSS, "<guid ", "<published/><guid ", first, "<published>"},
		{"46 HTML that was not escaped", feed.RSS, "enfin", "<b>enfin</b>", first, "<b>"},
		{"47 a source without address", feed.RSS, ` url="https://blog.example/plan"`, "", first, "url"},
		{"48 no language", feed.RSS, "<dc:language>fr", "<dc:language>français", first, "language"},
		{"49 a picture elsewhere", feed.RSS, `<media:content url="https://news.example.org/`, `<media:content url="`, first, "media/calais.jpg"},
		{"50 a picture of no size", feed.RSS, `width="1200"`, `width="wide"`, first, "width"},
		{"51 text between elements", feed.RSS, "<item>", "<item>text", first, "text directly"},
		{"52 an attribute of nothing", feed.RSS, "<guid ", `<guid permalink="no" `, first, "permalink"},
		{"53 an author without a name", feed.RSS, "<dc:creator>Amanda Nero", "<dc:creator>", first, "creator"},
		{"54 not even RSS", feed.RSS, "rss", "rdf", "", ""},

		// RFC 4287, 5005, 6721.
		{"60 no id", feed.Atom, "<id>" + first + "</id>", "", "", "<entry> has no <id>"},
		{"61 the id of another", feed.Atom, second, first, first, "same id"},
		{"62 an id that is no URI", feed.Atom, first, "1f2e", "1f2e", "URI"},
		{"63 no date", feed.Atom, "    <updated>2015-11-04T09:30:00+01:00</updated>", "", first, "no <updated>"},
		{"64 a date without a zone", feed.Atom, "<published>2015-11-02T09:30:00+01:00", "<published>2015-11-02T09:30:00", first, "RFC 3339"},
		{"65 an empty one", feed.Atom, "<updated>2015-11-05T09:30:00+01:00", "<updated>", "", "RFC 3339"},
		{"66 a feed without author", feed.Atom, "  <author>\n    <name>IOM UK</name>\n    <email>news@example.org</email>\n  </author>", "", "", "no <author>"},
		{"67 an author without name", feed.Atom, "<name>Amanda Nero</name>", "", first, "no <name>"},
		{"68 no self link", feed.Atom, `rel="self"`, `rel="related"`, "", `rel="self"`},
		{"69 no alternate link", feed.Atom, `"` + page + `" rel="alternate"`, `"` + page + `" rel="related"`, first, `rel="alternate"`},
		{"70 two of them; a link without rel is one", feed.Atom, ` rel="via"`, "", first, `rel="alternate"`},
		{"71 a category without a term", feed.Atom, `term="r-and-d" `, "", first, "term"},
		{"72 text of no known type", feed.Atom, `<content type="html"`, `<content type="markdown"`, first, "markdown"},
		{"73 two contents", feed.Atom, "<rights>© IOM 2015", `<content/><rights>© IOM 2015`, first, "<content> 2 times"},
		{"74 a tombstone of nothing", feed.Atom, ` ref="` + second + `"`, "", "", "ref"},
		{"75 an undated one", feed.Atom, `when="2015-11-05T09:30:00+01:00"`, `when="now"`, "", "when"},
		{"76 a language that is none", feed.Atom, `xml:lang="fr"`, `xml:lang="f r"`, first, "language"},
		{"77 a name where an address belongs", feed.Atom, "<email>news@example.org", "<email>IOM", "", "email"},
		{"78 an enclosure of no length", feed.Atom, `length="3221225472"`, `length="-1"`, first, "length"},
		{"79 an address with spaces", feed.Atom, `"https://blog.example/plan"`, `"https://blog.example/p lan"`, first, "web address"},
		{"80 an element of RSS", feed.Atom, "<rights>© IOM 2015", "<guid/><rights>© IOM 2015", first, "<guid>"},
		{"81 another namespace", feed.Atom, "http://www.w3.org/2005/Atom", "http://purl.org/atom/ns#", "", "<feed>"},

		{"82 two archives before it", feed.Atom, `rel="next-archive"`, `rel="prev-archive"`, "", "forks"},
		{"83 two after it", feed.RSS, `rel="prev-archive"`, `rel="next-archive"`, "", "forks"},
		{"84 two live documents", feed.Atom, `rel="prev-archive"`, `rel="current"`, "", "forks"},
		{"85 an archive that is not marked", feed.RSS, "<fh:archive></fh:archive>", "", "", "<archive>"},
		{"86 one that leads nowhere", feed.Atom, `rel="current"`, `rel="related"`, "", `rel="current"`},
		{"87 an author's address without a scheme", feed.Atom, "<name>Amanda Nero</name>", "<name>Amanda Nero</name><uri>page:1</uri>", first, "<uri>"},
		{"88 a link to no page", feed.Atom, `"https://blog.example/plan"`, `"page:1"`, first, "href"},

		// JSON Feed 1.1.
		{"90 not even JSON", feed.JSON, "{", "", "", "JSON"},
		{"91 more after its end", feed.JSON, "\n]}\n", "\n]}}\n", "", "JSON"},
		{"92 another version", feed.JSON, "version/1.1", "version/1", "", "version"},
		{"93 no title", feed.JSON, `"title":"IOM UK & partners",`, "", "", "no title"},
		{"94 no items", feed.JSON, `"items"`, `"authors"`, "", "no items"},
		{"95 no id", feed.JSON, `"id":"` + first + `",`, "", "", "no id"},
		{"96 an id that is a number", feed.JSON, `"` + first + `"`, "1", "", "JSON"},
		{"97 the id of another", feed.JSON, second, first, first, "same id"},
		{"98 no content", feed.JSON, "content_html", "summary", first, "neither"},
		{"99 a content that is no text", feed.JSON, `"content_html":"`, `"content_html":null,"summary":"`, first, "neither"},
		{"100 a date of another format", feed.JSON, "2015-11-02T09:30:00+01:00", "2 Nov 2015", first, "RFC 3339"},
		{"101 a relative address", feed.JSON, page, "/news/plan/", first, "url"},
		{"102 a key of version 1, or of nowhere", feed.JSON, `"summary"`, `"banner_"`, "", "banner_"},
		{"103 an attachment without type", feed.JSON, `"mime_type":"application/pdf",`, "", first, "mime_type"},
		{"104 a size that is a text", feed.JSON, "3221225472", `"3 GB"`, "", "size_in_bytes"},
		{"105 an author without anything", feed.JSON, `"name":"Brown & Co"`, "", first, "author"},
		{"106 a next page that is this one", feed.JSON, "archive/2015-10.json", "archive/2015-11.json", "", "next_url"},
		{"107 a hub without address", feed.JSON, `"url":"https://hub.example/"`, `"url":""`, "", "hubs.url"},
		{"108 no UTF-8", feed.JSON, "partners", "partn\xffers", "", "UTF-8"},
		{"109 no language", feed.JSON, `"language":"fr"`, `"language":"français"`, first, "language"},
		{"110 no address of its own", feed.JSON, `"feed_url"`, `"user_comment"`, "", "user_comment"},
		{"111 a key twice", feed.JSON, `"title":`, `"title":"T","title":`, "", "title twice"},
		{"112 one of an entry", feed.JSON, `"id":`, `"id":"a:b","id":`, "", "id twice"},
		{"113 in capital letters", feed.JSON, `"language":`, `"Language":`, "", "Language"},
		{"114 with an escape", feed.JSON, `"title":`, `"t\u0069tle":`, "", "standard"},
		{"115 half of a character", feed.JSON, "enfin", `en\ud83dfin`, "", "surrogate"},
		{"116 the other half", feed.JSON, "enfin", `en\\\udc00fin`, "", "surrogate"},
		{"117 two first halves", feed.JSON, "enfin", `en\ud83d\ud83dfin`, "", "surrogate"},
		{"118 at the end of a text", feed.JSON, `partners"`, `partners\ud83d"`, "", "surrogate"},
		{"119 a tag that says nothing", feed.JSON, `"tags":[`, `"tags":[" ",`, first, "tags"},
		{"120 an author's address without a scheme", feed.JSON, `"name":"Brown & Co"`, `"url":"page:1"`, first, "authors.url"},
	}
	for _, test := range tests {
		valid := write(t, test.format, archiveFeed())
		broken := bytes.Replace(valid, []byte(test.old), []byte(test.new), 1)
		if bytes.Equal(valid, broken) {
			t.Errorf("%s: there is no %q", test.name, test.old)
			continue
		}
		found := feed.Check(test.format, broken)
		ok := false
		for _, v := range found {
			ok = ok || v.Entry == test.entry && strings.Contains(v.What, test.want)
		}
		if !ok {
			t.Errorf("%s: got %q, want %q of %q", test.name, found, test.want, test.entry)
		}
	}
}

// TestOddButRight: what the configuration and items accept is valid in feeds, and a URI in calendars.
func TestOddButRight(t *testing.T) {
	f := newsFeed(plainEntry("web+news:abc", "T"))
	f.Owner.Email = "a|b+c&d@example.org"
	for _, m := range feed.Formats {
		if found := feed.Check(m, write(t, m, f)); len(found) > 0 {
			t.Errorf("%s: %v", m.Name, found)
		}
	}
	f.Entries[0].Event = &items.Event{Start: items.When{Time: november}}
	c := calendar
	c.Organizer = f.Owner
	var b bytes.Buffer
	if err := feed.WriteCalendar(&b, f, c); err != nil {
		t.Fatal(err)
	}
	if want := "mailto:a%7Cb+c%26d@example.org"; !strings.Contains(b.String(), want) {
		t.Errorf("no %s in\n%s", want, b.String())
	}
}

// TestCheckEscapes: whole characters may be escaped, and people written to.
func TestCheckEscapes(t *testing.T) {
	valid := write(t, feed.JSON, archiveFeed())
	for _, change := range [][2]string{{"enfin", `\ud83d\ude00 \u00e9 \\ud83d \" \ufffd`}, {`"name":"Brown & Co"`, `"url":"mailto:brown@example.org"`}} {
		data := bytes.Replace(valid, []byte(change[0]), []byte(change[1]), 1)
		if found := feed.Check(feed.JSON, data); len(found) > 0 || bytes.Equal(data, valid) {
			t.Errorf("%s: %v", change[1], found)
		}
	}
}

func TestViolation(t *testing.T) {
	for v, want := range map[feed.Violation]string{
		{Entry: "tag:1", What: "no title"}: "entry tag:1: no title",
		{What: "no title"}:                 "no title",
	} {
		if v.String() != want {
			t.Errorf("got %q, want %q", v.String(), want)
		}
	}
}

// FuzzCheck: no document makes the check fail, and what it finds nothing wrong with is well-formed to encoding/xml too.
func FuzzCheck(f *testing.F) {
	for _, m := range feed.Formats[:2] {
		f.Add(string(write(f, m, archiveFeed())))
		f.Add(string(write(f, m, newsFeed())))
	}
	f.Add(`<rss version='2.0' xmlns:a="b"><channel a:c="d"/ ></rss>`)
	f.Add("<a:b xmlns:a='c'><a:b:c/></a:b>")
	f.Add("<a>&#xD800;&#x110000;&#+1;&#0x1;&amp</a>")
	f.Fuzz(func(t *testing.T, text string) {
		feed.Check(feed.JSON, []byte(text))
		for _, m := range feed.Formats[:2] {
			illFormed := false
			for _, v := range feed.Check(m, []byte(text)) {
				illFormed = illFormed || strings.HasPrefix(v.What, "line ")
			}
			if err := wellFormed(text); !illFormed && err != nil {
				t.Fatalf("encoding/xml: %v", err)
			}
		}
	})
}

func wellFormed(text string) error {
	dec := xml.NewDecoder(strings.NewReader(text))
	for {
		if _, err := dec.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

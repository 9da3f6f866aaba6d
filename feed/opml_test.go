package feed_test

import (
	"bytes"
	"encoding/xml"
	"reflect"
	"strings"
	"testing"

	"tidings/feed"
	"tidings/internal/testtool"
)

func TestOPML(t *testing.T) {
	given := []feed.Outline{
		{Title: "News & <views>", Description: "All \x01\"news\"", URL: "https://news.example.org/feeds/news.rss", Home: "https://news.example.org/", Language: "en"},
		{Title: "Plans", URL: "https://news.example.org/feeds/topics/plans.rss"},
	}
	var b bytes.Buffer
	if err := feed.WriteOPML(&b, "IOM UK & partners", feed.Owner{Name: "IOM UK", Email: "news@example.org"}, given); err != nil {
		t.Fatal(err)
	}
	testtool.Lint(t, b.Bytes())
	type outline struct {
		Type        string `xml:"type,attr"`
		Text        string `xml:"text,attr"`
		Title       string `xml:"title,attr"`
		Description string `xml:"description,attr"`
		URL         string `xml:"xmlUrl,attr"`
		Home        string `xml:"htmlUrl,attr"`
		Language    string `xml:"language,attr"`
	}
	var got struct {
		XMLName  xml.Name  `xml:"opml"`
		Version  string    `xml:"version,attr"`
		Title    string    `xml:"head>title"`
		Name     string    `xml:"head>ownerName"`
		Email    string    `xml:"head>ownerEmail"`
		Outlines []outline `xml:"body>outline"`
	}
	if err := xml.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := []outline{
		{"rss", "News & <views>", "News & <views>", `All "news"`, "https://news.example.org/feeds/news.rss", "https://news.example.org/", "en"},
		{"rss", "Plans", "Plans", "", "https://news.example.org/feeds/topics/plans.rss", "", ""},
	}
	if got.Version != "2.0" || got.Title != "IOM UK & partners" || got.Name != "IOM UK" || got.Email != "news@example.org" || !reflect.DeepEqual(got.Outlines, want) {
		t.Errorf("got %+v\nin %s", got, b.String())
	}
	if given[0].Description != "All \x01\"news\"" {
		t.Error("the argument was changed")
	}
}

func TestOPMLRefuses(t *testing.T) {
	one := []feed.Outline{{Title: "News", URL: "https://news.example.org/feeds/news.rss"}}
	tests := []struct {
		name, title string
		outlines    []feed.Outline
		want        string
	}{
		{"1 no feed", "T", nil, "a title and a feed"},
		{"2 no title", "\x01", one, "a title and a feed"},
		{"3 a feed without title", "T", []feed.Outline{{URL: "https://a.example/"}}, "https://a.example/"},
		{"4 a feed without address", "T", []feed.Outline{{Title: "News"}}, `"News"`},
	}
	for _, test := range tests {
		var b bytes.Buffer
		err := feed.WriteOPML(&b, test.title, feed.Owner{}, test.outlines)
		if err == nil || !strings.Contains(err.Error(), test.want) || b.Len() > 0 {
			t.Errorf("%s: error %v after %d bytes, want %s", test.name, err, b.Len(), test.want)
		}
	}
}

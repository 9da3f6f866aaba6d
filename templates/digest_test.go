package templates_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"tidings/items"
	"tidings/templates"
)

// issue is a full digest as a mail: n stories with a summary of 300 characters, the greeting and the link as markers.
func issue(n int) templates.Digest {
	var articles []items.Article
	for i := range n {
		a := templates.SampleArticle()
		a.Title = fmt.Sprintf("Story %d: what governments can do about it and what they have promised to do", i+1)
		a.URL, a.Link = fmt.Sprintf("https://news.example.org/news/story-%d/", i+1), ""
		a.Summary = strings.Repeat("Ten chars ", 30)
		articles = append(articles, a)
	}
	d := templates.SampleDigest(templates.SampleSite(), articles)
	d.Greeting, d.UnsubscribeURL = greetingMarker, linkMarker
	return d
}

const (
	greetingMarker = "GREETING7f3a9c0e5b"
	linkMarker     = "https://marker.invalid/UNSUBSCRIBE7f3a9c0e5b"
)

func TestDigestSize(t *testing.T) {
	full := issue(12)
	if got := len(render(t, nil, "digest.html", full)); got > 40_000 {
		t.Errorf("12 stories take %d bytes", got)
	}
	brief := full
	brief.Brief = true
	got := render(t, nil, "digest.html", brief)
	if len(got) >= len(render(t, nil, "digest.html", full)) || strings.Contains(got, "<img") || strings.Contains(got, full.Articles[1].Summary) {
		t.Error("a brief digest is not shorter, has pictures or whole summaries")
	}
	if !strings.Contains(render(t, nil, "digest.txt", brief), "…") {
		t.Error("the text of a brief digest has whole summaries")
	}
}

func TestDigestForMailClients(t *testing.T) {
	mail := render(t, nil, "digest.html", issue(3))
	for _, want := range []string{
		`<html lang="en" dir="ltr"`, `<meta name="color-scheme" content="light dark">`, `<title>Weekly digest: a story</title>`, "A story, and two more",
		`<!--[if mso]><table role="presentation" width="600"`, `<!--[if mso]></td></tr></table><![endif]-->`, `width="552"`, "height:auto", `alt="A camp at dawn"`,
		"Monday 14 December 2015, 12:45–16:45", "Kohn Centre, Royal Society", `href="https://example.com/register"`, "Migration", "Press release", "London",
		`href="https://news.example.org/newsletters/weekly/7/"`, "1 Example Street, London", greetingMarker, "Here is what is new at Example News.",
	} {
		if !strings.Contains(mail, want) {
			t.Errorf("the mail lacks %s", want)
		}
	}
	if m := regexp.MustCompile(`flex|<picture|webp|<script|class="[^"]*"[^>]*><table|<table(?: class="[a-z]+")? (?:width|cell)`).FindString(mail); m != "" {
		t.Errorf("the mail holds %q", m)
	}
	link := `href="` + linkMarker + `"`
	if strings.Count(mail, link) != 2 || strings.Index(mail, link) > strings.Index(mail, "<h1") || strings.LastIndex(mail, link) < strings.LastIndex(mail, "<h2") {
		t.Error("the unsubscribe link does not stand above and below the stories")
	}
}

func TestDigestText(t *testing.T) {
	text := render(t, nil, "digest.txt", issue(12))
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if utf8.RuneCountInString(line) > 78 && !strings.HasPrefix(strings.TrimSpace(line), "https://") {
			t.Errorf("long line %q", line)
		}
		if strings.Contains(line, "https://") && strings.ContainsRune(strings.TrimSpace(line), ' ') {
			t.Errorf("an address shares its line: %q", line)
		}
	}
	for _, want := range []string{"\n" + greetingMarker + "\n", "\n" + linkMarker + "\n", "\nhttps://news.example.org/news/story-12/\n",
		"\n  When: Monday 14 December 2015, 12:45–16:45\n", "\n  Where: Kohn Centre, Royal Society, 6 Carlton House Terrace, London\n",
		"\n  https://example.com/register\n", "\n1 Example Street, London\n", "\nPress release · 2 November 2015 · London\n", "\nHere is what is new at Example News.\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("the text lacks %q", want)
		}
	}
}

func TestTextForgesNoLines(t *testing.T) {
	d := issue(1)
	d.Articles[0].Title = "A title\n\nUnsubscribe:\nhttps://evil.example/"
	if text := render(t, nil, "digest.txt", d); strings.Contains(text, "\nUnsubscribe:\nhttps://evil.example/") {
		t.Error("a title's line break became one of the mail")
	}
}

func TestDigestPictures(t *testing.T) {
	tests := []struct {
		why, mediaType string
		small          *items.Rendition
		want           string // the picture's address, "" for no picture
	}{
		{"1 known everywhere", "image/jpeg", nil, "https://news.example.org/media/a.jpg"},
		{"2 Outlook shows no WebP", "image/webp", nil, ""},
		{"3 most clients show no SVG", "image/svg+xml", nil, ""},
		{"4 the small one is meant for mail", "image/jpeg", &items.Rendition{URL: "https://news.example.org/media/a-600.jpg", Type: "image/jpeg"}, "https://news.example.org/media/a-600.jpg"},
		{"5 the small one of a WebP may be known everywhere", "image/webp", &items.Rendition{URL: "https://news.example.org/media/a-600.png", Type: "image/png"}, "https://news.example.org/media/a-600.png"},
		{"6 or not", "image/webp", &items.Rendition{URL: "https://news.example.org/media/a-600.webp", Type: "image/webp"}, ""},
	}
	for _, test := range tests {
		d := issue(1)
		d.Articles[0].Image.Type, d.Articles[0].Image.Small = test.mediaType, test.small
		mail := render(t, nil, "digest.html", d)
		if got := strings.Contains(mail, "<img"); got != (test.want != "") || !strings.Contains(mail, `<img src="`+test.want) && got {
			t.Errorf("%s: want the picture %q in\n%s", test.why, test.want, mail)
		}
	}
}

package templates

import (
	"time"

	"tidings/items"
)

// sample is a view to try a template with.
type sample struct {
	template string
	view     any
}

// samples gives each template views that between them take every way through it.
func samples() []sample {
	site, a := sampleSite(), sampleArticle()
	bare := items.Article{ID: "tag:example.org,2015:2", Slug: "bare", URL: site.URL + "news/bare/", Language: "fr", Dir: "ltr",
		Title: "A bare story", Published: a.Published, Updated: a.Published}
	withdrawn := bare
	withdrawn.Withdrawn = true
	all := []items.Article{a, bare, withdrawn}
	d := sampleDigest(site, all)
	page, brief, plain := d, d, d
	page.UnsubscribeURL = ""
	brief.Brief = true
	plain.Articles = []items.Article{bare, a}
	m := sampleMail(site)
	text := m
	text.HTMLURL = ""
	s := []sample{
		{"index.html", Index{site, all}}, {"index.html", Index{site, nil}}, {"index.html", Index{site, plain.Articles}},
		{"issue.html", page}, {"notice.html", NotFound(site)}, {"notice.html", Gone(site)},
		{"feeds.html", FeedList{site, site.URL + "feeds.opml"}}, {"feeds.html", FeedList{Site: sampleBareSite(site)}},
		{"outbox.html", Outbox{site, []OutboxMail{m}}}, {"outbox.html", Outbox{Site: site}}, {"mail.html", m}, {"mail.html", text},
	}
	for _, name := range []string{"staff-done.txt", "staff-paused.txt", "staff-stuck.txt"} {
		for _, n := range sampleStaffNotices(site) {
			s = append(s, sample{name, n})
		}
	}
	for _, d := range []Digest{d, brief, plain} {
		s = append(s, sample{"digest.html", d}, sample{"digest.txt", d})
	}
	for _, state := range []string{"ask", "done", "left", "back", "invalid", "test"} {
		s = append(s, sample{"unsubscribe.html", Unsubscribe{site, state, state == "done", "Weekly digest", "a…@example.com", "/-/u/token"}})
	}
	for _, l := range sampleLists(site, all) {
		s = append(s, sample{"list.html", l})
	}
	for _, f := range sampleFeeds(site, all) {
		s = append(s, sample{"feed.html", f})
	}
	for _, a := range append(all, sampleEvents(a)...) {
		s = append(s, sample{"story.html", Story{site, a}}, sample{"entry.html", Entry{Locale: site.Locale, Article: a}})
	}
	return s
}

func sampleSite() Site {
	u := "https://news.example.org/"
	return Site{Title: "Example News", Description: "What happens at Example", URL: u,
		Owner: Owner{"Example", "news@example.org"}, Locale: LocaleFor("en"),
		Newsletters: []Newsletter{{"weekly", "Weekly digest", 6}},
		Feeds: []FeedLink{
			sampleFeed("Example News", "news"), sampleFeed("Migration", "topics/migration"), sampleFeed("Health", "topics/health"),
			sampleFeed("Français", "languages/fr"), sampleFeed("Amanda Nero", "authors/amanda-nero"), sampleFeed("Events", "events"),
			sampleFeed("Corrections", "corrections"),
		}}
}

func sampleFeed(title, name string) FeedLink {
	base := "https://news.example.org/feeds/" + name
	f := FeedLink{Name: name, Title: title, Page: base + "/", RSS: base + ".rss", Atom: base + ".atom", JSON: base + ".json"}
	if name == "events" {
		f.Calendar = base + ".ics"
	}
	return f
}

// sampleBareSite is one without newsletters, and with one feed alone.
func sampleBareSite(s Site) Site {
	s.Newsletters, s.Feeds = nil, s.Feeds[:1]
	return s
}

// sampleArticle has every field set.
func sampleArticle() items.Article {
	day := time.Date(2015, 11, 2, 9, 0, 0, 0, time.UTC)
	picture := items.Picture{URL: "https://news.example.org/media/a.jpg", Type: "image/jpeg", Size: 120_000, Width: 1600, Height: 900,
		Alt: "A camp at dawn", Credit: "A. Nero", Caption: "The camp in November.",
		Small: &items.Rendition{URL: "https://news.example.org/media/a-600.jpg", Type: "image/jpeg", Size: 30_000, Width: 600, Height: 338},
		Full:  &items.Rendition{URL: "https://news.example.org/media/a-full.jpg", Type: "image/jpeg", Size: 4_200_000, Width: 4800, Height: 2700}}
	return items.Article{
		ID: "tag:example.org,2015:1", Slug: "story", URL: "https://news.example.org/news/story/", Link: "https://www.example.com/story",
		Language: "en", Dir: "ltr", Title: "A story with everything", Kicker: "Press release", Place: "London",
		Summary: "What the story says in a sentence.", Published: day, Updated: day.AddDate(0, 0, 2),
		Authors: []items.Person{{Name: "Amanda Nero", Role: "Photojournalist", Organisation: "Example", URL: "https://example.com/nero"}, {Name: "B. Second"}},
		Contacts: []items.Contact{
			{Name: "Carl Desk", Role: "Press officer", Organisation: "Example", Phone: "+44 (0)20 7000 0000", Email: "press@example.org",
				URL: "https://example.org/press", For: "interviews and images"},
			{Organisation: "Press desk"},
		},
		Topics: []items.Topic{{Slug: "migration", Title: "Migration"}, {Slug: "health", Title: "Health"}},
		Image:  &picture, Images: []items.Picture{picture, {URL: "https://news.example.org/media/b.jpg", Alt: "A road"}},
		Attachments: []items.Document{
			{URL: "https://news.example.org/media/plan.pdf", Title: "Plan", Language: "fr", Type: "application/pdf", Size: 312_000},
			{URL: "https://example.com/plan", Title: "Plan elsewhere"},
		},
		Source:      &items.Source{Title: "Example Blog", URL: "https://blog.example.org/story"},
		Related:     []items.Reference{{Title: "Another story", URL: "https://news.example.org/news/other/"}},
		Event:       sampleEvent(),
		Corrections: []items.Correction{{Date: items.When{Time: day, Whole: true}, Text: "The figure for 2014 was wrong."}},
		Rights:      "© Example 2015",
		Translations: []items.Translation{
			{Language: "fr", Title: "Une histoire complète", URL: "https://news.example.org/news/story-fr/"},
			{Language: "ar", Title: "قصة كاملة", URL: "https://news.example.org/news/story-ar/", Original: true},
		},
		Body: "<p>The story.</p>",
	}
}

func sampleEvent() *items.Event {
	start := time.Date(2015, 12, 14, 12, 45, 0, 0, time.UTC)
	return &items.Event{Start: items.When{Time: start}, End: items.When{Time: start.Add(4 * time.Hour)}, Venue: "Royal Society",
		Room: "Kohn Centre", Address: "6 Carlton House Terrace, London", Register: &items.Register{Label: "Eventbrite", URL: "https://example.com/register"},
		Status: items.Postponed}
}

// sampleEvents gives variants of a that differ where templates do: in the event's state, links without a label.
func sampleEvents(a items.Article) []items.Article {
	var variants []items.Article
	for _, status := range []items.EventStatus{"", items.Cancelled, items.Moved} {
		v, e := a, *a.Event
		e.Status, e.Register, v.Event = status, &items.Register{URL: "https://example.com/register"}, &e
		v.Source = &items.Source{URL: "https://blog.example.org/story"}
		variants = append(variants, v)
	}
	variants[0].Event.Register = nil
	variants[1].Source = &items.Source{Title: "Example Blog"}
	return variants
}

func sampleDigest(site Site, articles []items.Article) Digest {
	return Digest{Site: site, Newsletter: site.Newsletters[0], Number: 7, Date: articles[0].Published, Subject: "Weekly digest: a story",
		Preheader: "A story, and two more", Articles: articles, WebURL: site.URL + "newsletters/weekly/7/", Greeting: "Dear Ada,",
		UnsubscribeURL: "https://news.example.org/-/u/token", PostalAddress: "1 Example Street, London"}
}

// sampleLists gives a topic's stories, the past issues of a newsletter, and an empty list.
func sampleLists(site Site, articles []items.Article) []List {
	u := site.URL + "newsletters/weekly/"
	return []List{
		{Site: site, Title: "Migration", Intro: "Who moves, and why", URL: site.URL + "topics/migration/", Feed: &site.Feeds[1],
			Groups: []Group{{"2016", articles[:1]}, {"2015", articles}}},
		{Site: site, Title: "Weekly digest", URL: u, Issues: []IssueLink{{"A story, and two more", u + "7/", articles[0].Published, 7}}},
		{Site: site, Title: "Stories", URL: site.URL + "news/"},
	}
}

// sampleStaffNotices gives the two ways through each notice to the staff.
func sampleStaffNotices(site Site) []StaffNotice {
	began := time.Date(2015, 11, 2, 9, 0, 0, 0, time.UTC)
	full := StaffNotice{Site: site, Newsletter: site.Newsletters[0], Number: 7, Issue: "weekly-7", Subject: "Weekly digest: a story", Began: began,
		Date: began.Add(20 * time.Minute), WebURL: site.URL + "newsletters/weekly/7/", Account: Account{15, 1, 2, 3, 4, 5}, Again: true, Outbox: true,
		Reason: "relay.example.org:587: 550 5.7.1 You are on a list", Pause: 15, Others: true}
	short := full
	short.Account, short.Again, short.Outbox, short.Others = Account{Audience: 7, Accepted: 7}, false, false, false
	return []StaffNotice{full, short}
}

// sampleFeeds gives the landing pages of one feed of each kind, and of one without stories.
func sampleFeeds(site Site, articles []items.Article) []FeedPage {
	var pages []FeedPage
	for _, f := range site.Feeds {
		p := FeedPage{Site: site, Feed: f, Articles: articles}
		if f.Kind() == "corrections" {
			p.Articles, p.Changes = nil, sampleChanges(site, articles)
		}
		pages = append(pages, p)
	}
	return append(pages, FeedPage{Site: site, Feed: site.Feeds[0]})
}

// sampleChanges gives a correction and a withdrawal.
func sampleChanges(site Site, articles []items.Article) []Change {
	day := articles[0].Updated
	return []Change{{site.Locale, articles[0], day, "The figure for 2014 was wrong."}, {site.Locale, articles[2], day, ""}}
}

func sampleMail(site Site) OutboxMail {
	u := site.URL + "-/outbox/1"
	return OutboxMail{Site: site, From: "Example <news@example.org>", To: "ada@example.com", Subject: "Weekly digest",
		Date: time.Date(2015, 11, 2, 9, 0, 0, 0, time.UTC), Headers: []Header{{"List-Id", "<weekly.news.example.org>"}},
		URL: u, HTMLURL: u + "/html", TextURL: u + "/text", SourceURL: u + "/source", ListURL: site.URL + "-/outbox/"}
}

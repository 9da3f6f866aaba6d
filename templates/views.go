package templates

import (
	"html/template"
	"slices"
	"strings"
	"sync"
	"time"

	"tidings/items"
)

// Site is what every page knows of the newsroom it belongs to.
type Site struct {
	Title       string
	Description string
	URL         string // of public/, absolute, ends in a slash
	Owner       Owner
	Feeds       []FeedLink   // the feed of all news first, the others in the order to be shown
	Newsletters []Newsletter // by name
	Locale      *Locale      // of the page's language

	// Parts keeps what is the same on all pages; nil keeps nothing. It may be shared by the languages of one site. When
	// any other field changes, a new one is needed.
	Parts *Parts
}

// Feed is the feed of this name, nil where the site has none.
func (s Site) Feed(name string) *FeedLink {
	for i := range s.Feeds {
		if s.Feeds[i].Name == name {
			return &s.Feeds[i]
		}
	}
	return nil
}

// FeedGroups are the feeds in groups, in the order of the first of each: those that stand alone, those of topics and so on.
func (s Site) FeedGroups() []FeedGroup {
	var groups []FeedGroup
	for _, f := range s.Feeds {
		by := ""
		if strings.Contains(f.Name, "/") {
			by = f.Kind()
		}
		i := slices.IndexFunc(groups, func(g FeedGroup) bool { return g.By == by })
		if i < 0 {
			i, groups = len(groups), append(groups, FeedGroup{By: by})
		}
		groups[i].Feeds = append(groups[i].Feeds, f)
	}
	return groups
}

// FeedGroup is feeds that belong together. By is topics, languages or authors, "" for those that stand alone.
type FeedGroup struct {
	By    string
	Feeds []FeedLink
}

// Parts keeps parts of pages that were made before, so that each is made once and not for every page. The zero Parts
// is empty and ready. It is safe for concurrent use.
type Parts struct{ made sync.Map } // partKey: template.HTML

// part gives a part that was made before; there may be no Parts.
func (p *Parts) part(id partKey) (template.HTML, bool) {
	if p == nil {
		return "", false
	}
	made, ok := p.made.Load(id)
	if !ok {
		return "", false
	}
	return made.(template.HTML), true
}

// Owner is who answers for the newsroom.
type Owner struct{ Name, Email string }

// FeedLink is one feed with its landing page and its formats, all by absolute URL.
type FeedLink struct {
	Name            string // news, topics/SLUG, languages/TAG (in any case), authors/SLUG, events or corrections
	Title           string // the newsroom's, the topic's and so on: what people call the feed
	Page            string // the landing page
	RSS, Atom, JSON string
	Calendar        string // the same for calendar programs (RFC 5545); "" for feeds that have no such format
}

// Kind is what a feed is made by, the first part of its name: news, topics, languages, authors, events or corrections.
func (f FeedLink) Kind() string {
	kind, _, _ := strings.Cut(f.Name, "/")
	return kind
}

// Newsletter is a digest that people can subscribe to.
type Newsletter struct {
	Name, Title string
	Issues      int // past issues that have a page; with 0 the pages do not link to their list
}

// Index is the view of index.html: the latest stories, newest first.
type Index struct {
	Site
	Articles []items.Article
}

// List is the view of list.html, of three kinds of pages: all stories and those of a topic, in Groups, and the past
// issues of a newsletter, in Issues; newest first. With neither the page says that there is nothing yet.
type List struct {
	Site
	Title  string
	Intro  string    // a sentence below the title; may be ""
	URL    string    // canonical, absolute
	Feed   *FeedLink // the topic's own; nil for none
	Groups []Group
	Years  []YearLink // of a long list, which shows one year: the others; newest first
	Issues []IssueLink
}

// YearLink leads to the part of a long list that holds one year.
type YearLink struct {
	Year  string
	Count int // stories
	URL   string
}

// Group is the stories of one year. Heading is the year, as the rows show day and month alone.
type Group struct {
	Heading  string
	Articles []items.Article
}

// IssueLink is one past issue of a newsletter; URL is that of its page.
type IssueLink struct {
	Title, URL string
	Date       time.Time // in the newsroom's time zone
	Number     int
}

// Story is the view of story.html: one story's page. A withdrawn story is shown as a notice.
type Story struct {
	Site
	items.Article
}

// FeedPage is the view of feed.html, the landing page of one feed: what it is, how to subscribe, and the newest of what
// it holds, newest first. The feed of corrections has Changes, all others have Articles.
type FeedPage struct {
	Site
	Feed     FeedLink
	Articles []items.Article
	Changes  []Change
}

// FeedList is the view of feeds.html, the page with all feeds of the site.
type FeedList struct {
	Site
	OPML string // address of the list that feed readers import
}

// Change is one entry of the feed of corrections: a correction or a withdrawal.
type Change struct {
	Locale  *Locale // of the entry, which has the story's language
	Article items.Article
	Date    time.Time // in the newsroom's time zone
	Text    string    // what was put right, plain text; "" where the story was withdrawn
}

// Title is what feeds call the change: plain text that does not name a withdrawn story.
func (c Change) Title() string {
	if c.Text == "" || c.Article.Withdrawn {
		return c.Locale.T("withdrawn_title")
	}
	return c.Locale.T("correction_of", c.Article.Title)
}

// Entry is the view of entry.html: the HTML that a feed carries for a story: all that the page shows but the title,
// the date and the byline, which feed readers show themselves. Withdrawn stories give the notice.
type Entry struct {
	Locale  *Locale
	Article items.Article

	Site  *Site // that the page belongs to; nil in feeds
	Small bool  // the small picture will do
}

// Calendar is the address of the file that puts the story's event into a calendar; it lies beside the story's page.
func (e Entry) Calendar() string { return e.Article.URL + "event.ics" }

// Changed says when the story last changed for its readers, and whether that was a correction; "" if it never did.
func (e Entry) Changed() string {
	if !e.Article.Updated.After(e.Article.Published) {
		return ""
	}
	key := "updated"
	for _, c := range e.Article.Corrections {
		if sameDay(c.Date.Time, e.Article.Updated) {
			key = "corrected"
		}
	}
	return e.Locale.T(key, e.Locale.Date(e.Article.Updated))
}

// Kicker is the short line above the title: the story's own, else "Event" for one that announces something.
func (e Entry) Kicker() string {
	if e.Article.Kicker == "" && e.Article.Event != nil {
		return e.Locale.T("event")
	}
	return e.Article.Kicker
}

// Digest is the view of digest.html and digest.txt, an issue as a mail to one subscriber, and of issue.html, the same
// issue as a page. In a mail Greeting and UnsubscribeURL hold markers that are replaced for each recipient.
type Digest struct {
	Site
	Newsletter     Newsletter
	Number         int
	Date           time.Time // in the newsroom's time zone
	Subject        string
	Preheader      string          // what mail clients show beside the subject
	Articles       []items.Article // in the order to be shown; the first is the lead
	Brief          bool            // the mail would be too long: no pictures, shorter summaries
	WebURL         string          // the issue as a page
	Greeting       string          // plain text, such as "Dear Ada,"; in a mail a marker
	UnsubscribeURL string          // in a mail a marker; "" on the page
	PostalAddress  string
}

// Unsubscribe is the view of unsubscribe.html, the page behind the link in a mail.
type Unsubscribe struct {
	Site
	// State is "ask": a button; "done": has left now; "left": had left before; "back": has subscribed again now; "invalid": no such
	// link; "test": the link of a test mail or a preview, behind which nobody stands.
	State      string
	Returnable bool   // with "done" and "left": a button to subscribe again
	Newsletter string // title; "" when not known
	Address    string // masked: a…@example.com; "" when not known
	Action     string // where the button posts to
}

// Notice is the view of notice.html: a plain page that says one thing, such as 404 Not Found.
type Notice struct {
	Site
	Heading string
	Text    string
}

// StaffNotice is the view of staff-done.txt, staff-paused.txt and staff-stuck.txt: a mail that tells the staff what became of
// an issue. The first line that they give is the subject, the rest is the text.
type StaffNotice struct {
	Site
	Newsletter Newsletter
	Number     int
	Issue      string    // the name by which commands know it, such as weekly-12
	Subject    string    // of the issue
	Began      time.Time // when the issue was made; both times are in the newsroom's time zone
	Date       time.Time // when what the notice tells happened
	WebURL     string    // the issue as a page
	Account    Account
	Again      bool   // done: some of its recipients were sent it once more
	Outbox     bool   // done: there is no mail server, so the mails lie in the outbox
	Reason     string // paused, stuck: what the mail server said, or why there is no connection; foreign words
	Pause      int    // paused: for how many minutes the mail server is left alone
	Others     bool   // paused: there are other mail servers
}

// Account is how many of an issue's recipients are in which state; the audience is the sum of all others.
type Account struct{ Audience, Accepted, Rejected, Suppressed, Unknown, Waiting int }

// NotFound is the notice for an address that has nothing: the page of a 404.
func NotFound(s Site) Notice {
	return Notice{s, s.Locale.T("not_found_title"), s.Locale.T("not_found_text")}
}

// Gone is the notice for a story that was erased, the page of a 410. It names nothing.
func Gone(s Site) Notice {
	return Notice{s, s.Locale.T("gone_title"), s.Locale.T("gone_text")}
}

// Outbox is the view of outbox.html: the mails that a demo put into the outbox, newest first.
type Outbox struct {
	Site
	Mails []OutboxMail
}

// OutboxMail is one mail of the outbox, and the view of mail.html. HTMLURL, TextURL and SourceURL show its parts;
// HTMLURL is "" for a mail of text alone.
type OutboxMail struct {
	Site
	From, To, Subject           string
	Date                        time.Time
	Headers                     []Header // those a reader of mail seldom sees: List-Unsubscribe and the like
	URL                         string   // of the mail's own page
	HTMLURL, TextURL, SourceURL string
	ListURL                     string // back to the list
}

// Header is one header field of a mail, unfolded and decoded.
type Header struct{ Name, Value string }

// Head is the view of the partial "top", the beginning of every page. A page whose URL is "" is kept out of search
// engines; Story is the story that the page is about, Feed the feed of its subject, Image what stands for the page where
// links to it are shown, each nil for none.
type Head struct {
	Site
	Title       string
	Description string
	URL         string
	Section     string // of the site's own sections the one that the page is: index, news, feeds; else ""
	Story       *items.Article
	Feed        *FeedLink
	Image       *items.Picture
}

// FullTitle is the page's title with that of the site.
func (h *Head) FullTitle() string {
	if h.Title == h.Site.Title {
		return h.Title
	}
	return h.Title + " – " + h.Site.Title
}

// Announced are the feeds that the page tells programs of: that of all news, the page's own, on the index those of all
// kinds but authors, and for a story those of its language and of events.
func (h *Head) Announced() []FeedLink {
	var out []FeedLink
	for i, f := range h.Feeds {
		if i == 0 || h.Feed != nil && f == *h.Feed || h.Section == "index" && f.Kind() != "authors" || h.Story != nil && fits(f, h.Story) {
			out = append(out, f)
		}
	}
	return out
}

// fits tells whether a feed holds stories like this one; topics are not looked at, as a story may have many.
func fits(f FeedLink, a *items.Article) bool {
	return strings.EqualFold(f.Name, "languages/"+a.Language) || f.Name == "events" && a.Event != nil
}

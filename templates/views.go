package templates

import (
	"time"

	"tidings/items"
)

// Site is what every page knows of the newsroom it belongs to.
type Site struct {
	Title       string
	Description string
	URL         string // of public/, absolute, ends in a slash
	Owner       Owner
	Feeds       []FeedLink   // the feed of all news first
	Newsletters []Newsletter // by name
	Locale      *Locale      // of the page's language
}

// Owner is who answers for the newsroom.
type Owner struct{ Name, Email string }

// FeedLink is one feed in each of its formats, by absolute URL.
type FeedLink struct{ Title, RSS, Atom, JSON string }

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
	Issues []IssueLink
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

// Entry is the view of entry.html: the HTML that a feed carries for a story: all that the page shows but the title,
// the date and the byline, which feed readers show themselves. Withdrawn stories give the notice.
type Entry struct {
	Locale  *Locale
	Article items.Article
}

// Kicker is the short line above the title: the story's own, else "Event" for one that announces something.
func (e Entry) Kicker() string {
	if e.Article.Kicker == "" && e.Article.Event != nil {
		return e.Locale.T("event")
	}
	return e.Article.Kicker
}

// Digest is the view of digest.html and digest.txt, an issue as a mail to one subscriber, and of issue.html, the same
// issue as a page. In a mail Name and UnsubscribeURL hold markers that are replaced for each recipient.
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
	// State is "ask": a button; "done": has left now; "left": had left before; "invalid": no such link; "test": the link of
	// a test mail or a preview, behind which nobody stands.
	State      string
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
// engines; Story is the story that the page is about and Feed the feed of its subject, each nil for none.
type Head struct {
	Site
	Title       string
	Description string
	URL         string
	Story       *items.Article
	Feed        *FeedLink
}

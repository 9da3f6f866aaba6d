// Package items reads what staff write: item files in Markdown, YAML or JSON become Items, and whatever is wrong with a
// file becomes a problem with its line and a hint. A Folder finds the files, a Store remembers which story each one is,
// and an Article is a story ready to be shown.
//
// A Markdown item begins with YAML between two lines of three dashes, the front matter, and the story follows:
//
//	---
//	title: Response plan for the Mediterranean updated
//	date: 2015-11-02
//	topics: [response-plans]
//	---
//	The story, in Markdown.
//
// A .yaml or .json item holds the same keys, and the story under body. The files are staff's: they are read, never
// edited. They are assumed to be small (at most 1 MiB) and to come from people, who make mistakes.
package items

import (
	"slices"
	"strings"
	"time"
)

// Item is what one item file says, after it was checked: the fields of its front matter and the story itself.
// The yaml names are those that staff write. Text is UTF-8 without control characters, but for the
// line ends and tabs of Body; all but Body is plain text.
type Item struct {
	Title       string       `yaml:"title" also:"headline" json:"title" jsonschema:"required,minLength=1,maxLength=200" jsonschema_description:"The headline, plain text, at most 200 characters."`
	Date        When         `yaml:"date" also:"pubdate,created,created_at" json:"date,omitzero" jsonschema:"required" jsonschema_description:"When the story is published: a date or a date-time. Without an offset it is in the newsroom's time zone. A story dated in the future is held back until then."`
	Updated     When         `yaml:"updated" also:"lastmod,modified,updated_at" json:"updated,omitzero" jsonschema_description:"When the story changed for its readers. Leave it out for a mended typo."`
	Summary     string       `yaml:"summary" also:"description,excerpt,abstract,standfirst" json:"summary,omitempty" jsonschema_description:"One or two sentences for lists, feeds and the digest. Default: the first paragraph."`
	Kicker      string       `yaml:"kicker" json:"kicker,omitempty" jsonschema_description:"A short line above the title, such as Press release."`
	Place       string       `yaml:"place" also:"location,dateline" json:"place,omitempty" jsonschema_description:"The dateline: where the story comes from."`
	Topics      []string     `yaml:"topics" also:"tags,categories,category,keywords,topic" json:"topics,omitempty" jsonschema_description:"Slugs of the topics the story belongs to; each topic has feeds of its own."`
	Language    string       `yaml:"language" also:"lang,locale" json:"language,omitempty" jsonschema_description:"The story's language as a BCP 47 tag, such as en or pt-BR. Default: the one in the file's name, as in story.fr.md, else the newsroom's."`
	Authors     []Person     `yaml:"authors" also:"author,byline" json:"authors,omitempty" jsonschema_description:"Bylines: names, or groups with a name and more."`
	Contacts    []Contact    `yaml:"contacts" json:"contacts,omitempty" jsonschema_description:"Press contacts, shown under the story."`
	Image       *Image       `yaml:"image" also:"cover,thumbnail,featured_image,feature_image,picture,photo" json:"image,omitempty" jsonschema_description:"The picture at the top of the story and in lists."`
	Images      []Image      `yaml:"images" also:"gallery,photos,pictures" json:"images,omitempty" jsonschema_description:"A photo series, shown under the story."`
	Attachments []Attachment `yaml:"attachments" also:"files,downloads,documents" json:"attachments,omitempty" jsonschema_description:"Documents to download."`
	Source      *Source      `yaml:"source" json:"source,omitempty" jsonschema_description:"Where the story was first published; title or url may be left out."`
	Related     []Related    `yaml:"related" also:"see_also" json:"related,omitempty" jsonschema_description:"Other stories: slugs of this newsroom's, or title and url of one elsewhere."`
	Link        string       `yaml:"link" also:"external_url,canonical" json:"link,omitempty" jsonschema:"format=uri" jsonschema_description:"The story lives on another site: lists and feeds lead there."`
	Event       *Event       `yaml:"event" json:"event,omitempty" jsonschema_description:"The story announces something that takes place."`
	Rights      string       `yaml:"rights" also:"copyright,license,licence" json:"rights,omitempty" jsonschema_description:"Copyright line, such as © IOM 2015."`
	PublishAt   When         `yaml:"publish_at" also:"embargo,publishdate,publish_date,published_at" json:"publish_at,omitzero" jsonschema_description:"Embargo: nothing of the story shows before this time."`
	Expires     When         `yaml:"expires" also:"expirydate,expiry,expires_at" json:"expires,omitzero" jsonschema_description:"From this time the story is in no feed and no digest; its page stays."`
	Status      Status       `yaml:"status" also:"draft,published" json:"status,omitempty" jsonschema:"enum=draft,enum=published,enum=withdrawn,enum=erased" jsonschema_description:"draft, published (default), withdrawn (a notice stands in its place) or erased (nothing of it is left)."`
	Corrections []Correction `yaml:"corrections" json:"corrections,omitempty" jsonschema_description:"What was put right, and when; shown with the story."`
	Newsletter  Placement    `yaml:"newsletter" json:"newsletter,omitempty" jsonschema:"enum=auto,enum=lead,enum=skip" jsonschema_description:"The story's place in the digest: auto (default), lead (on top) or skip (left out)."`
	ID          string       `yaml:"id" json:"id,omitempty" jsonschema_description:"Pins the story's identity, as a URI. Leave it out: one is minted and kept."`
	Body        string       `yaml:"body" json:"body,omitempty" jsonschema_description:"The story, in Markdown. In a .md file it stands below the front matter instead."`

	Version Version `yaml:"-" json:"version,omitzero"` // not what the file says, but what its name does
}

// Person is a byline. Only Name is required, and may be written alone.
type Person struct {
	Name         string `yaml:"name" json:"name" jsonschema:"required"`
	Role         string `yaml:"role" json:"role,omitempty"`
	Organisation string `yaml:"organisation" json:"organisation,omitempty"`
	URL          string `yaml:"url" json:"url,omitempty" jsonschema:"format=uri"`
}

// Contact is someone, or a desk without a person, whom journalists may ask. At least one of Name, Role and
// Organisation is set. A Name may be written alone.
type Contact struct {
	Name         string `yaml:"name" json:"name,omitempty"`
	Role         string `yaml:"role" json:"role,omitempty"`
	Organisation string `yaml:"organisation" json:"organisation,omitempty"`
	Phone        string `yaml:"phone" json:"phone,omitempty"`
	Email        string `yaml:"email" json:"email,omitempty" jsonschema:"format=email"`
	URL          string `yaml:"url" json:"url,omitempty" jsonschema:"format=uri"`
	For          string `yaml:"for" json:"for,omitempty" jsonschema_description:"What to ask this contact for, such as interviews and images."`
}

// Image is a picture: Src is a file beside the item file or an http(s) URL.
type Image struct {
	Src     string  `yaml:"src" json:"src" jsonschema:"required"`
	Alt     *string `yaml:"alt" json:"alt,omitempty" jsonschema_description:"What the picture shows, for those who do not see it; \"\" for mere decoration."`
	Credit  string  `yaml:"credit" json:"credit,omitempty"`
	Caption string  `yaml:"caption" json:"caption,omitempty"`
}

// Attachment is a document to download: Src is a file beside the item file or an http(s) URL.
type Attachment struct {
	Src      string `yaml:"src" json:"src" jsonschema:"required"`
	Title    string `yaml:"title" json:"title,omitempty" jsonschema_description:"Default: the file's name."`
	Language string `yaml:"language" json:"language,omitempty"`
}

// Source names where a story was first published. At least one of the two is set.
type Source struct {
	Title string `yaml:"title" json:"title,omitempty"`
	URL   string `yaml:"url" json:"url,omitempty" jsonschema:"format=uri"`
}

// Related points at another story: by Slug at one of this newsroom's, else by Title and URL at one elsewhere.
// In YAML the first kind is written as a plain string.
type Related struct {
	Slug  string `yaml:"-" json:"slug,omitempty"`
	Title string `yaml:"title" json:"title,omitempty"`
	URL   string `yaml:"url" json:"url,omitempty"`
}

// Event is something that takes place. A Start that is a mere date makes it a whole-day event; End is optional and
// of the same kind as Start; a whole-day End is the last day of the event.
type Event struct {
	Start    When        `yaml:"start" json:"start,omitzero" jsonschema:"required"`
	End      When        `yaml:"end" json:"end,omitzero"`
	Venue    string      `yaml:"venue" json:"venue,omitempty"`
	Room     string      `yaml:"room" json:"room,omitempty"`
	Address  string      `yaml:"address" json:"address,omitempty"`
	Register *Register   `yaml:"register" json:"register,omitempty"`
	Status   EventStatus `yaml:"status" json:"status,omitempty" jsonschema:"enum=scheduled,enum=cancelled,enum=postponed,enum=moved"`
}

// Register says where one signs up for an event.
type Register struct {
	Label string `yaml:"label" json:"label,omitempty" jsonschema_description:"What the link says. Default: Register."`
	URL   string `yaml:"url" json:"url" jsonschema:"required,format=uri"`
}

// Correction is one thing that was put right in a published story.
type Correction struct {
	Date When   `yaml:"date" json:"date,omitzero" jsonschema:"required"`
	Text string `yaml:"text" json:"text" jsonschema:"required"`
}

// Status is what staff decided about a story. The empty status means Published.
type Status string

// The states of a story.
const (
	Draft     Status = "draft"
	Published Status = "published"
	Withdrawn Status = "withdrawn"
	Erased    Status = "erased"
)

// EventStatus is the state of an event. The empty status means scheduled.
type EventStatus string

// The states of an event.
const (
	Scheduled EventStatus = "scheduled"
	Cancelled EventStatus = "cancelled"
	Postponed EventStatus = "postponed"
	Moved     EventStatus = "moved"
)

// Placement is a story's place in the digest. The empty placement means Auto.
type Placement string

// The places of a story in the digest.
const (
	Auto Placement = "auto"
	Lead Placement = "lead"
	Skip Placement = "skip"
)

// Due is the moment from which the story may show: the latest of its date and its embargo.
func (it *Item) Due() time.Time {
	if it.PublishAt.Time.After(it.Date.Time) {
		return it.PublishAt.Time
	}
	return it.Date.Time
}

// Changed is the last time the story changed for its readers: the latest of Due, Updated and the dates of the
// corrections. It depends on what the item holds alone, never on when it was read, so that the same file gives the same feeds.
func (it *Item) Changed() time.Time {
	last := it.Due()
	if it.Updated.Time.After(last) {
		last = it.Updated.Time
	}
	for _, c := range it.Corrections {
		if c.Date.Time.After(last) {
			last = c.Date.Time
		}
	}
	return last
}

// AsOf gives the item as it is for readers at now: a change and corrections of a later date do not count until then, since readers ignore
// feeds from the future.
func (it *Item) AsOf(now time.Time) *Item {
	later := func(c Correction) bool { return c.Date.Time.After(now) }
	if !it.Updated.Time.After(now) && !slices.ContainsFunc(it.Corrections, later) {
		return it
	}
	then := *it
	if then.Updated.Time.After(now) {
		then.Updated = When{}
	}
	then.Corrections = slices.DeleteFunc(slices.Clone(it.Corrections), later)
	return &then
}

// NextChange is the next time after now at which the item changes by itself: when it expires, or AsOf gives more of it; zero if there is
// none.
func (it *Item) NextChange(now time.Time) (next time.Time) {
	soonest := func(t time.Time) {
		if t.After(now) && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	soonest(it.Expires.Time)
	soonest(it.Updated.Time)
	for _, c := range it.Corrections {
		soonest(c.Date.Time)
	}
	return next
}

// Expired tells whether the story has left the feeds and the digest by now.
func (it *Item) Expired(now time.Time) bool {
	return !it.Expires.IsZero() && !now.Before(it.Expires.Time)
}

// String is what the byline calls the person: "Amanda Nero, Photojournalist, IOM".
func (p Person) String() string { return joinNonEmpty(p.Name, p.Role, p.Organisation) }

func joinNonEmpty(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), ", ")
}

package items

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"tidings/internal/address"
	"tidings/internal/markup"
	"tidings/internal/problem"
	"tidings/internal/strict"
)

// checker holds an item against the rules and puts into it what follows from them: times in the newsroom's zone,
// defaults, links that may not stay taken out.
type checker struct {
	*Item
	*strict.Document
	rules Parser
	story place
	bad   map[string]bool // times that were complained of

	named        string       // the language in the file's name
	alone, among problem.List // what more is wrong with the file where it is the only version of its story, and where it is not
	past         []pastWhen
}

// lacks tells whether what is missing at path is to be complained of: not if it is there and unreadable, or may be what an
// unknown key was meant to be.
func (c *checker) lacks(path ...any) bool { return !c.HasUnknown() && !c.bad[strict.PathName(path)] }

func (c *checker) run() {
	if !c.Filled() {
		return // what the file means is not known: more complaints would only confuse
	}
	c.texts()
	c.times()
	c.words()
	c.people()
	c.files()
	c.links()
	c.event()
	c.corrections()
	c.body()
}

var htmlTag = regexp.MustCompile(`</?[a-zA-Z][^<>]*>`)

func (c *checker) texts() {
	for _, s := range []*string{&c.Title, &c.Summary, &c.Kicker, &c.Place, &c.Rights, &c.ID, &c.Language, &c.Link} {
		*s = squeeze(*s)
	}
	switch n := utf8.RuneCountInString(c.Title); {
	case n == 0 && c.lacks("title"):
		c.Errorf(c.Line("title"), "add a line such as title: What happened", "title: it is missing")
	case n > MaxTitle:
		c.Errorf(c.Line("title"), "move what does not fit into summary", "title: it has %d characters, more than %d", n, MaxTitle)
	case htmlTag.MatchString(c.Title):
		c.Warnf(c.Line("title"), "write the title without HTML", "title: it is plain text, so %s will show as it stands", htmlTag.FindString(c.Title))
	}
	if c.Summary != "" && htmlTag.MatchString(c.Summary) {
		c.Warnf(c.Line("summary"), "write the summary without HTML", "summary: it is plain text, so %s will show as it stands", htmlTag.FindString(c.Summary))
	}
}

func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }

func (c *checker) times() {
	for _, t := range c.whens() {
		if err := t.when.resolve(c.rules.Location); err != nil {
			c.bad[strict.PathName(t.path)] = true
			c.Errorf(c.Line(t.path...), err.hint, "%s: %s", strict.PathName(t.path), err.what)
		}
	}
	c.past = c.pasts()
	if c.Date.IsZero() && c.lacks("date") {
		c.dateless()
	}
	if !c.Updated.IsZero() && c.Updated.Time.Before(c.Date.Time) {
		c.Warnf(c.Line("updated"), "updated is when the story changed after it was published", "updated: it is before date")
	}
	if !c.Expires.IsZero() && !c.Expires.Time.After(c.Due()) {
		c.Warnf(c.Line("expires"), "expires is when the story leaves the feeds", "expires: the story expires before it is published")
	}
}

// dateless complains of a missing date. A version of another story may leave it out.
func (c *checker) dateless() {
	probs := &c.Problems
	if c.named != "" {
		probs = &c.alone
	}
	probs.Errorf(c.File, c.Line("date"), "add a line such as date: 2015-12-21", "date: it is missing")
}

// pastWhen is a time that can be meant in the past only, and where it stands.
type pastWhen struct {
	time time.Time
	path string
	line int
}

// pasts are when the story changed.
func (c *checker) pasts() (all []pastWhen) {
	for _, t := range c.whens() {
		if name := strict.PathName(t.path); !t.when.IsZero() && !c.bad[name] && (t.path[0] == "updated" || t.path[0] == "corrections") {
			all = append(all, pastWhen{t.when.Time, name, c.Line(t.path...)})
		}
	}
	return all
}

// Ahead warns of changes and corrections whose dates lie in the future at now.
func Ahead(files []File, now time.Time) (probs problem.List) {
	for _, f := range files {
		for _, p := range f.past {
			if p.time.After(now) {
				probs.Warnf(f.Name, p.line, "write the day on which the story changed", "%s: %s lies in the future: it does not count until then", p.path, p.time.Format(time.DateOnly))
			}
		}
	}
	return probs
}

type namedWhen struct {
	when *When
	path []any
}

// whens lists every time in the item, with the path to it.
func (it *Item) whens() []namedWhen {
	all := []namedWhen{
		{&it.Date, []any{"date"}}, {&it.Updated, []any{"updated"}},
		{&it.PublishAt, []any{"publish_at"}}, {&it.Expires, []any{"expires"}},
	}
	if it.Event != nil {
		all = append(all, namedWhen{&it.Event.Start, []any{"event", "start"}}, namedWhen{&it.Event.End, []any{"event", "end"}})
	}
	for i := range it.Corrections {
		all = append(all, namedWhen{&it.Corrections[i].Date, []any{"corrections", i, "date"}})
	}
	return all
}

// words checks what has to be one of a few words.
func (c *checker) words() {
	oneOf(c, &c.Status, []any{"status"}, Published, Draft, Withdrawn, Erased)
	if c.Newsletter != "" || c.named == "" {
		oneOf(c, &c.Newsletter, []any{"newsletter"}, Auto, Lead, Skip)
	}
	c.tongue()
	if c.ID != "" && !address.IsURI(c.ID) {
		c.Errorf(c.Line("id"), "leave id out, or copy the id of the story's feed entry, such as tag:example.org,2015:abc", "id: %q is no URI", c.ID)
	}
	c.topics()
}

// tongue checks the language: what the file says, else its name, else the newsroom's.
func (c *checker) tongue() {
	c.Language = cmp.Or(c.Language, c.named, c.rules.Language)
	c.tag(&c.Language, "language")
	if c.named != "" && c.Language != c.named {
		c.among.Errorf(c.File, c.Line("language"), "take the line out, or rename the file", "language: it is %s here, and %s in the file's name", c.Language, c.named)
	}
}

// oneOf checks a word that may be left out for the first of the known ones.
func oneOf[T ~string](c *checker, word *T, path []any, known ...T) {
	*word = T(strings.ToLower(squeeze(string(*word))))
	if *word == "" {
		*word = known[0]
	}
	if slices.Contains(known, *word) {
		return
	}
	names := make([]string, len(known))
	for i, k := range known {
		names[i] = string(k)
	}
	hint := "write " + strings.Join(names, ", ")
	if n := strict.Nearest(string(*word), names); n != "" {
		hint = fmt.Sprintf("did you mean %s?", n)
	}
	c.Errorf(c.Line(path...), hint, "%s: %q is not known", strict.PathName(path), string(*word))
}

// tag checks a BCP 47 language tag and brings it into its usual form.
func (c *checker) tag(s *string, path ...any) {
	if *s == "" {
		return
	}
	t, err := parseTag(*s)
	if err != nil {
		c.Errorf(c.Line(path...), "write a language tag such as en, fr or pt-BR", "%s: %q is no language", strict.PathName(path), *s)
		return
	}
	*s = t
}

func (c *checker) topics() {
	var topics []string
	for i, name := range c.Topics {
		slug := Slugify(name)
		if c.rules.Topics != nil {
			slug = c.knownTopic(name)
		}
		switch {
		case slug == "":
			c.Warnf(c.Line("topics", i), c.topicHint(name), "topics: %q is not known: the story is published without it", name)
		case !slices.Contains(topics, slug):
			topics = append(topics, slug)
		}
	}
	c.Item.Topics = topics
}

// knownTopic finds a configured topic by its slug or its title.
func (c *checker) knownTopic(name string) string {
	for slug, title := range c.rules.Topics {
		if strings.EqualFold(slug, squeeze(name)) || strings.EqualFold(title, squeeze(name)) {
			return slug
		}
	}
	return ""
}

func (c *checker) topicHint(name string) string {
	known := slices.Sorted(maps.Keys(c.rules.Topics))
	if n := strict.Nearest(name, known); n != "" {
		return fmt.Sprintf("did you mean %s?", n)
	}
	if len(known) == 0 {
		return "use letters and digits"
	}
	return "the topics in tidings.yaml are " + strings.Join(known, ", ")
}

func (c *checker) people() {
	for i := range c.Authors {
		a := &c.Authors[i]
		a.Name, a.Role, a.Organisation = squeeze(a.Name), squeeze(a.Role), squeeze(a.Organisation)
		if a.Name == "" && c.lacks("authors", i, "name") {
			c.Errorf(c.Line("authors", i), "write {name: Amanda Nero, role: Photojournalist}", "authors[%d].name: it is missing", i+1)
		}
		c.web(&a.URL, "authors", i, "url")
	}
	for i := range c.Contacts {
		p := &c.Contacts[i]
		for _, s := range []*string{&p.Name, &p.Role, &p.Organisation, &p.Phone, &p.Email, &p.For} {
			*s = squeeze(*s)
		}
		if p.Name == "" && p.Role == "" && p.Organisation == "" && c.lacks("contacts", i) {
			c.Errorf(c.Line("contacts", i), "a desk without a person has a role, such as Press office", "contacts[%d]: neither name nor role nor organisation is given", i+1)
		}
		c.email(&p.Email, "contacts", i, "email")
		c.web(&p.URL, "contacts", i, "url")
	}
}

func (c *checker) email(s *string, path ...any) {
	if *s == "" {
		return
	}
	if !address.IsEmail(*s) {
		c.Warnf(c.Line(path...), "write name@example.org", "%s: %q is no email address: it is left out", strict.PathName(path), *s)
		*s = ""
	}
}

// web writes a web address as it has to be, and takes out what is none.
func (c *checker) web(s *string, path ...any) {
	web, ok := address.Web(strings.TrimSpace(*s))
	if !ok && web != "" {
		c.Warnf(c.Line(path...), "write the whole address: https://…", "%s: %q is no web address: it is left out", strict.PathName(path), web)
		web = ""
	}
	*s = web
}

func (c *checker) files() {
	if c.Image != nil {
		c.image(c.Image, "image")
	}
	for i := range c.Images {
		c.image(&c.Images[i], "images", i)
	}
	for i := range c.Attachments {
		a := &c.Attachments[i]
		a.Title = squeeze(a.Title)
		c.src(&a.Src, "attachments", i)
		c.tag(&a.Language, "attachments", i, "language")
	}
}

func (c *checker) image(img *Image, path ...any) {
	img.Credit, img.Caption = squeeze(img.Credit), squeeze(img.Caption)
	c.src(&img.Src, path...)
	if img.Alt == nil {
		c.Warnf(c.Line(path...), `add alt: "what the picture shows", for those who do not see it; alt: "" if it is mere decoration`,
			"%s.alt: the picture has no alternative text", strict.PathName(path))
		return
	}
	*img.Alt = squeeze(*img.Alt)
}

// src checks the name of a file, or writes a web address as it has to be.
func (c *checker) src(s *string, path ...any) {
	what := strict.PathName(path) + ".src"
	src, web := address.Web(strings.TrimSpace(*s))
	*s = src
	switch {
	case web:
	case src == "" && !c.lacks(path...):
	case src == "":
		c.Errorf(c.Line(path...), "write {src: picture.jpg}, the name of a file beside this one", "%s: it is missing", what)
	case strings.Contains(src, `\`):
		c.Errorf(c.Line(path...), "write the path with /", "%s: %q holds a backslash", what, src)
	case schemeOf(src) != "":
		c.Errorf(c.Line(path...), "put the file beside this one and write its name, or write https://…", "%s: %q is neither a file nor a web address", what, src)
	}
}

func (c *checker) links() {
	link, ok := address.Web(c.Link)
	if c.Link = link; !ok && link != "" {
		c.Errorf(c.Line("link"), "write the whole address: https://…", "link: %q is no web address", link)
	}
	if s := c.Source; s != nil {
		s.Title = squeeze(s.Title)
		c.web(&s.URL, "source", "url")
		if *s == (Source{}) {
			c.Source = nil
		}
	}
	var related []Related
	for i, r := range c.Related {
		r.Slug, r.Title = strings.Trim(squeeze(r.Slug), "/"), squeeze(r.Title)
		if _, ok := address.Web(r.Slug); ok { // an address without a title
			r.Slug, r.URL = "", r.Slug
		}
		c.web(&r.URL, "related", i, "url")
		if r.Slug != "" || r.URL != "" {
			related = append(related, r)
		}
	}
	c.Related = related
}

func (c *checker) event() {
	e := c.Event
	if e == nil {
		return
	}
	e.Venue, e.Room, e.Address = squeeze(e.Venue), squeeze(e.Room), squeeze(e.Address)
	oneOf(c, &e.Status, []any{"event", "status"}, Scheduled, Cancelled, Postponed, Moved)
	switch {
	case e.Start.IsZero() && !c.lacks("event", "start"):
	case e.Start.IsZero():
		c.Errorf(c.Line("event"), "write start: 2015-12-14T12:45, or start: 2015-12-14 for a whole day", "event.start: it is missing")
	case !e.End.IsZero() && e.End.Whole != e.Start.Whole:
		c.Errorf(c.Line("event", "end"), "write both as days, or both with a time", "event.end: one of start and end has a time of day, the other has none")
	case !e.End.IsZero() && e.End.Time.Before(e.Start.Time):
		c.Errorf(c.Line("event", "end"), "exchange start and end, or mend the date", "event.end: the event ends before it starts")
	}
	if e.Register != nil {
		e.Register.Label = squeeze(e.Register.Label)
		c.web(&e.Register.URL, "event", "register", "url")
		if e.Register.URL == "" {
			e.Register = nil
		}
	}
}

func (c *checker) corrections() {
	for i := range c.Corrections {
		k := &c.Corrections[i]
		k.Text = squeeze(k.Text)
		if k.Text == "" && c.lacks("corrections", i, "text") {
			c.Errorf(c.Line("corrections", i), "say what was put right", "corrections[%d].text: it is missing", i+1)
		}
		if k.Date.IsZero() && c.lacks("corrections", i, "date") {
			c.Errorf(c.Line("corrections", i), "write date: 2015-11-04", "corrections[%d].date: it is missing", i+1)
		}
	}
}

func (c *checker) body() {
	if strings.TrimSpace(c.Body) == "" && c.Link == "" && c.Status == Published {
		c.Warnf(c.story.line, "write the story, or give link: https://… if it lives elsewhere", "the story has no text")
	}
	for i, line := range strings.Split(c.Body, "\n") {
		if m := shortcode.FindString(line); m != "" {
			c.Warnf(c.story.at(i+1), "write Markdown in its place, such as ![what the picture shows](picture.jpg)", "%q is a shortcode of Hugo's: it is shown as it stands", shorten(m))
		}
		if !strings.Contains(line, "](") {
			continue
		}
		if m := blankInLink.FindStringSubmatch(line); m != nil {
			c.Warnf(c.story.at(i+1), fmt.Sprintf("write <%s> with the angle brackets, or rename the file", m[1]), "the file name %q holds a blank, which ends a link", m[1])
		}
	}
	if markup.Ordinary(c.Body) {
		return
	}
	for _, r := range markup.Refs(c.Body) {
		line := c.story.at(r.Line)
		switch scheme := schemeOf(r.URL); {
		case r.Image && (scheme == "mailto" || scheme == "tel"), !slices.Contains([]string{"", "http", "https", "mailto", "tel"}, scheme):
			c.Warnf(line, "links may begin with https:, http:, mailto: or tel:", "the link to %q is left out, its text stays", shorten(r.URL))
		case r.Image && !r.Alt:
			c.Warnf(line, "write ![what the picture shows](picture.jpg)", "the picture %q has no alternative text", shorten(r.URL))
		}
	}
}

// shortcode finds {{< figure src="a.jpg" >}} and {{% note %}}.
var shortcode = regexp.MustCompile(`\{\{[<%].*?[%>]\}\}`)

// blankInLink finds ![Photo](IMG 2041.jpg), which Markdown takes for plain text.
var blankInLink = regexp.MustCompile(`\]\(([^()<>"'\s][^()<>"']*\s[^()<>"']*\.[A-Za-z0-9]{2,5})\)`)

var schemePattern = regexp.MustCompile(`^\s*([a-zA-Z][a-zA-Z0-9+.-]*):`)

func schemeOf(ref string) string {
	if m := schemePattern.FindStringSubmatch(ref); m != nil {
		return strings.ToLower(m[1])
	}
	return ""
}

func shorten(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}

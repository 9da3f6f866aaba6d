package config

import (
	"errors"
	"maps"
	"net"
	"net/mail"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/language"

	"tidings/digest"
	"tidings/internal/address"
	"tidings/internal/strict"
	"tidings/mailer"
	"tidings/mailer/relay"
	"tidings/schedule"
)

// checker holds a configuration against the rules and fills in what follows from it.
type checker struct {
	*Config
	*strict.Document
}

func (k *checker) run() {
	k.required(k.Title, "newsrooms have a name: title: IOM UK News", "title")
	k.required(k.Config.URL, "give the address at which the pages will be read: url: https://news.example.org/", "url")
	k.site(&k.Config.URL, "url")
	k.site(&k.Web.URL, "web", "url")
	k.place()
	k.address(&k.Owner.Email, "owner", "email")
	for i := range k.Staff {
		k.address(&k.Staff[i], "staff", i)
	}
	if strings.Contains(k.Database, "://") {
		k.Errorf(k.Line("database"), "name a file on a local disk, such as state/tidings.db", "database: this version keeps its data in a file")
	}
	k.places()
	k.storage()
	for _, p := range []*string{&k.Items, &k.Publish, &k.Database} {
		*p = k.abs(*p)
	}
	k.folders()
	k.topics()
	k.limits(k.Feeds.Limit, 1, 1000, "feeds", "limit")
	k.limits(k.Feeds.Flood, 0, 1000, "feeds", "flood")
	if c := k.Feeds.Content; c != "full" && c != "summary" {
		k.Errorf(k.Line("feeds", "content"), "write full or summary", "feeds.content: %q is not known", c)
	}
	k.hub()
	for _, name := range slices.Sorted(maps.Keys(k.Newsletters)) {
		k.newsletter(name)
	}
	k.mail()
	if _, port, err := net.SplitHostPort(k.Web.Listen); err != nil || !isPort(port) {
		k.Errorf(k.Line("web", "listen"), "write address:port, such as 127.0.0.1:8080", "web.listen: %q is no address to listen on", k.Web.Listen)
	}
}

func isPort(s string) bool {
	n, err := strconv.Atoi(s)
	return err == nil && n >= 0 && n <= 65535
}

func (k *checker) required(s, hint string, path ...any) {
	if strings.TrimSpace(s) == "" && !k.HasUnknown() {
		k.Errorf(k.Line(path...), hint, "%s: it is missing", strict.PathName(path))
	}
}

func (k *checker) hub() {
	if k.Feeds.Hub != "" && !address.IsWeb(k.Feeds.Hub) {
		k.Errorf(k.Line("feeds", "hub"), "write the hub's address, with https://", "feeds.hub: %q is no address", k.Feeds.Hub)
	}
}

// site checks the address of a site and makes it end in a slash.
func (k *checker) site(s *string, path ...any) {
	if *s == "" {
		return
	}
	web, ok := address.Web(*s)
	u, err := url.Parse(web)
	if !ok || err != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.User != nil {
		k.Errorf(k.Line(path...), "write https://, the host, and a path if there is one", "%s: %q is no address of a site", strict.PathName(path), *s)
		return
	}
	*s = strings.TrimRight(u.String(), "/") + "/"
}

func (k *checker) place() {
	loc, err := time.LoadLocation(k.Timezone)
	if err != nil || k.Timezone == "Local" {
		k.Errorf(k.Line("timezone"), "write a name such as Europe/London or UTC", "timezone: %q is no time zone", k.Timezone)
		loc = time.UTC
	}
	k.Location = loc
	tag, err := language.Parse(k.Language)
	if err != nil {
		k.Errorf(k.Line("language"), "write a language tag such as en, fr or pt-BR", "language: %q is no language", k.Language)
	}
	k.Language = tag.String()
}

func (k *checker) address(s *string, path ...any) {
	if *s != "" && (!address.IsEmail(*s) || !mailable(*s)) {
		k.Errorf(k.Line(path...), "write name@example.org", "%s: %q is no email address", strict.PathName(path), *s)
	}
}

// mailable tells whether mail can be sent to an address, or from it.
func mailable(address string) bool {
	_, err := relay.Address(address)
	return err == nil
}

func (k *checker) abs(p string) string {
	if filepath.IsAbs(p) {
		return filepath.Clean(p)
	}
	return filepath.Join(k.Dir, p)
}

// folders refuses folders that lie within one another where that would publish, or take for items, what must not be.
func (k *checker) folders() {
	if filepath.Dir(k.Database) == k.Dir {
		k.Errorf(k.Line("database"), "write database: state/tidings.db", "database: it needs a folder of its own, for keys and locks lie beside it")
	}
	if within(k.Dir, k.Publish) {
		k.Errorf(k.Line("publish"), "write publish: public", "publish: the whole newsroom lies in it and would be served")
		return
	}
	for _, f := range []struct{ key, path, other, otherPath string }{
		{"items", k.Items, "publish", k.Publish},
		{"publish", k.Publish, "items", k.Items},
		{"database", filepath.Dir(k.Database), "publish", k.Publish},
		{"outbox", k.Outbox(), "publish", k.Publish},
	} {
		if within(f.path, f.otherPath) {
			k.Errorf(max(k.Line(f.key), k.Line(f.other)), "give each a folder of its own", "%s: it lies within the folder of %s", f.key, f.other)
			return
		}
	}
}

func within(path, folder string) bool {
	rel, err := filepath.Rel(folder, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

var slugPattern = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

func (k *checker) topics() {
	for _, slug := range slices.Sorted(maps.Keys(k.Topics)) {
		if !slugPattern.MatchString(slug) {
			k.Errorf(k.Line("topics", slug), "write the slug with small letters, digits and hyphens, and the title behind it: human-trafficking: Human trafficking",
				"topics: %q is no slug", slug)
		}
		if k.Topics[slug] == "" {
			k.Topics[slug] = slug
		}
	}
}

func (k *checker) limits(n, least, most int, path ...any) {
	if n < least || n > most {
		k.Errorf(k.Line(path...), "write a number from "+strconv.Itoa(least)+" to "+strconv.Itoa(most), "%s: %d is out of range", strict.PathName(path), n)
	}
}

func (k *checker) newsletter(name string) {
	n := k.Newsletters[name]
	at := func(key string) []any { return []any{"newsletters", name, key} }
	if !slugPattern.MatchString(name) || len(name) > 40 {
		k.Errorf(k.Line("newsletters", name), "write the name with small letters, digits and hyphens", "newsletters: %q is no name for a newsletter", name)
	}
	k.required(n.Title, "say what subscribers know it as: title: Weekly digest", at("title")...)
	if strings.ContainsFunc(n.Title, unicode.IsControl) {
		k.Errorf(k.Line(at("title")...), "write it on one line", "newsletters.%s.title: it holds a line break or another character that no mail can show", name)
	}
	k.limits(n.MaxItems, 1, 100, at("max_items")...)
	if n.Subject != "" {
		sample := digest.SubjectFields{Newsletter: n.Title, Number: 1, Date: "1 January 2026", Lead: "A story", Count: 2, More: 1}
		if _, err := digest.Subject(n.Subject, sample); err != nil {
			k.Errorf(k.Line(at("subject")...), "write a Go template, such as {{.Newsletter}}: {{.Lead}}", "newsletters.%s.subject: %v", name, err)
		}
	}
	if n.Schedule != "" {
		plan, err := schedule.Parse(n.Schedule)
		var wrong *schedule.Error
		if errors.As(err, &wrong) {
			k.Errorf(k.Line(at("schedule")...), wrong.Hint, "newsletters.%s.schedule: %s", name, wrong.What)
		} else if w := plan.Warning(); w != "" {
			k.Warnf(k.Line(at("schedule")...), "write * for one of them", "newsletters.%s.schedule: %s", name, w)
		}
		n.Plan = plan
	}
	k.Newsletters[name] = n
}

func (k *checker) mail() {
	if len(k.Newsletters) > 0 {
		k.required(k.PostalAddress, "the law wants it in every digest: postal_address: 1 Example Street, London", "postal_address")
		k.required(k.Mail.From, "say who sends the digest: from: IOM UK News <news@example.org>", "mail", "from")
	}
	for _, s := range []struct {
		text string
		key  string
	}{{k.Mail.From, "from"}, {k.Mail.ReplyTo, "reply_to"}} {
		if a, err := mail.ParseAddress(s.text); s.text != "" && (err != nil || !mailable(a.Address)) {
			k.Errorf(k.Line("mail", s.key), "write Name <name@example.org>", "mail.%s: %q is no email address", s.key, s.text)
		}
	}
	k.limits(k.Mail.Connections, 1, 50, "mail", "connections")
	k.domains()
	k.hours()
	k.bounces()
	k.address(&k.Mail.Unsubscribe, "mail", "unsubscribe")
	for i := range k.Mail.Relays {
		k.relay(i)
	}
	k.dkim()
}

// domains brings the names of domains into the form in which recipients are told apart.
func (k *checker) domains() {
	rates := map[string]Rate{}
	for _, name := range slices.Sorted(maps.Keys(k.Mail.Domains)) {
		domain, err := mailer.Domain(name)
		_, twice := rates[domain]
		switch {
		case err != nil:
			k.Errorf(k.Line("mail", "domains", name), "write a domain and its rate, such as example.com: 5/s", "mail.domains: %q is no domain", name)
		case twice:
			k.Errorf(k.Line("mail", "domains", name), "leave one of them out", "mail.domains: %s is there twice", domain)
		}
		rates[domain] = k.Mail.Domains[name]
	}
	k.Mail.Domains = rates
}

func (k *checker) hours() {
	if k.Mail.Hours == "" {
		return
	}
	var err error
	var wrong *schedule.Error
	if k.Mail.Window, err = schedule.ParseHours(k.Mail.Hours); errors.As(err, &wrong) {
		k.Errorf(k.Line("mail", "hours"), wrong.Hint, "mail.hours: %s", wrong.What)
	}
}

// bounces wants room for the code: RFC 5321 §4.5.3.1.1 gives the part before the @ 64 octets.
func (k *checker) bounces() {
	k.address(&k.Mail.Bounces, "mail", "bounces")
	if local, _, _ := strings.Cut(k.Mail.Bounces, "@"); len(local) > 64-len("+")-mailer.ReturnCode {
		k.Errorf(k.Line("mail", "bounces"), "take a shorter one, such as bounces@example.org", "mail.bounces: %q leaves no room for the code that names issue and recipient", k.Mail.Bounces)
	}
}

func (k *checker) relay(i int) {
	r := &k.Mail.Relays[i]
	at := func(key string) int { return k.Line("mail", "relays", i, key) }
	u, err := url.Parse(r.URL)
	if err != nil || u.Scheme != "smtp" && u.Scheme != "smtps" || u.Hostname() == "" || u.Port() != "" && (!isPort(u.Port()) || u.Port() == "0") || strings.Trim(u.Path, "/") != "" {
		k.Errorf(at("url"), "write smtp://relay.example.org:587, or smtps://relay.example.org:465", "mail.relays[%d].url: %q is no mail server", i+1, r.URL)
		return
	}
	if u.User != nil {
		k.Errorf(at("url"), "use username: and password_file:", "mail.relays[%d].url: a name or password does not belong into the address", i+1)
	}
	r.Host, r.Implicit, r.Port = u.Hostname(), u.Scheme == "smtps", 587
	if r.Implicit {
		r.Port = 465
	}
	if p := u.Port(); p != "" {
		r.Port, _ = strconv.Atoi(p) // isPort has seen to it that it is a number
	}
	switch {
	case r.TLS != "required" && r.TLS != "none":
		k.Errorf(at("tls"), "write required or none", "mail.relays[%d].tls: %q is not known", i+1, r.TLS)
	case r.TLS == "none" && r.Username != "":
		k.Errorf(at("tls"), "leave tls out", "mail.relays[%d].tls: a password is not sent over a connection without TLS", i+1)
	}
	k.password(r, at("password_file"), i)
}

func (k *checker) password(r *Relay, line, i int) {
	switch {
	case r.Username == "" && r.PasswordFile == "":
		return
	case r.Username == "" || r.PasswordFile == "":
		k.Errorf(line, "give both username and password_file, or neither", "mail.relays[%d]: one of username and password_file is missing", i+1)
		return
	}
	secret, err := os.ReadFile(k.abs(r.PasswordFile))
	if err != nil {
		k.Errorf(line, "write the password into that file, and let nobody else read it (chmod 600)", "mail.relays[%d].password_file: %v", i+1, err)
		return
	}
	if info, err := os.Stat(k.abs(r.PasswordFile)); err == nil && info.Mode().Perm()&0o077 != 0 {
		k.Warnf(line, "let nobody else read it: chmod 600", "mail.relays[%d].password_file: others on this machine can read it", i+1)
	}
	r.Password = strings.TrimRight(string(secret), "\r\n")
}

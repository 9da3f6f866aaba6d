// Package config reads tidings.yaml, the one file that describes a newsroom. It is strict: every key it does not know
// and every value that cannot be meant is an error with its line, and nothing is run on a guess.
//
// The struct tags are the one description of the keys: the JSON Schema and docs/config.md are made of them.
package config

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"tidings/internal/problem"
	"tidings/internal/strict"
	"tidings/mailer"
	"tidings/publish"
	"tidings/schedule"
)

// File is the name of the file that makes a folder a newsroom.
const File = "tidings.yaml"

// Config is a newsroom's configuration, checked, with defaults filled in and paths made absolute.
type Config struct {
	Title         string                `yaml:"title" jsonschema:"required,minLength=1" jsonschema_description:"The newsroom's name, on pages, in feeds and in mails."`
	URL           string                `yaml:"url" jsonschema:"required,format=uri" jsonschema_description:"Where the publish folder is served, such as https://news.example.org/. Every link is built from it."`
	Language      string                `yaml:"language" default:"en" jsonschema_description:"Language of items and readers that name none, as a BCP 47 tag. Pages and mails speak English, French, German and Spanish."`
	Timezone      string                `yaml:"timezone" default:"UTC" jsonschema_description:"Time zone of dates without an offset and of schedules, such as Europe/London."`
	Description   string                `yaml:"description" jsonschema_description:"One sentence about the newsroom, for feeds and search engines."`
	Owner         Owner                 `yaml:"owner" jsonschema_description:"Who answers for the newsroom."`
	Staff         []string              `yaml:"staff" jsonschema_description:"Email addresses of the staff. Each gets a mail when an issue is done, and when it is paused or stuck because of a mail server. Previews are addressed to the first."`
	PostalAddress string                `yaml:"postal_address" jsonschema_description:"The sender's postal address, which the law wants in every digest. Required once there is a newsletter."`
	Items         string                `yaml:"items" default:"items" jsonschema_description:"Folder of the item files. Folders are relative to this file."`
	PublishTo     Places                `yaml:"publish" default:"public" jsonschema_description:"Folder that gets the feeds and pages; only files that Tidings wrote are ever taken away from it. Or a place in an object storage, such as s3://bucket/prefix, which is kept as the folder public is. Or both, as a list: [site, s3://bucket/prefix]."`
	S3            S3                    `yaml:"s3" jsonschema_description:"Where the object storage of publish is. Its credentials stand in the environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY."`
	Grace         Period                `yaml:"grace" default:"10m" jsonschema_description:"How long a story stays whose file was deleted: after that it counts as withdrawn, and a notice stands in its place. Also how long tidings run lets a story wait for a picture or document beside it that is not there, or not wholly: after that it is published without it."`
	Database      string                `yaml:"database" default:"state/tidings.db" jsonschema_description:"The database file (SQLite), on a local disk. Keys and locks lie beside it."`
	Topics        map[string]string     `yaml:"topics" jsonschema_description:"The topics that items may name, as slug: title. Left out, items name topics freely."`
	Feeds         Feeds                 `yaml:"feeds" jsonschema_description:"What the feeds hold."`
	Newsletters   map[string]Newsletter `yaml:"newsletters" jsonschema_description:"The digests, by a short name of small letters, digits and hyphens."`
	Mail          Mail                  `yaml:"mail" jsonschema_description:"How mail is sent."`
	Web           Web                   `yaml:"web" jsonschema_description:"The built-in web server of tidings run."`

	Dir      string             `yaml:"-" json:"-"` // the newsroom's folder, absolute
	Publish  string             `yaml:"-" json:"-"` // the folder of PublishTo, absolute
	Bucket   *publish.S3Address `yaml:"-" json:"-"` // that of PublishTo; nil: there is none
	Location *time.Location     `yaml:"-" json:"-"` // of Timezone
}

// Owner is a name and an email address.
type Owner struct {
	Name  string `yaml:"name" jsonschema_description:"Default: the newsroom's title."`
	Email string `yaml:"email" jsonschema:"format=email" jsonschema_description:"Where readers may write to."`
}

// S3 is where an object storage is.
type S3 struct {
	Endpoint string `yaml:"endpoint" jsonschema:"format=uri" jsonschema_description:"Its address, such as https://s3.example.org. Default: Amazon's."`
	Region   string `yaml:"region" jsonschema_description:"The bucket's region, such as eu-west-1. Left out: the storage is asked."`
}

// Feeds is what the feeds hold.
type Feeds struct {
	Limit     int    `yaml:"limit" default:"50" jsonschema:"minimum=1,maximum=1000" jsonschema_description:"How many of the newest stories a feed holds."`
	Content   string `yaml:"content" default:"full" jsonschema:"enum=full,enum=summary" jsonschema_description:"full: feeds carry the whole stories. summary: their summaries only."`
	Languages bool   `yaml:"languages" jsonschema_description:"Whether each language has feeds of its own, where stories are in several. The other feeds hold a story that is told in several languages once. Default: no."`
	Authors   bool   `yaml:"authors" jsonschema_description:"Whether each author has feeds of their own. Default: no."`
	Flood     int    `yaml:"flood" default:"10" jsonschema:"minimum=0,maximum=1000" jsonschema_description:"How many stories older than 30 days may come into a feed at once. More are taken for a mistake, and held back."`
	Hub       string `yaml:"hub" jsonschema:"format=uri" jsonschema_description:"A WebSub hub that tells feed readers at once of what is new, such as https://pubsubhubbub.appspot.com/."`
}

// Newsletter is one digest.
type Newsletter struct {
	Title      string `yaml:"title" jsonschema:"required" jsonschema_description:"What subscribers know it as."`
	Schedule   string `yaml:"schedule" jsonschema_description:"When issues go out, as a cron expression in the newsroom's time zone: 0 9 * * MON is Mondays at nine. Left out: only by hand."`
	Late       Period `yaml:"late" default:"2d" jsonschema_description:"How late an issue may still go out when Tidings was not running at its time; later than that, its stories wait for the next one. 0 is no limit."`
	MaxItems   int    `yaml:"max_items" default:"12" jsonschema:"minimum=1,maximum=100" jsonschema_description:"How many stories an issue holds at most; the others wait for the next one."`
	MaxItemAge Period `yaml:"max_item_age" default:"30d" jsonschema_description:"How old a story may be to go into an issue, such as 30d or 12h. 0 is no limit."`
	Subject    string `yaml:"subject" jsonschema_description:"The mail's subject as a Go template with .Newsletter, .Number, .Date, .Lead (the first story's title), .Count and .More (how many besides the first). Default: {{.Newsletter}}: {{.Lead}}."`

	Plan schedule.Schedule `yaml:"-" json:"-"` // of Schedule; the zero Schedule where there is none
}

// Mail is how mail is sent.
type Mail struct {
	From        string          `yaml:"from" jsonschema_description:"The sender, a name and an address in angle brackets. Required once there is a newsletter."`
	ReplyTo     string          `yaml:"reply_to" jsonschema_description:"Where answers go. Default: the sender."`
	Connections int             `yaml:"connections" default:"4" jsonschema:"minimum=1,maximum=50" jsonschema_description:"How many connections may be open to a relay at a time."`
	Rate        Rate            `yaml:"rate" jsonschema_description:"How many messages a relay is given at most, such as 50/s or 1000/h. Left out, or 0: as fast as it takes them."`
	Domains     map[string]Rate `yaml:"domains" jsonschema_description:"The same for recipients of a domain, such as example.com: 5/s."`
	Relays      []Relay         `yaml:"relays" jsonschema_description:"The mail server that takes the mail. Without one, mail goes into the outbox folder. When the first cannot be used, the next is."`
	Hours       string          `yaml:"hours" jsonschema:"pattern=^\\d{1\\,2}:\\d\\d-\\d{1\\,2}:\\d\\d$" jsonschema_description:"The hours of the day in which issues may be sent, in the newsroom's time zone, such as 08:00-20:00. What is not done by then goes on the next day. Left out: all day."`
	Retry       Period          `yaml:"retry" default:"2d" jsonschema_description:"How long a recipient is tried again whose server puts the mail off. After that it counts as rejected."`
	Bounces     string          `yaml:"bounces" jsonschema:"format=email" jsonschema_description:"Where reports of mail that could not be delivered go. Each mail gets a return path of its own: this address with +, a signed code that names the issue and the recipient, before the @. The mailbox must take name+anything@ too. Left out: the address of from."`
	Unsubscribe string          `yaml:"unsubscribe" jsonschema:"format=email" jsonschema_description:"A mailbox to which people may also write to leave, beside the link that each mail has. Somebody must read it, and take them off: tidings subscribers remove. Left out: the link alone."`
	DKIM        DKIM            `yaml:"dkim" jsonschema_description:"How mail is signed. Left out: it is not, and the relay has to sign. tidings dkim new makes a key and prints these lines."`

	Window schedule.Hours `yaml:"-" json:"-"` // of Hours
}

// Relay is a mail server that takes our mail.
type Relay struct {
	URL          string `yaml:"url" jsonschema:"required" jsonschema_description:"smtp://HOST:PORT (STARTTLS, usually port 587) or smtps://HOST:PORT (TLS from the start, usually 465)."`
	Username     string `yaml:"username" jsonschema_description:"Name to log in with. Left out: no login."`
	PasswordFile string `yaml:"password_file" jsonschema_description:"File that holds the password, and nothing else."`
	TLS          string `yaml:"tls" default:"required" jsonschema:"enum=required,enum=none" jsonschema_description:"required, or none for a server on this machine or in your own network."`

	Password string `yaml:"-" json:"-"` // read from PasswordFile
	Host     string `yaml:"-" json:"-"`
	Port     int    `yaml:"-" json:"-"`
	Implicit bool   `yaml:"-" json:"-"` // smtps: TLS from the start
}

// DKIM is how mail is signed, so that receivers know it for the sender's (RFC 6376).
type DKIM struct {
	Domain   string `yaml:"domain" jsonschema_description:"The domain that signs, which has the DNS record. Default: that of from."`
	Selector string `yaml:"selector" jsonschema_description:"The key's name in DNS: the record stands at SELECTOR._domainkey.DOMAIN."`
	KeyFile  string `yaml:"key_file" jsonschema_description:"File of the private key, relative to tidings.yaml: RSA of 2048 to 4096 bits in PEM, which nobody else may read (mode 0600)."`

	Signer *mailer.Signer `yaml:"-" json:"-"` // nil: mail is not signed
}

// Web is the built-in web server.
type Web struct {
	Listen string `yaml:"listen" default:"127.0.0.1:8080" jsonschema_description:"Address and port to listen on."`
	URL    string `yaml:"url" jsonschema:"format=uri" jsonschema_description:"Where the addresses under /-/ (unsubscribing) are reachable, if not below url above."`
}

// Load reads tidings.yaml in dir. The problems name the file as tidings.yaml; when there is an error among them, the
// Config must not be used. The error is of the kind fs.ErrNotExist when dir is no newsroom.
func Load(dir string) (*Config, problem.List, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, nil, err
	}
	data, err := os.ReadFile(filepath.Join(dir, File))
	if err != nil {
		return nil, nil, err
	}
	c, probs := Parse(data, dir)
	return c, probs, nil
}

// Parse reads the text of a tidings.yaml whose newsroom is the absolute path dir.
func Parse(data []byte, dir string) (*Config, problem.List) {
	c := &Config{Dir: dir}
	doc := strict.YAML(File, data, 0, c)
	if !doc.Filled() {
		return c, doc.Problems
	}
	setDefaults(doc, c)
	k := checker{Config: c, Document: doc}
	k.run()
	return c, doc.Problems
}

// Period is a length of time as people write it: 90m, 12h, 30d, 2w. 0 often means "no limit".
type Period time.Duration

// String writes the period in the greatest unit that gives a whole number.
func (p Period) String() string {
	for _, u := range periodUnits {
		if p != 0 && time.Duration(p)%u.length == 0 {
			return fmt.Sprintf("%d%s", time.Duration(p)/u.length, u.name)
		}
	}
	return time.Duration(p).String()
}

// RelayAddress gives the relay as host:port, as relays are named.
func (r Relay) RelayAddress() string { return net.JoinHostPort(r.Host, strconv.Itoa(r.Port)) }

// State is the folder of the database, with the keys and locks beside it.
func (c *Config) State() string { return filepath.Dir(c.Database) }

// Outbox is the Maildir that gets the mail when no relay is configured.
func (c *Config) Outbox() string { return filepath.Join(c.Dir, "outbox") }

// Templates is the folder of the newsroom's own templates; it may be missing.
func (c *Config) Templates() string { return filepath.Join(c.Dir, "templates") }

// StopFile halts all sending while it exists.
func (c *Config) StopFile() string { return filepath.Join(c.Dir, "STOP") }

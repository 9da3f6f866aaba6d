package config_test

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tidings/config"
	"tidings/internal/address"
	"tidings/mailer/relay"
)

var update = flag.Bool("update", false, "write the .want files anew")

// broken lists testdata/broken/*.yaml; finding none is a failure.
func broken(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/broken/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases in testdata/broken: %v", err)
	}
	return files
}

// TestBroken reads each configuration of testdata/broken. Its .want tells why the case is there, then every problem as
// the command line prints it.
func TestBroken(t *testing.T) {
	for _, file := range broken(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, probs := config.Parse(data, "/newsroom")
			got := "fine\n"
			if len(probs) > 0 {
				got = probs.Error() + "\n"
			}
			compare(t, strings.TrimSuffix(file, ".yaml")+".want", got)
		})
	}
}

func compare(t *testing.T, file, got string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	why, want, _ := strings.Cut(string(data), "\n")
	if !strings.HasPrefix(why, "# ") {
		t.Errorf("%s: its first line does not say why the case is there", file)
	}
	if *update {
		if err := os.WriteFile(file, []byte(why+"\n"+got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != want {
		t.Errorf("%s\ngot:\n%swant:\n%s", why, got, want)
	}
}

const least = "title: News\nurl: https://news.example.org\n"

const weekly = least + "postal_address: 1 Example Street\nmail: {from: news@example.org}\nnewsletters:\n  weekly:\n    title: Weekly\n"

// parse reads a configuration that has no problems.
func parse(t *testing.T, text string) *config.Config {
	t.Helper()
	c, probs := config.Parse([]byte(text), "/newsroom")
	if len(probs) > 0 {
		t.Fatalf("%s\ngives\n%v", text, probs)
	}
	return c
}

// TestDefaults wants defaults where a key is absent, and only there.
func TestDefaults(t *testing.T) {
	c := parse(t, weekly)
	n := c.Newsletters["weekly"]
	for i, tt := range []struct{ key, got, want string }{
		{"url, with its slash", c.URL, "https://news.example.org/"},
		{"language", c.Language, "en"},
		{"timezone", c.Timezone + " " + c.Location.String(), "UTC UTC"},
		{"owner.name", c.Owner.Name, "News"},
		{"web.listen", c.Web.Listen, "127.0.0.1:8080"},
		{"items", c.Items, "/newsroom/items"},
		{"publish", c.Publish, "/newsroom/public"},
		{"database", c.Database, "/newsroom/state/tidings.db"},
		{"late", n.Late.String(), "2d"},
		{"max_item_age", time.Duration(n.MaxItemAge).String(), "720h0m0s"},
		{"State", c.State(), "/newsroom/state"},
		{"Outbox", c.Outbox(), "/newsroom/outbox"},
		{"Templates", c.Templates(), "/newsroom/templates"},
		{"StopFile", c.StopFile(), "/newsroom/STOP"},
	} {
		if tt.got != tt.want {
			t.Errorf("%d %s: got %q, want %q", i+1, tt.key, tt.got, tt.want)
		}
	}
	if c.Feeds.Limit != 50 || n.MaxItems != 12 {
		t.Errorf("feeds.limit is %d, max_items %d", c.Feeds.Limit, n.MaxItems)
	}
	if !n.Plan.Next(time.Now(), time.UTC).IsZero() {
		t.Error("a newsletter without a schedule has a slot")
	}
}

// TestPlaces: publish is a folder, an address, or both in any order.
func TestPlaces(t *testing.T) {
	for i, tt := range []struct{ text, folder, bucket string }{
		{"", "/newsroom/public", ""},
		{"publish:\n", "/newsroom/public", ""},
		{"publish: []\n", "/newsroom/public", ""},
		{"publish: site\n", "/newsroom/site", ""},
		{"publish: [site]\n", "/newsroom/site", ""},
		{"publish: s3://news-example\n", "/newsroom/public", "s3://news-example"},
		{"publish: [site, s3://news-example/uk/news/]\n", "/newsroom/site", "s3://news-example/uk/news"},
		{"publish:\n  - s3://news-example\n  - /srv/www\ns3: {endpoint: 'http://127.0.0.1:9000', region: eu-west-1}\n", "/srv/www", "s3://news-example"},
	} {
		c, bucket := parse(t, least+tt.text), ""
		if c.Bucket != nil {
			bucket = c.Bucket.String()
		}
		if c.Publish != tt.folder || bucket != tt.bucket {
			t.Errorf("%d %q: %s and %s", i+1, tt.text, c.Publish, bucket)
		}
	}
}

// TestZeroStays: 0 is "no limit", which is not the same as a key that is absent.
func TestZeroStays(t *testing.T) {
	n := parse(t, weekly+"    max_item_age: 0\n    late: 0\n").Newsletters["weekly"]
	if n.MaxItemAge != 0 || n.Late != 0 {
		t.Errorf("max_item_age: 0 became %v, late: 0 became %v", n.MaxItemAge, n.Late)
	}
}

func TestGiven(t *testing.T) {
	c := parse(t, weekly+"    schedule: 0 9 * * MON\n    max_items: 3\n    max_item_age: 2w\nowner: {name: Ada}\nitems: ../news/\npublish: /srv/www\n"+
		"database: /var/lib/x/y.db\ntimezone: Europe/London\nlanguage: pt-br\ntopics: {calais: The camps, diaspora: ''}\nweb: {url: 'https://app.example.org', listen: ':0'}\n")
	n := c.Newsletters["weekly"]
	for i, tt := range []struct{ got, want string }{
		{c.Items, "/news"},
		{c.Publish, "/srv/www"},
		{c.Database, "/var/lib/x/y.db"},
		{c.Language, "pt-BR"},
		{c.Location.String(), "Europe/London"},
		{c.Owner.Name, "Ada"},
		{c.Web.URL, "https://app.example.org/"},
		{c.Topics["calais"] + " " + c.Topics["diaspora"], "The camps diaspora"}, // a topic without a title is called by its slug
		{n.MaxItemAge.String(), "2w"},
	} {
		if tt.got != tt.want {
			t.Errorf("%d: got %q, want %q", i+1, tt.got, tt.want)
		}
	}
	slot := n.Plan.Next(time.Date(2015, 12, 16, 0, 0, 0, 0, time.UTC), c.Location)
	if want := time.Date(2015, 12, 21, 9, 0, 0, 0, time.UTC); n.MaxItems != 3 || !slot.Equal(want) {
		t.Errorf("max_items is %d, the schedule's next slot %v, not %v", n.MaxItems, slot, want)
	}
}

// TestPeriod reads periods by way of a configuration, and writes them.
func TestPeriod(t *testing.T) {
	for i, tt := range []struct {
		text   string
		length time.Duration // -1: refused
		back   string
	}{
		{"0", 0, "0s"},
		{"0d", 0, "0s"},
		{"45s", 45 * time.Second, "45s"},
		{"90m", 90 * time.Minute, "90m"},
		{"120m", 2 * time.Hour, "2h"}, // the greatest whole unit
		{"12h", 12 * time.Hour, "12h"},
		{"30d", 720 * time.Hour, "30d"},
		{"14d", 14 * 24 * time.Hour, "2w"},
		{`"2w"`, 14 * 24 * time.Hour, "2w"},
		{"3", -1, ""}, // of what?
		{"-3d", -1, ""},
		{"1.5d", -1, ""},
		{"1d12h", -1, ""},
		{"1 d", -1, ""},
		{"1D", -1, ""},
		{"9999999w", -1, ""}, // would overflow
		{"yes", -1, ""},
	} {
		c, probs := config.Parse([]byte(weekly+"    late: "+tt.text+"\n"), "/newsroom")
		switch late := c.Newsletters["weekly"].Late; {
		case tt.length < 0 && !probs.HasErrors():
			t.Errorf("%d %s is taken for %v", i+1, tt.text, late)
		case tt.length < 0:
		case len(probs) > 0 || time.Duration(late) != tt.length || late.String() != tt.back:
			t.Errorf("%d %s gives %v %s, want %v %s; %v", i+1, tt.text, time.Duration(late), late, tt.length, tt.back, probs)
		}
	}
}

func TestRelay(t *testing.T) {
	for i, tt := range []struct {
		url, address string
		implicit     bool
	}{
		{"smtp://relay.example.org", "relay.example.org:587", false},
		{"smtps://relay.example.org", "relay.example.org:465", true},
		{"smtp://relay.example.org:25/", "relay.example.org:25", false},
		{"smtp://127.0.0.1:1025", "127.0.0.1:1025", false},
		{"smtp://[::1]:1025", "[::1]:1025", false},
		{"smtp://[2001:db8::1]", "[2001:db8::1]:587", false},
	} {
		r := parse(t, least+"mail: {relays: [{url: '"+tt.url+"'}]}\n").Mail.Relays[0]
		if named := relay.NewSMTP(relay.Config{Host: r.Host, Port: r.Port}).Name(); r.RelayAddress() != tt.address || named != tt.address || r.Implicit != tt.implicit || r.TLS != "required" {
			t.Errorf("%d %s: %s, and %s where it sends, implicit %v, tls %s", i+1, tt.url, r.RelayAddress(), named, r.Implicit, r.TLS)
		}
	}
}

// TestDomains: domains are told apart as DNS does it.
func TestDomains(t *testing.T) {
	got := parse(t, least+"mail: {domains: {Example.COM: 1/s, müller.example: 2/s}}\n").Mail.Domains
	if len(got) != 2 || got["example.com"] != 1 || got["xn--mller-kva.example"] != 2 {
		t.Errorf("%v", got)
	}
}

// TestLoad reads a newsroom's folder, with a password beside the configuration: a newline at its end is none of it.
func TestLoad(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "smtp.secret"), " pass word \r\n")
	write(t, filepath.Join(dir, config.File), least+"mail: {relays: [{url: 'smtp://relay.example.org', username: news, password_file: smtp.secret}]}\n")
	c, probs, err := config.Load(dir)
	if err != nil || len(probs) > 0 {
		t.Fatal(err, probs)
	}
	if r := c.Mail.Relays[0]; r.Password != " pass word " || r.Username != "news" {
		t.Errorf("logs in as %q with %q", r.Username, r.Password)
	}
	if c.Dir != dir || c.Items != filepath.Join(dir, "items") {
		t.Errorf("the newsroom is %s, its items are in %s", c.Dir, c.Items)
	}
	t.Chdir(dir)
	if c, _, err := config.Load("."); err != nil || c.Dir != dir {
		t.Errorf(". is read as %v: %v", c, err)
	}
	if _, _, err := config.Load(filepath.Join(dir, "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that is no newsroom gives %v", err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// FuzzParse wants no panic, one line of words for each problem and a place within the file, and of a configuration
// without errors all that the rest of the program relies on.
func FuzzParse(f *testing.F) {
	for _, file := range broken(f) {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, probs := config.Parse(data, "/newsroom")
		lines := 1 + strings.Count(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(data)), "\n")
		for _, p := range probs {
			if p.Line < 1 || p.Line > lines || p.What == "" || strings.ContainsAny(p.What, "\r\n") {
				t.Errorf("of %d lines: %v", lines, p)
			}
		}
		if probs.HasErrors() {
			return
		}
		if c.Title == "" || !strings.HasSuffix(c.URL, "/") || !address.IsWeb(c.URL) || c.Location == nil || c.Language == "" || !filepath.IsAbs(c.Items) || c.Feeds.Limit < 1 {
			t.Errorf("%+v", c)
		}
		for name, n := range c.Newsletters {
			if n.Title == "" || n.MaxItems < 1 || n.Late < 0 || c.Mail.From == "" {
				t.Errorf("%s: %+v", name, n)
			}
		}
	})
}

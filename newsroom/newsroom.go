// Package newsroom joins the parts: one opened newsroom is its configuration, its folder of items, its database and its
// templates, and what is done with them: publishing, previewing, sending, unsubscribing. The command line, the daemon and
// the web server call it; what it does itself is only to hand from one part to the next.
package newsroom

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"tidings/config"
	"tidings/internal/db"
	"tidings/internal/problem"
	"tidings/items"
	"tidings/mailer/ledger"
	"tidings/publish"
	"tidings/schedule"
	"tidings/subscribers"
	"tidings/templates"
)

// Newsroom is an opened newsroom. Its methods may be called from several goroutines at once.
type Newsroom struct {
	Config      *config.Config
	Subscribers *subscribers.Store
	Ledger      ledger.Ledger
	Slots       schedule.Store
	Keys        *subscribers.Keys
	Templates   *templates.Set

	db      *db.DB
	stories *items.Store
	now     func() time.Time
	log     *slog.Logger
	rand    io.Reader
	settled bool
	force   bool

	progress func(Progress)

	troubles *troubles
	traffic  traffic
	noticing sync.Mutex // held while a notice is written: the senders of two newsletters may meet the same trouble at once

	telling sync.Mutex // guards untold
	untold  Changes    // what Untold was not asked for yet

	desk   sync.Mutex // guards what is below: they remember what they read
	folder *items.Folder
	assets *publish.Assets
	public *publish.Folder
	shelf  shelf
	last   matched
	shown  map[string][]string // what each feed showed after the last publication, by its name

	published  string      // the print of the desk that was published last
	verified   time.Time   // when the publish folder was last looked at
	lost       int         // files that were missing there so far
	folderSeen os.FileInfo // of the publish folder at that time
	print      string      // of templates and program, on which every document depends
}

// Outside is what a newsroom needs of the world. Each zero field stands for the usual thing.
type Outside struct {
	Now  func() time.Time // time.Now
	Rand io.Reader        // crypto/rand.Reader
	Log  *slog.Logger     // one that says nothing

	// Settled leaves files that were changed less than a second ago for a later look, as the daemon must: it never knows
	// whether someone is still writing. It lets stories wait for their pictures. A command takes files as they are.
	Settled bool

	// Progress is told several times a second how far the sending of an issue is. Without it the log says so every ten seconds.
	Progress func(Progress)

	// View is for those who only look: what is in the database stays as it is, its tables too. See db.View.
	View bool

	// Force publishes what a guard would refuse, and makes every document anew.
	Force bool
}

func (o Outside) orUsual() Outside {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// ErrNone says that a folder is no newsroom: it has no tidings.yaml.
var ErrNone = errors.New("no newsroom here: there is no " + config.File)

// Open opens the newsroom in the folder dir. Faults in tidings.yaml and in its templates are a problem.List, and so is a database or a file of
// keys that others on this machine may read; ErrNone says that there is no newsroom.
func Open(ctx context.Context, dir string, o Outside) (*Newsroom, error) {
	c, set, err := load(dir)
	if err != nil {
		return nil, err
	}
	o = o.orUsual()
	if err := finishRestore(ctx, c.State(), o.Now()); err != nil {
		return nil, err
	}
	if open := db.Exposed(c.Database); len(open) > 0 {
		return nil, open
	}
	openDB := db.Open
	if o.View {
		openDB = db.View
	}
	d, err := openDB(ctx, c.Database)
	if err != nil {
		return nil, err
	}
	keys, err := subscribers.OpenKeys(filepath.Join(c.State(), "keys"), o.Rand)
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	n := &Newsroom{
		Config: c, Templates: set, Keys: keys, db: d, now: o.Now, log: o.Log, rand: o.Rand, settled: o.Settled, force: o.Force, progress: o.Progress, troubles: newTroubles(c.Location),
		Subscribers: &subscribers.Store{DB: d, Random: o.Rand},
		Ledger:      ledger.Ledger{DB: d},
		Slots:       schedule.Store{DB: d},
		folder:      itemsFolder(c),
		stories:     &items.Store{DB: d, Host: host(c), Location: c.Location},
	}
	n.assets = publish.NewAssets(n.folder, c.URL)
	n.print = programPrint(c.Templates())
	n.public = &publish.Folder{DB: d, Dir: c.Publish}
	return n, nil
}

// load reads the newsroom's configuration and templates.
func load(dir string) (*config.Config, *templates.Set, error) {
	c, probs, err := config.Load(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil, ErrNone
	case err != nil:
		return nil, nil, err
	case probs.HasErrors():
		return nil, nil, probs
	}
	set, err := templates.Load(c.Templates())
	return c, set, err
}

func itemsFolder(c *config.Config) *items.Folder {
	f := items.NewFolder(c.Items, filepath.Base(c.Items), items.Parser{Location: c.Location, Language: c.Language, Topics: c.Topics})
	f.Grace = time.Duration(c.Grace)
	return f
}

// host is the host of the newsroom's url, which goes into new ids.
func host(c *config.Config) string {
	if h := publish.Host(c.Publish); h != "" { // the database was lost, and perhaps the site had moved before
		return h
	}
	u, err := url.Parse(c.URL)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// Close closes the newsroom.
func (n *Newsroom) Close() error { return n.db.Close() }

// Healthy tells whether the database answers.
func (n *Newsroom) Healthy(ctx context.Context) error { return n.db.PingContext(ctx) }

// Check gives every problem that the configuration, the templates and the items of the newsroom in dir have now, sorted, and changes nothing.
func Check(ctx context.Context, dir string, now time.Time) (problem.List, error) {
	c, probs, err := config.Load(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNone
	} else if err != nil || probs.HasErrors() {
		return probs.Sorted(), err
	}
	set, err := templates.Load(c.Templates())
	var wrong problem.List
	switch {
	case errors.As(err, &wrong):
		probs = append(probs, wrong...)
	case err != nil:
		return probs, err
	default:
		probs = append(probs, set.Check()...)
	}
	probs = append(probs, db.Exposed(c.Database)...)
	if _, err := subscribers.ReadKeys(filepath.Join(c.State(), "keys")); errors.As(err, &wrong) {
		probs = append(probs, wrong...)
	}
	desk, err := checkItems(ctx, c, now)
	if err != nil {
		return probs, err
	}
	all := desk.AllProblems()
	if err := desk.problem(); err != nil {
		all.Errorf(filepath.Base(c.Items), 0, EmptiedHint, "%v", err)
	}
	return append(all, probs.Sorted()...), nil
}

// checkItems looks at the items of a newsroom, and at the pictures beside them.
func checkItems(ctx context.Context, c *config.Config, now time.Time) (Desk, error) {
	n := &Newsroom{Config: c, folder: itemsFolder(c)}
	n.assets = publish.NewAssets(n.folder, c.URL)
	n.assets.Begin(ctx)
	desk, err := n.checkFiles(ctx, now)
	for _, f := range desk.Scan.Files {
		if f.Item == nil || f.Item.Status == items.Withdrawn || f.Item.Status == items.Erased { // nothing is shown of those
			continue
		}
		for _, ref := range f.Refs {
			if ctx.Err() == nil && !slices.Contains(f.Lacks, ref) {
				n.assets.Check(f.Path, ref)
			}
		}
	}
	return n.withPictures(desk), errors.Join(err, ctx.Err())
}

// checkFiles looks at the item files of a newsroom, which may not have a database yet.
func (n *Newsroom) checkFiles(ctx context.Context, now time.Time) (Desk, error) {
	scan, err := n.folder.Check(ctx, now)
	if err != nil {
		return Desk{}, err
	}
	d, err := db.View(ctx, n.Config.Database)
	if err != nil {
		return Desk{}, err
	}
	defer d.Close()
	n.db, n.stories = d, &items.Store{DB: d, Host: host(n.Config), Location: n.Config.Location}
	return n.match(ctx, scan, now)
}

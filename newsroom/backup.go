package newsroom

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tidings/config"
	"tidings/internal/archive"
	"tidings/internal/db"
	"tidings/internal/problem"
	"tidings/mailer/ledger"
	"tidings/subscribers"
)

// The files in a backup: the database and the keys of links, wherever they lie, and under each of the two folders what lies
// in the newsroom's, or in that of a database elsewhere.
const (
	backupDatabase = "tidings.db"
	backupKeys     = "keys"
	backupNewsroom = "newsroom"
	backupState    = "state"
	backupConfig   = backupNewsroom + "/" + config.File
)

// Saved is what a backup holds.
type Saved struct {
	Subscribers, Issues int
	Left                []string // files that tidings.yaml names and that are not in it, with the reason
}

// ErrNothing says that there is nothing to back up.
var ErrNothing = errors.New("there is no database to back up")

// Backup writes to w a backup of the newsroom in dir as it is at one moment: its database, keys, tidings.yaml, templates, and
// the files of secrets that tidings.yaml names, as long as they lie in the newsroom's folder or beside the database. Items and the publish
// folder are not in it. The newsroom may be at work. A restore that was cut short is finished first. The folder scratch gets a copy of the database meanwhile; version is this program's.
func Backup(ctx context.Context, dir, scratch, version string, now time.Time, w io.Writer) (Saved, error) {
	c, err := readConfig(dir)
	if err != nil {
		return Saved{}, err
	}
	if err := finishRestore(ctx, c.State(), now); err != nil {
		return Saved{}, err
	}
	if err := backupFits(c, scratch); err != nil {
		return Saved{}, err
	}
	copied, err := os.CreateTemp(scratch, ".tidings-*.db") // mode 0600
	if err != nil {
		return Saved{}, err
	}
	defer os.Remove(copied.Name())
	if err := errors.Join(copied.Close(), db.Snapshot(ctx, c.Database, copied.Name())); err != nil {
		return Saved{}, err
	}
	// What could not be restored must not take the place of an older backup that can.
	if err := readable(keysFile(c)); err != nil {
		return Saved{}, err
	}
	if _, err := subscribers.OpenKeys(keysFile(c), nil); err != nil {
		return Saved{}, err
	}
	saved, tables, err := contents(ctx, copied.Name())
	if err != nil {
		return Saved{}, fmt.Errorf("database %s: %w", c.Database, err)
	}
	files := []archive.File{{Name: backupConfig, Path: filepath.Join(c.Dir, config.File)},
		{Name: backupDatabase, Path: copied.Name()}, {Name: backupKeys, Path: keysFile(c)}}
	more, left, err := moreFiles(c)
	if err != nil {
		return Saved{}, err
	}
	saved.Left = left
	m := archive.Manifest{Tidings: version, Made: now.UTC(), Title: c.Title, URL: c.URL, Tables: tables}
	return saved, archive.Write(until{ctx, w}, m, append(files, more...))
}

// until is a writer that fails once its context has ended.
type until struct {
	ctx context.Context
	io.Writer
}

// Write writes p, unless ctx has ended.
func (u until) Write(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.Writer.Write(p)
}

func keysFile(c *config.Config) string { return filepath.Join(c.State(), "keys") }

// readConfig reads tidings.yaml. What is wrong with its lines on mail is no hindrance to a backup, or to bringing back a file that they name.
func readConfig(dir string) (*config.Config, error) {
	c, probs, err := config.Load(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNone
	} else if err != nil {
		return nil, err
	}
	return c, besidesMail(probs)
}

// besidesMail is the problems as an error, unless they are all in lines on mail.
func besidesMail(probs problem.List) error {
	probs = slices.DeleteFunc(probs, func(p problem.Problem) bool { return strings.HasPrefix(p.What, "mail.") })
	if probs.HasErrors() {
		return probs
	}
	return nil
}

// backupFits wants a database, and a folder that is not shown to everybody.
func backupFits(c *config.Config, folder string) error {
	if _, err := os.Stat(c.Database); errors.Is(err, fs.ErrNotExist) { // SQLite would make an empty one, and that would be backed up
		return fmt.Errorf("%w: %s", ErrNothing, c.Database)
	}
	folder, err := filepath.Abs(folder)
	if err != nil {
		return err
	}
	if folder, err = filepath.EvalSymlinks(folder); err != nil {
		return err
	}
	if public, err := filepath.EvalSymlinks(c.Publish); err == nil && inside(public, folder) {
		return fmt.Errorf("%s is published: everybody could read the backup there", folder)
	}
	return nil
}

// inside tells whether a path is a folder or lies in it.
func inside(folder, path string) bool {
	rel, err := filepath.Rel(folder, path)
	return err == nil && filepath.IsLocal(rel)
}

// contents says what is in a copy of the database, and which tables it has. It looks through all of it: what a restore would
// refuse must not become a backup.
func contents(ctx context.Context, path string) (s Saved, tables int64, err error) {
	d, err := db.OpenCopy(ctx, path)
	if err != nil {
		return Saved{}, 0, err
	}
	defer d.Close()
	if s.Subscribers, err = (&subscribers.Store{DB: d}).People(ctx); err != nil {
		return Saved{}, 0, err
	}
	if s.Issues, err = (ledger.Ledger{DB: d}).Count(ctx); err != nil {
		return Saved{}, 0, err
	}
	tables, err = d.Tables(ctx)
	return s, tables, err
}

// readable tells whether a file is there and may be read.
func readable(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	return f.Close()
}

// secrets are the files of secrets that tidings.yaml names.
func secrets(c *config.Config) (paths []string) {
	names := []string{c.Mail.DKIM.KeyFile}
	for _, r := range c.Mail.Relays {
		names = append(names, r.PasswordFile)
	}
	for _, name := range names {
		if name != "" && !filepath.IsAbs(name) {
			name = filepath.Join(c.Dir, name)
		}
		if name != "" && !slices.Contains(paths, name) {
			paths = append(paths, name)
		}
	}
	return paths
}

// moreFiles are the templates and the files of secrets. left are those that cannot be had.
func moreFiles(c *config.Config) (files []archive.File, left []string, err error) {
	paths, err := templateFiles(c)
	if err != nil {
		return nil, nil, err
	}
	for _, p := range append(paths, secrets(c)...) {
		name, err := backupName(c, p)
		if err == nil {
			err = readable(p)
		}
		if err != nil {
			left = append(left, err.Error())
			continue
		}
		files = append(files, archive.File{Name: name, Path: p})
	}
	return files, left, nil
}
func templateFiles(c *config.Config) (paths []string, err error) {
	entries, err := os.ReadDir(c.Templates())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range entries {
		if !e.IsDir() {
			paths = append(paths, filepath.Join(c.Templates(), e.Name()))
		}
	}
	return paths, nil
}

// backupName is the name that a file gets in a backup. The error says why it gets none.
func backupName(c *config.Config, file string) (string, error) {
	for _, place := range []struct{ folder, name string }{{c.Dir, backupNewsroom}, {c.State(), backupState}} {
		if rel, err := filepath.Rel(place.folder, file); err == nil && filepath.IsLocal(rel) {
			return path.Join(place.name, filepath.ToSlash(rel)), nil
		}
	}
	return "", fmt.Errorf("%s: it lies outside the newsroom's folder", file)
}

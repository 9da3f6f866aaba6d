package newsroom

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tidings/config"
	"tidings/internal/archive"
	"tidings/internal/atomicfile"
	"tidings/internal/db"
	"tidings/internal/lock"
	"tidings/internal/problem"
	"tidings/mailer/ledger"
	"tidings/publish"
	"tidings/subscribers"
)

// Errors of restoring.
var (
	ErrInUse    = errors.New("the newsroom is in use")
	ErrRestored = errors.New("the newsroom was restored from a backup, and what was mailed since might be mailed again")
)

// Restored is what Restore brought back.
type Restored struct {
	Saved
	Title, URL string    // of the newsroom when the backup was made
	Made       time.Time // in the newsroom's time zone
	Unknown    int64     // deliveries that may have been made since
	Before     string    // the folder that holds the state that was there; "" if there was none
	Kept       []string  // files that were left as they are, though the backup holds others
	Elsewhere  string    // the newsroom's url if it is another one now; "" otherwise
}

// Restore puts the backup in file into the newsroom in dir: its database and keys in the place of those that are there, and tidings.yaml,
// templates and secrets where they are missing. It changes nothing before all of the backup has been checked, and nothing
// while the newsroom is in use (ErrInUse). What may have been mailed since the backup was made is not mailed again without
// a deliberate word: see ledger.Restored.
func Restore(ctx context.Context, dir, file string, o Outside) (Restored, error) {
	a, err := archive.Open(file)
	if err != nil {
		return Restored{}, err
	}
	r := &restoring{Archive: a, file: file, now: o.orUsual().Now()}
	if err := r.readConfig(dir); err != nil {
		return Restored{}, err
	}
	if err := r.learn(); err != nil {
		return Restored{}, err
	}
	for _, m := range r.Members {
		if _, err := r.destination(m.Name); err != nil {
			return Restored{}, err
		}
	}
	release, err := r.lock(ctx)
	if err != nil {
		return Restored{}, err
	}
	defer release()
	if r.stage, err = newStage(r.config.State()); err != nil {
		return Restored{}, err
	}
	defer os.RemoveAll(r.stage)
	done, err := r.ready(ctx)
	if err != nil {
		return Restored{}, err
	}
	return r.place(done)
}

// restoring is one restore at work.
type restoring struct {
	*archive.Archive
	file   string
	config *config.Config
	known  map[string]bool // tidings.yaml and the secrets that the backup's own names
	stage  string          // a folder beside the database, which gets the backup's files
	now    time.Time
}

// readConfig reads tidings.yaml, or that of the backup where there is none.
func (r *restoring) readConfig(dir string) error {
	for _, name := range []string{backupDatabase, backupKeys, backupConfig} {
		if !r.Has(name) {
			return fmt.Errorf("%s: %w: it has no %s", r.file, archive.ErrDamaged, name)
		}
	}
	var err error
	if r.config, err = readConfig(dir); !errors.Is(err, ErrNone) {
		return err
	}
	c, probs, err := r.ownConfig(dir)
	if err != nil {
		return err
	}
	r.config = c
	return besidesMail(probs)
}

// ownConfig is the backup's tidings.yaml, as if it were in dir.
func (r *restoring) ownConfig(dir string) (*config.Config, problem.List, error) {
	data, err := r.Read(backupConfig)
	if err != nil {
		return nil, nil, err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, nil, err
	}
	c, probs := config.Parse(data, dir)
	return c, probs, nil
}

// learn finds which files a backup of that newsroom holds besides its templates.
func (r *restoring) learn() error {
	c, _, err := r.ownConfig(r.config.Dir)
	if err != nil {
		return err
	}
	r.known = map[string]bool{backupConfig: true}
	for _, p := range secrets(c) {
		if name, err := backupName(c, p); err == nil {
			r.known[name] = true
		}
	}
	return nil
}

// lock keeps all others away from the newsroom, or says that one is at work there.
func (r *restoring) lock(ctx context.Context) (release func(), err error) {
	if err := os.MkdirAll(r.config.Dir, 0o755); err != nil {
		return nil, err
	}
	var held []func()
	defer func() {
		if err != nil {
			releaseAll(held)
		}
	}()
	for _, name := range r.locks() {
		free, err := lock.Try(r.config.State(), name)
		if errors.Is(err, lock.ErrHeld) {
			err = fmt.Errorf("%w: a process holds %s", ErrInUse, filepath.Join(r.config.State(), name))
		}
		if err != nil {
			return nil, err
		}
		held = append(held, free)
	}
	// Whoever opens the database from now on waits for the turn first, and then finds the new one.
	free, err := lock.Take(ctx, r.config.State(), "turn")
	if err != nil {
		return nil, err
	}
	held = append(held, free)
	if _, err := takeOver(r.config.State(), r.now); err != nil { // what an earlier restore left to do
		return nil, err
	}
	return func() { releaseAll(held) }, r.alone(ctx)
}

func releaseAll(held []func()) {
	for _, free := range slices.Backward(held) {
		free()
	}
}

// locks are those of the daemon, of publishing and filling the bucket, and of sending each newsletter, also one that tidings.yaml does not have any more.
func (r *restoring) locks() []string {
	all := []string{"bucket", "publish", "run"}
	for name := range r.config.Newsletters {
		all = append(all, "send-"+name)
	}
	others, _ := filepath.Glob(filepath.Join(r.config.State(), "send-*")) // only a bad pattern is an error
	for _, path := range others {
		all = append(all, filepath.Base(path))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// alone wants that nobody has the database open: there is work that holds no lock, such as an import. A database that is missing or damaged is
// no hindrance: it is why people restore one.
func (r *restoring) alone(ctx context.Context) error {
	if err := db.Alone(ctx, r.config.Database); errors.Is(err, db.ErrOpen) {
		return fmt.Errorf("%w: a process has %s open", ErrInUse, r.config.Database)
	}
	return ctx.Err()
}

// ready unpacks and checks the backup, and makes its ledger safe to go on with.
func (r *restoring) ready(ctx context.Context) (Restored, error) {
	if err := r.Unpack(r.stage); err != nil {
		return Restored{}, err
	}
	path := filepath.Join(r.stage, backupDatabase)
	saved, _, err := contents(ctx, path)
	if err == nil {
		err = r.keys()
	}
	if err != nil {
		return Restored{}, fmt.Errorf("%s: %w", r.file, err)
	}
	done := Restored{Saved: saved, Title: r.Title, URL: r.URL, Made: r.Made.In(r.config.Location)}
	if r.config.URL != r.URL {
		done.Elsewhere = r.config.URL
	}
	done.Unknown, err = r.settle(ctx, path)
	return done, err
}

// settle brings the backup's tables up to date, and has its ledger know what it is. What was published since is
// not what they say.
func (r *restoring) settle(ctx context.Context, path string) (unknown int64, err error) {
	d, err := db.Open(ctx, path)
	if err != nil {
		return 0, err
	}
	unknown, err = ledger.Ledger{DB: d}.Restored(ctx, r.Made, r.now)
	if err := errors.Join(err, (&publish.Folder{DB: d}).Distrust(ctx), publish.DistrustTargets(ctx, d), d.Close()); err != nil {
		return 0, err
	}
	if _, err := os.Stat(path + "-wal"); err == nil { // all of it must be in the one file that is put into place
		return 0, fmt.Errorf("%s: SQLite did not finish writing it", path)
	}
	return unknown, nil
}

// keys checks the backup's keys. Where the same ones are, and others that were added since, they stay: they have signed links.
func (r *restoring) keys() error {
	path := filepath.Join(r.stage, backupKeys)
	if _, err := subscribers.OpenKeys(path, nil); err != nil {
		return err
	}
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	present, err := os.ReadFile(keysFile(r.config))
	if err != nil || !bytes.HasPrefix(present, old) {
		return nil //nolint:nilerr // what cannot be read is replaced
	}
	return atomicfile.Write(path, present, 0o600)
}

// place puts what is ready into place. tidings.yaml comes last: where there was none, nobody can work on the newsroom before.
func (r *restoring) place(done Restored) (Restored, error) {
	var err error
	for _, m := range r.Members {
		if m.Name != backupConfig && err == nil {
			err = r.add(m.Name, &done)
		}
	}
	if err == nil {
		done.Before, err = r.exchange()
	}
	if err == nil {
		err = r.add(backupConfig, &done)
	}
	return done, err
}

// exchange hands the database and the keys over.
func (r *restoring) exchange() (before string, err error) {
	files := map[string]string{}
	for member, path := range map[string]string{backupDatabase: r.config.Database, backupKeys: keysFile(r.config)} {
		files[filepath.Base(path)] = filepath.Join(r.stage, member)
	}
	if err := handOver(r.config.State(), r.stage, files); err != nil {
		return "", err
	}
	return takeOver(r.config.State(), r.now)
}

// destination is where a file of the backup belongs; "" for one that is not put there by itself. A file that Backup would not
// have put in is an error.
func (r *restoring) destination(name string) (string, error) {
	if name == backupDatabase || name == backupKeys {
		return "", nil
	}
	root, rel, _ := strings.Cut(name, "/")
	folder := map[string]string{backupNewsroom: r.config.Dir, backupState: r.config.State()}[root]
	if folder == "" || rel == "" || !r.known[name] && path.Dir(name) != backupNewsroom+"/templates" {
		return "", fmt.Errorf("%s: %w: nobody knows what %q is", r.file, archive.ErrDamaged, name)
	}
	return filepath.Join(folder, filepath.FromSlash(rel)), nil
}

// add puts a file where there is none yet.
func (r *restoring) add(name string, done *Restored) error {
	to, err := r.destination(name)
	if err != nil || to == "" {
		return err
	}
	from := filepath.Join(r.stage, filepath.FromSlash(name))
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	present, err := os.ReadFile(to)
	switch {
	case err == nil && !bytes.Equal(present, data):
		done.Kept = append(done.Kept, to)
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o750); err != nil {
		return err
	}
	return atomicfile.Write(to, data, info.Mode().Perm())
}

// resumed gives ErrRestored for a newsletter that waits for the word that a new issue is meant, and takes the order for that word if it is one.
func (n *Newsroom) resumed(ctx context.Context, o Order) error {
	if o.Again {
		return n.Ledger.Resume(ctx, o.Newsletter)
	}
	made, err := n.Ledger.Held(ctx, o.Newsletter)
	if err != nil || made.IsZero() {
		return err
	}
	return fmt.Errorf("%s waits: %w (it is of %s)", o.Newsletter, ErrRestored, made.In(n.Config.Location).Format("2 January 2006 15:04"))
}

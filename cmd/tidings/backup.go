package main

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"tidings/config"
	"tidings/internal/atomicfile"
	"tidings/newsroom"
)

func (a *app) backup() *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Save the newsroom's state in one file",
		Long: `Backup saves in FILE what cannot be made anew: the database (subscribers, what was sent to whom, the identity of stories), the
keys of the links in mails, the DKIM key and the passwords that tidings.yaml names, tidings.yaml, and templates/. The
folders items/, public/ and outbox/ are not in it: copy items/ as you copy other files; public/ is made of it.

It may run at any time, beside tidings run too, and while an issue is being sent. FILE appears once it is complete. It holds addresses
and secrets, so only its owner can read it (mode 0600). A FILE that is there is not replaced, unless --force is given;
- writes to standard output. It is a tar file in gzip: tar -xzf opens it.`,
		Example: "  tidings -C mynews backup /backup/mynews.tar.gz\n  tidings -C mynews backup --force /backup/mynews-$(date +%a).tar.gz",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[0] == "-" {
				return a.backUpTo(cmd.Context(), os.TempDir(), a.out, a.err, "-")
			}
			if err := mayBeWritten(args[0], force); err != nil {
				return err
			}
			return atomicfile.Fill(args[0], 0o600, func(w io.Writer) error {
				return a.backUpTo(cmd.Context(), filepath.Dir(args[0]), w, a.out, args[0])
			})
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "replace FILE if it is there")
	return cmd
}

// errThere says that a backup would take the place of a file.
var errThere = errors.New("is there already")

// mayBeWritten sees to it that a slip, such as backup for restore, does not cost the only backup.
func mayBeWritten(path string, force bool) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is no file", path)
	case !force:
		return fmt.Errorf("%s %w", path, errThere)
	case !zipped(path):
		return fmt.Errorf("%s is no backup, so it is not replaced", path)
	}
	return nil
}

// zipped tells whether a file begins as a backup does: whoever gives the name of another by mistake must not lose that.
func zipped(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	_, err = gzip.NewReader(f)
	return err == nil
}

// backUpTo writes a backup to w and tells about it on say.
func (a *app) backUpTo(ctx context.Context, scratch string, w, say io.Writer, name string) error {
	s, err := newsroom.Backup(ctx, a.dir, scratch, release+revision(), a.now(), w)
	if err != nil {
		return err
	}
	for _, file := range s.Left {
		fmt.Fprintf(a.err, "tidings: warning: not in the backup: %s\n", file)
	}
	fmt.Fprintf(say, "%s: %s\n", name, saved(s))
	return nil
}

func saved(s newsroom.Saved) string {
	return count(s.Subscribers, "subscriber", "subscribers") + ", " + count(s.Issues, "issue", "issues")
}

func (a *app) restore() *cobra.Command {
	return &cobra.Command{
		Use:   "restore FILE",
		Short: "Bring a newsroom's state back from a backup",
		Long: `Restore brings back what tidings backup saved in FILE. The database and the keys take the place of those that are there, which
are kept in a folder beside them. tidings.yaml, templates and secrets are put where they are missing, and left as they are
otherwise; a folder that is no newsroom yet becomes one, if -C names it. All of FILE is checked first: if anything is wrong with it, or
if tidings run or another command is at work on the newsroom, nothing is changed.

Nobody gets a mail twice by it. Mail that was still to be sent when the backup was made counts as unknown, since it may have been
sent then (tidings issues resend sends it); and a newsletter's next issue waits for tidings send NEWSLETTER --again.`,
		Example: "  tidings -C mynews restore /backup/mynews.tar.gz",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := os.Stat(filepath.Join(a.dir, config.File)); err != nil && !cmd.Flags().Changed("newsroom") {
				return newsroom.ErrNone // it would become one, most likely by mistake
			}
			r, err := newsroom.Restore(cmd.Context(), a.dir, args[0], newsroom.Outside{Now: a.now, Log: a.logger()})
			if err != nil {
				return err
			}
			a.sayRestored(r)
			return nil
		},
	}
}

// sayRestored tells what was brought back, and what nobody can know.
func (a *app) sayRestored(r newsroom.Restored) {
	made := r.Made.Format("2 January 2006 15:04")
	a.say("%s (%s) is as it was on %s: %s", r.Title, r.URL, made, saved(r.Saved))
	if r.Elsewhere != "" {
		fmt.Fprintf(a.err, "tidings: warning: the backup is of %s, and this newsroom is %s: is it the right one?\n", r.URL, r.Elsewhere)
	}
	for _, file := range r.Kept {
		a.say("%s is left as it is; the backup holds another one", file)
	}
	if r.Before != "" {
		a.say("what was there before is in %s: delete it when all is well", r.Before)
	}
	a.say(`
What happened after that is forgotten:
- Who left since %s is on the list again, and who joined is not. If you know them: tidings subscribers remove, add.
- Issues may have gone out since. The next one of each newsletter waits: look at tidings preview NEWSLETTER, then
  tidings send NEWSLETTER --again.`, made)
	if r.Unknown > 0 {
		a.say(`- %s on the way or still to come. They count as unknown and are not sent again by themselves:
  tidings issues shows them, tidings issues resend ISSUE --state unknown sends them.`, count(int(r.Unknown), "mail was", "mails were"))
	}
}

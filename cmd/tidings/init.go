package main

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tidings/config"
)

//go:embed starter
var starter embed.FS

func (a *app) initVerb() *cobra.Command {
	return &cobra.Command{
		Use:   "init DIR",
		Short: "Make a new newsroom",
		Long: `Init makes a new newsroom in DIR: a tidings.yaml in which every line is explained, and a first item. DIR is made if it is
missing; a newsroom that is there already is not touched.`,
		Example: "  tidings init mynews",
		Args:    cobra.ExactArgs(1),
		RunE:    func(_ *cobra.Command, args []string) error { return a.makeNewsroom(args[0]) },
	}
}

func (a *app) makeNewsroom(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, config.File)); err == nil {
		return fmt.Errorf("%s is a newsroom already", dir)
	}
	today := a.now().Format(time.DateOnly)
	err := copyTree(starter, "starter", dir, func(path string, data []byte) (string, []byte) {
		if strings.HasSuffix(path, "welcome.md") {
			return filepath.Join("items", today+"-welcome.md"), []byte(strings.Replace(string(data), "DATE", today, 1))
		}
		return path, data
	})
	if err != nil {
		return err
	}
	a.say("%s is a newsroom now. Look through %s, then:", dir, filepath.Join(dir, config.File))
	a.say("  tidings -C %s check     tells what is wrong", dir)
	a.say("  tidings -C %s run       publishes, serves and sends from now on", dir)
	return nil
}

// copyTree writes the files under root to dir, each under the path and with the bytes that edit gives. It writes over no file.
func copyTree(files fs.FS, root, dir string, edit func(path string, data []byte) (string, []byte)) error {
	return fs.WalkDir(files, root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(files, p)
		if err != nil {
			return err
		}
		path, data := edit(strings.TrimPrefix(p, root+"/"), data)
		to := filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return err
		}
		_, err = f.Write(data)
		return errors.Join(err, f.Close())
	})
}

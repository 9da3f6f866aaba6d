package publish

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"tidings/feed"
)

// Inherited tells whether the folder holds what an earlier program put there and nothing is known of: the database was lost, or is an old
// one. pages are those of the stories that show.
func (f *Folder) Inherited(ctx context.Context, pages []string) (bool, error) {
	known, err := f.records.load(ctx, f.DB)
	return err == nil && len(known) == 0 || slices.ContainsFunc(pages, func(p string) bool {
		_, ok := known[p]
		return !ok && f.any(p, func([]byte) bool { return true })
	}), err
}

// Inherit remembers files of which nothing is known though they are the site's, so that the next Replace takes away those that are not
// wanted any more. url is the site's. Where there is no feed of all news nothing tells whose the files are, and all stay.
func (f *Folder) Inherit(ctx context.Context, url string) error {
	if Host(f.Dir) == "" {
		return nil
	}
	known, err := f.records.load(ctx, f.DB)
	if err != nil {
		return err
	}
	var ours []string
	for _, folder := range []string{"news", "topics", "feeds", "media"} { // not past issues: mails that went out lead to them
		_ = filepath.WalkDir(f.path(folder), func(name string, e fs.DirEntry, err error) error {
			if err != nil || !e.Type().IsRegular() {
				return nil //nolint:nilerr // what cannot be read is somebody's
			}
			if p, err := filepath.Rel(f.Dir, name); err == nil && f.isOurs(filepath.ToSlash(p), url) {
				ours = append(ours, filepath.ToSlash(p))
			}
			return nil
		})
	}
	return f.adopt(ctx, ours, known)
}

// isOurs tells whether a file is the site's: a page names its own address and the feed of all news, and an event's calendar lies beside one; a
// feed has an id of ours, and what is compressed of it lies beside that.
func (f *Folder) isOurs(p, url string) bool {
	if ofContent.MatchString(p) {
		return true
	}
	if base := strings.TrimSuffix(strings.TrimSuffix(p, gzipExt), brotliExt); IsFeed(base) {
		return f.any(strings.TrimSuffix(base, path.Ext(base))+feed.Atom.Ext, anyFeedID.Match)
	}
	if path.Base(p) == eventFile {
		p = path.Dir(p) + "/index.html"
	}
	own, feeds := []byte(url+strings.TrimSuffix(p, "index.html")+`"`), []byte(url+"feeds/news"+feed.Atom.Ext+`"`)
	return f.any(p, func(text []byte) bool { return bytes.Contains(text, own) && bytes.Contains(text, feeds) })
}

// asItWas is the print of a file of which it is not known what it was made of.
const asItWas = "as it was"

// adopt remembers files that are there though nothing is known of them.
func (f *Folder) adopt(ctx context.Context, paths []string, known map[string]record) error {
	found := map[string]record{}
	for _, p := range paths {
		if _, ok := known[p]; ok {
			continue
		}
		if data, err := os.ReadFile(f.path(p)); err == nil {
			found[p] = record{print: asItWas, hash: sha256.Sum256(data), size: int64(len(data))}
		}
	}
	if len(found) == 0 {
		return nil
	}
	return f.records.save(ctx, f.DB, found)
}

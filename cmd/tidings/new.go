package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"tidings/config"
	"tidings/items"
	"tidings/newsroom"
)

func (a *app) newItem() *cobra.Command {
	return &cobra.Command{
		Use:   "new TITLE",
		Short: "Make a new item file, ready to fill in",
		Long: `New makes an item file with today's date and the title, ready to fill in. It is a draft: nothing of it shows until the
line "status: draft" is taken out.`,
		Example: `  tidings -C mynews new "Response plan updated"`,
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			c, probs, err := config.Load(a.dir)
			switch {
			case errors.Is(err, fs.ErrNotExist):
				return newsroom.ErrNone
			case err != nil:
				return err
			case probs.HasErrors():
				return probs
			}
			return a.writeItem(c, args[0])
		},
	}
}

func (a *app) writeItem(c *config.Config, title string) error {
	title = strings.Join(strings.Fields(title), " ")
	if n := utf8.RuneCountInString(title); n == 0 || n > items.MaxTitle {
		return fmt.Errorf("a title has 1 to %d characters, this one has %d", items.MaxTitle, n)
	}
	slug := items.Slugify(title)
	if slug == "" {
		slug = "item"
	}
	date := a.now().In(c.Location).Format("2006-01-02")
	name := filepath.Join(c.Items, date+"-"+slug+".md")
	if err := os.MkdirAll(c.Items, 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already", name)
	} else if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, itemForm, title, date)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	a.say("%s", name)
	return nil
}

// itemForm is what a new item looks like. %q writes a title that YAML reads as it was given.
const itemForm = `---
title: %q
date: %s
status: draft          # take this line out to publish
summary:               # one or two sentences; left empty, the first paragraph
topics: []
# authors: [{name: , role: }]
# contacts: [{name: , role: , phone: , email: , for: interviews}]
# image: {src: picture.jpg, alt: what the picture shows, credit: }
# attachments: [{src: report.pdf, title: , language: en}]
# event: {start: 2026-12-14T12:45, end: 2026-12-14T17:00, venue: , register: {url: }}
---
The story, in Markdown.
`

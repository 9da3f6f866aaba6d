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
	var of, language string
	cmd := &cobra.Command{
		Use:   "new TITLE",
		Short: "Make a new item file, ready to fill in",
		Long: `New makes an item file with today's date and the title, ready to fill in. It is a draft: nothing of it shows until the
line "status: draft" is taken out.

With --of and --language it makes the version of a story in another language, beside the story's file and named after it:
story.fr.md for story.md. What is the same in every language, such as its date and topics, need not be written again.`,
		Example: `  tidings -C mynews new "Response plan updated"
  tidings -C mynews new --of items/2026-03-02-plan.md --language fr "Le plan mis à jour"`,
		Args: cobra.ExactArgs(1),
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
			title := strings.Join(strings.Fields(args[0]), " ")
			if n := utf8.RuneCountInString(title); n == 0 || n > items.MaxTitle {
				return fmt.Errorf("a title has 1 to %d characters, this one has %d", items.MaxTitle, n)
			}
			if of != "" {
				return a.writeVersion(c, of, language, title)
			}
			return a.writeItem(c, title)
		},
	}
	cmd.Flags().StringVar(&of, "of", "", "make a version of the story in this `FILE`, as \"tidings items\" names it")
	cmd.Flags().StringVar(&language, "language", "", "of the version, as a `TAG` such as fr or pt-BR")
	cmd.MarkFlagsRequiredTogether("of", "language")
	return cmd
}

func (a *app) writeItem(c *config.Config, title string) error {
	slug := items.Slugify(title)
	if slug == "" {
		slug = "item"
	}
	date := a.now().In(c.Location).Format("2006-01-02")
	name := filepath.Join(c.Items, date+"-"+slug+".md")
	if err := os.MkdirAll(c.Items, 0o755); err != nil {
		return err
	}
	return a.writeNew(name, fmt.Sprintf(itemForm, title, date))
}

// writeVersion makes the file of a story's version in another language.
func (a *app) writeVersion(c *config.Config, of, language, title string) error {
	local := strings.TrimPrefix(filepath.ToSlash(of), filepath.Base(c.Items)+"/") // as it is listed
	file := filepath.Join(c.Items, filepath.FromSlash(local))
	if _, err := os.Stat(file); err != nil || !filepath.IsLocal(local) {
		return fmt.Errorf("there is no item file %s", of)
	}
	name, tag, err := items.VersionName(file, language)
	if err != nil {
		return err
	}
	return a.writeNew(name, fmt.Sprintf(versionForm, title, tag))
}

// writeNew makes a file that must not be there yet, and says its name.
func (a *app) writeNew(name, text string) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already", name)
	} else if err != nil {
		return err
	}
	_, err = f.WriteString(text)
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

// versionForm is what a new version of a story looks like.
const versionForm = `---
title: %q
language: %s
status: draft          # take this line out to publish
summary:               # one or two sentences; left empty, the first paragraph
# Date, topics, authors, contacts, pictures and event are those of the story, unless they are written here.
---
The story, in Markdown.
`

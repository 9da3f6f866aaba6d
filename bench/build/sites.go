//go:build linux

package main

import (
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"tidings/bench/prose"
)

// words is the length of a story: it has about 2 kB.
const words = 370

// years is how many years of news the items are.
const years = 20

var topics = []string{"resettlement", "trafficking", "response", "events", "research", "health", "returns"}

const newsroomConfig = `title: News
url: https://news.example.org/
`

// What Hugo needs to make a comparable site: each story's page, a list of all, one for each topic, and one feed of the newest with summaries.
var hugoSite = map[string]string{
	"hugo.toml": `baseURL = "https://news.example.org/"
title = "News"
[taxonomies]
topic = "topics"
[outputs]
home = ["html", "rss"]
section = ["html"]
taxonomy = ["html"]
term = ["html"]
[services.rss]
limit = 50
`,
	"layouts/_default/baseof.html": `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{{.Title}}</title><link rel="canonical" href="{{.Permalink}}"></head>
<body><header><a href="/">{{site.Title}}</a></header><main>{{block "main" .}}{{end}}</main></body></html>
`,
	"layouts/_default/single.html": `{{define "main"}}<article><h1>{{.Title}}</h1><time>{{.Date.Format "2 January 2006"}}</time>{{.Content}}{{range .GetTerms "topics"}}<a href="{{.Permalink}}">{{.Title}}</a>{{end}}</article>{{end}}
`,
	"layouts/_default/list.html": `{{define "main"}}<h1>{{.Title}}</h1><ul>{{range first 300 .RegularPages}}<li><a href="{{.Permalink}}">{{.Title}}</a></li>{{end}}</ul>{{end}}
`,
}

func (b bench) program() string { return filepath.Join(b.dir, "tidings") }

func (b bench) site(name string) string { return filepath.Join(b.dir, name) }

// prepare writes the same stories for both sides, and gives their size in bytes.
func (b bench) prepare() (size int, err error) {
	random := rand.New(rand.NewPCG(1, 2)) // the same stories each time
	first := time.Date(2006, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range b.items {
		date := first.AddDate(0, 0, i*years*365/b.items)
		text := story(fmt.Sprintf("Story number %d", i), date, i, prose.Paragraphs(random, words))
		size += len(text)
		name := fmt.Sprintf("%d/story-%06d.md", date.Year(), i)
		if err := write(b.site("newsroom"), "items/"+name, text); err != nil {
			return 0, err
		}
		if b.hugo != "" {
			if err := write(b.site("hugo"), "content/news/"+name, text); err != nil {
				return 0, err
			}
		}
	}
	if err := write(b.site("newsroom"), "tidings.yaml", newsroomConfig); err != nil {
		return 0, err
	}
	for name, text := range hugoSite {
		if err := write(b.site("hugo"), name, text); err != nil {
			return 0, err
		}
	}
	return size, nil
}

// story is the file of a story in two of the topics.
func story(title string, date time.Time, i int, text string) string {
	other := (i + 1 + i/len(topics)%(len(topics)-1)) % len(topics)
	return fmt.Sprintf("---\ntitle: %s\ndate: %s\ntopics: [%s, %s]\nsummary: What story %d is about, in a sentence.\n---\n%s",
		title, date.Format(time.DateOnly), topics[i%len(topics)], topics[other], i, text)
}

// write writes a file of a site.
func write(dir, name, text string) error {
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o644)
}

// buildHugo has Hugo build its site from nothing.
func (b bench) buildHugo(ctx context.Context, round int) (took, error) {
	to := filepath.Join(b.dir, fmt.Sprintf("hugo-public-%d", round))
	cmd := exec.CommandContext(ctx, b.hugo, "--quiet", "--source", b.site("hugo"), "--destination", to, "--cacheDir", filepath.Join(b.dir, "hugo-cache"))
	t, err := timed("Hugo, from nothing", cmd)
	if err != nil {
		return t, err
	}
	t.files, err = count(to)
	return t, err
}

// copyNewsroom gives a new copy of the newsroom, in which nothing was published yet.
func (b bench) copyNewsroom(round int) (string, error) {
	to := filepath.Join(b.dir, fmt.Sprintf("newsroom-%d", round))
	return to, os.CopyFS(to, os.DirFS(b.site("newsroom")))
}

// buildTidings has the program publish a newsroom from nothing.
func (b bench) buildTidings(ctx context.Context, dir string) (took, error) {
	t, err := timed("Tidings, from nothing", exec.CommandContext(ctx, b.program(), "-C", dir, "build"))
	if err != nil {
		return t, err
	}
	t.files, err = count(filepath.Join(dir, "public"))
	return t, err
}

// count is the number of files under a folder.
func count(dir string) (n int, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return err
	})
	return n, err
}

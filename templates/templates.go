// Package templates makes everything of a newsroom that people look at: web pages, the HTML within feeds, the
// digest as HTML and as text, and mails to the staff. A template is a file of Go's html/template or text/template language; each is embedded
// in the program, and a newsroom overrides any of them by a file of the same name in its own templates folder.
// What a template may use is the view it is executed with (see Index, Story, Digest and the others) and the functions
// listed at Load.
//
// The package assumes that views were made from checked items: plain text without control characters, absolute
// addresses, and an Article.Body that an allow-list has cleaned. All other text is escaped where it is put.
package templates

import (
	"bytes"
	"embed"
	"errors"
	"html/template"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	text "text/template"

	"tidings/internal/problem"
	"tidings/items"
)

//go:embed *.html *.txt style.css
var embedded embed.FS

// Set is all templates and the stylesheet of one newsroom. It is safe for concurrent use.
type Set struct {
	folder string // what problems call the newsroom's templates folder
	html   *template.Template
	text   *text.Template
	style  []byte
}

// Load reads the embedded templates and, over them, the files of the same names in the folder dir, which need not
// exist; "" stands for no folder. An override of partials.html or partials.txt need hold only the definitions it changes. A file whose
// name is not known is an error; names that begin with a dot are passed over. The error for a wrong file is a
// problem.List.
//
// Beside Go's own functions templates have, for text: short N TEXT, which cuts it at a word; wrap WIDTH INDENT TEXT,
// which breaks it into lines; heading CHARACTER TEXT, the text with a line of that character below; upper TEXT; join
// SEPARATOR TEXT…, which leaves out empty ones. For facts: host URL; iso TIME (RFC 3339); tel PHONE, a link to a phone
// number; webcal URL, which calendar programs subscribe to; ownName LANGUAGE, what a language calls itself; standfirst
// ARTICLE; contactRole CONTACT; documentFacts LOCALE DOCUMENT; renditionFacts LOCALE RENDITION. For pages: metadata HEAD,
// what programs read in a page's head; once SITE PARTIAL KEY VIEW, a partial that looks the same wherever KEY and the
// language are the same, and so is made once for all pages; line SITE ARTICLE, the partial of that name for a story; topicsKey
// ENTRY, such a KEY. For partials: head SITE TITLE
// DESCRIPTION URL [ARTICLE], indexHead INDEX, listHead LIST and feedHead FEEDPAGE, entry LOCALE ARTICLE, teaser SITE ARTICLE
// and smallTeaser SITE ARTICLE, part LOCALE VALUE and mailStory LOCALE ARTICLE LEAD BRIEF make their views. For mail: mso
// HTML, markup for Outlook on Windows alone; filler, invisible space after the preheader.
func Load(dir string) (*Set, error) {
	s := &Set{folder: filepath.Base(dir), html: template.New("").Funcs(funcs), text: text.New("").Funcs(funcs)}
	s.html.Funcs(template.FuncMap{"once": s.once, "line": s.line, "metadata": s.metadata})
	if err := s.parse(embedded, Names()); err != nil {
		return nil, err
	}
	if dir == "" {
		return s, nil
	}
	names, err := overrides(dir)
	if err != nil {
		return nil, err
	}
	if err := s.parse(os.DirFS(dir), names); err != nil {
		return nil, err
	}
	return s, nil
}

// Names gives the names of all files that a newsroom may override, sorted.
func Names() []string {
	entries, err := embedded.ReadDir(".")
	if err != nil {
		panic(err) // the files are part of the program
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names
}

// overrides gives the names of the files in dir, all of which have to be known.
func overrides(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var names []string
	var unknown problem.List
	for _, e := range entries {
		switch {
		case strings.HasPrefix(e.Name(), "."):
		case slices.Contains(Names(), e.Name()):
			names = append(names, e.Name())
		default:
			unknown.Errorf(path.Join(filepath.Base(dir), e.Name()), 0, "the files known here are "+strings.Join(Names(), ", "),
				"no template has this name")
		}
	}
	if unknown != nil {
		return nil, unknown
	}
	return names, nil
}

// parse adds the named files of fsys, each taking the place of one of the same name; every wrong file is reported.
func (s *Set) parse(fsys fs.FS, names []string) error {
	var wrong problem.List
	for _, name := range names {
		b, err := fs.ReadFile(fsys, name)
		if err == nil {
			err = s.add(name, b)
		}
		if err != nil {
			wrong = append(wrong, s.problem(name, err))
		}
	}
	if wrong != nil {
		return wrong
	}
	return nil
}

func (s *Set) add(name string, b []byte) (err error) {
	switch path.Ext(name) {
	case ".html":
		_, err = s.html.New(name).Parse(string(b))
	case ".txt":
		_, err = s.text.New(name).Parse(string(b))
	default:
		s.style = b
	}
	return err
}

// located matches the errors of text/template and html/template: where, then what.
var located = regexp.MustCompile(`^(?:html/)?template: ?([^:\s]+):(\d+)(?::\d+)?: (.*)`)

// problem says of an error which file and line it is about; name is that of the template at work.
func (s *Set) problem(name string, err error) problem.Problem {
	for exec := (text.ExecError{}); errors.As(err, &exec); { // the error of a partial may be within that of its page
		err = exec.Err
	}
	p := problem.Problem{File: path.Join(s.folder, name), Severity: problem.Error, What: err.Error()}
	if m := located.FindStringSubmatch(err.Error()); m != nil {
		p.File, p.What = path.Join(s.folder, m[1]), m[3]
		p.Line, _ = strconv.Atoi(m[2]) // the expression admits digits only
	}
	return p
}

// Execute writes the named template, such as "story.html", filled with its view. HTML is escaped by context, text is
// not. The error of a template is a problem.List with file and line, and then nothing was written; others are w's.
func (s *Set) Execute(w io.Writer, name string, view any) error {
	b := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(b)
	b.Reset()
	if err := s.render(b, name, view); err != nil {
		return problem.List{s.problem(name, err)}
	}
	_, err := w.Write(b.Bytes())
	return err
}

// buffers are those of pages made before: there may be thousands of pages, and a new buffer would have to grow for each.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func (s *Set) render(w io.Writer, name string, view any) error {
	if path.Ext(name) == ".txt" {
		return s.text.ExecuteTemplate(w, name, view)
	}
	return s.html.ExecuteTemplate(w, name, view)
}

// partKey is what a part of a page depends on.
type partKey struct {
	partial, key string
	locale       *Locale
}

// once executes a partial, or gives what it gave before for the same key and language on this site.
func (s *Set) once(site Site, partial, key string, view any) (template.HTML, error) {
	id := partKey{partial, key, site.Locale}
	if made, ok := site.Parts.part(id); ok {
		return made, nil
	}
	var b strings.Builder
	if err := s.html.ExecuteTemplate(&b, partial, view); err != nil {
		return "", err
	}
	if site.Parts != nil {
		site.Parts.made.Store(id, template.HTML(b.String()))
	}
	return template.HTML(b.String()), nil
}

// line is a story's line in lists: most stories are in several.
func (s *Set) line(site Site, a items.Article) (template.HTML, error) {
	if made, ok := site.Parts.part(partKey{"line", a.ID, site.Locale}); ok {
		return made, nil
	}
	return s.once(site, "line", a.ID, newTeaser(site, a))
}

// Style is the stylesheet that the pages link to as style.css: CSS in UTF-8. The caller must not change it.
func (s *Set) Style() []byte { return s.style }

// Check executes the named templates, or every one if none is named, with sample views, so that a misspelt field in an override is found
// before a story needs it. The same problem is reported once.
func (s *Set) Check(names ...string) problem.List {
	var wrong problem.List
	for _, sample := range samples() {
		if len(names) > 0 && !slices.Contains(names, sample.template) {
			continue
		}
		err := s.render(io.Discard, sample.template, sample.view)
		if err == nil {
			continue
		}
		if p := s.problem(sample.template, err); !slices.Contains(wrong, p) {
			wrong = append(wrong, p)
		}
	}
	return wrong
}

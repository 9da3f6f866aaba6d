package items

import (
	"path"
	"slices"
	"strings"

	"tidings/internal/problem"
)

// ignored tells which files and folders are nobody's news: what editors, systems and syncing programs leave behind
// while they work. They are passed over without a word.
func ignored(name string) bool {
	lower := strings.ToLower(name)
	switch lower {
	case "4913", "thumbs.db", "desktop.ini", "__macosx":
		return true
	}
	for _, end := range []string{"~", ".tmp", ".part", ".swp", ".crdownload", ".partial"} {
		if strings.HasSuffix(lower, end) {
			return true
		}
	}
	return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "~") // dotfiles; Office's locks ~$x, ~syncthing~x
}

// isConflict tells a copy that a syncing program made because two people changed a file at the same time.
func isConflict(name string) bool {
	lower := strings.ToLower(name)
	return strings.Contains(lower, ".sync-conflict-") || strings.Contains(lower, "conflicted copy")
}

// documents are the endings of files that people drop in the belief that they are items.
var documents = map[string]string{
	".doc": "an Office document", ".docx": "an Office document", ".odt": "an Office document", ".rtf": "an Office document",
	".pages": "an Office document", ".gdoc": "a link to an online document", ".txt": "a plain text file",
	".html": "a web page", ".htm": "a web page", ".eml": "a mail", ".msg": "a mail",
}

// strangers reports the files that look like someone's news but are no items, unless an item offers them for download.
func (f *Folder) strangers(files []File, others []string) (probs problem.List) {
	used := map[string]bool{}
	for i := range files {
		file := &files[i]
		for _, ref := range file.refs {
			if p, err := LocalPath(file.Path, ref.src); err == nil {
				used[p] = true
			}
		}
	}
	for _, p := range others {
		ext := strings.ToLower(path.Ext(p))
		what, isDocument := documents[ext]
		switch {
		case used[p]:
		case isConflict(path.Base(p)):
			probs.Warnf(f.Name(p), 0, "compare it with the file it is a copy of, keep what is right there, and delete this one",
				"a syncing program kept this copy because two people changed the file at once: it is not published")
		case slices.Contains(Extensions, strings.ToLower(path.Ext(stem(p)))):
			probs.Warnf(f.Name(p), 0, "rename it to "+path.Base(stem(p)), "the file's name ends in %s, so it is no item: it is not published", ext)
		case isDocument:
			probs.Warnf(f.Name(p), 0, `copy its text into a .md file ("tidings new TITLE" makes one), or offer it with attachments: in an item`,
				"%s is no item: it is not published", what)
		}
	}
	return probs
}

// twins warns of files that are the same.
func twins(files []File) (probs problem.List) {
	same := make(map[string]string, len(files))
	for i := range files {
		file := &files[i]
		if file.Item == nil || file.Item.Status != Published {
			continue
		}
		if other := same[file.Hash]; other != "" {
			probs.Warnf(file.Name, 0, "delete one of the two; each is a story of its own", "it is the same as %s, letter for letter: both are published", other)
		}
		same[file.Hash] = file.Name
	}
	return probs
}

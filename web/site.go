package web

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path"
	"strings"

	"tidings/feed"
)

// site serves the publish folder: index.html for folders, no listings, no dotfiles, nothing outside of it.
func (s *Server) site(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	s.serve(w, r, strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/"))
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request, name string) {
	root, err := os.OpenRoot(s.Newsroom.Config.Publish)
	if err != nil {
		s.unreadable(w, r, err)
		return
	}
	defer root.Close()
	f, info, err := open(root, name)
	if err != nil {
		s.unreadable(w, r, err)
		return
	}
	defer f.Close()
	if path.Base(info.Name()) == "index.html" && name != "" && !strings.HasSuffix(name, ".html") && !strings.HasSuffix(r.URL.Path, "/") {
		http.Redirect(w, r, path.Base(r.URL.Path)+"/", http.StatusMovedPermanently)
		return
	}
	if t := contentType(info.Name()); t != "" {
		w.Header().Set("Content-Type", t)
	}
	if strings.HasPrefix(name, "feeds/") {
		w.Header().Set("Access-Control-Allow-Origin", "*") // readers that run in a browser
	}
	http.ServeContent(w, r, info.Name(), info.ModTime(), f)
}

// open opens the file called name, or the index.html of the folder of that name.
func open(root *os.Root, name string) (*os.File, fs.FileInfo, error) {
	for _, part := range strings.Split(name, "/") {
		if strings.HasPrefix(part, ".") {
			return nil, nil, fs.ErrNotExist
		}
	}
	if name == "" {
		name = "."
	}
	info, err := root.Stat(name)
	if err == nil && info.IsDir() {
		name = path.Join(name, "index.html")
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, nil, err
	}
	if info, err = f.Stat(); err == nil && !info.Mode().IsRegular() {
		err = fs.ErrNotExist
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

func (s *Server) unreadable(w http.ResponseWriter, r *http.Request, err error) {
	if !errors.Is(err, fs.ErrNotExist) {
		s.Log.Warn("a file could not be served", "path", r.URL.Path, "error", err)
	}
	s.notFound(w, r)
}

// contentType knows what Go's own table does not, or what the machine's may get wrong; "" for what it knows.
func contentType(name string) string {
	for _, f := range feed.Formats {
		if path.Ext(name) == f.Ext {
			return f.Type
		}
	}
	return ""
}

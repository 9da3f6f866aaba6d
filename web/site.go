package web

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
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
		// Relative (RFC 9110 §10.2.2): only the client knows the whole path, which http.Redirect would want.
		w.Header().Set("Location", (&url.URL{Path: path.Base(r.URL.Path) + "/"}).String())
		w.WriteHeader(http.StatusMovedPermanently)
		return
	}
	if t := contentType(info.Name()); t != "" {
		w.Header().Set("Content-Type", t)
	}
	if strings.HasPrefix(name, "feeds/") {
		w.Header().Set("Access-Control-Allow-Origin", "*") // readers that run in a browser
	}
	// Last-Modified has whole seconds, and a file may change twice in one.
	w.Header().Set("ETag", fmt.Sprintf(`"%x-%x"`, info.ModTime().UnixNano(), info.Size()))
	http.ServeContent(w, r, info.Name(), info.ModTime(), f)
}

// has tells whether a request for this path finds a file in the publish folder.
func (s *Server) has(urlPath string) bool {
	root, err := os.OpenRoot(s.Newsroom.Config.Publish)
	if err != nil {
		return false
	}
	defer root.Close()
	f, _, err := open(root, strings.TrimPrefix(path.Clean("/"+urlPath), "/"))
	if err != nil {
		return false
	}
	f.Close()
	return true
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

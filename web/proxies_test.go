package web_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tidings/internal/testtool"
)

// compared are the headers in which servers must agree, beside those that a request names.
var compared = []string{"X-Content-Type-Options", "Referrer-Policy", "Content-Security-Policy", "Access-Control-Allow-Origin",
	"Access-Control-Expose-Headers", "Location"}

// comparedFor adds those that tell of the content: not of every answer, for a server may word its refusals as it likes, and
// compresses what it likes of them.
func comparedFor(got answer) []string {
	switch {
	case got.StatusCode == http.StatusNotModified:
		return append(compared, "Vary", "Cache-Control")
	case got.StatusCode == http.StatusNotFound, got.StatusCode == http.StatusGone:
		return append(compared, "Content-Type", "Content-Encoding", "Cache-Control")
	case got.StatusCode >= 300, got.Request.Method == http.MethodOptions:
		return compared
	case got.ContentLength < 512: // nothing to compress, so nothing to vary by
		return append(compared, "Content-Type", "Content-Encoding", "Cache-Control")
	}
	return append(compared, "Content-Type", "Content-Encoding", "Cache-Control", "Vary")
}

// proxied is what the daemon answers behind the servers.
var proxied = []request{
	{"90 unsubscribing is the daemon's", "GET", "/-/u/x", nil, 404, nil},
	{"91 also the button", "POST", "/-/u/x", nil, 404, nil},
	{"92 what is not there", "GET", "/-/nothing", nil, 404, nil},
}

// agrees sends the same requests to the built-in server and to another one of the same folder.
func (s *site) agrees(other string) {
	s.t.Helper()
	for _, r := range append(requests, proxied...) {
		want, got := server{s.t, s.srv.URL}.answer(r), server{s.t, other}.answer(r)
		if got.StatusCode != want.StatusCode {
			s.t.Errorf("%s: %d, the built-in server says %d", r.name, got.StatusCode, want.StatusCode)
		}
		for _, key := range comparedFor(want) {
			if a, b := header(want, key), header(got, key); a != b {
				s.t.Errorf("%s: %s is %q, the built-in server says %q", r.name, key, b, a)
			}
		}
		for key, value := range r.want {
			if have := header(got, key); have != value && (key != "Content-Range" || got.StatusCode != 416) { // Apache leaves it out
				s.t.Errorf("%s: %s is %q, want %q", r.name, key, have, value)
			}
		}
		shown := got.StatusCode == 200 || got.StatusCode == 404 || got.StatusCode == 410
		if shown && r.method == "GET" && got.unpacked(s.t) != want.unpacked(s.t) {
			s.t.Errorf("%s: the built-in server sends other bytes:\n%.300s", r.name, got.unpacked(s.t))
		}
		if got.StatusCode == 200 && (got.Header.Get("ETag") == "" || got.Header.Get("Last-Modified") == "") {
			s.t.Errorf("%s: there is no ETag or no Last-Modified: %v", r.name, got.Header)
		}
	}
}

// unclean are ways to write the address of a feed that nobody should, but an attacker of a cache may.
var unclean = []string{"//feeds/news.rss", "/feeds//news.rss", "/x/../feeds/news.rss", "/./feeds/news.rss", "//feeds/%2E/news%2Erss"}

// guards checks another server for what a shared cache or a browser could be misled by.
func (s *site) guards(other string) {
	s.t.Helper()
	for _, path := range unclean {
		got := server{s.t, other}.ask("GET", path, http.Header{"Sec-Fetch-Dest": {"document"}, "Accept-Encoding": nil})
		if got.StatusCode == 200 && (header(got, "Vary") != feedVary || got.Header.Get("Access-Control-Allow-Origin") != "*") {
			s.t.Errorf("%s: the landing page may pass for the feed: %v", path, got.Header)
		}
	}
	for _, path := range []string{"//news", "///news", "//feeds/news", "/%2Fnews"} {
		got := server{s.t, other}.ask("GET", path, http.Header{})
		if to, err := got.Location(); err == nil && to.Host != got.Request.URL.Host {
			s.t.Errorf("%s leads to another host: %s", path, to)
		}
	}
	s.resumes(other)
}

// resumes checks that a client which asks for the rest of what it has begun to read never gets the rest of something else.
func (s *site) resumes(other string) {
	s.t.Helper()
	for _, path := range []string{"/", "/feeds/news.rss", "/feeds/news/archive/2016-12.atom"} {
		for _, coding := range []string{"", "gzip", "br"} {
			whole := server{s.t, other}.ask("GET", path, http.Header{"Accept-Encoding": {coding}})
			for _, later := range []string{"", "gzip", "br"} {
				rest := server{s.t, other}.ask("GET", path, http.Header{"Accept-Encoding": {later}, "Range": {"bytes=20-"}, "If-Range": {whole.Header.Get("ETag")}})
				if rest.StatusCode == 206 && whole.body[:20]+rest.body != whole.body {
					s.t.Errorf("%s: begun with coding %q and resumed with %q, it is broken", path, coding, later)
				}
			}
		}
	}
}

// example gives a file of docs/serving with what an operator changes: the address to listen at, the folder and the daemon's address.
func (s *site) example(name string, change ...string) string {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "docs", "serving", name))
	if err != nil {
		s.t.Fatal(err)
	}
	change = append(change, "/srv/news/public", s.Config.Publish, "127.0.0.1:8080", strings.TrimPrefix(s.srv.URL, "http://"))
	for i := 0; i < len(change); i += 2 {
		if !strings.Contains(string(text), change[i]) {
			s.t.Errorf("%s has no %q", name, change[i])
		}
	}
	return strings.NewReplacer(change...).Replace(string(text))
}

// freeAddress gives an address that nothing listens at.
func freeAddress(t testing.TB) string {
	t.Helper()
	address, err := testtool.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// start runs a server until the test ends, and waits until it answers.
func start(t testing.TB, address string, cmd *exec.Cmd) {
	t.Helper()
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-ended
	})
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		if c, err := net.Dial("tcp", address); err == nil {
			c.Close()
			return
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("%s ended: %v\n%s", cmd.Path, err, said.String())
		case <-time.After(20 * time.Millisecond):
		}
	}
	t.Fatalf("%s does not answer", cmd.Path)
}

// published serves a newsroom with fixtures, in a folder that a server's workers can read.
func published(t *testing.T) *site {
	s := newSite(t, "https://news.example.org/")
	s.fixtures()
	return s
}

const nginxMain = `daemon off;
%s
load_module %s;
pid %[3]s/pid;
error_log stderr crit;
events {}
http {
    access_log off;
    client_body_temp_path %[3]s/body; proxy_temp_path %[3]s/proxy; fastcgi_temp_path %[3]s/fastcgi;
    uwsgi_temp_path %[3]s/uwsgi; scgi_temp_path %[3]s/scgi;
%[4]s}
`

// TestNginx: nginx with the file of docs/serving answers as the built-in server does.
func TestNginx(t *testing.T) {
	t.Parallel()
	nginx := testtool.Need(t, "nginx")
	const brotli = "/usr/lib/nginx/modules/ngx_http_brotli_static_module.so"
	if _, err := os.Stat(brotli); err != nil {
		testtool.Missing(t, "nginx's module brotli_static")
	}
	s, dir, address, user := published(t), t.TempDir(), freeAddress(t), ""
	if os.Getuid() == 0 { // its workers must be able to read a temporary folder
		user = "user root;"
	}
	text := s.example("nginx.conf", "listen 80;", "listen "+address+";", `# ~^/feeds/.+\.`, `~^/feeds/.+\.`, "# brotli_static on;", "brotli_static on;")
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, fmt.Appendf(nil, nginxMain, user, brotli, dir, text), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, address, exec.Command(nginx, "-p", dir, "-c", file))
	s.agrees("http://" + address)
	s.guards("http://" + address)
}

// TestCaddy: so does Caddy.
func TestCaddy(t *testing.T) {
	t.Parallel()
	caddy := testtool.Need(t, "caddy")
	s, dir, address := published(t), t.TempDir(), freeAddress(t)
	file := filepath.Join(dir, "Caddyfile")
	text := "{\n\tadmin off\n}\n" + s.example("Caddyfile", "\nnews.example.org {", "\nhttp://"+address+" {", "# header @discovery", "header @discovery")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(caddy, "run", "--config", file, "--adapter", "caddyfile")
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_CONFIG_HOME="+dir, "XDG_DATA_HOME="+dir)
	start(t, address, cmd)
	s.agrees("http://" + address)
	s.guards("http://" + address)
}

const apacheMain = `ServerRoot %[1]s
PidFile %[1]s/pid
ErrorLog /dev/stderr
LogLevel crit
Listen %[2]s
ServerName localhost
%[3]sTypesConfig /dev/null
%[4]s`

// TestApache: so does Apache.
func TestApache(t *testing.T) {
	t.Parallel()
	apache := testtool.Need(t, "apache2")
	s, dir, address := published(t), t.TempDir(), freeAddress(t)
	var modules strings.Builder
	for _, m := range []string{"mpm_event", "authz_core", "mime", "dir", "env", "filter", "headers", "rewrite", "deflate", "proxy", "proxy_http", "reqtimeout"} {
		fmt.Fprintf(&modules, "LoadModule %s_module /usr/lib/apache2/modules/mod_%[1]s.so\n", m)
	}
	if os.Getuid() == 0 { // its workers must be able to read a temporary folder
		for d := s.Config.Publish; d != filepath.Dir(d) && d != os.TempDir(); d = filepath.Dir(d) {
			if err := os.Chmod(d, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		modules.WriteString("User nobody\nGroup nogroup\n")
	}
	file := filepath.Join(dir, "apache.conf")
	text := fmt.Sprintf(apacheMain, dir, address, modules.String(), s.example("apache.conf", "*:80", address, "# Header set Link", "Header set Link"))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, address, exec.Command(apache, "-f", file, "-D", "FOREGROUND"))
	s.agrees("http://" + address)
	s.guards("http://" + address)
	s.erase("story-2", "a\r\nb", "a HTTP", "a?b") // 410 is the daemon's answer
	for path, want := range map[string]int{"/news/story-2/event.ics": 410, "/news/a%0d%0ab/": 404, "/news/a%20HTTP/1.1": 404, "/news/a%3fb": 404} {
		if got := (server{t, "http://" + address}).ask("GET", path, http.Header{}); got.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, got.StatusCode, want)
		}
	}
}

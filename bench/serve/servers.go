//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const feed = "/feeds/news.rss"

// server is one of the two, running.
type server struct {
	name, url string
	tag       string // the ETag of the compressed feed
	cmd       *exec.Cmd
}

const nginxConf = `daemon off;
%s
worker_processes auto;
pid %[2]s/pid;
error_log stderr crit;
events {}
http {
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000000;
    client_body_temp_path %[2]s/body; proxy_temp_path %[2]s/proxy; fastcgi_temp_path %[2]s/fastcgi;
    uwsgi_temp_path %[2]s/uwsgi; scgi_temp_path %[2]s/scgi;
%[3]s}
`

// startNginx starts nginx with the file that operators get; only its address and its folder are others.
func (b bench) startNginx(ctx context.Context) (*server, error) {
	text, err := os.ReadFile("docs/serving/nginx.conf")
	if err != nil {
		return nil, err
	}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	site := strings.NewReplacer("listen 80;", "listen "+address+";", "/srv/news/public", filepath.Join(b.newsroom(), "public")).Replace(string(text))
	user := ""
	if os.Getuid() == 0 { // its workers must be able to read a temporary folder
		user = "user root;"
	}
	dir := filepath.Join(b.dir, "nginx")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, fmt.Appendf(nil, nginxConf, user, dir, site), 0o600); err != nil {
		return nil, err
	}
	return start(ctx, "nginx", address, exec.Command("nginx", "-p", dir, "-c", file))
}

func (b bench) startTidings(ctx context.Context) (*server, error) {
	return start(ctx, "tidings", b.address(), exec.Command(b.program(), "-C", b.newsroom(), "run"))
}

// start starts a server and waits until it answers.
func start(ctx context.Context, name, address string, cmd *exec.Cmd) (*server, error) {
	s := &server{name: name, url: "http://" + address, cmd: cmd}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	for range 200 {
		if status, _, err := s.get(ctx, kinds[0]); err == nil && status == http.StatusOK {
			return s, nil
		}
		select {
		case <-ctx.Done():
			s.stop()
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	s.stop()
	return nil, fmt.Errorf("%s does not answer", name)
}

func (s *server) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	_ = s.cmd.Wait()
}

// get asks once, and keeps the tag of an answer that has one.
func (s *server) get(ctx context.Context, k kind) (status, size int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+feed, nil)
	if err != nil {
		return 0, 0, err
	}
	req.Header = k.header(s.tag)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, 0, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if res.StatusCode == http.StatusOK && k.encoding == "gzip" {
		s.tag = res.Header.Get("ETag")
	}
	return res.StatusCode, len(body), err
}

// tick is the unit of the times in /proc, which is the same on every Linux that Go knows.
const tick = 10 * time.Millisecond

// cpu is the processor time that the server and its workers have had so far.
func (s *server) cpu() (all time.Duration, err error) {
	pid := strconv.Itoa(s.cmd.Process.Pid)
	workers, err := os.ReadFile(filepath.Join("/proc", pid, "task", pid, "children"))
	if err != nil {
		return 0, err
	}
	for _, p := range append(strings.Fields(string(workers)), pid) {
		stat, err := os.ReadFile(filepath.Join("/proc", p, "stat"))
		if err != nil {
			return 0, err
		}
		_, rest, _ := strings.Cut(string(stat), ") ") // after the name, which may hold spaces: state is the third field
		fields := strings.Fields(rest)
		if len(fields) < 13 {
			return 0, errors.New("/proc has an unknown form")
		}
		for _, field := range fields[11:13] { // utime, stime
			n, err := strconv.ParseInt(field, 10, 64)
			if err != nil {
				return 0, err
			}
			all += time.Duration(n) * tick
		}
	}
	return all, nil
}

// freeAddress gives an address that nothing listens at.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

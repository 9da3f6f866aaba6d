package websub_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tidings/publish/websub"
)

const hubURL = "https://hub.example.org/"

// transport answers as a hub would, in place of the network, and notes when it was asked for what.
type transport struct {
	mu     sync.Mutex
	start  time.Time
	asked  []string
	answer func(n int, feed string) (*http.Response, error)
}

func (h *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.ParseForm(); err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked = append(h.asked, fmt.Sprintf("%s %s", time.Since(h.start), r.PostForm.Get("hub.url")))
	return h.answer(len(h.asked), r.PostForm.Get("hub.url"))
}

func (h *transport) requests() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.asked)
}

func reply(status int, headers ...string) (*http.Response, error) {
	w := httptest.NewRecorder()
	for i := 0; i < len(headers); i += 2 {
		w.Header().Set(headers[i], headers[i+1])
	}
	w.WriteHeader(status)
	io.WriteString(w, "as the hub\nsays")
	return w.Result(), nil
}

func middle() float64 { return 0.5 }

// inTime runs the pinger for so long in a time that passes at once.
func inTime(t *testing.T, long time.Duration, answer func(n int, feed string) (*http.Response, error), work func(p *websub.Pinger)) (asked []string, logged string) {
	t.Helper()
	var log bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		h := &transport{start: time.Now(), answer: answer}
		p := websub.New(hubURL, &http.Client{Transport: h}, middle, slog.New(slog.NewTextHandler(&log, nil)))
		ctx, cancel := context.WithTimeout(t.Context(), long)
		defer cancel()
		done := make(chan struct{})
		go func() { p.Run(ctx); close(done) }()
		work(p)
		<-done
		asked = h.requests()
	})
	return asked, log.String()
}

func want(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("asked\n%s\nnot\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestTriesAgain: a hub that is away for a while is asked after pauses that grow, by three quarters of 10 s, 20 s, 40 s here.
func TestTriesAgain(t *testing.T) {
	asked, _ := inTime(t, time.Hour, func(n int, _ string) (*http.Response, error) {
		switch n {
		case 1:
			return reply(503)
		case 2:
			return nil, errors.New("no route to host")
		case 3:
			return reply(429)
		}
		return reply(204)
	}, func(p *websub.Pinger) { p.Changed("a") })
	want(t, asked, "0s a", "7.5s a", "22.5s a", "52.5s a")
}

// TestOnePing: what changes again while it waits is told of once, and new changes do not shorten a pause.
func TestOnePing(t *testing.T) {
	asked, _ := inTime(t, time.Hour, func(n int, _ string) (*http.Response, error) {
		if n == 1 {
			return reply(500)
		}
		return reply(202)
	}, func(p *websub.Pinger) {
		p.Changed("a")
		time.Sleep(time.Second)
		p.Changed("b", "a")
		p.Changed("a", "b")
	})
	want(t, asked, "0s a", "7.5s a", "7.5s b")
}

// TestNoAnswer: where nobody answers, the other feeds are not tried one by one.
func TestNoAnswer(t *testing.T) {
	asked, _ := inTime(t, 5*time.Second, func(int, string) (*http.Response, error) { return nil, errors.New("no route to host") },
		func(p *websub.Pinger) { p.Changed("a", "b", "c") })
	want(t, asked, "0s a")
}

// TestOneFails: a feed that the hub cannot deal with now keeps no other back.
func TestOneFails(t *testing.T) {
	asked, _ := inTime(t, 8*time.Second, func(_ int, feed string) (*http.Response, error) {
		if feed == "a" {
			return reply(500)
		}
		return reply(200)
	}, func(p *websub.Pinger) { p.Changed("a", "b") })
	want(t, asked, "0s a", "0s b", "7.5s a")
}

// TestGivesUp: after ten tries, in an hour or so, it lets go; the next change is tried anew at once.
func TestGivesUp(t *testing.T) {
	asked, logged := inTime(t, 8*time.Hour, func(int, string) (*http.Response, error) { return reply(502) }, func(p *websub.Pinger) {
		p.Changed("a")
		time.Sleep(6 * time.Hour)
		p.Changed("b")
	})
	if len(asked) != 20 || asked[10] != "6h0m0s b" || !strings.HasPrefix(asked[9], "1h3m52.5s") {
		t.Errorf("asked %d times: %v", len(asked), asked)
	}
	if !strings.Contains(logged, "let go") || !strings.Contains(logged, "502 Bad Gateway as the hub says") {
		t.Errorf("the log does not tell: %s", logged)
	}
}

// TestRefused: what the hub will never take is not tried again, but said.
func TestRefused(t *testing.T) {
	for _, test := range []struct {
		why, log string
		status   int
	}{
		{"01: the hub wants no feeds of ours", "403 Forbidden as the hub says", 403},
		{"02: no hub", "404", 404},
		{"03: it lives elsewhere: the newsroom's configuration is to say so", "moved to", 301},
		{"04: likewise, and the POST could be kept", "moved to", 308},
	} {
		asked, logged := inTime(t, time.Hour, func(int, string) (*http.Response, error) {
			return reply(test.status, "Location", "https://elsewhere.example.org/")
		}, func(p *websub.Pinger) { p.Changed("a") })
		if len(asked) != 1 || !strings.Contains(logged, test.log) {
			t.Errorf("%s: asked %v, said %s", test.why, asked, logged)
		}
	}
}

// TestSameHost: a redirect on the hub's own host is followed if it keeps the POST.
func TestSameHost(t *testing.T) {
	asked, _ := inTime(t, time.Hour, func(n int, _ string) (*http.Response, error) {
		if n == 1 {
			return reply(307, "Location", "/publish")
		}
		return reply(204)
	}, func(p *websub.Pinger) { p.Changed("a") })
	want(t, asked, "0s a", "0s a")
}

// TestAsked: the hub says how long it wants to be left alone. It is believed, up to an hour.
func TestAsked(t *testing.T) {
	for seconds, again := range map[string]string{"60": "1m0s a", "999999": "1h0m0s a", "soon": "7.5s a"} {
		asked, _ := inTime(t, 2*time.Hour, func(n int, _ string) (*http.Response, error) {
			if n == 1 {
				return reply(429, "Retry-After", seconds)
			}
			return reply(204)
		}, func(p *websub.Pinger) { p.Changed("a") })
		want(t, asked, "0s a", again)
	}
}

// TestSlowHub: a hub that takes the request and says nothing costs fifteen seconds, and Changed does not wait for it.
func TestSlowHub(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := hanging{make(chan string, 10)}
		p := websub.New(hubURL, &http.Client{Transport: h}, middle, slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(t.Context())
		go p.Run(ctx)
		start := time.Now()
		p.Changed("a")
		<-h.asked
		p.Changed("b")
		if time.Since(start) != 0 {
			t.Error("Changed waited")
		}
		<-h.asked
		if d := time.Since(start); d != 22500*time.Millisecond {
			t.Errorf("the second try came after %v", d)
		}
		cancel()
	})
}

// hanging answers nothing until the request is given up.
type hanging struct{ asked chan string }

func (h hanging) RoundTrip(r *http.Request) (*http.Response, error) {
	h.asked <- r.URL.String()
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// TestFlush: a command tells the hub once before it ends, and does not wait for one that hangs.
func TestFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := websub.New(hubURL, &http.Client{Transport: hanging{make(chan string, 10)}}, middle, slog.New(slog.DiscardHandler))
		p.Changed("a", "b")
		start := time.Now()
		if err := p.Flush(t.Context()); err == nil || time.Since(start) != 10*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
	h := &transport{answer: func(n int, _ string) (*http.Response, error) { return reply([]int{0, 204, 503}[n]) }}
	p := websub.New(hubURL, &http.Client{Transport: h}, middle, slog.New(slog.DiscardHandler))
	p.Changed("a", "b")
	if err := p.Flush(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "b: 503") {
		t.Errorf("of a and b: %v", err)
	}
	if err := p.Flush(t.Context()); err != nil || len(h.requests()) != 2 {
		t.Errorf("nothing waits, but: %v", err)
	}
}

// TestSubscriber goes the whole way: a subscriber subscribes at a hub, the newsroom's feed changes, the hub is told, fetches the
// feed, finds it new, and hands it on.
func TestSubscriber(t *testing.T) {
	var mu sync.Mutex
	feed := "<rss>one</rss>"
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		io.WriteString(w, feed)
	}))
	defer site.Close()
	got := make(chan string, 10)
	subscriber := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet { // the hub asks whether we mean it (WebSub §5.3)
			io.WriteString(w, r.FormValue("hub.challenge"))
			return
		}
		body, _ := io.ReadAll(r.Body)
		got <- string(body)
	}))
	defer subscriber.Close()
	for _, kind := range []string{"hub.url", "hub.topic"} {
		h := httptest.NewServer(&hub{names: kind, seen: map[string]string{}})
		post(t, h.URL, url.Values{"hub.mode": {"subscribe"}, "hub.topic": {site.URL}, "hub.callback": {subscriber.URL}})
		p := websub.New(h.URL, h.Client(), middle, slog.New(slog.DiscardHandler))
		for _, text := range []string{kind + " one", kind + " two", kind + " two"} {
			mu.Lock()
			feed = text
			mu.Unlock()
			p.Changed(site.URL)
			if err := p.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		h.Close()
		if len(got) != 2 || <-got != kind+" one" || <-got != kind+" two" {
			t.Errorf("%s: the subscriber did not get the two versions, once each", kind)
		}
	}
}

func post(t *testing.T, to string, form url.Values) {
	t.Helper()
	resp, err := http.PostForm(to, form)
	if err != nil || resp.StatusCode != http.StatusAccepted {
		t.Fatal(resp, err)
	}
	resp.Body.Close()
}

// hub is a small hub for one subscriber. It knows a feed by one of the two names that hubs use.
type hub struct {
	names    string
	callback string
	seen     map[string]string
}

func (h *hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.PostFormValue("hub.mode") {
	case "subscribe":
		h.callback = r.PostFormValue("hub.callback")
		if h.get(h.callback+"?hub.mode=subscribe&hub.challenge=yes") != "yes" {
			http.Error(w, "the subscriber does not mean it", http.StatusConflict)
			return
		}
	case "publish":
		if topics := r.PostForm[h.names]; len(topics) == 1 {
			h.distribute(topics[0])
		}
	default:
		http.Error(w, "unknown mode", http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

func (h *hub) get(address string) string {
	resp, err := http.Get(address)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return string(body)
}

func (h *hub) distribute(topic string) {
	now := h.get(topic)
	if now == h.seen[topic] {
		return
	}
	h.seen[topic] = now
	if resp, err := http.Post(h.callback, "application/rss+xml", strings.NewReader(now)); err == nil {
		resp.Body.Close()
	}
}

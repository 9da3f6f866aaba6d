package web

import (
	"bytes"
	"encoding/xml"
	"hash/maphash"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// How many feeds and how many editions of each are remembered. An edition takes eight bytes an entry.
const (
	keptFeeds    = 512
	keptEditions = 32
)

// span is where an entry stands in a feed, and a hash of its bytes.
type span struct {
	from, to int64
	hash     uint64
}

var seed = maphash.MakeSeed()

// spans finds the entries of an Atom or RSS document: entry in feed, item in rss/channel. Nil for what is no such document.
func spans(body []byte) (found []span) {
	d := xml.NewDecoder(bytes.NewReader(body))
	var path []string
	for {
		at := d.InputOffset()
		token, err := d.RawToken()
		if err != nil {
			return found
		}
		switch t := token.(type) {
		case xml.StartElement:
			path = append(path, qualified(t.Name))
			if isEntry(path) {
				found = append(found, span{from: at})
			}
		case xml.EndElement:
			if len(path) == 0 {
				return nil
			}
			if isEntry(path) {
				s := &found[len(found)-1]
				s.to = d.InputOffset()
				s.hash = maphash.Bytes(seed, body[s.from:s.to])
			}
			path = path[:len(path)-1]
		}
	}
}

func qualified(n xml.Name) string {
	if n.Space == "" {
		return n.Local
	}
	return n.Space + ":" + n.Local
}

func isEntry(path []string) bool {
	return len(path) == 2 && path[0] == "feed" && path[1] == "entry" ||
		len(path) == 3 && path[0] == "rss" && path[1] == "channel" && path[2] == "item"
}

// edition is what a feed held at some time.
type edition struct {
	tag    string
	hashes []uint64 // of the entries
}

// editions remembers the recent ones of each feed that was asked for, the newest last.
type editions struct {
	*sync.Mutex
	byFeed *simplelru.LRU[string, []edition]
}

func newEditions() editions {
	// The only error is a size that is not positive.
	byFeed, _ := simplelru.NewLRU[string, []edition](keptFeeds, nil)
	return editions{new(sync.Mutex), byFeed}
}

func (e editions) remember(f *file) {
	e.Lock()
	defer e.Unlock()
	have, _ := e.byFeed.Get(f.name)
	have = slices.DeleteFunc(have, func(old edition) bool { return old.tag == f.tag })
	if len(have) >= keptEditions {
		have = slices.Delete(have, 0, 1)
	}
	now := edition{tag: f.tag}
	for _, s := range f.spans {
		now.hashes = append(now.hashes, s.hash)
	}
	e.byFeed.Add(f.name, append(have, now))
}

// find gives the newest edition of a feed that one of the tags stands for.
func (e editions) find(feed string, tags []string) (edition, bool) {
	e.Lock()
	defer e.Unlock()
	have, _ := e.byFeed.Get(feed)
	for _, old := range slices.Backward(have) {
		if slices.Contains(tags, old.tag) {
			return old, true
		}
	}
	return edition{}, false
}

// delta answers a client that has an older edition of a feed and asked for the entries that are new since, or have changed:
// A-IM: feed (RFC 3229, and Bob Wyman's instance manipulation "feed"). It answers nothing, and says so, if the whole is due.
func (s *site) delta(w http.ResponseWriter, r *http.Request, f *file, whole form) bool {
	if len(f.spans) == 0 || !wantsDelta(r.Header.Values("A-IM")) {
		return false
	}
	raw := tags(r.Header.Values("If-None-Match"))
	base, ok := s.files.old.find(f.name, contents(raw))
	if !ok || base.tag == f.tag {
		return false
	}
	body, h := f.without(base.hashes), w.Header() // the ETag is that of the whole, which the client has then (RFC 3229 §10.4.1)
	if i := slices.IndexFunc(codings, func(c coding) bool { return c.name == whole.coding }); i >= 0 {
		body = codings[i].packed(body)
	}
	h.Del("Accept-Ranges") // it is made for this client
	h.Set("IM", "feed")
	h.Set("Delta-Base", quoted(raw[slices.Index(contents(raw), base.tag)]))
	h.Set("Cache-Control", "no-store, im") // only a cache that knows deltas may keep one (RFC 3229 §10.8.3)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusIMUsed)
	if r.Method != http.MethodHead {
		write(w, body)
	}
	return true
}

// without gives the document without the entries that the client has.
func (f *file) without(hashes []uint64) []byte {
	out, at := make([]byte, 0, len(f.body)), int64(0)
	for _, s := range f.spans {
		if slices.Contains(hashes, s.hash) {
			out = append(out, bytes.TrimRight(f.body[at:s.from], " \t\r\n")...)
			at = s.to
		}
	}
	return append(out, f.body[at:]...)
}

// wantsDelta reads A-IM (RFC 3229 §10.5.3).
func wantsDelta(values []string) bool {
	for _, value := range values {
		for part := range strings.SplitSeq(value, ",") {
			name, parameters, _ := strings.Cut(part, ";")
			if strings.EqualFold(strings.TrimSpace(name), "feed") && quality(parameters) > 0 {
				return true
			}
		}
	}
	return false
}

// tags gives the entity tags of an If-None-Match without their quotes. A weak one will do: a proxy that compresses makes ours so.
func tags(values []string) (out []string) {
	for _, value := range values {
		for part := range strings.SplitSeq(value, ",") { // ours hold no comma
			part = strings.TrimPrefix(strings.TrimSpace(part), "W/")
			out = append(out, strings.Trim(part, `"`))
		}
	}
	return out
}

// contents are the parts of tags that stand for the content, whatever the coding.
func contents(tags []string) []string {
	out := make([]string, len(tags))
	for i, t := range tags {
		out[i], _, _ = strings.Cut(t, ".")
	}
	return out
}

func quoted(tag string) string { return `"` + tag + `"` }

package publish

import (
	"sync"

	"tidings/internal/picture"
)

// maxPrepared is how many bytes of pictures are kept until they are published: those of a usual publication, but not of a whole site.
const maxPrepared = 64 << 20

// prepared keeps what was made of pictures until it is published, as long as it fits. It makes one picture at a time, since each may take
// much memory.
type prepared struct {
	mu   sync.Mutex
	kept map[string]picture.Versions // by the sum of the file
	size int
}

// make gives what was kept of a picture with this sum, and keeps it no longer; else it makes it of what read gives.
func (p *prepared) make(sum string, read func() ([]byte, error)) (picture.Versions, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if made, ok := p.kept[sum]; ok {
		delete(p.kept, sum)
		p.size -= weight(made)
		return made, nil
	}
	data, err := read()
	if err != nil {
		return picture.Versions{}, err
	}
	return picture.Prepare(data)
}

// keep keeps what was made of a picture, if there is room.
func (p *prepared) keep(sum string, made picture.Versions) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.kept[sum]; ok || p.size+weight(made) > maxPrepared {
		return
	}
	if p.kept == nil {
		p.kept = map[string]picture.Versions{}
	}
	p.kept[sum] = made
	p.size += weight(made)
}

// has tells whether something is kept of a picture with this sum.
func (p *prepared) has(sum string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, ok := p.kept[sum]
	return ok
}

// clear lets go of all.
func (p *prepared) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.kept, p.size = nil, 0
}

// weight is how many bytes the versions have, at most: they may share some.
func weight(v picture.Versions) int { return len(v.Full.Data) + len(v.Web.Data) + len(v.Mail.Data) }

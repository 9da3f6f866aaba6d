package newsroom

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"tidings/internal/problem"
	"tidings/items"
)

// Desk is what lies in the items folder at one moment: each file's story and what is wrong with it.
type Desk struct {
	Scan    items.Scan // its problems are complete: those of identity are with the files'
	Stories []items.Story

	// Overwritten warns of files that hold quite another story than the published one they held, until that is published, too.
	Overwritten problem.List

	known   items.Known
	now     time.Time
	grace   time.Duration // for stories whose file is gone
	lacking bool          // most stories are missing at once, so they were left as they were
	next    time.Time     // of NextChange
	print   string        // changes whenever the files do, or which stories they are
}

// terms are on which stories whose files are gone stay.
type terms struct {
	grace  time.Duration
	meant  bool     // the folder is as it is meant to be, however many are gone
	unseen []string // ids of stories that no reader had, sorted: nobody misses them
	zone   *time.Location
}

// Desk looks at the items folder and stores nothing.
func (n *Newsroom) Desk(ctx context.Context) (Desk, error) {
	n.desk.Lock()
	defer n.desk.Unlock()
	return n.look(ctx)
}

func (n *Newsroom) look(ctx context.Context) (Desk, error) {
	now := n.now()
	var scan items.Scan
	var err error
	if n.settled {
		scan, err = n.folder.TakeSettled(ctx, now)
	} else {
		scan, err = n.folder.Take(ctx)
	}
	if err != nil {
		return Desk{}, err
	}
	return n.match(ctx, scan, now)
}

func (n *Newsroom) match(ctx context.Context, scan items.Scan, now time.Time) (Desk, error) {
	known, err := n.stories.Load(ctx)
	if err != nil {
		return Desk{}, err
	}
	if !n.last.still(known, scan, now) {
		m, err := n.memory(ctx)
		if err != nil {
			return Desk{}, err
		}
		if err := n.assets.Recall(ctx, n.db); err != nil {
			return Desk{}, err
		}
		d := desk(known, scan, now, n.terms(m))
		d.Scan.Files = known.Unawaited(d.Scan.Files, n.assets.Shows)
		n.last = matched{scan, d}
	}
	d := n.last.desk
	d.now = now
	return n.orBare(d)
}

// orBare has a desk lack most stories where nothing is known of those that were published, since the database was lost, and no file is there
// to tell of them.
func (n *Newsroom) orBare(d Desk) (Desk, error) {
	if n.force || len(d.Scan.Files) > 0 || len(d.known.Stories) > 0 {
		return d, nil
	}
	last, _, err := n.before(allNews)
	d.lacking = len(last) > 0
	return d, err
}

// terms are those of the configuration; with --force there is no grace.
func (n *Newsroom) terms(m memory) terms {
	if n.force {
		return terms{meant: true, zone: n.Config.Location}
	}
	return terms{grace: time.Duration(n.Config.Grace), unseen: m.unseen, zone: n.Config.Location}
}

// matched is a scan and the stories that its files are.
type matched struct {
	scan items.Scan
	desk Desk
}

// still tells whether the files are the same stories now.
func (m matched) still(known items.Known, scan items.Scan, now time.Time) bool {
	next := m.desk.next
	return m.desk.known.Same(known) && !now.Before(m.desk.now) && (next.IsZero() || now.Before(next)) && m.scan.Same(scan)
}

// desk says which story each file is. Its problems are those of the scan and of identity.
func desk(known items.Known, scan items.Scan, now time.Time, t terms) Desk {
	scan.Files = known.Left(scan.Files)
	stories, probs := known.Match(scan.Files, now)
	absent := known.Absent(stories, now, t.grace)
	lacking := !t.meant && emptied(known, len(scan.Files), absent, t.unseen)
	if lacking {
		absent = kept(known, absent, known.Absent(stories, now, math.MaxInt64))
	}
	scan.Problems = slices.Concat(scan.Problems, probs, items.Unrelated(scan.Files, stories), items.Ahead(scan.Files, now),
		items.Alike(scan.Files, stories, absent, t.grace, t.zone))
	overwritten := items.Overwritten(scan.Files, stories)
	stories = append(stories, absent...)
	d := Desk{Scan: scan, Stories: stories, Overwritten: overwritten, known: known, now: now, grace: t.grace, lacking: lacking}
	d.next = d.nextChange()
	d.print = d.contents()
	return d
}

// NextChange is the next time at which a story begins or ceases to show, or is changed or corrected, or waits no more for a file beside it,
// without anyone touching its file; zero if there is none.
func (d Desk) NextChange() time.Time { return d.next }

func (d Desk) nextChange() (next time.Time) {
	soonest := func(t time.Time) {
		if t.After(d.now) && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	for i := range d.Stories {
		if s := &d.Stories[i]; s.Item != nil {
			soonest(s.Due())
			soonest(s.Item.NextChange(d.now))
			soonest(d.withdrawal(s))
		}
	}
	for i := range d.Scan.Files {
		soonest(d.Scan.Files[i].Until)
	}
	return next
}

// contents is the print of the files and of what is told of them.
func (d Desk) contents() string {
	h := sha256.New()
	var line []byte
	for i := range d.Scan.Files {
		f := &d.Scan.Files[i]
		line = line[:0]
		for _, part := range []string{f.Path, f.Hash, f.Beside} {
			line = append(append(line, part...), '\n')
		}
		if !f.Until.IsZero() {
			line = fmt.Appendln(line, f.Until.UnixNano())
		}
		_, _ = h.Write(line) // a hash takes everything
	}
	gone := 0
	for i := range d.Stories {
		if !d.Stories[i].Gone.IsZero() {
			gone++
		}
	}
	fmt.Fprintln(h, gone, d.next, d.Scan.Problems)
	return hex.EncodeToString(h.Sum(nil))
}

// withdrawal is when a story whose file is gone will count as withdrawn; zero if that is not so.
func (d Desk) withdrawal(s *items.Story) time.Time {
	if s.Gone.IsZero() || s.Status != items.Published {
		return time.Time{}
	}
	return s.Gone.Add(d.grace)
}

// problem is ErrEmptied if that is so.
func (d Desk) problem() error {
	if d.lacking {
		return ErrEmptied
	}
	return nil
}

// ErrEmptied says that the items folder suddenly lacks most of the stories that it held at the last publication: more likely it is not
// mounted, or a syncing program has only begun, than that the news was deleted. They stay as they were.
var ErrEmptied = errors.New("the items folder lacks most of the stories that it held before: they stay as they were")

// EmptiedHint is what to do about ErrEmptied.
const EmptiedHint = "mount the folder, or put the files back; if they were deleted on purpose, tidings build --force withdraws their stories"

// ErrClock says that this machine's clock shows a time before most stories were first published. Nothing is published then: it would
// take them back.
var ErrClock = errors.New("this machine's clock shows a time at which most stories were not published yet: nothing is published")

// tooEarly tells whether that is so.
func (d Desk) tooEarly() bool {
	all, later := 0, 0
	for _, s := range d.known.Stories {
		if s.Status == items.Published && !s.FirstPublished.IsZero() {
			all++
			if s.FirstPublished.After(d.now.Add(time.Hour)) {
				later++
			}
		}
	}
	return later > 1 && 2*later > all
}

// suddenly is how many stories must be missing at once to be taken for a mistake, if they are most; all of several always are.
const suddenly = 5

// emptied tells whether most stories that readers had are missing since the last publication.
func emptied(known items.Known, files int, absent []items.Story, unseen []string) bool {
	if len(absent) == 0 {
		return false
	}
	there, missing := 0, 0
	gone := map[string]bool{}
	for _, s := range known.Stories {
		if _, nobody := slices.BinarySearch(unseen, s.ID); s.Status == items.Published && !nobody {
			gone[s.ID] = !s.Gone.IsZero()
			if s.Gone.IsZero() {
				there++
			}
		}
	}
	for _, s := range absent {
		if was, known := gone[s.ID]; known && !was {
			missing++
		}
	}
	return missing > 1 && (files == 0 || missing >= suddenly && 2*missing > there)
}

// kept gives absent stories, but those whose files were there at the last publication as if they were still: as they are with endless grace.
func kept(known items.Known, absent, graced []items.Story) []items.Story {
	before := map[string]items.Story{}
	for _, s := range known.Stories {
		before[s.ID] = s
	}
	for i, s := range graced {
		if before[s.ID].Gone.IsZero() {
			s.Gone = time.Time{}
			absent[i] = s
		}
	}
	return absent
}

// AllProblems are all that there are now, sorted.
func (d Desk) AllProblems() problem.List {
	d.Scan.Problems = slices.Concat(d.Scan.Problems, d.Overwritten)
	return d.Scan.AllProblems()
}

// fileOf is what problems call the file of the story with this id; "" if it has none.
func (d Desk) fileOf(id string) string {
	i := slices.IndexFunc(d.Stories, func(s items.Story) bool { return s.ID == id })
	if i < 0 {
		return ""
	}
	j := slices.IndexFunc(d.Scan.Files, func(f items.File) bool { return f.Path == d.Stories[i].Path })
	if j < 0 {
		return ""
	}
	return d.Scan.Files[j].Name
}

// Shown is how many stories show now, those withdrawn not among them.
func (d Desk) Shown() int {
	n := 0
	for _, s := range d.Stories {
		if s.Visible(d.now) && s.Status == items.Published {
			n++
		}
	}
	return n
}

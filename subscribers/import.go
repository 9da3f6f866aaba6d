package subscribers

import (
	"bufio"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"tidings/internal/problem"
)

// ImportOptions say what an import takes for granted.
type ImportOptions struct {
	Source  string    // where the consent comes from, in words; required
	Known   []string  // the newsletters there are; a row that names another one is a problem
	Default string    // the newsletter of rows that name none; empty: such a row is a problem
	Now     time.Time // when the consent is noted
}

// Report is the account of an import: Rows = Added + Already + Left + Suppressed + Bad. A row counts once, by the first
// of these that is true of it.
type Report struct {
	Rows       int // that were dealt with; the header and empty rows are none
	Added      int // subscribed to at least one newsletter
	Left       int // not added: left before
	Already    int // nothing to do
	Suppressed int // not added: no mail may go to the address
	Bad        int // could not be used: see Problems
	Duplicates int // of Already: what the row asks for was added by an earlier row of this import

	// Problems are those of the file, by line: an error for each bad row, a warning for what was left out of others. After
	// 1,000 they are only counted, in a last one.
	Problems problem.List
}

const (
	batchRows   = 10_000  // a transaction
	batchBytes  = 8 << 20 // a transaction; holds the memory when lines are long
	maxProblems = 1000
)

// Import subscribes the people in the CSV that r gives, in the form that the package describes; file is its name in
// problems. As with Add, nobody who is in already is changed and nobody who left comes back, so importing a file twice
// changes nothing. Bad rows are in the report and the others go in.
//
// It reads a batch, then writes it in one transaction, so neither memory nor the time for which others cannot write
// grows with the list. When ctx ends, or reading fails, what was written stays: the report says up to which line, and
// the error is returned with it. A header that cannot be used is a problem.List, and nothing is imported.
func (s *Store) Import(ctx context.Context, r io.Reader, file string, o ImportOptions) (Report, error) {
	if strings.TrimSpace(o.Source) == "" {
		return Report{}, errNoSource
	}
	im := &importer{store: s, file: file, options: o}
	rs, err := im.open(r)
	if err != nil {
		return im.report, err
	}
	err = im.rows(ctx, rs)
	im.report.Problems = im.report.Problems.Sorted()
	if im.unsaid > 0 {
		im.report.Problems.Warnf(file, 0, "mend those above and import the file again", "there are %d more problems", im.unsaid)
	}
	return im.report, err
}

// importer is one import under way.
type importer struct {
	store   *Store
	file    string
	options ImportOptions
	columns columns
	batch   []entry
	size    int // bytes of the batch
	report  Report
	unsaid  int // problems over the limit
}

func (im *importer) rows(ctx context.Context, rs *records) error {
	for ctx.Err() == nil {
		rec, err := rs.next()
		if err == nil {
			im.row(rec)
			if len(im.batch) < batchRows && im.size < batchBytes {
				continue
			}
		}
		if err := im.write(ctx); err != nil {
			return im.stopped(rs, err)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return im.stopped(rs, fmt.Errorf("reading %s: %w", im.file, err))
		}
	}
	return im.stopped(rs, ctx.Err())
}

// row adds the record to the batch, or says why it cannot be used.
func (im *importer) row(rec record) {
	im.size += rec.size
	e, f := im.entry(rec)
	if f != (fault{}) {
		im.report.Rows++
		im.report.Bad++
		im.say(rec.line, problem.Error, f)
		return
	}
	im.batch = append(im.batch, e)
}

func (im *importer) entry(rec record) (entry, fault) {
	c := im.columns
	if rec.fault != (fault{}) {
		return entry{}, rec.fault
	}
	if f := c.miscounted(rec.fields); f != (fault{}) {
		return entry{}, f
	}
	display, bare := Mailbox(c.field(rec.fields, emailColumn))
	addr, err := Fold(bare)
	if bad := (*BadAddress)(nil); errors.As(err, &bad) {
		return entry{}, fault{fmt.Sprintf("email: %s %s", quote(bare), bad.What), bad.Hint}
	}
	called, err := plainName(cmp.Or(c.name(rec.fields), display))
	if err != nil {
		return entry{}, fault{"name: " + err.Error(), "shorten it; or is a quotation mark missing?"}
	}
	wanted, f := im.newsletters(rec.line, c.field(rec.fields, newslettersColumn))
	if f != (fault{}) {
		return entry{}, f
	}
	lang, err := languageTag(c.field(rec.fields, languageColumn))
	if err != nil {
		im.say(rec.line, problem.Warning, fault{fmt.Sprintf("language: %s %v and was left out", quote(c.field(rec.fields, languageColumn)), err), "write a tag such as en or pt-BR"})
	}
	return entry{rec.line, addr, called, lang, wanted}, fault{}
}

// Mailbox splits Ada <ada@example.com> into name and address (RFC 5322 §3.4, but the name may hold a comma and more). A
// text of another form, and one that has another address before it, is given back as the address.
func Mailbox(s string) (display, address string) {
	before, after, found := strings.Cut(s, "<")
	inner, closed := strings.CutSuffix(after, ">")
	display, address = unquoted(strings.TrimSpace(before)), strings.TrimSpace(inner)
	switch {
	case !found || !closed:
		return "", s
	case strings.EqualFold(display, address):
		return "", address
	case strings.Contains(display, "@"):
		return "", s
	}
	return display, address
}

// unquoted takes off the quotation marks around a text, also the single ones that mail programs put.
func unquoted(s string) string {
	if n := len(s); n > 1 && s[0] == s[n-1] && (s[0] == '"' || s[0] == '\'') {
		return s[1 : n-1]
	}
	return s
}

// newsletters reads the field that names them; case does not count. Those that do not exist are left out with a warning,
// as long as one does.
func (im *importer) newsletters(line int, text string) ([]string, fault) {
	names := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\u00a0;|,", r) })
	if len(names) == 0 && im.options.Default != "" {
		return []string{im.options.Default}, fault{}
	}
	if len(names) == 0 {
		return nil, fault{"newsletters: none is named", im.choice()}
	}
	var out, unknown []string
	for _, n := range names {
		i := slices.IndexFunc(im.options.Known, func(k string) bool { return strings.EqualFold(k, n) })
		if i < 0 {
			unknown = append(unknown, n)
		} else if n = im.options.Known[i]; !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	none := "newsletters: there is no " + quote(strings.Join(unknown, " "))
	if len(out) == 0 {
		return nil, fault{none, im.choice()}
	}
	if len(unknown) > 0 {
		im.say(line, problem.Warning, fault{none + ": only the others were used", im.choice()})
	}
	return out, fault{}
}

func (im *importer) choice() string {
	if len(im.options.Known) == 0 {
		return "set one up first"
	}
	return "there are: " + strings.Join(im.options.Known, ", ")
}

// write puts the batch into the database and its rows into the report.
func (im *importer) write(ctx context.Context) error {
	if len(im.batch) == 0 {
		return nil
	}
	// In the index's order each of its pages is touched once. Stable: of two rows for an address the first one counts.
	slices.SortStableFunc(im.batch, func(a, b entry) int { return strings.Compare(a.addr.Folded, b.addr.Folded) })
	var results []Result
	err := im.store.DB.Write(ctx, func(tx *sql.Tx) (err error) {
		results, err = im.store.admit(ctx, tx, im.batch, im.options.Source, im.options.Now)
		return err
	})
	if err != nil {
		return err
	}
	for i, r := range results {
		im.count(im.batch[i].line, r)
	}
	im.batch, im.size = im.batch[:0], 0
	return nil
}

func (im *importer) count(line int, r Result) {
	im.report.Rows++
	switch {
	case r.Suppressed != nil:
		im.report.Suppressed++
		im.say(line, problem.Warning, fault{fmt.Sprintf("not added: suppressed on %s (%s)", r.Suppressed.At.Format(time.DateOnly), r.Suppressed.Reason), ""})
	case len(r.Added) > 0:
		im.report.Added++
	case len(r.Left) > 0:
		im.report.Left++
	default:
		im.report.Already++
		if r.repeated {
			im.report.Duplicates++
		}
	}
	for _, p := range r.Left {
		im.say(line, problem.Warning, fault{fmt.Sprintf("not added to %s: left it on %s", p.Newsletter, p.Since.Format(time.DateOnly)), "only they themselves can come back: by the link in a mail that they have, if they left by it"})
	}
}

// stopped says from which line on nothing was imported, and returns err.
func (im *importer) stopped(rs *records, err error) error {
	line := rs.line
	if len(im.batch) > 0 {
		line = slices.MinFunc(im.batch, func(a, b entry) int { return a.line - b.line }).line
	}
	im.report.Problems.Errorf(im.file, line, "import the file again: rows that are in are not added twice", "the import stopped: good rows from this line on are not in")
	return err
}

func (im *importer) say(line int, s problem.Severity, f fault) {
	if len(im.report.Problems) >= maxProblems {
		im.unsaid++
		return
	}
	im.report.Problems = append(im.report.Problems, problem.Problem{File: im.file, Line: line, Severity: s, What: f.what, Hint: f.hint})
}

// open reads the header and gets ready for the rows.
func (im *importer) open(r io.Reader) (*records, error) {
	rs := &records{r: bufio.NewReaderSize(r, maxLine), line: 1, comma: ','}
	start, err := rs.r.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch begins := func(with string) bool { return strings.HasPrefix(string(start), with) }; {
	case begins("\ufeff"):
		rs.r.Discard(len("\ufeff"))
	case begins("\xff\xfe"), begins("\xfe\xff"):
		return nil, im.unusable(1, fault{"the file is in UTF-16", faultUTF8.hint})
	case begins("PK\x03\x04"), begins("\xd0\xcf\x11\xe0"): // ZIP, as of .xlsx; the container of .xls ([MS-CFB] §2.2)
		return nil, im.unusable(0, fault{"this is an Excel file: save it as CSV UTF-8", ""})
	}
	header, err := im.header(rs)
	if err != nil {
		return nil, err
	}
	if err := im.locate(header); err != nil {
		return nil, err
	}
	rs.width, rs.used = im.columns.count, im.columns.used()
	return rs, nil
}

func (im *importer) unusable(line int, f fault) error {
	return problem.List{{File: im.file, Line: line, Severity: problem.Error, What: f.what, Hint: f.hint}}
}

// miscounted finds a row with more fields than the header, empty ones at its end left out. Of a row with fewer, the
// others are empty: some spreadsheets leave them out.
func (c columns) miscounted(fields []string) fault {
	if len(fields) <= c.count || strings.Join(fields[c.count:], "") == "" {
		return fault{}
	}
	return fault{fmt.Sprintf("the row has %d fields, the header %d", len(fields), c.count), "put quotation marks around a field that has the separator in it"}
}

// quote shows a text from the file: what cannot be seen escaped, cut after 80 characters.
func quote(s string) string {
	if r := []rune(s); len(r) > 80 {
		s = string(r[:80]) + "…"
	}
	return fmt.Sprintf("%q", s)
}

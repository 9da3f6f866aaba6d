package subscribers_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"tidings/subscribers"
)

var options = subscribers.ImportOptions{Source: "fair 2025", Known: []string{"weekly", "events"}, Default: "weekly", Now: day1}

func load(t testing.TB, s *subscribers.Store, csv string, o subscribers.ImportOptions) subscribers.Report {
	t.Helper()
	r, err := s.Import(t.Context(), strings.NewReader(csv), "list.csv", o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// account is a report without its problems.
func account(r subscribers.Report) subscribers.Report {
	r.Problems = nil
	return r
}

func TestImportForms(t *testing.T) {
	const want = "email,name,newsletters,language\nada@example.com,\"Lovelace, Ada\",events weekly,en\nbob@example.com,Bob,weekly,pt-BR\n"
	for _, c := range []struct{ name, csv string }{
		{"01 as exported", want},
		{"02 semicolons, as spreadsheets in half of Europe write", "email;name;newsletters;language\nada@example.com;Lovelace, Ada;weekly events;en\nbob@example.com;Bob;weekly;pt-br\n"},
		{"03 tabs, with an empty field", "email\tname\tnewsletters\tlanguage\nada@example.com\t\"Lovelace, Ada\"\tweekly|events\ten\nbob@example.com\tBob\t\tpt_BR\n"},
		{"04 a byte order mark, CRLF, no line end at the end", "\ufeffemail,name,newsletters,language\r\nada@example.com,\"Lovelace, Ada\",weekly;events,en\r\nbob@example.com,Bob,,pt-BR"},
		{"05 CR alone, as old spreadsheets on a Mac write", "email,name,newsletters,language\rada@example.com,\"Lovelace, Ada\",weekly;events,en\rbob@example.com,Bob,,pt-BR\r"},
		{"06 other order and case, empty lines and rows", "\nLanguage,NAME,Email,Newsletters\nen,\"Lovelace, Ada\",ada@example.com,\"Weekly, EVENTS\"\n\n,,,\npt-BR, \"Bob\",  bob@example.com ,weekly weekly\n"},
		{"07 headings as German spreadsheets have them, names in two columns", "E-Mail;Vorname;Nachname;Liste;Sprache\nada@example.com;Lovelace,;Ada;weekly events;en\nbob@example.com;Bob;;weekly;pt-br\n"},
		{"08 headings in French, one with its accent apart, as a Mac writes", "Pre\u0301nom,NOM,Adresse e-mail,Listes,Langue\n\"Lovelace,\",Ada,ada@example.com,weekly events,en\n,Bob,bob@example.com,weekly,pt-BR\n"},
		{"09 headings in Spanish", "Nombre,Apellidos,Correo,Newsletter,Idioma\n\"Lovelace,\",Ada,ada@example.com,weekly events,en\nBob,,bob@example.com,weekly,pt-BR\n"},
		{"10 headings of mail programs", "E-Mail Address,Full_Name,Lists,Lang\nada@example.com,\"Lovelace, Ada\",weekly events,en\nbob@example.com,Bob,weekly,pt-BR\n"},
		{"11 a family name before a given one", "Family name,Given-Name,Mail,List,language\nAda,\"Lovelace,\",ada@example.com,weekly events,en\n,Bob,bob@example.com,weekly,pt-BR\n"},
		{"12 the name stands with the address", "courriel;newsletters;language\n\"\"\"Lovelace, Ada\"\" <ada@example.com>\";weekly events;en\n'Bob' < bob@example.com >;weekly;pt-BR\n"},
		{"13 the column of names goes before the name with the address", "Email address,surname,newsletters,language\nCountess <ada@example.com>,\"Lovelace, Ada\",weekly events,en\nBob <bob@example.com>,,weekly,pt-BR\n"},
		{"14 the address twice, and short rows", "email,language,name,newsletters\nada@example.com <ada@example.com>,en,\"Lovelace, Ada\",weekly events\nBob <bob@example.com>,pt-BR\n"},
		{"15 an empty field too many", "email,name,newsletters,language\nada@example.com,\"Lovelace, Ada\",weekly events,en,,\nbob@example.com,Bob,weekly,pt-BR,\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStore(t)
			equal(t, load(t, s, c.csv, options), subscribers.Report{Rows: 2, Added: 2})
			equal(t, export(t, s), want)
		})
	}
}

func TestImportProblems(t *testing.T) {
	const quoteHint = "\nhint: write \"Ada \"\"The Countess\"\" Lovelace\", with quotation marks around the field and those in it doubled"
	long := strings.Repeat("x", 201)
	for _, c := range []struct {
		name, csv, want string
		bad, added      int
	}{
		{"01 a comma for a dot", "email\nok@example.com\n\"ada@example,com\"\n", `list.csv:3: error: email: "ada@example,com" has a comma where a dot is expected` + "\nhint: write the dot", 1, 1},
		{"02 no address", "email,name\n,Ada\n", "list.csv:2: error: email: \"\" is empty\nhint: fill in the address, or take the row out", 1, 0},
		{"03 no @", "email\nada\n", "list.csv:2: error: email: \"ada\" has no @\nhint: write it like ada@example.com", 1, 0},
		{"04 two addresses in one", "email;name\na@b.example,c@d.example;x\n", `list.csv:2: error: email: "a@b.example,c@d.example" has 2 @` + "\nhint: write one address in each row", 1, 0},
		{"05 an escape sequence does not reach the terminal", "email\na\x1b[2J@example.com\n", `list.csv:2: error: email: "a\x1b[2J@example.com" holds an invisible character (U+001B)` + "\nhint: type the address instead of pasting it", 1, 0},
		{"06 an unknown newsletter beside one there is", "email,newsletters\nada@example.com,weekly montly\n", "list.csv:2: warning: newsletters: there is no \"montly\": only the others were used\nhint: there are: weekly, events", 0, 1},
		{"07 an endless name", "email,name\nada@example.com," + long + "\n", "list.csv:2: error: name: is longer than 200 characters\nhint: shorten it; or is a quotation mark missing?", 1, 0},
		{"08 an unquoted comma in a name", "email,name\nada@example.com,Lovelace, Ada\n", "list.csv:2: error: the row has 3 fields, the header 2\nhint: put quotation marks around a field that has the separator in it", 1, 0},
		{"09 the address left out", "name,email\nAda\n", "list.csv:2: error: email: \"\" is empty\nhint: fill in the address, or take the row out", 1, 0},
		{"10 Latin-1", "email,name\nada@example.com,Zo\xeb\nbob@example.com,Zoë\n", "list.csv:2: error: the line is not in UTF-8\nhint: save the file as UTF-8; in Excel: Save as, CSV UTF-8", 1, 1},
		{"11 a quote that is never closed", "email,name\nada@example.com,\"Ada\nbob@example.com,Bob\neve@example.com,Eve\n", "list.csv:2: error: a quotation mark is not closed, or stands within a field without being doubled" + quoteHint, 1, 2},
		{"12 a quote that the next row's closes", "email,name\nada@example.com,\"Ada\nbob@example.com,\"Bob\"\neve@example.com,Eve\n", "list.csv:2: error: a quotation mark is not closed, or stands within a field without being doubled" + quoteHint, 1, 2},
		{"13 a quote that a stray one far below closes", "email,name\nada@example.com,\"Ada\nbob@example.com,Bob\neve@example.com,Eve\"\nzoe@example.com,Zoe\n", "list.csv:2: error: a quotation mark is not closed, or stands within a field without being doubled" + quoteHint +
			"\nlist.csv:4: error: a quotation mark is not closed, or stands within a field without being doubled" + quoteHint, 2, 2},
		{"14 an unclosed quote in a column that is ignored", "email,name,notes\nada@example.com,Ada,\"x\nbob@example.com,Bob,y\neve@example.com,Eve,\"z\"\n", "list.csv:1: warning: the column \"notes\" is not known and is ignored\nhint: known are email, name, first name, last name, newsletters, language" +
			"\nlist.csv:2: error: a quotation mark is not closed, or stands within a field without being doubled" + quoteHint, 1, 2},
		{"15 a quote in mid-field", "email,name\nada@example.com,Ada \"The Countess\" L\n", "list.csv:2: error: a quotation mark is not closed, or stands within a field without being doubled" + quoteHint, 1, 0},
		{"16 a name over two lines", "email,name\nada@example.com,\"Ada\nLovelace\"\n", "list.csv:2: error: a quotation mark is not closed, or stands within a field without being doubled" + quoteHint +
			"\nlist.csv:3: error: a quotation mark is not closed, or stands within a field without being doubled" + quoteHint, 2, 0},
		{"17 lines count in fields of several", "email,notes\nada@example.com,\"one\ntwo\nthree\"\nbob\n", "list.csv:1: warning: the column \"notes\" is not known and is ignored\nhint: known are email, name, first name, last name, newsletters, language" +
			"\nlist.csv:5: error: email: \"bob\" has no @\nhint: write it like ada@example.com", 1, 1},
		{"18 a line without end", "email,name\nada@example.com," + strings.Repeat("x", 100<<10) + "\nbob@example.com,Bob\n", "list.csv:2: error: the line is longer than 64 KiB\nhint: is this a list of addresses?", 1, 1},
		{"19 no language: the row goes in", "email,language\nada@example.com,klingon!\n", `list.csv:2: warning: language: "klingon!" is no language tag and was left out` + "\nhint: write a tag such as en or pt-BR", 0, 1},
		{"20 a machine by its number", "email\nada@[192.0.2.1]\n", "list.csv:2: error: email: \"ada@[192.0.2.1]\" names a machine by its number\nhint: write the domain, such as example.com", 1, 0},
		{"21 an address before the one in brackets", "email\neve@example.com; Ada <ada@example.com>\n", "list.csv:2: error: email: \"eve@example.com; Ada <ada@example.com>\" has more than the bare address\nhint: write only what stands between < and >; names have a column of their own", 1, 0},
		{"22 a long bad address is cut", "email\n" + strings.Repeat("y", 300) + "\n", "list.csv:2: error: email: \"" + strings.Repeat("y", 80) + "…\" is longer than the 254 bytes an address can have\nhint: is a quotation mark or a separator missing?", 1, 0},
		{"23 a bad address in brackets", "email\nAda <ada@example>\n", "list.csv:2: error: email: \"ada@example\" has no dot after the @\nhint: write the whole domain, such as example.com", 1, 0},
		{"24 a bracket that is not closed", "email\nAda <ada@example.com\n", "list.csv:2: error: email: \"Ada <ada@example.com\" has more than the bare address\nhint: write only what stands between < and >; names have a column of their own", 1, 0},
		{"25 only unknown newsletters", "email,newsletters\nada@example.com,montly daily\n", "list.csv:2: error: newsletters: there is no \"montly daily\"\nhint: there are: weekly, events", 1, 0},
		{"26 a name that may be only the last one", "Name,Vorname,email\nLovelace,Ada,ada@example.com\n", "list.csv:1: warning: the column \"Vorname\" is ignored: names are in \"Name\"\nhint: if \"Name\" is only the last name, call it so", 0, 1},
		{"27 a quote that is never closed before a row with brackets", "email,name,notes\nada@example.com,Ada,\"x\nBob <bob@example.com>,Bob,y\neve@example.com,Eve,\"z\"\n", "list.csv:1: warning: the column \"notes\" is not known and is ignored\nhint: known are email, name, first name, last name, newsletters, language" +
			"\nlist.csv:2: error: a quotation mark is not closed, or stands within a field without being doubled" + quoteHint, 1, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := load(t, newStore(t), c.csv, options)
			equal(t, r.Problems.Error(), c.want)
			equal(t, account(r), subscribers.Report{Rows: c.bad + c.added, Bad: c.bad, Added: c.added})
		})
	}
}

func TestImportNeedsNewsletter(t *testing.T) {
	o := options
	o.Default = ""
	r := load(t, newStore(t), "email\nada@example.com\n", o)
	equal(t, r.Problems.Error(), "list.csv:2: error: newsletters: none is named\nhint: there are: weekly, events")
}

func TestImportRefusesFile(t *testing.T) {
	const hint = "\nhint: the first line names the columns: email,name,newsletters,language"
	for _, c := range []struct{ name, csv, want string }{
		{"01 empty", "", "list.csv: error: the file is empty" + hint},
		{"02 blank", "\n \n", "list.csv: error: the file is empty" + hint},
		{"03 no header", "ada@example.com,Ada\n", "list.csv:1: error: there is no column email" + hint},
		{"04 two of them", "\nemail,E-Mail\n", "list.csv:2: error: the columns \"email\" and \"E-Mail\" mean the same\nhint: take one of them out"},
		{"05 UTF-16", "\xff\xfee\x00m\x00", "list.csv:1: error: the file is in UTF-16\nhint: save the file as UTF-8; in Excel: Save as, CSV UTF-8"},
		{"06 only separators", ",,,\n", "list.csv:1: error: there is no header" + hint},
		{"07 a workbook", "PK\x03\x04\xff\n", "list.csv: error: this is an Excel file: save it as CSV UTF-8"},
		{"08 a workbook of before 2007", "\xd0\xcf\x11\xe0\xa1\xb1\n", "list.csv: error: this is an Excel file: save it as CSV UTF-8"},
		{"09 a header in Latin-1", "email,Pr\xe9nom\n", "list.csv:1: error: the line is not in UTF-8\nhint: save the file as UTF-8; in Excel: Save as, CSV UTF-8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := newStore(t).Import(t.Context(), strings.NewReader(c.csv), "list.csv", options)
			if err == nil || err.Error() != c.want {
				t.Errorf("error is %v\nwant %s", err, c.want)
			}
		})
	}
	if _, err := newStore(t).Import(t.Context(), strings.NewReader("email\na@b.example\n"), "list.csv", subscribers.ImportOptions{}); err == nil {
		t.Error("an import without a source of consent is accepted")
	}
}

func TestImportTwiceChangesNothing(t *testing.T) {
	s := newStore(t)
	const csv = "email,name,newsletters,language\nada@example.com,=1+2,weekly events,en\nbob@example.com,<b>Bob</b>,weekly,\nADA@example.com,Other,weekly,fr\n@,,,\n"
	equal(t, account(load(t, s, csv, options)), subscribers.Report{Rows: 4, Added: 2, Already: 1, Duplicates: 1, Bad: 1})
	list, given := export(t, s), consents(t, s)
	equal(t, list, "email,name,newsletters,language\nada@example.com,=1+2,events weekly,en\nbob@example.com,<b>Bob</b>,weekly,\n")
	equal(t, len(given), 3)

	later := options
	later.Now, later.Source = day2, "another source"
	for _, again := range []string{csv, list} {
		r := load(t, s, again, later)
		equal(t, r.Added, 0)
		equal(t, r.Already, r.Rows-r.Bad)
		equal(t, export(t, s), list)
		equal(t, consents(t, s), given)
	}
}

func TestExportGoesRound(t *testing.T) {
	s, other := newStore(t), newStore(t)
	load(t, s, "email,name\n\"zoë@bücher.example\",\"Zoë \"\"Z\"\" O'Hara, jr.\"\nada@example.com,@SUM(A1)\nbob@example.com,-\n\"cy@example.com\",#x\n", options)
	list := export(t, s)
	equal(t, strings.Count(list, "\n"), 5)
	equal(t, account(load(t, other, list, options)), subscribers.Report{Rows: 4, Added: 4})
	equal(t, export(t, other), list)
}

func TestImportBringsNobodyBack(t *testing.T) {
	s := newStore(t)
	id := add(t, s, "ada@example.com", day1, "weekly").ID
	if _, err := s.Leave(t.Context(), id, "weekly", "link", day2); err != nil {
		t.Fatal(err)
	}
	suppress(t, s, "eve@example.com")
	o := options
	o.Now = day3
	r := load(t, s, "email,newsletters\nAda@example.com,weekly\neve@example.com,weekly\nada@example.com,weekly events\nbob@example.com,weekly\n", o)
	equal(t, account(r), subscribers.Report{Rows: 4, Added: 2, Left: 1, Suppressed: 1})
	equal(t, r.Problems.Error(), `list.csv:2: warning: not added to weekly: left it on 2026-01-06
hint: only they themselves can come back: by the link in a mail that they have, if they left by it
list.csv:3: warning: not added: suppressed on 2026-01-05 (bounced)
list.csv:4: warning: not added to weekly: left it on 2026-01-06
hint: only they themselves can come back: by the link in a mail that they have, if they left by it`)
	equal(t, export(t, s), "email,name,newsletters,language\nada@example.com,,events,\nbob@example.com,,weekly,\n")
}

// people is a list of end rows, made as it is read: no more of it is in memory than needed. Each address stands in as
// many rows, one after the other, as times says; 0 is once. Each row has notes of as many bytes.
type people struct {
	next, end int
	times     int
	notes     int
	begun     bool
	rest      []byte
	at        map[int]func() // called when the row of that number is made
}

func (p *people) Read(b []byte) (int, error) {
	if len(p.rest) == 0 {
		if p.next == p.end {
			return 0, io.EOF
		}
		if f := p.at[p.next]; f != nil {
			f()
		}
		if !p.begun {
			p.begun, p.rest = true, append(p.rest, "email,name,newsletters,language,notes\n"...)
		}
		p.rest = fmt.Appendf(p.rest, "person%d@example.com,Person Number %d,weekly,en,", p.next/max(p.times, 1)*7919%p.end, p.next)
		p.rest = append(append(p.rest, bytes.Repeat([]byte("x"), p.notes)...), '\n')
		p.next++
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

// notesWarning is of line 1.
const notesWarning = "list.csv:1: warning: the column \"notes\" is not known and is ignored\nhint: known are email, name, first name, last name, newsletters, language\n"

func TestImportInterrupted(t *testing.T) {
	s := newStore(t)
	ctx, cancel := context.WithCancel(t.Context())
	r, err := s.Import(ctx, &people{end: 12_001, times: 100, at: map[int]func(){11_500: cancel}}, "list.csv", options)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error is %v", err)
	}
	equal(t, account(r), subscribers.Report{Rows: 10_000, Added: 100, Already: 9_900, Duplicates: 9_900})
	equal(t, r.Problems.Error(), notesWarning+"list.csv:10002: error: the import stopped: good rows from this line on are not in\nhint: import the file again: rows that are in are not added twice")
	n, err := s.Count(t.Context(), "weekly")
	equal(t, []any{n, err}, []any{100, nil})

	// The end of the file, from fifty rows on that are in.
	rest, err := s.Import(t.Context(), &people{next: 9_950, end: 12_001, times: 100}, "list.csv", options)
	equal(t, []any{rest.Added, rest.Already, err}, []any{21, 2_030, nil})
}

func TestImportReadingFails(t *testing.T) {
	s := newStore(t)
	broken := io.MultiReader(strings.NewReader("email\nada@example.com\nbob@exam"), errReader{})
	r, err := s.Import(t.Context(), broken, "list.csv", options)
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("error is %v", err)
	}
	equal(t, account(r), subscribers.Report{Rows: 1, Added: 1})
	equal(t, r.Problems[0].Line, 3)
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, os.ErrDeadlineExceeded }

func TestImportersAtOnce(t *testing.T) {
	s := newStore(t)
	reports := make([]subscribers.Report, 2)
	var wg sync.WaitGroup
	for i := range reports {
		wg.Go(func() {
			o := options
			o.Now = day1.AddDate(0, 0, i)
			var err error
			if reports[i], err = s.Import(t.Context(), &people{end: 1_501}, "list.csv", o); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, r := range reports {
		equal(t, r.Added+r.Already, 1_501)
		equal(t, []int{r.Bad, r.Duplicates}, []int{0, 0})
	}
	equal(t, reports[0].Added+reports[1].Added, 1_501)
	equal(t, len(consents(t, s)), 1_501)
}

func TestImportHoldsLittleMemory(t *testing.T) {
	s := newStore(t)
	const n, notes = 640, 32 << 10 // 20 MiB
	var most uint64
	measure := func() {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		most = max(most, m.HeapAlloc)
	}
	at := map[int]func(){}
	for i := 50; i < n; i += 50 {
		at[i] = measure
	}
	r, err := s.Import(t.Context(), &people{end: n, times: 50, notes: notes, at: at}, "list.csv", options)
	if err != nil || r.Rows != n {
		t.Fatal(account(r), err)
	}
	if most > 16<<20 {
		t.Errorf("the import of %d MiB holds %d", n*notes>>20, most>>20)
	}
}

func TestImportCountsProblemsItDoesNotList(t *testing.T) {
	r := load(t, newStore(t), "email\n"+strings.Repeat("x\n", 5000), options)
	equal(t, []int{r.Rows, r.Bad, len(r.Problems)}, []int{5000, 5000, 1001})
	equal(t, r.Problems[1000].What, "there are 4000 more problems")
}

func FuzzImport(f *testing.F) {
	for _, s := range []string{
		"ada@example.com,Ada,weekly,en\n", "a@b.example,\"x\ny\",,\nc@d.example,,,\n", "a@b.example,\"x,,\nc@d.example,\"y\",,\n",
		"a@b.example,,nope,\n\xff,,,\r\r\n,,,\n", "left@example.com,,,\nbad@example.com,,,\nleft@example.com,,weekly events,x!\n",
		"Left <left@example.com>\n\"\"\"Bad\"\" <bad@example.com>\",,weekly nope\n",
	} {
		f.Add(s)
	}
	s := newStore(f)
	id := add(f, s, "left@example.com", day1, "weekly").ID
	if _, err := s.Leave(f.Context(), id, "weekly", "x", day1); err != nil {
		f.Fatal(err)
	}
	suppress(f, s, "bad@example.com")
	f.Fuzz(func(t *testing.T, body string) {
		r, err := s.Import(t.Context(), strings.NewReader("email,name,newsletters,language\n"+body), "list.csv", options)
		if err != nil {
			t.Fatal(err)
		}
		if r.Rows != r.Added+r.Already+r.Left+r.Suppressed+r.Bad || r.Duplicates > r.Already {
			t.Errorf("the account does not balance: %+v", account(r))
		}
		if lines := fullLines(body); !strings.Contains(body, `"`) && r.Rows != lines {
			t.Errorf("%d rows of %d lines", r.Rows, lines)
		}
		var list bytes.Buffer
		if err := s.Export(t.Context(), &list); err != nil {
			t.Fatal(err)
		}
		back := strings.Contains("\n"+list.String(), "\nbad@example.com,")
		if sub, err := s.ByID(t.Context(), id); err != nil || back || slices.Contains(sub.Newsletters, "weekly") {
			t.Errorf("somebody came back: %+v, %v\n%s", sub, err, list.String())
		}
		again := load(t, s, list.String(), options)
		if again.Already != again.Rows {
			t.Errorf("importing the export changes something: %+v\n%s", account(again), list.String())
		}
		if _, err := s.DB.Exec(`DELETE FROM subscribers WHERE id <> $1`, id); err != nil { // each input starts anew
			t.Fatal(err)
		}
	})
}

// fullLines counts the lines that hold more than separators and white space.
func fullLines(s string) int {
	n := 0
	for line := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == '\n' || r == '\r' }) {
		fields := strings.Split(line, ",")
		for i := range fields {
			fields[i] = strings.TrimSpace(fields[i])
		}
		if strings.Join(fields, "") != "" {
			n++
		}
	}
	return n
}

func BenchmarkImport(b *testing.B) {
	for _, n := range []int{10_007, 100_003, 1_000_003} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				s := newStore(b)
				b.StartTimer()
				if r, err := s.Import(b.Context(), &people{end: n}, "list.csv", options); err != nil || r.Added != n {
					b.Fatal(account(r), err)
				}
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

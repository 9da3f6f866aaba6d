package subscribers

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"tidings/internal/problem"
)

// column is a kind of field that a row can have.
type column int

const (
	emailColumn column = iota // first: see records.used
	nameColumn
	firstNameColumn // read where there is no name
	lastNameColumn
	newslettersColumn
	languageColumn
	kinds int = iota
)

// headings are what the columns are called, in English, French, German and Spanish, without what plainHeading drops.
var headings = map[column][]string{
	emailColumn: {"email", "emailaddress", "mail", "mailaddress", "emailadresse", "mailadresse", "adresseemail", "adressemail",
		"courriel", "correo", "correoelectrónico", "correoelectronico"},
	nameColumn:        {"name", "fullname", "nomcomplet", "nombrecompleto"},
	firstNameColumn:   {"firstname", "givenname", "forename", "vorname", "prénom", "prenom", "nombre"},
	lastNameColumn:    {"lastname", "surname", "familyname", "nachname", "familienname", "nom", "nomdefamille", "apellido", "apellidos"},
	newslettersColumn: {"newsletters", "newsletter", "list", "lists", "liste", "listes", "listen", "lista", "listas"},
	languageColumn:    {"language", "lang", "sprache", "langue", "idioma"},
}

// plainHeading keeps the letters and digits of a heading, in lower case: E-Mail is email.
func plainHeading(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, norm.NFC.String(s))
}

// columnOf gives the column that a heading names.
func columnOf(heading string) (column, bool) {
	plain := plainHeading(heading)
	for c, names := range headings {
		if slices.Contains(names, plain) {
			return c, true
		}
	}
	return 0, false
}

// columns are the places of the fields in a row; -1: there is no such column.
type columns struct {
	at    [kinds]int
	count int
}

// field gives the text in a column: empty where the row is shorter or there is no such column.
func (c columns) field(fields []string, which column) string {
	if i := c.at[which]; i >= 0 && i < len(fields) {
		return fields[i]
	}
	return ""
}

// used are the places that are read, that of the address first.
func (c columns) used() []int {
	return slices.DeleteFunc(slices.Clone(c.at[:]), func(i int) bool { return i < 0 })
}

// name gives the name in a row, put together from its parts where there is no column for it.
func (c columns) name(fields []string) string {
	if c.at[nameColumn] >= 0 {
		return c.field(fields, nameColumn)
	}
	return strings.TrimSpace(c.field(fields, firstNameColumn) + " " + c.field(fields, lastNameColumn))
}

const headerHint = "the first line names the columns: email,name,newsletters,language"

// header reads the first line that is not empty, and which separator it uses.
func (im *importer) header(rs *records) (record, error) {
	first, err := rs.peek(0)
	for err == nil && strings.TrimSpace(first) == "" {
		rs.take(1)
		first, err = rs.peek(0)
	}
	if errors.Is(err, io.EOF) {
		return record{}, im.unusable(0, fault{"the file is empty", headerHint})
	}
	if err != nil {
		return record{}, err
	}
	rs.comma = separator(first)
	rec, err := rs.next()
	if errors.Is(err, io.EOF) {
		return record{}, im.unusable(1, fault{"there is no header", headerHint})
	}
	if err == nil && rec.fault != (fault{}) {
		err = im.unusable(rec.line, rec.fault)
	}
	return rec, err
}

// separator is the one of comma, semicolon and tab that the header has most often outside quotation marks.
func separator(header string) rune {
	count := map[rune]int{}
	quoted := false
	for _, r := range header {
		if r == '"' {
			quoted = !quoted
		}
		if !quoted {
			count[r]++
		}
	}
	best := ','
	for _, r := range ";\t" {
		if count[r] > count[best] {
			best = r
		}
	}
	return best
}

// locate finds the columns in the header.
func (im *importer) locate(header record) error {
	c := columns{count: len(header.fields)}
	for i := range c.at {
		c.at[i] = -1
	}
	for i, f := range header.fields {
		which, ok := columnOf(f)
		switch {
		case !ok && f != "":
			im.say(header.line, problem.Warning, fault{fmt.Sprintf("the column %s is not known and is ignored", quote(f)), "known are email, name, first name, last name, newsletters, language"})
		case ok && c.at[which] >= 0:
			return im.unusable(header.line, fault{fmt.Sprintf("the columns %s and %s mean the same", quote(header.fields[c.at[which]]), quote(f)), "take one of them out"})
		case ok:
			c.at[which] = i
		}
	}
	if c.at[emailColumn] < 0 {
		return im.unusable(header.line, fault{"there is no column email", headerHint})
	}
	im.columns = im.oneName(header, c)
	return nil
}

// oneName leaves out the parts of names where there is a column for the whole, and says so: in German, Name beside
// Vorname is the last name.
func (im *importer) oneName(header record, c columns) columns {
	for _, part := range []column{firstNameColumn, lastNameColumn} {
		if c.at[nameColumn] >= 0 && c.at[part] >= 0 {
			whole := quote(header.fields[c.at[nameColumn]])
			im.say(header.line, problem.Warning, fault{fmt.Sprintf("the column %s is ignored: names are in %s", quote(header.fields[c.at[part]]), whole), fmt.Sprintf("if %s is only the last name, call it so", whole)})
			c.at[part] = -1
		}
	}
	return c
}

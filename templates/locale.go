package templates

import (
	"embed"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
	"gopkg.in/yaml.v3"

	"tidings/items"
)

//go:embed locales/*.yaml
var localeFiles embed.FS

var locales = loadLocales()

// Locale is the words and ways of one language in which pages and mails speak. It is safe for concurrent use.
type Locale struct {
	Lang string // BCP 47, of the words themselves: the locale for de-AT has "de"
	Dir  string // "ltr" or "rtl"

	words    map[string]string
	months   []string
	weekdays []string // Sunday first, as time.Weekday counts
	units    []string // of bytes, thousands of bytes and so on
	decimal  string
	names    display.Namer

	territory string // of the bare language
}

// localeFile is a locale as its file holds it.
type localeFile struct {
	Months   []string
	Weekdays []string
	Units    []string
	Decimal  string
	Words    map[string]string
}

func loadLocales() map[string]*Locale {
	entries, err := localeFiles.ReadDir("locales")
	if err != nil {
		panic(err) // the files are part of the program
	}
	all := map[string]*Locale{}
	for _, e := range entries {
		lang := strings.TrimSuffix(e.Name(), path.Ext(e.Name()))
		all[lang] = readLocale(lang, path.Join("locales", e.Name()))
	}
	return all
}

func readLocale(lang, name string) *Locale {
	b, err := localeFiles.ReadFile(name)
	if err != nil {
		panic(err) // the files are part of the program
	}
	var f localeFile
	if err := yaml.Unmarshal(b, &f); err != nil {
		panic(fmt.Sprintf("%s: %v", name, err))
	}
	return &Locale{Lang: lang, Dir: items.Direction(lang), words: f.Words, months: f.Months, weekdays: f.Weekdays,
		units: f.Units, decimal: f.Decimal, names: display.Languages(language.Make(lang)), territory: underscored(language.Make(lang))}
}

// LocaleFor gives the locale for a BCP 47 tag: the language's own, else that of its base language, else English.
// It never gives nil.
func LocaleFor(tag string) *Locale {
	if l, ok := locales[tag]; ok {
		return l
	}
	t := language.Make(tag)
	if l, ok := locales[t.String()]; ok {
		return l
	}
	base, _ := t.Base()
	if l, ok := locales[base.String()]; ok {
		return l
	}
	return locales["en"]
}

// territory is a language as Open Graph writes it, with the country where most speak it if the tag names none: fr_FR.
func territory(tag string) string {
	if l, ok := locales[tag]; ok {
		return l.territory
	}
	return underscored(language.Make(tag))
}

func underscored(t language.Tag) string {
	base, _ := t.Base()
	region, _ := t.Region()
	return base.String() + "_" + region.String()
}

// T is the text for a key of the locale's words, with args put in as fmt.Sprintf does. An unknown key is returned as
// it is.
func (l *Locale) T(key string, args ...any) string {
	s, ok := l.words[key]
	if !ok {
		return key
	}
	if len(args) == 0 {
		return s
	}
	return fmt.Sprintf(s, args...)
}

// Date is the day of t in t's own time zone: "2 November 2015".
func (l *Locale) Date(t time.Time) string {
	return l.T("date", l.day(t), l.months[t.Month()-1], t.Year())
}

// DayMonth is the day of t in t's own time zone without its year: "2 November".
func (l *Locale) DayMonth(t time.Time) string {
	return l.T("day_month", l.day(t), l.months[t.Month()-1])
}

// DateTime is day and time of t in t's own time zone: "2 November 2015, 14:05".
func (l *Locale) DateTime(t time.Time) string { return l.T("date_time", l.Date(t), clock(t)) }

// EventTime is when an event takes place: "Monday 14 December 2015, 12:45–17:00". An event of whole days has no
// times; one that ends on another day has both days.
func (l *Locale) EventTime(e *items.Event) string {
	from, to := e.Start.Time, e.End.Time
	switch {
	case e.End.IsZero() || to.Equal(from):
		return l.moment(e.Start)
	case !sameDay(from, to):
		return l.T("from_to", l.moment(e.Start), l.moment(e.End))
	case e.Start.Whole:
		return l.fullDate(from)
	}
	return l.T("day_hours", l.fullDate(from), clock(from), clock(to))
}

func (l *Locale) moment(w items.When) string {
	if w.Whole {
		return l.fullDate(w.Time)
	}
	return l.T("day_time", l.fullDate(w.Time), clock(w.Time))
}

func (l *Locale) fullDate(t time.Time) string {
	return l.T("full_date", l.weekdays[t.Weekday()], l.Date(t))
}

// day is the day of the month; French says "1er" for the first.
func (l *Locale) day(t time.Time) string {
	if t.Day() == 1 {
		return l.T("first")
	}
	return strconv.Itoa(t.Day())
}

func clock(t time.Time) string { return t.Format("15:04") }

func sameDay(a, b time.Time) bool { return a.Format(time.DateOnly) == b.Format(time.DateOnly) }

// Size is a number of bytes in decimal units: "312 kB", "1.4 MB".
func (l *Locale) Size(bytes int64) string {
	n, unit := float64(bytes), 0
	for n >= 999.5 && unit < len(l.units)-1 {
		n, unit = n/1000, unit+1
	}
	digits := 0
	if unit > 1 && n < 9.95 {
		digits = 1
	}
	number := strings.Replace(strconv.FormatFloat(n, 'f', digits, 64), ".", l.decimal, 1)
	return number + "\u00a0" + l.units[unit]
}

// LanguageName is what the locale calls a language, by its BCP 47 tag: "French" for fr. An unknown tag is returned as
// it is.
func (l *Locale) LanguageName(tag string) string {
	t, err := language.Parse(tag)
	if err != nil {
		return tag
	}
	if name := l.names.Name(t); name != "" {
		return name
	}
	return tag
}

// OwnName is what a language, by its BCP 47 tag, calls itself, as the first word of a line: "Français". An unknown tag is
// returned as it is.
func OwnName(tag string) string {
	t, err := language.Parse(tag)
	name := display.Self.Name(t)
	if err != nil || name == "" {
		return tag
	}
	first, size := utf8.DecodeRuneInString(name)
	return string(unicode.ToTitle(first)) + name[size:]
}

package config

import (
	"cmp"
	"reflect"
	"slices"
	"strconv"

	"tidings/internal/strict"
)

// setDefaults fills in, for every key that the file does not give, what its default tag says.
func setDefaults(doc *strict.Document, c *Config) {
	fillStruct(doc, reflect.ValueOf(c).Elem())
	for name, n := range c.Newsletters {
		fillStruct(doc, reflect.ValueOf(&n).Elem(), "newsletters", name)
		c.Newsletters[name] = n
	}
	for i := range c.Mail.Relays {
		fillStruct(doc, reflect.ValueOf(&c.Mail.Relays[i]).Elem(), "mail", "relays", i)
	}
	c.Owner.Name = cmp.Or(c.Owner.Name, c.Title)
}

func fillStruct(doc *strict.Document, v reflect.Value, path ...any) {
	for _, f := range strict.Fields(v.Type()) {
		field := v.FieldByIndex(f.Index)
		at := slices.Concat(path, []any{f.Key})
		if def := f.Tag.Get("default"); def != "" && !doc.Has(at...) {
			setDefault(field, def)
		} else if field.Kind() == reflect.Struct {
			fillStruct(doc, field, at...)
		}
	}
}

// setDefault puts a default tag's text into a field; a default that does not fit its field is a fault of this package,
// which its tests find.
func setDefault(field reflect.Value, text string) {
	switch field.Interface().(type) {
	case string:
		field.SetString(text)
	case int:
		n, err := strconv.Atoi(text)
		if err != nil {
			panic(err)
		}
		field.SetInt(int64(n))
	case Places:
		field.Set(reflect.ValueOf(Places{text}))
	case Period:
		p, err := parsePeriod(text)
		if err != nil {
			panic(err)
		}
		field.SetInt(int64(p))
	default:
		panic("no defaults for " + field.Type().String())
	}
}

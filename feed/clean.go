package feed

import (
	"reflect"

	"tidings/internal/markup"
)

// cleaned returns v if it is clean, else a deep copy of it: one whose texts hold no control character, nor what else XML forbids; those of nothing but white space are
// empty, as formats forbid an element or a key that says nothing. Walking over all of them, it also
// covers the fields that are added one day: a single forgotten one could make a whole feed unreadable.
func cleaned[T any](v T) T {
	if value := reflect.ValueOf(&v).Elem(); !isClean(value) {
		clean(value)
	}
	return v
}

// isClean is there for speed: hardly anything has to be cleaned, and copies take longer than looks.
func isClean(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.String:
		return isCleanText(v.String())
	case reflect.Pointer:
		return v.IsNil() || isClean(v.Elem())
	case reflect.Slice:
		for i := range v.Len() {
			if !isClean(v.Index(i)) {
				return false
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if field := v.Field(i); field.CanInterface() && !isClean(field) {
				return false
			}
		}
	}
	return true
}

func isCleanText(text string) bool {
	var found byte
	for i := range len(text) {
		found |= classes[text[i]]
	}
	if found&beyondASCII != 0 {
		if _, done := markup.CleanText(text); done != (markup.Cleaning{}) {
			return false
		}
	}
	return found&(illegal|del) == 0 && (text == "" || !blank(text))
}

// clean cleans v in place, after giving it storage of its own wherever it shares some.
func clean(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		text, _ := markup.CleanText(v.String())
		if blank(text) {
			text = ""
		}
		v.SetString(text)
	case reflect.Pointer:
		if !v.IsNil() {
			own := reflect.New(v.Type().Elem())
			own.Elem().Set(v.Elem())
			v.Set(own)
			clean(own.Elem())
		}
	case reflect.Slice:
		v.Set(reflect.AppendSlice(reflect.Zero(v.Type()), v))
		for i := range v.Len() {
			clean(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if field := v.Field(i); field.CanSet() {
				clean(field)
			}
		}
	}
}

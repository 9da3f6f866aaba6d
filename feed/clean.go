package feed

import (
	"reflect"

	"tidings/internal/markup"
)

// cleaned returns a deep copy of v whose texts hold no character that XML forbids. Walking over all of them, it also
// covers the fields that are added one day: a single forgotten one could make a whole feed unreadable.
func cleaned[T any](v T) T {
	clean(reflect.ValueOf(&v).Elem())
	return v
}

// clean cleans v in place, after giving it storage of its own wherever it shares some.
func clean(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		text, _ := markup.CleanText(v.String())
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
			if v.Type().Field(i).IsExported() {
				clean(v.Field(i))
			}
		}
	}
}

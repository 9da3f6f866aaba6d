package strict

import (
	"reflect"

	"github.com/invopop/jsonschema"
)

// Schema is the JSON Schema of the files that are decoded into v, a pointer to a struct. special gives the schemas of
// types that are written other than their Go form; nil means the usual.
func Schema(v any, title string, special func(reflect.Type) *jsonschema.Schema) *jsonschema.Schema {
	r := jsonschema.Reflector{FieldNameTag: "yaml", RequiredFromJSONSchemaTags: true, ExpandedStruct: true, Anonymous: true, Mapper: special}
	s := r.Reflect(v)
	s.Title = title
	return s
}

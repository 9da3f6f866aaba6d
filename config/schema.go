package config

import (
	"reflect"

	"github.com/invopop/jsonschema"

	"tidings/internal/strict"
)

// Schema is the JSON Schema of tidings.yaml.
func Schema() *jsonschema.Schema {
	return strict.Schema(&Config{}, "tidings.yaml", func(t reflect.Type) *jsonschema.Schema {
		if t == reflect.TypeFor[Period]() {
			return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{{Type: "string", Pattern: `^\d{1,6}[wdhms]$`}, {Const: 0}}}
		}
		if t == reflect.TypeFor[Rate]() {
			return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{{Type: "string", Pattern: ratePattern.String()}, {Const: 0}}}
		}
		if t == reflect.TypeFor[Places]() {
			text := &jsonschema.Schema{Type: "string"}
			return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{text, {Type: "array", Items: text}}}
		}
		return nil
	})
}

package items

import (
	"reflect"

	"github.com/invopop/jsonschema"

	"tidings/internal/strict"
)

// Schema is the JSON Schema of an item: of a .yaml or .json file, or of a .md file's front matter.
func Schema() *jsonschema.Schema {
	return strict.Schema(&Item{}, "Tidings item", func(t reflect.Type) *jsonschema.Schema {
		switch t {
		case reflect.TypeFor[When]():
			return &jsonschema.Schema{Type: "string", AnyOf: []*jsonschema.Schema{{Format: "date"}, {Format: "date-time"}, {Pattern: `^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}`}}}
		case reflect.TypeFor[Related]():
			link := jsonschema.NewProperties()
			link.Set("title", &jsonschema.Schema{Type: "string"})
			link.Set("url", &jsonschema.Schema{Type: "string", Format: "uri"})
			return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{{Type: "string"},
				{Type: "object", Properties: link, Required: []string{"url"}, AdditionalProperties: jsonschema.FalseSchema}}}
		case reflect.TypeFor[Person]():
			type plain Person
			return orName(&plain{})
		case reflect.TypeFor[Contact]():
			type plain Contact
			return orName(&plain{})
		}
		return nil
	})
}

// orName is the schema of what may be written as a mere name instead of the struct that group points to.
func orName(group any) *jsonschema.Schema {
	s := strict.Schema(group, "", nil)
	s.Version = ""
	return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{{Type: "string"}, s}}
}

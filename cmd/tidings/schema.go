package main

import (
	"encoding/json"

	"github.com/invopop/jsonschema"
	"github.com/spf13/cobra"

	"tidings/config"
	"tidings/items"
)

// schemas are the files that people write, with what gives their JSON Schema.
var schemas = map[string]func() *jsonschema.Schema{"config": config.Schema, "item": items.Schema}

func (a *app) schema() *cobra.Command {
	return &cobra.Command{
		Use:   "schema config|item",
		Short: "Print the JSON Schema of tidings.yaml or of an item",
		Long: `Schema prints a JSON Schema (draft 2020-12) by which editors complete and check tidings.yaml or an item's front matter
while it is being written.`,
		Example:   "  tidings schema config > tidings.schema.json",
		ValidArgs: []string{"config", "item"},
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		RunE: func(_ *cobra.Command, args []string) error {
			enc := json.NewEncoder(a.out)
			enc.SetIndent("", "  ")
			enc.SetEscapeHTML(false)
			return enc.Encode(schemas[args[0]]())
		},
	}
}

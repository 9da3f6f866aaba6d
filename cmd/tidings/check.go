package main

import (
	"encoding/json"

	"github.com/spf13/cobra"

	"tidings/internal/problem"
	"tidings/newsroom"
)

func (a *app) check() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Tell every problem in tidings.yaml, the items and the templates",
		Long: `Check reads tidings.yaml, all items and the newsroom's own templates, and tells every problem with its file, line and a
hint. It changes nothing. An error leaves an item out; with a warning it is published. Of a picture or document that is not
there yet it tells until when "tidings run" waits for it, and of one that is there whether it can be published; damage within the
pixels of a picture is found when that is published. The exit status is 1 if there is an error.`,
		Example: "  tidings -C mynews check\n  tidings -C mynews check --json | jq .",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			probs, err := newsroom.Check(cmd.Context(), a.dir, a.now())
			if err != nil {
				return err
			}
			if asJSON {
				return a.checkJSON(probs)
			}
			a.report(probs)
			return a.verdict(probs)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the problems to standard output as a JSON array")
	return cmd
}

func (a *app) checkJSON(probs problem.List) error {
	enc := json.NewEncoder(a.out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(append(problem.List{}, probs...)); err != nil {
		return err
	}
	if probs.HasErrors() {
		return errSaid
	}
	return nil
}

func (a *app) verdict(probs problem.List) error {
	errs := probs.Errors()
	if len(probs) == 0 {
		a.say("nothing is wrong")
		return nil
	}
	a.say("%s, %s", count(errs, "error", "errors"), count(len(probs)-errs, "warning", "warnings"))
	if errs > 0 {
		return errSaid
	}
	return nil
}

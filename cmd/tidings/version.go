package main

import (
	"runtime/debug"

	"github.com/spf13/cobra"
)

// release is the version that this source is of.
const release = "0.1.0-dev"

func (a *app) version() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: "  tidings version",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			a.say("tidings %s%s", release, revision())
			return nil
		},
	}
}

// revision is the source's commit, where the program was built from a checkout.
func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return " (" + s.Value[:12] + ")"
		}
	}
	return ""
}

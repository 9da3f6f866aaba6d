package main

import (
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"tidings/digest"
	"tidings/newsroom"
)

func (a *app) preview() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "preview NEWSLETTER",
		Short: "Make the next issue to look at; nothing is stored or sent",
		Long: `Preview makes the next issue of a newsletter from the items as they are now and writes it to files: HTML and text to look
at, and the whole mail (.eml) to open in a mail program. It tells which stories are in the issue, which are not, and
why. It stores nothing, and it sends nothing.`,
		Example: "  tidings -C mynews preview weekly --out /tmp/preview",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.view(cmd.Context(), func(n *newsroom.Newsroom) error {
				p, err := n.Preview(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				return a.showPreview(p, out)
			})
		},
	}
	cmd.Flags().StringVar(&out, "out", ".", "the folder `DIR` that gets the files; it is made if it is missing")
	return cmd
}

func (a *app) showPreview(p newsroom.Preview, out string) error {
	if len(p.Articles) == 0 {
		a.say("%s has no news for an issue", p.Newsletter)
		a.sayLeft(p.Left, false)
		return nil
	}
	a.say("%s-%d: %s", p.Newsletter, p.Number, p.Subject)
	a.say("to %s", count(p.Audience, "subscriber", "subscribers"))
	for i, s := range p.Articles {
		a.say("%3d. %s", i+1, s.Title)
	}
	a.sayLeft(p.Left, true)
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	for _, f := range []struct {
		ext  string
		data []byte
	}{{".html", []byte(p.HTML)}, {".txt", []byte(p.Text)}, {".eml", p.Source}} {
		name := filepath.Join(out, p.Newsletter+f.ext)
		if err := os.WriteFile(name, f.data, 0o644); err != nil {
			return err
		}
		a.say("wrote %s", name)
	}
	return nil
}

// sayLeft tells which stories are not in the issue; those told before only when there was none to tell now.
func (a *app) sayLeft(left []digest.LeftOut, heading bool) {
	if heading && len(left) > 0 {
		a.say("not in this issue:")
	}
	for _, l := range left {
		a.say("   - %s: %s", l.Title, l.Why)
	}
}

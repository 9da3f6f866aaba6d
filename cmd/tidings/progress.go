package main

import (
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"tidings/newsroom"
)

// progress gives what shows a bar while an issue is sent; nil where nobody looks on.
func (a *app) progress() func(newsroom.Progress) {
	f, ok := a.err.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	var bar *progressbar.ProgressBar
	return func(p newsroom.Progress) {
		if p.Ended && (bar == nil || p.Done == 0) {
			return // too short to be seen
		}
		if bar == nil || bar.GetMax64() != p.Total { // a story was taken back, and the rest is sent anew
			bar = progressbar.NewOptions64(p.Total, progressbar.OptionSetWriter(f), progressbar.OptionSetDescription(p.Issue),
				progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString("mails"),
				progressbar.OptionSetPredictTime(true), progressbar.OptionThrottle(100*time.Millisecond),
				progressbar.OptionOnCompletion(func() { _, _ = f.WriteString("\n") }))
		}
		_ = bar.Set64(p.Done) // it fails only beyond its end
		if p.Ended && p.Done < p.Total {
			_, _ = f.WriteString("\n")
		}
		if p.Ended {
			bar = nil
		}
	}
}

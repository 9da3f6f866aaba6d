package newsroom

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

// Look is what a look at the items folder and the ledger tells the daemon: whether there may be something to publish.
type Look struct {
	Print      string    // changes whenever publishing may give something else
	Pending    bool      // some files were left for a later look
	First      bool      // nothing was taken yet since the newsroom was opened
	NextChange time.Time // when a story begins or ceases to show by itself; zero if none does
}

// Look looks at the items folder and stores nothing.
func (n *Newsroom) Look(ctx context.Context) (Look, error) {
	n.desk.Lock()
	defer n.desk.Unlock()
	desk, err := n.look(ctx)
	if err != nil {
		return Look{}, err
	}
	issues, err := n.Ledger.Count(ctx)
	if err != nil {
		return Look{}, err
	}
	missing, err := n.public.Missing(ctx)
	if err != nil {
		return Look{}, err
	}
	h := sha256.New()
	look := Look{Pending: desk.Scan.Pending(), First: true, NextChange: desk.NextChange()}
	for _, f := range desk.Scan.Files {
		fmt.Fprintf(h, "%q %s %s\n", f.Path, f.Hash, f.Beside)
		look.First = look.First && f.Pending
	}
	fmt.Fprintln(h, issues, missing, desk.NextChange(), desk.Scan.Problems)
	look.Print = hex.EncodeToString(h.Sum(nil))
	return look, nil
}

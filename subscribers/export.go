package subscribers

import (
	"context"
	"encoding/csv"
	"io"
	"strings"
)

// Export writes those who get newsletters as CSV, in the form that the package describes, for Import here or elsewhere:
// by folded address, newsletters by name. Left out are people who left every newsletter and suppressed addresses. Names
// keep their bytes, also those that a spreadsheet would take for a formula. It streams; the same list gives the same
// bytes.
func (s *Store) Export(ctx context.Context, w io.Writer) error {
	out := csv.NewWriter(w)
	if err := out.Write([]string{"email", "name", "newsletters", "language"}); err != nil {
		return err
	}
	for sub, err := range s.List(ctx, Filter{State: Active}) {
		if err != nil {
			return err
		}
		if sub.Suppressed != nil {
			continue
		}
		if err := out.Write([]string{sub.Email, sub.Name, strings.Join(sub.Newsletters, " "), sub.Language}); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

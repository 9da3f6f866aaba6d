package publish

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// flush makes everything in the file system of a folder durable at once: one by one, thousands of files would take seconds.
func flush(dir string, _ []string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := unix.Syncfs(int(d.Fd())); err != nil {
		return fmt.Errorf("flush %s: %w", dir, err)
	}
	return nil
}

package main

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"gopkg.in/yaml.v3"

	"tidings/config"
	"tidings/internal/problem"
	"tidings/mailer"
	"tidings/newsroom"
)

func (a *app) dkim() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dkim",
		Short: "Make the key that signs mail",
		Long: `Dkim makes the keys of DKIM: a signature by which receivers know that mail is the sender's. Large mail providers refuse
newsletters without it.`,
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(a.newKey())
	return cmd
}

func (a *app) newKey() *cobra.Command {
	var selector string
	cmd := &cobra.Command{
		Use:   "new",
		Short: "Make a key and print its DNS record",
		Long: `New makes a key (RSA, 2048 bits) to sign mail with, beside the database, and prints the DNS record by which receivers
verify the mail, and the lines for tidings.yaml. It writes over no key: to change keys, make one with another selector,
publish its record, wait until it answers, and only then change tidings.yaml.`,
		Example: "  tidings -C mynews dkim new\n  tidings -C mynews dkim new --selector spring",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			c, err := a.signingConfig()
			if err != nil {
				return err
			}
			return a.makeKey(c, cmp.Or(selector, a.now().In(c.Location).Format("t200601")))
		},
	}
	cmd.Flags().StringVar(&selector, "selector", "", "the key's `NAME` in DNS (default: t with the year and month)")
	return cmd
}

// signingConfig reads tidings.yaml. What is wrong with its lines on DKIM is no hindrance: the key may be what they lack.
func (a *app) signingConfig() (*config.Config, error) {
	c, probs, err := config.Load(a.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, newsroom.ErrNone
	} else if err != nil {
		return nil, err
	}
	probs = slices.DeleteFunc(probs, func(p problem.Problem) bool { return strings.HasPrefix(p.What, "mail.dkim.") })
	if probs.HasErrors() {
		return nil, probs
	}
	if c.Mail.DKIM.Domain == "" {
		return nil, errors.New("there is no domain to sign for: give mail.from in tidings.yaml first")
	}
	return c, nil
}

func (a *app) makeKey(c *config.Config, selector string) error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	signer, err := mailer.NewSigner(c.Mail.DKIM.Domain, selector, key) // sees to it that the selector can name a file
	if err != nil {
		return err
	}
	record, err := signer.Record()
	if err != nil {
		return err
	}
	path := filepath.Join(c.State(), "dkim-"+selector+".pem")
	file, err := filepath.Rel(c.Dir, path)
	if err != nil {
		return err
	}
	lines, err := dkimLines(config.DKIM{Domain: c.Mail.DKIM.Domain, Selector: selector, KeyFile: file})
	if err != nil {
		return err
	}
	if err := writeKey(path, key); err != nil {
		return err
	}
	a.say(keyMade, path, record.Name, record.Value, record, lines)
	return nil
}

const keyMade = `%s holds the new key. Keep it safe, and let nobody else read it.

1. Publish this TXT record in the DNS of the domain:

name:  %s
value: %s

For a zone file, and for a DNS service that takes at most 255 characters at once:

%s

2. When it answers, sign with the key: in tidings.yaml, put dkim below the mail that is there.

%s`

// dkimLines are the lines for tidings.yaml.
func dkimLines(d config.DKIM) (string, error) {
	lines := map[string]any{"mail": map[string]any{"dkim": map[string]string{
		"domain": d.Domain, "selector": d.Selector, "key_file": d.KeyFile}}}
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	err := enc.Encode(lines)
	return b.String(), errors.Join(err, enc.Close())
}

// writeKey writes a new file that its owner alone can read. Of a key that could not be written as a whole nothing is left.
func writeKey(path string, key *rsa.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already: name the new key with --selector", path)
	} else if err != nil {
		return err
	}
	err = errors.Join(pem.Encode(f, &pem.Block{Type: "PRIVATE KEY", Bytes: der}), f.Sync(), f.Close())
	if err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

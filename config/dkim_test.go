package config_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tidings/config"
)

// keyPEM is a key as PKCS #8, as it lies on disk.
func keyPEM(t *testing.T, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func rsaKey(t *testing.T, bits int) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// TestDKIMKey: a key that must not or cannot be used is an error with its line and a hint; a good one signs for the
// domain of the sender.
func TestDKIMKey(t *testing.T) {
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good := keyPEM(t, rsaKey(t, 2048))
	old := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsaKey(t, 2048))})
	for i, tt := range []struct {
		key  []byte
		mode os.FileMode
		want string // "" for a key that is taken
	}{
		{good, 0o600, ""},
		{good, 0o400, ""},
		{old, 0o600, ""},
		{good, 0o640, "others on this machine can read it\nhint: let nobody else read it: chmod 600 k.pem"},
		{good, 0o604, "others on this machine can read it\nhint: let nobody else read it: chmod 600 k.pem"},
		{keyPEM(t, rsaKey(t, 1024)), 0o600, "an RSA key for DKIM has 2048 to 4096 bits, this one has 1024\nhint: tidings dkim new"},
		{keyPEM(t, edwards), 0o600, "not RSA\nhint: tidings dkim new"},                                                                          // many receivers cannot verify it
		{pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY"}), 0o600, "it holds \"ENCRYPTED PRIVATE KEY\", not a private key\nhint: "}, // nobody is there to type the password
		{pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY"}), 0o600, "asn1"},
		{[]byte("secret"), 0o600, "it is no PEM file\nhint: tidings dkim new"},
		{nil, os.ModeDir | 0o700, "it is no file\nhint: tidings dkim new"},
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, "k.pem")
		if tt.mode.IsDir() {
			err = os.Mkdir(path, 0o700)
		} else {
			err = os.WriteFile(path, tt.key, tt.mode)
		}
		if err != nil {
			t.Fatal(err)
		}
		c, probs := config.Parse([]byte(least+"mail:\n  from: News <news@Bücher.example>\n  dkim:\n    selector: t202611\n    key_file: k.pem\n"), dir)
		got, signer := "", c.Mail.DKIM.Signer
		if len(probs) > 0 {
			got = probs.Error()
		}
		if tt.want != "" && (signer != nil || !strings.HasPrefix(got, "tidings.yaml:7: error: mail.dkim.key_file: ") || !strings.Contains(got, tt.want)) || tt.want == "" && (got != "" || signer == nil) {
			t.Errorf("%d: got %s\nwant %s", i+1, got, tt.want)
		}
		if signer != nil {
			if r, err := signer.Record(); err != nil || r.Name != "t202611._domainkey.xn--bcher-kva.example" {
				t.Errorf("%d: signs with the key at %s, %v", i+1, r.Name, err)
			}
		}
	}
}

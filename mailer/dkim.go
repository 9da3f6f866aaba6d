package mailer

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// What is wrong with a DKIM key.
var (
	// ErrKeyMode says that others than its owner may read the key's file.
	ErrKeyMode = errors.New("others on this machine can read it")
	// ErrKeySize says that receivers would take the key for too weak, or could not use it (RFC 8301 §3.2).
	ErrKeySize = errors.New("an RSA key for DKIM has 2048 to 4096 bits")
)

// Signer signs messages with DKIM (RFC 6376): RSA with SHA-256, the header in relaxed form, which allows for what relays do to it,
// the body in simple form, which costs half as much. In quoted-printable no relay finds white space to change. It is safe for
// concurrent use.
type Signer struct {
	domain, selector string
	key              crypto.Signer // RSA
	tags             []byte        // those of the signature that all messages share, as appendFolded gives them, without the last CRLF
}

// NewSigner makes a signer for a domain, which may be international, with the key whose record stands at
// SELECTOR._domainkey.DOMAIN. The key is an RSA key; see ErrKeySize.
func NewSigner(domain, selector string, key crypto.Signer) (*Signer, error) {
	domain, err := Domain(domain)
	if err != nil {
		return nil, err
	}
	if err := CheckSelector(selector); err != nil {
		return nil, err
	}
	public, ok := key.Public().(*rsa.PublicKey)
	if !ok {
		return nil, errors.New("the key for DKIM is no RSA key")
	}
	if err := checkSize(public); err != nil {
		return nil, err
	}
	return &Signer{domain, selector, key, sharedTags(domain, selector)}, nil
}

// Record is the DNS record by which receivers verify what the signer signs.
func (s *Signer) Record() (Record, error) {
	der, err := x509.MarshalPKIXPublicKey(s.key.Public())
	if err != nil {
		return Record{}, err
	}
	return Record{Name: s.selector + "._domainkey." + s.domain,
		Value: "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(der)}, nil
}

// Record is a TXT record (RFC 6376 §3.6.2). Name has no dot at its end.
type Record struct{ Name, Value string }

// String gives the record as a line of a zone file (RFC 1035 §5.1).
func (r Record) String() string {
	return fmt.Sprintf(`%s. IN TXT ( "%s" )`, r.Name, strings.Join(r.Strings(), `" "`))
}

// Strings gives the value in pieces of at most 255 bytes, the most that one string of a TXT record holds.
func (r Record) Strings() []string {
	var pieces []string
	for piece := range slices.Chunk([]byte(r.Value), 255) {
		pieces = append(pieces, string(piece))
	}
	return pieces
}

// labels matches dot-separated labels of a host name (RFC 5321 §4.1.2, sub-domain).
var labels = regexp.MustCompile(`^(?i:[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)(\.(?i:[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?))*$`)

// CheckSelector refuses what is no selector: letters, digits and hyphens, in parts with dots between them
// (RFC 6376 §3.1), at most 63 characters.
func CheckSelector(selector string) error {
	if !labels.MatchString(selector) || len(selector) > 63 {
		return fmt.Errorf("%q is no selector", selector)
	}
	return nil
}

// Domain gives a domain as DNS and signatures spell it: in ASCII (RFC 5891) and small letters.
func Domain(domain string) (string, error) {
	ascii, err := idna.Lookup.ToASCII(domain)
	if err != nil || !labels.MatchString(ascii) || len(ascii) > 253 {
		return "", fmt.Errorf("%q is no domain", domain)
	}
	return strings.ToLower(ascii), nil
}

// Aligned tells whether a signature of one domain counts for a sender of the other: both are of one organisation, as
// relaxed alignment has it (RFC 7489 §3.1.1, §3.2). The domains are as Domain gives them.
func Aligned(signature, from string) bool {
	return organisation(signature) == organisation(from)
}

func organisation(domain string) string {
	org, err := publicsuffix.EffectiveTLDPlusOne(domain)
	if err != nil { // it is a public suffix itself, or no name of the internet
		return domain
	}
	return org
}

// ReadKey reads an RSA key from a PEM file, as PKCS #8 (RFC 5958) or PKCS #1 (RFC 8017). Errors are ErrKeyMode,
// ErrKeySize, those of the file system, and those that say what the file holds instead.
func ReadKey(path string) (*rsa.PrivateKey, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("it is no file")
	case info.Mode().Perm()&0o077 != 0:
		return nil, ErrKeyMode
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	key, err := parseKey(text)
	if err != nil {
		return nil, err
	}
	return key, checkSize(&key.PublicKey)
}

func parseKey(text []byte) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("it is no PEM file")
	}
	switch block.Type {
	case "RSA PRIVATE KEY":
		return x509.ParsePKCS1PrivateKey(block.Bytes)
	case "PRIVATE KEY":
		key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if k, ok := key.(*rsa.PrivateKey); ok || err != nil {
			return k, err
		}
		return nil, fmt.Errorf("it holds a key of the kind %T, not RSA", key)
	}
	return nil, fmt.Errorf("it holds %q, not a private key", block.Type)
}

func checkSize(key *rsa.PublicKey) error {
	if bits := key.N.BitLen(); bits < 2048 || bits > 4096 {
		return fmt.Errorf("%w, this one has %d", ErrKeySize, bits)
	}
	return nil
}

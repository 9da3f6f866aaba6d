package subscribers

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"tidings/internal/problem"
)

// Keys are the secrets that sign links and make message ids. Whoever has them can unsubscribe anyone; lose them and the
// links that were mailed no longer work.
//
// The file holds one key a line, "ID BASE64": ID is a number from 1 to 255 that no other line has, BASE64 (RFC 4648 §4)
// is 32 random bytes. Empty lines and those that start with # are skipped. To change keys, add a line: the last one
// signs, and all stay valid for ever. The file belongs to one user alone (mode 0600).
type Keys struct {
	all []key // never empty
}

type key struct {
	id     byte
	secret []byte
}

// Claim is what a token says: who leaves which newsletter.
type Claim struct {
	Newsletter string
	Subscriber int64
}

// ErrToken is returned for a token that was not made with these keys.
var ErrToken = errors.New("the link is not valid: it is not complete, or it was changed")

const (
	version    = 1
	leaving    = 1  // the purpose of all tokens that there are
	secretSize = 32 // bytes
	tokenHead  = 3 + 8
	tokenMAC   = 16 // bytes
	maxToken   = 1024
	maxKeyFile = 1 << 20
)

// OpenKeys reads the keys file at path and makes one with a first key, of bytes from random, where there is none. When
// several processes do so at once all get the same key. Faults of the file, and a file that others may read, are a
// problem.List.
func OpenKeys(path string, random io.Reader) (*Keys, error) {
	keys, err := ReadKeys(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return keys, err
	}
	if err := createKeys(path, random); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return ReadKeys(path)
}

// createKeys links the complete file into place: unlike a rename, a link fails when another process was first.
func createKeys(path string, random io.Reader) (err error) {
	secret := make([]byte, secretSize)
	if _, err := io.ReadFull(random, secret); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".keys-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	_, err = fmt.Fprintf(f, "# Signs the links in mails. Keep this file secret, and never take a line out.\n1 %s\n", base64.StdEncoding.EncodeToString(secret))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Link(f.Name(), path)
}

// ReadKeys reads the keys file at path, if there is one: else the error is fs.ErrNotExist. Faults in it, and that others may read it, are a
// problem.List.
func ReadKeys(path string) (*Keys, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if st.Mode().Perm()&0o077 != 0 {
		var l problem.List
		l.Errorf(path, 0, "run: chmod 600 "+path, "others on this machine may read or write it (mode %04o), and it is secret", st.Mode().Perm())
		return nil, l
	}
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
	if err != nil {
		return nil, err
	}
	return parseKeys(path, string(text))
}

func parseKeys(path, text string) (*Keys, error) {
	var keys Keys
	var faults problem.List
	seen := map[byte]bool{}
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		k, what := parseKey(line)
		if what == "" && seen[k.id] {
			what = fmt.Sprintf("the number %d stands on two lines", k.id)
		}
		if what != "" {
			faults.Errorf(path, i+1, "put the line back from a backup; without it, links that were mailed do not work", "%s", what)
			continue
		}
		seen[k.id] = true
		keys.all = append(keys.all, k)
	}
	if len(faults) == 0 && len(keys.all) == 0 {
		faults.Errorf(path, 0, "put it back from a backup; if no mail was ever sent, delete it and a new one is made", "there is no key in it")
	}
	if len(faults) > 0 {
		return nil, faults
	}
	return &keys, nil
}

// parseKey reads a line of the file; what says what is wrong with it, without a word of the secret.
func parseKey(line string) (k key, what string) {
	id, text, _ := strings.Cut(line, " ")
	n, err := strconv.ParseUint(id, 10, 8)
	if err != nil || n == 0 {
		return k, "the line does not start with a number from 1 to 255"
	}
	secret, err := base64.StdEncoding.Strict().DecodeString(strings.TrimSpace(text))
	if err != nil || len(secret) != secretSize {
		return k, fmt.Sprintf("after the number there are not %d bytes in Base64", secretSize)
	}
	return key{byte(n), secret}, ""
}

// Unsubscribe is the token by which the subscriber leaves the newsletter: base64url without padding (RFC 4648 §5) of
// version, key id and purpose (a byte each), the subscriber (8 bytes, big-endian), the newsletter's name, and the first
// 16 bytes of the HMAC-SHA256 of all these under the purpose's own key. The same input gives the same token.
func (k *Keys) Unsubscribe(newsletter string, subscriber int64) string {
	signer := k.all[len(k.all)-1]
	b := []byte{version, signer.id, leaving}
	b = binary.BigEndian.AppendUint64(b, uint64(subscriber))
	b = append(b, newsletter...)
	return base64.RawURLEncoding.EncodeToString(append(b, signer.seal(b)...))
}

// Parse gives what a token says if it was made with one of these keys; otherwise ErrToken.
func (k *Keys) Parse(token string) (Claim, error) {
	if len(token) > maxToken {
		return Claim{}, ErrToken
	}
	b, err := base64.RawURLEncoding.DecodeString(token)
	// One claim has one token: the decoder would skip line ends and let the last bits differ.
	if err != nil || len(b) < tokenHead+tokenMAC || base64.RawURLEncoding.EncodeToString(b) != token {
		return Claim{}, ErrToken
	}
	body, mac := b[:len(b)-tokenMAC], b[len(b)-tokenMAC:]
	signer, ok := k.byID(body[1])
	if !ok || !hmac.Equal(mac, signer.seal(body)) || body[0] != version || body[2] != leaving {
		return Claim{}, ErrToken
	}
	return Claim{
		Subscriber: int64(binary.BigEndian.Uint64(body[3:tokenHead])),
		Newsletter: string(body[tokenHead:]),
	}, nil
}

// MAC is the HMAC-SHA256 (32 bytes) of the parts for a purpose in the caller's words, such as "message-id". Other
// purposes, and the same bytes cut into other parts, give other values. It is made with the first key of the file, so
// that it stays the same when keys are added.
func (k *Keys) MAC(purpose string, parts ...[]byte) []byte {
	var b []byte
	for _, p := range parts {
		b = binary.BigEndian.AppendUint64(b, uint64(len(p)))
		b = append(b, p...)
	}
	return k.all[0].mac("mac "+purpose, b)
}

func (k *Keys) byID(id byte) (key, bool) {
	for _, one := range k.all {
		if one.id == id {
			return one, true
		}
	}
	return key{}, false
}

// seal is the MAC of a token's body; its purpose decides on the derived key.
func (k key) seal(body []byte) []byte {
	return k.mac(fmt.Sprintf("token %d", body[2]), body)[:tokenMAC]
}

// mac derives a key for the domain first, so that no value made for one domain is of use in another.
func (k key) mac(domain string, data []byte) []byte {
	return sum(sum(k.secret, []byte("tidings "+domain)), data)
}

func sum(secret, data []byte) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write(data)
	return h.Sum(nil)
}

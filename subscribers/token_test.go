package subscribers_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"tidings/subscribers"
)

// keyLine is a line of a keys file with a secret of 32 times the byte.
func keyLine(id, of string) string {
	return id + " " + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte(of), 32)) + "\n"
}

func keysFile(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func openKeys(t testing.TB, text string) *subscribers.Keys {
	t.Helper()
	k, err := subscribers.OpenKeys(keysFile(t, text), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestTokenGolden(t *testing.T) {
	// Links that were mailed must work for ever: this text may never change.
	const mailed = "AQcBBHDzgY1AtM13ZWVrbHk"
	k := openKeys(t, keyLine("7", "k"))
	token := k.Unsubscribe("weekly", 0x0470f3818d40b4cd)
	if !strings.HasPrefix(token, mailed) || len(token) != 44 {
		t.Errorf("token is %s, want %s and a MAC", token, mailed)
	}
	want := subscribers.Claim{Newsletter: "weekly", Subscriber: 0x0470f3818d40b4cd}
	if c, err := k.Parse(goldenToken); err != nil || c != want {
		t.Errorf("Parse gives %+v, %v; want %+v", c, err, want)
	}
}

func TestParseRefuses(t *testing.T) {
	k := openKeys(t, keyLine("1", "k"))
	good := k.Unsubscribe("weekly", 42)
	raw, err := base64.RawURLEncoding.DecodeString(good)
	if err != nil {
		t.Fatal(err)
	}
	refuse := func(why, token string) {
		if c, err := k.Parse(token); !errors.Is(err, subscribers.ErrToken) || c != (subscribers.Claim{}) {
			t.Errorf("%s: Parse(%q) = %+v, %v", why, token, c, err)
		}
	}
	for i := range raw {
		changed := bytes.Clone(raw)
		changed[i] ^= 1
		refuse("a byte changed", base64.RawURLEncoding.EncodeToString(changed))
		refuse("cut off", base64.RawURLEncoding.EncodeToString(raw[:i]))
	}
	for i := range good {
		for _, c := range "AZaz09-_=+/\n\r " {
			if changed := good[:i] + string(c) + good[i+1:]; changed != good {
				refuse("a character changed", changed)
			}
		}
		refuse("a line end within", good[:i]+"\n"+good[i:])
	}
	refuse("padded", good+"=")
	refuse("longer", good+"AAAA")
	refuse("far too long", strings.Repeat(good, 1000))
	refuse("empty", "")
	refuse("another newsroom's", openKeys(t, keyLine("1", "x")).Unsubscribe("weekly", 42))
}

func TestTokensTellAllApart(t *testing.T) {
	k := openKeys(t, keyLine("1", "k"))
	seen := map[string]bool{}
	for _, n := range []string{"", "weekly", "weekl", "events"} {
		for _, id := range []int64{1, 2, 1<<63 - 1} {
			token := k.Unsubscribe(n, id)
			c, err := k.Parse(token)
			if err != nil || c.Newsletter != n || c.Subscriber != id || seen[token] {
				t.Errorf("%q, %d: %+v, %v", n, id, c, err)
			}
			seen[token] = true
		}
	}
}

func TestOldKeysStayValid(t *testing.T) {
	before := openKeys(t, keyLine("1", "a"))
	after := openKeys(t, keyLine("1", "a")+"\n# since the move\n"+keyLine("2", "b"))
	old := before.Unsubscribe("weekly", 42)
	if _, err := after.Parse(old); err != nil {
		t.Errorf("a token of the old key: %v", err)
	}
	fresh := after.Unsubscribe("weekly", 42)
	if _, err := before.Parse(fresh); err == nil || fresh == old {
		t.Error("the last line does not sign")
	}
	if !bytes.Equal(before.MAC("message-id", []byte("x")), after.MAC("message-id", []byte("x"))) {
		t.Error("message ids change when a key is added")
	}
}

func TestMAC(t *testing.T) {
	k := openKeys(t, keyLine("1", "k"))
	ab := k.MAC("message-id", []byte("a"), []byte("b"))
	if len(ab) != 32 || !bytes.Equal(ab, k.MAC("message-id", []byte("a"), []byte("b"))) {
		t.Errorf("MAC gives %x, then another", ab)
	}
	for _, other := range [][]byte{
		k.MAC("message-id", []byte("ab")), k.MAC("message-id", []byte("a"), []byte("b"), nil),
		k.MAC("return-path", []byte("a"), []byte("b")), k.MAC("message-id"),
	} {
		if bytes.Equal(ab, other) {
			t.Error("other parts or purposes give the same MAC")
		}
	}
}

func TestOpenKeysCreates(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state", "keys")
	tokens := make([]string, 8)
	var wg sync.WaitGroup
	for i := range tokens {
		wg.Go(func() {
			k, err := subscribers.OpenKeys(path, rand.Reader)
			if err != nil {
				t.Error(err)
				return
			}
			tokens[i] = k.Unsubscribe("weekly", 42)
		})
	}
	wg.Wait()
	for _, token := range tokens {
		if token != tokens[0] {
			t.Fatal("those who started at once have different keys")
		}
	}
	st, err := os.Stat(path)
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v; want mode 0600", st.Mode(), err)
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("beside the keys there is more: %v", left)
	}
}

func TestOpenKeysRefuses(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"01 a number over 255", keyLine("256", "k"), "keys:1: error: the line does not start with a number from 1 to 255"},
		{"02 zero", keyLine("0", "k"), "keys:1: error: the line does not start with a number from 1 to 255"},
		{"03 a short secret", keyLine("1", "k") + "2 YWJj\n", "keys:2: error: after the number there are not 32 bytes in Base64"},
		{"04 no Base64", "1 ?\n", "keys:1: error: after the number there are not 32 bytes in Base64"},
		{"05 a number twice: which one would be meant?", keyLine("1", "a") + keyLine("1", "b"), "keys:2: error: the number 1 stands on two lines"},
		{"06 empty: cut off, not absent", "", "keys: error: there is no key in it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := subscribers.OpenKeys(keysFile(t, c.text), rand.Reader)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "\nhint: ") {
				t.Errorf("error is %v, want %s", err, c.want)
			}
		})
	}
	t.Run("07 others may read it", func(t *testing.T) {
		path := keysFile(t, keyLine("1", "k"))
		if err := os.Chmod(path, 0o640); err != nil {
			t.Fatal(err)
		}
		_, err := subscribers.OpenKeys(path, rand.Reader)
		if err == nil || !strings.Contains(err.Error(), "(mode 0640)") || !strings.Contains(err.Error(), "chmod 600 "+path) {
			t.Errorf("error is %v", err)
		}
	})
}

func FuzzParseToken(f *testing.F) {
	k := openKeys(f, keyLine("1", "k"))
	f.Add(k.Unsubscribe("weekly", 42))
	f.Add("AQEB")
	f.Fuzz(func(t *testing.T, token string) {
		c, err := k.Parse(token)
		if err == nil && k.Unsubscribe(c.Newsletter, c.Subscriber) != token {
			t.Errorf("Parse(%q) = %+v, whose token is another", token, c)
		}
	})
}

const goldenToken = "AQcBBHDzgY1AtM13ZWVrbHk_AeJ0u2FfB8XpVQhZ8PK6"

package subscribers_test

import (
	"errors"
	"strings"
	"testing"

	"tidings/subscribers"
)

func TestFold(t *testing.T) {
	for _, c := range []struct{ name, in, email, folded string }{
		{"01 plain", "ada@example.com", "ada@example.com", "ada@example.com"},
		{"02 case does not tell people apart, but is kept for sending", "Ada@Example.COM", "Ada@Example.COM", "ada@example.com"},
		{"03 spaces around it, as cells have them", " \tada@example.com\u00a0", "ada@example.com", "ada@example.com"},
		{"04 a domain beyond ASCII", "ada@Bücher.example", "ada@Bücher.example", "ada@xn--bcher-kva.example"},
		{"05 the same in punycode is the same address", "ada@XN--Bcher-kva.example", "ada@XN--Bcher-kva.example", "ada@xn--bcher-kva.example"},
		{"06 a local part beyond ASCII, composed and decomposed alike", "A\u0308da@example.com", "A\u0308da@example.com", "äda@example.com"},
		{"07 all that an atom may hold", "o'neil+news_{x}!#$%&*/=?^`|~-@example.com", "o'neil+news_{x}!#$%&*/=?^`|~-@example.com", "o'neil+news_{x}!#$%&*/=?^`|~-@example.com"},
		{"08 the ideographic full stop is a dot", "ada@例え。jp", "ada@例え。jp", "ada@xn--r8jz45g.jp"},
		{"09 the longest local part", strings.Repeat("a", 64) + "@example.com", strings.Repeat("a", 64) + "@example.com", strings.Repeat("a", 64) + "@example.com"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, err := subscribers.Fold(c.in)
			if err != nil || a.Email != c.email || a.Folded != c.folded {
				t.Errorf("Fold(%q) = %+v, %v; want %q, %q", c.in, a, err, c.email, c.folded)
			}
		})
	}
}

func TestFoldRefuses(t *testing.T) {
	long := strings.Repeat("a.", 150) + "com"
	for _, c := range []struct{ name, in, what string }{
		{"01 nothing", " ", "is empty"},
		{"02 no @", "ada.example.com", "has no @"},
		{"03 two addresses", "ada@example.com,bob@example.com", "has 2 @"},
		{"04 a comma for a dot", "ada@example,com", "has a comma where a dot is expected"},
		{"05 a comma before the @", "ada,b@example.com", "has a comma or semicolon in it"},
		{"06 a space", "ada lovelace@example.com", "has a space in it"},
		{"07 a no-break space, as word processors make it", "ada\u00a0l@example.com", "has a space in it"},
		{"08 a display name", "Ada <ada@example.com>", "has more than the bare address"},
		{"09 a comment, RFC 5322", "ada@example.com (Ada)", "has a comment in brackets"},
		{"10 a quoted local part", `"ada l"@example.com`, "has quotation marks"},
		{"11 a header smuggled in", "ada@example.com\r\nBcc: x@example.com", "holds an invisible character (U+000D)"},
		{"12 a zero-width space, pasted along", "ada\u200b@example.com", "holds an invisible character (U+200B)"},
		{"13 text that turns around", "ada\u202e@example.com", "holds an invisible character (U+202E)"},
		{"14 Latin-1", "ad\xe4@example.com", "is not in UTF-8"},
		{"15 a domain literal", "ada@[192.0.2.1]", "names a machine by its number"},
		{"16 a number as domain", "ada@192.0.2.1", "has a domain that cannot exist"},
		{"17 no dot in the domain", "ada@localhost", "has no dot after the @"},
		{"18 a dot at the end, of a sentence perhaps", "ada@example.com.", "ends in a dot"},
		{"19 two dots in the domain", "ada@example..com", "has a dot too many"},
		{"20 a dot before the @", "ada.@example.com", "has a dot too many"},
		{"21 two dots in the local part", "a..da@example.com", "has a dot too many"},
		{"22 nothing before the @", "@example.com", "has nothing before the @"},
		{"23 nothing after the @", "ada@", "has nothing after the @"},
		{"24 one byte too many before the @", strings.Repeat("a", 65) + "@example.com", "has more than 64 bytes before the @"},
		{"25 too long", "ada@" + long, "is longer than the 254 bytes an address can have"},
		{"26 too long once it is in punycode", "a@" + strings.Repeat("ä.", 70) + "com", "has a domain that cannot exist"},
		{"27 a label over 63 bytes", "ada@" + strings.Repeat("a", 64) + ".com", "has a domain that cannot exist"},
		{"28 a domain with an underscore", "ada@exa_mple.com", "has a domain that cannot exist"},
		{"29 a label that starts with a hyphen", "ada@-example.com", "has a domain that cannot exist"},
		{"30 punycode of nothing", "ada@xn--0.example", "has a domain that cannot exist"},
		{"31 a backslash", `a\da@example.com`, "holds a character that addresses cannot have"},
		{"32 a scheme", "mailto:ada@example.com", "holds a character that addresses cannot have"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := subscribers.Fold(c.in)
			bad, ok := errors.AsType[*subscribers.BadAddress](err)
			if !ok || bad.What != c.what || bad.Hint == "" {
				t.Fatalf("Fold(%q) = %#v; want %q and a hint", c.in, err, c.what)
			}
			if len(c.in) > 15 && strings.Contains(err.Error(), c.in) {
				t.Errorf("the error holds the address: %v", err)
			}
		})
	}
}

func TestMask(t *testing.T) {
	for in, want := range map[string]string{
		"ada@example.com": "a…@example.com", "a@b.example": "a…@b.example", "ärger@example.com": "ä…@example.com",
		"nothing": "…", "@example.com": "…", "": "…",
	} {
		if got := subscribers.Mask(in); got != want {
			t.Errorf("Mask(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzFold(f *testing.F) {
	for _, s := range []string{"ada@example.com", "Ä@bücher.example", `"a"@b.c`, "a@b。c", "a,b@c;d", "İ@x.y", "a@xn--bcher-kva.example"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := subscribers.Fold(s)
		if err != nil {
			return
		}
		if strings.ContainsAny(a.Email, "<>\r\n\x00\", ") || strings.Count(a.Email, "@") != 1 || len(a.Folded) > 254 {
			t.Errorf("Fold(%q) = %+q", s, a)
		}
		if again, err := subscribers.Fold(a.Folded); err != nil || again.Folded != a.Folded {
			t.Errorf("folding %q again gives %+q, %v", a.Folded, again, err)
		}
	})
}

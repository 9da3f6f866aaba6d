package address_test

import (
	"testing"

	"tidings/internal/address"
)

func TestWeb(t *testing.T) {
	tests := []struct {
		name, given, want string // number and why; want is "" where there is no web address
	}{
		{"1 as it is", "https://a.example:8080/b/?c=%C3%A9&d#e", "https://a.example:8080/b/?c=%C3%A9&d#e"},
		{"2 spaces and quotes", `https://a.example/a b?c="d"#<e>`, "https://a.example/a%20b?c=%22d%22#%3Ce%3E"},
		{"3 letters of other languages, in the name of the host too", "https://müller.example:81/ä?ö", "https://xn--mller-kva.example:81/%C3%A4?%C3%B6"},
		{"4 a percent sign that means itself", "https://a.example/100%?q=5%", "https://a.example/100%25?q=5%25"},
		{"5 an IP address", "http://[2001:db8::1]:80/", "http://[2001:db8::1]:80/"},
		{"6 brackets", "https://a.example/?a[]=1", "https://a.example/?a[]=1"},
		{"7 a host to fill in", "https://<your-site>/x", ""},
		{"8 a quote in the host", `https://a"b.example/`, ""},
		{"9 a space in it", "https://a b.example/", ""},
		{"10 an escape in it", "https://a%3Cb.example/", ""},
		{"11 a pipe in it", "https://a|b.example/", ""},
		{"12 other brackets", "https://[a].example/", ""},
		{"13 no host", "https:///x", ""},
		{"14 only a port", "https://:80/", ""},
		{"15 dots only", "https://../x", ""},
		{"16 a port that is none", "https://a.example:http/", ""},
		{"17 relative", "//a.example/", ""},
		{"18 another scheme", "ftp://a.example/", ""},
		{"19 no scheme", "a.example", ""},
		{"20 opaque", "https:a.example", ""},
		{"21 nothing", "", ""},
	}
	for _, test := range tests {
		got, ok := address.Web(test.given)
		want := test.want
		if want == "" {
			want = test.given
		}
		if got != want || ok != (test.want != "") || address.IsWeb(got) != ok {
			t.Errorf("%s: got %q, %v, want %q", test.name, got, ok, want)
		}
		if address.IsWeb(test.given) != (test.given == test.want && test.want != "") {
			t.Errorf("%s: IsWeb says %v", test.name, address.IsWeb(test.given))
		}
	}
}

func TestIsURI(t *testing.T) {
	for s, want := range map[string]bool{
		"tag:news.example.org,2015:abc": true, "web+news:abc": true, "urn:uuid:1": true, "x-1.2:a": true, "tag:müller.example,2015:ä": true, "https://a.example/": true,
		"": false, "abc": false, ":abc": false, "urn:": false, "1a:b": false, "a/b:c": false, "a_b:c": false, "é:a": false,
		"urn:a b": false, "urn:<a>": false, "urn:a\\b": false, "urn:100%": false, "urn:%zz": false, "urn:a\x7f": false,
	} {
		if address.IsURI(s) != want {
			t.Errorf("%q: got %v", s, !want)
		}
	}
}

func TestIsEmail(t *testing.T) {
	for s, want := range map[string]bool{
		"news@example.org": true, "a|b@example.org": true, "a{b}^`c@example.org": true, "o'hara+x@example.org": true,
		"": false, "news": false, "News <news@example.org>": false, "<news@example.org>": false, "a b@example.org": false, "a@b@c": false,
		"a@example.org (News)": false, "a@<b>": false, "a@": false, "@b": false,
	} {
		if address.IsEmail(s) != want {
			t.Errorf("%q: got %v", s, !want)
		}
	}
}

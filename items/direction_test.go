package items_test

import (
	"testing"

	"tidings/items"
)

func TestDirection(t *testing.T) {
	for tag, want := range map[string]string{"ar": "rtl", "he": "rtl", "fa": "rtl", "ur": "rtl", "ps": "rtl", "yi": "rtl", "dv": "rtl", "ckb": "rtl", "ar-EG": "rtl",
		"az-Arab": "rtl", "az": "ltr", "en": "ltr", "zh-Hant": "ltr", "ur-Latn": "ltr", "": "ltr"} {
		if got := items.Direction(tag); got != want {
			t.Errorf("Direction(%q) is %s", tag, got)
		}
	}
}

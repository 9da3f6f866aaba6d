package main

import (
	"io"
	"net/http"
	"time"
)

// client follows no redirects: where one is, the tests want to see it.
var client = &http.Client{
	Timeout:       10 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// get gives the status, 0 where nobody answers, and the body of the answer to a GET.
func get(url string) (status int, body string) {
	r, err := client.Get(url)
	if err != nil {
		return 0, ""
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return 0, ""
	}
	return r.StatusCode, string(b)
}

// poll asks until the answer is yes, and tells whether it was before the time was up.
func poll(within time.Duration, done func() bool) bool {
	deadline := time.Now().Add(within)
	for !done() {
		if time.Now().After(deadline) {
			return false
		}
		time.Sleep(20 * time.Millisecond)
	}
	return true
}

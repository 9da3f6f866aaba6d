// Package tidings holds what comes with the program besides its code.
package tidings

import "embed"

// Sample is the sample newsroom: a folder testdata/newsroom as a team would have it, and its list of subscribers.
//
//go:embed all:testdata/newsroom
var Sample embed.FS

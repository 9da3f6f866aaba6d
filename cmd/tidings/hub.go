package main

import (
	"log/slog"
	"math/rand/v2"
	"net/http"

	"tidings/newsroom"
	"tidings/publish/websub"
)

// hub gives what tells the configured WebSub hub of changed feeds; nil if there is none.
func hub(n *newsroom.Newsroom, log *slog.Logger) *websub.Pinger {
	if n.Config.Feeds.Hub == "" {
		return nil
	}
	return websub.New(n.Config.Feeds.Hub, http.DefaultClient, rand.Float64, log)
}

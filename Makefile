# The usual targets. "make" alone lists them.
.PHONY: help build test race lint fuzz bench-send bench-build bench-serve docs demo clean

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## the program, as ./tidings
	go build -o tidings ./cmd/tidings

test: ## the tests; what needs a program that is missing is skipped
	go test ./...

race: ## the tests with the race detector, and nothing skipped
	TIDINGS_TEST_REQUIRE=all go test -race ./...

lint: ## gofmt, vet and golangci-lint
	@test -z "$$(gofmt -l .)" || { gofmt -l .; exit 1; }
	go vet ./...
	golangci-lint run ./...

fuzz: ## each fuzz test for 20 seconds
	@go list ./... | while read -r p; do \
	  go test -list '^Fuzz' "$$p" | grep '^Fuzz' | while read -r f; do \
	    go test -run '^$$' -fuzz "^$$f\$$" -fuzztime 20s -fuzzminimizetime 10x "$$p" || exit 1; done || exit 1; done

bench-send: ## how fast an issue is sent, beside Postfix's smtp-source (BENCH="-n 2000 -rounds 1" for a short look, BENCH=-help for more)
	go run ./bench/send $(BENCH)

bench-build: ## how long publishing takes, beside Hugo (BENCH="-n 1000 -rounds 1" for a short look; -hugo names the program)
	go run ./bench/build $(BENCH)

bench-serve: ## the server on the news feed, beside nginx (BENCH="-rounds 1" for a short look)
	go run ./bench/serve $(BENCH)

docs: ## write the generated pages of docs/ anew
	go test ./config -run Reference -update

demo: ## the sample newsroom, served
	go run ./cmd/tidings demo

clean:
	rm -f tidings

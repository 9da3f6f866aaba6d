package config

import (
	"strings"

	"gopkg.in/yaml.v3"

	"tidings/publish"
)

// Places are a folder, an address in an object storage, or one of each. A single one may stand without its list.
type Places []string

// UnmarshalYAML reads one place or a list of them.
func (p *Places) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*p = Places{n.Value}
		return nil
	}
	return n.Decode((*[]string)(p))
}

const (
	publicFolder = "public" // that of the pages where publish names none
	inStorage    = "s3://"
)

// places parts publish into its folder and its bucket.
func (k *checker) places() {
	folders := 0
	k.Publish = publicFolder
	for i, p := range k.PublishTo {
		line := k.Line("publish", i)
		switch {
		case strings.HasPrefix(p, inStorage):
			k.bucket(p, line)
		case strings.Contains(p, "://"), strings.HasPrefix(p, "s3:"):
			k.Errorf(line, "write a folder, such as public, or s3://bucket/prefix", "publish: %q is neither a folder nor an address in an object storage", p)
		case folders > 0:
			k.Errorf(line, "keep one of them: the pages are made in one folder", "publish: %q is a second folder", p)
		default:
			k.Publish = p
			folders++
		}
	}
}

func (k *checker) bucket(address string, line int) {
	at, err := publish.ParseS3(address)
	switch {
	case err != nil:
		k.Errorf(line, "write s3://bucket or s3://bucket/prefix", "publish: %v", err)
	case k.Bucket != nil:
		k.Errorf(line, "keep one of them", "publish: %q is a second bucket", address)
	default:
		k.Bucket = &at
	}
}

// storage holds where the object storage is against the rules.
func (k *checker) storage() {
	if err := (publish.S3Options{Endpoint: k.S3.Endpoint}).Check(); err != nil {
		k.Errorf(k.Line("s3", "endpoint"), "write the storage's address alone, such as https://s3.example.org; the bucket belongs to publish", "s3.endpoint: %v", err)
	}
	if k.Has("s3") && k.Bucket == nil && !k.Problems.HasErrors() {
		k.Warnf(k.Line("s3"), "name one: publish: s3://bucket/prefix", "s3: publish names no bucket, so it counts for nothing")
	}
}

package config

import (
	"cmp"
	"errors"
	"net/mail"
	"strings"

	"tidings/mailer"
)

// dkim fills in the domain that signs mail, and the signer.
func (k *checker) dkim() {
	d := &k.Mail.DKIM
	from := senderDomain(k.Mail.From)
	d.Domain = cmp.Or(d.Domain, from)
	if !k.Has("mail", "dkim") {
		return
	}
	before := k.Problems.Errors()
	k.required(d.Domain, "give the sender, or the domain: domain: example.org", "mail", "dkim", "domain")
	k.required(d.Selector, "name the key as its DNS record does: selector: t202601", "mail", "dkim", "selector")
	k.required(d.KeyFile, newKey, "mail", "dkim", "key_file")
	k.signingDomain(d.Domain, from)
	if err := mailer.CheckSelector(d.Selector); d.Selector != "" && err != nil {
		k.Errorf(k.Line("mail", "dkim", "selector"), "write letters, digits and hyphens, such as t202601", "mail.dkim.selector: %v", err)
	}
	if d.KeyFile == "" {
		return
	}
	key, err := mailer.ReadKey(k.abs(d.KeyFile))
	if err == nil && k.Problems.Errors() == before {
		d.Signer, err = mailer.NewSigner(d.Domain, d.Selector, key)
	}
	if err != nil {
		k.Errorf(k.Line("mail", "dkim", "key_file"), keyHint(err, d.KeyFile), "mail.dkim.key_file: %v", err)
	}
}

// senderDomain is the domain of a sender, "" if there is none.
func senderDomain(from string) string {
	a, err := mail.ParseAddress(from)
	if err != nil {
		return ""
	}
	domain, err := mailer.Domain(a.Address[strings.LastIndexByte(a.Address, '@')+1:])
	if err != nil {
		return ""
	}
	return domain
}

// signingDomain wants a domain whose signature counts for the sender.
func (k *checker) signingDomain(domain, from string) {
	if domain == "" {
		return
	}
	ascii, err := mailer.Domain(domain)
	switch line := k.Line("mail", "dkim", "domain"); {
	case err != nil:
		k.Errorf(line, "write it as in the sender's address, such as example.org", "mail.dkim.domain: %v", err)
	case from != "" && !mailer.Aligned(ascii, from):
		k.Warnf(line, "leave domain out, or name a domain of the same organisation", "mail.dkim.domain: a signature of %s does not count for a sender at %s (DMARC)", ascii, from)
	}
}

const newKey = "tidings dkim new makes a key and prints what to write here"

func keyHint(err error, file string) string {
	if errors.Is(err, mailer.ErrKeyMode) {
		return "let nobody else read it: chmod 600 " + file
	}
	return newKey
}

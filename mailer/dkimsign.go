package mailer

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
)

// sealed are the fields that a reader sees or a mail program acts on. They are signed twice over, so that none can be
// added either (RFC 6376 §5.4.2, §8.15). RFC 8058 §4 wants those to unsubscribe signed.
var sealed = []string{"From", "Reply-To", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type",
	"List-Unsubscribe", "List-Unsubscribe-Post"}

// signed are the other fields that must not change; those that a message does not have must not be added.
var signed = []string{"Cc", "Content-Transfer-Encoding", "Content-Language", "Auto-Submitted", "In-Reply-To", "References",
	"List-Id", "List-Help", "List-Owner", "List-Archive"}

// chosen are the names of the fields in the order in which they are signed.
var chosen = slices.Concat(sealed, sealed, signed)

const (
	signature = "DKIM-Signature" // the field's name
	crlf      = "\r\n"
)

// sharedTags gives the start of the signature's field (RFC 6376 §3.5), which is the same for all messages.
func sharedTags(domain, selector string) []byte {
	tags := appendFolded(nil, signature, "v=1; a=rsa-sha256; c=relaxed/simple; d="+domain+"; s="+selector+
		"; h="+strings.Join(chosen, ": ")+";")
	return bytes.TrimSuffix(tags, []byte(crlf))
}

// Sign gives the message with its DKIM-Signature on top. The message is whole, every line of it ends in CRLF, and it is
// signed as it is: before dot-stuffing (RFC 5321 §4.5.2). The signature tells the second in which it was made. It is an
// error if the message has no end of its header, or a line there that is no field.
func (s *Signer) Sign(msg []byte) ([]byte, error) {
	end := bytes.Index(msg, []byte(crlf+crlf))
	if end < 0 {
		return nil, errors.New("the message has no end of its header")
	}
	var room [32]field
	fields, err := appendFields(room[:0], msg[:end+len(crlf)])
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, len(msg)+len(s.tags)+2048)
	out = s.appendTags(out, msg[end+2*len(crlf):])
	hash := sha256.Sum256(appendSigned(out, fields)[len(out):]) // where the message will lie there is room for this form of it
	b, err := s.key.Sign(rand.Reader, hash[:], crypto.SHA256)
	if err != nil {
		return nil, err
	}
	return append(appendBase64(out, b), msg...), nil
}

// appendTags appends the signature's field up to the value of b=, the last tag.
func (s *Signer) appendTags(dst, body []byte) []byte {
	dst = append(append(dst, s.tags...), "\r\n t="...)
	dst = strconv.AppendInt(dst, time.Now().Unix(), 10)
	dst = append(dst, "; bh="...)
	dst = base64.StdEncoding.AppendEncode(dst, hashBody(body))
	return append(dst, ";\r\n b="...)
}

// hashBody hashes a body in simple form: with one CRLF at its end, however many there are (RFC 6376 §3.4.3).
func hashBody(body []byte) []byte {
	for bytes.HasSuffix(body, []byte(crlf)) {
		body = body[:len(body)-len(crlf)]
	}
	h := sha256.New()
	h.Write(body)
	h.Write([]byte(crlf))
	return h.Sum(nil)
}

// appendBase64 appends the value of b= and ends the field. The lines have at most 76 octets.
func appendBase64(dst, b []byte) []byte {
	for line := range slices.Chunk(b, 54) { // 72 characters
		dst = base64.StdEncoding.AppendEncode(dst, line)
		dst = append(dst, "\r\n "...)
	}
	return dst[:len(dst)-len(" ")]
}

// field is a field of a header. The value is as it stands there, with its folds and the CRLF at its end.
type field struct{ name, value []byte }

// appendFields appends the fields of a header, which ends in CRLF, in their order (RFC 5322 §2.2).
func appendFields(dst []field, header []byte) ([]field, error) {
	for len(header) > 0 {
		end := lineEnd(header)
		for end < len(header) && isBlank(rune(header[end])) {
			end += lineEnd(header[end:])
		}
		name, value, ok := bytes.Cut(header[:end], []byte(":"))
		if !ok {
			return nil, errors.New("the message has a line in its header that is no field")
		}
		dst = append(dst, field{bytes.TrimRightFunc(name, isBlank), value})
		header = header[end:]
	}
	return dst, nil
}

func lineEnd(s []byte) int { return bytes.Index(s, []byte(crlf)) + len(crlf) }

// isBlank tells white space within a field: blanks and, where it is folded, line ends (RFC 6376 §2.8).
func isBlank(r rune) bool { return r == ' ' || r == '\t' || r == '\r' || r == '\n' }

// appendSigned appends what the signature is made of (RFC 6376 §3.7): the chosen fields, then that of the signature itself,
// which out holds and which lacks the value of b=. It takes from fields what it has used.
func appendSigned(out []byte, fields []field) []byte {
	own := out[len(signature)+len(":"):]
	for _, name := range chosen {
		if value := take(fields, name); value != nil {
			out = append(appendRelaxed(out, name, value), crlf...)
		}
	}
	return appendRelaxed(out, signature, own)
}

// take gives the value of the lowest field of the name that was not taken before, nil if there is none (RFC 6376 §5.4.2).
func take(fields []field, name string) []byte {
	for i, f := range slices.Backward(fields) {
		if strings.EqualFold(string(f.name), name) {
			fields[i].name = nil
			return f.value
		}
	}
	return nil
}

// appendRelaxed appends a field in relaxed form (RFC 6376 §3.4.2), but without the CRLF at its end.
func appendRelaxed(dst []byte, name string, value []byte) []byte {
	dst = append(append(dst, strings.ToLower(name)...), ':')
	for word := range bytes.FieldsFuncSeq(value, isBlank) {
		dst = append(append(dst, word...), ' ')
	}
	return bytes.TrimSuffix(dst, []byte(" "))
}

package picture

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const plainDrawing = "export it as a plain drawing, or save it as PNG"

// isSVG tells whether data is XML whose root is called svg.
func isSVG(data []byte) bool {
	if !bytes.HasPrefix(bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\ufeff"))), []byte("<")) {
		return false
	}
	d := xml.NewDecoder(bytes.NewReader(data))
	for {
		t, err := d.RawToken()
		if root, ok := t.(xml.StartElement); ok || err != nil {
			return ok && root.Name.Local == "svg"
		}
	}
}

// prepareSVG passes a drawing on that cannot do anything and needs nothing else.
func prepareSVG(data []byte) (Versions, error) {
	if err := inspect(data); err != nil {
		return Versions{}, err
	}
	data, err := preparePicturesIn(data)
	if err != nil {
		return Versions{}, err
	}
	p := Picture{Data: data, Type: "image/svg+xml"}
	return Versions{Full: p, Web: p}, nil
}

// inspect reads a drawing to its end.
func inspect(data []byte) error {
	d := xml.NewDecoder(bytes.NewReader(data))
	var styles sheet
	for {
		t, err := d.Token()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case ends(err):
			return cutOff()
		case err != nil:
			return damaged(err)
		case acts(t):
			return refuse(plainDrawing, "the drawing holds scripts, or what could hide some")
		case loads(t), loadsByStyle(styles.read(t)):
			return refuse("put fonts and pictures into the drawing, or save it as PNG", "the drawing loads something from elsewhere, and would be seen without it")
		}
	}
}

// ends tells whether XML could not be read since there is no more of it.
func ends(err error) bool {
	var fault *xml.SyntaxError
	return errors.As(err, &fault) && fault.Msg == "unexpected EOF"
}

// Elements that run something or bring in what does, by their names in small letters and by their name spaces.
var (
	activeElements = []string{"script", "foreignobject", "handler", "iframe"}
	activeSpaces   = []string{"http://www.w3.org/1999/xhtml", "http://www.w3.org/2001/XInclude", "http://www.w3.org/2003/XInclude"}
)

// acts tells whether a browser could run something for this part of an SVG that is opened by itself. Declarations within the
// DOCTYPE and style sheets of XML can bring in any element or attribute.
func acts(t xml.Token) bool {
	switch t := t.(type) {
	case xml.Directive:
		return bytes.Contains(t, []byte("["))
	case xml.ProcInst:
		return t.Target == "xml-stylesheet"
	case xml.StartElement:
		return slices.Contains(activeElements, strings.ToLower(t.Name.Local)) || slices.Contains(activeSpaces, t.Name.Space) || slices.ContainsFunc(t.Attr, runs)
	}
	return false
}

// event matches the names of attributes that are scripts (SVG 2 §14.3.3). The drawing programs' own, such as only_selected, are none.
var event = regexp.MustCompile(`^on[a-z]+$`)

// runs tells whether an attribute is a script, leads to one, or sets one while the drawing moves.
func runs(a xml.Attr) bool {
	name, value := strings.ToLower(a.Name.Local), strings.ToLower(strings.Join(strings.Fields(a.Value), ""))
	if name == "attributename" {
		set := value[strings.LastIndexByte(value, ':')+1:]
		return set == "href" || strings.HasPrefix(set, "on")
	}
	return event.MatchString(name) || strings.Contains(value, "javascript:") ||
		strings.HasPrefix(value, "data:") && !beginsWithPicture(strings.TrimSpace(a.Value))
}

func beginsWithPicture(value string) bool {
	at := embedded.FindStringIndex(value)
	return at != nil && at[0] == 0
}

// sheet gathers the text of a style sheet in a drawing, which comments may part.
type sheet struct {
	within bool
	text   strings.Builder
}

// read takes the next part of the drawing, and gives the text of a sheet at its end.
func (s *sheet) read(t xml.Token) (text string) {
	switch t := t.(type) {
	case xml.StartElement:
		s.within = strings.EqualFold(t.Name.Local, "style")
	case xml.CharData:
		if s.within {
			s.text.Write(t)
		}
	case xml.EndElement:
		text, s.within = s.text.String(), false
		s.text.Reset()
	}
	return text
}

// styled matches what a style loads; the address is in the first group.
var styled = regexp.MustCompile(`(?i)@import|image-set\(\s*["']|url\(\s*["']?\s*([^"')\s]*)`)

// unescaped gives a style without escapes of letters (CSS Syntax 3 §4.3.7), which could hide the words of styled.
func unescaped(style string) string {
	return escapes.ReplaceAllStringFunc(style, func(e string) string {
		if r, err := strconv.ParseUint(strings.TrimSpace(e[1:]), 16, 32); err == nil {
			return string(rune(r))
		}
		return e[1:]
	})
}

var escapes = regexp.MustCompile(`\\(?:[0-9a-fA-F]{1,6}\s?|[^0-9a-fA-F])`)

// loads tells whether a part of an SVG needs another file. Browsers do not get it for a drawing that is a picture in a page; for
// one that is opened by itself they ask whoever holds it.
func loads(t xml.Token) bool {
	start, ok := t.(xml.StartElement)
	return ok && slices.ContainsFunc(start.Attr, func(a xml.Attr) bool {
		address := strings.TrimSpace(a.Value)
		switch a.Name.Local {
		case "base":
			return true
		case "href":
			return start.Name.Local != "a" && !within(address)
		}
		return loadsByStyle(address)
	})
}

func loadsByStyle(text string) bool {
	if !strings.ContainsAny(text, `@(\`) { // most of a drawing is numbers
		return false
	}
	return slices.ContainsFunc(styled.FindAllStringSubmatch(unescaped(text), -1), func(m []string) bool {
		return !strings.HasPrefix(strings.ToLower(m[0]), "url") || !within(m[1])
	})
}

// within tells of an address whether it leads to a part of the drawing, or to what it holds in itself: pictures and fonts.
func within(address string) bool {
	return address == "" || address[0] == '#' || strings.HasPrefix(address, "data:")
}

// embedded matches a picture within a drawing as drawing programs write it (RFC 2397). In an attribute, line ends may be
// references.
var embedded = regexp.MustCompile(`data:image/[^,"'()<>&]*;base64,(?:[^"'()<>&#]|&#(?:9|10|13|x[9aAdD]);)*`)

var notBase64 = regexp.MustCompile(`\s|&#\w+;|=`)

// preparePicturesIn gives a drawing with the pictures in it as they would be published by themselves.
func preparePicturesIn(drawing []byte) ([]byte, error) {
	var failed error
	out := embedded.ReplaceAllFunc(drawing, func(address []byte) []byte {
		ready, err := prepareEmbedded(address)
		if err != nil {
			failed = refuse(plainDrawing, "the drawing holds a picture that cannot be published: %v", err)
		}
		return ready
	})
	return out, failed
}

func prepareEmbedded(address []byte) ([]byte, error) {
	_, text, _ := bytes.Cut(address, []byte(","))
	data, err := base64.RawStdEncoding.DecodeString(notBase64.ReplaceAllString(string(text), ""))
	if err != nil {
		return nil, err
	}
	v, err := Prepare(data)
	if err != nil || bytes.Equal(v.Full.Data, data) {
		return address, err
	}
	return []byte("data:" + v.Full.Type + ";base64," + base64.StdEncoding.EncodeToString(v.Full.Data)), nil
}

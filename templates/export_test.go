package templates

// Sample is a view that Check tries a template with.
type Sample struct {
	Template string
	View     any
}

// Samples gives the views of Check.
func Samples() []Sample {
	var out []Sample
	for _, s := range samples() {
		out = append(out, Sample{s.template, s.view})
	}
	return out
}

// SampleSite, SampleArticle and SampleDigest are filled in every field.
var (
	SampleSite    = sampleSite
	SampleArticle = sampleArticle
	SampleDigest  = sampleDigest
)

// Words gives the words of each locale by language.
func Words() map[string]map[string]string {
	out := map[string]map[string]string{}
	for lang, l := range locales {
		out[lang] = l.words
	}
	return out
}

// Embedded are the files of the program.
var Embedded = embedded

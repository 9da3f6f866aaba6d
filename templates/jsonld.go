package templates

import (
	"cmp"
	"time"

	"tidings/items"
)

// What a story's page tells search engines, in the terms of schema.org and the syntax of JSON-LD 1.1.

type organisation struct {
	Type string `json:"@type"`
	Name string `json:"name"`
	URL  string `json:"url,omitempty"`
}

type person struct {
	Type        string        `json:"@type"`
	Name        string        `json:"name"`
	JobTitle    string        `json:"jobTitle,omitempty"`
	Affiliation *organisation `json:"affiliation,omitempty"`
	URL         string        `json:"url,omitempty"`
}

type imageObject struct {
	Type       string `json:"@type"`
	URL        string `json:"url"`
	Width      int    `json:"width,omitempty"`
	Height     int    `json:"height,omitempty"`
	Caption    string `json:"caption,omitempty"`
	CreditText string `json:"creditText,omitempty"`
}

type correctionComment struct {
	Type          string `json:"@type"`
	DatePublished string `json:"datePublished"`
	Text          string `json:"text"`
}

// work names another page, as the article's source or as its counterpart in another language.
type work struct {
	Type       string `json:"@type"`
	Name       string `json:"name,omitempty"`
	URL        string `json:"url,omitempty"`
	InLanguage string `json:"inLanguage,omitempty"`
}

type newsArticle struct {
	Context         string              `json:"@context"`
	Type            string              `json:"@type"`
	MainEntity      string              `json:"mainEntityOfPage"`
	Headline        string              `json:"headline"`
	Description     string              `json:"description,omitempty"`
	InLanguage      string              `json:"inLanguage,omitempty"`
	DatePublished   string              `json:"datePublished"`
	DateModified    string              `json:"dateModified"`
	Dateline        string              `json:"dateline,omitempty"`
	ArticleSection  []string            `json:"articleSection,omitempty"`
	Author          []any               `json:"author"`
	Publisher       organisation        `json:"publisher"`
	Image           []imageObject       `json:"image,omitempty"`
	SameAs          string              `json:"sameAs,omitempty"`
	IsBasedOn       *work               `json:"isBasedOn,omitempty"`
	TranslationOf   *work               `json:"translationOfWork,omitempty"`
	Translations    []work              `json:"workTranslation,omitempty"`
	Correction      []correctionComment `json:"correction,omitempty"`
	CopyrightNotice string              `json:"copyrightNotice,omitempty"`
}

type place struct {
	Type    string `json:"@type"`
	Name    string `json:"name,omitempty"`
	Address string `json:"address,omitempty"`
}

type offer struct {
	Type string `json:"@type"`
	URL  string `json:"url"`
}

type event struct {
	Context     string        `json:"@context"`
	Type        string        `json:"@type"`
	Name        string        `json:"name"`
	Description string        `json:"description,omitempty"`
	URL         string        `json:"url"`
	InLanguage  string        `json:"inLanguage,omitempty"`
	StartDate   string        `json:"startDate"`
	EndDate     string        `json:"endDate,omitempty"`
	EventStatus string        `json:"eventStatus"`
	Location    *place        `json:"location,omitempty"`
	Organizer   organisation  `json:"organizer"`
	Offers      *offer        `json:"offers,omitempty"`
	Image       []imageObject `json:"image,omitempty"`
}

const schema = "https://schema.org"

// linkedData is what the page says of its story: an article, and the event that it announces.
func linkedData(s Site, a *items.Article) []any {
	data := []any{articleData(s, a)}
	if a.Event != nil {
		data = append(data, eventData(s, a))
	}
	return data
}

func articleData(s Site, a *items.Article) newsArticle {
	publisher := publisherOf(s)
	n := newsArticle{Context: schema, Type: "NewsArticle", MainEntity: a.URL, Headline: a.Title, Description: a.Summary,
		InLanguage: a.Language, DatePublished: a.Published.Format(time.RFC3339), DateModified: a.Updated.Format(time.RFC3339),
		Dateline: a.Place, Publisher: publisher, Image: imagesOf(a), SameAs: a.Link, CopyrightNotice: a.Rights}
	for _, t := range a.Topics {
		n.ArticleSection = append(n.ArticleSection, t.Title)
	}
	for _, p := range a.Authors {
		n.Author = append(n.Author, authorData(p))
	}
	if n.Author == nil {
		n.Author = []any{publisher}
	}
	if src := a.Source; src != nil {
		n.IsBasedOn = &work{Type: "CreativeWork", Name: src.Title, URL: src.URL}
	}
	for _, c := range a.Corrections {
		n.Correction = append(n.Correction, correctionComment{"CorrectionComment", c.Date.Time.Format(time.DateOnly), c.Text})
	}
	n.TranslationOf, n.Translations = translations(a)
	return n
}

// translations says which of the story's other languages is its original, and if none is, that these were made from it.
func translations(a *items.Article) (original *work, made []work) {
	for _, t := range a.Translations {
		w := work{"NewsArticle", t.Title, t.URL, t.Language}
		if t.Original {
			return &w, nil
		}
		made = append(made, w)
	}
	return nil, made
}

func publisherOf(s Site) organisation {
	return organisation{"Organization", cmp.Or(s.Owner.Name, s.Title), s.URL}
}

func authorData(p items.Person) person {
	out := person{Type: "Person", Name: p.Name, JobTitle: p.Role, URL: p.URL}
	if p.Organisation != "" {
		out.Affiliation = &organisation{Type: "Organization", Name: p.Organisation}
	}
	return out
}

func imagesOf(a *items.Article) (out []imageObject) {
	if a.Image != nil {
		out = append(out, imageData(*a.Image))
	}
	for _, p := range a.Images {
		out = append(out, imageData(p))
	}
	return out
}

func imageData(p items.Picture) imageObject {
	return imageObject{"ImageObject", p.URL, p.Width, p.Height, cmp.Or(p.Caption, p.Alt), p.Credit}
}

// eventStatus is what schema.org calls the states. An event that was moved is "rescheduled" there; when it was to take
// place before is not known, so previousStartDate is left out.
var eventStatus = map[items.EventStatus]string{
	"": "EventScheduled", items.Scheduled: "EventScheduled", items.Cancelled: "EventCancelled",
	items.Postponed: "EventPostponed", items.Moved: "EventRescheduled",
}

func eventData(s Site, a *items.Article) event {
	e := a.Event
	out := event{Context: schema, Type: "Event", Name: a.Title, Description: a.Summary, URL: a.URL, InLanguage: a.Language,
		StartDate: moment(e.Start), EventStatus: schema + "/" + eventStatus[e.Status], Organizer: publisherOf(s), Image: imagesOf(a)}
	if !e.End.IsZero() {
		out.EndDate = moment(e.End)
	}
	if name := join(", ", e.Room, e.Venue); name != "" || e.Address != "" {
		out.Location = &place{"Place", name, e.Address}
	}
	if e.Register != nil && e.Status != items.Cancelled {
		out.Offers = &offer{"Offer", e.Register.URL}
	}
	return out
}

// moment is a point in time, or a day, as ISO 8601 writes them.
func moment(w items.When) string {
	if w.Whole {
		return w.Time.Format(time.DateOnly)
	}
	return w.Time.Format(time.RFC3339)
}

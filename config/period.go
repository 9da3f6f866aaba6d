package config

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	"gopkg.in/yaml.v3"

	"tidings/internal/strict"
)

var periodUnits = []struct {
	name   string
	length time.Duration
}{{"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}}

var periodPattern = regexp.MustCompile(`^(\d{1,6})([wdhms]?)$`)

// parsePeriod reads 90m, 12h, 30d, 2w, or 0.
func parsePeriod(s string) (Period, error) {
	m := periodPattern.FindStringSubmatch(s)
	if m == nil || m[2] == "" && m[1] != "0" {
		return 0, &strict.Fault{What: fmt.Sprintf("%q is no length of time", s), Hint: "write 30d, 12h or 90m; 0 alone needs no unit"}
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return 0, err
	}
	for _, u := range periodUnits {
		if u.name == m[2] {
			return Period(time.Duration(n) * u.length), nil
		}
	}
	return 0, nil
}

// UnmarshalYAML reads the period; what is wrong with it is a *strict.Fault.
func (p *Period) UnmarshalYAML(n *yaml.Node) error {
	v, err := parsePeriod(n.Value)
	if err != nil {
		return err
	}
	*p = v
	return nil
}

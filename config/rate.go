package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"tidings/internal/strict"
)

// Rate is how many messages may go out in a second. 0 is any number.
type Rate float64

var ratePattern = regexp.MustCompile(`^(\d{1,6})/(s|m|h)$`)

// String writes the rate as people do: 50/s, or 90/m where a second has not one.
func (r Rate) String() string {
	for _, u := range []struct {
		name   string
		length float64
	}{{"s", 1}, {"m", 60}, {"h", 3600}} {
		if n := float64(r) * u.length; n >= 1 {
			return fmt.Sprintf("%.0f/%s", n, u.name)
		}
	}
	return "0"
}

func parseRate(s string) (Rate, error) {
	if s == "0" {
		return 0, nil
	}
	m := ratePattern.FindStringSubmatch(s)
	if m == nil || strings.Trim(m[1], "0") == "" {
		return 0, &strict.Fault{What: fmt.Sprintf("%q is no rate", s), Hint: "write 50/s, 600/m or 1000/h; 0 is as fast as possible"}
	}
	n, err := strconv.Atoi(m[1])
	return Rate(float64(n) / map[string]float64{"s": 1, "m": 60, "h": 3600}[m[2]]), err
}

// UnmarshalYAML reads the rate; what is wrong with it is told with its line.
func (r *Rate) UnmarshalYAML(n *yaml.Node) error {
	v, err := parseRate(n.Value)
	*r = v
	return err
}

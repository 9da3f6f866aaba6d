package subscribers

import "context"

// Languages lists the languages, as BCP 47 tags, that the people who would get the newsletter now have asked for; "" stands
// for those who asked for none.
func (s *Store) Languages(ctx context.Context, newsletter string) ([]string, error) {
	rows, err := s.DB.QueryContext(ctx, `SELECT DISTINCT language FROM audience WHERE newsletter = $1 ORDER BY language`, newsletter)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var tags []string
	for rows.Next() {
		var tag string
		if err := rows.Scan(&tag); err != nil {
			return nil, err
		}
		tags = append(tags, tag)
	}
	return tags, rows.Err()
}

// People is the number of those who would get any newsletter now: active and not suppressed.
func (s *Store) People(ctx context.Context) (int, error) {
	var n int
	err := s.DB.QueryRowContext(ctx, `SELECT COUNT(DISTINCT subscriber) FROM audience`).Scan(&n)
	return n, err
}

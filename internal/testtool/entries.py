# Prints what feedparser makes of the feeds on standard input, a JSON list of them in base64, as JSON.
import base64, calendar, json, sys
import feedparser


def entry(e):
    content = e.get("content", [{"value": ""}])[0]["value"]
    return {
        "ID": e.id,
        "Title": e.title,
        "Link": e.link,
        "Authors": ", ".join(a["name"] for a in e.get("authors", []) if "name" in a),
        "Categories": ", ".join(t.get("label") or t["term"] for t in e.get("tags", [])),
        "Enclosures": "".join(f"{d['href']} {d.get('type', '')} {d.get('length', '0')}\n" for d in e.get("enclosures", [])),
        "Summary": e.get("summary", ""),
        "Content": content,
        "Published": calendar.timegm(e.published_parsed),
        "Updated": calendar.timegm(e.get("updated_parsed") or e.published_parsed),
    }


def read(data):
    feed = feedparser.parse(data, sanitize_html=False, resolve_relative_uris=False)
    if feed.bozo:
        raise ValueError(f"bozo: {feed.bozo_exception}")
    return [entry(e) for e in feed.entries]


json.dump([read(base64.b64decode(data)) for data in json.load(sys.stdin)], sys.stdout)

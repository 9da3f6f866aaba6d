# Prints what feedparser makes of the feed on standard input, as JSON.
import calendar, json, sys
import feedparser

feed = feedparser.parse(sys.stdin.buffer.read())
json.dump({
    "bozo": str(feed.bozo_exception) if feed.bozo else "",
    "entries": [{
        "id": e.id,
        "title": e.title,
        "authors": [a["name"] for a in e.get("authors", []) if "name" in a],
        "published": calendar.timegm(e.published_parsed),
    } for e in feed.entries],
}, sys.stdout)

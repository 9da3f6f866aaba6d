# Prints what python3-icalendar makes of the events of the calendar on standard input, as JSON. It knows time zones only by
# what the calendar says of them.
import datetime, json, sys
import icalendar

calendar = icalendar.Calendar.from_ical(sys.stdin.buffer.read())
zones = {str(z["TZID"]): z.to_tz() for z in calendar.walk("VTIMEZONE")}


def moment(prop):
    if prop is None:
        return ""
    value = prop.dt
    if not isinstance(value, datetime.datetime):
        return value.isoformat()
    zone = prop.params.get("TZID")
    if zone and zone != "UTC":
        value = zones[zone].localize(value.replace(tzinfo=None))
    return value.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def event(e):
    for name, errors in e.errors:
        raise ValueError(f"{name}: {errors}")
    organizer = e.get("ORGANIZER")
    categories = e.get("CATEGORIES")
    return {
        "UID": e["UID"],
        "Summary": e["SUMMARY"],
        "Description": e.get("DESCRIPTION", ""),
        "Location": e.get("LOCATION", ""),
        "URL": e["URL"],
        "Status": e["STATUS"],
        "Start": moment(e["DTSTART"]),
        "End": moment(e.get("DTEND")),
        "Organizer": f"{organizer.params['CN']} <{organizer}>" if organizer else "",
        "Sequence": int(e["SEQUENCE"]),
        "Categories": [str(c) for c in categories.cats] if categories else [],
    }


json.dump([event(e) for e in calendar.walk("VEVENT")], sys.stdout)

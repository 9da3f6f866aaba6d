# Prints what python3-icalendar makes of the events of the calendars on standard input, a JSON list of them in base64, as JSON.
# It knows time zones only by what the calendar says of them.
import base64, datetime, json, sys
import icalendar


def moment(prop, zones):
    if prop is None:
        return ""
    value = prop.dt
    if not isinstance(value, datetime.datetime):
        return value.isoformat()
    zone = prop.params.get("TZID")
    if zone and zone != "UTC":
        value = zones[zone].localize(value.replace(tzinfo=None))
    return value.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def event(e, zones):
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
        "Start": moment(e["DTSTART"], zones),
        "End": moment(e.get("DTEND"), zones),
        "Organizer": f"{organizer.params['CN']} <{organizer}>" if organizer else "",
        "Sequence": int(e["SEQUENCE"]),
        "Categories": [str(c) for c in categories.cats] if categories else [],
    }


def read(data):
    calendar = icalendar.Calendar.from_ical(data)
    zones = {str(z["TZID"]): z.to_tz() for z in calendar.walk("VTIMEZONE")}
    return [event(e, zones) for e in calendar.walk("VEVENT")]


json.dump([read(base64.b64decode(data)) for data in json.load(sys.stdin)], sys.stdout)

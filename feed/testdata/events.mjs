// Prints what ical.js makes of the events of the calendar on standard input, as JSON. It knows time zones only by what the
// calendar says of them.
import { readFileSync } from "node:fs";
import ICAL from "ical.js";

const calendar = new ICAL.Component(ICAL.parse(readFileSync(0, "utf8")));
const zones = {};
for (const z of calendar.getAllSubcomponents("vtimezone")) {
  zones[z.getFirstPropertyValue("tzid")] = new ICAL.Timezone(z);
}

function moment(property) {
  if (!property) return "";
  const time = property.getFirstValue();
  if (time.isDate) return time.toString();
  const tzid = property.getParameter("tzid");
  if (tzid) time.zone = zones[tzid];
  return time.convertToZone(ICAL.Timezone.utcTimezone).toString();
}

const events = calendar.getAllSubcomponents("vevent").map((e) => {
  const text = (name) => e.getFirstPropertyValue(name) ?? "";
  const organizer = e.getFirstProperty("organizer");
  return {
    UID: text("uid"),
    Summary: text("summary"),
    Description: text("description"),
    Location: text("location"),
    URL: text("url"),
    Status: text("status"),
    Start: moment(e.getFirstProperty("dtstart")),
    End: moment(e.getFirstProperty("dtend")),
    Organizer: organizer ? `${organizer.getParameter("cn")} <${organizer.getFirstValue()}>` : "",
    Sequence: text("sequence"),
    Categories: e.getFirstProperty("categories")?.getValues() ?? [],
  };
});
process.stdout.write(JSON.stringify(events));

// Prints what ical.js makes of the events of the calendars on standard input, a JSON list of them in base64, as JSON. It knows
// time zones only by what the calendar says of them.
import { readFileSync } from "node:fs";
import ICAL from "ical.js";

function moment(property, zones) {
  if (!property) return "";
  const time = property.getFirstValue();
  if (time.isDate) return time.toString();
  const tzid = property.getParameter("tzid");
  if (tzid) time.zone = zones[tzid];
  return time.convertToZone(ICAL.Timezone.utcTimezone).toString();
}

function event(e, zones) {
  const text = (name) => e.getFirstPropertyValue(name) ?? "";
  const organizer = e.getFirstProperty("organizer");
  return {
    UID: text("uid"),
    Summary: text("summary"),
    Description: text("description"),
    Location: text("location"),
    URL: text("url"),
    Status: text("status"),
    Start: moment(e.getFirstProperty("dtstart"), zones),
    End: moment(e.getFirstProperty("dtend"), zones),
    Organizer: organizer ? `${organizer.getParameter("cn")} <${organizer.getFirstValue()}>` : "",
    Sequence: text("sequence"),
    Categories: e.getFirstProperty("categories")?.getValues() ?? [],
  };
}

function read(data) {
  const calendar = new ICAL.Component(ICAL.parse(data));
  const zones = {};
  for (const z of calendar.getAllSubcomponents("vtimezone")) {
    zones[z.getFirstPropertyValue("tzid")] = new ICAL.Timezone(z);
  }
  return calendar.getAllSubcomponents("vevent").map((e) => event(e, zones));
}

const calendars = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(calendars.map((data) => read(Buffer.from(data, "base64").toString()))));

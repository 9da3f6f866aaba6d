// Prints what feedsmith makes of the feeds on standard input, a JSON list of them in base64, as JSON. A JSON Feed must be as
// its JSON Schema wants it.
import { readFileSync } from "node:fs";
import { parseFeed } from "feedsmith";
import Ajv from "ajv";
import addFormats from "ajv-formats";
import schema from "jsonfeed-schema";

const ajv = new Ajv({ allErrors: true, strict: false });
addFormats(ajv);
const valid = ajv.compile(schema);

const text = (value) => value?.value ?? value ?? "";
const names = (people) => (people ?? []).map((p) => p.name ?? p).join(", ");
const seconds = (date) => new Date(date).getTime() / 1000;
const documents = (list) => (list ?? []).map(([url, type, size]) => `${url} ${type ?? ""} ${size ?? 0}\n`).join("");
const linked = (entry, rel) => (entry.links ?? []).filter((l) => l.rel === rel);

const stories = {
  rss: (i) => ({
    ID: i.guid.value, Title: i.title, Link: i.link, Authors: names(i.dc?.creators),
    Categories: (i.categories ?? []).map((c) => c.name).join(", "),
    Enclosures: documents(i.enclosures?.map((d) => [d.url, d.type, d.length])),
    Summary: i.description ?? "", Content: i.content?.encoded ?? "",
    Published: seconds(i.pubDate), Updated: seconds(i.atom?.updated ?? i.pubDate),
  }),
  atom: (e) => ({
    ID: e.id, Title: text(e.title), Link: linked(e, "alternate")[0].href, Authors: names(e.authors),
    Categories: (e.categories ?? []).map((c) => c.label ?? c.term).join(", "),
    Enclosures: documents(linked(e, "enclosure").map((d) => [d.href, d.type, d.length])),
    Summary: text(e.summary), Content: text(e.content),
    Published: seconds(e.published), Updated: seconds(e.updated),
  }),
  json: (i) => ({
    ID: i.id, Title: i.title, Link: i.external_url ?? i.url, Authors: names(i.authors),
    Categories: (i.tags ?? []).join(", "),
    Enclosures: documents(i.attachments?.map((d) => [d.url, d.mime_type, d.size_in_bytes])),
    Summary: i.summary ?? "", Content: i.content_html ?? "",
    Published: seconds(i.date_published), Updated: seconds(i.date_modified),
  }),
};

function read(data) {
  const { format, feed } = parseFeed(data);
  if (format === "json" && !valid(JSON.parse(data))) {
    throw new Error(ajv.errorsText(valid.errors));
  }
  return (feed.items ?? feed.entries ?? []).map(stories[format]);
}

const feeds = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(feeds.map((data) => read(Buffer.from(data, "base64").toString()))));

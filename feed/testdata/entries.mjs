// Prints what feedsmith makes of the feed on standard input, as JSON; of a JSON Feed also what its JSON Schema objects to.
import { readFileSync } from "node:fs";
import { parseFeed } from "feedsmith";
import Ajv from "ajv";
import addFormats from "ajv-formats";
import schema from "jsonfeed-schema";

const text = readFileSync(0, "utf8");
const { format, feed } = parseFeed(text);
const names = (people) => (people ?? []).map((p) => p.name ?? p).join(", ");
const read = {
  rss: (i) => [i.guid.value, i.title, names(i.dc?.creators), i.pubDate],
  atom: (e) => [e.id, e.title.value ?? e.title, names(e.authors), e.published],
  json: (i) => [i.id, i.title, names(i.authors), i.date_published],
}[format];
const entries = (feed.items ?? feed.entries ?? []).map((e) => {
  const [ID, Title, Authors, published] = read(e);
  return { ID, Title, Authors, Published: new Date(published).toISOString() };
});
let errors = [];
if (format === "json") {
  const ajv = new Ajv({ allErrors: true, strict: false });
  addFormats(ajv);
  ajv.validate(schema, JSON.parse(text));
  errors = (ajv.errors ?? []).map((e) => `${e.instancePath} ${e.message}`);
}
process.stdout.write(JSON.stringify({ entries, errors }));

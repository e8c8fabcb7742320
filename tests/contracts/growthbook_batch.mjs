// Places every learner of a file in every experiment of a payload, with the official JavaScript SDK.
// node growthbook_batch.mjs SDK_FOLDER FOLDER: reads FOLDER/payload.json and FOLDER/learners.json, and
// writes FOLDER/answers.bin: for each experiment the values, the variants (both int8), the buckets.
import { createRequire } from "node:module";
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";

const [sdk, folder] = process.argv.slice(2);
const { GrowthBookClient } = createRequire(join(sdk, "x.js"))("@growthbook/growthbook");
console.error = () => {};

const read = (name) => JSON.parse(readFileSync(join(folder, name), "utf8"));
const payload = read("payload.json");
const learners = read("learners.json");
const client = new GrowthBookClient({ enabled: true });
client.initSync({ payload });

const file = openSync(join(folder, "answers.bin"), "w");
const users = learners.map((attributes) => ({ attributes }));
for (const key of Object.keys(payload.features)) {
  const { rules, defaultValue } = payload.features[key];
  const payloads = rules.find((rule) => rule.variations).variations;
  const keys = rules.find((rule) => rule.variations).meta.map((meta) => meta.key);
  const values = new Int8Array(users.length);
  const variants = new Int8Array(users.length);
  const buckets = new Float64Array(users.length);
  users.forEach((user, index) => {
    const { value, experimentResult: result } = client.evalFeature(key, user);
    values[index] = value === defaultValue ? -1 : payloads.indexOf(value);
    variants[index] = result && result.hashUsed ? keys.indexOf(result.key) : -1;
    buckets[index] = result?.bucket ?? NaN;
  });
  [values, variants, buckets].forEach((column) => writeSync(file, new Uint8Array(column.buffer)));
}
closeSync(file);

// Answers for the official JavaScript SDK: a line of JSON in, a line of JSON out.
// node growthbook_peer.mjs FOLDER, where FOLDER/node_modules holds @growthbook/growthbook.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { join } from "node:path";

const { GrowthBookClient } = createRequire(join(process.argv[2], "x.js"))("@growthbook/growthbook");
console.error = () => {}; // the SDK complains there of odd payloads; we compare answers only

function ask(client, [key, attributes], visit) {
  const saved = [];
  const user = { attributes, url: visit.url, forcedVariations: visit.forced };
  if (visit.sticky) {
    user.stickyBucketAssignmentDocs = structuredClone(visit.sticky);
    user.saveStickyBucketAssignmentDoc = (doc) => saved.push(doc);
  }
  const feature = client.evalFeature(key, user);
  const result = feature.experimentResult;
  return {
    value: feature.value ?? null,
    source: feature.source,
    variant: result ? result.key : null,
    hashed: result ? result.hashUsed : false,
    attribute: result ? result.hashAttribute : null,
    bucket: result?.bucket ?? null,
    saved,
  };
}

for await (const line of createInterface({ input: process.stdin })) {
  const { payload, asks, visit } = JSON.parse(line);
  const client = new GrowthBookClient({
    enabled: visit.enabled ?? true,
    qaMode: visit.qa ?? false,
  });
  client.initSync({ payload });
  const answers = asks.map((one) => ask(client, one, visit));
  client.destroy();
  process.stdout.write(JSON.stringify(answers) + "\n");
}

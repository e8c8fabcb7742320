// The official GrowthBook SDK on a running server: lines of JSON in, lines of JSON out.
// node growthbook.mjs FOLDER, where FOLDER/node_modules holds @growthbook/growthbook and eventsource.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { join } from "node:path";

const require = createRequire(join(process.argv[2], "x.js"));
const { GrowthBook, setPolyfills } = require("@growthbook/growthbook");
const { EventSource } = require("eventsource");
setPolyfills({ EventSource });

const say = (answer) => console.log(JSON.stringify(answer));

async function evaluate({ url, key, decryptionKey, remote, asks }) {
  const viewed = [];
  const make = async (attributes) => {
    const growthbook = new GrowthBook({
      apiHost: url,
      clientKey: key,
      decryptionKey,
      remoteEval: remote,
      attributes,
      trackingCallback: (experiment, result) => viewed.push([experiment.key, result.key]),
    });
    const { success } = await growthbook.init({ timeout: 5000, skipCache: remote });
    if (!success) throw new Error("no definitions");
    return growthbook;
  };
  const answers = [];
  let growthbook = remote ? null : await make({});
  for (const [flag, attributes] of asks) {
    if (remote) growthbook = await make(attributes);
    else await growthbook.setAttributes(attributes);
    const { value, experimentResult } = growthbook.evalFeature(flag);
    const isIn = experimentResult ? experimentResult.inExperiment : false;
    answers.push({ value, variant: isIn ? experimentResult.key : null });
    if (remote) growthbook.destroy();
  }
  if (growthbook) growthbook.destroy();
  say({ answers, viewed });
}

// Says the flag's value at once and after each change that the stream brings.
async function watch({ url, key, decryptionKey, flag, attributes }) {
  const growthbook = new GrowthBook({ apiHost: url, clientKey: key, decryptionKey, attributes });
  growthbook.setRenderer(() => say({ value: growthbook.getFeatureValue(flag, null) }));
  await growthbook.init({ timeout: 5000, streaming: true });
  say({ value: growthbook.getFeatureValue(flag, null) });
}

for await (const line of createInterface({ input: process.stdin })) {
  const question = JSON.parse(line);
  await (question.watch ? watch(question) : evaluate(question));
}

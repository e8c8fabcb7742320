// GrowthBook's own remote evaluation: lines of JSON in, lines of JSON out.
// node proxy_eval.mjs FOLDER, where FOLDER/node_modules holds @growthbook/proxy-eval.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { join } from "node:path";

const require = createRequire(join(process.argv[2], "x.js"));
const { evaluateFeatures } = require("@growthbook/proxy-eval");

for await (const line of createInterface({ input: process.stdin })) {
  const { payload, questions } = JSON.parse(line);
  const answers = [];
  for (const { forcedFeatures, ...question } of questions) {
    const forced = new Map(forcedFeatures);
    const { features } = await evaluateFeatures({ payload, forcedFeatures: forced, ...question });
    answers.push(features);
  }
  console.log(JSON.stringify(answers));
}

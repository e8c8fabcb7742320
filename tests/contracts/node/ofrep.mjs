// The official OpenFeature SDK and its OFREP provider: lines of JSON in, lines of JSON out.
// node ofrep.mjs FOLDER, where FOLDER/node_modules holds @openfeature/server-sdk and ofrep-provider.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { join } from "node:path";

const require = createRequire(join(process.argv[2], "x.js"));
const { OpenFeature } = require("@openfeature/server-sdk");
const { OFREPProvider } = require("@openfeature/ofrep-provider");

const KINDS = { boolean: "Boolean", string: "String", number: "Number", object: "Object" };

for await (const line of createInterface({ input: process.stdin })) {
  const { url, key, asks } = JSON.parse(line);
  const headers = [["Authorization", `Bearer ${key}`]];
  await OpenFeature.setProviderAndWait(new OFREPProvider({ baseUrl: url, headers }));
  const client = OpenFeature.getClient();
  const answers = [];
  for (const [flag, fallback, context] of asks) {
    const method = `get${KINDS[typeof fallback]}Details`;
    const { value, variant, reason, errorCode } = await client[method](flag, fallback, context);
    answers.push({ value, variant, reason, errorCode });
  }
  console.log(JSON.stringify(answers));
}

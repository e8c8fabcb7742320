// The official OpenFeature SDK for browsers and its OFREP provider: lines of JSON in, lines of JSON out.
// node ofrep_web.mjs FOLDER, where FOLDER/node_modules holds @openfeature/web-sdk, ofrep-web-provider
// and eventsource, which stands in for the browser's.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { join } from "node:path";

const require = createRequire(join(process.argv[2], "x.js"));
const { OpenFeature, ProviderEvents } = require("@openfeature/web-sdk");
const { OFREPWebProvider } = require("@openfeature/ofrep-web-provider");
globalThis.EventSource = require("eventsource").EventSource;

const KINDS = { boolean: "Boolean", string: "String", number: "Number", object: "Object" };
const say = (answer) => console.log(JSON.stringify(answer));
const client = OpenFeature.getClient();
const statuses = [];

async function fetchCounted(...request) {
  const response = await fetch(...request);
  statuses.push(response.status);
  return response;
}

async function connect({ url, key, context, options }) {
  await OpenFeature.setContext(context);
  const headers = [["Authorization", `Bearer ${key}`]];
  const provider = new OFREPWebProvider({
    baseUrl: url,
    headers,
    fetchImplementation: fetchCounted,
    cacheMode: "disabled",
    ...options,
  });
  await OpenFeature.setProviderAndWait(provider);
}

function answer(flag, fallback) {
  const method = `get${KINDS[typeof fallback]}Details`;
  const { value, variant, reason, errorCode } = client[method](flag, fallback);
  return { value, variant, reason, errorCode };
}

// Every flag for each context, each of which is one bulk evaluation.
async function evaluate({ contexts, flags }) {
  const answers = [];
  for (const context of contexts) {
    await OpenFeature.setContext(context);
    answers.push(flags.map(([flag, fallback]) => answer(flag, fallback)));
  }
  say(answers);
}

// Says the flag's value at once and at each event that tells of a change, with what was fetched.
function watch({ flag, fallback }) {
  const tell = (changed) => say({ ...answer(flag, fallback), changed, statuses: [...statuses] });
  client.addHandler(ProviderEvents.ConfigurationChanged, ({ flagsChanged }) => tell(flagsChanged));
  tell(null);
}

for await (const line of createInterface({ input: process.stdin })) {
  const question = JSON.parse(line);
  if (question.url) {
    await connect(question);
    say({ statuses });
  } else if (question.contexts) await evaluate(question);
  else if (question.flag) watch(question);
  else say({ statuses });
}

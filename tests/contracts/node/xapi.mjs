// The xAPI client for JavaScript: lines of JSON in, lines of JSON out.
// node xapi.mjs FOLDER, where FOLDER/node_modules holds @xapi/xapi.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { join } from "node:path";

const require = createRequire(join(process.argv[2], "x.js"));
const { default: XAPI } = require("@xapi/xapi");

let client;

for await (const line of createInterface({ input: process.stdin })) {
  const { connect, call, options } = JSON.parse(line);
  try {
    if (connect) {
      const { endpoint, user, password, version } = connect;
      client = new XAPI({ endpoint, auth: XAPI.toBasicAuth(user, password), version });
      console.log(JSON.stringify({ connected: true }));
    } else {
      const { status, data } = await client[call](options);
      console.log(JSON.stringify({ status, data }));
    }
  } catch (error) {
    console.log(JSON.stringify({ status: error.response?.status, error: String(error) }));
  }
}

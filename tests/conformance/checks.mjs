// Shared code of the Node suites. Usage: node SUITE.mjs URL TOKEN FOLDER GATEWAY
//   URL      of a running gateway
//   TOKEN    of a caller with every scope, who may send ids of published documents only
//   FOLDER   contains the gateway.toml of that gateway and the files that the suite writes
//   GATEWAY  the command
// Prints a line of JSON for each check.
import { strict as assert } from "node:assert";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

export const [url, token, folder, gateway] = process.argv.slice(2);

export const run = promisify(execFile);

export const sha256 = (text) => createHash("sha256").update(text).digest("hex");

export async function check(name, promise) {
  const result = await outcome(promise);
  console.log(JSON.stringify({ name, ...result }));
}

async function outcome(promise) {
  try {
    await promise();
    return { status: "ok" };
  } catch (error) {
    return { status: "error", reason: [error.message, error.stdout, error.stderr].filter(Boolean).join("\n") };
  }
}

// A fetch that records its requests: method, parameters (of the body or of the address), status.
export function recorder() {
  const sent = [];
  async function recorded(address, options = {}) {
    const { searchParams } = new URL(address);
    const asked = options.body ? JSON.parse(options.body) : parameters(searchParams);
    const response = await fetch(address, options);
    sent.push({ method: options.method ?? "GET", status: response.status, ...asked });
    return response;
  }
  return { sent, fetch: recorded };
}

function parameters(searchParams) {
  const { extensions, variables, ...others } = Object.fromEntries(searchParams);
  return { ...others, ...(extensions && { extensions: JSON.parse(extensions) }), variables: JSON.parse(variables ?? "{}") };
}

// Summarizes requests: the method, and whether they contain a text, a hash, an id.
export function shapes(sent) {
  return sent.map(({ method, query, extensions, documentId }) => {
    const parts = { text: query, hash: extensions?.persistedQuery?.sha256Hash, id: documentId };
    return [method, ...Object.keys(parts).filter((part) => parts[part])].join(" ");
  });
}

// Publishes the documents, as a release does before the app is deployed.
export async function push(manifest, app) {
  const path = join(folder, `${app}.json`);
  await writeFile(path, JSON.stringify(manifest));
  await run(gateway, ["documents", "push", path, "--app", app, "--version", "1.0.0", "--config", join(folder, "gateway.toml")]);
}

export function titles(connection) {
  const found = (connection.nodes ?? connection.edges.map((edge) => edge.node)).map((product) => product.title);
  assert.ok(found.length > 0, "there are no products");
  return found;
}

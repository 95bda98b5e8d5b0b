// What the suites for Node share. Each is run as: node SUITE.mjs URL TOKEN FOLDER GATEWAY
//   URL      of a running gateway
//   TOKEN    of a caller who may ask everything, but only by the ids of what was pushed
//   FOLDER   with that gateway's gateway.toml, and room for whatever the suite makes
//   GATEWAY  the command
// and prints one line of JSON a check.
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
  const told = await outcome(promise);
  console.log(JSON.stringify({ name, ...told }));
}

async function outcome(promise) {
  try {
    await promise();
    return { status: "ok" };
  } catch (error) {
    return { status: "error", reason: [error.message, error.stdout, error.stderr].filter(Boolean).join("\n") };
  }
}

// A fetch that remembers what was sent: method, parameters (of the body or of the address), status.
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

// What requests were made of: the method, and whether there was a text, a hash, an id.
export function shapes(sent) {
  return sent.map(({ method, query, extensions, documentId }) => {
    const parts = { text: query, hash: extensions?.persistedQuery?.sha256Hash, id: documentId };
    return [method, ...Object.keys(parts).filter((part) => parts[part])].join(" ");
  });
}

// As a release does it, before the app is shipped.
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

// Relay: its compiler over the schema, with persisted documents; what it compiled runs in its runtime by id.
import { strict as assert } from "node:assert";
import { copyFile, mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import compiler from "relay-compiler";
import runtime from "relay-runtime";
import { check, folder, push, recorder, run, shapes, token, url } from "./checks.mjs";

const options = {
  src: "src",
  schema: "schema.graphql",
  language: "javascript",
  artifactDirectory: "src/__generated__",
  eagerEsModules: false,
  noSourceControl: true,
  persistConfig: { file: "persisted.json" },
};
const { Environment, Network, RecordSource, Store, commitMutation, fetchQuery } = runtime;
const { createOperationDescriptor, getRequest, getSingularSelector } = runtime;
const app = join(folder, "app");
const artifacts = join(app, "src", "__generated__");
const compiled = (name) => createRequire(artifacts)(join(artifacts, `${name}.graphql.js`));

await check("its compiler takes the schema, a connection that pages, and fragments that are fetched again", async () => {
  await mkdir(artifacts, { recursive: true });
  await copyFile(resolve("tests/conformance/relay/products.js"), join(app, "src", "products.js"));
  await copyFile(resolve("schema/gateway.graphql"), join(app, "schema.graphql"));
  await writeFile(join(app, "relay.config.json"), JSON.stringify(options));
  await writeFile(join(app, "persisted.json"), "{}"); // it wants to find one
  await run(compiler, ["relay.config.json"], { cwd: app });
  assert.ok((await readdir(artifacts)).length >= 6);
});

await check("its manifest is pushed with the command", async () => {
  await push(JSON.parse(await readFile(join(app, "persisted.json"))), "relay");
});

// By id, and nothing else: the token's holder may ask for nothing else.
function environment() {
  const { sent, fetch } = recorder();
  const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
  async function ask({ id }, variables) {
    const response = await fetch(url, { method: "POST", headers, body: JSON.stringify({ documentId: id, variables }) });
    return response.json();
  }
  return { sent, relay: new Environment({ network: Network.create(ask), store: new Store(new RecordSource()) }) };
}

async function page(relay, variables) {
  const query = compiled("productsQuery");
  await fetchQuery(relay, query, variables).toPromise();
  const { data } = relay.lookup(createOperationDescriptor(getRequest(query), variables).fragment);
  const selector = getSingularSelector(compiled("products_list"), data);
  return relay.lookup(selector).data.products;
}

await check("a query runs by its id, and its connection is in the store with every node once", async () => {
  const { relay, sent } = environment();
  const products = await page(relay, { first: 1 });
  const next = await page(relay, { first: 1, after: products.pageInfo.endCursor });
  assert.deepEqual(shapes(sent), ["POST id", "POST id"]);
  assert.equal(new Set(next.edges.map((edge) => edge.node.id)).size, 2);
});

await check("a node is fetched again by its global id", async () => {
  const { relay } = environment();
  const { edges } = await page(relay, { first: 1 });
  const query = compiled("productsCardQuery");
  const { node } = await fetchQuery(relay, query, { id: edges[0].node.id }).toPromise();
  const card = relay.lookup(getSingularSelector(compiled("products_card"), node)).data;
  assert.ok(card.title && card.variants.nodes.length > 0, JSON.stringify(card));
});

await check("a mutation runs by its id", async () => {
  const { relay, sent } = environment();
  const variables = { input: { channelKey: "web", idempotencyKey: crypto.randomUUID() } };
  const mutation = compiled("productsCartCreateMutation");
  const { cartCreate } = await new Promise((onCompleted, onError) =>
    commitMutation(relay, { mutation, variables, onCompleted, onError }),
  );
  assert.deepEqual(cartCreate.userErrors, []);
  assert.deepEqual(shapes(sent), ["POST id"]);
});

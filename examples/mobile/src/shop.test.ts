// What a user may rely on where the network fails: `npm test`, beside a gateway that knows the documents.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient } from "./client.js";
import { createNetwork, type Network } from "./network.js";
import { required, Shop } from "./shop.js";

const url = process.env["GATEWAY"] ?? `http://127.0.0.1:${process.env["PORT"] ?? 8000}/graphql`;
const near = { latitude: 53.48, longitude: -2.25 };

interface App {
  shop: Shop;
  network: Network;
  storage: Map<string, string>;
}

function startApp(storage = new Map<string, string>()): App {
  const network = createNetwork();
  return { network, storage, shop: new Shop(createClient({ url, fetch: network.fetch }), storage, "web") };
}

async function findVariants({ shop }: App): Promise<string[]> {
  const ids = [];
  for (const search of ["22423", "22632"]) {
    const { nodes } = await shop.searchProducts(near, search);
    const product = await shop.getProduct(required(nodes[0], "product").handle);
    ids.push(required(product.variants?.nodes.find(({ price }) => price), "variant").id);
  }
  return ids;
}

test("what was added without a connection is in the cart, each tap once, also after a restart", async () => {
  const app = startApp();
  const [a, b] = (await findVariants(app)) as [string, string];
  app.network.online = false;
  await assert.rejects(app.shop.addToCart(a, 1), /fetch failed/);
  await assert.rejects(app.shop.addToCart(b, 1), /fetch failed/);
  await assert.rejects(app.shop.addToCart(a, 1), /fetch failed/);
  const restarted = startApp(app.storage);
  restarted.network.lost = ["CartCreate", "CartCreate"]; // the gateway executes them, and the app does not know
  await restarted.shop.sendAdditions();
  const { lines } = await restarted.shop.getCart();
  assert.deepEqual(new Map(lines.map(({ variant, quantity }) => [variant?.id, quantity])), new Map([[a, 2], [b, 1]]));
});

test("taps while a request is on its way are all sent", async () => {
  const app = startApp();
  const [a, b] = (await findVariants(app)) as [string, string];
  await Promise.all([app.shop.addToCart(a, 1), app.shop.addToCart(b, 2), app.shop.addToCart(a, 3)]);
  const { lines } = await app.shop.getCart();
  assert.deepEqual(new Map(lines.map(({ variant, quantity }) => [variant?.id, quantity])), new Map([[a, 4], [b, 2]]));
});

async function prepareOrder(app: App) {
  const [a] = (await findVariants(app)) as [string, string];
  const cart = await app.shop.addToCart(a, 1);
  const options = (await app.shop.listOptions(cart, near)).filter(({ parts }) => parts.every((one) => one.method === "PICKUP"));
  const option = required(options[0], "pickup option");
  return { cart, option, total: await app.shop.previewTotal(cart, option) };
}

/** A client may have a few unpaid orders only. The order is read again: its state may have changed meanwhile. */
async function cancelOrder({ shop }: App, { accessToken }: { accessToken?: string | null }) {
  const token = required(accessToken, "access token");
  await shop.cancelOrder(await shop.getOrder(token), token);
}

test("an order whose response was lost is the same order, and not a second one", async () => {
  const app = startApp();
  const { cart, option, total } = await prepareOrder(app);
  app.network.lost = Array<string>(4).fill("OrderPlace"); // all attempts
  await assert.rejects(app.shop.placeOrder(cart, option, total, "Ivy Jackson"), /fetch failed/);
  const again = startApp(app.storage);
  const order = await again.shop.placeOrder(cart, option, total, "Ivy Jackson");
  const [first] = app.network.sent.get("OrderPlace") ?? [];
  assert.deepEqual(again.network.sent.get("OrderPlace"), [first]);
  await cancelOrder(again, order);
});

test("a choice that changed never sends the former order", async () => {
  const app = startApp();
  const { cart, option, total } = await prepareOrder(app);
  app.network.online = false;
  await assert.rejects(app.shop.placeOrder(cart, option, total, "Ivy Jackson"), /fetch failed/);
  app.network.online = true;
  const order = await app.shop.placeOrder(cart, option, total, "Tom Webb");
  const sent = (app.network.sent.get("OrderPlace") ?? []) as { contact: { name: string } }[];
  assert.deepEqual(sent.map(({ contact }) => contact.name), ["Tom Webb"]);
  await cancelOrder(app, order);
});

test("a choice that changed after the former order took effect shows that order", async () => {
  const app = startApp();
  const { cart, option, total } = await prepareOrder(app);
  app.network.lost = Array<string>(4).fill("OrderPlace");
  await assert.rejects(app.shop.placeOrder(cart, option, total, "Ivy Jackson"), /fetch failed/);
  const before = app.network.sent.get("OrderPlace")?.length;
  const order = await app.shop.placeOrder(cart, option, total, "Tom Webb");
  assert.equal(app.network.sent.get("OrderPlace")?.length, before, "nothing was sent again");
  await cancelOrder(app, order);
});

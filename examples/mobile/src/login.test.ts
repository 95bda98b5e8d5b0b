// What the app does when its user logs in: `npm test`, beside a gateway that knows the documents, and its issuer.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { createClient } from "./client.js";
import { Login, LoginFailedError, LoginRequiredError, type SecureStorage } from "./login.js";
import { createNetwork } from "./network.js";
import { required, Shop } from "./shop.js";

const port = Number(process.env["PORT"] ?? 8000);
const url = process.env["GATEWAY"] ?? `http://127.0.0.1:${port}/graphql`;
const issuer = `http://127.0.0.1:${port + 1}/login`;
const ISSUER = {
  issuer,
  authorizationEndpoint: `${issuer}/authorize`,
  tokenEndpoint: `${issuer}/token`,
  clientId: "mobile",
  redirectUri: "com.example.shop:/login",
};

/** The keychain of the tests. */
class MemoryStorage implements SecureStorage {
  readonly values = new Map<string, string>();

  async read(key: string) {
    return this.values.get(key) ?? null;
  }

  async write(key: string, value: string) {
    this.values.set(key, value);
  }

  async remove(key: string) {
    this.values.delete(key);
  }
}

function startApp() {
  const storage = new MemoryStorage();
  const login = new Login(ISSUER, storage);
  const network = createNetwork();
  const shop = new Shop(createClient({ url, fetch: network.fetch, login }), new Map<string, string>(), "web");
  return { storage, login, shop, network };
}

/** Chooses a person on the login page, and returns the link that opens the app. */
async function chooseOnPage(page: string, person = "person-1"): Promise<string> {
  const response = await fetch(`${page}&login_as=${person}`, { redirect: "manual" });
  return required(response.headers.get("location"), "location");
}

/** Calls `load` until its result is complete: after the first login, the gateway takes a moment to join the records. */
async function loadUntil<T>(load: () => Promise<T>, isComplete: (loaded: T) => boolean): Promise<T> {
  for (const deadline = Date.now() + 10_000; ; ) {
    const loaded = await load();
    if (isComplete(loaded)) return loaded;
    assert.ok(Date.now() < deadline, JSON.stringify(loaded));
    await setTimeout(50);
  }
}

test("a customer who logs in sees the orders of all channels, in the shops as well", async () => {
  const { login, shop } = startApp();
  await login.complete(await chooseOnPage(await login.buildUrl()));
  const me = await loadUntil(
    () => shop.getMe(),
    ({ orders }) => ["till", "web"].every((key) => orders?.nodes.some(({ channel }) => channel?.key === key)),
  );
  assert.equal(me.displayName, "Ivy Jackson");
});

test("the cart of a guest becomes the customer's own, with another token", async () => {
  const { login, shop } = startApp();
  const { nodes } = await shop.searchProducts({ latitude: 53.48, longitude: -2.25 }, "22423");
  const product = await shop.getProduct(required(nodes[0], "product").handle);
  const before = await shop.addToCart(required(product.variants?.nodes[0], "variant").id, 1);
  await login.complete(await chooseOnPage(await login.buildUrl()));
  await shop.assignCart();
  const after = await shop.getCart();
  assert.equal(after.id, before.id);
  assert.notEqual(after.token, before.token);
});

test("a link that answers no login page of this app, or an earlier one, is refused", async () => {
  const { login, storage } = startApp();
  const other = startApp().login;
  const foreign = await chooseOnPage(await other.buildUrl());
  await assert.rejects(login.complete(foreign), LoginFailedError);
  const earlier = await chooseOnPage(await login.buildUrl());
  const canceled = `${ISSUER.redirectUri}?error=access_denied&state=${new URL(await login.buildUrl()).searchParams.get("state")}`;
  await assert.rejects(login.complete(canceled), /canceled/);
  await assert.rejects(login.complete(earlier), LoginFailedError);
  assert.equal(storage.values.size, 0);
});

test("a code without the verifier of this app is worth nothing", async () => {
  const { login, storage } = startApp();
  const link = await chooseOnPage(await login.buildUrl());
  const attempt = JSON.parse(required(storage.values.get("login attempt"), "attempt")) as object;
  storage.values.set("login attempt", JSON.stringify({ ...attempt, verifier: "v".repeat(43) }));
  await assert.rejects(login.complete(link), LoginFailedError);
  assert.equal(await login.getToken(), null);
});

test("a token with another nonce is not stored", async () => {
  const { login, storage } = startApp();
  const link = await chooseOnPage(await login.buildUrl());
  const attempt = JSON.parse(required(storage.values.get("login attempt"), "attempt")) as object;
  storage.values.set("login attempt", JSON.stringify({ ...attempt, nonce: "another" }));
  await assert.rejects(login.complete(link), /another login/);
  assert.equal(await login.getToken(), null);
});

test("a token that the gateway refuses is dropped, and the app asks for a login; the catalog works without", async () => {
  const { login, storage, shop, network } = startApp();
  storage.values.set("login token", "a.b.c");
  const { nodes } = await shop.searchProducts({ latitude: 53.48, longitude: -2.25 }, "22423");
  assert.equal(nodes.length, 1);
  await assert.rejects(shop.getMe(), LoginRequiredError);
  assert.equal(await login.getToken(), null);
  assert.equal(network.sent.get("Me")?.length, 1, "it is not sent again");
});

// From the list of products to the code with which the order is collected: `npm run flow`.
import { client } from "./client.js";
import { OutdatedError } from "./outdated.js";
import { Shop, there } from "./shop.js";

const url = process.env["GATEWAY"] ?? "http://127.0.0.1:8000/graphql";
const search = process.env["SEARCH"] ?? "22423";
const near = { latitude: 53.48, longitude: -2.25 };

const sent = new Map<string, number>();

/** A bad day: the gateway has too much to do at first, and the answer to the order is lost on its way. */
const network: typeof fetch = async (address, options) => {
  const name = nameOf(address, options);
  const times = (sent.get(name) ?? 0) + 1;
  sent.set(name, times);
  if (name === "ProductsNear" && times === 1) return busy();
  const response = await fetch(address, options);
  if (name === "OrderPlace" && times === 1) throw new TypeError("fetch failed");
  return response;
};

function busy(): Response {
  const body = { errors: [{ message: "Too much is asked at once.", extensions: { code: "OVERLOADED" } }] };
  const headers = { "content-type": "application/graphql-response+json", "retry-after": "0" };
  return new Response(JSON.stringify(body), { status: 503, headers });
}

function nameOf(address: Parameters<typeof fetch>[0], options: RequestInit | undefined): string {
  const asked = typeof options?.body === "string" ? (JSON.parse(options.body) as Record<string, unknown>) : {};
  const name = asked["operationName"] ?? new URL(String(address)).searchParams.get("operationName");
  if ("query" in asked || new URL(String(address)).searchParams.has("query"))
    throw new Error(`${String(name)}: a text was sent`);
  return String(name);
}

async function flow(): Promise<void> {
  const shop = new Shop(client({ url, fetch: network }), new Map<string, string>(), "web");

  const products = await shop.products(near, search);
  const card = there(products.nodes[0], `a product with ${search}`);
  console.log(
    `found: ${card.title}, ${card.channels?.map((channel) => channel.name).join(", ")}; asked ${sent.get("ProductsNear")} times`,
  );

  const product = await shop.product(card.handle);
  const variant = there(product.variants?.nodes[0], "a variant");
  console.log(`costs: ${variant.price?.amount} ${variant.price?.currencyCode}`);

  for (const { node, distanceKm } of await shop.shelves(variant.id, near)) {
    console.log(`shop: ${node.location?.name}, ${distanceKm} km, ${node.status}`);
  }

  const cart = await shop.add(await shop.cart(), variant.id, 2);
  console.log(`cart: ${cart.lines[0]?.quantity} for ${cart.total.amount} ${cart.total.currencyCode}`);

  const options = await shop.options(cart, near);
  const pickup = there(
    options.find((option) => option.parts.every((part) => part.method === "PICKUP")),
    "a pickup",
  );
  const total = await shop.total(cart, pickup);
  console.log(`option: ${pickup.label}, ${total.amount} ${total.currencyCode} in all`);

  const order = await shop.order(cart, pickup, total, "Ivy Jackson");
  console.log(`ordered: ${order.number}, sent ${sent.get("OrderPlace")} times, once in effect`);

  const later = new Shop(client({ url }), new Map<string, string>(), "web");
  const seen = await later.placed(there(order.accessToken, "an access token"));
  if (seen.number !== order.number) throw new Error("another order");
  console.log(`collect: ${seen.number} with the code ${seen.fulfillments?.[0]?.pickupCode}`);
}

try {
  await flow();
} catch (error) {
  if (error instanceof OutdatedError) {
    console.log(error.message);
  } else if (error instanceof TypeError && error.message === "fetch failed") {
    console.error(`nobody answers at ${url}: does the gateway run? GATEWAY names another address`);
    process.exitCode = 1;
  } else {
    throw error;
  }
}

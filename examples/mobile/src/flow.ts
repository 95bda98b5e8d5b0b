// A complete purchase, from the product search to the pickup code: `npm run flow`.
import { createClient } from "./client.js";
import { OutdatedError } from "./outdated.js";
import { required, Shop } from "./shop.js";

const url = process.env["GATEWAY"] ?? "http://127.0.0.1:8000/graphql";
const search = process.env["SEARCH"] ?? "22423";
const near = { latitude: 53.48, longitude: -2.25 };

const requests = new Map<string, number>();

/** Simulates failures: the gateway is overloaded at first, and the response to the order is lost. */
const network: typeof fetch = async (address, options) => {
  const name = getOperationName(address, options);
  const times = (requests.get(name) ?? 0) + 1;
  requests.set(name, times);
  if (name === "ProductsNear" && times === 1) return createOverloadedResponse();
  const response = await fetch(address, options);
  if (name === "OrderPlace" && times === 1) throw new TypeError("fetch failed");
  return response;
};

function createOverloadedResponse(): Response {
  const body = { errors: [{ message: "The gateway is overloaded.", extensions: { code: "OVERLOADED" } }] };
  const headers = { "content-type": "application/graphql-response+json", "retry-after": "0" };
  return new Response(JSON.stringify(body), { status: 503, headers });
}

function getOperationName(address: Parameters<typeof fetch>[0], options: RequestInit | undefined): string {
  const request = typeof options?.body === "string" ? (JSON.parse(options.body) as Record<string, unknown>) : {};
  const name = request["operationName"] ?? new URL(String(address)).searchParams.get("operationName");
  if ("query" in request || new URL(String(address)).searchParams.has("query"))
    throw new Error(`${String(name)}: the request contains a text`);
  return String(name);
}

async function runFlow(): Promise<void> {
  const shop = new Shop(createClient({ url, fetch: network }), new Map<string, string>(), "web");

  const products = await shop.searchProducts(near, search);
  const card = required(products.nodes[0], `product for ${search}`);
  console.log(
    `product: ${card.title}, ${card.channels?.map((channel) => channel.name).join(", ")}; requests: ${requests.get("ProductsNear")}`,
  );

  const product = await shop.getProduct(card.handle);
  const variant = required(product.variants?.nodes[0], "variant");
  console.log(`price: ${variant.price?.amount} ${variant.price?.currencyCode}`);

  for (const { node, distanceKm } of await shop.listStores(variant.id, near)) {
    console.log(`shop: ${node.location?.name}, ${distanceKm} km, ${node.status}`);
  }

  const cart = await shop.addToCart(variant.id, 2);
  console.log(`cart: ${cart.lines[0]?.quantity} for ${cart.total.amount} ${cart.total.currencyCode}`);

  const options = await shop.listOptions(cart, near);
  const pickup = required(
    options.find((option) => option.parts.every((part) => part.method === "PICKUP")),
    "pickup option",
  );
  const total = await shop.previewTotal(cart, pickup);
  console.log(`option: ${pickup.label}, ${total.amount} ${total.currencyCode} in total`);

  const order = await shop.placeOrder(cart, pickup, total, "Ivy Jackson");
  console.log(`order: ${order.number}, requests: ${requests.get("OrderPlace")}`);

  const restarted = new Shop(createClient({ url }), new Map<string, string>(), "web");
  const loaded = await restarted.getOrder(required(order.accessToken, "access token"));
  if (loaded.number !== order.number) throw new Error("The response is another order.");
  console.log(`pickup code of ${loaded.number}: ${loaded.fulfillments?.[0]?.pickupCode}`);
}

try {
  await runFlow();
} catch (error) {
  if (error instanceof OutdatedError) {
    console.log(error.message);
  } else if (error instanceof TypeError && error.message === "fetch failed") {
    console.error(`The gateway at ${url} does not respond. Start it with 'make demo', or set GATEWAY to another URL.`);
    process.exitCode = 1;
  } else {
    throw error;
  }
}

/* A storefront in one page: products of every channel with what the nearest shop has, a cart, an order to be collected. */
import { ask, AnswerError, unanswered, wish } from "./gateway.js";

const CHANNEL = "web"; // in front of which channel this page stands: its prices, its carts
const HERE = "here";
const ORDER = "of this visit";
const KEPT = { cart: "storefront cart", order: "storefront order", place: "storefront place" };
const STOCK = {
  IN_STOCK: "in stock",
  LOW_STOCK: "only a few left",
  OUT_OF_STOCK: "none on the shelf",
  BACKORDER: "can be ordered",
  NOT_TRACKED: "can be had",
};
const REFUSED = {
  OUT_OF_STOCK: "It has just been sold out.",
  INSUFFICIENT_STOCK: "There are not so many left.",
  PRICE_CHANGED: "A price has changed. Please look at it again.",
  TOTAL_CHANGED: "The total has changed. Please look at it again.",
  OPTION_EXPIRED: "You took your time, so we have looked again at how you can get it.",
  CART_EXPIRED: "This cart has expired.",
  CONFLICT: "The cart has changed meanwhile, in another window perhaps.",
  CHANNEL_UNAVAILABLE: "The shop cannot be asked at the moment. Please try again.",
  IN_PROGRESS: "This is being done already. Please try again in a moment.",
};
const OVER = new Set(["CART_EXPIRED", "NOT_FOUND", "NOT_ALLOWED_IN_STATE"]);

const view = document.getElementById("view");
const problem = document.getElementById("problem");
const place = document.getElementById("place");
let stores = [];
let searched = "";
let shown = 0;
let carried = false;

function element(name, attributes = {}, ...content) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false) made.setAttribute(key, value);
  }
  made.append(...content);
  return made;
}

function table(titles, rows, attributes) {
  const head = element(
    "thead",
    {},
    element("tr", {}, ...titles.map((title) => element("th", { scope: "col" }, title))),
  );
  const body = rows.map((cells) => element("tr", {}, ...cells.map((cell) => element("td", {}, cell ?? ""))));
  return element("table", attributes, head, element("tbody", {}, ...body));
}

/* An amount is a decimal string from the gateway to the screen: a float would not hold it. */
function money(value) {
  if (!value) return "no price";
  return new Intl.NumberFormat("en-GB", { style: "currency", currency: value.currencyCode }).format(value.amount);
}

function prices(range) {
  if (!range) return "not sold on the web";
  return range.min.amount === range.max.amount ? money(range.min) : `${money(range.min)} to ${money(range.max)}`;
}

function when(instant) {
  return instant
    ? new Date(instant).toLocaleString("en-GB", { weekday: "short", hour: "2-digit", minute: "2-digit" })
    : "";
}

function stockOf(status) {
  return element("span", { class: status }, STOCK[status] ?? "ask in the shop"); // values can come that are not known yet
}

/* ------------------------------------------------------------------------------------------- what goes wrong */

function complain(text) {
  problem.textContent = text;
  problem.hidden = !text;
}

function told(error) {
  if (!(error instanceof AnswerError)) return error.message;
  return error.requestId ? `${error.message} (${error.code}, ${error.requestId})` : `${error.message} (${error.code})`;
}

/* Whether a wish was granted; else it is said why. */
function granted(payload) {
  const warnings = (payload.warnings ?? []).map((warning) => warning.message);
  const errors = payload.userErrors.map((error) => REFUSED[error.code] ?? error.message);
  complain([...errors, ...warnings].join("\n"));
  return errors.length === 0;
}

/* Do something with the button out of reach meanwhile: nobody should press it twice, though it would do no harm. */
async function busy(button, work) {
  button.disabled = true;
  try {
    await work();
  } catch (error) {
    complain(told(error));
  } finally {
    button.disabled = false;
  }
}

/* ------------------------------------------------------------------------------------------------------ where */

/* Two decimals are about a kilometer: near enough for shops, and nobody's house. */
function rounded({ latitude, longitude }) {
  return { latitude: Number(latitude.toFixed(2)), longitude: Number(longitude.toFixed(2)) };
}

function located() {
  const unknown = () => new Error("We could not find out where you are: please choose a shop.");
  return new Promise((resolve, reject) => {
    navigator.geolocation.getCurrentPosition(resolve, () => reject(unknown()), {
      maximumAge: 600_000,
      timeout: 10_000,
    });
  });
}

async function near() {
  if (place.value === HERE) return rounded((await located()).coords);
  return rounded(stores.find((store) => store.id === place.value).point);
}

async function choosePlace() {
  const { locations } = await ask("Stores", {});
  stores = (locations?.nodes ?? []).filter((store) => store.point);
  const names = stores.map((store) => element("option", { value: store.id }, store.name));
  place.replaceChildren(...names, element("option", { value: HERE }, "where I am"));
  const kept = localStorage.getItem(KEPT.place);
  if ([...place.options].some((option) => option.value === kept)) place.value = kept;
  place.addEventListener("change", () => {
    localStorage.setItem(KEPT.place, place.value);
    show();
  });
}

/* --------------------------------------------------------------------------------------------------- products */

function card(product) {
  const nearest = product.selectedOrFirstAvailableVariant?.storeAvailability?.edges[0];
  const shop = nearest
    ? element("p", { class: "shelf" }, stockOf(nearest.node.status), ` in ${nearest.node.location?.name}`)
    : element("p", { class: "quiet shelf" }, "not in our shops");
  return element(
    "li",
    { "data-handle": product.handle },
    element("a", { href: `#/product/${product.handle}` }, product.title),
    element("p", { class: "price" }, prices(product.priceRange)),
    shop,
    element("p", { class: "quiet" }, (product.channels ?? []).map((channel) => channel.name).join(" · ")),
  );
}

/* A channel that is down or late takes nothing from the page: what is known of it stands there, and how old it is. */
function ages(sources) {
  const late = (sources ?? []).filter((source) => ["STALE", "FAILED"].includes(source.state) && source.channel);
  const lines = late.map(
    (source) => `${source.channel.name}: as of ${source.asOf ? when(source.asOf) : "an unknown time"}`,
  );
  return element("p", { class: "quiet" }, lines.join(" · "));
}

async function page(after) {
  return (await ask("ProductsNear", { channelKey: CHANNEL, near: await near(), after, search: searched || null }))
    .products;
}

async function showProducts(draw) {
  const first = await page(null);
  if (!first) return draw(element("p", {}, "The products cannot be shown at the moment."));
  const list = element("ul", { class: "cards" }, ...first.nodes.map(card));
  const more = element("button", { type: "button", hidden: !first.pageInfo.hasNextPage }, "More");
  let cursor = first.pageInfo.endCursor;
  more.addEventListener("click", () =>
    busy(more, async () => {
      const next = await page(cursor);
      list.append(...next.nodes.map(card));
      cursor = next.pageInfo.endCursor;
      more.hidden = !next.pageInfo.hasNextPage;
    }),
  );
  const count = element(
    "p",
    { class: "quiet" },
    `${first.totalCount} ${first.totalCount === 1 ? "product" : "products"} of all channels`,
  );
  return draw(element("h1", {}, "Products"), count, list, more, ages(first.sources));
}

function pieces(listing) {
  return listing.unitsPerListing > 1 ? `for ${listing.unitsPerListing}` : "";
}

function offers(variant) {
  const rows = (variant.listings ?? []).map((listing) => [
    listing.channel?.name,
    listing.title,
    [money(listing.price), pieces(listing), listing.channel?.pricesIncludeTax === false ? "before tax" : ""].join(" "),
  ]);
  return table(["Sold by", "as", "for"], rows, { class: "listings" });
}

function shelves(edges) {
  const rows = edges.map(({ distanceKm, node }) => [
    node.location?.name,
    distanceKm === null ? "" : `${distanceKm} km`,
    stockOf(node.status),
    node.readyAt ? `can be collected ${when(node.readyAt)}` : "",
  ]);
  return table(["Shop", "", "On the shelf now", ""], rows, { class: "stores" });
}

async function showProduct(draw, handle) {
  const [{ product }, point] = await Promise.all([ask("ProductPage", { channelKey: CHANNEL, handle }), near()]);
  if (!product) return draw(element("p", {}, "There is no such product."));
  const variants = product.variants?.nodes ?? [];
  const chosen = element("select", { id: "variant", "aria-label": "Variant", hidden: variants.length < 2 });
  chosen.append(...variants.map((one) => element("option", { value: one.id }, one.title || one.sku || product.title)));
  const about = element("div", { id: "offer" });
  const pick = () =>
    showVariant(
      about,
      variants.find((one) => one.id === chosen.value),
      point,
    );
  chosen.addEventListener("change", () => busy(chosen, pick));
  draw(element("h1", {}, product.title), element("p", {}, product.description), chosen, about);
  return variants.length > 0 ? pick() : undefined;
}

async function showVariant(about, variant, point) {
  const { node } = await ask("StoreAvailability", { variantId: variant.id, near: point });
  const buy = element("button", { id: "add", type: "button", disabled: !variant.price }, "Put into the cart");
  buy.addEventListener("click", () => busy(buy, () => add(variant)));
  const price = element("p", { class: "price" }, money(variant.price), " ", stockOf(variant.stock?.status));
  about.replaceChildren(price, buy, shelves(node?.storeAvailability?.edges ?? []), offers(variant));
}

/* ------------------------------------------------------------------------------------------------------- cart */

/* Whoever holds a cart's token sees and changes it, so it never stands in an address. */
function keep(cart) {
  if (cart?.token && cart.status === "ACTIVE") localStorage.setItem(KEPT.cart, cart.token);
  else localStorage.removeItem(KEPT.cart);
}

async function add(variant) {
  const lines = [{ variantId: variant.id, quantity: 1 }];
  const cartToken = localStorage.getItem(KEPT.cart);
  const { cartCreate, cartLinesAdd } = cartToken
    ? { cartLinesAdd: await wish("CartLinesAdd", { cartToken, lines }) }
    : { cartCreate: await wish("CartCreate", { channelKey: CHANNEL, lines }) };
  const payload = cartLinesAdd ?? cartCreate;
  if (payload.cart) keep(payload.cart);
  else if (payload.userErrors.some((error) => OVER.has(error.code))) keep(null);
  if (granted(payload)) go("#/cart");
}

async function change(cart, lineId, quantity) {
  const given = { cartToken: cart.token, version: cart.version };
  const payload = await (quantity > 0
    ? wish("CartLinesUpdate", { ...given, lines: [{ lineId, quantity }] })
    : wish("CartLinesRemove", { ...given, lineIds: [lineId] }));
  granted(payload);
  await show({ quiet: true });
}

function lineOf(cart, line) {
  const count = element("input", {
    type: "number",
    required: true,
    min: 0,
    max: 9999,
    value: line.quantity,
    "aria-label": `How many: ${line.title}`,
  });
  count.addEventListener("change", () => {
    if (count.reportValidity()) busy(count, () => change(cart, line.id, Number(count.value)));
  });
  const remove = element("button", { type: "button" }, "remove");
  remove.addEventListener("click", () => busy(remove, () => change(cart, line.id, 0)));
  return [line.title, money(line.unitPrice), count, money(line.total), remove];
}

async function cartOf(cartToken) {
  return cartToken ? (await ask("Cart", { cartToken })).cart : null;
}

async function showCart(draw) {
  const lost = unanswered("OrderPlace", ORDER);
  if (lost && (await placed(lost))) return undefined;
  const cart = await cartOf(localStorage.getItem(KEPT.cart));
  keep(cart);
  if (!cart || cart.lines.length === 0)
    return draw(element("h1", {}, "Cart"), element("p", {}, "There is nothing in it yet."));
  const { fulfillmentOptions } = await ask("FulfillmentOptions", { cartToken: cart.token, near: await near() });
  const lines = table(
    ["", "each", "how many", "together", ""],
    cart.lines.map((line) => lineOf(cart, line)),
    { class: "lines" },
  );
  const total = element("p", { class: "price", id: "total" }, `Goods, with tax: ${money(cart.total)}`);
  return draw(element("h1", {}, "Cart"), lines, total, checkout(cart, fulfillmentOptions ?? []));
}

/* ------------------------------------------------------------------------------------------------------ order */

/* Deliveries are left out: they are paid beforehand, and a payment provider is none of this page. */
function collected(option) {
  return option.parts.every((part) => part.method === "PICKUP") && option.uncovered.length === 0;
}

function choice(option, checked) {
  const radio = element("input", { type: "radio", name: "option", value: option.token, required: true, checked });
  return element("label", {}, radio, ` ${option.label}, from ${when(option.readyAt)}, ${money(option.price)}`);
}

function checkout(cart, options) {
  const ways = options.filter(collected);
  if (ways.length === 0) return element("p", {}, "No shop can have all of it ready for you.");
  const where = element(
    "fieldset",
    {},
    element("legend", {}, "Collect it"),
    ...ways.map((one, at) => choice(one, at === 0)),
  );
  const name = element("input", { name: "name", required: true, autocomplete: "name", maxlength: 100 });
  const email = element("input", { name: "email", type: "email", autocomplete: "email", maxlength: 200 });
  const who = element(
    "fieldset",
    {},
    element("legend", {}, "For whom"),
    label("Name", name),
    label("E-mail, if you like", email),
  );
  const place = element("button", { id: "order" }, "Order, and pay in the shop");
  const form = element("form", { id: "checkout" }, where, who, place);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    busy(place, () => order(cart, form.elements));
  });
  return form;
}

function label(text, field) {
  return element("label", {}, `${text} `, field);
}

/* What is to be paid is added up by the gateway, and sent back to it: were it another sum by now, nothing is ordered. */
async function ordering(cart, fields) {
  const chosen = { cartToken: cart.token, fulfillmentOptionToken: fields.option.value };
  const { orderPreview } = await ask("OrderPreview", { input: chosen });
  if (!granted(orderPreview)) return null;
  const { amount, currencyCode } = orderPreview.total;
  return {
    ...chosen,
    cartVersion: cart.version,
    contact: { name: fields.name.value, email: fields.email.value || null },
    payments: [{ kind: "ON_COLLECTION", amount: { amount, currencyCode } }],
    expectedTotal: { amount, currencyCode },
  };
}

async function order(cart, fields) {
  const input = unanswered("OrderPlace", ORDER) ?? (await ordering(cart, fields));
  return input && (await placed(input)) ? undefined : show({ quiet: true });
}

/* Whether the order was taken. An order whose answer was lost may have been: so it is sent again before anything else. */
async function placed(input) {
  const payload = await wish("OrderPlace", input, ORDER);
  if (!granted(payload)) return false;
  keep(null);
  sessionStorage.setItem(KEPT.order, payload.order.accessToken);
  go("#/order");
  return true;
}

function parcel(fulfillment) {
  const { location: shop } = fulfillment;
  const street = [shop?.address?.line1, shop?.address?.postalCode, shop?.address?.city].filter(Boolean).join(", ");
  return element(
    "section",
    {},
    element("p", {}, `${shop?.name ?? ""}, ${street}`),
    element("p", {}, `${fulfillment.status}, expected ${when(fulfillment.readyAt)}`),
    element("p", {}, "Say this code when you collect it:"),
    element("p", { class: "code" }, fulfillment.pickupCode ?? "not given yet"),
  );
}

async function showOrder(draw) {
  const accessToken = sessionStorage.getItem(KEPT.order);
  const found = accessToken ? (await ask("Order", { accessToken })).order : null;
  if (!found) return draw(element("p", {}, "There is no order."));
  const lines = (found.lines?.nodes ?? []).map((line) => [line.title, String(line.quantity), money(line.total)]);
  const again = element("button", { type: "button" }, "Look again");
  again.addEventListener("click", () => busy(again, () => show()));
  return draw(
    element("h1", {}, `Order ${found.number}`),
    ...(found.fulfillments ?? []).map(parcel),
    table(["", "how many", ""], lines),
    element("p", { class: "price" }, `To be paid: ${money(found.total)}`),
    again,
  );
}

/* ------------------------------------------------------------------------------------------------------- page */

function viewOf(hash) {
  const [, name, rest] = hash.match(/^#\/(\w*)\/?(.*)$/) ?? [];
  if (name === "product") return (draw) => showProduct(draw, decodeURIComponent(rest));
  return { cart: showCart, order: showOrder }[name] ?? showProducts;
}

/* Draws what the address says, unless somebody has gone on meanwhile. `quiet`: what is complained of stays. */
async function show({ quiet = false } = {}) {
  const turn = (shown += 1);
  if (!quiet) complain("");
  try {
    await viewOf(location.hash)((...content) => {
      if (turn === shown) view.replaceChildren(...content);
    });
  } catch (error) {
    if (turn === shown) complain(told(error));
  }
}

document.getElementById("search").addEventListener("submit", (event) => {
  event.preventDefault();
  searched = event.target.elements.text.value.trim();
  if (["", "#/"].includes(location.hash)) show();
  else location.hash = "#/";
});

/* To another view, with what was said here. */
function go(hash) {
  carried = true;
  location.hash = hash;
}

window.addEventListener("hashchange", () => {
  show({ quiet: carried });
  carried = false;
});
try {
  await choosePlace();
  await show();
} catch (error) {
  complain(told(error));
}

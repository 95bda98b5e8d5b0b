/* A storefront on one page: products of all channels, stock of the nearest store, a cart, orders for pickup. */
import { findPending, GatewayError, mutateOnce, query } from "./gateway.js";

const CHANNEL = "web"; // the channel of this page: its prices, its carts
const CURRENT_LOCATION = "here";
const ORDER_NAME = "of this visit";
const STORAGE = { cart: "storefront cart", order: "storefront order", location: "storefront location" };
const STOCK_LABELS = {
  IN_STOCK: "In stock",
  LOW_STOCK: "Only a few left",
  OUT_OF_STOCK: "Not in store today",
  BACKORDER: "Available to order",
  NOT_TRACKED: "Available",
};
const REJECTION_MESSAGES = {
  OUT_OF_STOCK: "This item has just sold out.",
  INSUFFICIENT_STOCK: "There are fewer units left than you want to order.",
  PRICE_CHANGED: "A price has changed. Please check your cart.",
  TOTAL_CHANGED: "The total has changed. Please check your cart.",
  OPTION_EXPIRED: "This pickup option has expired. Please choose again.",
  CART_EXPIRED: "This cart has expired.",
  CONFLICT: "The cart was changed in another window. Please check it.",
  CHANNEL_UNAVAILABLE: "The store cannot be reached at the moment. Please try again.",
  IN_PROGRESS: "Your request is being processed. Please try again in a moment.",
};
const CART_GONE_CODES = new Set(["CART_EXPIRED", "NOT_FOUND", "NOT_ALLOWED_IN_STATE"]);

const view = document.getElementById("view");
const message = document.getElementById("problem");
const locationSelect = document.getElementById("location");
let stores = [];
let searchText = "";
let renderCount = 0;
let carriesMessage = false;

function element(name, attributes = {}, ...content) {
  const created = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) created.addEventListener(key.slice(2), value);
    else if (value === true) created.setAttribute(key, "");
    else if (value !== false) created.setAttribute(key, value);
  }
  created.append(...content);
  return created;
}

function renderTable(titles, rows, attributes) {
  const head = element(
    "thead",
    {},
    element("tr", {}, ...titles.map((title) => element("th", { scope: "col" }, title))),
  );
  const body = rows.map((cells) => element("tr", {}, ...cells.map((cell) => element("td", {}, cell ?? ""))));
  return element("table", attributes, head, element("tbody", {}, ...body));
}

/* Formats an amount. Amounts are decimal strings, because floats would lose precision. */
function formatMoney(value) {
  if (!value) return "No price";
  return new Intl.NumberFormat("en-GB", { style: "currency", currency: value.currencyCode }).format(value.amount);
}

function formatRange(range) {
  if (!range) return "Not sold online";
  return range.min.amount === range.max.amount
    ? formatMoney(range.min)
    : `${formatMoney(range.min)} to ${formatMoney(range.max)}`;
}

function formatTime(instant) {
  return instant
    ? new Date(instant).toLocaleString("en-GB", { weekday: "short", hour: "2-digit", minute: "2-digit" })
    : "";
}

function renderStock(status) {
  return element("span", { class: status }, STOCK_LABELS[status] ?? "Ask in store"); // the schema may add values
}

/* ------------------------------------------------------------------------------------------- messages */

function showMessage(text) {
  message.textContent = text;
  message.hidden = !text;
}

function formatError(error) {
  if (!(error instanceof GatewayError)) return error.message;
  return error.requestId ? `${error.message} (${error.code}, ${error.requestId})` : `${error.message} (${error.code})`;
}

/* Shows the errors and warnings of a mutation; returns whether it succeeded. */
function hasSucceeded(payload) {
  const warnings = (payload.warnings ?? []).map((warning) => warning.message);
  const errors = payload.userErrors.map((error) => REJECTION_MESSAGES[error.code] ?? error.message);
  showMessage([...errors, ...warnings].join("\n"));
  return errors.length === 0;
}

/* Runs an action with its button disabled. */
async function runDisabled(button, work) {
  button.disabled = true;
  try {
    await work();
  } catch (error) {
    showMessage(formatError(error));
  } finally {
    button.disabled = false;
  }
}

/* ------------------------------------------------------------------------------------------------------ location */

/* Rounds coordinates to two decimals (about a kilometer), for caching and privacy. */
function roundPoint({ latitude, longitude }) {
  return { latitude: Number(latitude.toFixed(2)), longitude: Number(longitude.toFixed(2)) };
}

function requestPosition() {
  const unknown = () => new Error("Your location is not available. Please choose a store.");
  return new Promise((resolve, reject) => {
    navigator.geolocation.getCurrentPosition(resolve, () => reject(unknown()), {
      maximumAge: 600_000,
      timeout: 10_000,
    });
  });
}

async function getPoint() {
  if (locationSelect.value === CURRENT_LOCATION) return roundPoint((await requestPosition()).coords);
  return roundPoint(stores.find((store) => store.id === locationSelect.value).point);
}

async function loadStores() {
  const { locations } = await query("Stores", {});
  stores = (locations?.nodes ?? []).filter((store) => store.point);
  const names = stores.map((store) => element("option", { value: store.id }, store.name));
  locationSelect.replaceChildren(...names, element("option", { value: CURRENT_LOCATION }, "Current location"));
  const storedLocation = localStorage.getItem(STORAGE.location);
  if ([...locationSelect.options].some((option) => option.value === storedLocation))
    locationSelect.value = storedLocation;
  locationSelect.addEventListener("change", () => {
    localStorage.setItem(STORAGE.location, locationSelect.value);
    show();
  });
}

/* --------------------------------------------------------------------------------------------------- products */

function renderCard(product) {
  const nearest = product.selectedOrFirstAvailableVariant?.storeAvailability?.edges[0];
  const shop = nearest
    ? element("p", { class: "shelf" }, renderStock(nearest.node.status), ` at ${nearest.node.location?.name}`)
    : element("p", { class: "quiet shelf" }, "Not available in stores");
  return element(
    "li",
    { "data-handle": product.handle },
    element("a", { href: `#/product/${product.handle}` }, product.title),
    element("p", { class: "price" }, formatRange(product.priceRange)),
    shop,
    element("p", { class: "quiet" }, (product.channels ?? []).map((channel) => channel.name).join(" · ")),
  );
}

/* Shows the age of data from channels that are down or late. */
function renderAges(sources) {
  const late = (sources ?? []).filter((source) => ["STALE", "FAILED"].includes(source.state) && source.channel);
  const lines = late.map(
    (source) => `${source.channel.name}: as of ${source.asOf ? formatTime(source.asOf) : "an unknown time"}`,
  );
  return element("p", { class: "quiet" }, lines.join(" · "));
}

async function loadPage(after) {
  return (
    await query("ProductsNear", { channelKey: CHANNEL, near: await getPoint(), after, search: searchText || null })
  ).products;
}

async function showProducts(draw) {
  const first = await loadPage(null);
  if (!first) return draw(element("p", {}, "Products are not available at the moment."));
  const list = element("ul", { class: "cards" }, ...first.nodes.map(renderCard));
  const more = element("button", { type: "button", hidden: !first.pageInfo.hasNextPage }, "Load more");
  let cursor = first.pageInfo.endCursor;
  more.addEventListener("click", () =>
    runDisabled(more, async () => {
      const next = await loadPage(cursor);
      list.append(...next.nodes.map(renderCard));
      cursor = next.pageInfo.endCursor;
      more.hidden = !next.pageInfo.hasNextPage;
    }),
  );
  const count = element(
    "p",
    { class: "quiet" },
    `${first.totalCount} ${first.totalCount === 1 ? "product" : "products"} in all channels`,
  );
  return draw(element("h1", {}, "Products"), count, list, more, renderAges(first.sources));
}

function formatUnits(listing) {
  return listing.unitsPerListing > 1 ? `for ${listing.unitsPerListing} units` : "";
}

function renderOffers(variant) {
  const rows = (variant.listings ?? []).map((listing) => [
    listing.channel?.name,
    listing.title,
    [
      formatMoney(listing.price),
      formatUnits(listing),
      listing.channel?.pricesIncludeTax === false ? "before tax" : "",
    ].join(" "),
  ]);
  return renderTable(["Sold by", "Listing", "Price"], rows, { class: "listings" });
}

function renderStores(edges) {
  const rows = edges.map(({ distanceKm, node }) => [
    node.location?.name,
    distanceKm === null ? "" : `${distanceKm} km`,
    renderStock(node.status),
    node.readyAt ? `Pickup from ${formatTime(node.readyAt)}` : "",
  ]);
  return renderTable(["Store", "Distance", "In store now", "Pickup"], rows, { class: "stores" });
}

async function showProduct(draw, handle) {
  const [{ product }, point] = await Promise.all([query("ProductPage", { channelKey: CHANNEL, handle }), getPoint()]);
  if (!product) return draw(element("p", {}, "This product does not exist."));
  const variants = product.variants?.nodes ?? [];
  const variantSelect = element("select", { id: "variant", "aria-label": "Variant", hidden: variants.length < 2 });
  variantSelect.append(
    ...variants.map((one) => element("option", { value: one.id }, one.title || one.sku || product.title)),
  );
  const about = element("div", { id: "offer" });
  const pick = () =>
    showVariant(
      about,
      variants.find((one) => one.id === variantSelect.value),
      point,
    );
  variantSelect.addEventListener("change", () => runDisabled(variantSelect, pick));
  draw(element("h1", {}, product.title), element("p", {}, product.description), variantSelect, about);
  return variants.length > 0 ? pick() : undefined;
}

async function showVariant(about, variant, point) {
  const { node } = await query("StoreAvailability", { variantId: variant.id, near: point });
  const buy = element("button", { id: "add", type: "button", disabled: !variant.price }, "Add to cart");
  buy.addEventListener("click", () => runDisabled(buy, () => addToCart(variant)));
  const price = element("p", { class: "price" }, formatMoney(variant.price), " ", renderStock(variant.stock?.status));
  about.replaceChildren(price, buy, renderStores(node?.storeAvailability?.edges ?? []), renderOffers(variant));
}

/* ------------------------------------------------------------------------------------------------------- cart */

/* A cart's token grants access to the cart, so it is never part of a URL. */
function storeCart(cart) {
  if (cart?.token && cart.status === "ACTIVE") localStorage.setItem(STORAGE.cart, cart.token);
  else localStorage.removeItem(STORAGE.cart);
}

async function addToCart(variant) {
  const lines = [{ variantId: variant.id, quantity: 1 }];
  const cartToken = localStorage.getItem(STORAGE.cart);
  const { cartCreate, cartLinesAdd } = cartToken
    ? { cartLinesAdd: await mutateOnce("CartLinesAdd", { cartToken, lines }) }
    : { cartCreate: await mutateOnce("CartCreate", { channelKey: CHANNEL, lines }) };
  const payload = cartLinesAdd ?? cartCreate;
  if (payload.cart) storeCart(payload.cart);
  else if (payload.userErrors.some((error) => CART_GONE_CODES.has(error.code))) storeCart(null);
  if (hasSucceeded(payload)) openView("#/cart");
}

async function changeQuantity(cart, lineId, quantity) {
  const given = { cartToken: cart.token, version: cart.version };
  const payload = await (quantity > 0
    ? mutateOnce("CartLinesUpdate", { ...given, lines: [{ lineId, quantity }] })
    : mutateOnce("CartLinesRemove", { ...given, lineIds: [lineId] }));
  hasSucceeded(payload);
  await show({ keepMessage: true });
}

function renderLine(cart, line) {
  const count = element("input", {
    type: "number",
    required: true,
    min: 0,
    max: 9999,
    value: line.quantity,
    "aria-label": `Quantity: ${line.title}`,
  });
  count.addEventListener("change", () => {
    if (count.reportValidity()) runDisabled(count, () => changeQuantity(cart, line.id, Number(count.value)));
  });
  const remove = element("button", { type: "button" }, "Remove");
  remove.addEventListener("click", () => runDisabled(remove, () => changeQuantity(cart, line.id, 0)));
  return [line.title, formatMoney(line.unitPrice), count, formatMoney(line.total), remove];
}

async function loadCart(cartToken) {
  return cartToken ? (await query("Cart", { cartToken })).cart : null;
}

async function showCart(draw) {
  const lost = findPending("OrderPlace", ORDER_NAME);
  if (lost && (await submitOrder(lost))) return undefined;
  const cart = await loadCart(localStorage.getItem(STORAGE.cart));
  storeCart(cart);
  if (!cart || cart.lines.length === 0) return draw(element("h1", {}, "Cart"), element("p", {}, "Your cart is empty."));
  const { fulfillmentOptions } = await query("FulfillmentOptions", { cartToken: cart.token, near: await getPoint() });
  const lines = renderTable(
    ["Item", "Price", "Quantity", "Total", ""],
    cart.lines.map((line) => renderLine(cart, line)),
    { class: "lines" },
  );
  const total = element("p", { class: "price", id: "total" }, `Subtotal, including tax: ${formatMoney(cart.total)}`);
  return draw(element("h1", {}, "Cart"), lines, total, renderCheckout(cart, fulfillmentOptions ?? []));
}

/* ------------------------------------------------------------------------------------------------------ order */

/* Only pickup options: deliveries are paid in advance, and this page has no payment provider. */
function isPickup(option) {
  return option.parts.every((part) => part.method === "PICKUP") && option.uncovered.length === 0;
}

function renderOption(option, checked) {
  const radio = element("input", { type: "radio", name: "option", value: option.token, required: true, checked });
  return element(
    "label",
    {},
    radio,
    ` ${option.label}, from ${formatTime(option.readyAt)}, ${formatMoney(option.price)}`,
  );
}

function renderCheckout(cart, options) {
  const pickups = options.filter(isPickup);
  if (pickups.length === 0) return element("p", {}, "No store can provide the whole cart.");
  const where = element(
    "fieldset",
    {},
    element("legend", {}, "Pickup"),
    ...pickups.map((one, at) => renderOption(one, at === 0)),
  );
  const name = element("input", { name: "name", required: true, autocomplete: "name", maxlength: 100 });
  const email = element("input", { name: "email", type: "email", autocomplete: "email", maxlength: 200 });
  const who = element(
    "fieldset",
    {},
    element("legend", {}, "Contact"),
    renderLabel("Name", name),
    renderLabel("E-mail (optional)", email),
  );
  const submit = element("button", { id: "order" }, "Place order, pay in store");
  const form = element("form", { id: "checkout" }, where, who, submit);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    runDisabled(submit, () => placeOrder(cart, form.elements));
  });
  return form;
}

function renderLabel(text, field) {
  return element("label", {}, `${text} `, field);
}

/* Builds the order. The gateway computes the total; it rejects the order if the total has changed since. */
async function buildOrder(cart, fields) {
  const chosen = { cartToken: cart.token, fulfillmentOptionToken: fields.option.value };
  const { orderPreview } = await query("OrderPreview", { input: chosen });
  if (!hasSucceeded(orderPreview)) return null;
  const { amount, currencyCode } = orderPreview.total;
  return {
    ...chosen,
    cartVersion: cart.version,
    contact: { name: fields.name.value, email: fields.email.value || null },
    payments: [{ kind: "ON_COLLECTION", amount: { amount, currencyCode } }],
    expectedTotal: { amount, currencyCode },
  };
}

async function placeOrder(cart, fields) {
  const input = findPending("OrderPlace", ORDER_NAME) ?? (await buildOrder(cart, fields));
  return input && (await submitOrder(input)) ? undefined : show({ keepMessage: true });
}

/* Places an order and returns whether it succeeded. If its response was lost, the next attempt resends it. */
async function submitOrder(input) {
  const payload = await mutateOnce("OrderPlace", input, ORDER_NAME);
  if (!hasSucceeded(payload)) return false;
  storeCart(null);
  sessionStorage.setItem(STORAGE.order, payload.order.accessToken);
  openView("#/order");
  return true;
}

function renderFulfillment(fulfillment) {
  const { location: shop } = fulfillment;
  const street = [shop?.address?.line1, shop?.address?.postalCode, shop?.address?.city].filter(Boolean).join(", ");
  return element(
    "section",
    {},
    element("p", {}, `${shop?.name ?? ""}, ${street}`),
    element("p", {}, `Status: ${fulfillment.status}, ready by ${formatTime(fulfillment.readyAt)}`),
    element("p", {}, "Your pickup code:"),
    element("p", { class: "code" }, fulfillment.pickupCode ?? "Not available yet"),
  );
}

async function showOrder(draw) {
  const accessToken = sessionStorage.getItem(STORAGE.order);
  const placed = accessToken ? (await query("Order", { accessToken })).order : null;
  if (!placed) return draw(element("p", {}, "No order found."));
  const lines = (placed.lines?.nodes ?? []).map((line) => [line.title, String(line.quantity), formatMoney(line.total)]);
  const refresh = element("button", { type: "button" }, "Refresh");
  refresh.addEventListener("click", () => runDisabled(refresh, () => show()));
  return draw(
    element("h1", {}, `Order ${placed.number}`),
    ...(placed.fulfillments ?? []).map(renderFulfillment),
    renderTable(["Item", "Quantity", "Total"], lines),
    element("p", { class: "price", id: "payment" }, describePayment(placed)),
    refresh,
    ...(canCancel(placed) ? [renderCancel(placed, accessToken)] : []),
  );
}

function isUnpaid(placed) {
  return ["UNPAID", "PENDING"].includes(placed.paymentStatus);
}

/* An unpaid order has a deadline: when it passes, the order is canceled and its units are free again. */
function describePayment(placed) {
  if (["CANCELLING", "CANCELLED"].includes(placed.status)) return "Canceled";
  const deadline = isUnpaid(placed) && placed.payBy ? `, by ${formatTime(placed.payBy)}` : "";
  return `${isUnpaid(placed) ? "To pay" : "Total"}: ${formatMoney(placed.total)}${deadline}`;
}

function canCancel(placed) {
  return isUnpaid(placed) && ["PENDING", "OPEN"].includes(placed.status);
}

function renderCancel(placed, orderAccessToken) {
  const { id: orderId, version } = placed;
  const cancel = element("button", { type: "button", id: "cancel" }, "Cancel order");
  const send = async () => {
    const payload = await mutateOnce("OrderCancel", { orderId, version, orderAccessToken });
    hasSucceeded(payload);
    await show({ keepMessage: true });
  };
  cancel.addEventListener("click", () => runDisabled(cancel, send));
  return cancel;
}

/* ------------------------------------------------------------------------------------------------------- page */

function getView(hash) {
  const [, name, rest] = hash.match(/^#\/(\w*)\/?(.*)$/) ?? [];
  if (name === "product") return (draw) => showProduct(draw, decodeURIComponent(rest));
  return { cart: showCart, order: showOrder }[name] ?? showProducts;
}

/* Renders the view of the URL, unless another view was opened meanwhile. `keepMessage`: do not clear the message. */
async function show({ keepMessage = false } = {}) {
  const requested = (renderCount += 1);
  if (!keepMessage) showMessage("");
  try {
    await getView(location.hash)((...content) => {
      if (requested === renderCount) view.replaceChildren(...content);
    });
  } catch (error) {
    if (requested === renderCount) showMessage(formatError(error));
  }
}

document.getElementById("search").addEventListener("submit", (event) => {
  event.preventDefault();
  searchText = event.target.elements.text.value.trim();
  if (["", "#/"].includes(location.hash)) show();
  else location.hash = "#/";
});

/* Opens another view and keeps the message. */
function openView(hash) {
  carriesMessage = true;
  location.hash = hash;
}

window.addEventListener("hashchange", () => {
  show({ keepMessage: carriesMessage });
  carriesMessage = false;
});
try {
  await loadStores();
  await show();
} catch (error) {
  showMessage(formatError(error));
}

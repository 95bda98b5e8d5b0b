/* The cart of this browser. Its token grants access to it: it is stored, and never part of a URL. */
import { element, hint, picture, quiet } from "./dom.js";
import { describeStock, formatMoney, formatTitle } from "./format.js";
import { mutate, query } from "./gateway.js";
import { renderCheckout, showLostOrder } from "./checkout.js";
import { Decision, IntentQueue, isDecided } from "./intents.js";
import { CHANNEL, describeResult, openPage, show, showMessage } from "./page.js";
import { renderPoints } from "./points.js";
import { getToken } from "./token.js";

const STORED = "storefront cart";
const count = document.getElementById("count");

export function getCartToken() {
  return localStorage.getItem(STORED);
}

export function storeCart(cart) {
  if (cart?.token && cart.status === "ACTIVE") localStorage.setItem(STORED, cart.token);
  else localStorage.removeItem(STORED);
  localStorage.setItem(`${STORED} units`, String((cart?.lines ?? []).reduce((sum, line) => sum + line.quantity, 0)));
  showCount();
}

const ownership = new Decision("storefront cart owner");

/* Makes the cart that of the customer who has logged in, with what is in their cart of another device. It gets a new
   token; if the response with it is lost, the same request is sent again. */
export async function assignCart() {
  const cartToken = getCartToken();
  if (!cartToken || !getToken()) return ownership.clear();
  const payload = await mutate("CartCustomerSet", ownership.decide({ cartToken }));
  if (!isDecided(payload)) return undefined;
  if (payload.cart) storeCart(payload.cart);
  return ownership.clear();
}

/* Assigns the cart if an earlier request had no response. */
export async function resumeAssignment() {
  if (ownership.get()) await assignCart();
}

/* Forgets the cart and what was to be added to it. */
export function forgetCart() {
  ownership.clear();
  additions.clear();
  storeCart(null);
}

const additions = new IntentQueue("storefront additions", {
  prepare: (input) => ({ ...input, cartToken: getCartToken() }),
  async send({ key, input: { variantId, quantity, cartToken } }) {
    const input = { channelKey: CHANNEL, cartToken, lines: [{ variantId, quantity }] };
    const payload = await mutate("CartCreate", { key, input });
    if (!isDecided(payload)) throw new Error("There is no result yet.");
    if (payload.cart) storeCart(payload.cart);
    showMessage(describeResult(payload) || "Added to your cart.");
  },
});

/* Shows the number of units, with those that are still to be sent. */
export function showCount() {
  const units = additions.list().reduce((sum, { input }) => sum + input.quantity, 0);
  count.textContent = String(Number(localStorage.getItem(`${STORED} units`) ?? 0) + units);
}

export async function addToCart(variantId, quantity) {
  additions.add({ variantId, quantity });
  await sendAdditions();
}

export async function sendAdditions() {
  showCount();
  try {
    await additions.drain();
  } catch {
    showMessage("You seem to be offline. What you added is sent as soon as the connection is back.");
  }
  showCount();
}

/* Sends what was added without a connection, and shows it where the cart is open. */
async function sendAgain() {
  if (additions.list().length === 0) return;
  await sendAdditions();
  if (additions.list().length === 0 && location.pathname === "/storefront/cart") await show();
}

/* Sends again when the page opens, when the connection is back, and every few seconds. */
export function keepSending() {
  sendAgain();
  window.addEventListener("online", sendAgain);
  setInterval(sendAgain, 5_000);
}

async function changeQuantity(cart, lineId, quantity) {
  const given = { cartToken: cart.token, version: cart.version };
  const [name, input] =
    quantity > 0
      ? ["CartLinesUpdate", { ...given, lines: [{ lineId, quantity }] }]
      : ["CartLinesRemove", { ...given, lineIds: [lineId] }];
  showMessage(describeResult(await mutate(name, { key: crypto.randomUUID(), input })));
  await show();
}

function renderLine(cart, line) {
  const title = formatTitle(line.title);
  const field = element("input", { type: "number", required: true, min: 1, max: line.maxQuantity ?? 999, value: line.quantity });
  field.addEventListener("change", () => field.reportValidity() && changeQuantity(cart, line.id, Number(field.value)));
  const remove = element("button", { type: "button", onclick: () => changeQuantity(cart, line.id, 0) }, "Remove", hint(` ${title}`));
  const text = element(
    "div",
    { class: "line-text" },
    element("strong", {}, title),
    line.stockStatus !== "IN_STOCK" && element("p", { class: `stock ${line.stockStatus}` }, describeStock(line.stockStatus)),
    element("p", { class: "line-quantity" }, element("label", {}, hint(`Quantity of ${title}`), field), remove),
  );
  const each = line.unitPrice && line.quantity > 1 && element("p", {}, quiet(`${formatMoney(line.unitPrice)} each`));
  const price = element("div", { class: "line-price" }, line.total && element("strong", {}, formatMoney(line.total)), each);
  return element("li", { class: "line" }, picture(line.image), text, price);
}

export async function showCart(draw) {
  if (additions.list().length > 0) await sendAdditions();
  const token = getCartToken();
  const { cart } = token ? await query("Cart", { cartToken: token }) : { cart: null };
  if (cart?.status === "ORDERED" && (await showLostOrder(token))) return openPage("/storefront/order");
  storeCart(cart);
  const heading = element("h1", {}, "Cart");
  if (!cart || cart.status !== "ACTIVE" || cart.lines.length === 0) {
    return draw("Cart", heading, element("p", {}, "Your cart is empty."), element("a", { href: "/storefront/" }, "See all products"));
  }
  const lines = element("ul", { class: "plain lines" }, cart.lines.map((line) => renderLine(cart, line)));
  const [points, checkout] = await Promise.all([renderPoints(cart), renderCheckout(cart)]);
  return draw("Cart", heading, element("div", { class: "cart" }, lines, element("div", {}, points, checkout)));
}

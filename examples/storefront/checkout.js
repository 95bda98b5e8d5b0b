/* From a cart to an order: how the goods reach the customer, who they are, what they pay. */
import { getCartToken, storeCart } from "./cart.js";
import { element, labeled, quiet, runDisabled } from "./dom.js";
import { formatMoney, formatTime } from "./format.js";
import { mutate, query } from "./gateway.js";
import { Decision, isDecided } from "./intents.js";
import { describeResult, openPage, showMessage } from "./page.js";
import { getPoint } from "./shops.js";

const STORED = "storefront order";
const decision = new Decision("storefront order intent");

export function getOrderToken() {
  return localStorage.getItem(STORED);
}

function storeOrder(accessToken) {
  localStorage.setItem(STORED, accessToken);
  decision.clear();
  storeCart(null);
}

export function forgetOrder() {
  localStorage.removeItem(STORED);
  decision.clear();
}

/* Stores the order if an earlier request, whose response was lost, has placed it. */
export async function showLostOrder(cartToken) {
  const { cart } = await query("CartOrder", { cartToken });
  const accessToken = cart?.status === "ORDERED" ? cart.order?.accessToken : null;
  if (accessToken) storeOrder(accessToken);
  return Boolean(accessToken);
}

function isDelivered(option) {
  return option.parts.some((part) => part.method === "SHIPPING");
}

function renderOption(option, checked, choose) {
  const radio = element("input", { type: "radio", name: "option", value: option.token, required: true, checked, onchange: choose });
  const when = option.readyAt && quiet(isDelivered(option) ? " leaves " : " from ", formatTime(option.readyAt));
  return element("label", { class: "choice" }, radio, element("span", {}, `${option.label}, ${formatMoney(option.price)}`, when));
}

function renderField(label, name, attributes) {
  return labeled(label, element("input", { name, required: true, maxlength: 200, ...attributes }));
}

function renderContact() {
  return element(
    "fieldset",
    {},
    element("legend", {}, "Your details"),
    renderField("Name", "name", { autocomplete: "name" }),
    renderField("E-mail", "email", { type: "email", autocomplete: "email" }),
  );
}

function renderAddress() {
  return element(
    "fieldset",
    { id: "address" },
    element("legend", {}, "Address"),
    renderField("Street and number", "line1", { autocomplete: "address-line1" }),
    renderField("Postal code", "postalCode", { autocomplete: "postal-code" }),
    renderField("City", "city", { autocomplete: "address-level2" }),
  );
}

async function loadTotal(cart, option) {
  const { orderPreview } = await query("OrderPreview", { input: { cartToken: cart.token, fulfillmentOptionToken: option.token } });
  return orderPreview;
}

export async function renderCheckout(cart) {
  const { fulfillmentOptions } = await query("FulfillmentOptions", { cartToken: cart.token, near: getPoint() });
  const options = (fulfillmentOptions ?? []).filter((option) => option.uncovered.length === 0);
  if (options.length === 0) return element("p", {}, "We cannot deliver the whole cart. Please change it.");
  const submit = element("button", { id: "order", class: "main" });
  const total = element("dd", { id: "total" });
  const address = renderAddress();
  let chosen = options[0];
  const update = async () => {
    const delivered = isDelivered(chosen);
    address.hidden = address.disabled = !delivered;
    submit.textContent = delivered ? "Order and pay" : "Order, pay in the shop";
    const preview = await loadTotal(cart, chosen);
    total.textContent = preview ? formatMoney(preview.total) : "";
  };
  const choose = (option) => () => {
    chosen = option;
    return update();
  };
  const choices = options.map((option, position) => renderOption(option, position === 0, choose(option)));
  const send = (event) => {
    event.preventDefault();
    runDisabled(submit, () => placeOrder(cart, chosen, new FormData(event.target)));
  };
  await update();
  return element(
    "form",
    { class: "checkout", id: "checkout", onsubmit: send },
    element("fieldset", {}, element("legend", {}, "Delivery or pickup"), choices),
    renderContact(),
    address,
    element("dl", { class: "totals" }, element("div", { class: "total" }, element("dt", {}, "Total, including tax"), total)),
    submit,
  );
}

/* Builds what is ordered: what the customer sees. The gateway refuses the order if the total has changed since. */
async function buildChoice(cart, option, form) {
  const preview = await loadTotal(cart, option);
  const problem = preview ? describeResult(preview) : "The total cannot be computed at the moment.";
  if (problem) return showMessage(problem);
  const { amount, currencyCode } = preview.total;
  const { name, email, line1, postalCode, city } = Object.fromEntries(form);
  const delivered = isDelivered(option);
  return {
    cartToken: cart.token,
    cartVersion: cart.version,
    fulfillmentOptionToken: option.token,
    contact: { name, email },
    shippingAddress: delivered ? { name, line1, postalCode, city, countryCode: "GB" } : null,
    payments: [{ kind: delivered ? "PROVIDER" : "ON_COLLECTION", amount: { amount, currencyCode } }],
    expectedTotal: { amount, currencyCode },
  };
}

/* Places the order once. A choice that has changed is another order, and the former one is not sent again. */
async function placeOrder(cart, option, form) {
  try {
    if (decision.get() && (await showLostOrder(getCartToken()))) return openPage("/storefront/order");
    const choice = await buildChoice(cart, option, form);
    if (!choice) return undefined;
    const payload = await mutate("OrderPlace", decision.decide(choice));
    if (isDecided(payload)) decision.clear();
    if (!payload.order) return showMessage(describeResult(payload));
    storeOrder(payload.order.accessToken);
    return openPage("/storefront/order");
  } catch {
    return showMessage("The shop did not respond. Please try again: you will not be charged twice.");
  }
}

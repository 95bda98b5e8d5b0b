/* The order of this browser, read by its access token, and again every few seconds. */
import { getOrderToken } from "./checkout.js";
import { element } from "./dom.js";
import { describeProgress, formatMoney, formatTime, formatTitle } from "./format.js";
import { mutate, query } from "./gateway.js";
import { Decision, isDecided } from "./intents.js";
import { describeResult, show, showMessage } from "./page.js";
import { renderShop } from "./shops.js";

const POLL_SECONDS = 5;

function isUnpaid(order) {
  return ["UNPAID", "PENDING"].includes(order.paymentStatus);
}

/* An unpaid order has a deadline: when it passes, the order is canceled and its units are free again. */
function renderPayment(order) {
  if (["CANCELLING", "CANCELLED"].includes(order.status)) return ["Canceled"];
  const amount = `${isUnpaid(order) ? "To pay" : "Total"}: ${formatMoney(order.total)}`;
  return isUnpaid(order) && order.payBy ? [`${amount}, by `, formatTime(order.payBy)] : [amount];
}

function renderPart(part) {
  const pickup = part.method === "PICKUP";
  return element(
    "section",
    { class: "part", "aria-label": pickup ? "Pickup" : "Delivery" },
    element("p", {}, element("strong", { class: "progress" }, describeProgress(part.status))),
    pickup && part.location && renderShop(part.location, null),
    part.pickupCode && element("p", {}, "Your pickup code: ", element("strong", { class: "code" }, part.pickupCode)),
    part.tracking.map(({ carrier, number, url }) =>
      element("p", {}, `${carrier ?? ""} `, url ? element("a", { href: url }, number) : number),
    ),
  );
}

function renderLines(order) {
  const row = (cells, kind) => element("tr", {}, cells.map((cell) => element(kind, kind === "th" ? { scope: "col" } : {}, cell)));
  const lines = (order.lines?.nodes ?? []).map((line) => [formatTitle(line.title), String(line.quantity), formatMoney(line.total)]);
  return element(
    "table",
    {},
    element("thead", {}, row(["Item", "Quantity", "Total"], "th")),
    element("tbody", {}, lines.map((cells) => row(cells, "td"))),
  );
}

function renderEvents(order) {
  const events = (order.events?.nodes ?? []).map((event) => element("li", {}, formatTime(event.occurredAt), ` ${event.message}`));
  return element("ol", { class: "plain events" }, events);
}

function renderCancel({ id: orderId, version }, orderAccessToken) {
  const decision = new Decision(`storefront cancel ${orderId}`);
  const cancel = async () => {
    const payload = await mutate("OrderCancel", decision.decide({ orderId, version, orderAccessToken }));
    if (isDecided(payload)) decision.clear();
    showMessage(describeResult(payload));
    await show();
  };
  return element("button", { type: "button", id: "cancel", onclick: () => cancel().catch((error) => showMessage(error.message)) }, "Cancel order");
}

function renderOrder(order, accessToken) {
  const cancelable = isUnpaid(order) && ["PENDING", "OPEN"].includes(order.status);
  return [
    element("h1", {}, `Order ${order.number}`),
    element("p", { id: "payment", class: "price" }, renderPayment(order)),
    ...(order.fulfillments ?? []).map(renderPart),
    renderLines(order),
    element("h2", {}, "History"),
    renderEvents(order),
    ...(cancelable ? [renderCancel(order, accessToken)] : []),
  ];
}

export async function showOrder(draw) {
  const accessToken = getOrderToken();
  const load = async () => (accessToken ? (await query("Order", { accessToken })).order : null);
  const order = await load();
  if (!order) return draw("Order", element("h1", {}, "There is no order in this browser."));
  const refresh = async () => {
    const next = await load().catch(() => null); // without a connection the page stays as it is
    if (next && next.version === order.version) return setTimeout(refresh, POLL_SECONDS * 1000);
    return draw.isShown() && (next ? show() : setTimeout(refresh, POLL_SECONDS * 1000));
  };
  setTimeout(refresh, POLL_SECONDS * 1000);
  return draw(`Order ${order.number}`, ...renderOrder(order, accessToken));
}

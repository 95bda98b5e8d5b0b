/* The orders of a customer, in whatever channel: receipts of the shops beside orders of the web store. */
import { element, quiet } from "./dom.js";
import { formatDate, formatMoney, formatTitle } from "./format.js";
import { query } from "./gateway.js";
import { show, showMessage } from "./page.js";

const COLUMNS = ["Order", "Bought in", "On", "Total"];

function describeLines(order) {
  return (order.lines?.nodes ?? []).map((line) => formatTitle(line.title)).join(", ");
}

function renderPurchase(order) {
  const place = [order.channel?.name, order.location?.name].filter(Boolean).join(", ");
  const cells = [
    [order.number, element("div", {}, quiet(describeLines(order)))],
    place,
    formatDate(order.placedAt),
    formatMoney(order.total),
  ];
  return element("tr", { class: "purchase" }, cells.map((cell) => element("td", {}, ...[cell].flat())));
}

async function loadMore({ endCursor }) {
  const { me } = await query("MyOrders", { after: endCursor });
  return me?.orders ?? null;
}

function renderMore(body, pageInfo) {
  const load = async () => {
    const orders = await loadMore(pageInfo);
    if (!orders) return show(); // the login has expired
    body.append(...orders.nodes.map(renderPurchase));
    return button.replaceWith(...renderMore(body, orders.pageInfo));
  };
  const button = element("button", { type: "button", class: "more", onclick: () => load().catch((error) => showMessage(error.message)) }, "Show earlier orders");
  return pageInfo.hasNextPage ? [button] : [];
}

export function renderPurchases(orders) {
  if (!orders || orders.nodes.length === 0) return element("p", {}, "There are no orders yet.");
  const head = element("tr", {}, COLUMNS.map((title) => element("th", { scope: "col" }, title)));
  const body = element("tbody", {}, orders.nodes.map(renderPurchase));
  return element("div", {}, element("table", {}, element("thead", {}, head), body), renderMore(body, orders.pageInfo));
}

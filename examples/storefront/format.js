/* Texts for values. The schema may add values to enums: each table has a text for those that it does not know. */
import { element, hint, quiet } from "./dom.js";

const STOCK_LABELS = {
  IN_STOCK: "In stock",
  LOW_STOCK: "Only a few left",
  OUT_OF_STOCK: "Sold out",
  BACKORDER: "Available to order",
  NOT_TRACKED: "In stock",
};
const PROGRESS_LABELS = {
  PENDING: "We are checking your order",
  ACCEPTED: "Being prepared",
  READY_FOR_PICKUP: "Ready to collect",
  IN_TRANSIT: "On its way",
  OUT_FOR_DELIVERY: "Arrives today",
  DELIVERED: "Delivered",
  COLLECTED: "Collected",
  CANCELLED: "Canceled",
};

export function describeProgress(status) {
  return PROGRESS_LABELS[status] ?? "In progress";
}

export function describeStock(status) {
  return STOCK_LABELS[status] ?? "Ask in store";
}

/* Formats an amount. Amounts are decimal strings, because floats would lose precision. */
export function formatMoney(value) {
  return new Intl.NumberFormat("en-GB", { style: "currency", currency: value.currencyCode }).format(value.amount);
}

/* Shows a price, and the one before a reduction. */
export function renderPrice(price, earlier = null, from = false) {
  if (!price) return element("p", { class: "price" }, "Not sold online");
  const reduced = earlier && Number(earlier.amount) > Number(price.amount);
  return element(
    "p",
    { class: "price" },
    from && quiet("from "),
    reduced && hint("Now "),
    element("span", { class: reduced ? "reduced" : "" }, formatMoney(price)),
    reduced && element("s", { class: "muted" }, hint(", before "), formatMoney(earlier)),
  );
}

export function formatTime(instant) {
  const text = new Date(instant).toLocaleString("en-GB", { weekday: "short", hour: "2-digit", minute: "2-digit" });
  return element("time", { datetime: instant }, text);
}

export function formatDate(instant) {
  const text = new Date(instant).toLocaleDateString("en-GB", { dateStyle: "medium" });
  return element("time", { datetime: instant }, text);
}

export function formatDistance(km) {
  if (km === null || km === undefined) return "";
  return km < 10 ? `${km.toFixed(1)} km` : `${Math.round(km)} km`;
}

/* Describes when a shop is open, by the days that the gateway has computed, in the shop's time zone. */
export function describeOpening({ openingDays, timeZone }, now = Date.now()) {
  const periods = (openingDays ?? []).flatMap((day) => day.periods);
  const next = periods.find((period) => Date.parse(period.closesAt) > now);
  if (!next) return "";
  const format = (instant, style) => new Date(instant).toLocaleString("en-GB", { timeZone, ...style });
  const clock = (instant) => format(instant, { hour: "2-digit", minute: "2-digit" });
  if (Date.parse(next.opensAt) <= now) return `Open until ${clock(next.closesAt)}`;
  return `Opens ${format(next.opensAt, { weekday: "long" })} ${clock(next.opensAt)}`;
}

/* The titles of the demo's data are in capitals. */
export function formatTitle(title) {
  return title === title.toUpperCase() ? title.charAt(0) + title.slice(1).toLowerCase() : title;
}

// Texts for values. Enums can get new values: each has a text for those that this program does not know.
import type { OpeningDayFragment, StockStatus } from "../generated/graphql";

export function describeStock(status: StockStatus | undefined): string {
  switch (status) {
    case "IN_STOCK":
    case "NOT_TRACKED":
      return "In stock";
    case "LOW_STOCK":
      return "Only a few left";
    case "OUT_OF_STOCK":
      return "Sold out";
    case "BACKORDER":
      return "Available to order";
    default:
      return "Ask in store";
  }
}

export function describeFulfillment(status: string): string {
  const texts: Record<string, string> = {
    PENDING: "We are checking your order",
    ACCEPTED: "Being prepared",
    READY_FOR_PICKUP: "Ready to collect",
    IN_TRANSIT: "On its way",
    OUT_FOR_DELIVERY: "Arrives today",
    DELIVERED: "Delivered",
    COLLECTED: "Collected",
    CANCELLED: "Canceled",
    FAILED: "Could not be delivered",
  };
  return texts[status] ?? "In progress";
}

export function formatTime(instant: string): string {
  return new Date(instant).toLocaleString("en-GB", { weekday: "short", hour: "2-digit", minute: "2-digit" });
}

export function formatDistance(km: number | null | undefined): string {
  if (km === null || km === undefined) return "";
  return km < 10 ? `${km.toFixed(1)} km` : `${Math.round(km)} km`;
}

/** Describes when a shop is open, by the days that the gateway has computed. Times are shown in the shop's zone. */
export function describeOpening(days: readonly OpeningDayFragment[], timeZone: string, now = Date.now()): string {
  const periods = days.flatMap((day) => day.periods);
  const next = periods.find((period) => Date.parse(period.closesAt) > now);
  if (!next) return "";
  const clock = (instant: string) =>
    new Date(instant).toLocaleTimeString("en-GB", { timeZone, hour: "2-digit", minute: "2-digit" });
  if (Date.parse(next.opensAt) <= now) return `Open until ${clock(next.closesAt)}`;
  const day = new Date(next.opensAt).toLocaleDateString("en-GB", { timeZone, weekday: "long" });
  return `Opens ${day} ${clock(next.opensAt)}`;
}

/** Normalizes the words of a title in capitals, as they are in the data of the demo. */
export function formatTitle(title: string): string {
  return title === title.toUpperCase() ? title.charAt(0) + title.slice(1).toLowerCase() : title;
}

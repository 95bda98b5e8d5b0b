/* The page: which view its URL shows, its title, its message. */
import { GatewayError } from "./gateway.js";

export const CHANNEL = "web"; // the channel of this page: its prices, its carts
export const LOCALE = "en-GB";

const MESSAGES = {
  OUT_OF_STOCK: "This item has just sold out.",
  INSUFFICIENT_STOCK: "There are fewer units left than you want to order.",
  PRICE_CHANGED: "A price has changed. Please check your cart.",
  TOTAL_CHANGED: "The total has changed. Please check your cart.",
  OPTION_EXPIRED: "This option has expired. Please choose again.",
  CART_EXPIRED: "This cart has expired.",
  CONFLICT: "The cart was changed in another window. Please check it.",
  CHANNEL_UNAVAILABLE: "The shop cannot be reached at the moment. Please try again.",
  IN_PROGRESS: "Your request is being processed. Please try again in a moment.",
};

const view = document.getElementById("view");
const message = document.getElementById("message");
let views = {};
let renderCount = 0;

export function showMessage(text) {
  message.textContent = text;
}

/* Returns the errors and warnings of a mutation as a text; empty: it was applied as requested. */
export function describeResult({ userErrors, warnings }) {
  const errors = userErrors.map((error) => MESSAGES[error.code] ?? error.message);
  return [...errors, ...(warnings ?? []).map((warning) => warning.message)].join(" ");
}

function describeFailure(error) {
  if (!(error instanceof GatewayError)) return error.message;
  return error.requestId ? `${error.message} (${error.code}, ${error.requestId})` : `${error.message} (${error.code})`;
}

function findView({ pathname, searchParams }) {
  const [, name, rest] = pathname.match(/^\/storefront\/([^/]*)\/?(.*)$/) ?? [];
  return (draw) => (views[name] ?? views[""])(draw, searchParams, decodeURIComponent(rest ?? ""));
}

/* Renders the view of the URL, unless another view was opened meanwhile. `onDrawn` runs when it is there: what it loads
   afterwards may take long. */
export async function show(onDrawn = () => {}) {
  const requested = (renderCount += 1);
  const draw = (title, ...content) => {
    if (requested !== renderCount) return;
    document.title = `${title} · Mill & Market`;
    view.replaceChildren(...content);
    onDrawn();
  };
  draw.isShown = () => requested === renderCount;
  try {
    await findView(new URL(location.href))(draw);
  } catch (error) {
    if (draw.isShown()) showMessage(describeFailure(error));
  }
}

/* Opens another page of the storefront. The focus moves to it, so that a screen reader begins there. */
export async function openPage(url) {
  history.pushState(null, "", url);
  await show(() => {
    window.scrollTo(0, 0);
    view.focus({ preventScroll: true });
  });
}

function followLink(event) {
  const link = event.target.closest("a[href^='/storefront/']");
  if (!link || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  showMessage("");
  openPage(link.getAttribute("href"));
}

/* Shows the view of the URL, and those of links and of the history. */
export async function openPages(given) {
  views = given;
  document.addEventListener("click", followLink);
  window.addEventListener("popstate", () => show());
  await show();
}

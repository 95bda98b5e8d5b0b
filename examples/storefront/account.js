/* The account of the customer who has logged in: orders of all channels, points, consents, their own data. */
import { forgetCart } from "./cart.js";
import { forgetOrder } from "./checkout.js";
import { renderConsents } from "./consents.js";
import { element } from "./dom.js";
import { query } from "./gateway.js";
import { renderLoginButton } from "./login.js";
import { openPage, show, showMessage } from "./page.js";
import { describeBalance } from "./points.js";
import { forgetDataRequests, renderErased, renderOwnData } from "./privacy.js";
import { renderPurchases } from "./purchases.js";
import { dropToken, getToken } from "./token.js";

const POLL_SECONDS = 1;
const MAX_POLLS = 10;

/* Shows the orders once they are there: after the first login, the gateway takes a moment to find what is proved to be the
   customer's. */
function awaitOrders(draw, count = 0) {
  const refresh = async () => {
    const { me } = draw.isShown() ? await query("Me", {}).catch(() => ({ me: null })) : { me: null };
    if (me?.orders?.nodes.length) return draw.isShown() && show();
    return awaitOrders(draw, count + 1);
  };
  if (count < MAX_POLLS && draw.isShown()) setTimeout(refresh, POLL_SECONDS * 1000);
}

/* Forgets what the next person at this browser must not see. The cart stays the customer's own. */
function forgetCustomer() {
  dropToken();
  forgetCart();
  forgetOrder();
  forgetDataRequests();
}

async function logOut() {
  forgetCustomer();
  await openPage("/storefront/");
}

/* Shows what an erase does, and logs out. If the login has ended before the erase, it shows the account. */
function showErased(draw, request) {
  if (Date.parse(request.executesAt) > Date.now()) return show();
  forgetCustomer();
  showMessage("");
  return draw("Account", ...renderErased(request));
}

function renderLogin() {
  const text = element("p", {}, "Log in to see your orders, in the shops as well, your points and your consents.");
  return [element("h1", {}, "Account"), text, renderLoginButton()];
}

export async function showAccount(draw) {
  const { me } = getToken() ? await query("Me", {}) : { me: null };
  if (!me) return draw("Account", ...renderLogin());
  if (!me.orders?.nodes.length) awaitOrders(draw);
  return draw(
    "Account",
    element("h1", {}, me.displayName ?? "Your account"),
    me.loyalty && element("p", { id: "points" }, describeBalance(me.loyalty)),
    element("h2", {}, "Orders"),
    renderPurchases(me.orders),
    element("h2", {}, "Consents"),
    renderConsents(me.consents ?? []),
    renderOwnData(draw, (request) => showErased(draw, request)),
    element("button", { type: "button", id: "log-out", onclick: logOut }, "Log out"),
  );
}

/* A storefront without a framework: products of the web store, stock of the shops, a cart, delivery and pickup. */
import { showAccount } from "./account.js";
import { keepSending, resumeAssignment, showCart, showCount } from "./cart.js";
import { showProducts } from "./catalog.js";
import { showNavigation } from "./collections.js";
import { showLogin, startLogin } from "./login.js";
import { showOrder } from "./order.js";
import { openPage, openPages, show, showMessage } from "./page.js";
import { showProduct } from "./product.js";
import { openShops } from "./shops.js";
import { getToken, LOGIN_EXPIRED, showAccountLink } from "./token.js";

const search = document.getElementById("search");

showCount();
showAccountLink();
document.getElementById("account").addEventListener("click", (event) => {
  if (getToken()) return;
  event.preventDefault();
  startLogin().catch((error) => showMessage(error.message));
});
document.addEventListener(LOGIN_EXPIRED, () => showMessage("Your login has expired. Please log in again."));
search.elements.text.value = new URL(location.href).searchParams.get("q") ?? "";
search.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = search.elements.text.value.trim();
  openPage(text ? `/storefront/?${new URLSearchParams({ q: text })}` : "/storefront/");
});

await Promise.all([
  openPages({ "": showProducts, products: showProduct, cart: showCart, order: showOrder, login: showLogin, account: showAccount }),
  openShops(show).catch((error) => showMessage(error.message)),
  showNavigation(document.getElementById("collections")).catch((error) => showMessage(error.message)),
]);
resumeAssignment().catch(() => undefined); // the next page sends it again
keepSending();

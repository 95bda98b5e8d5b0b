/* A storefront without a framework: products of the web store, stock of the shops, a cart, delivery and pickup. */
import { keepSending, showCart, showCount } from "./cart.js";
import { showProducts } from "./catalog.js";
import { showNavigation } from "./collections.js";
import { showOrder } from "./order.js";
import { openPage, openPages, show, showMessage } from "./page.js";
import { showProduct } from "./product.js";
import { openShops } from "./shops.js";

const search = document.getElementById("search");

showCount();
search.elements.text.value = new URL(location.href).searchParams.get("q") ?? "";
search.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = search.elements.text.value.trim();
  openPage(text ? `/storefront/?${new URLSearchParams({ q: text })}` : "/storefront/");
});

await Promise.all([
  openPages({ "": showProducts, products: showProduct, cart: showCart, order: showOrder }),
  openShops(show).catch((error) => showMessage(error.message)),
  showNavigation(document.getElementById("collections")).catch((error) => showMessage(error.message)),
]);
keepSending();

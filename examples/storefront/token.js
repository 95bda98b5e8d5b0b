/* The token of the customer who has logged in: in this window only, sent as a header, and never part of a URL. */

const STORED = "storefront login";
export const LOGIN_EXPIRED = "login expired";

export function getToken() {
  return sessionStorage.getItem(STORED);
}

export function storeToken(token) {
  sessionStorage.setItem(STORED, token);
  showAccountLink();
}

export function dropToken() {
  sessionStorage.removeItem(STORED);
  showAccountLink();
}

/* Drops a token that the gateway has refused, unless the customer has logged in again meanwhile. */
export function expireToken(token) {
  if (token !== getToken()) return;
  dropToken();
  document.dispatchEvent(new Event(LOGIN_EXPIRED));
}

/* Shows in the header whether a customer is logged in. */
export function showAccountLink() {
  const link = document.getElementById("account");
  link.textContent = getToken() ? "Account" : "Log in";
  link.setAttribute("href", getToken() ? "/storefront/account" : "/storefront/login");
}

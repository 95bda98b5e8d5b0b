/* The shop that the customer has picked, and where they are. */
import { element, hint, quiet } from "./dom.js";
import { describeOpening, formatDistance } from "./format.js";
import { query } from "./gateway.js";

const STORED = "storefront shop";
const button = document.getElementById("shop");
let shops = [];
let position = null;
let onChange = () => undefined;

function readChoice() {
  return JSON.parse(localStorage.getItem(STORED) ?? "null");
}

/* Returns where availability is looked for: the position, or that of the shop that was picked. It is known before the
   shops are loaded, so the list does not wait for them. */
export function getPoint() {
  return position ?? readChoice()?.point ?? null;
}

export function isPicked(key) {
  return (readChoice()?.key ?? shops[0]?.node.key) === key;
}

/* Rounds coordinates to two decimals (about a kilometer), for caching and privacy. */
function roundPoint({ latitude, longitude }) {
  return { latitude: Number(latitude.toFixed(2)), longitude: Number(longitude.toFixed(2)) };
}

export function renderShop(shop, distanceKm) {
  const address = [shop.address?.line1, shop.address?.postalCode, shop.address?.city].filter(Boolean).join(", ");
  return element(
    "div",
    {},
    element("strong", {}, shop.name),
    " ",
    quiet(formatDistance(distanceKm)),
    element("div", { class: "muted" }, address),
    element("time", { class: "muted" }, describeOpening(shop)),
  );
}

function pick(shop) {
  localStorage.setItem(STORED, JSON.stringify({ key: shop.key, name: shop.name, point: shop.point && roundPoint(shop.point) }));
  document.getElementById("shops").close();
  showChoice();
  onChange();
}

function showChoice() {
  const name = readChoice()?.name ?? shops[0]?.node.name ?? "Choose a shop";
  button.replaceChildren(hint("Your shop: "), name);
}

function renderChoice({ node, distanceKm }) {
  const picked = isPicked(node.key);
  const choose = element(
    "button",
    { type: "button", "aria-pressed": String(picked), onclick: () => pick(node) },
    picked ? "Your shop" : "Choose",
    hint(` ${node.name}`),
  );
  return element("li", { class: "shop" }, renderShop(node, distanceKm), choose);
}

function showShops() {
  document.querySelector("#shops ul").replaceChildren(...shops.map(renderChoice));
  showChoice();
}

async function loadShops() {
  const { locations } = await query("Stores", { near: position });
  shops = locations?.edges ?? [];
  showShops();
}

function locate() {
  const problem = document.querySelector("#shops [role=status]");
  navigator.geolocation.getCurrentPosition(
    async ({ coords }) => {
      position = roundPoint(coords);
      await loadShops();
      onChange();
    },
    () => (problem.textContent = "Your position is not available. Please choose a shop."),
    { maximumAge: 600_000, timeout: 10_000 },
  );
}

/* Loads the shops. `change` is called when another one is picked. */
export async function openShops(change) {
  onChange = change;
  showChoice();
  const dialog = document.getElementById("shops");
  button.addEventListener("click", () => {
    showShops();
    dialog.showModal();
  });
  document.getElementById("locate").addEventListener("click", locate);
  document.getElementById("close-shops").addEventListener("click", () => dialog.close());
  await loadShops();
}

"use strict";

const QUERY = `query ($search: String!) {
  channels { key name health { status lastSuccessAt fault { code } } }
  products(first: 3, search: $search) { nodes { title variants(first: 12) { nodes {
    id sku title
    listings { channel { key name } externalId title unitsPerListing price { amount currencyCode } }
    tillTax: priceIncludesTax(channelKey: "till") webTax: priceIncludesTax(channelKey: "web")
    amazonTax: priceIncludesTax(channelKey: "amazon")
    till: stock(channelKey: "till") { ...counted }
    web: stock(channelKey: "web") { ...counted }
    amazon: stock(channelKey: "amazon") { ...counted }
  } } } }
}
fragment counted on Stock {
  levels { nodes { location { key name } onHand available } }
  sources { channel { key } state asOf }
}`;

const MODES = ["ok", "down", "hang", "slow", "error", "throttle", "garbage", "half", "auth"];
let searchText = "22423";
let world = {};
const previousCounts = new Map();

function createElement(name, text, attributes = {}) {
  const created = document.createElement(name);
  created.textContent = text ?? "";
  for (const [key, value] of Object.entries(attributes)) created.setAttribute(key, value);
  return created;
}

function showStatus(text) {
  document.getElementById("status").textContent = text;
}

/* Returns the child with this key, and creates it once, because replacing it every second would interrupt input. */
function getOrCreateChild(parent, key, make) {
  const found = [...parent.children].find((one) => one.dataset.key === key);
  if (found) return found;
  const created = make();
  created.dataset.key = key;
  return parent.appendChild(created);
}

/* Removes other children. Those that stay keep their order, so that no row jumps away under the pointer. */
function removeOthers(parent, keys) {
  for (const one of [...parent.children]) if (!keys.includes(one.dataset.key)) one.remove();
}

function setText(cell, text) {
  if (cell.textContent !== text) cell.textContent = text;
}

function formatAge(instant) {
  if (!instant) return "never";
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(instant)) / 1000));
  return seconds < 120 ? `${seconds} s ago` : `${Math.round(seconds / 60)} min ago`;
}

async function postAction(channel, action, body) {
  showStatus(`${channel}: ${action} …`);
  const response = await fetch(`/world/${channel}/${action}`, { method: "POST", body: JSON.stringify(body) });
  const result = await response.json();
  showStatus(response.ok ? `${channel}: ${action} ${JSON.stringify(body)}` : result.error);
}

function createFaultCell(channel) {
  const cell = createElement("td");
  const modes = createElement("select", "", { "aria-label": `Fault of ${channel}` });
  for (const mode of MODES) modes.append(createElement("option", mode, { value: mode }));
  modes.addEventListener("change", () => postAction(channel, "fault", { mode: modes.value }));
  cell.append(modes);
  return cell;
}

function createIntervalCell(channel) {
  const feeds = Object.entries(world[channel]?.every ?? {}).map(([feed, every]) => `${feed} ${every}`);
  return createElement("td", feeds.join(", "));
}

function createChannelRow(channel) {
  const row = createElement("tr", "", { id: `channel-${channel.key}` });
  row.append(
    createElement("td", channel.name),
    createElement("td"),
    createElement("td"),
    createElement("td"),
    createIntervalCell(channel.key),
  );
  row.append(createFaultCell(channel.key));
  return row;
}

function showChannels(channels, sources) {
  const body = document.querySelector("#channels tbody");
  for (const channel of channels) {
    const row = getOrCreateChild(body, channel.key, () => createChannelRow(channel));
    const { status, lastSuccessAt, fault } = channel.health ?? { status: "UNKNOWN" };
    const source = sources.get(channel.key);
    setText(row.cells[1], fault && status !== "HEALTHY" ? `${status} (${fault.code})` : status);
    row.cells[1].className = status;
    setText(row.cells[2], formatAge(lastSuccessAt));
    setText(
      row.cells[3],
      source ? `${formatAge(source.asOf)}${source.state === "FRESH" ? "" : `, ${source.state}`}` : "",
    );
    row.cells[3].className = source && source.state !== "FRESH" ? "stale" : "";
  }
}

function collectStock(variant) {
  const levels = new Map();
  const sources = new Map();
  for (const view of [variant.till, variant.web, variant.amazon]) {
    for (const level of view?.levels?.nodes ?? []) levels.set(level.location.key, level);
    for (const source of view?.sources ?? []) sources.set(source.channel.key, source);
  }
  return { levels, sources };
}

/* Returns the SKU in the channel's sandbox: on Amazon, where it may differ, it is the external id. */
function getSku(variant, channel) {
  const listed = variant.listings.find((listing) => listing.channel.key === channel);
  return listed && (channel === "amazon" ? listed.externalId : variant.sku);
}

function createButton(text, action, attributes = {}) {
  const created = createElement("button", text, { type: "button", ...attributes });
  created.addEventListener("click", action);
  return created;
}

/* Creates a form with one field and an action for its value. */
function createForm(what, verb, action, attributes) {
  const form = createElement("form");
  const field = createElement("input", "", { "aria-label": what, placeholder: what, required: "", ...attributes });
  form.append(field, createElement("button", verb));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    action(field.value);
    form.reset();
  });
  return form;
}

function createActionsCell(channel, sku) {
  const cell = createElement("td");
  if (!sku) return cell;
  const actions = createElement("div", "", { class: "play", "data-play": channel });
  actions.append(
    createForm("net price", "set", (amount) => postAction(channel, "price", { sku, amount }), { size: 13 }),
    createForm("title", "rename", (title) => postAction(channel, "product", { sku, title }), {
      size: 13,
      maxlength: 200,
    }),
    createButton("delete", () => postAction(channel, "product", { sku, deleted: true })),
  );
  cell.append(actions);
  return cell;
}

function createOfferRow(variant, { channel }) {
  const row = createElement("tr");
  row.append(
    createElement("td", channel.name),
    createElement("td"),
    createElement("td", "", { class: "number" }),
    createElement("td"),
  );
  row.append(createActionsCell(channel.key, getSku(variant, channel.key)));
  return row;
}

function formatPrice(listing) {
  if (!listing.price) return "no price";
  return `${listing.price.amount} ${listing.price.currencyCode}`;
}

function formatTax(variant, listing) {
  const tax = variant[`${listing.channel.key}Tax`] ? "with tax" : "before tax";
  return listing.unitsPerListing > 1 ? `${tax}, for ${listing.unitsPerListing} units` : tax;
}

/* Returns the listings in an order that does not depend on what changes. */
function sortListings(variant) {
  const keys = Object.keys(world);
  const rank = (one) => `${keys.indexOf(one.channel.key)} ${one.externalId}`;
  return [...variant.listings].sort((one, other) => (rank(one) < rank(other) ? -1 : 1));
}

function showOffers(body, variant) {
  const listings = sortListings(variant);
  for (const listing of listings) {
    const row = getOrCreateChild(body, listing.channel.key + listing.externalId, () =>
      createOfferRow(variant, listing),
    );
    setText(row.cells[1], listing.title || variant.title);
    setText(row.cells[2], formatPrice(listing));
    setText(row.cells[3], formatTax(variant, listing));
  }
  removeOthers(
    body,
    listings.map((listing) => listing.channel.key + listing.externalId),
  );
}

function canSell(channel, location, levels) {
  if (!world[channel].locations.includes(location) || levels.get(location).onHand === null) return false;
  return channel !== "amazon" || location === "amazon-fba" || (levels.get("amazon-fba")?.onHand ?? null) === null;
}

function createLevelRow(variant, level, channels) {
  const location = level.location.key;
  const row = createElement("tr", "", { "data-location": location });
  const cell = createElement("td");
  for (const channel of channels) {
    const sell = () => postAction(channel, "sell", { sku: getSku(variant, channel), quantity: 1, location });
    cell.append(createButton(`sell 1: ${channel}`, sell, { "data-sell": `${channel} ${location}` }), " ");
  }
  row.append(createElement("td", level.location.name));
  row.append(createElement("td", "", { class: "number" }), createElement("td", "", { class: "number" }), cell);
  return row;
}

function showLevels(body, variant, levels) {
  const keys = [];
  for (const [location, level] of [...levels].sort(([one], [other]) => (one < other ? 1 : -1))) {
    const channels = Object.keys(world).filter((one) => getSku(variant, one) && canSell(one, location, levels));
    keys.push([location, ...channels].join(" "));
    const row = getOrCreateChild(body, keys.at(-1), () => createLevelRow(variant, level, channels));
    const key = `${variant.id} ${location}`;
    if (previousCounts.has(key) && previousCounts.get(key) !== level.onHand) {
      row.cells[1].classList.add("moved");
      setTimeout(() => row.cells[1].classList.remove("moved"), 2000);
    }
    previousCounts.set(key, level.onHand);
    setText(row.cells[1], String(level.onHand ?? "not tracked"));
    setText(row.cells[2], String(level.available ?? "unknown"));
  }
  removeOthers(body, keys);
}

function createTable(label, titles) {
  const frame = createElement("div", "", { class: "wide", role: "region", "aria-label": label, tabindex: "0" });
  const table = createElement("table");
  const columns = table.appendChild(createElement("colgroup"));
  const head = table.createTHead().insertRow();
  for (const [title, width] of titles) {
    columns.append(createElement("col", "", width ? { class: width } : {}));
    const kind = ["count", "price"].includes(width) ? { class: "number" } : {};
    head.append(createElement("th", title, { scope: "col", ...kind }));
  }
  table.createTBody();
  frame.append(table);
  return frame;
}

function createVariantSection() {
  const section = createElement("section");
  const offers = [["Channel", "name"], ["Title"], ["Price", "price"], ["Tax", "age"], ["Actions", "actions"]];
  const levels = [["Location", "name"], ["On hand", "count"], ["Available", "count"], ["Actions"]];
  section.append(createElement("h3"), createTable("Listings", offers), createTable("Stock", levels));
  return section;
}

function showVariant(section, product, variant, levels) {
  const title = variant.title && variant.title !== product.title ? `${product.title}: ${variant.title}` : product.title;
  const [offers, counts] = section.querySelectorAll("tbody");
  setText(section.querySelector("h3"), `${title} (${variant.sku ?? "no SKU"})`);
  showOffers(offers, variant);
  showLevels(counts, variant, levels);
}

function showProducts(products) {
  const shown = document.getElementById("variants");
  const sources = new Map();
  const ids = [];
  for (const product of products) {
    for (const variant of product.variants.nodes) {
      const found = collectStock(variant);
      for (const [key, source] of found.sources) sources.set(key, source);
      showVariant(getOrCreateChild(shown, variant.id, createVariantSection), product, variant, found.levels);
      ids.push(variant.id);
    }
  }
  removeOthers(shown, ids);
  document.getElementById("nothing").hidden = ids.length > 0;
  return sources;
}

async function refresh() {
  const body = JSON.stringify({ query: QUERY, variables: { search: searchText } });
  const response = await fetch("/graphql", { method: "POST", headers: { "content-type": "application/json" }, body });
  const { data, errors } = await response.json();
  if (!data) return showStatus(errors.map((error) => error.message).join(" "));
  showChannels(data.channels, showProducts(data.products.nodes));
}

async function keepFresh() {
  try {
    await refresh();
  } catch (error) {
    showStatus(`The gateway does not respond: ${error.message}`);
  }
  setTimeout(keepFresh, 1000);
}

document.getElementById("search").addEventListener("submit", (event) => {
  event.preventDefault();
  searchText = event.target.elements.text.value.trim() || searchText;
  document.getElementById("variants").replaceChildren();
  refresh();
});

async function start() {
  world = await (await fetch("/world")).json();
  keepFresh();
}

start();

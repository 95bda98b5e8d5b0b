"use strict";

const QUERY = `query ($search: String!) {
  channels { key name health { status lastSuccessAt fault { code } } }
  products(first: 3, search: $search) { nodes { title variants(first: 12) { nodes {
    sku title
    listings { channel { key } title unitsPerListing price { amount currencyCode } }
    till: stock(channelKey: "till") { ...counted }
    web: stock(channelKey: "web") { ...counted }
    amazon: stock(channelKey: "amazon") { ...counted }
  } } } }
}
fragment counted on Stock {
  levels { nodes { location { key name } onHand available } }
  sources { channel { key } state asOf }
}`;

const MODES = ["ok", "down", "hang", "slow", "error", "throttle", "garbage", "half"];
let searched = "22423";
let world = {};
const known = new Map();

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  made.textContent = text ?? "";
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function say(text) {
  document.getElementById("said").textContent = text;
}

function ago(instant) {
  if (!instant) return "never";
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(instant)) / 1000));
  return seconds < 120 ? `${seconds} s ago` : `${Math.round(seconds / 60)} min ago`;
}

async function play(channel, action, body) {
  const answer = await fetch(`/world/${channel}/${action}`, { method: "POST", body: JSON.stringify(body) });
  const said = await answer.json();
  say(answer.ok ? `${channel}: ${action} ${JSON.stringify(body)}` : said.error);
}

function breaking(channel) {
  const cell = element("td");
  const modes = element("select", "", { "aria-label": `How ${channel} is broken` });
  for (const mode of MODES) modes.append(element("option", mode, { value: mode }));
  modes.addEventListener("change", () => play(channel, "fault", { mode: modes.value }));
  cell.append(modes);
  return cell;
}

function often(channel) {
  const feeds = Object.entries(world[channel]?.every ?? {}).map(([feed, every]) => `${feed} ${every}`);
  return element("td", feeds.join(", "));
}

function channelRow(channel) {
  const row = element("tr", "", { id: `channel-${channel.key}` });
  row.append(element("td", channel.name), element("td"), element("td"), element("td"), often(channel.key));
  row.append(breaking(channel.key));
  return row;
}

function showChannels(channels, sources) {
  const body = document.querySelector("#channels tbody");
  for (const channel of channels) {
    let row = document.getElementById(`channel-${channel.key}`);
    if (!row) body.append((row = channelRow(channel)));
    const { status, lastSuccessAt, fault } = channel.health ?? { status: "UNKNOWN" };
    const source = sources.get(channel.key);
    row.cells[1].textContent = fault && status !== "HEALTHY" ? `${status} (${fault.code})` : status;
    row.cells[1].className = status;
    row.cells[2].textContent = ago(lastSuccessAt);
    row.cells[3].textContent = source ? `${ago(source.asOf)}${source.state === "FRESH" ? "" : `, ${source.state}`}` : "";
    row.cells[3].className = source && source.state !== "FRESH" ? "stale" : "";
  }
}

function counted(variant) {
  const levels = new Map();
  const sources = new Map();
  for (const view of [variant.till, variant.web, variant.amazon]) {
    for (const level of view?.levels?.nodes ?? []) levels.set(level.location.key, level);
    for (const source of view?.sources ?? []) sources.set(source.channel.key, source);
  }
  return { levels, sources };
}

function selling(variant, location) {
  const cell = element("td");
  for (const [channel, summary] of Object.entries(world)) {
    const sku = skuIn(variant, channel);
    if (!sku || !summary.locations.includes(location)) continue;
    const button = element("button", `sell one: ${channel}`, { type: "button", "data-sell": `${channel} ${location}` });
    button.addEventListener("click", () => play(channel, "sell", { sku, quantity: 1, location }));
    cell.append(button, " ");
  }
  return cell;
}

function skuIn(variant, channel) {
  const listed = variant.listings.find((listing) => listing.channel.key === channel);
  return listed && variant.sku;
}

function stockTable(variant, levels) {
  const table = element("table", "", { "data-sku": variant.sku });
  const head = table.createTHead().insertRow();
  for (const title of ["Location", "On hand", "Available", "Here"]) head.append(element("th", title));
  const body = table.createTBody();
  for (const [key, level] of levels) {
    const row = body.insertRow();
    row.dataset.location = key;
    const place = `${variant.sku} ${key}`;
    const moved = known.has(place) && known.get(place) !== level.onHand;
    known.set(place, level.onHand);
    row.append(element("td", level.location.name));
    row.append(element("td", level.onHand ?? "unknown", { class: moved ? "number moved" : "number" }));
    row.append(element("td", level.available ?? "unknown", { class: "number" }));
    row.append(selling(variant, key));
  }
  return table;
}

function offers(variant) {
  const list = element("ul");
  for (const listing of variant.listings) {
    const price = listing.price ? `${listing.price.amount} ${listing.price.currencyCode}` : "no price";
    const units = listing.unitsPerListing > 1 ? `, ${listing.unitsPerListing} at once` : "";
    list.append(element("li", `${listing.channel.key}: ${price}${units}`));
  }
  return list;
}

function showProducts(products) {
  const shown = [];
  const sources = new Map();
  for (const product of products) {
    for (const variant of product.variants.nodes) {
      const found = counted(variant);
      for (const [key, source] of found.sources) sources.set(key, source);
      const title = variant.title && variant.title !== product.title ? `${product.title}: ${variant.title}` : product.title;
      shown.push(element("h3", `${title} (${variant.sku ?? "no SKU"})`), offers(variant), stockTable(variant, found.levels));
    }
  }
  document.getElementById("variants").replaceChildren(...shown);
  return sources;
}

async function refresh() {
  const body = JSON.stringify({ query: QUERY, variables: { search: searched } });
  const answer = await fetch("/graphql", { method: "POST", headers: { "content-type": "application/json" }, body });
  const { data, errors } = await answer.json();
  if (errors) return say(errors.map((error) => error.message).join(" "));
  showChannels(data.channels, showProducts(data.products.nodes));
}

async function keepFresh() {
  try {
    await refresh();
  } catch (error) {
    say(`The gateway does not answer: ${error.message}`);
  }
  setTimeout(keepFresh, 1000);
}

document.getElementById("search").addEventListener("submit", (event) => {
  event.preventDefault();
  searched = event.target.elements.text.value.trim() || searched;
  refresh();
});

async function begin() {
  world = await (await fetch("/world")).json();
  document.getElementById("address").textContent = world.till ? new URL("/graphql", location.href).href : "";
  keepFresh();
}

begin();

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

/* The child of this key, made once: what is written into or clicked on must not be replaced every second. */
function child(parent, key, make) {
  const found = [...parent.children].find((one) => one.dataset.key === key);
  if (found) return found;
  const made = make();
  made.dataset.key = key;
  return parent.appendChild(made);
}

/* Only these children, in this order. */
function keep(parent, keys) {
  for (const one of [...parent.children]) if (!keys.includes(one.dataset.key)) one.remove();
  if (keys.some((key, place) => parent.children[place].dataset.key !== key))
    parent.append(...keys.map((key) => [...parent.children].find((one) => one.dataset.key === key)));
}

function write(cell, text) {
  if (cell.textContent !== text) cell.textContent = text;
}

function ago(instant) {
  if (!instant) return "never";
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(instant)) / 1000));
  return seconds < 120 ? `${seconds} s ago` : `${Math.round(seconds / 60)} min ago`;
}

async function play(channel, action, body) {
  say(`${channel}: ${action} …`);
  const answer = await fetch(`/world/${channel}/${action}`, { method: "POST", body: JSON.stringify(body) });
  const said = await answer.json();
  say(answer.ok ? `${channel}: ${action} ${JSON.stringify(body)}` : said.error);
}

function breaking(channel) {
  const cell = element("td");
  const modes = element("select", "", { "aria-label": `Break ${channel}` });
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
    const row = child(body, channel.key, () => channelRow(channel));
    const { status, lastSuccessAt, fault } = channel.health ?? { status: "UNKNOWN" };
    const source = sources.get(channel.key);
    write(row.cells[1], fault && status !== "HEALTHY" ? `${status} (${fault.code})` : status);
    row.cells[1].className = status;
    write(row.cells[2], ago(lastSuccessAt));
    write(row.cells[3], source ? `${ago(source.asOf)}${source.state === "FRESH" ? "" : `, ${source.state}`}` : "");
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

/* What the channel's twin calls it: on Amazon, where it may have another SKU, its id is that. */
function skuIn(variant, channel) {
  const listed = variant.listings.find((listing) => listing.channel.key === channel);
  return listed && (channel === "amazon" ? listed.externalId : variant.sku);
}

function button(text, action, attributes = {}) {
  const made = element("button", text, { type: "button", ...attributes });
  made.addEventListener("click", action);
  return made;
}

/* A field and what is done with what stands in it. */
function asking(what, verb, action, attributes) {
  const form = element("form");
  const field = element("input", "", { "aria-label": what, placeholder: what, required: "", ...attributes });
  form.append(field, element("button", verb));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    action(field.value);
    form.reset();
  });
  return form;
}

function playing(channel, sku) {
  const cell = element("td");
  if (!sku) return cell;
  const actions = element("div", "", { class: "play", "data-play": channel });
  actions.append(
    asking("price before tax", "set", (amount) => play(channel, "price", { sku, amount }), { size: 13 }),
    asking("title", "rename", (title) => play(channel, "product", { sku, title }), { size: 13, maxlength: 200 }),
    button("delete", () => play(channel, "product", { sku, deleted: true })),
  );
  cell.append(actions);
  return cell;
}

function offerRow(variant, { channel }) {
  const row = element("tr");
  row.append(element("td", channel.name), element("td"), element("td", "", { class: "number" }), element("td"));
  row.append(playing(channel.key, skuIn(variant, channel.key)));
  return row;
}

function priceOf(listing) {
  if (!listing.price) return "no price";
  return `${listing.price.amount} ${listing.price.currencyCode}`;
}

function taxOf(variant, listing) {
  const tax = variant[`${listing.channel.key}Tax`] ? "with tax" : "before tax";
  return listing.unitsPerListing > 1 ? `${tax}, for ${listing.unitsPerListing} pieces` : tax;
}

function showOffers(body, variant) {
  for (const listing of variant.listings) {
    const row = child(body, listing.channel.key + listing.externalId, () => offerRow(variant, listing));
    write(row.cells[1], listing.title || variant.title);
    write(row.cells[2], priceOf(listing));
    write(row.cells[3], taxOf(variant, listing));
  }
  keep(body, variant.listings.map((listing) => listing.channel.key + listing.externalId));
}

function sells(channel, location, levels) {
  if (!world[channel].locations.includes(location) || levels.get(location).onHand === null) return false;
  return channel !== "amazon" || location === "amazon-fba" || (levels.get("amazon-fba")?.onHand ?? null) === null;
}

function levelRow(variant, level, channels) {
  const location = level.location.key;
  const row = element("tr", "", { "data-location": location });
  const cell = element("td");
  for (const channel of channels) {
    const sell = () => play(channel, "sell", { sku: skuIn(variant, channel), quantity: 1, location });
    cell.append(button(`sell one: ${channel}`, sell, { "data-sell": `${channel} ${location}` }), " ");
  }
  row.append(element("td", level.location.name));
  row.append(element("td", "", { class: "number" }), element("td", "", { class: "number" }), cell);
  return row;
}

function showLevels(body, variant, levels) {
  const keys = [];
  for (const [location, level] of levels) {
    const channels = Object.keys(world).filter((one) => skuIn(variant, one) && sells(one, location, levels));
    keys.push([location, ...channels].join(" "));
    const row = child(body, keys.at(-1), () => levelRow(variant, level, channels));
    const place = `${variant.id} ${location}`;
    if (known.has(place) && known.get(place) !== level.onHand) {
      row.cells[1].classList.add("moved");
      setTimeout(() => row.cells[1].classList.remove("moved"), 2000);
    }
    known.set(place, level.onHand);
    write(row.cells[1], String(level.onHand ?? "not counted"));
    write(row.cells[2], String(level.available ?? "not known"));
  }
  keep(body, keys);
}

function tableOf(titles) {
  const frame = element("div", "", { class: "wide" });
  const table = element("table");
  const head = table.createTHead().insertRow();
  for (const [title, kind] of titles) head.append(element("th", title, kind ? { class: kind } : {}));
  table.createTBody();
  frame.append(table);
  return frame;
}

function variantSection() {
  const section = element("section");
  const offers = [["Channel"], ["What it is called"], ["Price", "number"], [""], ["Play the outside world"]];
  const levels = [["Location"], ["On hand", "number"], ["Available", "number"], ["Play the outside world"]];
  section.append(element("h3"), tableOf(offers), tableOf(levels));
  return section;
}

function showVariant(section, product, variant, levels) {
  const title = variant.title && variant.title !== product.title ? `${product.title}: ${variant.title}` : product.title;
  const [offers, counts] = section.querySelectorAll("tbody");
  write(section.querySelector("h3"), `${title} (${variant.sku ?? "no SKU"})`);
  showOffers(offers, variant);
  showLevels(counts, variant, levels);
}

function showProducts(products) {
  const shown = document.getElementById("variants");
  const sources = new Map();
  const ids = [];
  for (const product of products) {
    for (const variant of product.variants.nodes) {
      const found = counted(variant);
      for (const [key, source] of found.sources) sources.set(key, source);
      showVariant(child(shown, variant.id, variantSection), product, variant, found.levels);
      ids.push(variant.id);
    }
  }
  keep(shown, ids);
  document.getElementById("nothing").hidden = ids.length > 0;
  return sources;
}

async function refresh() {
  const body = JSON.stringify({ query: QUERY, variables: { search: searched } });
  const answer = await fetch("/graphql", { method: "POST", headers: { "content-type": "application/json" }, body });
  const { data, errors } = await answer.json();
  if (!data) return say(errors.map((error) => error.message).join(" "));
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
  keepFresh();
}

begin();

/* The list of products. Its filters are in the URL, so it can be shared, and "back" leads to the same list. */
import { element, hint, picture, quiet, runDisabled } from "./dom.js";
import { describeStock, formatTitle, renderPrice } from "./format.js";
import { query } from "./gateway.js";
import { CHANNEL, LOCALE, openPage } from "./page.js";
import { getPoint } from "./shops.js";

const FACETS = ["category", "color", "material"];
const SORTS = {
  "": ["Featured", null], // the best match of a search, and the order of a collection
  title: ["Name", { key: "TITLE", direction: "ASC" }],
  cheap: ["Price, lowest first", { key: "PRICE", direction: "ASC" }],
  dear: ["Price, highest first", { key: "PRICE", direction: "DESC" }],
};

function readRange(params, name) {
  const [min, max] = (params.get(name) ?? "").split("-");
  return { min: /^\d+(\.\d+)?$/.test(min) ? min : null, max: /^\d+(\.\d+)?$/.test(max) ? max : null };
}

function buildFilter(params) {
  const facets = FACETS.filter((key) => params.has(key)).map((key) => ({ key, values: params.getAll(key) }));
  const [price, width] = [readRange(params, "price"), readRange(params, "width")];
  return {
    ...(facets.length > 0 && { facets }),
    ...((price.min || price.max) && { price: { ...price, currencyCode: "GBP" } }),
    ...((width.min || width.max) && { attributeRanges: [{ key: "width", ...width }] }),
    ...(params.has("available") && { availableForSale: true }),
  };
}

function openList(params) {
  openPage(`/storefront/${params.size > 0 ? `?${params}` : ""}`);
}

function toggle(params, key, value) {
  const next = new URLSearchParams(params);
  if (next.has(key, value)) next.delete(key, value);
  else next.append(key, value);
  openList(next);
}

/* Loads a page of all products, of a search or of a collection: its title and its products. */
async function loadProducts(params, after) {
  const variables = {
    channelKey: CHANNEL,
    locale: LOCALE,
    near: getPoint(),
    after,
    filter: buildFilter(params),
    sort: SORTS[params.get("sort") ?? ""]?.[1] ?? null,
    facetKeys: [...FACETS, "price"],
  };
  if (params.has("collection")) {
    const { collection } = await query("CollectionPage", { ...variables, handle: params.get("collection") });
    return { title: collection?.content?.title ?? "Not found", products: collection?.products };
  }
  const search = params.get("q");
  const { products } = await query("ProductList", { ...variables, search });
  return { title: search ? `Results for “${search}”` : "All products", products };
}

export function renderCard(product, position) {
  const variant = product.selectedOrFirstAvailableVariant;
  const { min, max } = product.priceRange ?? {};
  const shop = variant?.storeAvailability?.nodes[0];
  const colors = product.attributes?.[0]?.values ?? [];
  const ranges = min && min.amount !== max.amount;
  return element(
    "li",
    { class: "card", "data-handle": product.handle },
    picture(product.featuredImage, { first: position < 4 }),
    element("a", { class: "card-link", href: `/storefront/products/${product.handle}` }, formatTitle(product.title)),
    renderPrice(min, ranges ? null : variant?.compareAtPrice, ranges),
    colors.length > 1 && element("p", { class: "dots" }, hint(`Colors: ${colors.map((one) => one.label).join(", ")}`), colors.map(renderDot)),
    shop?.location &&
      element("p", { class: `stock ${shop.status}` }, `${describeStock(shop.status)}: ${shop.location.name}`),
  );
}

export function renderDot({ swatch }) {
  const dot = element("span", { class: "dot", "aria-hidden": "true" });
  dot.style.background = swatch?.color ?? "none";
  return dot;
}

function renderChoice(params, key, { value, title, count, swatch }) {
  const box = element("input", {
    type: "checkbox",
    checked: params.has(key, value),
    onchange: () => toggle(params, key, value),
  });
  return element("label", { class: "choice" }, box, swatch && renderDot({ swatch }), ` ${title} `, count !== null && quiet(String(count)));
}

function renderGroup(params, { key, title, values }) {
  const choices = values.slice(0, 12).map((value) => renderChoice(params, key, value));
  return element("fieldset", {}, element("legend", {}, title), choices);
}

function renderRange(params, name, label) {
  const { min, max } = readRange(params, name);
  const field = (side, text, value) =>
    element("input", { name: side, inputmode: "decimal", pattern: "\\d+(\\.\\d+)?", "aria-label": `${label}, ${text}`, value });
  const apply = (event) => {
    event.preventDefault();
    const { min: from, max: to } = event.target.elements;
    const next = new URLSearchParams(params);
    if (from.value || to.value) next.set(name, `${from.value}-${to.value}`);
    else next.delete(name);
    openList(next);
  };
  const form = element("form", { class: "range", onsubmit: apply }, field("min", "from", min), "to", field("max", "to", max), element("button", {}, "Set"));
  return element("fieldset", {}, element("legend", {}, label), form);
}

function renderFilters(params, facets) {
  const count = [...params.keys()].filter((key) => !["q", "sort", "collection"].includes(key)).length;
  const clear = () => openList(new URLSearchParams([...params].filter(([key]) => key === "q" || key === "collection")));
  return element(
    "details",
    { class: "filters", open: window.innerWidth >= 900 },
    element("summary", {}, count > 0 ? `Filters (${count})` : "Filters"),
    count > 0 && element("button", { type: "button", onclick: clear }, "Clear all filters"),
    renderChoice(params, "available", { value: "1", title: "Available now", count: null }),
    renderRange(params, "price", "Price, £"),
    renderRange(params, "width", "Width, cm"),
    facets.filter((facet) => facet.values.length > 0).map((facet) => renderGroup(params, facet)),
  );
}

function renderSort(params) {
  const select = element(
    "select",
    { name: "sort" },
    Object.entries(SORTS).map(([value, [label]]) =>
      element("option", { value, selected: value === (params.get("sort") ?? "") }, label),
    ),
  );
  select.addEventListener("change", () => {
    const next = new URLSearchParams(params);
    if (select.value) next.set("sort", select.value);
    else next.delete("sort");
    openList(next);
  });
  return element("label", {}, "Sort by ", select);
}

/* Loads the next page when the end comes near, or by its button: with the keyboard, or where nothing scrolls. */
function growList(list, more, params, pageInfo) {
  let cursor = pageInfo.endCursor;
  const load = () =>
    runDisabled(more, async () => {
      const { products: next } = await loadProducts(params, cursor);
      list.append(...next.nodes.map((product) => renderCard(product, 99)));
      cursor = next.pageInfo.endCursor;
      more.hidden = !next.pageInfo.hasNextPage;
    });
  more.addEventListener("click", load);
  const observer = new IntersectionObserver(([entry]) => entry.isIntersecting && !more.disabled && !more.hidden && load(), {
    rootMargin: "600px",
  });
  observer.observe(more);
}

export async function showProducts(draw, params) {
  const { title, products } = await loadProducts(params, null);
  if (!products) return draw(title, element("p", {}, "Products are not available at the moment."));
  const list = element("ul", { class: "cards" }, products.nodes.map(renderCard));
  const more = element("button", { type: "button", class: "more", hidden: !products.pageInfo.hasNextPage }, "Show more products");
  const count = `${products.totalCount} ${products.totalCount === 1 ? "product" : "products"}`;
  draw(
    title,
    element("h1", {}, title),
    element("div", { class: "list-bar" }, element("p", { class: "muted count-text" }, count), renderSort(params)),
    element("div", { class: "list" }, renderFilters(params, products.facets ?? []), element("div", {}, list, more)),
  );
  return growList(list, more, params, products.pageInfo);
}


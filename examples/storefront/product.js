/* A product: pictures, variants, what the shops have. The chosen variant is in the URL. */
import { renderCard, renderDot } from "./catalog.js";
import { addToCart } from "./cart.js";
import { element, labeled, picture, quiet } from "./dom.js";
import { describeStock, formatTime, formatTitle, renderPrice } from "./format.js";
import { query } from "./gateway.js";
import { CHANNEL, LOCALE } from "./page.js";
import { getPoint, isPicked, renderShop } from "./shops.js";

function findVariant(variants, params) {
  const matches = ({ selectedOptions }) => selectedOptions.every(({ name, value }) => params.get(name) === value);
  return variants.find(matches) ?? variants.find(({ stock }) => stock?.status !== "OUT_OF_STOCK") ?? variants[0];
}

function renderGallery(media, picked) {
  const images = media.map(({ image }) => image).filter(Boolean);
  const main = element("div", {});
  const buttons = images.map((image, position) =>
    element(
      "button",
      { type: "button", "aria-label": `Picture ${position + 1} of ${images.length}`, onclick: () => show(position) },
      picture(image),
    ),
  );
  const show = (position) => {
    main.replaceChildren(picture(images[position], { alt: images[position]?.altText ?? "", first: true, large: true }));
    buttons.forEach((button, number) => button.setAttribute("aria-current", String(number === position)));
  };
  show(Math.max(0, images.findIndex((image) => image.url === picked?.url)));
  return element("section", { class: "gallery", "aria-label": "Pictures" }, main, element("div", { class: "thumbnails" }, buttons));
}

/* The color of an option value: that of the attribute value which it names, such as "Pink" in "Pink Polkadot". */
function findSwatch(product, value) {
  const values = (product.attributes ?? []).flatMap((attribute) => attribute.values);
  return values.find((one) => one.swatch?.color && value.includes(one.value));
}

function isSoldOut(variants, variant, name, value) {
  const wanted = new Map([...variant.selectedOptions.map((one) => [one.name, one.value]), [name, value]]);
  const found = variants.find(({ selectedOptions }) => selectedOptions.every((one) => wanted.get(one.name) === one.value));
  return !found || found.stock?.status === "OUT_OF_STOCK";
}

function renderOption({ product, variants, variant, choose }, { name, optionValues }) {
  const current = variant.selectedOptions.find((one) => one.name === name)?.value;
  const values = optionValues.map(({ name: value }) => {
    const radio = element("input", { type: "radio", name, checked: value === current, onchange: () => choose(name, value) });
    const swatch = findSwatch(product, value);
    const note = isSoldOut(variants, variant, name, value) && quiet(" (sold out)");
    return element("label", { class: "option" }, radio, swatch && renderDot(swatch), value, note);
  });
  return element("fieldset", { class: "options" }, element("legend", {}, `${name}: `, element("strong", {}, current ?? "")), values);
}

function renderBuy(variant) {
  const soldOut = !variant.price || variant.stock?.status === "OUT_OF_STOCK";
  const quantity = element("input", { type: "number", name: "quantity", min: 1, max: variant.stock?.available || 99, value: 1, required: true });
  const submit = element("button", { class: "main", id: "add", disabled: soldOut }, soldOut ? "Sold out" : "Add to cart");
  const add = (event) => {
    event.preventDefault();
    addToCart(variant.id, Number(quantity.value));
  };
  return element("form", { class: "buy", onsubmit: add }, labeled("Quantity", quantity), submit);
}

function renderFacts(product, variant) {
  const facts = (product.attributes ?? []).map(({ label, unit, values }) => [
    label,
    values.map((one) => [one.label, unit].filter(Boolean).join(" ")).join(", "),
  ]);
  const rows = [...facts, ["Article", variant.sku ?? ""]].map(([name, value]) =>
    element("div", {}, element("dt", {}, name), element("dd", {}, value)),
  );
  return element("dl", { class: "facts" }, rows);
}

function renderBreadcrumbs({ category }) {
  if (!category) return null;
  const links = [...(category.ancestors ?? []), category].flatMap(({ id, title }) => [
    " / ",
    element("a", { href: `/storefront/?category=${encodeURIComponent(id)}` }, title),
  ]);
  const all = element("a", { href: "/storefront/" }, "All products");
  return element("nav", { "aria-label": "Breadcrumb", class: "muted" }, all, links);
}

function renderAvailability({ distanceKm, node }) {
  const { location, status, readyAt } = node;
  const stock = element(
    "div",
    { class: "shop-status" },
    element("span", { class: `stock ${status}` }, describeStock(status)),
    readyAt && element("div", { class: "muted" }, "Collect from ", formatTime(readyAt)),
  );
  return element("li", { class: "shop", "aria-current": String(isPicked(location?.key)) }, renderShop(location, distanceKm), stock);
}

async function loadStock(section, variant) {
  const { node } = await query("StoreAvailability", { variantId: variant.id, near: getPoint() });
  const edges = (node?.storeAvailability?.edges ?? []).filter((edge) => edge.node.location);
  section.replaceChildren(element("h2", {}, "In our shops"), element("ul", { class: "plain stores" }, edges.map(renderAvailability)));
}

async function loadRelated(section, handle) {
  const { product } = await query("RelatedProducts", { channelKey: CHANNEL, handle });
  const related = (product?.related ?? []).slice(0, 4);
  if (related.length === 0) return;
  section.replaceChildren(
    element("h2", {}, "You may also like"),
    element("ul", { class: "cards" }, related.map((one) => renderCard(one, 99))),
  );
}

export async function showProduct(draw, params, handle) {
  const { product } = await query("ProductPage", { channelKey: CHANNEL, handle, locale: LOCALE });
  if (!product) return draw("Not found", element("h1", {}, "This product does not exist."));
  const title = formatTitle(product.content?.title ?? product.title);
  const variants = product.variants?.nodes ?? [];
  const shown = element("div", { class: "product-text" });
  const gallery = element("div", {});
  const stock = element("section", { class: "shop-stock" });
  const html = element("div", { class: "description", lang: product.content?.locale });
  html.innerHTML = product.content?.descriptionHtml ?? ""; // sanitized by the gateway
  const show = (variant) => {
    const choose = (name, value) => {
      const next = new URLSearchParams(variant.selectedOptions.map((one) => [one.name, one.value]));
      next.set(name, value);
      history.replaceState(null, "", `?${next}`);
      show(findVariant(variants, next));
      shown.querySelector(`input[name="${CSS.escape(name)}"]:checked`)?.focus();
    };
    gallery.replaceChildren(renderGallery(product.media, variant.image));
    shown.replaceChildren(
      ...[
        renderBreadcrumbs(product),
        element("h1", {}, title),
        renderPrice(variant.price, variant.compareAtPrice),
        element("p", { class: `stock ${variant.stock?.status}` }, `Online: ${describeStock(variant.stock?.status)}`),
        ...product.options.map((option) => renderOption({ product, variants, variant, choose }, option)),
        renderBuy(variant),
        html,
        renderFacts(product, variant),
      ].filter(Boolean),
    );
    return loadStock(stock, variant);
  };
  const related = element("section", { class: "related" });
  draw(title, element("article", { class: "product" }, gallery, shown, stock), related);
  await show(findVariant(variants, params));
  return loadRelated(related, handle);
}

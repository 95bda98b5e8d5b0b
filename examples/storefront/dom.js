/* Elements of the page. Text is never parsed as HTML, except for descriptions, which the gateway has sanitized. */

export function element(name, attributes = {}, ...content) {
  const created = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) created.addEventListener(key.slice(2), value);
    else if (value === true) created.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) created.setAttribute(key, value);
  }
  created.append(...content.flat().filter((one) => one !== null && one !== undefined && one !== false));
  return created;
}

/* Creates text that only screen readers announce. */
export function hint(text) {
  return element("span", { class: "visually-hidden" }, text);
}

export function quiet(...content) {
  return element("span", { class: "muted" }, ...content);
}

export function labeled(text, field) {
  return element("label", { class: "field" }, text, field);
}

/* Creates an image whose space is reserved before it is loaded. `first`: it is on the first screen. */
export function picture(image, { alt = "", first = false, large = false } = {}) {
  if (!image) return element("div", { class: "picture", "aria-hidden": "true" });
  return element("img", {
    class: "picture",
    src: large ? image.large : image.small,
    alt,
    width: image.width ?? 4,
    height: image.height ?? 3,
    loading: first ? "eager" : "lazy",
    fetchpriority: first ? "high" : "auto",
  });
}

/* Runs an action with its button disabled. */
export async function runDisabled(button, work) {
  button.disabled = true;
  try {
    await work();
  } finally {
    button.disabled = false;
  }
}

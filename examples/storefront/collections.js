/* Collections: links below the header, and which of them a list shows. */
import { element } from "./dom.js";
import { query } from "./gateway.js";
import { CHANNEL, LOCALE } from "./page.js";

let loading;

/* Loads the collections of the web store once: [{ id, handle, title }]. */
export function loadCollections() {
  loading ??= query("Collections", { channelKey: CHANNEL, locale: LOCALE }).then(({ collections }) =>
    (collections?.nodes ?? []).map(({ id, handle, content }) => ({ id, handle, title: content?.title ?? handle })),
  );
  return loading;
}

/* Finds the collection that a list shows. Without one in the URL, or with an unknown one, it shows all products. */
export async function findCollection(params) {
  return params.has("collection") ? (await loadCollections()).find(({ handle }) => handle === params.get("collection")) : undefined;
}

export async function showNavigation(nav) {
  const links = (await loadCollections()).map(({ handle, title }) =>
    element("a", { href: `/storefront/?${new URLSearchParams({ collection: handle })}` }, title),
  );
  nav.replaceChildren(...links);
}

/* Collections: links below the header. */
import { element } from "./dom.js";
import { query } from "./gateway.js";
import { CHANNEL, LOCALE } from "./page.js";

function renderLink({ handle, content }) {
  const address = `/storefront/?${new URLSearchParams({ collection: handle })}`;
  return element("a", { href: address }, content?.title ?? handle);
}

export async function showNavigation(nav) {
  const { collections } = await query("Collections", { channelKey: CHANNEL, locale: LOCALE });
  nav.replaceChildren(...(collections?.nodes ?? []).map(renderLink));
}

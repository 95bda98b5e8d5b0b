// Scrolls through the catalog in Node.
import { createClient, describeState, formatPrice, openCatalog } from "./catalog.js";
import type { Products, View } from "./catalog.js";

const client = createClient(`http://127.0.0.1:${process.env["PORT"] ?? 8000}/graphql`);

const SIZE = 4;

/** Scrolls until three pages are shown, or all there are. */
async function scroll(search: string | null): Promise<void> {
  const { promise, view } = waitForPages(3 * SIZE, () => void catalog.loadMore());
  const catalog = openCatalog(client, { first: SIZE, search }, view);
  await promise.finally(() => catalog.close());
}

function waitForPages(limit: number, loadMore: () => void): { promise: Promise<void>; view: View } {
  let view!: View;
  const promise = new Promise<void>((resolve, reject) => {
    const show = (products: Products) => {
      report(products);
      if (products.edges.length >= limit || !products.pageInfo.hasNextPage) resolve();
      else setImmediate(loadMore);
    };
    view = { show, fail: reject };
  });
  return { promise, view };
}

function report({ edges, sources }: Products): void {
  const last = edges.at(-1)?.node;
  const states = sources?.map(({ state }) => describeState(state)) ?? [];
  console.log(`${edges.length} products, the last ${last?.title} for ${last && formatPrice(last)}, ${states.join(", ")}`);
}

await scroll(null);
await scroll("22423");
client.stop();

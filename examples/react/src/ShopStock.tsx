import { useQuery } from "@apollo/client/react";
import { graphql } from "../generated/gql";
import { describeStock, formatTime } from "./format";
import { ShopText, useShops } from "./shops";

const SHOP_STOCK = graphql(`
  query ShopStock($variantId: ID!, $near: GeoPointInput) {
    node(id: $variantId) {
      id
      ... on ProductVariant {
        storeAvailability(first: 10, near: $near) {
          edges { distanceKm node { status available readyAt location { ...Shop } } }
        }
      }
    }
  }
`);

/** What each shop has, the nearest first. */
export function ShopStock({ variantId }: { variantId: string }) {
  const { near, picked } = useShops();
  const { data, previousData } = useQuery(SHOP_STOCK, { variables: { variantId, near } });
  const node = (data ?? previousData)?.node;
  const edges = node?.__typename === "ProductVariant" ? (node.storeAvailability?.edges ?? []) : [];
  return (
    <section className="shop-stock" aria-labelledby="shop-stock-title">
      <h2 id="shop-stock-title">In our shops</h2>
      <ul className="plain">
        {edges.map(({ distanceKm, node: { status, available, readyAt, location } }) =>
          location ? (
            <li key={location.id} className="shop" aria-current={location.key === picked?.key}>
              <ShopText shop={location} distanceKm={distanceKm ?? null} />
              <div className="shop-status">
                <span className={`stock ${status}`}>{describeStock(status)}</span>
                {available ? <span className="muted"> {available} in the shop</span> : null}
                {readyAt && (
                  <div className="muted">
                    Collect from <time dateTime={readyAt}>{formatTime(readyAt)}</time>
                  </div>
                )}
              </div>
            </li>
          ) : null,
        )}
      </ul>
    </section>
  );
}

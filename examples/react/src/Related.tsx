import { useQuery } from "@apollo/client/react";
import { graphql } from "../generated/gql";
import { CHANNEL, LOCALE } from "./client";
import { Card } from "./ListPage";
import type { ShownProduct } from "./ProductPage";
import { useShops } from "./shops";

const RELATED = graphql(`
  query Related($channelKey: String!, $locale: Locale, $near: GeoPointInput, $categoryId: ID!) {
    products(
      first: 5
      channelKey: $channelKey
      filter: { categoryIds: [$categoryId], availableForSale: true }
      sort: { key: CREATED_AT, direction: DESC }
    ) {
      edges { cursor node { ...ProductCard } }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

/** Other products of the category. They are loaded after the product, which does not wait for them. */
export function Related({ product }: { product: ShownProduct }) {
  const { near } = useShops();
  const categoryId = product.category?.id ?? "";
  const { data } = useQuery(RELATED, {
    variables: { channelKey: CHANNEL, locale: LOCALE, near, categoryId },
    skip: !categoryId,
  });
  const others = (data?.products?.edges ?? []).filter(({ node }) => node.id !== product.id).slice(0, 4);
  if (others.length === 0) return null;
  return (
    <section className="related" aria-labelledby="related-title">
      <h2 id="related-title">More from {product.category?.title}</h2>
      <ul className="cards">
        {others.map(({ node }) => (
          <Card key={node.id} product={node} first={false} />
        ))}
      </ul>
    </section>
  );
}

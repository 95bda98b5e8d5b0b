// All access to prices: what a component needs is one of these two fragments and a function below.
import { graphql } from "../generated/gql";
import type { MoneyFragment, ProductPriceFragment, VariantPriceFragment } from "../generated/graphql";

graphql(`
  fragment Money on Money { amount currencyCode }
  fragment VariantPrice on ProductVariant {
    price(channelKey: $channelKey) { ...Money }
    compareAtPrice(channelKey: $channelKey) { ...Money }
  }
  fragment ProductPrice on Product {
    priceRange(channelKey: $channelKey) { min { ...Money } max { ...Money } }
    selectedOrFirstAvailableVariant(channelKey: $channelKey) { id ...VariantPrice }
  }
`);

export interface ShownPrice {
  price: MoneyFragment;
  /** The price before a reduction. Null: it is not reduced. */
  earlier: MoneyFragment | null;
  /** Whether other variants cost more. */
  from: boolean;
}

export function getVariantPrice(variant: VariantPriceFragment): ShownPrice | null {
  const { price, compareAtPrice } = variant;
  if (!price) return null;
  return { price, earlier: isReduced(price, compareAtPrice) ? (compareAtPrice ?? null) : null, from: false };
}

export function getProductPrice(product: ProductPriceFragment): ShownPrice | null {
  const { priceRange, selectedOrFirstAvailableVariant: variant } = product;
  if (!priceRange) return null;
  if (priceRange.min.amount !== priceRange.max.amount) return { price: priceRange.min, earlier: null, from: true };
  return (variant && getVariantPrice(variant)) ?? { price: priceRange.min, earlier: null, from: false };
}

/** Amounts are decimal strings: they are formatted as they are, and compared for their order only. */
function isReduced(price: MoneyFragment, earlier: MoneyFragment | null | undefined): boolean {
  return !!earlier && earlier.currencyCode === price.currencyCode && Number(earlier.amount) > Number(price.amount);
}

export function formatMoney({ amount, currencyCode }: MoneyFragment): string {
  return new Intl.NumberFormat("en-GB", { style: "currency", currency: currencyCode }).format(amount);
}

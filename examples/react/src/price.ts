// All access to prices: what a component needs is one of these two fragments and a function below.
import { graphql } from "../generated/gql";
import type { MoneyFragment, ProductPriceFragment, VariantPriceFragment } from "../generated/graphql";

graphql(`
  fragment Money on Money { amount currencyCode }
  fragment VariantPrice on ProductVariant {
    offer(channelKey: $channelKey) {
      id
      price { ...Money }
      compareAtPrice { ...Money }
      lowestPriceBefore { ...Money }
      unitPrice { price { ...Money } per { value unit } }
    }
  }
  fragment ProductPrice on Product {
    offer(channelKey: $channelKey) { id priceRange { min { ...Money } max { ...Money } } compareAtPriceRange { max { ...Money } } }
  }
`);

export interface ShownPrice {
  price: MoneyFragment;
  /** The price before a reduction. Null: it is not reduced. */
  earlier: MoneyFragment | null;
  /** Whether other variants cost more. */
  from: boolean;
  /** What has to be shown beside the price: the lowest price before a reduction, the price per kilogram. */
  notes: readonly string[];
}

export function getVariantPrice({ offer }: VariantPriceFragment): ShownPrice | null {
  if (!offer?.price) return null;
  const { price, compareAtPrice, lowestPriceBefore, unitPrice } = offer;
  const notes = [
    lowestPriceBefore && `Lowest price of the 30 days before: ${formatMoney(lowestPriceBefore)}`,
    unitPrice && `${formatMoney(unitPrice.price)} for ${unitPrice.per.value} ${unitPrice.per.unit}`,
  ].filter((note) => !!note) as string[];
  return { price, earlier: compareAtPrice ?? null, from: false, notes };
}

export function getProductPrice({ offer }: ProductPriceFragment): ShownPrice | null {
  if (!offer?.priceRange) return null;
  const { min, max } = offer.priceRange;
  const from = min.amount !== max.amount;
  return { price: min, earlier: from ? null : (offer.compareAtPriceRange?.max ?? null), from, notes: [] };
}

/** Formats an amount. It is a decimal string, and never becomes a float. */
export function formatMoney({ amount, currencyCode }: MoneyFragment): string {
  return new Intl.NumberFormat("en-GB", { style: "currency", currency: currencyCode }).format(amount);
}

// What a shopper does, each with the document that it takes.
import type { ApolloClient } from "@apollo/client";
import {
  CartCreateDocument,
  CartLinesAddDocument,
  FulfillmentOptionsDocument,
  OrderDocument,
  OrderPlaceDocument,
  OrderPreviewDocument,
  ProductPageDocument,
  ProductsNearDocument,
  StoreAvailabilityDocument,
  type CartContentsFragment,
  type FulfillmentOptionsQuery,
  type GeoPointInput,
} from "../generated/graphql.js";
import { wishing, type Store } from "./wishes.js";

type Option = NonNullable<FulfillmentOptionsQuery["fulfillmentOptions"]>[number];

export class Shop {
  constructor(
    private readonly apollo: ApolloClient,
    private readonly store: Store,
    private readonly channelKey: string,
  ) {}

  async products(near: GeoPointInput, search: string, after: string | null = null) {
    const { data } = await this.apollo.query({
      query: ProductsNearDocument,
      variables: { channelKey: this.channelKey, near, search, after },
    });
    return there(data?.products, "products");
  }

  async product(handle: string) {
    const { data } = await this.apollo.query({
      query: ProductPageDocument,
      variables: { channelKey: this.channelKey, handle },
    });
    return there(data?.product, "product");
  }

  async shelves(variantId: string, near: GeoPointInput) {
    const { data } = await this.apollo.query({ query: StoreAvailabilityDocument, variables: { variantId, near } });
    const variant = data?.node?.__typename === "ProductVariant" ? data.node : null;
    return there(variant?.storeAvailability, "storeAvailability").edges;
  }

  async cart(): Promise<CartContentsFragment> {
    const payload = await wishing(this.store, "a cart", { channelKey: this.channelKey }, async (input) => {
      const { data } = await this.apollo.mutate({ mutation: CartCreateDocument, variables: { input } });
      return there(data?.cartCreate, "cartCreate");
    });
    return there(payload.cart, "cart");
  }

  async add(cart: CartContentsFragment, variantId: string, quantity: number): Promise<CartContentsFragment> {
    const wish = { cartToken: there(cart.token, "token"), version: cart.version, lines: [{ variantId, quantity }] };
    const payload = await wishing(this.store, `more for ${cart.id}`, wish, async (input) => {
      const { data } = await this.apollo.mutate({ mutation: CartLinesAddDocument, variables: { input } });
      return there(data?.cartLinesAdd, "cartLinesAdd");
    });
    return there(payload.cart, "cart");
  }

  async options(cart: CartContentsFragment, near: GeoPointInput): Promise<readonly Option[]> {
    const variables = { cartToken: there(cart.token, "token"), near };
    const { data } = await this.apollo.query({ query: FulfillmentOptionsDocument, variables, fetchPolicy: "no-cache" });
    return there(data?.fulfillmentOptions, "fulfillmentOptions");
  }

  /** What is to be paid: the gateway adds up, because amounts are decimal strings. */
  async total(cart: CartContentsFragment, option: Option) {
    const input = { cartToken: there(cart.token, "token"), fulfillmentOptionToken: option.token };
    const { data } = await this.apollo.query({
      query: OrderPreviewDocument,
      variables: { input },
      fetchPolicy: "no-cache",
    });
    const { amount, currencyCode } = there(data?.orderPreview, "orderPreview").total;
    return { amount, currencyCode };
  }

  async order(
    cart: CartContentsFragment,
    option: Option,
    total: { amount: string; currencyCode: string },
    name: string,
  ) {
    const wish = {
      cartToken: there(cart.token, "token"),
      cartVersion: cart.version,
      fulfillmentOptionToken: option.token,
      contact: { name },
      payments: [{ kind: "ON_COLLECTION" as const, amount: total }],
      expectedTotal: total,
    };
    const payload = await wishing(this.store, `order ${cart.id}`, wish, async (input) => {
      const { data } = await this.apollo.mutate({ mutation: OrderPlaceDocument, variables: { input } });
      return there(data?.orderPlace, "orderPlace");
    });
    return there(payload.order, "order");
  }

  /** An order, by the token that came when it was placed. */
  async placed(accessToken: string) {
    const { data } = await this.apollo.query({
      query: OrderDocument,
      variables: { accessToken },
      fetchPolicy: "network-only",
    });
    return there(data?.order, "order");
  }
}

/** A field can be null beside an error of its own: this is for those without which there is nothing to show. */
export function there<T>(value: T | null | undefined, name: string): T {
  if (value === null || value === undefined) throw new Error(`${name}: not there`);
  return value;
}

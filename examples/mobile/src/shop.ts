// The customer's actions, each with its GraphQL document.
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
import { mutateOnce, type Storage } from "./idempotency.js";

type Option = NonNullable<FulfillmentOptionsQuery["fulfillmentOptions"]>[number];

export class Shop {
  constructor(
    private readonly apollo: ApolloClient,
    private readonly storage: Storage,
    private readonly channelKey: string,
  ) {}

  async searchProducts(near: GeoPointInput, search: string, after: string | null = null) {
    const { data } = await this.apollo.query({
      query: ProductsNearDocument,
      variables: { channelKey: this.channelKey, near, search, after },
    });
    return required(data?.products, "products");
  }

  async getProduct(handle: string) {
    const { data } = await this.apollo.query({
      query: ProductPageDocument,
      variables: { channelKey: this.channelKey, handle },
    });
    return required(data?.product, "product");
  }

  async listStores(variantId: string, near: GeoPointInput) {
    const { data } = await this.apollo.query({ query: StoreAvailabilityDocument, variables: { variantId, near } });
    const variant = data?.node?.__typename === "ProductVariant" ? data.node : null;
    return required(variant?.storeAvailability, "storeAvailability").edges;
  }

  async createCart(): Promise<CartContentsFragment> {
    const payload = await mutateOnce(this.storage, "create cart", { channelKey: this.channelKey }, async (input) => {
      const { data } = await this.apollo.mutate({ mutation: CartCreateDocument, variables: { input } });
      return required(data?.cartCreate, "cartCreate");
    });
    return required(payload.cart, "cart");
  }

  async addToCart(cart: CartContentsFragment, variantId: string, quantity: number): Promise<CartContentsFragment> {
    const addition = {
      cartToken: required(cart.token, "token"),
      version: cart.version,
      lines: [{ variantId, quantity }],
    };
    const payload = await mutateOnce(this.storage, `add to cart ${cart.id}`, addition, async (input) => {
      const { data } = await this.apollo.mutate({ mutation: CartLinesAddDocument, variables: { input } });
      return required(data?.cartLinesAdd, "cartLinesAdd");
    });
    return required(payload.cart, "cart");
  }

  async listOptions(cart: CartContentsFragment, near: GeoPointInput): Promise<readonly Option[]> {
    const variables = { cartToken: required(cart.token, "token"), near };
    const { data } = await this.apollo.query({ query: FulfillmentOptionsDocument, variables, fetchPolicy: "no-cache" });
    return required(data?.fulfillmentOptions, "fulfillmentOptions");
  }

  /** Returns the amount to pay. The gateway computes it, because amounts are decimal strings. */
  async previewTotal(cart: CartContentsFragment, option: Option) {
    const input = { cartToken: required(cart.token, "token"), fulfillmentOptionToken: option.token };
    const { data } = await this.apollo.query({
      query: OrderPreviewDocument,
      variables: { input },
      fetchPolicy: "no-cache",
    });
    const { amount, currencyCode } = required(data?.orderPreview, "orderPreview").total;
    return { amount, currencyCode };
  }

  async placeOrder(
    cart: CartContentsFragment,
    option: Option,
    total: { amount: string; currencyCode: string },
    name: string,
  ) {
    const order = {
      cartToken: required(cart.token, "token"),
      cartVersion: cart.version,
      fulfillmentOptionToken: option.token,
      contact: { name },
      payments: [{ kind: "ON_COLLECTION" as const, amount: total }],
      expectedTotal: total,
    };
    const payload = await mutateOnce(this.storage, `order ${cart.id}`, order, async (input) => {
      const { data } = await this.apollo.mutate({ mutation: OrderPlaceDocument, variables: { input } });
      return required(data?.orderPlace, "orderPlace");
    });
    return required(payload.order, "order");
  }

  /** Returns an order by its access token. */
  async getOrder(accessToken: string) {
    const { data } = await this.apollo.query({
      query: OrderDocument,
      variables: { accessToken },
      fetchPolicy: "network-only",
    });
    return required(data?.order, "order");
  }
}

/** Returns a field that the app cannot do without; throws if it is null because of a field error. */
export function required<T>(value: T | null | undefined, name: string): T {
  if (value === null || value === undefined) throw new Error(`The response has no ${name}.`);
  return value;
}

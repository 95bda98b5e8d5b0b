// The customer's actions, each with its GraphQL document.
import type { ApolloClient } from "@apollo/client";
import {
  CartCreateDocument,
  CartCustomerSetDocument,
  CartDocument,
  CartOrderDocument,
  FulfillmentOptionsDocument,
  MeDocument,
  OrderCancelDocument,
  OrderDocument,
  OrderPlaceDocument,
  OrderPreviewDocument,
  ProductPageDocument,
  ProductsNearDocument,
  StoreAvailabilityDocument,
  type CartContentsFragment,
  type FulfillmentOptionsQuery,
  type GeoPointInput,
  type OrderPlaceInput,
} from "../generated/graphql.js";
import { Decision, IntentQueue, type Intent, type Storage } from "./idempotency.js";

const CART = "cart token";

type Option = NonNullable<FulfillmentOptionsQuery["fulfillmentOptions"]>[number];

type Choice = Omit<OrderPlaceInput, "idempotencyKey">;

/** What a tap on "Add to cart" means. `cartToken` is set when it is first sent, so that a retry is the same request. */
interface Addition {
  variantId: string;
  quantity: number;
  cartToken?: string | null;
}

export class Shop {
  private readonly additions: IntentQueue<Addition>;

  constructor(
    private readonly apollo: ApolloClient,
    private readonly storage: Storage,
    private readonly channelKey: string,
  ) {
    this.additions = new IntentQueue(storage, "additions", {
      prepare: (input) => ({ ...input, cartToken: storage.get(CART) ?? null }),
      send: (intent) => this.sendAddition(intent),
    });
  }

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

  /** Adds to the cart, and creates one if there is none. Without a connection, `sendAdditions` adds it later. */
  async addToCart(variantId: string, quantity: number): Promise<CartContentsFragment> {
    this.additions.add({ variantId, quantity });
    await this.sendAdditions();
    return this.getCart();
  }

  /** Sends what was added without a connection: when the app starts, and when the connection is back. */
  sendAdditions(): Promise<void> {
    return this.additions.drain();
  }

  private async sendAddition({ key, input: { variantId, quantity, cartToken = null } }: Intent<Addition>) {
    const lines = [{ variantId, quantity }];
    const input = { channelKey: this.channelKey, cartToken, lines, idempotencyKey: key };
    const { data } = await this.apollo.mutate({ mutation: CartCreateDocument, variables: { input } });
    const payload = required(data?.cartCreate, "cartCreate");
    if (payload.cart?.token) this.storage.set(CART, payload.cart.token);
    return payload;
  }

  async getCart(): Promise<CartContentsFragment> {
    const cartToken = required(this.storage.get(CART), "cart token");
    const { data } = await this.apollo.query({ query: CartDocument, variables: { cartToken }, fetchPolicy: "no-cache" });
    return required(data?.cart, "cart");
  }

  /** After a login: makes the cart the customer's own. It gets a new token. */
  async assignCart(): Promise<void> {
    const choice = { cartToken: required(this.storage.get(CART), "cart token") };
    const payload = await new Decision<typeof choice>(this.storage, "cart owner").send(choice, async ({ key, input }) => {
      const variables = { input: { ...input, idempotencyKey: key } };
      const { data } = await this.apollo.mutate({ mutation: CartCustomerSetDocument, variables });
      return required(data?.cartCustomerSet, "cartCustomerSet");
    });
    this.storage.set(CART, required(payload.cart?.token, "token"));
  }

  /** Returns the customer who has logged in, with orders, points and consents. */
  async getMe() {
    const { data } = await this.apollo.query({ query: MeDocument, fetchPolicy: "no-cache" });
    return required(data?.me, "customer");
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
    const cartToken = required(cart.token, "token");
    const choice = {
      cartToken,
      cartVersion: cart.version,
      fulfillmentOptionToken: option.token,
      contact: { name },
      payments: [{ kind: "ON_COLLECTION" as const, amount: total }],
      expectedTotal: total,
    };
    const decision = new Decision<Choice>(this.storage, `order ${cart.id}`);
    if (decision.hasChanged(choice)) {
      const placed = await this.findOrder(cartToken); // the response may have been lost, and not the order
      if (placed) return placed;
    }
    const payload = await decision.send(choice, async ({ key, input }) => {
      const variables = { input: { ...input, idempotencyKey: key } };
      const { data } = await this.apollo.mutate({ mutation: OrderPlaceDocument, variables });
      return required(data?.orderPlace, "orderPlace");
    });
    this.storage.delete(CART);
    return required(payload.order, "order");
  }

  /** Returns the order that was placed from a cart, if there is one. */
  private async findOrder(cartToken: string) {
    const variables = { cartToken };
    const { data } = await this.apollo.query({ query: CartOrderDocument, variables, fetchPolicy: "no-cache" });
    const accessToken = data?.cart?.order?.accessToken;
    return accessToken ? { ...(await this.getOrder(accessToken)), accessToken } : null;
  }

  /** Cancels an order that is not paid yet. */
  async cancelOrder({ id, version }: { id: string; version: number }, orderAccessToken: string) {
    const choice = { orderId: id, version, orderAccessToken };
    await new Decision<typeof choice>(this.storage, `cancel ${id}`).send(choice, async ({ key, input }) => {
      const variables = { input: { ...input, idempotencyKey: key } };
      const { data } = await this.apollo.mutate({ mutation: OrderCancelDocument, variables });
      return required(data?.orderCancel, "orderCancel");
    });
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

// The cart of this browser. Its token grants access to it: it is stored, and never part of a URL.
import { useApolloClient, useQuery } from "@apollo/client/react";
import { createContext, use, useCallback, useEffect, useMemo, useState, type ReactNode } from "react";
import { graphql } from "../generated/gql";
import type { CartContentsFragment, UserErrorFragment } from "../generated/graphql";
import { CHANNEL } from "./client";
import { IntentQueue, type Intent } from "./intents";

const CART = graphql(`
  query Cart($cartToken: String!) { cart(token: $cartToken) { ...CartContents } }
  fragment CartContents on Cart {
    id
    token
    version
    status
    order { id accessToken }
    lines {
      id
      title
      quantity
      maxQuantity
      stockStatus
      image { ...Picture }
      unitPrice { ...Money }
      total { ...Money }
      variant { id title selectedOptions { name value } product { id handle title } }
    }
    subtotal { ...Money }
    total { ...Money }
  }
  fragment CartResult on CartPayload {
    cart { ...CartContents }
    warnings { code message }
    userErrors { ...UserError }
  }
  fragment UserError on UserError { code message retryable }
`);
const ADD = graphql(`mutation AddToCart($input: CartCreateInput!) { cartCreate(input: $input) { ...CartResult } }`);
const CHANGE = graphql(`
  mutation ChangeCart($input: CartLinesUpdateInput!) { cartLinesUpdate(input: $input) { ...CartResult } }
`);

/** What a tap on "Add to cart" means. `cartToken` is set when it is first sent, and stays: a retry is the same request. */
interface Addition {
  variantId: string;
  quantity: number;
  cartToken?: string | null;
}

export interface CartState {
  cart: CartContentsFragment | null;
  /** Access token of the order, if the cart was ordered and the response was lost. */
  ordered: string | null;
  /** Number of units, with those that are still to be sent. */
  count: number;
  loading: boolean;
  message: string;
  add(variantId: string, quantity: number): Promise<void>;
  change(lineId: string, quantity: number): Promise<void>;
  forget(): void;
  setMessage(text: string): void;
}

const TOKEN = "react-shop cart";
const CartContext = createContext<CartState | null>(null);

export function useCart(): CartState {
  const cart = use(CartContext);
  if (!cart) throw new Error("useCart needs a CartProvider.");
  return cart;
}

export function CartProvider({ children }: { children: ReactNode }) {
  const client = useApolloClient();
  const [token, setToken] = useState(() => localStorage.getItem(TOKEN));
  const [message, setMessage] = useState("");
  const [pending, setPending] = useState<readonly Intent<Addition>[]>([]);
  const { data, loading, refetch } = useQuery(CART, {
    variables: { cartToken: token ?? "" },
    skip: token === null,
    fetchPolicy: "cache-and-network",
  });

  const storeToken = useCallback((next: string | null) => {
    if (next === null) localStorage.removeItem(TOKEN);
    else localStorage.setItem(TOKEN, next);
    setToken(next);
  }, []);

  const additions = useMemo(
    () =>
      new IntentQueue<Addition>(localStorage, "react-shop additions", {
        prepare: (input) => ({ ...input, cartToken: localStorage.getItem(TOKEN) }),
        async send({ key, input: { variantId, quantity, cartToken } }) {
          const lines = [{ variantId, quantity }];
          const variables = { input: { channelKey: CHANNEL, cartToken, lines, idempotencyKey: key } };
          const { data: result } = await client.mutate({ mutation: ADD, variables });
          const payload = result?.cartCreate;
          if (!payload || payload.userErrors.some(isUndecided)) throw new Error("There is no result yet.");
          if (payload.cart?.token) storeToken(payload.cart.token);
          setMessage(describeResult(payload) || "Added to your cart.");
        },
      }),
    [client, storeToken],
  );

  const drain = useCallback(async () => {
    setPending(additions.list());
    try {
      await additions.drain();
    } catch {
      setMessage("You seem to be offline. What you added is sent as soon as the connection is back.");
    }
    setPending(additions.list());
  }, [additions]);

  useEffect(() => {
    void drain();
    const timer = setInterval(() => additions.list().length > 0 && void drain(), 5_000);
    window.addEventListener("online", drain);
    return () => {
      clearInterval(timer);
      window.removeEventListener("online", drain);
    };
  }, [additions, drain]);

  const cart = token !== null && data?.cart?.status === "ACTIVE" ? data.cart : null;
  const state: CartState = {
    cart,
    ordered: (token !== null && data?.cart?.order?.accessToken) || null,
    count: [...(cart?.lines ?? []), ...pending.map((intent) => intent.input)].reduce((sum, one) => sum + one.quantity, 0),
    loading: loading && !data,
    message,
    setMessage,
    async add(variantId, quantity) {
      additions.add({ variantId, quantity });
      await drain();
    },
    async change(lineId, quantity) {
      if (!cart?.token) return;
      const { token: cartToken, version } = cart;
      const input = { cartToken, version, lines: [{ lineId, quantity }], idempotencyKey: crypto.randomUUID() };
      const { data: result } = await client.mutate({ mutation: CHANGE, variables: { input } });
      if (result?.cartLinesUpdate) setMessage(describeResult(result.cartLinesUpdate));
      if (result?.cartLinesUpdate?.userErrors.length) await refetch();
    },
    forget: () => storeToken(null),
  };
  return <CartContext value={state}>{children}</CartContext>;
}

export function isUndecided({ code }: UserErrorFragment): boolean {
  return code === "IN_PROGRESS";
}

export function describeResult(payload: {
  userErrors: readonly UserErrorFragment[];
  warnings?: readonly { message: string }[];
}): string {
  return [...payload.userErrors, ...(payload.warnings ?? [])].map(({ message }) => message).join(" ");
}

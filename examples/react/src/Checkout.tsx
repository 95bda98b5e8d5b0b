// From a cart to an order: how the goods reach the customer, who they are, what they pay.
import { useApolloClient, useQuery } from "@apollo/client/react";
import { useState } from "react";
import { useNavigate } from "react-router";
import { graphql } from "../generated/gql";
import type { CartContentsFragment, DeliveryQuery } from "../generated/graphql";
import { describeResult, isUndecided, useCart } from "./cart";
import { formatTime } from "./format";
import { decision, storeOrder, type Choice } from "./orders";
import { formatMoney } from "./price";
import { useShops } from "./shops";

const OPTIONS = graphql(`
  query Delivery($cartToken: String!, $near: GeoPointInput) {
    fulfillmentOptions(cartToken: $cartToken, near: $near) {
      token
      label
      price { ...Money }
      readyAt
      distanceKm
      parts { method }
      uncovered { quantity }
    }
  }
`);
const PREVIEW = graphql(`
  query Preview($input: OrderPreviewInput!) {
    orderPreview(input: $input) { total { ...Money } userErrors { ...UserError } }
  }
`);
const PLACED = graphql(`query PlacedOrder($cartToken: String!) { cart(token: $cartToken) { ...CartContents } }`);
const PLACE = graphql(`
  mutation PlaceOrder($input: OrderPlaceInput!) {
    orderPlace(input: $input) { order { id accessToken } userErrors { ...UserError } }
  }
`);

type Option = NonNullable<DeliveryQuery["fulfillmentOptions"]>[number];

export function Checkout({ cart }: { cart: CartContentsFragment }) {
  const { near } = useShops();
  const { data, previousData } = useQuery(OPTIONS, {
    variables: { cartToken: cart.token ?? "", near },
    fetchPolicy: "cache-and-network",
  });
  const [label, setLabel] = useState<string>();
  const options = ((data ?? previousData)?.fulfillmentOptions ?? []).filter(({ uncovered }) => uncovered.length === 0);
  const option = options.find((one) => one.label === label) ?? options[0];
  const placeOrder = usePlaceOrder(cart);
  const [busy, setBusy] = useState(false);
  const submit = async (form: FormData) => {
    if (!option) return;
    setBusy(true);
    await placeOrder(option, form).finally(() => setBusy(false));
  };
  return (
    <form
      className="checkout"
      onSubmit={(event) => {
        event.preventDefault(); // the fields keep their values if the order is refused
        void submit(new FormData(event.currentTarget));
      }}
    >
      <fieldset>
        <legend>Delivery or pickup</legend>
        {options.map((one) => (
          <OptionChoice key={one.label} option={one} checked={one === option} choose={() => setLabel(one.label)} />
        ))}
        {data && options.length === 0 && <p>We cannot deliver the whole cart. Please change it.</p>}
      </fieldset>
      <Contact delivered={!!option && isDelivered(option)} />
      <Total cart={cart} option={option} />
      <button className="main" disabled={!option || busy}>
        {option && isDelivered(option) ? "Order and pay" : "Order, pay in the shop"}
      </button>
    </form>
  );
}

function isDelivered(option: Option): boolean {
  return option.parts.some(({ method }) => method === "SHIPPING");
}

function OptionChoice({ option, checked, choose }: { option: Option; checked: boolean; choose: () => void }) {
  return (
    <label className="choice">
      <input type="radio" name="option" checked={checked} onChange={choose} />
      <span>
        {option.label}, {formatMoney(option.price)}
        {option.readyAt && (
          <span className="muted">
            {isDelivered(option) ? " leaves " : " from "}
            <time dateTime={option.readyAt}>{formatTime(option.readyAt)}</time>
          </span>
        )}
      </span>
    </label>
  );
}

function Contact({ delivered }: { delivered: boolean }) {
  return (
    <fieldset className="contact">
      <legend>Your details</legend>
      <Field label="Name" name="name" autoComplete="name" required />
      <Field label="E-mail" name="email" type="email" autoComplete="email" required />
      {delivered && (
        <>
          <Field label="Street and number" name="line1" autoComplete="address-line1" required />
          <Field label="Postal code" name="postalCode" autoComplete="postal-code" required />
          <Field label="City" name="city" autoComplete="address-level2" required />
        </>
      )}
    </fieldset>
  );
}

function Field({ label, ...input }: { label: string } & React.InputHTMLAttributes<HTMLInputElement>) {
  return (
    <label className="field">
      {label}
      <input maxLength={200} {...input} />
    </label>
  );
}

function Total({ cart, option }: { cart: CartContentsFragment; option: Option | undefined }) {
  const variables = { input: { cartToken: cart.token ?? "", fulfillmentOptionToken: option?.token ?? "" } };
  const { data, previousData } = useQuery(PREVIEW, { variables, skip: !option, fetchPolicy: "no-cache" });
  const total = (data ?? previousData)?.orderPreview?.total ?? cart.total;
  return (
    <dl className="totals">
      <div>
        <dt>Goods</dt>
        <dd>{formatMoney(cart.total)}</dd>
      </div>
      {option && (
        <div>
          <dt>{isDelivered(option) ? "Delivery" : "Pickup"}</dt>
          <dd>{formatMoney(option.price)}</dd>
        </div>
      )}
      <div className="total">
        <dt>Total, including tax</dt>
        <dd>{formatMoney(total)}</dd>
      </div>
    </dl>
  );
}

/** Places the order of a cart, once. A choice that has changed is another order, and the former one is not sent again. */
function usePlaceOrder(cart: CartContentsFragment) {
  const client = useApolloClient();
  const navigate = useNavigate();
  const { forget, setMessage } = useCart();
  const cartToken = cart.token ?? "";

  function show(order: { accessToken?: string | null } | null | undefined): boolean {
    if (!order?.accessToken) return false;
    storeOrder(order.accessToken);
    forget();
    setMessage("");
    void navigate("/order");
    return true;
  }

  /** Shows the order if an earlier request, whose response was lost, has placed it. */
  async function showPlaced(): Promise<boolean> {
    const { data } = await client.query({ query: PLACED, variables: { cartToken }, fetchPolicy: "no-cache" });
    return data?.cart?.status === "ORDERED" && show(data.cart.order);
  }

  return async (option: Option, form: FormData): Promise<void> => {
    try {
      if (decision.get() && (await showPlaced())) return;
      const choice = await buildChoice(option, form);
      if (!choice) return;
      const intent = decision.decide(choice);
      const input = { ...intent.input, idempotencyKey: intent.key };
      const { data } = await client.mutate({ mutation: PLACE, variables: { input } });
      const payload = data?.orderPlace;
      if (!payload || show(payload.order)) return;
      if (!payload.userErrors.some(isUndecided)) decision.clear();
      setMessage(describeResult(payload));
    } catch {
      setMessage("The shop did not respond. Please try again: you will not be charged twice.");
    }
  };

  /** Builds what is ordered: what the customer sees. The gateway refuses the order if the total has changed since. */
  async function buildChoice(option: Option, form: FormData): Promise<Choice | null> {
    const chosen = { cartToken, fulfillmentOptionToken: option.token };
    const { data } = await client.query({ query: PREVIEW, variables: { input: chosen }, fetchPolicy: "no-cache" });
    const preview = data?.orderPreview;
    if (!preview || preview.userErrors.length > 0) {
      setMessage(preview ? describeResult(preview) : "The total cannot be computed at the moment.");
      return null;
    }
    const { amount, currencyCode } = preview.total;
    const text = (name: string) => String(form.get(name) ?? "");
    const delivered = isDelivered(option);
    const address = { name: text("name"), line1: text("line1"), postalCode: text("postalCode"), city: text("city") };
    return {
      ...chosen,
      cartVersion: cart.version,
      contact: { name: text("name"), email: text("email") },
      shippingAddress: delivered ? { ...address, countryCode: "GB" } : null,
      payments: [{ kind: delivered ? "PROVIDER" : "ON_COLLECTION", amount: { amount, currencyCode } }],
      expectedTotal: { amount, currencyCode },
    };
  }
}

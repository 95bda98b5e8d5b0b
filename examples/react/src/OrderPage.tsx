import { useQuery } from "@apollo/client/react";
import { graphql } from "../generated/gql";
import type { OrderQuery } from "../generated/graphql";
import { describeFulfillment, formatTime, formatTitle } from "./format";
import { useTitle } from "./Layout";
import { findOrder } from "./orders";
import { formatMoney } from "./price";
import { ShopText } from "./shops";

const ORDER = graphql(`
  query Order($accessToken: String!) {
    order(by: { accessToken: $accessToken }) {
      id
      number
      status
      paymentStatus
      payBy
      lines(first: 50) { nodes { id title quantity total { ...Money } } }
      shippingTotal { ...Money }
      total { ...Money }
      fulfillments {
        id
        method
        status
        pickupCode
        readyAt
        location { ...Shop }
        tracking { carrier number url }
      }
      events(first: 50) { nodes { id kind occurredAt message } }
    }
  }
`);

type PlacedOrder = NonNullable<OrderQuery["order"]>;
type Part = NonNullable<PlacedOrder["fulfillments"]>[number];

/** The order of this browser. It is read again every few seconds, as its parts are packed and shipped. */
export function OrderPage() {
  const accessToken = findOrder();
  const { data } = useQuery(ORDER, {
    variables: { accessToken: accessToken ?? "" },
    skip: accessToken === null,
    pollInterval: 5_000,
    fetchPolicy: "cache-and-network",
  });
  const order = data?.order;
  useTitle(order ? `Order ${order.number}` : "Order");
  if (accessToken === null) return <h1>There is no order in this browser.</h1>;
  if (!order) return <h1 aria-busy="true">Your order</h1>;
  return (
    <>
      <h1>Order {order.number}</h1>
      <p className="payment">{describePayment(order)}</p>
      {(order.fulfillments ?? []).map((part) => (
        <PartView key={part.id} part={part} />
      ))}
      <table>
        <caption className="visually-hidden">What you ordered</caption>
        <thead>
          <tr>
            <th scope="col">Item</th>
            <th scope="col">Quantity</th>
            <th scope="col">Total</th>
          </tr>
        </thead>
        <tbody>
          {order.lines?.nodes.map(({ id, title, quantity, total }) => (
            <tr key={id}>
              <td>{formatTitle(title)}</td>
              <td>{quantity}</td>
              <td>{total && formatMoney(total)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <h2>History</h2>
      <ol className="plain events">
        {order.events?.nodes.map(({ id, occurredAt, message }) => (
          <li key={id}>
            <time dateTime={occurredAt}>{formatTime(occurredAt)}</time> {message}
          </li>
        ))}
      </ol>
    </>
  );
}

function describePayment({ status, paymentStatus, total, payBy }: PlacedOrder): string {
  if (status === "CANCELLED" || status === "CANCELLING") return "Canceled";
  if (!total) return "";
  if (paymentStatus === "PAID") return `Paid: ${formatMoney(total)}`;
  return `To pay: ${formatMoney(total)}${payBy ? `, by ${formatTime(payBy)}` : ""}`;
}

function PartView({ part }: { part: Part }) {
  return (
    <section className="part" aria-label={part.method === "PICKUP" ? "Pickup" : "Delivery"}>
      <p>
        <strong role="status">{describeFulfillment(part.status)}</strong>
      </p>
      {part.method === "PICKUP" && part.location && <ShopText shop={part.location} distanceKm={null} />}
      {part.pickupCode && (
        <p>
          Your pickup code: <strong className="code">{part.pickupCode}</strong>
        </p>
      )}
      {part.tracking.map(({ carrier, number, url }) => (
        <p key={number}>
          {carrier} {url ? <a href={url}>{number}</a> : number}
        </p>
      ))}
    </section>
  );
}

/* Loyalty points: what a customer has, and how many of them a cart redeems. */
import { element, labeled } from "./dom.js";
import { formatMoney } from "./format.js";
import { mutate, query } from "./gateway.js";
import { describeResult, show, showMessage } from "./page.js";
import { getToken } from "./token.js";

export function describeBalance({ balance, worth }) {
  const value = (worth ?? []).map(formatMoney).join(" or ");
  return `You have ${balance} points${value && `, worth ${value}`}.`;
}

async function redeem(cart, cartToken, points) {
  const input = { cartToken, version: cart.version, points };
  try {
    showMessage(describeResult(await mutate("CartLoyaltySet", { key: crypto.randomUUID(), input })));
    await show();
  } catch (error) {
    showMessage(error.message);
  }
}

/* Creates the form in which the owner of a cart redeems points; null: there are none, or the cart is not theirs. */
export async function renderPoints({ token: cartToken }) {
  if (!getToken()) return null;
  const { cart, me } = await query("CartPoints", { cartToken });
  const balance = me?.loyalty?.balance ?? 0;
  if (!cart || balance <= 0 || cart.customer?.id !== me.id) return null;
  const field = element("input", { type: "number", name: "points", required: true, min: 0, max: balance, value: cart.loyaltyPoints });
  const send = (event) => {
    event.preventDefault();
    redeem(cart, cartToken, Number(field.value));
  };
  return element(
    "form",
    { class: "checkout", id: "redeem", onsubmit: send },
    element("p", {}, describeBalance(me.loyalty)),
    labeled("Points to redeem", field),
    cart.loyaltyDiscount && element("p", { id: "redeemed" }, `Redeemed: ${formatMoney(cart.loyaltyDiscount)}`),
    element("button", {}, "Redeem points"),
  );
}

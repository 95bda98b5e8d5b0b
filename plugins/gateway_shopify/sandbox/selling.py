"""What happens to orders: taken, fulfilled, refunded, cancelled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from gateway_shopify.sandbox.shop import Node, Shop, text

CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Sold:
    """So many of a variant, at this price each."""

    variant: Node
    quantity: int
    price: Decimal


def take_order(
    shop: Shop, lines: Sequence[Sold], *, customer: Node | None, at: datetime, fulfilled: bool = False
) -> Node:
    """An order, paid for. Its stock is not moved."""
    subtotal = sum((line.price * line.quantity for line in lines), Decimal(0))
    tax = tax_of(shop, subtotal)
    order = shop.add(
        "Order",
        name=f"#{1001 + len(shop.nodes.get('Order', {}))}",
        processedAt=text(at),
        updatedAt=text(at),
        cancelledAt=None,
        closed=False,
        email=customer["defaultEmailAddress"]["emailAddress"] if customer and customer["defaultEmailAddress"] else None,
        phone=None,
        taxesIncluded=shop.taxes_included,
        sourceIdentifier=None,
        displayFinancialStatus="PAID",
        displayFulfillmentStatus="UNFULFILLED",
        returnStatus="NO_RETURN",
        customer=customer,
        retailLocation=None,
        shippingAddress=customer["addressesV2"][0] if customer and customer["addressesV2"] else None,
        billingAddress=None,
        subtotalPriceSet=shop.money(subtotal),
        totalDiscountsSet=shop.money(Decimal("0.00")),
        totalTaxSet=shop.money(tax),
        totalShippingPriceSet=shop.money(Decimal("0.00")),
        totalPriceSet=shop.money(subtotal if shop.taxes_included else subtotal + tax),
        totalRefundedSet=shop.money(Decimal("0.00")),
        taxLines=[{"title": "VAT", "rate": float(shop.tax_rate), "priceSet": shop.money(tax)}] if tax else [],
        lineItems=[_line(shop, line) for line in lines],
        fulfillmentOrders=[],
        metafields={},
        claims=True,
        fulfillments=[],
        refunds=[],
        returns=[],
    )
    if fulfilled:
        fulfill(shop, order)
        order["updatedAt"] = text(at)
    return order


def tax_of(shop: Shop, amount: Decimal) -> Decimal:
    """The tax in an amount, or on it."""
    share = shop.tax_rate / (1 + shop.tax_rate) if shop.taxes_included else shop.tax_rate
    return (amount * share).quantize(CENT, ROUND_HALF_UP)


def _line(shop: Shop, line: Sold) -> Node:
    return shop.add(
        "LineItem",
        title=line.variant["product"]["title"],
        sku=line.variant["sku"],
        quantity=line.quantity,
        variant=line.variant,
        originalUnitPriceSet=shop.money(line.price),
        discountedTotalSet=shop.money(line.price * line.quantity),
    )


def fulfill(shop: Shop, order: Node) -> Node:
    """Everything has left, long ago."""
    items = [shop.add("FulfillmentLineItem", quantity=one["quantity"], lineItem=one) for one in order["lineItems"]]
    order["fulfillments"].append(shop.add("Fulfillment", status="SUCCESS", fulfillmentLineItems=items))
    order["displayFulfillmentStatus"] = "FULFILLED"
    return order


def refund(shop: Shop, order: Node, quantities: Mapping[str, int], *, at: datetime) -> Node:
    """Units are taken back, by SKU, and paid back."""
    items, back = [], Decimal(0)
    for line in order["lineItems"]:
        if units := quantities.get(line["sku"], 0):
            items.append({"quantity": units, "restockType": "RETURN", "lineItem": line})
            back += units * Decimal(line["originalUnitPriceSet"]["shopMoney"]["amount"])
    order["refunds"].append(shop.add("Refund", **{"return": None}, refundLineItems=items))
    total = Decimal(order["totalRefundedSet"]["shopMoney"]["amount"]) + back
    order["totalRefundedSet"] = shop.money(total)
    paid = Decimal(order["totalPriceSet"]["shopMoney"]["amount"])
    order["displayFinancialStatus"] = "REFUNDED" if total >= paid else "PARTIALLY_REFUNDED"
    order["updatedAt"] = text(at)
    return order

"""Orders: their lines with the units that were removed, shipped and refunded, and their amounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from gateway_shopify_sandbox.state import Node, Shop, format_instant

CENT = Decimal("0.01")
ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class SoldLine:
    """A sold quantity. `variant` None: an item that is not in the catalog. `price`: of one unit."""

    variant: Node | None
    quantity: int
    price: Decimal
    title: str | None = None


def create_order(
    shop: Shop, lines: Sequence[SoldLine], *, customer: Node | None, at: datetime, fulfilled: bool = False
) -> Node:
    """Create a paid order, without an effect on stock."""
    subtotal = sum((line.price * line.quantity for line in lines), Decimal(0))
    tax = compute_tax(shop, subtotal)
    total = subtotal if shop.taxes_included else subtotal + tax
    order = shop.add(
        "Order",
        name=f"#{1001 + len(shop.nodes.get('Order', {}))}",
        processedAt=format_instant(at),
        updatedAt=format_instant(at),
        cancelledAt=None,
        closed=False,
        test=False,
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
        subtotalPriceSet=shop.build_money(subtotal),
        totalDiscountsSet=shop.build_money(ZERO),
        currentTotalDiscountsSet=shop.build_money(ZERO),
        totalTaxSet=shop.build_money(tax),
        totalShippingPriceSet=shop.build_money(ZERO),
        shippingLine=None,
        totalTipReceivedSet=shop.build_money(ZERO),
        dutiesIncluded=False,
        originalTotalDutiesSet=None,
        additionalFees=[],
        totalCashRoundingAdjustment=build_rounding(shop, ZERO),
        totalPriceSet=shop.build_money(total),
        totalReceivedSet=shop.build_money(total),
        totalRefundedSet=shop.build_money(ZERO),
        taxLines=[build_tax_line(shop, "VAT", float(shop.tax_rate), tax)] if tax else [],
        lineItems=[build_line(shop, line) for line in lines],
        fulfillmentOrders=[],
        metafields={},
        claims=True,
        fulfillments=[],
        refunds=[],
        returns=[],
    )
    if fulfilled:
        fulfill_order(shop, order)
        order["updatedAt"] = format_instant(at)
    return order


def build_rounding(shop: Shop, amount: Decimal) -> Node:
    """Build the rounding of payments in cash."""
    return {"paymentSet": shop.build_money(amount)}


def build_tax_line(shop: Shop, title: str, rate: float, amount: Decimal) -> Node:
    """Build a tax line."""
    return {"title": title, "rate": rate, "priceSet": shop.build_money(amount)}


def compute_tax(shop: Shop, amount: Decimal) -> Decimal:
    """Compute the tax that is included in an amount, or added to it."""
    share = shop.tax_rate / (1 + shop.tax_rate) if shop.taxes_included else shop.tax_rate
    return (amount * share).quantize(CENT, ROUND_HALF_UP)


def get_amount(bag: Mapping[str, Mapping[str, str]]) -> Decimal:
    """Return the amount of a money bag in the shop's currency."""
    return Decimal(bag["shopMoney"]["amount"])


def build_line(shop: Shop, line: SoldLine) -> Node:
    """Build a line of an order.

    Of its quantity, `removed` units were taken off before they were shipped, and `refunded` ones were refunded
    otherwise, of which `returned` ones had been shipped and were restocked.
    """
    product = None if line.variant is None else line.variant["product"]
    return shop.add(
        "LineItem",
        title=line.title if product is None else product["title"],
        sku=None if line.variant is None else line.variant["sku"],
        quantity=line.quantity,
        variant=line.variant,
        originalUnitPriceSet=shop.build_money(line.price),
        discountedTotalSet=shop.build_money(line.price * line.quantity),
        removed=0,
        refunded=0,
        shipped=0,
        returned=0,
    )


def get_unit_price(line: Node) -> Decimal:
    """Return the price of one unit of a line."""
    return get_amount(line["originalUnitPriceSet"])


def count_unshipped(line: Node) -> int:
    """Count the units of a line that are still to be shipped."""
    return int(line["quantity"] - line["removed"] - line["shipped"])


def compute_current_subtotal(order: Node) -> Decimal:
    """Compute the price of the units that were neither removed nor refunded."""
    gone = sum((get_unit_price(line) * (line["removed"] + line["refunded"]) for line in order["lineItems"]), Decimal(0))
    return get_amount(order["subtotalPriceSet"]) - gone


def compute_current_tax(shop: Shop, order: Node) -> Decimal:
    """Compute the tax of the units that were neither removed nor refunded."""
    subtotal, tax = get_amount(order["subtotalPriceSet"]), get_amount(order["totalTaxSet"])
    if not subtotal:
        return tax
    return (tax * compute_current_subtotal(order) / subtotal).quantize(CENT, ROUND_HALF_UP)


def compute_current_total(shop: Shop, order: Node) -> Decimal:
    """Compute the total of the units that were neither removed nor refunded."""
    gone = get_amount(order["subtotalPriceSet"]) - compute_current_subtotal(order)
    tax = get_amount(order["totalTaxSet"]) - compute_current_tax(shop, order)
    return get_amount(order["totalPriceSet"]) - gone - (0 if order["taxesIncluded"] else tax)


def add_to_totals(shop: Shop, order: Node, amount: Decimal) -> None:
    """Add the price of units to the amounts of an order, with its tax."""
    tax = compute_tax(shop, amount)
    added = {"subtotalPriceSet": amount, "totalTaxSet": tax}
    added["totalPriceSet"] = amount + (0 if order["taxesIncluded"] else tax)
    for field, more in added.items():
        order[field] = shop.build_money(get_amount(order[field]) + more)
    if order["taxLines"]:
        line = order["taxLines"][0]
        line["priceSet"] = shop.build_money(get_amount(line["priceSet"]) + tax)


def fulfill_order(shop: Shop, order: Node) -> Node:
    """Mark all units as shipped, without an effect on stock."""
    items = [shop.add("FulfillmentLineItem", quantity=line["quantity"], lineItem=line) for line in order["lineItems"]]
    order["fulfillments"].append(shop.add("Fulfillment", status="SUCCESS", location=None, fulfillmentLineItems=items))
    for line in order["lineItems"]:
        line["shipped"] = line["quantity"]
    order["displayFulfillmentStatus"] = "FULFILLED"
    return order

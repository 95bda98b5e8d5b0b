"""Charges of orders beside lines and taxes: shipping, tips, duties, fees, and rounding of cash."""

from __future__ import annotations

from gateway.sdk import Money, OrderCharge, OrderChargeKind, json_access
from gateway_shopify import graphql_values
from gateway_shopify.graphql_values import Node


def map_shipping(node: Node) -> Money | None:
    """Map the shipping cost after discounts. Records that were stored by earlier versions have it before discounts."""
    line = json_access.get_optional_object(node, "shippingLine")
    discounted = None if line is None else graphql_values.get_shop_money(line, "discountedPriceSet")
    return graphql_values.get_shop_money(node, "totalShippingPriceSet") if discounted is None else discounted


def map_charges(node: Node) -> tuple[OrderCharge, ...]:
    """Map all charges that are in the total but not in the subtotal."""
    amounts = [
        (OrderChargeKind.TIP, "Tip", graphql_values.get_shop_money(node, "totalTipReceivedSet")),
        (OrderChargeKind.DUTY, "Duties", _get_duties(node)),
        *((OrderChargeKind.OTHER, name, amount) for name, amount in _list_fees(node)),
        (OrderChargeKind.ROUNDING, "Cash rounding", _get_cash_rounding(node)),
    ]
    return tuple(
        OrderCharge(kind=kind, title=title, amount=amount)
        for kind, title, amount in amounts
        if amount is not None and amount.minor
    )


def add_cash_rounding(node: Node, total: Money | None) -> Money | None:
    """Return the amount to pay: the shop's total, which does not contain the rounding of cash, and that rounding."""
    rounding = _get_cash_rounding(node)
    return total if total is None or rounding is None else Money(total.minor + rounding.minor, total.currency_code)


def _get_cash_rounding(node: Node) -> Money | None:
    adjustment = json_access.get_optional_object(node, "totalCashRoundingAdjustment")
    return None if adjustment is None else graphql_values.get_shop_money(adjustment, "paymentSet")


def _get_duties(node: Node) -> Money | None:
    """Return the duties, unless the subtotal contains them."""
    included = node.get("dutiesIncluded") is True
    return None if included else graphql_values.get_shop_money(node, "originalTotalDutiesSet")


def _list_fees(node: Node) -> list[tuple[str, Money | None]]:
    fees = [] if node.get("additionalFees") is None else json_access.get_objects(node, "additionalFees")
    return [(json_access.get_text(fee, "name"), graphql_values.get_shop_money(fee, "price")) for fee in fees]

"""Proceeds of orders: amounts by category, for each item, and of the order for those that no item has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from gateway.sdk import Money, OrderCharge, OrderChargeKind
from gateway.sdk.json_access import Shape
from gateway_amazon.json_values import get_optional_money, get_optional_objects, sum_amounts

CHARGE_KINDS: Mapping[str, OrderChargeKind] = MappingProxyType(
    {
        "GIFT_WRAP": OrderChargeKind.GIFT_WRAP,
        "COD_FEE": OrderChargeKind.CASH_ON_DELIVERY,
        "OTHER": OrderChargeKind.OTHER,
    }
)
"""Kinds of charges by Amazon's category."""


def map_charges(order: Shape, items: Sequence[Shape]) -> tuple[OrderCharge, ...]:
    """Map the charges beside items, shipping and taxes, after discounts. A tip is of the order, not of an item."""
    amounts = {
        name: sum_amounts([amount for item in items for amount in get_discounted(item, name)]) for name in CHARGE_KINDS
    }
    amounts["DELIVERY_TIP"] = sum_amounts(get_breakdown(order, "DELIVERY_TIP"))
    return tuple(
        OrderCharge(kind=CHARGE_KINDS.get(name, OrderChargeKind.TIP), title=name, amount=amount)
        for name, amount in amounts.items()
        if amount is not None and amount.minor
    )


def is_tax_added(total: Money | None, tax: Money | None, parts: Sequence[Money | None]) -> bool:
    """Whether an order's amounts show that they do not contain its tax: only with it they add up to the total.

    Business prices have no tax also where prices for consumers do.
    """
    if total is None or tax is None or not tax.minor:
        return False
    return sum_amounts([tax, *(part for part in parts if part is not None)]) == total


def get_discounted(item: Shape, kind: str) -> list[Money]:
    """Return the amounts of one kind in the proceeds of a line, and its discounts as negative amounts."""
    return [*get_breakdown(item, kind), *list_discounts(item, kind)]


def list_discounts(item: Shape, kind: str) -> list[Money]:
    """Return the discounts on one kind in the proceeds of a line, as negative amounts."""
    return _reverse_signs(get_breakdown(item, "DISCOUNT", kind))


def get_breakdown(item: Shape, kind: str, on: str | None = None) -> list[Money]:
    """Return the amounts of one kind in the proceeds of a line or an order. Discounts are positive: Amazon does not
    document their sign.

    Args:
        on: Of discounts, what they apply to: ITEM or SHIPPING. A discount without a subtype applies to items.
    """
    values: list[Money | None] = []
    for breakdown in get_optional_objects(item, "proceeds", "breakdowns"):
        details = get_optional_objects(breakdown, "detailedBreakdowns") if on else []
        if breakdown.get("type") == kind and details:
            values += [get_optional_money(detail, "value") for detail in details if detail.get("subtype") == on]
        elif breakdown.get("type") == kind and on in (None, "ITEM"):
            values.append(get_optional_money(breakdown, "subtotal"))
    amounts = [amount for amount in values if amount is not None]
    return (
        [amount for amount in (*_reverse_signs(amounts), *amounts) if amount.minor > 0]
        if kind == "DISCOUNT"
        else amounts
    )


def _reverse_signs(amounts: list[Money]) -> list[Money]:
    return [Money(-amount.minor, amount.currency_code) for amount in amounts]

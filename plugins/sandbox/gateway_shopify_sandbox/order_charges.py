"""Charges of orders beside lines and taxes: shipping, tips, duties, fees, and rounding of cash."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from gateway_shopify_sandbox.orders import ZERO, build_rounding, get_amount
from gateway_shopify_sandbox.state import Node, Shop


@dataclass(frozen=True, slots=True)
class Charges:
    """Charges of an order. `shipping_discount`: of the shipping cost; `rounding`: of its payment in cash."""

    shipping: Decimal = ZERO
    shipping_discount: Decimal = ZERO
    tip: Decimal = ZERO
    duties: Decimal = ZERO
    fees: Mapping[str, Decimal] = field(default_factory=dict)
    rounding: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        """What the charges add to the total of the order, which does not contain the rounding."""
        return self.shipping - self.shipping_discount + self.tip + self.duties + sum(self.fees.values(), ZERO)


def build_shipping_line(shop: Shop, price: Decimal, discount: Decimal = ZERO) -> Node:
    """Build the summary of the shipping cost."""
    return {"discountedPriceSet": shop.build_money(price - discount)}


def charge_order(shop: Shop, order: Node, charges: Charges) -> None:
    """Charge a paid order without charges."""
    paid = charges.total + charges.rounding
    order.update(
        totalShippingPriceSet=shop.build_money(charges.shipping),
        shippingLine=build_shipping_line(shop, charges.shipping, charges.shipping_discount),
        totalDiscountsSet=shop.build_money(get_amount(order["totalDiscountsSet"]) + charges.shipping_discount),
        totalTipReceivedSet=shop.build_money(charges.tip),
        originalTotalDutiesSet=shop.build_money(charges.duties) if charges.duties else None,
        additionalFees=[{"name": name, "price": shop.build_money(price)} for name, price in charges.fees.items()],
        totalCashRoundingAdjustment=build_rounding(shop, charges.rounding),
        totalPriceSet=shop.build_money(get_amount(order["totalPriceSet"]) + charges.total),
        totalReceivedSet=shop.build_money(get_amount(order["totalReceivedSet"]) + paid),
    )
    shop.touch(order, "orders/updated")

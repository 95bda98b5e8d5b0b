"""Prices of a cart that is ordered: today's prices and taxes, less what is redeemed (rules O6, P4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from gateway.commerce.checkout import discounts, taxes
from gateway.commerce.checkout.fulfillment_options import price_needs
from gateway.commerce.checkout.taxes import PricedGoods
from gateway.commerce.config import SellingConfig
from gateway.commerce.loyalty.redemption import PointsDiscount, compute_discount
from gateway.commerce.orders.order_request import CheckoutCart
from gateway.model.locations import Address


class CartPrices(NamedTuple):
    """The goods of a cart at their prices, in the order of its lines, and the points that lower them."""

    goods: Sequence[PricedGoods]
    points: PointsDiscount


def price_cart(cart: CheckoutCart, address: Address | None, config: SellingConfig) -> CartPrices:
    """Price a cart."""
    goods = price_needs(cart.list_needs(), cart.offers, address, config)
    points = compute_discount(
        cart.row.loyalty_points, cart.row.currency, max(taxes.sum_gross(goods), 0), config.loyalty
    )
    return CartPrices(apply_discount(goods, [line.id for line in cart.lines], points.minor), points)


def apply_discount(goods: Sequence[PricedGoods], line_ids: Sequence[str], discount: int) -> list[PricedGoods]:
    """Cut a discount over goods."""
    amounts = taxes.compute_amounts(goods)
    gross = {id_: line.gross for id_, line in zip(line_ids, amounts, strict=True)}
    shares = discounts.allocate_discount(discount, gross)
    return [replace(priced, discount=shares[id_]) for id_, priced in zip(line_ids, goods, strict=True)]

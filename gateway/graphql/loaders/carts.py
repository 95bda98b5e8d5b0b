"""Loaders of carts. A client sees carts whose token it sent; the scope `carts:read` allows all carts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Annotated

import strawberry

from gateway.commerce.checkout import taxes
from gateway.commerce.checkout.sellable import find_max_quantities
from gateway.commerce.checkout.taxes import PricedGoods
from gateway.commerce.loyalty.redemption import compute_discount
from gateway.commerce.orders.cart_prices import apply_discount
from gateway.execution.context import Context
from gateway.graphql.arguments import After, First
from gateway.graphql.connections import Connection, Paging, load_pages
from gateway.graphql.cursors import compute_fingerprint
from gateway.graphql.loaders.catalog import load_sold_variants
from gateway.graphql.loaders.customers.ownership import select_own_homes
from gateway.graphql.loaders.stock import (
    derive_stock_status,
    is_untracked,
    list_selling_locations,
    load_levels_by_variant,
    sum_available,
)
from gateway.graphql.runtime_protocol import build_selling_context, get_runtime
from gateway.model.carts import Cart, CartChange, CartLine, CartStatus
from gateway.model.media import Image
from gateway.model.money import Money, to_exact_minor
from gateway.model.stock import StockLevel, StockStatus
from gateway.sdk.policies import Goods
from gateway.storage.reads import carts
from gateway.storage.sql.keyset import Rows

MAX_CART_CHANGES = 200


async def load_carts(context: Context, ids: Sequence[str]) -> Sequence[Cart | None]:
    """Load carts by ID; a cart that the caller may not see is None."""
    may_see = context.caller.has_scope("carts:read") or context.identity_id is not None
    rows = await context.read(carts.find_carts, [id_ for id_ in ids if may_see or id_ in context.owned_ids])
    await _claim_carts(context, rows.values())
    return [
        _complete_cart(context, cart) if (cart := rows.get(id_)) is not None and _can_see(context, cart) else None
        for id_ in ids
    ]


def _can_see(context: Context, cart: Cart) -> bool:
    """Return whether the caller owns the cart, or may see all carts of its channel."""
    sees_channel = context.caller.has_scope("carts:read") and context.can_see_channel(cart.channel_key)
    return cart.id in context.owned_ids or sees_channel


async def _claim_carts(context: Context, rows: Iterable[Cart]) -> None:
    """Note which of these carts are the shopper's own."""
    owned = [cart for cart in rows if cart.customer_id is not None]
    own_homes = await select_own_homes(context, (cart.customer_id for cart in owned))
    for cart in owned:
        if cart.customer_id in own_homes:
            context.accept_own(cart.id)


def _complete_cart(context: Context, cart: Cart) -> Cart:
    """Add the taxes, and the token if the caller has it. A channel that was removed sells nothing (rule G1)."""
    if cart.status is CartStatus.ACTIVE and cart.channel_key not in context.gateway.channels:
        cart = replace(cart, lines=tuple(replace(line, unit_price=None) for line in cart.lines))
    selling = get_runtime(context).selling
    rates = selling.taxes([Goods(cart.channel_key, line.sku, line.title) for line in cart.lines], None)
    goods = [
        PricedGoods(
            to_exact_minor(line.price_micros, line.unit_price.minor, cart.currency_code),
            line.quantity,
            line.price_includes_tax,
            rate,
            selling.get_rounding(cart.channel_key),
        )
        for line, rate in zip(cart.lines, rates, strict=True)
        if line.unit_price is not None
    ]
    points = compute_discount(cart.loyalty_points, cart.currency_code, max(taxes.sum_gross(goods), 0), selling.loyalty)
    line_ids = [line.id for line in cart.lines if line.unit_price is not None]
    goods = apply_discount(goods, line_ids, points.minor)
    tax = Money(taxes.sum_tax(goods), cart.currency_code) if taxes.has_known_rates(goods) else None
    added = taxes.sum_gross(goods) - cart.subtotal.minor
    return replace(
        cart,
        token=context.tokens.get(cart.id),
        tax_total=tax,
        tax_added=added,
        loyalty_points=points.points,
        loyalty_discount=Money(points.minor, cart.currency_code) if points.points else None,
    )


async def load_carts_by_customer(
    context: Context, ids: Sequence[str], *, first: First = None, after: After = None
) -> Sequence[Connection[Cart]]:
    fingerprint = compute_fingerprint("Customer.carts")
    pages = await load_pages(context, _list_carts(context), ids, Paging(first, after), fingerprint)
    cart_ids = [id_ for page in pages for id_ in page.nodes]
    by_id = dict(zip(cart_ids, await context.load_all(load_carts, cart_ids), strict=True))
    return [page.replace_nodes([by_id[id_] for id_ in page.nodes]) for page in pages]


def _list_carts(context: Context) -> Rows[str]:
    """List the carts of customers. Shoppers see their own in all channels."""
    if context.identity_id is not None:
        return carts.list_carts_of_customers(None, proved=True)
    return carts.list_carts_of_customers(context.visibility.channels)


async def load_cart_changes(
    context: Context,
    ids: Sequence[str],
    *,
    since_version: Annotated[int, strawberry.argument(description="The cart version that the client read last.")],
) -> Sequence[list[CartChange]]:
    changes = await context.read(carts.find_changes, ids, since_version, MAX_CART_CHANGES)
    return [changes[id_] for id_ in ids]


async def load_cart_lines(context: Context, keys: Sequence[tuple[str, str]]) -> Sequence[CartLine | None]:
    """Load cart lines by (cart ID, line ID)."""
    cart_ids = list(dict.fromkeys(cart_id for cart_id, _ in keys))
    loaded = [cart for cart in await context.load_all(load_carts, cart_ids) if cart is not None]
    lines = {(cart.id, line.id): line for cart in loaded for line in cart.lines}
    return [lines.get(key) for key in keys]


async def load_max_quantities(context: Context, lines: Sequence[CartLine]) -> Sequence[int | None]:
    """Load how often each line can be ordered now, as far as the caller may know; None: the stock is not tracked."""
    return await context.read(find_max_quantities, lines, build_selling_context(context))


async def load_variant_images(context: Context, ids: Sequence[str]) -> Sequence[Image | None]:
    variants = await context.load_all(load_sold_variants, ids)
    return [None if variant is None else variant.image for variant in variants]


async def load_line_stock_statuses(context: Context, lines: Sequence[CartLine]) -> Sequence[StockStatus]:
    """Load the availability of each line over all locations from which the cart's channel sells."""
    levels_by_line = await context.load_all(load_levels_by_variant, [line.variant_id or "" for line in lines])
    quantities = await context.load_all(load_max_quantities, lines)
    return [_derive_status(context, *values) for values in zip(lines, levels_by_line, quantities, strict=True)]


def _derive_status(
    context: Context, line: CartLine, levels: Sequence[StockLevel], max_quantity: int | None
) -> StockStatus:
    keys = {location.key for location in list_selling_locations(context, line.channel_key)}
    sold = [level for level in levels if level.location_key in keys]
    low = context.gateway.settings.stock.low
    status = derive_stock_status(sum_available(context, sold), low, is_untracked=is_untracked(sold))
    is_in_stock = status in (StockStatus.IN_STOCK, StockStatus.LOW_STOCK)
    return StockStatus.OUT_OF_STOCK if is_in_stock and max_quantity == 0 else status

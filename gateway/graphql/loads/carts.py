"""Carts: seen by whoever holds the token, and by those who may see all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated

import strawberry

from gateway.commerce import taxes
from gateway.commerce.routes import places_for
from gateway.commerce.taxes import Priced
from gateway.execution.context import Context
from gateway.graphql.arguments import After, First
from gateway.graphql.connections import Connection, Paging, fingerprint, pages_of
from gateway.graphql.house import house
from gateway.graphql.loads import catalog, stock
from gateway.graphql.loads.stock import status_of
from gateway.model.carts import Cart, CartChange, CartLine
from gateway.model.catalog import Image
from gateway.model.money import Money
from gateway.model.stock import StockLevel, StockStatus
from gateway.sdk.policies import Goods
from gateway.storage import carts as stored
from gateway.storage import levels as shelves
from gateway.storage.levels import Available

MOST_CHANGES = 200


async def carts(context: Context, ids: Sequence[str]) -> Sequence[Cart | None]:
    """Carts by id; those of others are not there."""
    seen = [id_ for id_ in ids if id_ in context.own or context.caller.may("carts:read")]
    found = await context.read(stored.by_ids, seen)
    return [None if id_ not in found else _whole(context, found[id_]) for id_ in ids]


def _whole(context: Context, cart: Cart) -> Cart:
    """With its token, where the caller has it; and with its taxes."""
    selling = house(context).selling
    rates = selling.taxes([Goods(cart.channel_key, line.sku, line.title) for line in cart.lines], None)
    goods = [
        Priced(line.unit_price.minor, line.quantity, line.price_includes_tax, rate)
        for line, rate in zip(cart.lines, rates, strict=True)
        if line.unit_price is not None
    ]
    tax = Money(taxes.tax(goods), cart.currency_code) if taxes.known(goods) else None
    added = taxes.gross(goods) - cart.subtotal.minor
    return replace(cart, token=context.tokens.get(cart.id), tax_total=tax, tax_added=added)


async def carts_of_customers(
    context: Context, ids: Sequence[str], *, first: First = None, after: After = None
) -> Sequence[Connection[Cart]]:
    pages = await pages_of(context, stored.of_customers(), ids, Paging(first, after), fingerprint("Customer.carts"))
    wanted = [id_ for page in pages for id_ in page.nodes]
    found = dict(zip(wanted, await context.load_all(carts, wanted), strict=True))
    return [page.holding([found[id_] for id_ in page.nodes]) for page in pages]


async def changes(
    context: Context,
    ids: Sequence[str],
    *,
    since_version: Annotated[int, strawberry.argument(description="The version that the caller saw last.")],
) -> Sequence[list[CartChange]]:
    found = await context.read(stored.changes_since, ids, since_version, MOST_CHANGES)
    return [found[id_] for id_ in ids]


async def lines_of_carts(context: Context, keys: Sequence[tuple[str, str]]) -> Sequence[CartLine | None]:
    """Lines by (cart, line)."""
    wanted = list(dict.fromkeys(cart for cart, _ in keys))
    found = dict(zip(wanted, await context.load_all(carts, wanted), strict=True))
    known = {(cart.id, line.id): line for cart in found.values() if cart is not None for line in cart.lines}
    return [known.get(key) for key in keys]


async def max_quantities(context: Context, lines: Sequence[CartLine]) -> Sequence[int | None]:
    """How many units of each could be had from all the places that orders are served from. None: nobody counts."""
    ground = house(context).selling.ground
    places = shelves.counted(places_for(ground), ground.buffers)
    wanted = [line.variant_id for line in lines if line.variant_id]
    found = await context.read(shelves.available_at, wanted, places)
    return [_most(found.get(line.variant_id or "", {})) for line in lines]


def _most(known: Mapping[str, Available]) -> int | None:
    units = [one.units for one in known.values()]
    return None if None in units else sum(one or 0 for one in units)


async def images(context: Context, ids: Sequence[str]) -> Sequence[Image | None]:
    """A picture of each variant, where there is one."""
    found = await context.load_all(catalog.sold_variants, ids)
    return [None if variant is None else variant.image for variant in found]


async def stock_statuses(context: Context, lines: Sequence[CartLine]) -> Sequence[StockStatus]:
    """What a shopper is told of each."""
    levels = await context.load_all(stock.levels_of_variants, [line.variant_id or "" for line in lines])
    places = {place.key for place in places_for(house(context).selling.ground)}
    kept = [[level for level in some if level.location_key in places] for some in levels]
    return [_status(context, some) for some in kept]


def _status(context: Context, levels: Sequence[StockLevel]) -> StockStatus:
    return status_of(levels, stock.promised(context, levels), context.gateway.settings.stock.low)

"""Loaders of orders, their lines, fulfillments, payments and events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import strawberry

from gateway.commerce.fulfillment.handover import COLLECTED_METHODS
from gateway.commerce.tokens import compute_pickup_code
from gateway.execution.context import Batch, Context
from gateway.graphql.arguments import After, Before, First, Last
from gateway.graphql.connections import Connection, Paging, load_pages
from gateway.graphql.cursors import compute_fingerprint
from gateway.graphql.filters import build_customer_order_query
from gateway.graphql.inputs import CustomerOrderFilter
from gateway.graphql.loaders.customers.ownership import claim_orders
from gateway.graphql.loaders.factories import Read, make_group_loader, make_loader
from gateway.graphql.runtime_protocol import get_runtime
from gateway.model.orders import Fulfillment, FulfillmentStatus, Order, OrderEvent, OrderLine
from gateway.storage.reads import fulfillments, orders
from gateway.storage.reads.orders import MappedLocations

VOID_STATES = (FulfillmentStatus.CANCELLED, FulfillmentStatus.REJECTED)
"""States in which a pickup has no code any more."""


async def claim_parts(context: Context, parts: Iterable[Any]) -> None:
    """Note which orders of these parts are the shopper's own."""
    if context.identity_id is not None:
        await context.load_all(load_orders, list(dict.fromkeys(part.order_id for part in parts)))


def make_part_loader(read: Read) -> Batch:
    """Return a loader of parts of orders."""

    async def load(context: Context, keys: Sequence[str]) -> Sequence[Any]:
        rows = await context.read(read, keys)
        await claim_parts(context, rows.values())
        return [rows.get(key) for key in keys]

    return load


load_order_lines = make_part_loader(orders.find_lines)
load_payments = make_part_loader(fulfillments.find_payments)
load_payments_by_order = make_group_loader(fulfillments.find_payments_of_orders)
load_channel_orders = make_loader(fulfillments.find_channel_orders)
load_channel_orders_by_order = make_group_loader(fulfillments.find_channel_orders_of_orders)
load_order_events = make_part_loader(fulfillments.find_events)
load_attention = make_group_loader(fulfillments.find_attention)


def map_location_keys(context: Context) -> MappedLocations:
    """Return the keys of the locations by (channel key, external location ID)."""
    locations = context.gateway.locations.values()
    return {
        (channel, external_id): location.key
        for location in locations
        for channel, external_id in location.external_ids.items()
    }


async def load_orders(context: Context, ids: Sequence[str]) -> Sequence[Order | None]:
    """Load the orders of channels that the caller sees, and its own."""
    rows = await claim_orders(context, await context.read(orders.find_orders, ids, map_location_keys(context)))
    return [order if (order := rows.get(id_)) is not None and can_see_order(context, order) else None for id_ in ids]


def can_see_order(context: Context, order: Order) -> bool:
    """Return whether the caller sees the order's channel, owns the order, or knows it as a guest."""
    sees_channel = context.can_see_channel(order.channel_key)
    return sees_channel or context.is_own(order) or context.is_known_to_guest(order)


async def load_fulfillments(context: Context, ids: Sequence[str]) -> Sequence[Fulfillment | None]:
    """Load the fulfillments at locations of the caller, and its own."""
    rows = await context.read(fulfillments.find_fulfillments, ids)
    await claim_parts(context, rows.values())
    return [row if (row := rows.get(id_)) is not None and _can_see(context, row) else None for id_ in ids]


async def load_fulfillments_by_order(context: Context, ids: Sequence[str]) -> Sequence[Sequence[Fulfillment]]:
    rows = await context.read(fulfillments.find_fulfillments_of_orders, ids)
    return [[row for row in rows[id_] if _can_see(context, row)] for id_ in ids]


def _can_see(context: Context, fulfillment: Fulfillment) -> bool:
    can_act = context.caller.can_act_at(fulfillment.location_key)
    return can_act or context.is_own(fulfillment) or context.is_known_to_guest(fulfillment)


async def load_lines_by_order(
    context: Context,
    ids: Sequence[str],
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Sequence[Connection[OrderLine]]:
    paging, fingerprint = Paging(first, after, last, before), compute_fingerprint("Order.lines")
    return await load_pages(context, orders.list_lines_of_orders(), ids, paging, fingerprint)


async def load_access_tokens(context: Context, ids: Sequence[str]) -> Sequence[str | None]:
    """Load the access tokens of orders that this client placed; one that sent such a token has it already."""
    return [context.tokens.get(id_) if id_ in context.placed_order_ids else None for id_ in ids]


async def load_pickup_codes(context: Context, items: Sequence[Fulfillment]) -> Sequence[str | None]:
    secret = get_runtime(context).selling.secret
    return [
        compute_pickup_code(secret, item.id, item.code_rotation)
        if item.method in COLLECTED_METHODS and item.status not in VOID_STATES and context.is_own(item)
        else None
        for item in items
    ]


async def load_events_by_order(
    context: Context,
    ids: Sequence[str],
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Sequence[Connection[OrderEvent]]:
    paging, fingerprint = Paging(first, after, last, before), compute_fingerprint("Order.events")
    return await load_pages(context, fulfillments.list_events_of_orders(), ids, paging, fingerprint)


async def load_orders_by_customer(
    context: Context,
    ids: Sequence[str],
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    filter: Annotated[CustomerOrderFilter | None, strawberry.argument(description="Filter for the orders.")] = None,
) -> Sequence[Connection[Order]]:
    query, is_shopper = build_customer_order_query(context, filter), context.identity_id is not None
    rows = orders.list_orders_of_customers(query, map_location_keys(context), proved=is_shopper)
    fingerprint = compute_fingerprint("Customer.orders", filter)
    pages = await load_pages(context, rows, ids, Paging(first, after, last, before), fingerprint)
    claimed = await claim_orders(context, {order.id: order for page in pages for order in page.nodes})
    return [page.replace_nodes([claimed[order.id] for order in page.nodes]) for page in pages]

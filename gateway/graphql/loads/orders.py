"""Orders and their lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import strawberry

from gateway.commerce.credentials import pickup_code
from gateway.execution.context import Context
from gateway.graphql.arguments import After, Before, First, Last
from gateway.graphql.connections import Connection, Paging, fingerprint, pages_of
from gateway.graphql.house import house
from gateway.graphql.inputs import CustomerOrderFilter
from gateway.graphql.queries.filters import customer_orders
from gateway.model.channels import FulfillmentMethod
from gateway.model.orders import ChannelOrder, Fulfillment, Order, OrderAttention, OrderEvent, OrderLine, Payment
from gateway.storage import order_parts as parts
from gateway.storage import orders as stored
from gateway.storage.orders import Places


def places(context: Context) -> Places:
    """Keys of the locations, by what each channel calls them."""
    known = context.gateway.locations.values()
    return {(channel, place): one.key for one in known for channel, place in one.external_ids.items()}


async def orders(context: Context, ids: Sequence[str]) -> Sequence[Order | None]:
    found = await context.read(stored.orders_by_id, ids, places(context))
    return [found.get(key) for key in ids]


async def order_lines(context: Context, ids: Sequence[str]) -> Sequence[OrderLine | None]:
    found = await context.read(stored.lines_by_id, ids)
    return [found.get(key) for key in ids]


async def lines_of_orders(
    context: Context,
    ids: Sequence[str],
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Sequence[Connection[OrderLine]]:
    paging, mark = Paging(first, after, last, before), fingerprint("Order.lines")
    return await pages_of(context, stored.lines_of_orders(), ids, paging, mark)


async def access_tokens(context: Context, ids: Sequence[str]) -> Sequence[str | None]:
    """Of those that were placed just now: whoever came with a token has it already."""
    return [context.tokens.get(id_) if id_ in context.placed else None for id_ in ids]


async def pickup_codes(context: Context, found: Sequence[Fulfillment]) -> Sequence[str | None]:
    secret = house(context).selling.secret
    return [
        pickup_code(secret, one.id) if one.method is FulfillmentMethod.PICKUP and context.is_own(one) else None
        for one in found
    ]


async def attention(context: Context, ids: Sequence[str]) -> Sequence[list[OrderAttention]]:
    found = await context.read(parts.attention_of, ids)
    return [found[id_] for id_ in ids]


async def fulfillments(context: Context, ids: Sequence[str]) -> Sequence[Fulfillment | None]:
    found = await context.read(parts.fulfillments_by_id, ids)
    return [found.get(key) for key in ids]


async def fulfillments_of_orders(context: Context, ids: Sequence[str]) -> Sequence[list[Fulfillment]]:
    found = await context.read(parts.fulfillments_of, ids)
    return [found[id_] for id_ in ids]


async def payments(context: Context, ids: Sequence[str]) -> Sequence[Payment | None]:
    found = await context.read(parts.payments_by_id, ids)
    return [found.get(key) for key in ids]


async def payments_of_orders(context: Context, ids: Sequence[str]) -> Sequence[list[Payment]]:
    found = await context.read(parts.payments_of, ids)
    return [found[id_] for id_ in ids]


async def channel_orders(context: Context, ids: Sequence[str]) -> Sequence[ChannelOrder | None]:
    found = await context.read(parts.channel_orders_by_id, ids)
    return [found.get(key) for key in ids]


async def channel_orders_of_orders(context: Context, ids: Sequence[str]) -> Sequence[list[ChannelOrder]]:
    found = await context.read(parts.channel_orders_of, ids)
    return [found[id_] for id_ in ids]


async def events(context: Context, ids: Sequence[str]) -> Sequence[OrderEvent | None]:
    found = await context.read(parts.events_by_id, ids)
    return [found.get(key) for key in ids]


async def events_of_orders(
    context: Context,
    ids: Sequence[str],
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Sequence[Connection[OrderEvent]]:
    paging, mark = Paging(first, after, last, before), fingerprint("Order.events")
    return await pages_of(context, parts.events_of_orders(), ids, paging, mark)


async def orders_of_customers(
    context: Context,
    ids: Sequence[str],
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    filter: Annotated[CustomerOrderFilter | None, strawberry.argument(description="Which of her orders.")] = None,
) -> Sequence[Connection[Order]]:
    rows = stored.orders_of_customers(customer_orders(context, filter), places(context))
    mark = fingerprint("Customer.orders", filter)
    return await pages_of(context, rows, ids, Paging(first, after, last, before), mark)

"""Orders and their lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import strawberry

from gateway.execution.context import Context
from gateway.graphql.arguments import After, Before, First, Last
from gateway.graphql.connections import Connection, Paging, fingerprint, pages_of
from gateway.graphql.inputs import CustomerOrderFilter
from gateway.graphql.queries.filters import customer_orders
from gateway.model.orders import Order, OrderLine
from gateway.storage import orders as stored
from gateway.storage.orders import Places


def places(context: Context) -> Places:
    """Keys of the locations, by what each channel calls them."""
    known = context.gateway.locations.values()
    return {(channel, place): one.key for one in known for channel, place in one.external_ids.items()}


async def orders(context: Context, ids: Sequence[str]) -> Sequence[Order | None]:
    found = await context.database.read(stored.orders_by_id, ids, places(context))
    return [found.get(key) for key in ids]


async def order_lines(context: Context, ids: Sequence[str]) -> Sequence[OrderLine | None]:
    found = await context.database.read(stored.lines_by_id, ids)
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

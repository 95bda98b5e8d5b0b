"""Orders."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway.execution.context import Context
from gateway.execution.errors import BadUserInputError
from gateway.graphql.arguments import After, Before, First, Last
from gateway.graphql.connections import Connection, Paging, fingerprint, page_of
from gateway.graphql.ids import row_id
from gateway.graphql.inputs import OrderFilter, OrderIdentifierInput, OrderSort
from gateway.graphql.loads import orders as loads
from gateway.graphql.queries import filters
from gateway.graphql.queries.filters import present
from gateway.model.channels import Resource
from gateway.model.orders import Order
from gateway.storage import orders as stored
from gateway.storage.customers import SeveralCurrenciesError
from gateway.storage.orders import OrderQuery


async def orders(
    context: Context,
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    search: Annotated[
        str | None, strawberry.argument(description="Words of the number, the reference or the SKUs sold.")
    ] = None,
    filter: Annotated[OrderFilter | None, strawberry.argument(description="Which orders.")] = None,
    sort: Annotated[
        OrderSort | None, strawberry.argument(description="In which order. Default: the latest PLACED_AT first.")
    ] = None,
) -> Connection[Order]:
    query = filters.orders(context, search, filter, sort)
    if query.sort == "TOTAL":
        await _check_one_currency(context, query)
    asked = (Resource.ORDERS, filters.sources(context, query.channels))
    mark = fingerprint("orders", search, filter, sort)
    rows, paging = stored.orders_matching(query, loads.places(context)), Paging(first, after, last, before)
    return await page_of(context, rows, paging, mark, asked)


async def _check_one_currency(context: Context, query: OrderQuery) -> None:
    try:
        await context.database.read(stored.check_one_currency, query)
    except SeveralCurrenciesError as error:
        raise BadUserInputError("Sorting by TOTAL needs orders of one currency: filter by channel.") from error


async def order(
    context: Context,
    *,
    by: Annotated[OrderIdentifierInput, strawberry.argument(description="Which one.")],
) -> Order | None:
    id_, number = present(by.id), present(by.number)
    if id_ is not None:
        (found,) = await context.load_all(loads.orders, [row_id("Order", id_)])
        return found  # type: ignore[no-any-return]
    if number is None:
        return None
    channel = context.known_channel(number.channel_key)
    return await context.database.read(stored.order_by_number, channel, number.number, loads.places(context))

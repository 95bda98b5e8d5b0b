"""Orders."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway.commerce import credentials
from gateway.execution.context import Context
from gateway.execution.errors import BadUserInputError
from gateway.graphql.arguments import After, Before, First, Last
from gateway.graphql.connections import Connection, Paging, fingerprint, page_of
from gateway.graphql.house import house
from gateway.graphql.ids import row_id
from gateway.graphql.inputs import OrderFilter, OrderGuestInput, OrderIdentifierInput, OrderSort
from gateway.graphql.loads import orders as loads
from gateway.graphql.queries import filters
from gateway.graphql.queries.filters import present
from gateway.model.channels import FulfillmentMethod, Resource
from gateway.model.orders import Fulfillment, FulfillmentStatus, Order
from gateway.model.values import folded
from gateway.storage import orders as stored
from gateway.storage.customers import SeveralCurrenciesError
from gateway.storage.order_parts import FulfillmentQuery, fulfillments_matching
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
        await context.read(stored.check_one_currency, query)
    except SeveralCurrenciesError as error:
        raise BadUserInputError("Sorting by TOTAL needs orders of one currency: filter by channel.") from error


async def order(
    context: Context,
    *,
    by: Annotated[OrderIdentifierInput, strawberry.argument(description="Which one.")],
) -> Order | None:
    id_, number = present(by.id), present(by.number)
    if id_ is not None:
        return await _by_row(context, row_id("Order", id_))
    if (token := present(by.access_token)) is not None:
        return await _by_token(context, token)
    if (guest := present(by.guest)) is not None:
        return await _by_guest(context, guest)
    if number is None:
        return None
    channel = context.known_channel(number.channel_key)
    return await context.read(stored.order_by_number, channel, number.number, loads.places(context))


async def _by_row(context: Context, id_: str) -> Order | None:
    (found,) = await context.load_all(loads.orders, [id_])
    return found  # type: ignore[no-any-return]


async def _by_token(context: Context, token: str) -> Order | None:
    context.require_post()
    id_ = credentials.named(token)
    if id_ is None or not credentials.is_right(token, credentials.of_order(house(context).selling.secret, id_)):
        return None
    context.tokens[id_] = token
    return await _by_row(context, id_)


async def _by_guest(context: Context, guest: OrderGuestInput) -> Order | None:
    """Whatever is wrong, the answer is the same: there is no such order."""
    context.require_post()
    if guest.channel_key not in context.gateway.channels:
        return None
    places = loads.places(context)
    found = await context.read(stored.order_by_number, guest.channel_key, guest.number, places)
    known = "" if found is None or found.contact is None else (found.contact.email or "")
    if found is None or not known or not credentials.is_right(folded(guest.email), folded(known)):
        return None
    context.tokens[found.id] = credentials.of_order(house(context).selling.secret, found.id)
    return found


async def fulfillments(
    context: Context,
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    location_key: Annotated[str, strawberry.argument(description="Key of the location.")],
    statuses: Annotated[
        list[FulfillmentStatus] | None, strawberry.argument(description="In one of these states.")
    ] = None,
    methods: Annotated[
        list[FulfillmentMethod] | None, strawberry.argument(description="By one of these methods.")
    ] = None,
) -> Connection[Fulfillment]:
    query = FulfillmentQuery(
        location=context.known_location(location_key).key,
        statuses=None if not present(statuses) else tuple(one.value for one in statuses or ()),
        methods=None if not present(methods) else tuple(one.value for one in methods or ()),
    )
    mark = fingerprint("fulfillments", location_key, query.statuses, query.methods)
    return await page_of(context, fulfillments_matching(query), Paging(first, after, last, before), mark)

"""Resolvers of orders and fulfillments."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway.commerce import tokens
from gateway.commerce.orders.guest_lookup import (
    NETWORK_LIMIT,
    TOKEN_LIMIT,
    GuestRequest,
    TooManyGuessesError,
    find_guest_order,
)
from gateway.execution.context import Context
from gateway.execution.errors import BadUserInputError, TooManyAttemptsError
from gateway.execution.text_inputs import COMPARED
from gateway.graphql.arguments import SEARCH_COST, After, Before, First, Last, declare_argument
from gateway.graphql.connections import Connection, Paging, load_page
from gateway.graphql.cursors import compute_fingerprint
from gateway.graphql.filters import build_order_query, read_enum_values, select_source_channels, unwrap
from gateway.graphql.global_ids import parse_row_id
from gateway.graphql.inputs import MAX_FILTER_VALUES, OrderFilter, OrderGuestInput, OrderIdentifierInput, OrderSort
from gateway.graphql.loaders.guarded import load_guarded
from gateway.graphql.loaders.orders import load_orders, map_location_keys
from gateway.graphql.runtime_protocol import get_runtime
from gateway.graphql.scopes import ORDERS_READ, ORDERS_READ_OR_SELF
from gateway.model.channels import Resource
from gateway.model.locations import FulfillmentMethod
from gateway.model.orders import Fulfillment, FulfillmentStatus, Order
from gateway.storage.reads import orders
from gateway.storage.reads.customers.search import SeveralCurrenciesError
from gateway.storage.reads.fulfillments import FulfillmentQuery, search_fulfillments
from gateway.storage.reads.orders import OrderQuery


async def resolve_orders(
    context: Context,
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    search: Annotated[
        str | None,
        declare_argument(
            "Search text: words of the order number, the reference or the SKUs.", cost=SEARCH_COST, metadata=COMPARED
        ),
    ] = None,
    filter: Annotated[OrderFilter | None, strawberry.argument(description="Filter for the orders.")] = None,
    sort: Annotated[
        OrderSort | None, strawberry.argument(description="Sort order. Default: PLACED_AT, descending.")
    ] = None,
) -> Connection[Order]:
    query = build_order_query(context, search, filter, sort)
    if query.sort == "TOTAL":
        await _check_one_currency(context, query)
    source_channels = (Resource.ORDERS, select_source_channels(context, query.channels))
    fingerprint = compute_fingerprint("orders", search, filter, sort)
    rows, paging = orders.search_orders(query, map_location_keys(context)), Paging(first, after, last, before)
    return await load_page(context, rows, paging, fingerprint, source_channels)


async def _check_one_currency(context: Context, query: OrderQuery) -> None:
    try:
        await context.read(orders.check_one_currency, query)
    except SeveralCurrenciesError as error:
        raise BadUserInputError("Sorting by TOTAL requires orders of one currency. Filter by channel.") from error


async def resolve_order(
    context: Context,
    *,
    by: Annotated[OrderIdentifierInput, strawberry.argument(description="Identifies the order.")],
) -> Order | None:
    id_, number = unwrap(by.id), unwrap(by.number)
    if id_ is not None:
        return await _find_by_id(context, parse_row_id("by.id", "Order", id_))
    if (token := unwrap(by.access_token)) is not None:
        return await _find_by_token(context, token)
    if (guest := unwrap(by.guest)) is not None:
        return await _find_by_guest(context, guest)
    if number is None:
        return None
    context.require(ORDERS_READ)
    channel = context.require_channel(number.channel_key)
    return await context.read(orders.find_order_by_number, channel, number.number, map_location_keys(context))


async def _find_by_id(context: Context, id_: str) -> Order | None:
    order: Order | None = await load_guarded(context, load_orders, id_, ORDERS_READ_OR_SELF)
    return order


async def _load_order(context: Context, id_: str) -> Order | None:
    (order,) = await context.load_all(load_orders, [id_])
    return order  # type: ignore[no-any-return]


async def _find_by_token(context: Context, token: str) -> Order | None:
    context.require_post()
    id_ = tokens.extract_row_id(token)
    if id_ is None or not tokens.is_order_token(get_runtime(context).selling.secrets, token, id_):
        return None
    context.accept_token(id_, token)
    return await _load_order(context, id_)


async def _find_by_guest(context: Context, guest: OrderGuestInput) -> Order | None:
    """Find an order by the details that a guest knows; the result does not reveal which of them is wrong."""
    context.require_post()
    context.require_first_use("order(by: {guest})")
    caller = context.caller  # anyone can have as many logins as they like, so these count by network
    request = GuestRequest(
        channel=guest.channel_key,
        number=guest.number,
        email=guest.email,
        client=caller.principal if caller.is_trusted else context.network,
        limit=TOKEN_LIMIT if caller.is_trusted else NETWORK_LIMIT,
    )
    try:
        with context.check_credential():
            id_ = await context.write(find_guest_order, request, context.now)
    except TooManyGuessesError as error:
        context.retry_after = error.retry_after
        raise TooManyAttemptsError(error.retry_after) from error
    if id_ is None:
        return None
    context.accept_guest(id_)
    return await _load_order(context, id_)


async def resolve_fulfillments(
    context: Context,
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    location_key: Annotated[str, strawberry.argument(description="Key of the location.")],
    statuses: Annotated[
        list[FulfillmentStatus] | None,
        declare_argument("Returns fulfillments in any of these states.", max_items=MAX_FILTER_VALUES),
    ] = None,
    methods: Annotated[
        list[FulfillmentMethod] | None,
        declare_argument("Returns fulfillments with any of these methods.", max_items=MAX_FILTER_VALUES),
    ] = None,
) -> Connection[Fulfillment] | None:
    query = FulfillmentQuery(
        location=context.require_location(location_key).key,
        statuses=read_enum_values(statuses) or None,
        methods=read_enum_values(methods) or None,
    )
    if not context.caller.can_act_at(location_key):
        return None
    fingerprint = compute_fingerprint("fulfillments", location_key, query.statuses, query.methods)
    return await load_page(context, search_fulfillments(query), Paging(first, after, last, before), fingerprint)

"""Resolvers of customers."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway.execution.caching.cache_control import DataKind
from gateway.execution.context import Context
from gateway.execution.errors import BadUserInputError
from gateway.execution.text_inputs import COMPARED
from gateway.graphql.arguments import SEARCH_COST, After, Before, First, Last, declare_argument
from gateway.graphql.connections import Connection, Paging, load_page
from gateway.graphql.cursors import compute_fingerprint
from gateway.graphql.filters import build_customer_query, select_source_channels
from gateway.graphql.global_ids import parse_row_id
from gateway.graphql.inputs import CustomerFilter, CustomerSort
from gateway.graphql.loaders.customers.profiles import load_customers
from gateway.graphql.loaders.guarded import load_guarded
from gateway.graphql.scopes import CUSTOMERS_READ_OR_SELF
from gateway.model.channels import Resource
from gateway.model.customers.profiles import Customer
from gateway.model.customers.segments import Segment
from gateway.storage.reads.customers.search import SeveralCurrenciesError, find_spending_currency, search_customers


async def resolve_customers(
    context: Context,
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    search: Annotated[
        str | None,
        declare_argument("Search text: words of the name, or a loyalty number.", cost=SEARCH_COST, metadata=COMPARED),
    ] = None,
    filter: Annotated[CustomerFilter | None, strawberry.argument(description="Filter for the customers.")] = None,
    sort: Annotated[
        CustomerSort | None, strawberry.argument(description="Sort order. Default: NAME, ascending.")
    ] = None,
) -> Connection[Customer]:
    query = build_customer_query(context, search, filter, sort)
    currency = await _require_one_currency(context) if query.sort == "LIFETIME_VALUE" else None
    source_channels = (Resource.CUSTOMERS, select_source_channels(context, query.channels))
    fingerprint = compute_fingerprint("customers", search, filter, sort)
    rows, paging = search_customers(query, currency), Paging(first, after, last, before)
    return await load_page(context, rows, paging, fingerprint, source_channels)


async def _require_one_currency(context: Context) -> str | None:
    try:
        return await context.read(find_spending_currency)
    except SeveralCurrenciesError as error:
        raise BadUserInputError("Sorting by LIFETIME_VALUE requires all orders to have the same currency.") from error


async def resolve_customer(
    context: Context, *, id: Annotated[strawberry.ID, strawberry.argument(description="Global ID of the customer.")]
) -> Customer | None:
    key = parse_row_id("id", "Customer", id)
    customer: Customer | None = await load_guarded(context, load_customers, key, CUSTOMERS_READ_OR_SELF)
    return customer


async def resolve_me(context: Context) -> Customer | None:
    context.cache_policy.is_uncacheable = True  # null is for this caller only
    context.cache_policy.add_kind(DataKind.PRIVATE)
    if context.home is None:
        return None
    customer: Customer | None = await context.load(load_customers, context.home)
    return customer


async def resolve_segments(context: Context) -> list[Segment]:
    segments = context.gateway.settings.segments
    return [Segment(key=key, title=table.title) for key, table in segments.items()]

"""Customers."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway.execution.context import Context
from gateway.execution.errors import BadUserInputError
from gateway.graphql.arguments import After, Before, First, Last
from gateway.graphql.connections import Connection, Paging, fingerprint, page_of
from gateway.graphql.ids import row_id
from gateway.graphql.inputs import CustomerFilter, CustomerSort
from gateway.graphql.loads import customers as loads
from gateway.graphql.queries import filters
from gateway.model.channels import Resource
from gateway.model.customers import Customer
from gateway.storage import customers as stored
from gateway.storage.customers import SeveralCurrenciesError


async def customers(
    context: Context,
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    search: Annotated[
        str | None, strawberry.argument(description="Words of the name, or the number on the loyalty card.")
    ] = None,
    filter: Annotated[CustomerFilter | None, strawberry.argument(description="Which customers.")] = None,
    sort: Annotated[
        CustomerSort | None, strawberry.argument(description="In which order. Default: by NAME, A to Z.")
    ] = None,
) -> Connection[Customer]:
    query = filters.customers(context, search, filter, sort)
    currency = await _currency(context) if query.sort == "LIFETIME_VALUE" else None
    asked = (Resource.CUSTOMERS, filters.sources(context, query.channels))
    mark = fingerprint("customers", search, filter, sort)
    rows, paging = stored.customers_matching(query, currency), Paging(first, after, last, before)
    return await page_of(context, rows, paging, mark, asked)


async def _currency(context: Context) -> str | None:
    try:
        return await context.read(stored.spending_currency)
    except SeveralCurrenciesError as error:
        raise BadUserInputError("Sorting by LIFETIME_VALUE needs all orders to be of one currency.") from error


async def customer(
    context: Context, *, id: Annotated[strawberry.ID, strawberry.argument(description="Her global id.")]
) -> Customer | None:
    (found,) = await context.load_all(loads.customers, [row_id("Customer", id)])
    return found  # type: ignore[no-any-return]

"""Resolver of requests for exports and erases."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway.execution.context import Context
from gateway.graphql.arguments import After, Before, First, Last, declare_argument
from gateway.graphql.connections import Connection, Paging, load_page
from gateway.graphql.cursors import compute_fingerprint
from gateway.graphql.customer_visibility import require_all_channels
from gateway.graphql.filters import read_enum_values
from gateway.graphql.loaders.customers.data_requests import load_data_requests
from gateway.model.customers.data_requests import DataRequest, DataRequestKind, DataRequestState
from gateway.storage.reads.customers.data_requests import list_requests


async def resolve_data_requests(
    context: Context,
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    kind: Annotated[DataRequestKind | None, strawberry.argument(description="Returns requests of this kind.")] = None,
    states: Annotated[
        list[DataRequestState] | None, declare_argument("Returns requests in any of these states.", max_items=5)
    ] = None,
) -> Connection[DataRequest]:
    require_all_channels(context)
    kind_value, values = None if kind is None else kind.value, read_enum_values(states) or ()
    page = await load_page(
        context,
        list_requests(kind_value, values),
        Paging(first, after, last, before),
        compute_fingerprint("dataRequests", kind_value, values),
    )
    return page.replace_nodes(await context.load_all(load_data_requests, page.nodes))

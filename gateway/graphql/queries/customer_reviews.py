"""Resolvers of customer reviews, and of the preview of a merge."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import strawberry

from gateway.commerce.customers.merge_preview import preview_merge
from gateway.execution.context import Context
from gateway.graphql.arguments import After, Before, First, Last, declare_argument
from gateway.graphql.connections import Connection, Paging, load_page
from gateway.graphql.cursors import compute_fingerprint
from gateway.graphql.customer_visibility import require_all_channels
from gateway.graphql.filters import read_enum_values
from gateway.graphql.global_ids import parse_row_id
from gateway.graphql.loaders.customers.decisions import load_customer_reviews
from gateway.graphql.loaders.customers.profiles import mask_evidence
from gateway.graphql.mutations.customers import MAX_MERGED
from gateway.graphql.runtime_protocol import get_runtime
from gateway.model.customers.reviews import CustomerMergePreview, CustomerReview, CustomerReviewState
from gateway.storage.reads.customers import decisions


async def resolve_customer_reviews(
    context: Context,
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    states: Annotated[
        list[CustomerReviewState] | None, declare_argument("Returns reviews in any of these states.", max_items=4)
    ] = None,
) -> Connection[CustomerReview]:
    require_all_channels(context)
    values = read_enum_values(states) or ()
    page = await load_page(
        context,
        decisions.list_reviews(values),
        Paging(first, after, last, before),
        compute_fingerprint("customerReviews", values),
    )
    reviews = await context.load_all(load_customer_reviews, page.nodes)
    return page.replace_nodes(reviews)


async def resolve_customer_merge_preview(
    context: Context,
    *,
    customer_ids: Annotated[
        list[strawberry.ID], declare_argument("IDs of the customers.", max_items=MAX_MERGED, item_cost=5)
    ],
) -> CustomerMergePreview | None:
    require_all_channels(context)
    ids = [parse_row_id(f"customerIds.{n}", "Customer", id_) for n, id_ in enumerate(customer_ids)]
    preview = await context.read(preview_merge, ids, get_runtime(context).selling.customers.survivorship)
    if preview is None:
        return None
    return replace(preview, contradictions=mask_evidence(context, preview.contradictions))

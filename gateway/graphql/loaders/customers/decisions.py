"""Loaders of reviews, merges and splits of customers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gateway.execution.context import Context
from gateway.graphql.customer_visibility import can_see_all_channels
from gateway.graphql.loaders.customers.profiles import mask_evidence
from gateway.model.customers.reviews import CustomerMerge, CustomerReview
from gateway.storage.reads.customers import decisions


async def load_customer_reviews(context: Context, ids: Sequence[str]) -> Sequence[CustomerReview | None]:
    """Load reviews, for callers that see all channels: they are about records of any."""
    if not can_see_all_channels(context):
        return [None for _ in ids]
    rows = await context.read(decisions.find_reviews, ids)
    return [None if id_ not in rows else _mask_review(context, rows[id_]) for id_ in ids]


async def load_open_reviews(context: Context, ids: Sequence[str]) -> Sequence[list[CustomerReview]]:
    if not can_see_all_channels(context):
        return [[] for _ in ids]
    rows = await context.read(decisions.find_open_reviews, ids)
    return [[_mask_review(context, review) for review in rows[id_]] for id_ in ids]


async def load_merges(context: Context, ids: Sequence[str]) -> Sequence[CustomerMerge | None]:
    """Load merges and splits, for callers that see all channels."""
    if not can_see_all_channels(context):
        return [None for _ in ids]
    rows = await context.read(decisions.find_merges, ids)
    return [rows.get(id_) for id_ in ids]


async def load_merges_by_customer(context: Context, ids: Sequence[str]) -> Sequence[list[CustomerMerge]]:
    if not can_see_all_channels(context):
        return [[] for _ in ids]
    rows = await context.read(decisions.find_merges_of_customers, ids)
    return [list(rows[id_]) for id_ in ids]


def _mask_review(context: Context, review: CustomerReview) -> CustomerReview:
    return replace(review, evidence=mask_evidence(context, review.evidence))

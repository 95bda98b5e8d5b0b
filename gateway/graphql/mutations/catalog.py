"""Catalog mutations: manual matching of listings and variants."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import strawberry

from gateway.commerce.catalog.manual_matching import MatchDecision, ReviewDecision, decide_match, decide_review
from gateway.execution.context import Context
from gateway.execution.errors import BadUserInputError
from gateway.graphql.filters import unwrap
from gateway.graphql.global_ids import parse_row_id
from gateway.graphql.inputs import declare_optional, declare_required
from gateway.graphql.mutations.execution import Input, declare_key, execute
from gateway.graphql.runtime_protocol import build_permissions, get_runtime
from gateway.model import validation
from gateway.model.mutation_result import MutationResult
from gateway.model.validation import InvalidValueError


@strawberry.input(description="A listing and the variant to link it to.")
class ListingLinkInput:
    listing_id: strawberry.ID = declare_required("ID of the listing.")
    variant_id: strawberry.ID = declare_required("ID of the variant that the listing sells.")
    units_per_listing: int | None = declare_optional(
        "Units of stock that one listing sells, for example 2 for a two-pack. Overrides what the channel reports. "
        "Omitted or null keeps the current value."
    )
    idempotency_key: str = declare_key()


async def resolve_listing_link(context: Context, *, input: Annotated[ListingLinkInput, Input]) -> MutationResult:
    decision = MatchDecision(
        listing=parse_row_id("input.listingId", "Listing", input.listing_id),
        variant=parse_row_id("input.variantId", "ProductVariant", input.variant_id),
        units=_read_units(unwrap(input.units_per_listing)),
        permissions=build_permissions(context),
    )
    use_case = partial(decide_match, decision=decision, rules=get_runtime(context).rules, now=context.now)
    return await execute(context, "listingLink", input, use_case, MutationResult(subject=decision.listing))


def _read_units(units: int | None) -> int | None:
    try:
        return None if units is None else validation.check_whole("unitsPerListing", units, least=1)
    except InvalidValueError as error:
        raise BadUserInputError(f"{error}.") from error


@strawberry.input(description="A listing to unlink from its variant.")
class ListingUnlinkInput:
    listing_id: strawberry.ID = declare_required("ID of the listing.")
    idempotency_key: str = declare_key()


async def resolve_listing_unlink(context: Context, *, input: Annotated[ListingUnlinkInput, Input]) -> MutationResult:
    listing = parse_row_id("input.listingId", "Listing", input.listing_id)
    decision = MatchDecision(listing=listing, variant=None, permissions=build_permissions(context))
    use_case = partial(decide_match, decision=decision, rules=get_runtime(context).rules, now=context.now)
    return await execute(context, "listingUnlink", input, use_case, MutationResult(subject=decision.listing))


@strawberry.input(description="A match review and its decision.")
class MatchReviewDecideInput:
    review_id: strawberry.ID = declare_required("ID of the review.")
    variant_id: strawberry.ID | None = declare_optional(
        "ID of the variant that the listing sells: one of the candidates, or any other. Null makes the listing a new "
        "variant. Must be given, even if null."
    )
    idempotency_key: str = declare_key()


async def resolve_match_review_decide(
    context: Context, *, input: Annotated[MatchReviewDecideInput, Input]
) -> MutationResult:
    if input.variant_id is strawberry.UNSET:
        raise BadUserInputError("variantId: required. Pass the ID of a variant, or null for a new variant.")
    review = parse_row_id("input.reviewId", "MatchReview", input.review_id)
    variant = None if input.variant_id is None else parse_row_id("input.variantId", "ProductVariant", input.variant_id)
    decision = ReviewDecision(review, variant, build_permissions(context))
    use_case = partial(decide_review, decision=decision, rules=get_runtime(context).rules, now=context.now)
    return await execute(context, "matchReviewDecide", input, use_case, MutationResult(subject=review))

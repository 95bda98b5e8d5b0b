"""`matchReviewDecide`."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import strawberry

from gateway.commerce.linking import decide_review
from gateway.execution.context import Context
from gateway.execution.errors import BadUserInputError
from gateway.graphql.house import house
from gateway.graphql.ids import row_id
from gateway.graphql.inputs import given, required
from gateway.graphql.mutations.once import Input, key_field, once
from gateway.model.outcomes import Outcome


@strawberry.input(description="A review, and what a person decides.")
class MatchReviewDecideInput:
    review_id: strawberry.ID = required("The review.")
    variant_id: strawberry.ID | None = given(
        "The variant that the listing is, one of the candidates or another one. Null: none of them, it is a new one. "
        "It must be given, if as null."
    )
    idempotency_key: str = key_field()


async def match_review_decide(context: Context, *, input: Annotated[MatchReviewDecideInput, Input]) -> Outcome:
    if input.variant_id is strawberry.UNSET:
        raise BadUserInputError("Give variantId: the variant that it is, or null for none of them.")
    review = row_id("MatchReview", input.review_id)
    variant = None if input.variant_id is None else row_id("ProductVariant", input.variant_id)
    work = partial(decide_review, review=review, variant=variant, rules=house(context).rules, now=context.now)
    return await once(context, "matchReviewDecide", input, Outcome(subject=review), work)

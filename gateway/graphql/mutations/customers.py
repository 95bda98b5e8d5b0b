"""Customer mutations of staff: merges, splits, their undoing, decisions of reviews, and interactions."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated

import strawberry

from gateway.commerce.customers.decisions import (
    MergeRequest,
    ReviewDecision,
    SplitRequest,
    decide_review,
    merge_customers,
    split_customer,
    undo_decision,
)
from gateway.commerce.customers.interactions import InteractionRequest, add_interaction
from gateway.execution.context import Context
from gateway.execution.errors import BadUserInputError
from gateway.graphql.customer_visibility import check_customers, require_all_channels
from gateway.graphql.filters import unwrap
from gateway.graphql.global_ids import parse_row_id
from gateway.graphql.inputs import declare_optional, declare_required
from gateway.graphql.mutations.execution import MAX_KEY_LENGTH, Input, declare_key, execute, refuse
from gateway.graphql.runtime_protocol import build_selling_context
from gateway.model import validation
from gateway.model.customers.timeline import InteractionKind
from gateway.model.mutation_result import MutationResult
from gateway.model.validation import InvalidValueError

MAX_MERGED, MAX_SPLIT = 10, 50
MAX_NOTE_LENGTH = 500
MAX_SUMMARY_LENGTH = 1_000


def declare_note() -> str:
    """Declare the `note` of an input."""
    note: str = declare_required(f"Why, for those who read it later. At most {MAX_NOTE_LENGTH} characters.")
    return note


@strawberry.input(description="Customers to merge.")
class CustomerMergeInput:
    customer_ids: list[strawberry.ID] = declare_required("IDs of the customers.", max_items=MAX_MERGED, item_cost=10)
    proved: bool = declare_optional(
        "Whether staff saw proof that they are one person. Then the customer sees all of it after a login; else only "
        "staff do.",
        False,
    )
    note: str = declare_note()
    idempotency_key: str = declare_key()


async def resolve_customer_merge(context: Context, *, input: Annotated[CustomerMergeInput, Input]) -> MutationResult:
    require_all_channels(context)
    ids = [parse_row_id(f"input.customerIds.{n}", "Customer", id_) for n, id_ in enumerate(input.customer_ids)]
    request = MergeRequest(customer_ids=tuple(ids), proved=input.proved, note=read_note(input.note))
    use_case = partial(merge_customers, request=request, context=build_selling_context(context))
    return await execute(context, "customerMerge", input, use_case)


@strawberry.input(description="Identities of a customer that are somebody else's.")
class CustomerSplitInput:
    customer_id: strawberry.ID = declare_required("ID of the customer.")
    identity_ids: list[strawberry.ID] = declare_required(
        "IDs of the identities that belong to another customer.", max_items=MAX_SPLIT
    )
    note: str = declare_note()
    idempotency_key: str = declare_key()


async def resolve_customer_split(context: Context, *, input: Annotated[CustomerSplitInput, Input]) -> MutationResult:
    require_all_channels(context)
    identities = [
        parse_row_id(f"input.identityIds.{n}", "CustomerIdentity", id_) for n, id_ in enumerate(input.identity_ids)
    ]
    request = SplitRequest(
        customer_id=parse_row_id("input.customerId", "Customer", input.customer_id),
        identity_ids=tuple(identities),
        note=read_note(input.note),
    )
    use_case = partial(split_customer, request=request, context=build_selling_context(context))
    return await execute(context, "customerSplit", input, use_case)


@strawberry.input(description="A merge or split to undo.")
class CustomerMergeUndoInput:
    merge_id: strawberry.ID = declare_required("ID of the merge or split.")
    note: str = declare_note()
    idempotency_key: str = declare_key()


async def resolve_customer_merge_undo(
    context: Context, *, input: Annotated[CustomerMergeUndoInput, Input]
) -> MutationResult:
    require_all_channels(context)
    merge_id, note = parse_row_id("input.mergeId", "CustomerMerge", input.merge_id), read_note(input.note)
    use_case = partial(undo_decision, merge_id=merge_id, note=note, context=build_selling_context(context))
    return await execute(context, "customerMergeUndo", input, use_case)


@strawberry.input(description="A customer review and its decision.")
class CustomerReviewDecideInput:
    review_id: strawberry.ID = declare_required("ID of the review.")
    same: bool = declare_required("Whether the customers are the same. If not, their evidence opens no other review.")
    proved: bool = declare_optional("Whether staff saw proof that they are one person, as for `customerMerge`.", False)
    note: str | None = declare_optional(f"Why. At most {MAX_NOTE_LENGTH} characters.")
    idempotency_key: str = declare_key()


async def resolve_customer_review_decide(
    context: Context, *, input: Annotated[CustomerReviewDecideInput, Input]
) -> MutationResult:
    require_all_channels(context)
    review, note = parse_row_id("input.reviewId", "CustomerReview", input.review_id), unwrap(input.note)
    decision = ReviewDecision(
        review_id=review, same=input.same, proved=input.proved, note=None if note is None else read_note(note)
    )
    use_case = partial(decide_review, decision=decision, context=build_selling_context(context))
    return await execute(context, "customerReviewDecide", input, use_case, MutationResult(subject=review))


@strawberry.input(description="Something that happened between a customer and the retailer.")
class InteractionAddInput:
    customer_id: strawberry.ID = declare_required("ID of the customer.")
    kind: InteractionKind = declare_required("SERVICE_CONTACT, STORE_VISIT or NOTE. The others come from what happens.")
    occurred_at: datetime | None = declare_optional("When it happened. Default: now.")
    channel_key: str | None = declare_optional("Key of the channel. Null: none in particular.")
    location_key: str | None = declare_optional("Key of the location. Null: none in particular.")
    summary: str = declare_required(f"What happened. At most {MAX_SUMMARY_LENGTH} characters.")
    public: bool = declare_optional("Whether the customer sees it.", False)
    source_key: str | None = declare_optional(
        "Names it in the system that sends it, at most 200 characters. It counts once, from whatever caller it comes."
    )
    idempotency_key: str = declare_key()


async def resolve_interaction_add(context: Context, *, input: Annotated[InteractionAddInput, Input]) -> MutationResult:
    channel, location = unwrap(input.channel_key), unwrap(input.location_key)
    request = InteractionRequest(
        customer_id=parse_row_id("input.customerId", "Customer", input.customer_id),
        kind=input.kind,
        summary=read_text("summary", input.summary, MAX_SUMMARY_LENGTH),
        occurred_at=unwrap(input.occurred_at),
        channel=None if channel is None else context.require_channel(channel),
        location=None if location is None else context.require_location(location).key,
        public=input.public,
        source_key=None if (key := unwrap(input.source_key)) is None else read_text("sourceKey", key, MAX_KEY_LENGTH),
    )
    problems = await check_customers(context, {"customerId": request.customer_id})
    use_case = partial(add_interaction, request=request, context=build_selling_context(context))
    return await execute(context, "interactionAdd", input, refuse(problems) or use_case)


def read_note(note: str) -> str:
    """Check a note. Raises as `read_text`."""
    return read_text("note", note, MAX_NOTE_LENGTH)


def read_text(field: str, text: str, longest: int) -> str:
    """Check a text of an input.

    Raises:
        BadUserInputError: it is empty, too long, or contains control characters.
    """
    try:
        return validation.check_text(field, text, longest)
    except InvalidValueError as error:
        raise BadUserInputError(f"{error}.") from error

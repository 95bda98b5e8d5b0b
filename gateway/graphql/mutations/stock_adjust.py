"""`stockAdjust`: a count is put right where it is kept."""

from __future__ import annotations

import logging
from functools import partial
from typing import Annotated

import strawberry

from gateway.commerce.stockroom import Count, adjust
from gateway.execution.context import Context
from gateway.graphql.house import house
from gateway.graphql.inputs import given, required
from gateway.graphql.mutations.once import Input, key_field
from gateway.graphql.mutations.quantities import not_whole, variants_of
from gateway.graphql.mutations.telling import once_told
from gateway.graphql.queries.filters import present
from gateway.graphql.queries.stock import ask_authorities
from gateway.model.outcomes import Outcome
from gateway.model.stock import MovementReason, StockReason

log = logging.getLogger(__name__)
LONGEST_NOTE = 500


@strawberry.input(description="What a person has counted.")
class StockAdjustInput:
    variant_id: strawberry.ID = required("Of what.")
    location_key: str = required("Key of the location.")
    expected_on_hand: int = required("The count as she saw it: `StockLevel.onHand`. Another one by now is a CONFLICT.")
    on_hand: int = required("The right count, at least 0.")
    reason: StockReason = required("Why it changes.")
    note: str | None = given("For the gateway's log, up to 500 characters of it.")
    idempotency_key: str = key_field()


async def stock_adjust(context: Context, *, input: Annotated[StockAdjustInput, Input]) -> Outcome:
    place = context.known_location(input.location_key)
    (variant,), problems = await variants_of(context, [input.variant_id])
    problems += [wrong for wrong in [not_whole(input.on_hand, None, least=0)] if wrong]
    reason = MovementReason(input.reason.value)
    count = Count(variant or "", place.key, input.expected_on_hand, input.on_hand, reason)
    about = Outcome(subject=variant, subjects=(place.key,))
    work = partial(adjust, count=count, ground=house(context).rules.ground, now=context.now)
    outcome = await once_told(context, "stockAdjust", input, about, work, problems)
    note = (present(input.note) or "")[:LONGEST_NOTE]
    log.info("stock at %s: %s by %r, note %r", place.key, reason.value, context.caller.principal, note)
    if outcome.done and variant:
        await ask_authorities(context, [variant], [place])
    return outcome

"""`stockReserve`."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Annotated

import strawberry

from gateway.commerce.ledger import Want
from gateway.commerce.stockroom import reserve
from gateway.execution.context import Context
from gateway.execution.errors import BadUserInputError
from gateway.graphql.house import house
from gateway.graphql.inputs import required
from gateway.graphql.mutations.once import Input, key_field, once
from gateway.graphql.mutations.quantities import not_whole, variants_of
from gateway.model.outcomes import Outcome

MOST_LINES = 200
LONGEST = timedelta(days=1)


@strawberry.input(description="Units of a variant that are to be held at a location.")
class StockReserveLineInput:
    variant_id: strawberry.ID = required("Of what.")
    location_key: str = required("Key of the location.")
    quantity: int = required("How many units, at least 1.")


@strawberry.input(description="Units that are to be held: all of them, or none.")
class StockReserveInput:
    lines: list[StockReserveLineInput] = required("What is to be held, at most 200 lines.")
    hold_seconds: int = required("For how long: at most 86,400 seconds, a day.")
    idempotency_key: str = key_field()


async def stock_reserve(context: Context, *, input: Annotated[StockReserveInput, Input]) -> Outcome:
    held_until = context.now + timedelta(seconds=_seconds(input.hold_seconds))
    if not 0 < len(input.lines) <= MOST_LINES:
        raise BadUserInputError(f"lines: expected 1 to {MOST_LINES}.")
    places = [context.known_location(line.location_key).key for line in input.lines]
    found, problems = await variants_of(context, [line.variant_id for line in input.lines])
    problems += [wrong for n, line in enumerate(input.lines) if (wrong := not_whole(line.quantity, n))]
    wants = [Want(id_ or "", place, line.quantity) for id_, place, line in zip(found, places, input.lines, strict=True)]
    work = partial(
        reserve,
        wants=wants,
        owner=context.caller.principal,
        expires_at=held_until,
        ground=house(context).rules.ground,
        now=context.now,
    )
    refused = Outcome(user_errors=tuple(problems))
    return await once(context, "stockReserve", input, Outcome(), (lambda _: refused) if problems else work)


def _seconds(seconds: int) -> int:
    if not 0 < seconds <= LONGEST.total_seconds():
        raise BadUserInputError(f"holdSeconds: expected 1 to {LONGEST.total_seconds():.0f}.")
    return seconds

"""`stockRelease`."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import strawberry

from gateway.commerce.stockroom import release
from gateway.execution.context import Context
from gateway.execution.errors import BadUserInputError
from gateway.graphql.ids import row_id
from gateway.graphql.inputs import required
from gateway.graphql.mutations.once import Input, key_field, once
from gateway.model.outcomes import Outcome

MOST = 200


@strawberry.input(description="Units that need not be held any more.")
class StockReleaseInput:
    reservation_ids: list[strawberry.ID] = required("Which reservations, at most 200.")
    idempotency_key: str = key_field()


async def stock_release(context: Context, *, input: Annotated[StockReleaseInput, Input]) -> Outcome:
    ids = list(dict.fromkeys(row_id("Reservation", id_) for id_ in input.reservation_ids))
    if not 0 < len(ids) <= MOST:
        raise BadUserInputError(f"reservationIds: expected 1 to {MOST}.")
    caller = context.caller
    everybodys = caller.may("stock:read")
    work = partial(release, ids=ids, owner=caller.principal, everybodys=everybodys, now=context.now)
    return await once(context, "stockRelease", input, Outcome(subjects=tuple(ids)), work)

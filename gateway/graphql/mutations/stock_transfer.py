"""`stockTransfer`."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import strawberry

from gateway.commerce.ledger import Want
from gateway.commerce.stockroom import transfer
from gateway.execution.context import Context
from gateway.execution.errors import BadUserInputError
from gateway.graphql.house import house
from gateway.graphql.inputs import required
from gateway.graphql.mutations.once import Input, key_field
from gateway.graphql.mutations.quantities import not_whole, variants_of
from gateway.graphql.mutations.telling import once_told
from gateway.graphql.queries.stock import ask_authorities
from gateway.model.outcomes import Outcome


@strawberry.input(description="Units of a variant that go from one location to another.")
class StockTransferInput:
    variant_id: strawberry.ID = required("Of what.")
    from_location_key: str = required("Key of the location that they leave.")
    to_location_key: str = required("Key of the location that they go to.")
    quantity: int = required("How many units, at least 1.")
    idempotency_key: str = key_field()


async def stock_transfer(context: Context, *, input: Annotated[StockTransferInput, Input]) -> Outcome:
    ends = [context.known_location(key) for key in (input.from_location_key, input.to_location_key)]
    if ends[0] is ends[1]:
        raise BadUserInputError("toLocationKey: expected another location than fromLocationKey.")
    (variant,), problems = await variants_of(context, [input.variant_id])
    problems += [wrong for wrong in [not_whole(input.quantity, None)] if wrong]
    want, ground = Want(variant or "", ends[0].key, input.quantity), house(context).rules.ground
    about = Outcome(subject=variant, subjects=(ends[0].key, ends[1].key))
    work = partial(transfer, want=want, to=ends[1].key, ground=ground, now=context.now)
    outcome = await once_told(context, "stockTransfer", input, about, work, problems)
    if outcome.done and variant:
        await ask_authorities(context, [variant], ends)
    return outcome

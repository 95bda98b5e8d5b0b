"""`fulfillmentReject`."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import strawberry

from gateway.commerce.handing import reject
from gateway.execution.context import Context
from gateway.graphql.addresses import short
from gateway.graphql.house import house
from gateway.graphql.ids import row_id
from gateway.graphql.inputs import required
from gateway.graphql.mutations.once import Input, key_field
from gateway.graphql.mutations.telling import once_told
from gateway.model.outcomes import Outcome


@strawberry.input(description="Goods that are not where they should be: they come from elsewhere, if anybody has them.")
class FulfillmentRejectInput:
    fulfillment_id: strawberry.ID = required("Which fulfillment.")
    version: int = required("The version that the caller saw: another one by now is a CONFLICT.")
    reason: str = required("Why, for people.")
    idempotency_key: str = key_field()


async def fulfillment_reject(context: Context, *, input: Annotated[FulfillmentRejectInput, Input]) -> Outcome:
    id_ = row_id("Fulfillment", input.fulfillment_id)
    work = partial(
        reject,
        id_=id_,
        version=input.version,
        reason=short("reason", input.reason) or "",
        selling=house(context).selling,
        now=context.now,
    )
    return await once_told(context, "fulfillmentReject", input, Outcome(subject=id_), work)

"""`fulfillmentMarkReady`."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import strawberry

from gateway.commerce.handing import mark_ready
from gateway.execution.context import Context
from gateway.graphql.house import house
from gateway.graphql.ids import row_id
from gateway.graphql.inputs import required
from gateway.graphql.mutations.once import Input, key_field, once
from gateway.model.outcomes import Outcome


@strawberry.input(description="Goods that lie ready to be collected.")
class FulfillmentMarkReadyInput:
    fulfillment_id: strawberry.ID = required("Which fulfillment.")
    version: int = required("The version that the caller saw: another one by now is a CONFLICT.")
    idempotency_key: str = key_field()


async def fulfillment_mark_ready(context: Context, *, input: Annotated[FulfillmentMarkReadyInput, Input]) -> Outcome:
    id_ = row_id("Fulfillment", input.fulfillment_id)
    work = partial(mark_ready, id_=id_, version=input.version, selling=house(context).selling, now=context.now)
    return await once(context, "fulfillmentMarkReady", input, Outcome(subject=id_), work)

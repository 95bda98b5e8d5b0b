"""`fulfillmentCollect`."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import strawberry

from gateway.commerce.handing import collect
from gateway.execution.context import Context
from gateway.graphql.house import house
from gateway.graphql.ids import row_id
from gateway.graphql.inputs import required
from gateway.graphql.mutations.once import Input, key_field, once
from gateway.model.outcomes import Outcome


@strawberry.input(description="Goods that somebody collects.")
class FulfillmentCollectInput:
    fulfillment_id: strawberry.ID = required("Which fulfillment.")
    pickup_code: str = required("What she says: `Fulfillment.pickupCode`. After five wrong ones wait a while.")
    idempotency_key: str = key_field()


async def fulfillment_collect(context: Context, *, input: Annotated[FulfillmentCollectInput, Input]) -> Outcome:
    id_ = row_id("Fulfillment", input.fulfillment_id)
    work = partial(
        collect,
        id_=id_,
        code=input.pickup_code,
        may_take_money=context.caller.may("payments:assert"),
        selling=house(context).selling,
        now=context.now,
    )
    return await once(context, "fulfillmentCollect", input, Outcome(subject=id_), work)

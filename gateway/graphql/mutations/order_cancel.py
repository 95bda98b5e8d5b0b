"""`orderCancel`."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import strawberry

from gateway.commerce.canceling import cancel
from gateway.execution.context import Context
from gateway.graphql.addresses import short
from gateway.graphql.house import house
from gateway.graphql.ids import row_id
from gateway.graphql.inputs import given, required
from gateway.graphql.mutations.once import Input, key_field
from gateway.graphql.mutations.telling import once_told
from gateway.model.outcomes import Outcome

WRITE = [["orders:write"]]


@strawberry.input(description="An order that is not to be.")
class OrderCancelInput:
    order_id: strawberry.ID = required("Which order.")
    version: int = required("The version that the caller saw: another one by now is a CONFLICT.")
    reason: str | None = given("Why, for people.")
    idempotency_key: str = key_field()


async def order_cancel(context: Context, *, input: Annotated[OrderCancelInput, Input]) -> Outcome:
    context.require(WRITE)
    id_ = row_id("Order", input.order_id)
    work = partial(
        cancel,
        order_id=id_,
        version=input.version,
        reason=short("reason", input.reason),
        selling=house(context).selling,
        now=context.now,
    )
    return await once_told(context, "orderCancel", input, Outcome(subject=id_), work)

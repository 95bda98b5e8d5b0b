"""`orderPaymentRecord`."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import strawberry

from gateway.commerce.handing import record_payment
from gateway.execution.context import Context
from gateway.graphql.ids import row_id
from gateway.graphql.inputs import required
from gateway.graphql.mutations.once import Input, key_field, once
from gateway.graphql.mutations.paying import PaymentInput, offered
from gateway.model.outcomes import Outcome


@strawberry.input(description="Money that was taken for an order.")
class OrderPaymentRecordInput:
    order_id: strawberry.ID = required("Which order.")
    payment: PaymentInput = required("What was taken: the payment that it was waiting for, or another one.")
    idempotency_key: str = key_field()


async def order_payment_record(context: Context, *, input: Annotated[OrderPaymentRecordInput, Input]) -> Outcome:
    id_ = row_id("Order", input.order_id)
    work = partial(record_payment, order_id=id_, one=offered(input.payment), now=context.now)
    return await once(context, "orderPaymentRecord", input, Outcome(subject=id_), work)

"""`cartCreate`."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import strawberry

from gateway.commerce.carts import create
from gateway.execution.context import Context
from gateway.graphql.house import house
from gateway.graphql.inputs import given, required
from gateway.graphql.mutations.carting import check_key, once_in_cart
from gateway.graphql.mutations.filling import CartLineInput, fillings
from gateway.graphql.mutations.once import Input, key_field
from gateway.graphql.queries.filters import present
from gateway.graphql.scalars import CurrencyCode
from gateway.model.outcomes import Outcome


@strawberry.input(description="A new cart.")
class CartCreateInput:
    channel_key: str = required("Key of the channel in which it is bought.")
    currency_code: CurrencyCode | None = given("The currency that the caller expects: another one is an error.")
    lines: list[CartLineInput] | None = given("What goes into it at once.")
    idempotency_key: str = key_field()


async def cart_create(context: Context, *, input: Annotated[CartCreateInput, Input]) -> Outcome:
    check_key(context, input.idempotency_key)
    channel, currency = context.known_channel(input.channel_key), present(input.currency_code)
    filling, problems = await fillings(context, present(input.lines) or [])
    work = partial(
        create, channel=channel, currency=currency, filling=filling, selling=house(context).selling, now=context.now
    )
    refused = Outcome(user_errors=tuple(problems))
    return await once_in_cart(context, "cartCreate", input, (lambda _: refused) if problems else work, "")

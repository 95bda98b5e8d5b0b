"""`cartLinesAdd`."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import strawberry

from gateway.commerce.carts import Held, add
from gateway.execution.context import Context
from gateway.graphql.house import house
from gateway.graphql.inputs import given, required
from gateway.graphql.mutations.carting import once_in_cart, owner
from gateway.graphql.mutations.filling import CartLineInput, fillings
from gateway.graphql.mutations.once import Input, key_field
from gateway.graphql.queries.filters import present
from gateway.model.outcomes import Outcome


@strawberry.input(description="More for a cart.")
class CartLinesAddInput:
    cart_token: str = required("The cart's token.")
    version: int | None = given("The version that the caller saw: another one by now is a CONFLICT.")
    lines: list[CartLineInput] = required("What goes into it.")
    idempotency_key: str = key_field()


async def cart_lines_add(context: Context, *, input: Annotated[CartLinesAddInput, Input]) -> Outcome:
    held = Held(input.cart_token, present(input.version))
    filling, problems = await fillings(context, input.lines)
    work = partial(add, held=held, filling=filling, selling=house(context).selling, now=context.now)
    refused = Outcome(user_errors=tuple(problems))
    asked = (lambda _: refused) if problems else work
    return await once_in_cart(context, "cartLinesAdd", input, asked, owner(input.cart_token))

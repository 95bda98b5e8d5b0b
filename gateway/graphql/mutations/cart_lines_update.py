"""`cartLinesUpdate`."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import strawberry

from gateway.commerce.carts import Held, update
from gateway.execution.context import Context
from gateway.graphql.house import house
from gateway.graphql.ids import part_id
from gateway.graphql.inputs import given, required
from gateway.graphql.mutations.carting import once_in_cart, owner
from gateway.graphql.mutations.once import Input, key_field
from gateway.graphql.queries.filters import present
from gateway.model.outcomes import Outcome


@strawberry.input(description="A line of a cart, and how many it shall be.")
class CartLineUpdateInput:
    line_id: strawberry.ID = required("Which line.")
    quantity: int = required("How many, up to 9,999; 0: it goes.")


@strawberry.input(description="Other quantities for a cart's lines.")
class CartLinesUpdateInput:
    cart_token: str = required("The cart's token.")
    version: int | None = given("The version that the caller saw: another one by now is a CONFLICT.")
    lines: list[CartLineUpdateInput] = required("Which lines.")
    idempotency_key: str = key_field()


async def cart_lines_update(context: Context, *, input: Annotated[CartLinesUpdateInput, Input]) -> Outcome:
    held = Held(input.cart_token, present(input.version))
    quantities = {part_id("CartLine", line.line_id): line.quantity for line in input.lines}
    work = partial(update, held=held, quantities=quantities, selling=house(context).selling, now=context.now)
    return await once_in_cart(context, "cartLinesUpdate", input, work, owner(input.cart_token))

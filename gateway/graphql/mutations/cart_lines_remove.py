"""`cartLinesRemove`."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import strawberry

from gateway.commerce.carts import Held, remove
from gateway.execution.context import Context
from gateway.graphql.house import house
from gateway.graphql.ids import part_id
from gateway.graphql.inputs import given, required
from gateway.graphql.mutations.carting import once_in_cart, owner
from gateway.graphql.mutations.once import Input, key_field
from gateway.graphql.queries.filters import present
from gateway.model.outcomes import Outcome


@strawberry.input(description="Lines that leave a cart.")
class CartLinesRemoveInput:
    cart_token: str = required("The cart's token.")
    version: int | None = given("The version that the caller saw: another one by now is a CONFLICT.")
    line_ids: list[strawberry.ID] = required("Which lines.")
    idempotency_key: str = key_field()


async def cart_lines_remove(context: Context, *, input: Annotated[CartLinesRemoveInput, Input]) -> Outcome:
    held = Held(input.cart_token, present(input.version))
    ids = [part_id("CartLine", id_) for id_ in input.line_ids]
    work = partial(remove, held=held, line_ids=ids, selling=house(context).selling, now=context.now)
    return await once_in_cart(context, "cartLinesRemove", input, work, owner(input.cart_token))

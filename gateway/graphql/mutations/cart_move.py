"""`cartMove`."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import strawberry

from gateway.commerce.carts import Held, move
from gateway.execution.context import Context
from gateway.graphql.house import house
from gateway.graphql.inputs import required
from gateway.graphql.mutations.carting import once_in_cart, owner
from gateway.graphql.mutations.once import Input, key_field
from gateway.model.outcomes import Outcome


@strawberry.input(description="A cart that is carried on elsewhere.")
class CartMoveInput:
    cart_token: str = required("The cart's token. It is good no more afterwards: the payload holds the new one.")
    channel_key: str = required("Key of the channel in which it goes on; its own, for another device.")
    idempotency_key: str = key_field()


async def cart_move(context: Context, *, input: Annotated[CartMoveInput, Input]) -> Outcome:
    channel = context.known_channel(input.channel_key)
    work = partial(move, held=Held(input.cart_token), channel=channel, selling=house(context).selling, now=context.now)
    return await once_in_cart(context, "cartMove", input, work, owner(input.cart_token))

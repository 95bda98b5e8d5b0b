"""Carts, and how what is in them can reach the shopper."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway.commerce import credentials
from gateway.commerce.carts import Held
from gateway.commerce.options import options
from gateway.commerce.preview import Preview, UndoneError, preview
from gateway.execution.context import Context
from gateway.graphql.addresses import address as address_of
from gateway.graphql.house import house
from gateway.graphql.inputs import AddressInput, given, required
from gateway.graphql.loads import carts as loads
from gateway.graphql.near import Near, point
from gateway.model.carts import Cart, CartStatus, FulfillmentOption
from gateway.storage import carts as stored


async def cart(
    context: Context, *, token: Annotated[str, strawberry.argument(description="The cart's token. POST only.")]
) -> Cart | None:
    if not await shown(context, token):
        return None
    (found,) = await context.load_all(loads.carts, [credentials.named(token)])
    return found  # type: ignore[no-any-return]


async def shown(context: Context, token: str) -> bool:
    """Whether this is the token of a cart, which is the caller's from then on in this request."""
    context.require_post()
    id_ = credentials.named(token)
    rotation = None if id_ is None else await context.read(stored.rotation_of, id_)
    if id_ is None or rotation is None:
        return False
    if not credentials.is_right(token, credentials.of_cart(house(context).selling.secret, id_, rotation)):
        return False
    context.tokens[id_] = token
    return True


async def fulfillment_options(
    context: Context,
    *,
    cart_token: Annotated[str, strawberry.argument(description="The cart's token. POST only.")],
    near: Near = None,
    address: Annotated[
        AddressInput | None,
        strawberry.argument(description="Where it would be sent to, where that is known: taxes may depend on it."),
    ] = None,
) -> list[FulfillmentOption] | None:
    found = await cart(context, token=cart_token)
    if found is None:
        return None
    if found.status is not CartStatus.ACTIVE:
        return []
    to = None if address is None else address_of(address)
    selling, now = house(context).selling, context.now
    return await context.read(options, found, point(near), to, selling, now)


@strawberry.input(description="A cart, and the option by which it would be ordered.")
class OrderPreviewInput:
    cart_token: str = required("The cart's token. POST only.")
    fulfillment_option_token: str = required("One of `fulfillmentOptions`.")
    shipping_address: AddressInput | None = given("Where it would be sent to.")


async def order_preview(
    context: Context,
    *,
    input: Annotated[OrderPreviewInput, strawberry.argument(description="What would be ordered.")],
) -> Preview:
    context.require_post()
    held, option = Held(input.cart_token), input.fulfillment_option_token
    selling, to = house(context).selling, address_of(input.shipping_address)
    try:
        await context.write(preview, held, option, to, selling, context.now)
    except UndoneError as undone:
        return undone.found
    raise AssertionError("a preview is always undone")

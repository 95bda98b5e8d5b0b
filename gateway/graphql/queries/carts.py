"""Resolvers of carts, fulfillment options and the order preview."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import strawberry

from gateway.commerce import tokens
from gateway.commerce.checkout.carts import CartRef
from gateway.commerce.checkout.fulfillment_options import list_options
from gateway.commerce.orders.preview import OrderPreview, PreviewRollback, preview_order
from gateway.execution.context import Context
from gateway.graphql.arguments import declare_argument
from gateway.graphql.distance import Near, round_position
from gateway.graphql.input_values import parse_address
from gateway.graphql.inputs import AddressInput, declare_optional, declare_required
from gateway.graphql.loaders.carts import load_carts
from gateway.graphql.runtime_protocol import build_selling_context, get_runtime
from gateway.model.carts import Cart, CartStatus, FulfillmentOption
from gateway.model.locations import FulfillmentMethod
from gateway.storage.reads import carts
from gateway.storage.reads.carts import CartAccess

ORDER_READABLE_FOR = timedelta(days=1)
"""Time for which the token of a cart, which more people may have had, opens the order that was placed from it."""


async def resolve_cart(
    context: Context,
    *,
    token: Annotated[str, strawberry.argument(description="Token of the cart. POST requests only.")],
) -> Cart | None:
    if not await accept_cart_token(context, token):
        return None
    (cart,) = await context.load_all(load_carts, [tokens.extract_row_id(token)])
    return cart  # type: ignore[no-any-return]


async def accept_cart_token(context: Context, token: str) -> bool:
    """Return whether the token is valid. If so, the request may read and change its cart from now on, and for a day
    read the order that it has placed from the cart: the answer, with the order's own token, may have been lost.
    """
    context.require_post()
    with context.check_credential():
        return await _check_cart_token(context, token)


async def _check_cart_token(context: Context, token: str) -> bool:
    id_ = tokens.extract_row_id(token)
    access = None if id_ is None else await context.read(carts.find_access, id_)
    if id_ is None or access is None:
        return False
    if not tokens.is_cart_token(get_runtime(context).selling.secrets, token, id_, access.rotation):
        return False
    context.accept_token(id_, token)
    if access.order_id is not None and _has_just_ordered(context, access):
        order_token = tokens.build_order_token(get_runtime(context).selling.secret, access.order_id)
        context.accept_token(access.order_id, order_token)
        context.placed_order_ids.add(access.order_id)
    return True


def _has_just_ordered(context: Context, access: CartAccess) -> bool:
    """Return whether the caller, and no one else who has had the token, has placed the order within the last day."""
    is_recent = access.placed_at is not None and context.now - access.placed_at < ORDER_READABLE_FOR
    return is_recent and access.placed_by == context.caller.actor


async def resolve_fulfillment_options(
    context: Context,
    *,
    cart_token: Annotated[str, strawberry.argument(description="Token of the cart. POST requests only.")],
    near: Near = None,
    address: Annotated[
        AddressInput | None,
        strawberry.argument(description="Shipping address, if it is known. Taxes may depend on it."),
    ] = None,
    methods: Annotated[
        list[FulfillmentMethod] | None,
        declare_argument(
            "Returns options whose parts all have one of these methods. `IN_STORE` is offered only to a token with "
            "`orders:write` that acts at the store.",
            max_items=5,
        ),
    ] = None,
) -> list[FulfillmentOption] | None:
    cart = await resolve_cart(context, token=cart_token)
    if cart is None:
        return None
    if cart.status is not CartStatus.ACTIVE:
        return []
    shipping_address = None if address is None else parse_address("address", address)
    return await context.read(
        list_options, cart, round_position(near), shipping_address, methods, build_selling_context(context)
    )


@strawberry.input(description="A cart and the fulfillment option to preview.")
class OrderPreviewInput:
    cart_token: str = declare_required("Token of the cart. POST requests only.")
    fulfillment_option_token: str = declare_required("Token of one of `fulfillmentOptions`.")
    shipping_address: AddressInput | None = declare_optional("Shipping address.")


async def resolve_order_preview(
    context: Context,
    *,
    input: Annotated[OrderPreviewInput, strawberry.argument(description="The cart and the fulfillment option.")],
) -> OrderPreview:
    context.require_post()
    held, option = CartRef(input.cart_token), input.fulfillment_option_token
    to = parse_address("input.shippingAddress", input.shipping_address)
    try:
        await context.write(preview_order, held, option, to, build_selling_context(context))
    except PreviewRollback as undone:
        return undone.preview
    raise AssertionError("a preview must always be rolled back")

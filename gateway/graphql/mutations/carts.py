"""Cart mutations."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

import strawberry

from gateway.commerce import tokens
from gateway.commerce.checkout.carts import (
    MAX_LINES,
    CartRef,
    LineRequest,
    add_lines,
    assign_customer,
    fill_cart,
    move_cart,
    remove_lines,
    update_lines,
)
from gateway.execution.context import Context
from gateway.execution.errors import BadUserInputError
from gateway.graphql.filters import unwrap
from gateway.graphql.global_ids import parse_part_id, parse_row_id
from gateway.graphql.inputs import declare_optional, declare_required
from gateway.graphql.loaders.customers.profiles import load_customers
from gateway.graphql.mutations.execution import CART_PRINCIPAL, Input, declare_key, execute, refuse
from gateway.graphql.mutations.validation import find_variants
from gateway.graphql.runtime_protocol import build_selling_context, get_runtime
from gateway.graphql.scalars import CurrencyCode
from gateway.model.mutation_result import MutationResult, UserError, UserErrorCode
from gateway.runtime.command_bus import UseCase
from gateway.storage.writes import carts

ASSIGN_CUSTOMER = [["carts:write"]]

MIN_ANONYMOUS_KEY_LENGTH = 16
"""Characters of an idempotency key from a client without a token, so that it cannot be guessed. Clients of different
networks never share a key.
"""

CURRENT_CART = "The cart's token."
REPLACED_CART = "The cart's token. It becomes invalid: the payload returns the new one."
CART_VERSION = "The cart version the client last read. If the cart has changed since, the mutation returns CONFLICT."


@strawberry.input(description="A line to add to a cart.")
class CartLineInput:
    variant_id: strawberry.ID = declare_required("ID of the product variant.")
    quantity: int = declare_required(
        "Quantity, 1 to 9,999. If the cart has the variant already, it is added to that line."
    )


@strawberry.input(description="A cart to create.")
class CartCreateInput:
    channel_key: str = declare_required("Key of the channel to buy in.")
    currency_code: CurrencyCode | None = declare_optional(
        "Currency the client expects. Another currency of the channel is an error."
    )
    lines: list[CartLineInput] | None = declare_optional("Lines to add at once.", max_items=MAX_LINES)
    cart_token: str | None = declare_optional(
        "Token of a cart that the lines are added to, if it is still open and in this channel. Otherwise a new cart is "
        "created: the payload returns its token."
    )
    idempotency_key: str = declare_key()


async def resolve_cart_create(context: Context, *, input: Annotated[CartCreateInput, Input]) -> MutationResult:
    check_anonymous_key(context, input.idempotency_key)
    channel, currency = context.require_channel(input.channel_key), unwrap(input.currency_code)
    filling, problems = await _read_lines(context, unwrap(input.lines) or [])
    token = unwrap(input.cart_token)
    use_case = partial(
        fill_cart,
        cart=None if token is None else CartRef(token),
        channel=channel,
        currency=currency,
        requests=filling,
        context=build_selling_context(context),
    )
    is_known = token is not None and tokens.extract_row_id(token) is not None
    principal = build_cart_principal(token) if token is not None and is_known else f"network {context.network}"
    return await execute_in_cart(context, "cartCreate", input, refuse(problems) or use_case, principal, token)


@strawberry.input(description="The customer to assign to a cart.")
class CartCustomerSetInput:
    cart_token: str = declare_required(REPLACED_CART)
    customer_id: strawberry.ID | None = declare_optional(
        "ID of the customer. Null removes the customer; the scope `carts:write` is required. A customer who has logged "
        "in omits it: the cart becomes their own."
    )
    idempotency_key: str = declare_key()


async def resolve_cart_customer_set(
    context: Context, *, input: Annotated[CartCustomerSetInput, Input]
) -> MutationResult:
    customer_id = unwrap(input.customer_id)
    home = None if customer_id else context.caller.home
    if home is None:
        context.require(ASSIGN_CUSTOMER)
    ids = [parse_row_id("input.customerId", "Customer", customer_id)] if customer_id else []
    customer = next(iter(await context.load_all(load_customers, ids)), None)
    use_case = partial(
        assign_customer,
        cart=CartRef(input.cart_token),
        customer_id=customer.id if customer else home,
        context=build_selling_context(context),
    )
    problems = [_UNKNOWN_CUSTOMER] if customer_id and customer is None else []
    principal = build_cart_principal(input.cart_token)
    return await execute_in_cart(
        context, "cartCustomerSet", input, refuse(problems) or use_case, principal, input.cart_token, rotates=True
    )


_UNKNOWN_CUSTOMER = UserError(
    code=UserErrorCode.NOT_FOUND, field=("input", "customerId"), message="The customer does not exist."
)


@strawberry.input(description="Lines to add to a cart.")
class CartLinesAddInput:
    cart_token: str = declare_required(CURRENT_CART)
    version: int | None = declare_optional(CART_VERSION)
    lines: list[CartLineInput] = declare_required("The lines to add.", max_items=MAX_LINES)
    idempotency_key: str = declare_key()


async def resolve_cart_lines_add(context: Context, *, input: Annotated[CartLinesAddInput, Input]) -> MutationResult:
    held = CartRef(input.cart_token, unwrap(input.version))
    filling, problems = await _read_lines(context, input.lines)
    use_case = partial(add_lines, cart=held, requests=filling, context=build_selling_context(context))
    principal = build_cart_principal(input.cart_token)
    return await execute_in_cart(
        context, "cartLinesAdd", input, refuse(problems) or use_case, principal, input.cart_token
    )


@strawberry.input(description="Lines to remove from a cart.")
class CartLinesRemoveInput:
    cart_token: str = declare_required(CURRENT_CART)
    version: int | None = declare_optional(CART_VERSION)
    line_ids: list[strawberry.ID] = declare_required("IDs of the lines to remove.", max_items=MAX_LINES)
    idempotency_key: str = declare_key()


async def resolve_cart_lines_remove(
    context: Context, *, input: Annotated[CartLinesRemoveInput, Input]
) -> MutationResult:
    held = CartRef(input.cart_token, unwrap(input.version))
    ids = [parse_part_id(f"input.lineIds.{n}", "CartLine", id_) for n, id_ in enumerate(input.line_ids)]
    use_case = partial(remove_lines, cart=held, line_ids=ids, context=build_selling_context(context))
    principal = build_cart_principal(input.cart_token)
    return await execute_in_cart(context, "cartLinesRemove", input, use_case, principal, input.cart_token)


@strawberry.input(description="The new quantity of a cart line.")
class CartLineUpdateInput:
    line_id: strawberry.ID = declare_required("ID of the cart line.")
    quantity: int = declare_required("The new quantity, up to 9,999. 0 removes the line.")


@strawberry.input(description="New quantities of cart lines.")
class CartLinesUpdateInput:
    cart_token: str = declare_required(CURRENT_CART)
    version: int | None = declare_optional(CART_VERSION)
    lines: list[CartLineUpdateInput] = declare_required("The lines to update.", max_items=MAX_LINES)
    idempotency_key: str = declare_key()


async def resolve_cart_lines_update(
    context: Context, *, input: Annotated[CartLinesUpdateInput, Input]
) -> MutationResult:
    held = CartRef(input.cart_token, unwrap(input.version))
    quantities = {
        parse_part_id(f"input.lines.{n}.lineId", "CartLine", line.line_id): line.quantity
        for n, line in enumerate(input.lines)
    }
    use_case = partial(update_lines, cart=held, quantities=quantities, context=build_selling_context(context))
    principal = build_cart_principal(input.cart_token)
    return await execute_in_cart(context, "cartLinesUpdate", input, use_case, principal, input.cart_token)


@strawberry.input(description="The channel or device to continue a cart in.")
class CartMoveInput:
    cart_token: str = declare_required(REPLACED_CART)
    channel_key: str = declare_required(
        "Key of the channel to continue in. Its current channel moves it to another device."
    )
    idempotency_key: str = declare_key()


async def resolve_cart_move(context: Context, *, input: Annotated[CartMoveInput, Input]) -> MutationResult:
    channel = context.require_channel(input.channel_key)
    use_case = partial(
        move_cart, cart=CartRef(input.cart_token), channel=channel, context=build_selling_context(context)
    )
    principal = build_cart_principal(input.cart_token)
    return await execute_in_cart(context, "cartMove", input, use_case, principal, input.cart_token, rotates=True)


def build_cart_principal(token: str) -> str:
    """Return the owner of idempotency keys of a client that has nothing but a cart token."""
    return f"{CART_PRINCIPAL}{tokens.extract_row_id(token) or ''}"


async def execute_in_cart(
    context: Context,
    mutation: str,
    input: Any,
    use_case: UseCase,
    principal: str,
    token: str | None,
    *,
    rotates: bool = False,
) -> MutationResult:
    """Execute a mutation of a cart, and let the response show the cart to the holder of its token.

    Args:
        token: what the client sent; None: none.
        rotates: whether the mutation replaces the token, so that a retry of it sends the one before.
    """
    result = await execute(context, mutation, input, use_case, principal=principal)
    if result.subject is not None:
        await grant_cart(context, result.subject, token, rotates=rotates)
    return result


async def grant_cart(context: Context, cart_id: str, token: str | None, *, rotates: bool) -> None:
    """Let the response show the cart, with its current token, unless the client has only a former one.

    A retry returns the stored result, which checked the token that was current then.
    """
    rotation, selling = await context.read(carts.get_rotation, cart_id), get_runtime(context).selling
    if rotation is None:
        return
    if token is None or tokens.extract_row_id(token) != cart_id:
        is_holder = rotation == 0  # the client has created the cart
    else:
        accepted = (rotation, rotation - 1) if rotates else (rotation,)
        is_holder = any(tokens.is_cart_token(selling.secrets, token, cart_id, one) for one in accepted)
    if is_holder:
        context.accept_token(cart_id, tokens.build_cart_token(selling.secret, cart_id, rotation))


def check_anonymous_key(context: Context, key: str) -> None:
    """Require a long key: clients without a token are distinguished by their keys alone."""
    if not context.caller.principal and len(key) < MIN_ANONYMOUS_KEY_LENGTH:
        raise BadUserInputError(
            f"idempotencyKey: at least {MIN_ANONYMOUS_KEY_LENGTH} characters without a token, for example a UUID."
        )


async def _read_lines(context: Context, lines: Sequence[CartLineInput]) -> tuple[list[LineRequest], list[UserError]]:
    """Return the requested lines, and an error for each variant that does not exist."""
    variants, problems = await find_variants(context, [line.variant_id for line in lines])
    pairs = zip(variants, lines, strict=True)
    return [LineRequest(n, variant or "", line.quantity) for n, (variant, line) in enumerate(pairs)], problems

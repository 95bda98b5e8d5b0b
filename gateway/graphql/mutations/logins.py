"""Login mutations: exchange a token for one of the gateway."""

from __future__ import annotations

import hashlib
from typing import Annotated

import strawberry

from gateway.commerce.checkout.carts import CartRef
from gateway.commerce.customers.shopper_tokens import build_shopper_token
from gateway.commerce.customers.token_exchange import SubjectLogin, build_content, build_refusal, convert_login
from gateway.execution.context import Context
from gateway.execution.errors import BadUserInputError
from gateway.execution.login.errors import IssuerUnavailableError, LoginError
from gateway.graphql.filters import unwrap
from gateway.graphql.inputs import declare_optional, declare_required
from gateway.graphql.mutations.carts import check_anonymous_key, grant_cart
from gateway.graphql.mutations.execution import Input, declare_key, execute
from gateway.graphql.runtime_protocol import build_selling_context, get_runtime
from gateway.model.customers.logins import ShopperTokenKind
from gateway.model.mutation_result import MutationResult, UserError
from gateway.runtime.command_bus import UseCase
from gateway.storage.database import Connection


@strawberry.input(description="A token of an issuer or a channel, to exchange for one of the gateway.")
class ShopperTokenExchangeInput:
    kind: ShopperTokenKind = declare_required("What the token is.")
    subject_token: str = declare_required("The token.")
    channel_key: str | None = declare_optional(
        "Key of the channel whose customer has the token. Required with CHANNEL_CUSTOMER."
    )
    cart_token: str | None = declare_optional(
        "Token of a cart that becomes the customer's own, as by `cartCustomerSet`. The payload has its new token."
    )
    idempotency_key: str = declare_key()


async def resolve_shopper_token_exchange(
    context: Context, *, input: Annotated[ShopperTokenExchangeInput, Input]
) -> MutationResult:
    check_anonymous_key(context, input.idempotency_key)
    login = await _verify_subject(context, input)
    exchange = None if isinstance(login, UserError) else _Exchange(login, unwrap(input.cart_token), context)
    problems = (login,) if isinstance(login, UserError) else ()
    use_case: UseCase = exchange or (lambda _: MutationResult(user_errors=problems))
    digest = hashlib.sha256(input.subject_token.encode("utf-8", "replace")).hexdigest()
    result = await execute(context, "shopperTokenExchange", input, use_case, principal=f"login {digest}")
    if exchange is not None and result.subject is not None:
        await exchange.accept_result(context, result)
    return result


class _Exchange:
    """The use case of an exchange."""

    def __init__(self, login: SubjectLogin, cart_token: str | None, context: Context) -> None:
        self._login = login
        self._cart_token = cart_token
        self._selling_context = build_selling_context(context)
        self._is_executed = False

    def __call__(self, conn: Connection) -> MutationResult:
        self._is_executed = True
        cart = None if self._cart_token is None else CartRef(self._cart_token)
        return convert_login(conn, self._login, cart, self._selling_context)

    async def accept_result(self, context: Context, result: MutationResult) -> None:
        """Let the response show the customer and the cart, and the token unless an earlier request has issued it."""
        home, (identity_id, *carts) = result.subject or "", result.subjects
        context.accept_login(identity_id, home)
        if self._is_executed:
            content = build_content(self._login, home, identity_id, context.now)
            context.issued_secrets[home] = build_shopper_token(get_runtime(context).selling.secret, content)
        for cart_id in carts:
            await grant_cart(context, cart_id, self._cart_token, rotates=True)


async def _verify_subject(context: Context, input: ShopperTokenExchangeInput) -> SubjectLogin | UserError:
    """Verify the token. A token that is not valid is an error for the user, who logs in again."""
    if input.kind is ShopperTokenKind.CHANNEL_CUSTOMER:
        return await _verify_at_channel(context, input)
    try:
        return await get_runtime(context).logins.verify(input.subject_token)
    except IssuerUnavailableError:
        raise
    except LoginError as error:
        return build_refusal(str(error))


async def _verify_at_channel(context: Context, input: ShopperTokenExchangeInput) -> SubjectLogin | UserError:
    key = unwrap(input.channel_key)
    if key is None:
        raise BadUserInputError("input.channelKey: is required with CHANNEL_CUSTOMER.")
    context.require_channel(key)
    with context.release_slot():
        return await get_runtime(context).channel_logins.verify(key, input.subject_token)

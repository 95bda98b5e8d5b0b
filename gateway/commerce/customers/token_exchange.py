"""Token exchange: binds the login of an issuer's or a channel's token, and assigns the cart of a guest to it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from gateway.commerce.checkout.carts import CartRef, assign_customer
from gateway.commerce.context import SellingContext
from gateway.commerce.customers.accounts import BoundLogin, bind_login, is_login_valid
from gateway.model.customers.logins import ChannelLogin, ShopperToken, VerifiedLogin
from gateway.model.mutation_result import MutationResult, UserError, UserErrorCode
from gateway.storage.database import Connection
from gateway.storage.writes.customers import identities

LIFETIME = timedelta(hours=1)
"""How long a token of the gateway is valid, unless the one that it is exchanged for expires sooner."""

SubjectLogin = VerifiedLogin | ChannelLogin
"""What the token says that a client exchanges."""


def convert_login(
    conn: Connection, login: SubjectLogin, cart: CartRef | None, context: SellingContext
) -> MutationResult:
    """Bind a login, and assign a cart to its customer. The result has its home, its id, and the cart."""
    bound = _bind(conn, login, context)
    if isinstance(bound, UserError):
        return MutationResult(user_errors=(bound,))
    if cart is None:
        return MutationResult(subject=bound.home, subjects=(bound.identity_id,), done=True)
    assigned = assign_customer(conn, cart, bound.home, replace(context, customer=bound.home))
    if assigned.user_errors or assigned.subject is None:
        return MutationResult(user_errors=assigned.user_errors)
    return MutationResult(
        subject=bound.home, subjects=(bound.identity_id, assigned.subject), warnings=assigned.warnings, done=True
    )


def build_content(login: SubjectLogin, home: str, identity_id: str, now: datetime) -> ShopperToken:
    """Build the content of the token that a login is exchanged for."""
    latest = now + LIFETIME
    return ShopperToken(
        identity_id=identity_id,
        home=home,
        issuer=login.issuer if isinstance(login, VerifiedLogin) else None,
        channel=login.channel if isinstance(login, ChannelLogin) else None,
        issued_at=login.issued_at,
        expires_at=min(latest, login.expires_at or latest),
        auth_time=login.auth_time if isinstance(login, VerifiedLogin) else None,
    )


def _bind(conn: Connection, login: SubjectLogin, context: SellingContext) -> BoundLogin | UserError:
    if isinstance(login, ChannelLogin):
        return _find_record(conn, login)
    bound = bind_login(conn, login, context.config, context.now)
    return bound or build_refusal("The token was issued before the data of its subject was erased. Log in again.")


def _find_record(conn: Connection, login: ChannelLogin) -> BoundLogin | UserError:
    """Find the record of a channel's customer. A new customer has none before the channel is read again."""
    row = next(iter(identities.find_by_external_id(conn, login.channel, [login.external_id])), None)
    if row is None:
        message = "The channel's customer is not read yet. Try again in a minute."
        error = build_refusal(message, UserErrorCode.NOT_FOUND)
        return replace(error, retryable=True, retry_after_seconds=60, channel_key=login.channel)
    if row.gone or not is_login_valid(conn, row.id, login.issued_at):
        return build_refusal("The channel's customer does not exist any more.")
    return BoundLogin(row.id, row.home)


def build_refusal(message: str, code: UserErrorCode = UserErrorCode.NOT_VERIFIED) -> UserError:
    """Build the error of a token that cannot be exchanged."""
    return UserError(code=code, field=("input", "subjectToken"), message=message)

"""Order claims: a customer takes over one order that was placed as a guest (rule C9)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.commerce.context import SellingContext
from gateway.commerce.customers import decisions
from gateway.commerce.customers.guests import is_guest
from gateway.commerce.orders.guest_lookup import WINDOW, GuestRequest, TooManyGuessesError, find_guest_order
from gateway.model.mutation_result import MutationResult, UserError, UserErrorCode
from gateway.model.validation import fold
from gateway.storage.database import Connection
from gateway.storage.sql.bulk import load_json
from gateway.storage.writes import orders
from gateway.storage.writes.attempts import AttemptLimit
from gateway.storage.writes.customers import evidence, identities
from gateway.storage.writes.customers.identities import IdentityRow
from gateway.storage.writes.orders import OrderRow

CLAIM_LIMIT = AttemptLimit("claim-network", 20, WINDOW)
"""Guesses of all numbers by the shoppers of one network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderClaim:
    """The claim of an order.

    Attributes:
        home: the customer id that was minted with the identity of the shopper's login.
        client: the network of the shopper, by which guesses are counted: anyone can have many logins.
        order_id: the order whose token the shopper has presented; None: the order has this number in this channel.
    """

    home: str
    client: str
    order_id: str | None = None
    channel: str = ""
    number: str = ""


def claim_order(conn: Connection, claim: OrderClaim, context: SellingContext) -> MutationResult:
    """Let an order of a guest be the shopper's: one whose token they have, or whose number, address and name are right.

    Wrong numbers, addresses and names are refused alike.
    """
    account = identities.find_by_home(conn, claim.home)
    if account is None:
        return _refuse("There is no order that you can claim by this.")
    order_id = claim.order_id or _find_by_number(conn, account, claim, context.now)
    if isinstance(order_id, UserError):
        return MutationResult(user_errors=(order_id,))
    order = None if order_id is None else orders.lock_orders(conn, [order_id]).get(order_id)
    if order is None or not (claim.order_id or _has_same_name(account, order)):
        return _refuse("There is no order that you can claim by this.")
    return _claim(conn, account, order, context)


def _claim(conn: Connection, account: IdentityRow, order: OrderRow, context: SellingContext) -> MutationResult:
    evidence.lock_recognition(conn)
    account = identities.lock_identities(conn, [account.id])[account.id]
    channel, id_ = order.customer_channel or "", order.customer or ""
    owner = next(iter(identities.find_by_external_id(conn, channel, [id_])), None)
    if owner is not None and owner.proved_id == account.proved_id:
        return MutationResult(subject=order.id, done=True)
    if owner is None or not is_guest(order):
        return _refuse("The order is not one of a guest.", UserErrorCode.NOT_ALLOWED_IN_STATE)
    if len(identities.find_members(conn, [owner.proved_id], proved=True)) > 1:  # or both would see all of each other
        return _refuse("The order is another customer's already.", UserErrorCode.NOT_ALLOWED_IN_STATE)
    decisions.add_claim(conn, account.id, owner.id, context)
    return MutationResult(subject=order.id, done=True)


def _find_by_number(conn: Connection, account: IdentityRow, claim: OrderClaim, now: datetime) -> str | UserError | None:
    """Find an order by its number and an address that the login has verified. Guesses are counted."""
    verified = [value for value, is_verified, *_ in load_json(account.emails) if is_verified]
    if not verified:
        message = "The login has verified no email address. Claim the order by its access token."
        return UserError(code=UserErrorCode.NOT_VERIFIED, field=("input", "number"), message=message)
    request = GuestRequest(
        channel=claim.channel, number=claim.number, email=verified[0], client=claim.client, limit=CLAIM_LIMIT
    )
    try:
        return find_guest_order(conn, request, now)
    except TooManyGuessesError as error:
        return UserError(
            code=UserErrorCode.TOO_MANY_ATTEMPTS,
            field=("input", "number"),
            message="Too many attempts.",
            retryable=True,
            retry_after_seconds=error.retry_after,
        )


def _has_same_name(account: IdentityRow, order: OrderRow) -> bool:
    """Whether the full name of an order's contact is that of the login: an address may be a family's."""
    contact = load_json(order.contact) if order.contact else {}
    given, family = account.given_name, account.family_name
    return bool(given and family) and _normalize_name(contact.get("name")) == _normalize_name(f"{given} {family}")


def _normalize_name(name: str | None) -> str:
    return " ".join(fold(name or "").split())


def _refuse(message: str, code: UserErrorCode = UserErrorCode.NOT_FOUND) -> MutationResult:
    return MutationResult(user_errors=(UserError(code=code, field=("input",), message=message),))

"""Requests of consents: what the customer or staff decide here, and the confirmation of a grant (rule C10)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from gateway.commerce import tokens
from gateway.commerce.consents.addresses import OwnAddress, choose_primary, list_addresses, normalize_address
from gateway.commerce.consents.confirmations import request_confirmations
from gateway.commerce.consents.derivation import refresh_consents
from gateway.commerce.consents.pushes import push_denials
from gateway.commerce.consents.recording import PURPOSES_OF_PERSON
from gateway.commerce.context import SellingContext
from gateway.commerce.customers.customer_rows import touch_customers
from gateway.commerce.outbox.commands import EnqueuedKeys
from gateway.model.customers.consents import ConsentPurpose, ConsentSource
from gateway.model.ids import generate_id
from gateway.model.mutation_result import MutationResult, UserError, UserErrorCode
from gateway.storage.database import Connection
from gateway.storage.writes.customers import consents, identities, profiles
from gateway.storage.writes.customers.consents import FactRow

MAX_GRANTS = 50
"""Grants of a customer that are stored in a day. A denial is never refused; what a customer repeats is not stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRequest:
    """A decision to store.

    Attributes:
        customer_id: any ID that the customer was ever given.
        address: one of the customer; None: all for a denial, the preferred one for a grant.
        by_customer: decided by the customer, who sees only what the login proves (rule C7); else by staff.
    """

    customer_id: str
    purpose: ConsentPurpose
    granted: bool
    wording: str
    address: str | None = None
    by_customer: bool = False


def set_consent(
    conn: Connection, request: ConsentRequest, context: SellingContext
) -> tuple[MutationResult, EnqueuedKeys]:
    """Store a decision, and send a denial to the channels. A grant for an address that is not verified waits for its
    confirmation.
    """
    home = identities.resolve_homes(conn, [request.customer_id]).get(request.customer_id)
    if home is None:
        return _refuse("customerId", "There is no customer with this ID.", UserErrorCode.NOT_FOUND), {}
    owner = home.proved_id if request.by_customer else home.customer_id
    members = identities.find_members(conn, [owner], proved=request.by_customer)
    known = list_addresses(request.purpose, members, context.config.customers)
    chosen = _choose_addresses(request, known)
    if isinstance(chosen, UserError):
        return MutationResult(subject=owner, user_errors=(chosen,)), {}
    former = consents.find_facts(conn, [row.id for row in members])
    if request.granted and _count_grants(former, context) >= MAX_GRANTS:
        message = f"A customer can consent {MAX_GRANTS} times a day."
        return _refuse("granted", message, UserErrorCode.LIMIT_EXCEEDED), {}
    built = [_build_fact(request, address, known, home.identity_id, context) for address in chosen]
    rows = [row for row in built if not (request.by_customer and _is_repeated(row, former))]
    consents.insert_facts(conn, rows)
    request_confirmations(conn, owner, rows, context)
    _refresh(conn, [row.address for row in rows], home.customer_id, context)
    keys = push_denials(conn, rows, context.config, context.now)
    return MutationResult(subject=owner, subjects=_describe(request.purpose, chosen), done=True), keys


def _count_grants(former: Sequence[FactRow], context: SellingContext) -> int:
    """Count the grants that were given here in the last day."""
    since = context.now - timedelta(days=1)
    return sum(fact.granted and fact.channel is None and fact.received_at > since for fact in former)


def _is_repeated(row: FactRow, former: Sequence[FactRow]) -> bool:
    """Whether the last fact about this purpose and address says the same, and waits for nothing."""
    about = [fact for fact in former if (fact.purpose, fact.address) == (row.purpose, row.address)]
    if not about or not row.confirmed:
        return False
    last = about[-1]
    return (last.granted, last.confirmed, last.wording, last.source, last.channel) == (
        row.granted,
        row.confirmed,
        row.wording,
        row.source,
        row.channel,
    )


def _choose_addresses(request: ConsentRequest, known: Mapping[str, OwnAddress]) -> Sequence[str | None] | UserError:
    """Choose the addresses that a decision is about; None stands for the person."""
    if request.purpose in PURPOSES_OF_PERSON:
        return [None] if request.address is None else _build_error("address", "This purpose is about no address.")
    if request.address is not None:
        address = normalize_address(request.purpose, request.address, None)
        return [address] if address in known else _build_error("address", "The customer does not have this address.")
    if not request.granted:
        return [None, *sorted(known)]
    primary = choose_primary(known)
    return [primary] if primary is not None else _build_error("address", "The customer has no such address.")


def _build_fact(
    request: ConsentRequest,
    address: str | None,
    known: Mapping[str, OwnAddress],
    identity_id: str,
    context: SellingContext,
) -> FactRow:
    is_verified = address is None or known[address].verified
    source = ConsentSource.SHOPPER if request.by_customer else ConsentSource.STAFF
    return FactRow(
        id=generate_id(context.now),
        identity_id=identity_id,
        purpose=request.purpose.value,
        address=address,
        granted=request.granted,
        earliest=context.now,
        latest=context.now,
        confirmed=is_verified or not request.granted,
        source=source.value,
        wording=request.wording,
        decided_at=context.now,
        received_at=context.now,
        channel=None,
    )


def confirm_consent(conn: Connection, token: str, context: SellingContext) -> MutationResult:
    """Confirm a grant by the token that was sent to its address."""
    fact_id = tokens.extract_row_id(token)
    config = context.config
    if fact_id is None or not tokens.is_consent_token([config.secret, *config.previous_secrets], token, fact_id):
        return _refuse("token", "There is no consent with this token.", UserErrorCode.NOT_FOUND)
    fact = consents.confirm_fact(conn, fact_id, context.now)
    owners = {} if fact is None else identities.lock_identities(conn, [fact.identity_id])
    if fact is None or not owners:
        return _refuse("token", "There is no consent with this token.", UserErrorCode.NOT_FOUND)
    owner = owners[fact.identity_id]
    _refresh(conn, [fact.address], owner.customer_id, context)
    purpose = ConsentPurpose(fact.purpose)
    return MutationResult(subject=owner.proved_id, subjects=_describe(purpose, [fact.address]), done=True)


def _refresh(conn: Connection, addresses: Sequence[str | None], customer_id: str, context: SellingContext) -> None:
    """Derive anew what the customer allows, and all who hold the addresses."""
    held = consents.find_customers_of_addresses(conn, [address for address in addresses if address is not None])
    # Before the facts are read: of two answers at once, the last one counts both.
    profiles.lock_customers(conn, {customer_id, *held})
    refresh_consents(conn, {customer_id, *held})
    touch_customers(conn, {customer_id, *held}, context.now)


def _describe(purpose: ConsentPurpose, addresses: Sequence[str | None]) -> tuple[str, ...]:
    """Name the answer that a payload shows: its purpose and the address, empty for the person."""
    return (purpose.value, addresses[-1] or "")


def _build_error(field: str, message: str, code: UserErrorCode = UserErrorCode.INVALID) -> UserError:
    return UserError(code=code, field=("input", field), message=message)


def _refuse(field: str, message: str, code: UserErrorCode) -> MutationResult:
    return replace(MutationResult(), user_errors=(_build_error(field, message, code),))

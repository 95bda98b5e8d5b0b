"""Accounts: a login is bound to one identity, by its issuer and subject alone (rule C8)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from gateway.commerce.config import SellingConfig
from gateway.commerce.customers.customer_rows import rebuild_customers
from gateway.commerce.privacy.suppression import is_login_suppressed
from gateway.model.customers.logins import VerifiedLogin
from gateway.model.customers.profiles import ACCOUNT, IdentityRule
from gateway.model.ids import generate_ids
from gateway.storage.database import Connection
from gateway.storage.reads.customers import logins
from gateway.storage.sql.bulk import dump_json
from gateway.storage.writes.customers import accounts, identities
from gateway.storage.writes.customers.identities import IdentityRow


@dataclass(frozen=True, slots=True)
class BoundLogin:
    """The identity that a login is bound to. `home`: the customer id that was minted with it."""

    identity_id: str
    home: str


def bind_login(conn: Connection, login: VerifiedLogin, config: SellingConfig, now: datetime) -> BoundLogin | None:
    """Return the identity of a login. Its first use creates it; the claims of later ones replace its fields.

    None: the login was issued before the data of its subject was erased.
    """
    former = accounts.find_account(conn, login.issuer, login.subject)
    channel = f"{ACCOUNT}{login.issuer}"
    if former is None and is_login_suppressed(conn, channel, login.subject, login.issued_at, config):
        return None
    created = former or _create_account(conn, login, now)
    row = identities.lock_identities(conn, [created.id]).get(created.id, created)
    if row.erased_at is not None and login.issued_at < row.erased_at:
        return None
    updated = _apply_claims(row, login)
    if former is None or updated != row:
        identities.store_identities(conn, [replace(updated, changed_at=_get_time(login, now), pending_since=now)])
        rebuild_customers(conn, [row.customer_id], config.customers, now)
    return BoundLogin(row.id, row.home)


def find_login(conn: Connection, login: VerifiedLogin) -> BoundLogin | None:
    """Return the identity of a login that changes nothing. None: `bind_login` has to decide."""
    row = accounts.find_account(conn, login.issuer, login.subject)
    if row is None or row.erased_at is not None or _apply_claims(row, login) != row:
        return None
    return BoundLogin(row.id, row.home)


def is_login_valid(conn: Connection, identity_id: str, issued_at: datetime) -> bool:
    """Return whether a login that was issued at this time still holds: its subject was not erased since."""
    erased_at = logins.find_erase(conn, identity_id)
    return erased_at is None or erased_at <= issued_at


def _create_account(conn: Connection, login: VerifiedLogin, now: datetime) -> IdentityRow:
    id_, home = generate_ids(now, 2)
    row = IdentityRow(
        id=id_,
        customer_id=home,
        channel=f"{ACCOUNT}{login.issuer}",
        external_id=login.subject,
        home=home,
        proved_id=home,
        linked_at=now,
        evidence=dump_json([[IdentityRule.LOGIN.value, None]]),
        has_login=True,
    )
    accounts.insert_account(conn, row)
    return accounts.find_account(conn, login.issuer, login.subject) or row


def _apply_claims(row: IdentityRow, login: VerifiedLogin) -> IdentityRow:
    """Return the identity with the claims of a login, unless a later login has stated others. What a token does not say
    stays; an address holds until a later token says that it is not verified.
    """
    if row.changed_at is not None and login.issued_at < row.changed_at:
        return row
    return replace(
        row,
        given_name=login.given_name or row.given_name,
        family_name=login.family_name or row.family_name,
        locale=login.locale or row.locale,
        emails=row.emails if login.email is None else _dump_emails(row.channel, login),
    )


def _dump_emails(channel: str, login: VerifiedLogin) -> str:
    return dump_json([[login.email, True, True, [channel]]] if login.email_verified else [])


def _get_time(login: VerifiedLogin, now: datetime) -> datetime:
    return min(login.issued_at, now)

"""Accounts: a login is bound to one identity, by its issuer and subject alone (rule C8)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from gateway.model.customers.logins import VerifiedLogin
from gateway.model.customers.profiles import IdentityRule
from gateway.model.ids import generate_ids
from gateway.model.validation import fold
from gateway.storage import change_log
from gateway.storage.database import Connection
from gateway.storage.sql.bulk import dump_json
from gateway.storage.sql.text_search import join_words
from gateway.storage.writes.customers import accounts
from gateway.storage.writes.customers.accounts import ACCOUNT_CHANNEL, Account


def bind_login(conn: Connection, login: VerifiedLogin, now: datetime) -> str | None:
    """Return the id of the identity of a login, which its first use creates.

    None: the login was issued before the data of its subject was erased.
    """
    account = accounts.find_account(conn, login.issuer, login.subject) or _create_account(conn, login, now)
    return account.id if is_login_valid(conn, account.id, login.issued_at) else None


def is_login_valid(conn: Connection, identity_id: str, issued_at: datetime) -> bool:
    """Return whether a login that was issued at this time still holds: its subject was not erased since."""
    account = accounts.find_account_by_id(conn, identity_id)
    return account is not None and (account.erased_at is None or account.erased_at <= issued_at)


def _create_account(conn: Connection, login: VerifiedLogin, now: datetime) -> Account:
    identity_id, customer_id = generate_ids(now, 2)
    fields = _build_fields(login)
    identity = fields | {
        "id": identity_id,
        "customer_id": customer_id,
        "home": customer_id,
        "proved_id": customer_id,
        "channel": f"{ACCOUNT_CHANNEL}{login.issuer}",
        "external_id": login.subject,
        "evidence": dump_json([[IdentityRule.EXTERNAL_REFERENCE.value, None]]),
        "gone": False,
        "linked_at": now,
        "recognized": False,
    }
    if accounts.insert_account(conn, identity, _build_customer(customer_id, fields, now)):
        change_log.log_change(conn, "CUSTOMER", [(customer_id, 1)], now)
        return Account(identity_id, None)
    account = accounts.find_account(conn, login.issuer, login.subject)
    if account is None:
        raise RuntimeError("the account neither exists nor can be created")
    return account


def _build_fields(login: VerifiedLogin) -> dict[str, Any]:
    """Build what the identity and the customer have in common. An address counts only if the issuer asserts it."""
    channel = f"{ACCOUNT_CHANNEL}{login.issuer}"
    names = [name for name in (login.given_name, login.family_name) if name]
    return {
        "display_name": " ".join(names) or None,
        "given_name": login.given_name,
        "family_name": login.family_name,
        "locale": login.locale,
        "emails": dump_json([[login.email, True, True, [channel]]] if login.email_verified else []),
        "phones": "[]",
        "addresses": "[]",
        "tags": "[]",
        "has_login": True,
    }


def _build_customer(id_: str, fields: dict[str, Any], now: datetime) -> dict[str, object]:
    name = fields["display_name"] or ""
    return fields | {
        "id": id_,
        "version": 1,
        "visible": True,
        "sort_name": fold(name)[:600],
        "words": join_words([name]),
        "created_at": now,
        "updated_at": now,
    }

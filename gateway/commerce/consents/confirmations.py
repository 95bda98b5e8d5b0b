"""Confirmations: a grant to an address that is not verified is asked back at that address (rules C10, N3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from gateway.commerce import tokens
from gateway.commerce.config import SellingConfig
from gateway.commerce.context import SellingContext
from gateway.commerce.notices.queue import NewNotice, enqueue_notice
from gateway.model.ids import GlobalId
from gateway.model.notices.kinds import NoticeKind
from gateway.storage.database import Connection
from gateway.storage.writes.customers import consents
from gateway.storage.writes.customers.consents import FactRow

REQUEST_INTERVAL = timedelta(hours=1)


def request_confirmations(conn: Connection, customer_id: str, rows: Sequence[FactRow], context: SellingContext) -> None:
    """Request the confirmation of those grants that wait for it. An address gets one message an hour, so that a
    person who enters that of another cannot fill the mailbox.
    """
    before = consents.find_facts(conn, {row.identity_id for row in rows})
    for row in rows:
        if row.granted and not row.confirmed and not any(_is_recent(row, earlier) for earlier in before):
            ids = {"customer": customer_id, "fact": row.id}
            kind = NoticeKind.CONSENT_CONFIRMATION_REQUESTED
            enqueue_notice(conn, NewNotice(kind=kind, subject=customer_id, ids=ids), context)


def _is_recent(row: FactRow, earlier: FactRow) -> bool:
    """Return whether an earlier grant has requested the same confirmation less than an hour ago."""
    is_same = (row.identity_id, row.purpose, row.address) == (earlier.identity_id, earlier.purpose, earlier.address)
    waits = earlier.granted and not earlier.confirmed and earlier.id != row.id
    return is_same and waits and row.received_at - earlier.received_at < REQUEST_INTERVAL


def describe_requests(
    conn: Connection, requests: Sequence[Mapping[str, str]], config: SellingConfig
) -> Sequence[Mapping[str, str] | None]:
    """Describe requests of confirmations. None: the grant is confirmed, or is gone."""
    facts = consents.find_unconfirmed_facts(conn, {ids["fact"] for ids in requests})
    return [_describe_request(ids, facts.get(ids["fact"]), config) for ids in requests]


def _describe_request(ids: Mapping[str, str], fact: FactRow | None, config: SellingConfig) -> Mapping[str, str] | None:
    """The receiver finds the address by the time: it is that of the decision in `Consent.decisions`."""
    if fact is None:
        return None
    return {
        "customerId": str(GlobalId("Customer", (ids["customer"],))),
        "purpose": fact.purpose,
        "receivedAt": fact.received_at.isoformat().replace("+00:00", "Z"),
        "token": tokens.build_consent_token(config.secret, fact.id),
    }

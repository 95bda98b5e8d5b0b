"""Recording of consents that channels report: a fact for every change of what a record shows (rule C10)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from gateway.commerce.consents.addresses import normalize_address
from gateway.commerce.customers.config import CustomerConfig
from gateway.model.customers.consents import ConsentPurpose, ConsentSource
from gateway.model.ids import generate_id
from gateway.sdk.consents import ConsentRecord
from gateway.storage.database import Connection
from gateway.storage.tables import EPOCH
from gateway.storage.writes.customers import consents
from gateway.storage.writes.customers.consents import FactRow
from gateway.storage.writes.customers.identities import IdentityRow


class ReportedConsent(NamedTuple):
    """A consent in a record of a channel.

    Attributes:
        unseen_at: begin of the last read that did not show it; None: there was none.
    """

    identity: IdentityRow
    record: ConsentRecord
    unseen_at: datetime | None


def record_consents(
    conn: Connection, reported: Sequence[ReportedConsent], config: CustomerConfig, now: datetime
) -> None:
    """Store what channels report as facts, unless it is what they reported last."""
    known = _find_last(conn, reported)
    rows = [row for one in reported if (row := _build_fact(one, known, config, now)) is not None]
    consents.insert_facts(conn, rows)


_Key = tuple[str, str, str | None]


def _find_last(conn: Connection, reported: Sequence[ReportedConsent]) -> Mapping[_Key, FactRow]:
    """Find what was reported last, by identity, purpose and address."""
    rows = consents.find_facts(conn, {one.identity.id for one in reported})
    return {(row.identity_id, row.purpose, row.address): row for row in rows if row.channel is not None}


def _build_fact(
    one: ReportedConsent, known: Mapping[_Key, FactRow], config: CustomerConfig, now: datetime
) -> FactRow | None:
    """Build the fact of a consent. None: it was reported before."""
    identity, record = one.identity, one.record
    address = _read_address(record, config.regions.get(identity.channel))
    last = known.get((identity.id, record.purpose.value, address))
    if last is not None and (last.granted, last.decided_at) == (record.granted, record.decided_at):
        return None
    earliest, latest = _bound_time(one, config.clock_errors.get(identity.channel, timedelta(0)), now)
    return FactRow(
        id=generate_id(now),
        identity_id=identity.id,
        purpose=record.purpose.value,
        address=address,
        granted=record.granted,
        earliest=earliest,
        latest=latest,
        confirmed=True,
        source=ConsentSource.CHANNEL.value,
        wording=record.wording,
        decided_at=record.decided_at,
        received_at=now,
        channel=identity.channel,
    )


def _read_address(record: ConsentRecord, region: str | None) -> str | None:
    return None if record.address is None else normalize_address(record.purpose, record.address, region)


def _bound_time(one: ReportedConsent, error: timedelta, now: datetime) -> tuple[datetime, datetime]:
    """Return between which times it was decided. Nothing is later than its arrival."""
    at = one.record.decided_at
    if at is None:
        return one.unseen_at or EPOCH, now
    return at - error, min(at + error, now)


PURPOSES_OF_PERSON = (ConsentPurpose.MARKETING_POST, ConsentPurpose.PROFILING)
"""Purposes that are about no address."""

"""Recording of consents that channels report: a fact for every change of what a record shows (rule C10)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from gateway.commerce.config import SellingConfig
from gateway.commerce.consents.addresses import normalize_address
from gateway.commerce.consents.shown_decisions import Key, ShownDecision, find_shown_decisions
from gateway.commerce.customers.config import CustomerConfig
from gateway.commerce.privacy.suppression import drop_denied
from gateway.model.channels import PushState
from gateway.model.customers.consents import ConsentPurpose, ConsentSource
from gateway.model.ids import generate_id
from gateway.sdk.consents import ConsentRecord
from gateway.storage.database import Connection
from gateway.storage.tables import EPOCH
from gateway.storage.writes.customers import consent_pushes, consents
from gateway.storage.writes.customers.consent_pushes import ConsentPushRow
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
    conn: Connection, reported: Sequence[ReportedConsent], selling: SellingConfig, now: datetime
) -> list[FactRow]:
    """Store what channels report as facts, unless it is what they showed last, or what the gateway sent to them, or
    an erased customer may have denied it since. Returns the facts.
    """
    config = selling.customers
    shown = find_shown_decisions(conn, {one.identity.id for one in reported})
    consent_pushes.mark_shown(conn, [push for one in reported if (push := _find_echo(one, shown, config)) is not None])
    new = [one for one in reported if _is_new(one, shown, config)]
    facts = drop_denied(conn, [_build_fact(one, config, now) for one in new], selling)
    consents.insert_facts(conn, facts)
    return facts


def _get_shown(
    one: ReportedConsent, shown: Mapping[Key, ShownDecision], config: CustomerConfig
) -> ShownDecision | None:
    address = _read_address(one.record, config.regions.get(one.identity.channel))
    return shown.get((one.identity.id, one.record.purpose.value, address))


def _is_new(one: ReportedConsent, shown: Mapping[Key, ShownDecision], config: CustomerConfig) -> bool:
    last, record = _get_shown(one, shown, config), one.record
    is_same = last is not None and (last.granted, last.decided_at) == (record.granted, record.decided_at)
    return not is_same and _find_echo(one, shown, config) is None


def _find_echo(
    one: ReportedConsent, shown: Mapping[Key, ShownDecision], config: CustomerConfig
) -> ConsentPushRow | None:
    """Find the push that a record shows: a denial where the channel has received one that it did not show yet."""
    last = _get_shown(one, shown, config)
    if last is None or last.push is None or not last.is_sent or one.record.granted or last.granted is False:
        return None
    return last.push._replace(state=PushState.IN_SYNC.value, is_shown=True, shown_at=one.record.decided_at)


def _build_fact(one: ReportedConsent, config: CustomerConfig, now: datetime) -> FactRow:
    identity, record = one.identity, one.record
    address = _read_address(record, config.regions.get(identity.channel))
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

"""Derivation of consents: the answers of customers from the facts of their identities (rule C10)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from gateway.commerce.consents.answers import PushedDenial, derive_consents
from gateway.model.channels import PushState
from gateway.model.customers.consents import (
    Consent,
    ConsentDecision,
    ConsentFact,
    ConsentPurpose,
    ConsentSource,
    ConsentState,
)
from gateway.storage.database import Connection
from gateway.storage.writes.customers import consent_pushes, consents, identities
from gateway.storage.writes.customers.consent_pushes import ConsentPushRow
from gateway.storage.writes.customers.consents import ConsentRow, FactRow, read_fact
from gateway.storage.writes.customers.identities import IdentityRow


def find_consents(
    conn: Connection, customer_ids: Collection[str], *, proved: bool = False
) -> Mapping[str, Sequence[Consent]]:
    """Find the answers of customers; `proved`: from what their login proves to be theirs (rule C7)."""
    members = identities.find_members(conn, customer_ids, proved=proved)
    owners = {row.id: row.proved_id if proved else row.customer_id for row in members}
    rows = consents.find_facts(conn, owners)
    denials = consents.find_denials(conn, {row.address for row in rows if row.address is not None and row.granted})
    pushed = _find_pushed(conn, members, owners)
    facts: dict[str, list[FactRow]] = defaultdict(list)
    for row in rows:
        facts[owners[row.identity_id]].append(row)
    return {
        id_: derive_consents(
            id_,
            [read_fact(row) for row in facts[id_]],
            _exclude(denials, facts[id_]),
            pushed.get(id_, ()),
            shows_others=not proved,
        )
        for id_ in customer_ids
    }


def _find_pushed(
    conn: Connection, members: Sequence[IdentityRow], owners: Mapping[str, str]
) -> Mapping[str, Sequence[PushedDenial]]:
    """Find the denials that were sent to channels, by customer."""
    channels = {row.id: row.channel for row in members}
    pushed: dict[str, list[PushedDenial]] = defaultdict(list)
    for push in consent_pushes.find_pushes(conn, channels):
        pushed[owners[push.identity_id]].append(_read_push(push, channels[push.identity_id]))
    return pushed


def _read_push(row: ConsentPushRow, channel: str) -> PushedDenial:
    decision = ConsentDecision(
        state=ConsentState.DENIED,
        source=ConsentSource(row.source),
        channel_key=channel,
        decided_at=row.decided_at,
        received_at=row.created_at,
        push=PushState(row.state),
    )
    return PushedDenial(ConsentPurpose(row.purpose), row.address, decision)


def _exclude(denials: Sequence[FactRow], own: Sequence[FactRow]) -> list[ConsentFact]:
    """Return the denials of others."""
    ids = {row.id for row in own}
    return [read_fact(row) for row in denials if row.id not in ids]


def refresh_consents(conn: Connection, customer_ids: Collection[str]) -> None:
    """Store anew what these customers allow, by which they are searched."""
    found = find_consents(conn, customer_ids)
    granted = [consent for answers in found.values() for consent in answers if consent.granted]
    rows = dict.fromkeys(ConsentRow(consent.customer_id, consent.purpose.value) for consent in granted)
    consents.store_consents(conn, customer_ids, rows)

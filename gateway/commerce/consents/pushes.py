"""Pushes of consents: a denial is sent to every channel that knows the customer or holds the address (rule C10).

Grants are not sent. What a channel shows after a push is no decision of its own: it has the time of the customer's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from gateway.commerce.config import SellingConfig
from gateway.commerce.consents.addresses import list_spellings
from gateway.commerce.consents.derivation import find_consents
from gateway.commerce.consents.shown_decisions import ShownDecision, find_shown_decisions
from gateway.commerce.context import SellingContext
from gateway.commerce.customers.identity_facts import build_key
from gateway.commerce.outbox.commands import EnqueuedKeys, OutboxCommand, enqueue
from gateway.commerce.outbox.results import CommandResult
from gateway.model.channels import PushState
from gateway.model.customers.consents import EMAIL_PURPOSES, PHONE_PURPOSES, ConsentPurpose
from gateway.model.customers.recognition import EvidenceKind
from gateway.model.ids import derive_id
from gateway.sdk.records import Ref
from gateway.sdk.writes import Command, SetConsent
from gateway.storage.database import Connection
from gateway.storage.outbox import Entry, OutboxState
from gateway.storage.writes.customers import consent_pushes, evidence, identities
from gateway.storage.writes.customers.consent_pushes import ConsentPushRow
from gateway.storage.writes.customers.consents import FactRow
from gateway.storage.writes.customers.identities import IdentityRow

CONSENT = "CONSENT"
"""Kind of what waits for the results of `SetConsent`."""


class Target(NamedTuple):
    """A customer in a channel who is to show a denial. `spelling`: the address as the channel has it."""

    fact: FactRow
    identity: IdentityRow
    address: str | None
    spelling: str | None

    @property
    def key(self) -> str:
        return derive_id("SetConsent", self.fact.id, self.identity.id, self.address or "")


def push_denials(
    conn: Connection, facts: Sequence[FactRow], config: SellingConfig, now: datetime, *, only_granted: bool = False
) -> EnqueuedKeys:
    """Send denials to the channels that do not show them.

    Args:
        only_granted: only to those that show a grant.
    """
    denials = [fact for fact in facts if not fact.granted]
    targets = _choose_new(conn, list(_list_targets(conn, denials, config)), only_granted=only_granted)
    consent_pushes.insert_pushes(conn, [_build_row(target, now) for target in targets])
    return enqueue(conn, [_build_command(target) for target in targets], now)


def _list_targets(conn: Connection, denials: Sequence[FactRow], config: SellingConfig) -> Iterator[Target]:
    """List the identities of those who denied, with all their addresses, and those who hold the same address."""
    own = identities.find_identities(conn, {fact.identity_id for fact in denials})
    members = identities.find_members(conn, {row.customer_id for row in own.values()})
    holders = _find_holders(conn, denials)
    for fact in denials:
        owner = own.get(fact.identity_id)
        for row in members if owner is not None else ():
            if owner is not None and row.customer_id == owner.customer_id:
                yield from _list_addresses(fact, row, config)
        for row in holders.get(fact.address or "", ()):
            yield from (one for one in _list_addresses(fact, row, config) if one.address == fact.address)


def _find_holders(conn: Connection, denials: Iterable[FactRow]) -> Mapping[str, Sequence[IdentityRow]]:
    """Find the identities that hold an address, by address."""
    keys = {key: fact.address or "" for fact in denials for key in _list_evidence_keys(fact)}
    rows = evidence.find_holders(conn, keys)
    found = identities.find_identities(conn, {row.identity_id for row in rows})
    holders: dict[str, list[IdentityRow]] = {}
    for row in rows:
        holders.setdefault(keys[row.key], []).append(found[row.identity_id])
    return holders


def _list_evidence_keys(fact: FactRow) -> Iterator[str]:
    purpose = ConsentPurpose(fact.purpose)
    if fact.address is not None and purpose in EMAIL_PURPOSES:
        yield build_key((EvidenceKind.EMAIL, fact.address))
    if fact.address is not None and purpose in PHONE_PURPOSES:
        yield build_key((EvidenceKind.MOBILE, fact.address))
        yield build_key((EvidenceKind.LANDLINE, fact.address))


def _list_addresses(fact: FactRow, row: IdentityRow, config: SellingConfig) -> Iterator[Target]:
    purpose, is_known = ConsentPurpose(fact.purpose), not row.gone and row.erased_at is None
    is_origin = row.id == fact.identity_id and fact.channel is not None
    if is_known and not is_origin and _can_store(row.channel, purpose, config):
        spellings = list_spellings(purpose, row, config.customers)
        yield from (Target(fact, row, address, spelling) for address, spelling in spellings.items())


def _can_store(channel: str, purpose: ConsentPurpose, config: SellingConfig) -> bool:
    traits = config.topology.traits.get(channel)
    return config.topology.can_execute(channel, SetConsent) and traits is not None and purpose in traits.consents


def _choose_new(conn: Connection, targets: Sequence[Target], *, only_granted: bool) -> Sequence[Target]:
    """Choose those whose channel does not show the denial, each identity and address once."""
    shown = find_shown_decisions(conn, {target.identity.id for target in targets})
    chosen: dict[tuple[str, str, str | None], Target] = {}
    for target in targets:
        about = (target.identity.id, target.fact.purpose, target.address)
        if _is_push_required(shown.get(about), only_granted=only_granted):
            chosen.setdefault(about, target)
    return list(chosen.values())


def _is_push_required(last: ShownDecision | None, *, only_granted: bool) -> bool:
    if last is None or last.granted is None:
        return not only_granted and not (last is not None and last.is_pending)
    return last.granted and not last.is_pending


def _build_row(target: Target, now: datetime) -> ConsentPushRow:
    return ConsentPushRow(
        key=target.key,
        identity_id=target.identity.id,
        purpose=target.fact.purpose,
        address=target.address,
        source=target.fact.source,
        decided_at=target.fact.decided_at or target.fact.received_at,
        state=PushState.QUEUED.value,
        is_shown=False,
        shown_at=None,
        created_at=now,
    )


def _build_command(target: Target) -> OutboxCommand:
    command = SetConsent(
        key=target.key,
        subject=Ref(target.identity.external_id),
        purpose=ConsentPurpose(target.fact.purpose),
        granted=False,
        address=target.spelling,
        decided_at=target.fact.decided_at or target.fact.received_at,
    )
    subject = f"customer:{target.identity.external_id}"
    about = f"{CONSENT}:{target.identity.id}"
    return OutboxCommand(channel=target.identity.channel, command=command, subject=subject, about=about)


def prepare_push(conn: Connection, entry: Entry, command: Command, context: SellingContext) -> Command | None:
    """Send a denial only while it is the answer: the customer may have agreed since."""
    push = consent_pushes.find_push(conn, entry.key)
    if push is None:  # its customer is erased here, and not in this channel
        return command
    if _is_granted(conn, push):
        consent_pushes.update_state(conn, entry.key, PushState.SUPPRESSED)
        return None
    return command


def _is_granted(conn: Connection, push: ConsentPushRow) -> bool:
    owner = identities.find_identities(conn, [push.identity_id]).get(push.identity_id)
    answers = [] if owner is None else find_consents(conn, [owner.customer_id])[owner.customer_id]
    return any(
        answer.granted and (answer.purpose.value, answer.address) == (push.purpose, push.address) for answer in answers
    )


def handle_result(conn: Connection, result: CommandResult, context: SellingContext) -> None:
    """Handle the result of a `SetConsent` command."""
    if result.done is not None:
        consent_pushes.update_state(conn, result.entry.key, PushState.ACCEPTED)
    elif result.state is OutboxState.DEAD:
        consent_pushes.update_state(conn, result.entry.key, PushState.FAILED)

"""Shown decisions: what channels showed last, whether they reported it or received it from the gateway (rule C10)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

from gateway.model.channels import PushState
from gateway.storage.database import Connection
from gateway.storage.writes.customers import consent_pushes, consents
from gateway.storage.writes.customers.consent_pushes import ConsentPushRow

Key = tuple[str, str, str | None]
"""An identity, a purpose and an address."""

_SENT = (PushState.ACCEPTED.value, PushState.FAILED.value, PushState.IN_SYNC.value)


class ShownDecision(NamedTuple):
    """What a channel showed last.

    Attributes:
        granted: None: it has shown nothing.
        decided_at: the time that it showed with it; None: none.
        push: a denial that the channel has received or is to receive, and does not show yet; None: there is none.
    """

    granted: bool | None
    decided_at: datetime | None
    seen_at: datetime
    push: ConsentPushRow | None = None

    @property
    def is_pending(self) -> bool:
        """Whether a denial is under way to the channel."""
        return self.push is not None and self.push.state in (PushState.QUEUED.value, PushState.ACCEPTED.value)

    @property
    def is_sent(self) -> bool:
        """Whether a denial that the channel shows now may be the one that was sent."""
        return self.push is not None and self.push.state in _SENT


def find_shown_decisions(conn: Connection, identity_ids: Collection[str]) -> Mapping[Key, ShownDecision]:
    """Find what channels showed last, by identity, purpose and address."""
    facts = [fact for fact in consents.find_facts(conn, identity_ids) if fact.channel is not None]
    shown = {
        (fact.identity_id, fact.purpose, fact.address): ShownDecision(fact.granted, fact.decided_at, fact.received_at)
        for fact in facts
    }
    for push in consent_pushes.find_pushes(conn, identity_ids):
        key = (push.identity_id, push.purpose, push.address)
        shown[key] = _apply_push(shown.get(key), push)
    return shown


def _apply_push(last: ShownDecision | None, push: ConsentPushRow) -> ShownDecision:
    if last is not None and last.seen_at > push.created_at:
        return last
    if push.is_shown:
        return ShownDecision(granted=False, decided_at=push.shown_at, seen_at=push.created_at)
    if last is None:
        return ShownDecision(granted=None, decided_at=None, seen_at=push.created_at, push=push)
    return last._replace(push=push)

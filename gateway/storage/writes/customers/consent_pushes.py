"""Writes of denials that channels receive."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.channels import PushState
from gateway.storage.sql.bulk import BulkSelect, build_insert_new, build_update
from gateway.storage.tables import consent_pushes


class ConsentPushRow(NamedTuple):
    """A row of `consent_pushes`."""

    key: str
    identity_id: str
    purpose: str
    address: str | None
    source: str
    decided_at: datetime
    state: str
    is_shown: bool
    shown_at: datetime | None
    created_at: datetime


_by_identity = BulkSelect(sa.select(consent_pushes), consent_pushes.c.identity_id)
_by_key = BulkSelect(sa.select(consent_pushes), consent_pushes.c.key)
_insert = build_insert_new(consent_pushes, ConsentPushRow._fields)
_update_shown = build_update(consent_pushes, ("key", "state", "is_shown", "shown_at"), key="key")


def insert_pushes(conn: Connection, rows: Iterable[ConsentPushRow]) -> None:
    """Insert pushes; those with an existing key are skipped."""
    _insert.run(conn, rows)


def find_pushes(conn: Connection, identity_ids: Collection[str]) -> list[ConsentPushRow]:
    """Find the pushes to identities, oldest first."""
    rows = [ConsentPushRow(*row) for row in _by_identity.select(conn, identity_ids)]
    return sorted(rows, key=lambda row: (row.created_at, row.key))


def find_push(conn: Connection, key: str) -> ConsentPushRow | None:
    """Find a push by the key of its command."""
    return next((ConsentPushRow(*row) for row in _by_key.select(conn, [key])), None)


def update_state(conn: Connection, key: str, state: PushState) -> None:
    """Store the state of a push, unless the channel shows it, or it was suppressed."""
    open_ = consent_pushes.c.state.not_in([PushState.IN_SYNC.value, PushState.SUPPRESSED.value])
    changed = sa.update(consent_pushes).where(consent_pushes.c.key == key, open_)
    conn.execute(changed.values(state=state.value))


def mark_shown(conn: Connection, rows: Iterable[ConsentPushRow]) -> None:
    """Store that the channel shows pushes."""
    _update_shown.run(conn, rows)

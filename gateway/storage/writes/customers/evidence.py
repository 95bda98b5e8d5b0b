"""Writes of evidence: the values by which identities are recognized, and how many hold each of them (rules C2, C4).

One transaction at a time changes evidence (`lock_recognition`): groups are connected over values that neither of two
transactions changes, so that locks of their own values would not be enough.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.database import is_sqlite
from gateway.storage.sql.bulk import (
    BulkSelect,
    build_delete,
    build_insert,
    build_upsert,
)
from gateway.storage.tables import evidence_keys, evidence_names, identity_evidence


class EvidenceRow(NamedTuple):
    """A row of `identity_evidence`."""

    key: str
    identity_id: str
    verified: bool
    given_name: str
    holder: str


class KeyRow(NamedTuple):
    """A row of `evidence_keys`: how many hold this value, and with how many different given names."""

    key: str
    holders: int
    given_names: int


class _NameRow(NamedTuple):
    name_key: str
    holders: int


_by_identity = BulkSelect(sa.select(identity_evidence), identity_evidence.c.identity_id)
_by_key = BulkSelect(sa.select(identity_evidence), identity_evidence.c.key)
_keys = BulkSelect(sa.select(evidence_keys), evidence_keys.c.key)
_by_holder = BulkSelect(
    sa.select(identity_evidence).where(identity_evidence.c.holder != identity_evidence.c.identity_id),
    identity_evidence.c.holder,
)
_names = BulkSelect(sa.select(evidence_names), evidence_names.c.name_key)
_insert = build_insert(identity_evidence, EvidenceRow._fields)
_delete = build_delete(identity_evidence, ("key", "identity_id"))
_upsert_key = build_upsert(evidence_keys, KeyRow._fields, key="key")
_upsert_name = build_upsert(evidence_names, _NameRow._fields, key="name_key")
_delete_name = build_delete(evidence_names, ("name_key",))


_LOCK = 7_204_113_005


def lock_recognition(conn: Connection) -> None:
    """Let no other transaction change evidence, decisions or groups until this one has ended."""
    if not is_sqlite(conn):
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))


def find_evidence(conn: Connection, identity_ids: Collection[str]) -> list[EvidenceRow]:
    """Find the evidence of identities."""
    return [EvidenceRow(*row) for row in _by_identity.select(conn, identity_ids)]


def find_holders(conn: Connection, keys: Collection[str]) -> list[EvidenceRow]:
    """Find the evidence with these keys."""
    return [EvidenceRow(*row) for row in _by_key.select(conn, keys)]


def find_keys(conn: Connection, keys: Collection[str]) -> Mapping[str, KeyRow]:
    """Find how many hold each of these keys."""
    return {row.key: KeyRow(*row) for row in _keys.select(conn, keys)}


def replace_evidence(
    conn: Connection, before: Collection[EvidenceRow], after: Collection[EvidenceRow]
) -> tuple[Mapping[str, KeyRow], Mapping[str, KeyRow]]:
    """Replace evidence of identities. Returns how many held, and hold now, each key that either of it has."""
    former, new = set(before), set(after)
    removed, added = former - new, new - former
    contacts = {row.holder for row in removed | added if row.holder != row.identity_id}
    others = ({EvidenceRow(*row) for row in _by_holder.select(conn, contacts)} | former & new) - removed
    _delete.run(conn, sorted(removed))
    _insert.run(conn, sorted(added))
    changes = _count_changes(others | removed, others | added)
    names = {row.key for row in former | new}
    keys = {key: KeyRow(key, 0, 0) for key in names} | dict(find_keys(conn, names))
    return keys, _store_counts(conn, keys, changes)


def _count_changes(before: Iterable[EvidenceRow], after: Iterable[EvidenceRow]) -> Mapping[tuple[str, str], int]:
    """Count by how many the holders of each key with each given name grow. Guests with one contact are one holder."""
    changes = Counter((key, given_name) for key, given_name, _ in _list_holders(after))
    changes.subtract((key, given_name) for key, given_name, _ in _list_holders(before))
    return {name: change for name, change in changes.items() if change}


def _list_holders(rows: Iterable[EvidenceRow]) -> set[tuple[str, str, str]]:
    return {(row.key, row.given_name, row.holder) for row in rows}


def _store_counts(
    conn: Connection, keys: Mapping[str, KeyRow], changes: Mapping[tuple[str, str], int]
) -> Mapping[str, KeyRow]:
    before = {row.name_key: row.holders for row in _names.select(conn, map(_build_name_key, changes))}
    after = {name: before.get(_build_name_key(name), 0) + change for name, change in changes.items()}
    _upsert_name.run(conn, [_NameRow(_build_name_key(name), count) for name, count in after.items() if count > 0])
    _delete_name.run(conn, [_NameRow(_build_name_key(name), 0) for name, count in after.items() if count <= 0])
    holders, names = Counter[str](), Counter[str]()
    for (key, given_name), change in changes.items():
        holders[key] += change
        is_named = given_name != ""  # without a name, holders are not different ones
        names[key] += is_named * (
            (after[key, given_name] > 0) - (before.get(_build_name_key((key, given_name)), 0) > 0)
        )
    rows = {key: KeyRow(key, row.holders + holders[key], row.given_names + names[key]) for key, row in keys.items()}
    _upsert_key.run(conn, [row for key, row in rows.items() if row != keys[key]])
    return rows


def _build_name_key(name: tuple[str, str]) -> str:
    return "\t".join(name)

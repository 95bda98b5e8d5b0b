"""Writes of decisions about customers, and of reviews that ask for one (rule C5)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.sql.bulk import (
    BulkSelect,
    build_delete,
    build_insert,
    build_insert_new,
    build_update,
    delete_by_keys,
    load_json,
)
from gateway.storage.tables import (
    customer_decision_members,
    customer_decisions,
    customer_review_members,
    customer_reviews,
)


@dataclass(slots=True)
class DecisionRow:
    """A row of `customer_decisions`. `left_ids`, `right_ids`: JSON lists of identities."""

    id: str
    number: int
    merge_id: str
    kind: str
    left_ids: str
    right_ids: str
    proved: bool
    rule: str
    actor: str
    note: str | None
    review_id: str | None
    decided_at: datetime
    undone_at: datetime | None = None
    undone_by: str | None = None
    undone_note: str | None = None


@dataclass(slots=True)
class ReviewRow:
    """A row of `customer_reviews`. `key`: by which a suggestion is found again."""

    id: str
    key: str
    state: str
    reason: str
    evidence: str
    created_at: datetime
    merge_id: str | None = None
    decided_at: datetime | None = None
    decided_by: str | None = None


class _Member(NamedTuple):
    identity_id: str
    decision_id: str


class ReviewMember(NamedTuple):
    """A row of `customer_review_members`."""

    identity_id: str
    review_id: str


_decision_columns = [customer_decisions.c[field.name] for field in fields(DecisionRow)]
_by_member = BulkSelect(
    sa.select(*_decision_columns)
    .join(customer_decision_members, customer_decision_members.c.decision_id == customer_decisions.c.id)
    .distinct(),
    customer_decision_members.c.identity_id,
)
_by_merge = BulkSelect(sa.select(*_decision_columns), customer_decisions.c.merge_id, locked_by=customer_decisions.c.id)
_last_number = sa.select(sa.func.max(customer_decisions.c.number))
_insert_decision = build_insert(customer_decisions, [field.name for field in fields(DecisionRow)])
_insert_member = build_insert_new(customer_decision_members, _Member._fields)
_undo = build_update(customer_decisions, ("id", "undone_at", "undone_by", "undone_note"))

_review_columns = [customer_reviews.c[field.name] for field in fields(ReviewRow)]
_reviews_by_member = BulkSelect(
    sa.select(*_review_columns)
    .join(customer_review_members, customer_review_members.c.review_id == customer_reviews.c.id)
    .distinct(),
    customer_review_members.c.identity_id,
)
_reviews_by_id = BulkSelect(sa.select(*_review_columns), customer_reviews.c.id, locked_by=customer_reviews.c.id)
_reviews_by_key = BulkSelect(sa.select(*_review_columns), customer_reviews.c.key)
_members_by_review = BulkSelect(sa.select(customer_review_members), customer_review_members.c.review_id)
_insert_review, _update_review = (
    build(customer_reviews, [field.name for field in fields(ReviewRow)]) for build in (build_insert, build_update)
)
_insert_review_member = build_insert_new(customer_review_members, ReviewMember._fields)
_delete_review_member = build_delete(customer_review_members, ReviewMember._fields)


def find_decisions(conn: Connection, identity_ids: Collection[str]) -> list[DecisionRow]:
    """Find the decisions about these identities, undone ones too, in their order."""
    rows = [DecisionRow(*row) for row in _by_member.select(conn, identity_ids)]
    return sorted(rows, key=lambda row: row.number)


def list_members(row: DecisionRow) -> list[str]:
    """List the identities that a decision names."""
    return [*load_json(row.left_ids), *load_json(row.right_ids)]


def lock_merge(conn: Connection, merge_id: str) -> list[DecisionRow]:
    """Return the decisions that were made together, locked, in their order."""
    rows = [DecisionRow(*row) for row in _by_merge.select(conn, [merge_id])]
    return sorted(rows, key=lambda row: row.number)


def take_next_number(conn: Connection) -> int:
    """Return the number of the next decision. Another transaction that takes it too is retried."""
    return (conn.scalar(_last_number) or 0) + 1


def insert_decisions(conn: Connection, rows: Sequence[DecisionRow], members: Iterable[tuple[str, str]]) -> None:
    """Insert decisions. `members`: (identity, decision)."""
    _insert_decision.run(conn, rows)
    _insert_member.run(conn, [_Member(*member) for member in members])


def undo_decisions(conn: Connection, rows: Iterable[DecisionRow]) -> None:
    """Store that decisions are undone."""
    _undo.run(conn, rows)


def find_reviews(conn: Connection, identity_ids: Collection[str]) -> list[ReviewRow]:
    """Find the reviews of these identities."""
    return [ReviewRow(*row) for row in _reviews_by_member.select(conn, identity_ids)]


def find_reviews_by_key(conn: Connection, keys: Collection[str]) -> list[ReviewRow]:
    """Find reviews by the keys of their suggestions."""
    return [ReviewRow(*row) for row in _reviews_by_key.select(conn, keys)]


def lock_review(conn: Connection, review_id: str) -> ReviewRow | None:
    """Return a review, locked."""
    rows = _reviews_by_id.select(conn, [review_id])
    return ReviewRow(*rows[0]) if rows else None


def find_members(conn: Connection, review_ids: Collection[str]) -> list[ReviewMember]:
    """Find the identities of reviews."""
    return [ReviewMember(*row) for row in _members_by_review.select(conn, review_ids)]


def store_reviews(conn: Connection, new: Sequence[ReviewRow], changed: Sequence[ReviewRow]) -> None:
    """Insert and update reviews."""
    _insert_review.run(conn, new)
    _update_review.run(conn, changed)


def replace_members(conn: Connection, review_ids: Collection[str], members: Iterable[ReviewMember]) -> None:
    """Replace the identities of reviews."""
    delete_by_keys(conn, customer_review_members.c.review_id, review_ids)
    _insert_review_member.run(conn, members)
